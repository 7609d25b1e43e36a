"""The reader of plain requests: one compiled pass over the bytes of a request, from the wire to the group.

Plain is a request that nothing has to be said about: every value in range, every time in order, every code
known as written, one stage of diagnoses, no explanation asked for. Of any other request the reader says "not
plain" and nothing else; faults, notes and the rest are the work of :mod:`casemeter_server.prepare` and
:mod:`casemeter_server.stay_facts`, which this mirrors. Fields must come in the order of their numbers, each
singular one once, as libraries write them; so each can be checked when it is met.

numba keeps compiled code until the file it stands in changes. Whoever changes something compiled that this
file uses, or a limit that stands elsewhere, must touch this file too.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp
from numba import njit
from numpy.typing import NDArray

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.verdict_pb2 import DerivedFacts, Verdict
from casemeter_grouper import stay
from casemeter_grouper.forecast.complication_counts import counts_of
from casemeter_grouper.kernel import Mapped, run_one
from casemeter_server.plain.calendar import date_of, day_number, day_of, local_day, read_date
from casemeter_server.plain.lookup import place_of
from casemeter_server.plain.wire import (
    LAST_MOMENT,
    is_ascii,
    read_double,
    read_field,
    read_time,
    tags,
    write_bytes,
    write_content,
    write_double,
    write_number,
)
from casemeter_server.prepare import MAX_CODE, MAX_ENTRIES, MAX_ID, MAX_NAME, PROVISIONAL
from casemeter_server.stay_facts import (
    EARLIEST,
    EARLIEST_AS_OF,
    LATEST,
    MAX_AGE_DAYS,
    MAX_AGE_YEARS,
    MAX_ICU_HOURS,
    MAX_WEIGHT_G,
    MIN_WEIGHT_G,
    seconds_since,
)

_CALL_ID, _PACK, _AS_OF, _ENCOUNTER, _EXPLAIN, _NEAR_MISSES = tags(
    EvaluateRequest, "call_id", "pack", "as_of", "encounter", "explain", "near_misses"
)
_ENCOUNTER_ID, _INSURANCE_TYPE, _BIRTH_DATE, _AGE, _ADMISSION_TIME, _DISCHARGE_TIME = tags(
    *(pb.Encounter, "encounter_id", "insurance_type", "birth_date", "age", "admission_time", "discharge_time")
)
_SEX, _DISCHARGE_WAY, _DIAGNOSIS_EDITION, _PROCEDURE_EDITION = tags(
    pb.Encounter, "sex", "discharge_way", "diagnosis_edition", "procedure_edition"
)
_DIAGNOSES, _PROCEDURES, _SEGMENTS, _ICU_HOURS, _NEWBORN, _CHARGES = tags(
    pb.Encounter, "diagnoses", "procedures", "segments", "icu_hours", "newborn", "charges"
)
_REPEATED: Final = (_DIAGNOSES, _PROCEDURES, _SEGMENTS)
_YEARS, _DAYS = tags(pb.Age, "years", "days")
_CODE, _KIND, _PHASE, _STATE, _CONDITION = tags(
    pb.Diagnosis, "code", "kind", "phase", "state", "admission_condition"
)
_PROCEDURE_CODE, _PROCEDURE_START, _PROCEDURE_END = tags(pb.Procedure, "code", "start_time", "end_time")
_DEPARTMENT, _INTENSIVE_CARE, _SEGMENT_START, _SEGMENT_END = tags(
    pb.Segment, "department", "intensive_care", "start_time", "end_time"
)
_BIRTH_WEIGHT, _ADMISSION_WEIGHT = tags(pb.Newborn, "birth_weight_g", "admission_weight_g")
_VERDICT_AS_OF, _VERDICT_FACTS = tags(Verdict, "as_of", "facts")
_SECONDS, _NANOS = tags(Timestamp, "seconds", "nanos")
_FACT_YEARS, _FACT_DAYS, _FACT_LOS, _FACT_ICU = tags(
    DerivedFacts, "age_years", "age_days", "los_days", "icu_hours"
)
_FACT_WEIGHT, _FACT_DEPARTMENT, _FACT_PHASE = tags(
    DerivedFacts, "birth_weight_g", "department", "diagnosis_phase"
)

_WESTERN: Final = int(pb.DIAGNOSIS_KIND_WESTERN)
_CONFIRMED: Final = int(pb.DIAGNOSIS_STATE_CONFIRMED)
_WORKING: Final = int(pb.DIAGNOSIS_PHASE_WORKING)
_GROUPING: Final = (int(pb.DIAGNOSIS_PHASE_ADMISSION), _WORKING, int(pb.DIAGNOSIS_PHASE_DISCHARGE))
_LAST_CONDITION: Final = max(pb.AdmissionCondition.values())
_INSURANCE_EDITION: Final = int(pb.CODE_EDITION_INSURANCE)
SEXES: Final = 3
"""Values of the enumeration."""

WAYS: Final = max(pb.DischargeWay.values()) + 1
"""Values of the enumeration, and those between them."""

NOT_PLAIN: Final = 0
OTHER_PACK: Final = -1
"""Instead of a leaf: the request is not plain; or it names a pack, and this scheme was not picked by name."""

ROOM: Final = 512
"""Bytes enough, twice over, for what is written of a verdict."""

_OPEN_FACTS: Final = np.frombuffer(
    DerivedFacts(provisional=sorted(PROVISIONAL)).SerializeToString(deterministic=True), np.uint8
)
_EARLIEST_AS_OF: Final = seconds_since(EARLIEST_AS_OF)
_LATEST: Final = seconds_since(LATEST)
_EARLIEST_BIRTH: Final = day_number(EARLIEST)
_HOUR: Final = 3600.0


class Known(NamedTuple):
    """What a scheme knows.

    Attributes:
        diagnoses: uint8, the codes of all diagnoses, in their order, one after the other.
        diagnosis_at: uint32, the place where each begins, and the end of the last.
        procedures: likewise.
        procedure_at: likewise.
        values: int32: the kernel's number of each sex, by :data:`SEXES`; of each way of leaving, by
            :data:`WAYS`, -1 where the contract has no such way; and of the departments.
        departments: uint8, one row of :data:`~casemeter_server.prepare.MAX_NAME` bytes for each department
            that the scheme asks for; NUL after its end.
    """

    diagnoses: NDArray[np.uint8]
    diagnosis_at: NDArray[np.uint32]
    procedures: NDArray[np.uint8]
    procedure_at: NDArray[np.uint32]
    values: NDArray[np.int32]
    departments: NDArray[np.uint8]


# The case as the kernel takes it: the number of diagnoses, three values, then the codes.
_SEX_AT, _WAY_AT, _DEPARTMENT_AT, _FIRST_CODE = range(1, 5)
# Its numbers.
_AGE_YEARS, _AGE_DAYS, _WEIGHT, _LOS, _ICU = range(5)
# Texts of the request, by first byte and end; after the named ones, the codes of the procedures.
_CALL_ID_AT, _PACK_AT, _AS_OF_AT, _DEPARTMENT_TEXT, _INSURANCE_AT, _CHARGES_AT, _FIRST_PROCEDURE = range(7)

_years_fit_days = njit(cache=True, nogil=True)(stay.years_fit_days)

# The functions below take few arrays, and return numbers rather than fill arrays: every array that is passed
# on has its references counted, which costs more than what most of these functions do.


@njit(cache=True, nogil=True)
def _number_of(data, at, end, codes, starts):  # type: ignore[no-untyped-def]
    """Return the number of a code among codes in order, from 1; 0: it is none of them, or too long."""
    if end - at > MAX_CODE:
        return 0
    return place_of(data, at, end, codes, starts, 0, starts.shape[0] - 1) + 1


@njit(cache=True, nogil=True)
def _diagnosis(data, at, end, codes, starts):  # type: ignore[no-untyped-def]
    """Return number and stage of an active western diagnosis; number 0: not plain."""
    number = 0
    phase = 0
    last = 0
    while at < end:
        tag, value, at = read_field(data, at, end)
        if tag <= last:
            return 0, 0
        last = tag
        if tag == _CODE:
            number = _number_of(data, value, at, codes, starts)
        elif tag == _PHASE:
            phase = value
        elif not (
            (tag == _KIND and value <= _WESTERN)
            or (tag == _STATE and value in (0, _CONFIRMED))
            or (tag == _CONDITION and value <= _LAST_CONDITION)
        ):
            return 0, 0
    phase = phase or _WORKING
    return (number, phase) if phase in _GROUPING else (0, 0)


@njit(cache=True, nogil=True)
def _procedure(data, at, end, discharge, codes, starts):  # type: ignore[no-untyped-def]
    """Return number, first byte and end of a procedure's code; number 0: not plain."""
    number = first = stop = 0
    began = 0.0
    last = 0
    while at < end:
        tag, value, at = read_field(data, at, end)
        if tag <= last:
            return 0, 0, 0
        last = tag
        if tag == _PROCEDURE_CODE:
            number = _number_of(data, value, at, codes, starts)
            first, stop = value, at
        elif tag == _PROCEDURE_START:
            began = read_time(data, value, at)
            if not 0 < began <= _LATEST or 0 < discharge < began:
                return 0, 0, 0
        elif tag == _PROCEDURE_END:
            ended = read_time(data, value, at)
            if not 0 < ended <= _LATEST or ended < began:
                return 0, 0, 0
        else:
            return 0, 0, 0
    return number, first, stop


