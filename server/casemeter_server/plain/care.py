"""Trying the rules on a plain request: one compiled pass from its bytes to the clauses that it breaks.

The request was found plain by :mod:`casemeter_server.plain.request` and its charges by
:mod:`casemeter_server.plain.charges`; what they checked is not checked again. Codes are compared where they
lie in the bytes. What is read here mirrors :mod:`casemeter_server.care` and :mod:`casemeter_rules.recorded`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_rules.checks import VALUES
from casemeter_rules.codes import Space
from casemeter_rules.compiled.layout import CODE_WIDTH, ENTRY_WIDTH
from casemeter_rules.facts import Diagnosis, Item, Procedure
from casemeter_rules.kernel import Broken, Mapped, Recorded, decide
from casemeter_rules.kind import IN_CASE, Position
from casemeter_rules.recorded import Entry
from casemeter_server.plain.calendar import local_day
from casemeter_server.plain.charges import read_quantity
from casemeter_server.plain.wire import read_field, read_signed, read_time, tags

_SEX, _WAY, _DIAGNOSES, _PROCEDURES, _CHARGES = tags(
    pb.Encounter, "sex", "discharge_way", "diagnoses", "procedures", "charges"
)
(_DIAGNOSIS_CODE,) = tags(pb.Diagnosis, "code")
_PROCEDURE_CODE, _START = tags(pb.Procedure, "code", "start_time")
(_LINES,) = tags(charges_pb2.Charges, "lines")
_ID, _TIME, _ITEM, _AMOUNT, _REVERSES, _QUANTITY = tags(
    charges_pb2.ChargeLine, "id", "time", "item", "amount_fen", "reverses", "quantity"
)

_VALUE_COUNT: Final = len(VALUES)
_DIAGNOSIS, _PROCEDURE, _ITEM_SPACE = (int(space) for space in Space)
_FIRST, _OTHER, _BOTH = int(Position.PRINCIPAL), int(Position.OTHER), int(IN_CASE)
_UNKNOWN: Final = -1
_ONCE: Final = 10_000
_SEX_AT, _VISIT_AT, _INSURANCE_AT, _WAY_AT = (
    tuple(VALUES).index(name) for name in ("sex", "visit_kind", "insurance", "discharge_way")
)
_SEXES: Final = np.array([_UNKNOWN, *(VALUES["sex"].index(name) for name in ("M", "F"))], np.int64)
_INPATIENT: Final = VALUES["visit_kind"].index("inpatient")
_WAYS: Final = np.array(
    [
        VALUES["discharge_way"].index(str(way)) if str(way) in VALUES["discharge_way"] else _UNKNOWN
        for way in range(max(pb.DischargeWay.values()) + 1)
    ],
    np.int64,
)
_UPPER_A, _LOWER_A, _LOWER_Z = ord("A"), ord("a"), ord("z")
# What str.split takes for blanks: tab to carriage return, the four separators, and the blank itself.
_TAB, _RETURN, _FIRST_SEPARATOR, _BLANK = 0x09, 0x0D, 0x1C, 0x20

_CODES, _ENTRIES = range(2)
"""What is counted while reading."""


# An entry in the request: its place in its list, and where its number (id) lies; a line, besides, its amount.
_AT, _ID_AT, _ID_END, _FEN = range(4)
_REF_WIDTH: Final = 4


class PlainCare:
    """A plain request as rules see it. Lives as long as its call."""

    def __init__(
        self,
        data: bytes,
        encounter: tuple[int, int],
        as_of: float,
        offsets: NDArray[np.int64],
        numbers: NDArray[np.float64],
        insurance: str | None,
        phase: int,
    ) -> None:
        """Take what there is to know.

        Args:
            data: the bytes of the request.
            encounter: first byte and end of its encounter.
            as_of: in seconds since 1970.
            offsets: the zone, see :func:`~casemeter_server.plain.calendar.offsets_of`.
            numbers: of the stay, by place in :data:`~casemeter_rules.checks.NUMBERS`.
            insurance: kind of insurance; ``None``: unknown.
            phase: bit of the phase.
        """
        kinds = VALUES["insurance"]
        self._data = data
        self._insurance = kinds.index(insurance) if insurance in kinds else _UNKNOWN
        self._known = (*encounter, as_of, offsets, numbers)
        self.phase = phase
        self.day = int(local_day(as_of, offsets))

    def decide(self, mapped: Mapped) -> Broken:
        """Try the rules of a pack."""
        self._text, self._codes, self._entries, self._refs, *broken = _try(
            self._data, *self._known, self._insurance, self.phase, self.day, mapped.body, mapped.places
        )
        return Broken(*broken)

    def entry(self, at: int) -> Entry:
        """Return what is recorded, by its number: as much of it as a finding tells."""
        start, length, space, _ = self._codes[self._entries[at, 0]].tolist()
        place, first, end, _ = self._refs[at].tolist()
        code = self._text[start : start + length].tobytes().decode()
        if space == Space.DIAGNOSIS:
            return Diagnosis(code, f"encounter.diagnoses[{place}]")
        if space == Space.PROCEDURE:
            return Procedure(code, f"encounter.procedures[{place}]")
        return Item(code, f"encounter.charges.lines[{place}]", self._data[first:end].decode())


@njit(cache=True, nogil=True)
def _minute(moment, offsets):  # type: ignore[no-untyped-def]
    """Return local minutes since 1970."""
    second = int(np.floor(moment))
    row = offsets.shape[0] - 1
    while row > 0 and second < offsets[row, 0]:
        row -= 1
    return (second + offsets[row, 1]) // 60


@njit(cache=True, nogil=True)
def _number(data, at, end, space, text, codes, counts):  # type: ignore[no-untyped-def]
    """Return the number of a code of ASCII among those met; -1: nothing of it is left without blanks."""
    start = length = 0
    count = counts[_CODES]
    if count:
        start = codes[count - 1, 0] + codes[count - 1, 1]
    for place in range(at, end):
        byte = data[place]
        if space == _ITEM_SPACE:
            # As normalise_item writes it. Codes of the others are known as they are written.
            if byte <= _BLANK and (byte >= _FIRST_SEPARATOR or _TAB <= byte <= _RETURN):
                continue
            if _LOWER_A <= byte <= _LOWER_Z:
                byte -= _LOWER_A - _UPPER_A
        text[start + length] = byte
        length += 1
    if length == 0:
        return -1
    for number in range(count):
        if codes[number, 2] == space and codes[number, 1] == length:
            other = codes[number, 0]
            place = 0
            while place < length and text[start + place] == text[other + place]:
                place += 1
            if place == length:
                return number
    codes[count, 0], codes[count, 1], codes[count, 2], codes[count, 3] = start, length, space, 1
    counts[_CODES] += 1
    return count


@njit(cache=True, nogil=True)
def _code_and_time(data, at, end, code_tag, time_tag):  # type: ignore[no-untyped-def]
    """Return where the code of a diagnosis or a procedure lies, and its time (0: none)."""
    first = stop = 0
    moment = 0.0
    while at < end:
        tag, value, at = read_field(data, at, end)
        if tag == code_tag:
            first, stop = value, at
        elif tag == time_tag:
            moment = read_time(data, value, at)
    return first, stop, moment


@njit(cache=True, nogil=True)
def _lines(data, at, end, as_of, offsets, text, codes, entries, refs, counts):  # type: ignore[no-untyped-def]
    """Record the items of charges."""
    first_entry = counts[_ENTRIES]
    undone = np.empty((len(entries), 4), np.int64)
    reversals = line = 0
    while at < end:
        if data[at] != _LINES:
            tag, value, at = read_field(data, at, end)
            continue
        tag, inner, at = read_field(data, at, end)
        stop = at
        item = item_end = id_at = id_end = other = other_end = 0
        quantity = _UNKNOWN
        amount = 0
        moment = 0.0
        while inner < stop:
            if data[inner] == _AMOUNT:
                amount, inner = read_signed(data, inner + 1, stop)
                continue
            tag, value, inner = read_field(data, inner, stop)
            if tag == _ITEM:
                item, item_end = value, inner
            elif tag == _ID:
                id_at, id_end = value, inner
            elif tag == _REVERSES:
                other, other_end = value, inner
            elif tag == _TIME:
                moment = read_time(data, value, inner)
            elif tag == _QUANTITY:
                quantity = read_quantity(data, value, inner)
        if moment > as_of:
            pass  # it is not counted yet, nor is what it undoes
        elif other < other_end:
            row = undone[reversals]
            row[0], row[1], row[2], row[3] = other, other_end, amount, quantity
            reversals += 1
        elif item < item_end:
            number = _number(data, item, item_end, _ITEM_SPACE, text, codes, counts)
            if number >= 0:
                entry, ref = entries[counts[_ENTRIES]], refs[counts[_ENTRIES]]
                entry[0], entry[1], entry[3] = number, _BOTH, quantity
                entry[2] = _minute(moment, offsets) if moment > 0 else _UNKNOWN
                ref[_AT], ref[_ID_AT], ref[_ID_END], ref[_FEN] = line, id_at, id_end, amount
                counts[_ENTRIES] += 1
        line += 1
    if reversals:
        end = counts[_ENTRIES]
        counts[_ENTRIES] = _undo(data, undone[:reversals], entries, refs, first_entry, end)


@njit(cache=True, nogil=True)
def _undo(data, undone, entries, refs, first, end):  # type: ignore[no-untyped-def]
    """Take what was undone off its lines, and out what is undone whole; return the end of the entries."""
    kept = first
    for at in range(first, end):
        id_at, id_end, whole = refs[at, _ID_AT], refs[at, _ID_END], refs[at, _FEN]
        taken = quantity = 0
        met = False
        for row in undone:
            if row[1] - row[0] != id_end - id_at:
                continue
            place = 0
            while place < id_end - id_at and data[id_at + place] == data[row[0] + place]:
                place += 1
            if place == id_end - id_at:
                met = True
                taken += row[2]
                quantity = _UNKNOWN if quantity < 0 or row[3] < 0 else quantity + row[3]
        if met and whole > 0 and whole + taken <= 0:
            continue
        entries[kept], refs[kept] = entries[at], refs[at]
        if met:
            own = entries[at, 3]
            entries[kept, 3] = _UNKNOWN if own < 0 or quantity < 0 else own - quantity
        kept += 1
    return kept


@njit(cache=True, nogil=True)
def _entries(data, at, end):  # type: ignore[no-untyped-def]
    """Return how many entries an encounter has at most."""
    count = 0
    while at < end:
        tag, value, at = read_field(data, at, end)
        if tag in (_DIAGNOSES, _PROCEDURES):
            count += 1
        elif tag == _CHARGES:
            while value < at:
                tag, _, value = read_field(data, value, at)
                count += tag == _LINES
    return count


@njit(cache=True, nogil=True)
def _try(  # type: ignore[no-untyped-def]
    data, at, end, as_of, offsets, numbers, insurance, phase, day, body, places
):
    """Record a plain encounter and try the rules on it."""
    room = _entries(data, at, end)
    text = np.empty(end - at, np.uint8)
    codes = np.empty((room, CODE_WIDTH), np.int64)
    entries = np.empty((room, ENTRY_WIDTH), np.int64)
    refs = np.zeros((room, _REF_WIDTH), np.int64)
    values = np.full(_VALUE_COUNT, _UNKNOWN, np.int64)
    values[_VISIT_AT], values[_INSURANCE_AT] = _INPATIENT, insurance
    counts = np.zeros(2, np.int64)
    diagnoses = procedures = 0
    items_known = False
    while at < end:
        tag, value, at = read_field(data, at, end)
        if tag == _SEX:
            values[_SEX_AT] = _SEXES[value]
        elif tag == _WAY:
            values[_WAY_AT] = _WAYS[value]
        elif tag == _DIAGNOSES:
            first, stop, _ = _code_and_time(data, value, at, _DIAGNOSIS_CODE, 0)
            number = _number(data, first, stop, _DIAGNOSIS, text, codes, counts)
            entry = entries[counts[_ENTRIES]]
            entry[0], entry[1], entry[2], entry[3] = number, _OTHER if diagnoses else _FIRST, _UNKNOWN, _ONCE
            refs[counts[_ENTRIES], _AT] = diagnoses
            diagnoses += 1
            counts[_ENTRIES] += 1
        elif tag == _PROCEDURES:
            first, stop, moment = _code_and_time(data, value, at, _PROCEDURE_CODE, _START)
            number = _number(data, first, stop, _PROCEDURE, text, codes, counts)
            entry = entries[counts[_ENTRIES]]
            entry[0], entry[1], entry[3] = number, _OTHER if procedures else _FIRST, _ONCE
            entry[2] = _minute(moment, offsets) if moment > 0 else _UNKNOWN
            refs[counts[_ENTRIES], _AT] = procedures
            procedures += 1
            counts[_ENTRIES] += 1
        elif tag == _CHARGES:
            items_known = True
            _lines(data, value, at, as_of, offsets, text, codes, entries, refs, counts)
    met, own = codes[: counts[_CODES]], entries[: counts[_ENTRIES]]
    recorded = Recorded(text, met, own, numbers, values, phase, day, items_known)
    broken = decide(Mapped(body, places), recorded)
    return (text, codes, entries, refs, *broken)
