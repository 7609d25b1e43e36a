"""From a stay to what the kernel reads: the bytes of its codes, and numbers."""

from __future__ import annotations

from typing import Final

import numpy as np

from casemeter_rules.checks import NUMBERS, VALUES
from casemeter_rules.codes import Space
from casemeter_rules.compiled.compiler import PHASE_BITS
from casemeter_rules.compiled.layout import ENTRY_WIDTH
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Phase, Procedure, Stay
from casemeter_rules.kernel import Recorded
from casemeter_rules.kind import Position

UNUSABLE: Final = "?"
"""Begins a code that no dictionary knows."""

Entry = Diagnosis | Procedure | Item

_POSITIONS: Final = {"principal": Position.PRINCIPAL, "other": Position.OTHER, "": Position.ASIDE}
_UNKNOWN: Final = -1
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
    texts: list[bytes] = []
    rows: list[int] = []
    start = 0
    procedures = 0
    for entry in entries:
        text = entry.code.encode()
        texts.append(text)
        known = not entry.code.startswith(UNUSABLE)
        if isinstance(entry, Item):
            minute = _UNKNOWN if entry.minute is None else entry.minute
            day = _UNKNOWN if entry.minute is None else entry.minute // MINUTES_PER_DAY
            quantity = _UNKNOWN if entry.quantity is None else entry.quantity
            rows += (start, len(text), Space.ITEM, Position.PRINCIPAL, day, minute, quantity, 1)
        elif isinstance(entry, Diagnosis):
            position = _POSITIONS[entry.role]
            rows += (start, len(text), Space.DIAGNOSIS, position, _UNKNOWN, _UNKNOWN, _UNKNOWN, known)
        else:
            position = Position.OTHER if procedures else Position.PRINCIPAL
            procedures += 1
            rows += (start, len(text), Space.PROCEDURE, position, _UNKNOWN, _UNKNOWN, _UNKNOWN, known)
        start += len(text)
    numbers = [getattr(stay, fact) for fact in NUMBERS]
    return Recorded(
        np.frombuffer(b"".join(texts) or b"\0", np.uint8),
        np.array(rows, np.int64).reshape(-1, ENTRY_WIDTH),
        np.array([np.nan if number is None else number for number in numbers], np.float64),
        np.array([by_value.get(getattr(stay, fact), _UNKNOWN) for fact, by_value in _BY_VALUE], np.int64),
        PHASE_BITS[phase],
        stay.now // MINUTES_PER_DAY,
        stay.items is not None,
    )