@njit(cache=True, nogil=True)
def _segment(data, at, end, before, stay_end):  # type: ignore[no-untyped-def]
    """Read a segment that begins after the one before it.

    Returns:
        Its end in seconds (0: not plain), the seconds of intensive care, and the place of the department.
    """
    first = stop = intensive = 0
    began = 0.0
    ended = stay_end
    last = 0
    while at < end:
        tag, value, at = read_field(data, at, end)
        if tag <= last:
            return 0.0, 0.0, 0, 0
        last = tag
        if tag == _DEPARTMENT:
            if not _is_name(data, value, at, MAX_NAME):
                return 0.0, 0.0, 0, 0
            first, stop = value, at
        elif tag == _INTENSIVE_CARE and value <= 1:
            intensive = value
        elif tag == _SEGMENT_START:
            began = read_time(data, value, at)
        elif tag == _SEGMENT_END:
            ended = read_time(data, value, at)
        else:
            return 0.0, 0.0, 0, 0
    # Whatever is in this order is in range: the end of the stay is.
    if began == 0 or not before <= began <= ended <= stay_end:
        return 0.0, 0.0, 0, 0
    return ended, (ended - began if intensive else 0.0), first, stop


@njit(cache=True, nogil=True)
def _birth_weight(data, at, end):  # type: ignore[no-untyped-def]
    """Return the birth weight of a newborn; NaN: unknown; -1: not plain."""
    weight = np.nan
    last = 0
    while at < end:
        tag, value, at = read_field(data, at, end)
        if tag <= last or not MIN_WEIGHT_G <= value <= MAX_WEIGHT_G:
            return -1.0
        last = tag
        if tag == _BIRTH_WEIGHT:
            weight = float(value)
        elif tag != _ADMISSION_WEIGHT:
            return -1.0
    return weight


