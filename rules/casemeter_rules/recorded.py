"""From a stay to what the kernel reads: the bytes of its codes, and numbers."""

from __future__ import annotations

from typing import Final

import numpy as np

from casemeter_rules.checks import NUMBERS, VALUES
from casemeter_rules.codes import Space
from casemeter_rules.compiled.compiler import PHASE_BITS
from casemeter_rules.compiled.layout import CODE_WIDTH, ENTRY_WIDTH
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Phase, Procedure, Stay
from casemeter_rules.kernel import Recorded
from casemeter_rules.kind import IN_CASE, Position

UNUSABLE: Final = "?"
"""Begins a code that no dictionary knows."""

Entry = Diagnosis | Procedure | Item

_POSITIONS: Final = {
    "principal": int(Position.PRINCIPAL),
    "other": int(Position.OTHER),
    "": int(Position.ASIDE),
}
_IN_CASE: Final = int(IN_CASE)
_ASIDE: Final = int(Position.ASIDE)
_UNKNOWN: Final = -1
_ONCE: Final = 10_000
_BY_VALUE: Final = [(fact, {value: at for at, value in enumerate(values)}) for fact, values in VALUES.items()]


def entries_of(stay: Stay) -> list[Entry]:
    """Return everything recorded with a code, in the order in which the kernel numbers it."""
    return [*stay.diagnoses, *stay.procedures, *(item for item in stay.items or () if item.code)]


def recorded(stay: Stay, phase: Phase, entries: list[Entry]) -> Recorded:
    """Return what the kernel reads of a stay.

    Args:
        stay: the stay.
        phase: the moment of care.
        entries: of :func:`entries_of`.
    """
    numbers: dict[tuple[int, str], int] = {}
    rows: list[int] = []
    procedures = 0
    for entry in entries:
        if isinstance(entry, Item):
            number = numbers.setdefault((2, entry.code), len(numbers))
            minute = _UNKNOWN if entry.minute is None else entry.minute
            quantity = _UNKNOWN if entry.quantity is None else entry.quantity
            rows += (number, _ASIDE if entry.self_paid else _IN_CASE, minute, quantity)
        elif isinstance(entry, Diagnosis):
            number = numbers.setdefault((0, entry.code), len(numbers))
            rows += (number, _POSITIONS[entry.role], _UNKNOWN, _ONCE)
        else:
            number = numbers.setdefault((1, entry.code), len(numbers))
            minute = _UNKNOWN if entry.start is None else entry.start
            rows += (number, int(Position.OTHER if procedures else Position.PRINCIPAL), minute, _ONCE)
            procedures += 1
    texts: list[bytes] = []
    codes: list[int] = []
    start = 0
    for space, code in numbers:
        text = code.encode()
        texts.append(text)
        codes += (start, len(text), space, space == Space.ITEM or not code.startswith(UNUSABLE))
        start += len(text)
    known = [getattr(stay, fact) for fact in NUMBERS]
    return Recorded(
        np.frombuffer(b"".join(texts) or b"\0", np.uint8),
        np.array(codes, np.int64).reshape(-1, CODE_WIDTH),
        np.array(rows, np.int64).reshape(-1, ENTRY_WIDTH),
        np.array([np.nan if number is None else number for number in known], np.float64),
        np.array([by_value.get(getattr(stay, fact), _UNKNOWN) for fact, by_value in _BY_VALUE], np.int64),
        PHASE_BITS[phase],
        stay.now // MINUTES_PER_DAY,
        stay.items is not None,
    )