@njit(cache=True, nogil=True)
def _age(data, at, end):  # type: ignore[no-untyped-def]
    """Return age in years and in days; NaN: unknown; both -1: not plain."""
    years = days = -1
    last = 0
    while at < end:
        tag, value, at = read_field(data, at, end)
        if tag <= last:
            return -1.0, -1.0
        last = tag
        if tag == _YEARS and value <= MAX_AGE_YEARS:
            years = value
        elif tag == _DAYS and value <= MAX_AGE_DAYS:
            days = value
        else:
            return -1.0, -1.0
    if years >= 0 and days >= 0 and not _years_fit_days(years, days):
        return -1.0, -1.0
    if years < 0 and 0 <= days < 365:
        years = 0
    return float(years) if years >= 0 else np.nan, float(days) if days >= 0 else np.nan


@njit(cache=True, nogil=True)
def _age_on(year, month, day, today):  # type: ignore[no-untyped-def]
    """Return the age in years and in days of somebody born on a date; both -1: not plain."""
    born = day_of(year, month, day)
    if not _EARLIEST_BIRTH <= born <= today:
        return -1.0, -1.0
    this_year, this_month, this_day = date_of(today)
    before_birthday = (this_month, this_day) < (month, day)
    return float(this_year - year - before_birthday), float(today - born)


@njit(cache=True, nogil=True)
def _department_number(data, at, end, known):  # type: ignore[no-untyped-def]
    """Return the kernel's number of a department; 0: the scheme does not ask for it."""
    for row in range(known.departments.shape[0]):
        name = known.departments[row]
        place = 0
        while at + place < end and name[place] == data[at + place]:
            place += 1
        if 0 < place == end - at and (place == MAX_NAME or name[place] == 0):
            return known.values[SEXES + WAYS + row]
    return 0


@njit(cache=True, nogil=True)
def _is_name(data, at, end, limit):  # type: ignore[no-untyped-def]
    return end - at <= limit and is_ascii(data, at, end)


@njit(cache=True, nogil=True)
def _encounter(data, at, end, as_of, known, offsets, codes, numbers, texts):  # type: ignore[no-untyped-def]
    """Read an encounter into a case.

    Args:
        data: the bytes.
        at: first byte.
        end: place after the last.
        as_of: in seconds since 1970.
        known: what the scheme knows.
        offsets: the zone.
        codes: int32, filled with the case as the kernel takes it.
        numbers: float64, likewise.
        texts: int64, filled with the places of texts.

    Returns:
        The stage of the diagnoses (0: not plain), the number of procedures, whether the stay is open, the
        local day of discharge or else of ``as_of``, and the day of the stay that it is (0: unknown).
    """
    values = known.values
    diagnosis_codes, diagnosis_at = known.diagnoses, known.diagnosis_at
    procedure_codes, procedure_at = known.procedures, known.procedure_at
    year = month = day = phase = diagnoses = procedures = segments = 0
    admission = discharge = before = icu_seconds = 0.0
    last = 0
    while at < end:
        tag, value, at = read_field(data, at, end)
        if tag <= last and not (tag == last and tag in _REPEATED):
            return 0, 0, False, 0, 0
        last = tag
        plain = True
        if tag == _DIAGNOSES:
            number, own = _diagnosis(data, value, at, diagnosis_codes, diagnosis_at)
            plain = number > 0 and diagnoses < MAX_ENTRIES and phase in (0, own)
            phase = own
            if plain:
                codes[_FIRST_CODE + diagnoses] = number
                diagnoses += 1
        elif tag == _PROCEDURES:
            number, first, stop = _procedure(data, value, at, discharge, procedure_codes, procedure_at)
            plain = number > 0 and procedures < MAX_ENTRIES
            if plain:
                codes[_FIRST_CODE + diagnoses + procedures] = number
                texts[_FIRST_PROCEDURE + procedures, 0] = first
                texts[_FIRST_PROCEDURE + procedures, 1] = stop
                procedures += 1
        elif tag == _SEGMENTS:
            before, seconds, first, stop = _segment(
                data, value, at, before if segments else admission, discharge or as_of
            )
            plain = before > 0 and segments < MAX_ENTRIES
            segments += 1
            icu_seconds += seconds
            texts[_DEPARTMENT_TEXT, 0] = first
            texts[_DEPARTMENT_TEXT, 1] = stop
        elif tag == _ENCOUNTER_ID:
            plain = _is_name(data, value, at, MAX_ID)
        elif tag == _SEX:
            plain = value < SEXES
            codes[_SEX_AT] = values[value] if plain else 0
        elif tag == _BIRTH_DATE:
            year, month, day = read_date(data, value, at)
            plain = month > 0
        elif tag == _AGE:
            # Beside a date of birth it would take its place.
            numbers[_AGE_YEARS], numbers[_AGE_DAYS] = _age(data, value, at)
            plain = month == 0 and numbers[_AGE_YEARS] != -1
        elif tag == _ADMISSION_TIME:
            admission = read_time(data, value, at)
            plain = 0 < admission <= _LATEST
        elif tag == _DISCHARGE_TIME:
            discharge = read_time(data, value, at)
            plain = 0 < discharge <= _LATEST
        elif tag == _DISCHARGE_WAY:
            plain = value < WAYS and values[SEXES + value] >= 0
            codes[_WAY_AT] = values[SEXES + value] if plain else 0
        elif tag == _INSURANCE_TYPE:
            plain = _is_name(data, value, at, MAX_NAME)
            texts[_INSURANCE_AT, 0] = value
            texts[_INSURANCE_AT, 1] = at
        elif tag in (_DIAGNOSIS_EDITION, _PROCEDURE_EDITION):
            plain = value <= _INSURANCE_EDITION
        elif tag == _ICU_HOURS:
            numbers[_ICU] = read_double(data, value)
            plain = icu_seconds == 0 and 0 <= numbers[_ICU] <= MAX_ICU_HOURS
        elif tag == _NEWBORN:
            numbers[_WEIGHT] = _birth_weight(data, value, at)
            plain = numbers[_WEIGHT] != -1
        elif tag == _CHARGES:
            texts[_CHARGES_AT, 0] = value
            texts[_CHARGES_AT, 1] = at
        else:
            plain = False
        if not plain:
            return 0, 0, False, 0, 0
    stay_end = discharge or as_of
    if diagnoses == 0 or stay_end < admission:
        return 0, 0, False, 0, 0
    first_day, last_day = local_day(admission or as_of, offsets), local_day(stay_end, offsets)
    if month > 0:
        numbers[_AGE_YEARS], numbers[_AGE_DAYS] = _age_on(year, month, day, first_day)
        if numbers[_AGE_YEARS] < 0:
            return 0, 0, False, 0, 0
    if admission > 0:
        numbers[_LOS] = max(1, last_day - first_day)
    if segments > 0 and np.isnan(numbers[_ICU]):
        numbers[_ICU] = icu_seconds / _HOUR
    codes[0] = diagnoses
    codes[_DEPARTMENT_AT] = _department_number(
        data, texts[_DEPARTMENT_TEXT, 0], texts[_DEPARTMENT_TEXT, 1], known
    )
    day_of_stay = last_day - first_day + 1 if admission > 0 else 0
    return phase, procedures, discharge == 0, last_day, day_of_stay


@njit(cache=True, nogil=True)
def _write(out, data, clock, stay, numbers, texts):  # type: ignore[no-untyped-def]
    """Write the fields ``as_of`` and ``facts`` of the verdict; return the place after them."""
    phase, _, is_open, _, _ = stay
    scratch = len(out) // 2
    if texts[_AS_OF_AT, 0]:
        end = write_content(out, 0, _VERDICT_AS_OF, data, texts[_AS_OF_AT, 0], texts[_AS_OF_AT, 1])
    else:
        at = write_number(out, scratch, _SECONDS, int(clock))
        nanos = int(np.rint(clock % 1 * 1e9))
        if nanos:
            at = write_number(out, at, _NANOS, nanos)
        end = write_content(out, 0, _VERDICT_AS_OF, out, scratch, at)
    at = scratch
    if not np.isnan(numbers[_AGE_YEARS]):
        at = write_number(out, at, _FACT_YEARS, int(numbers[_AGE_YEARS]))
    if not np.isnan(numbers[_AGE_DAYS]):
        at = write_number(out, at, _FACT_DAYS, int(numbers[_AGE_DAYS]))
    if not np.isnan(numbers[_LOS]):
        at = write_number(out, at, _FACT_LOS, int(numbers[_LOS]))
    if not np.isnan(numbers[_ICU]):
        at = write_double(out, at, _FACT_ICU, numbers[_ICU])
    if not np.isnan(numbers[_WEIGHT]):
        at = write_number(out, at, _FACT_WEIGHT, int(numbers[_WEIGHT]))
    first, stop = texts[_DEPARTMENT_TEXT]
    if first < stop:
        at = write_content(out, at, _FACT_DEPARTMENT, data, first, stop)
    at = write_number(out, at, _FACT_PHASE, phase)
    if is_open:
        at = write_bytes(out, at, _OPEN_FACTS, 0, len(_OPEN_FACTS))
    return write_content(out, end, _VERDICT_FACTS, out, scratch, at)


@njit(cache=True, nogil=True)
def read(  # type: ignore[no-untyped-def]
    data,
    out,
    clock,
    named,
    body,
    parts,
    diagnoses,
    diagnosis_at,
    procedures,
    procedure_at,
    values,
    departments,
    offsets,
):
    """Read a request, group its case, and write what the verdict says of it beside its end and the pack.

    Args:
        data: the bytes of an ``EvaluateRequest``.
        out: a bytearray of length :data:`ROOM`, which takes ``as_of`` and ``facts`` of the verdict.
        clock: the server's clock in seconds since 1970.
        named: whether the scheme is the one that the request names.
        body: the scheme as the kernel takes it, see :class:`casemeter_grouper.kernel.Mapped`.
        parts: likewise, its ``places``.
        diagnoses: what the scheme knows, see :class:`Known`; likewise the next five.
        diagnosis_at: of :class:`Known`.
        procedures: of :class:`Known`.
        procedure_at: of :class:`Known`.
        values: of :class:`Known`.
        departments: of :class:`Known`.
        offsets: the zone, see :func:`~casemeter_server.plain.calendar.offsets_of`.

    Returns:
        The leaf, or :data:`NOT_PLAIN`, or :data:`OTHER_PACK`; the attempt and the validity of the main
        procedure, as the kernel returns them; the local day of discharge or else of ``as_of``; the number of
        bytes written; the first byte and end of the call id, of the pack, and of the procedure that the
        attempt is about; likewise of the charges, which are not read yet (first byte 0: there are none), of
        the insurance type and of the department; whether the stay is still open; the day of the stay;
        ``as_of``; length of stay, hours of intensive care, age in years and in days, and birth weight, NaN
        where unknown; the first byte and end of the encounter; the number of the principal diagnosis
        among the known ones, from 1 (0: not plain); how many other diagnoses stand as MCC, and how many of
        the rest as CC; and the number of procedures.
    """
    known = Known(diagnoses, diagnosis_at, procedures, procedure_at, values, departments)
    numbers = np.full(5, np.nan)
    codes = np.empty(_FIRST_CODE + 2 * MAX_ENTRIES, np.int32)
    codes[:_FIRST_CODE] = 0
    texts = np.empty((_FIRST_PROCEDURE + MAX_ENTRIES, 2), np.int64)
    texts[: _FIRST_PROCEDURE + 1] = 0
    stay = (0, 0, False, 0, 0)
    as_of = clock
    plain = 1 <= clock <= _LATEST and clock % 1 <= LAST_MOMENT
    leaf = NOT_PLAIN
    at = encounter = encounter_end = 0
    end = len(data)
    last = 0
    while plain and at < end:
        tag, value, at = read_field(data, at, end)
        plain = tag > last
        last = tag
        if tag == _CALL_ID:
            plain &= _is_name(data, value, at, MAX_ID)
            texts[_CALL_ID_AT, 0] = value
            texts[_CALL_ID_AT, 1] = at
        elif tag == _PACK:
            plain &= is_ascii(data, value, at)
            texts[_PACK_AT, 0] = value
            texts[_PACK_AT, 1] = at
            if plain and value < at and not named:
                leaf = OTHER_PACK
                plain = False
        elif tag == _AS_OF:
            as_of = read_time(data, value, at)
            plain &= _EARLIEST_AS_OF <= as_of <= _LATEST
            texts[_AS_OF_AT, 0] = value
            texts[_AS_OF_AT, 1] = at
        elif tag == _ENCOUNTER:
            encounter, encounter_end = value, at
            if plain:
                stay = _encounter(data, value, at, as_of, known, offsets, codes, numbers, texts)
            plain &= stay[0] > 0
        else:
            plain &= tag in (_EXPLAIN, _NEAR_MISSES) and value == 0
    attempt, valid, written, principal, major, minor = 0, False, 0, 0, 0, 0
    if plain and stay[0] > 0:
        principal = int(codes[_FIRST_CODE])
        case = codes[: _FIRST_CODE + codes[0] + stay[1]]
        # Why a case is in no group is for the ordinary way to say: its leaf, 0, is also "not plain".
        leaf, attempt, valid = run_one(Mapped(body, parts), case, numbers)
        major, minor = counts_of(body, parts, codes[_FIRST_CODE : _FIRST_CODE + codes[0]])
        written = _write(out, data, clock, stay, numbers, texts)
    call_id, call_id_end = texts[_CALL_ID_AT]
    pack, pack_end = texts[_PACK_AT]
    procedure, procedure_end = texts[_FIRST_PROCEDURE + attempt]
    charges, charges_end = texts[_CHARGES_AT]
    insurance, insurance_end = texts[_INSURANCE_AT]
    department, department_end = texts[_DEPARTMENT_TEXT]
    return (
        *(leaf, attempt, valid, stay[3], written),
        *(call_id, call_id_end, pack, pack_end, procedure, procedure_end),
        *(charges, charges_end, insurance, insurance_end, department, department_end),
        *(stay[2], stay[4], as_of, numbers[_LOS], numbers[_ICU]),
        *(numbers[_AGE_YEARS], numbers[_AGE_DAYS], numbers[_WEIGHT], encounter, encounter_end, principal),
        *(major, minor, stay[1]),
    )
