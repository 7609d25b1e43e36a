"""The facts of a stay: checked dates, times and weights, and the numbers derived from them.

Times are seconds since 1970 here; only the days that age and stay are counted by become local dates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo
from typing import Final, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1 import error_pb2
from casemeter_grouper.stay import age_on, length_of_stay, years_fit_days
from casemeter_server.errors import fault

EARLIEST: Final = date(1870, 1, 1)
LATEST: Final = date(2100, 1, 1)
"""Times outside these are taken for mistakes."""

EARLIEST_AS_OF: Final = date(2000, 1, 1)

MAX_ICU_HOURS: Final = 100_000
MIN_WEIGHT_G: Final = 100
MAX_WEIGHT_G: Final = 15_000
KILOGRAMS_BELOW: Final = 20
"""No newborn weighs so few grams: kilograms were meant."""

MAX_AGE_YEARS: Final = 150
MAX_AGE_DAYS: Final = 55_000
_HOUR: Final = 3600.0

Faults = list[error_pb2.FieldFault]


class StayFacts(NamedTuple):
    """What a scheme may ask of a stay; ``None`` is unknown."""

    age_years: int | None
    age_days: int | None
    los_days: int | None
    icu_hours: float | None
    birth_weight_g: int | None
    department: str | None
    day_of_stay: int | None


def seconds_since(day: date) -> float:
    """Return the seconds from 1970 to the beginning of a day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


_FIRST: Final = seconds_since(EARLIEST)
_LAST: Final = seconds_since(LATEST)


def seconds_of(timestamp: Timestamp, field: str, faults: Faults) -> float | None:
    """Return a time in seconds, or ``None``, noted, when it lies outside the range that is read."""
    seconds = timestamp.seconds + timestamp.nanos / 1e9
    if _FIRST <= seconds <= _LAST and 0 <= timestamp.nanos < 1_000_000_000:
        return seconds
    value = f"{timestamp.seconds} s and {timestamp.nanos} ns"
    faults.append(fault(field, "OUT_OF_RANGE", value=value, low=EARLIEST, high=LATEST))
    return None


def stay_facts(encounter: pb.Encounter, as_of: float, zone: tzinfo, faults: Faults) -> StayFacts:
    """Derive the facts of a stay.

    Args:
        encounter: as sent.
        as_of: the moment the answer holds for, in seconds.
        zone: the hospital's zone.
        faults: where everything that cannot be used is noted; the facts hold only if nothing is.
    """
    admission = discharge = None
    if encounter.HasField("admission_time"):
        admission = seconds_of(encounter.admission_time, "encounter.admission_time", faults)
    if encounter.HasField("discharge_time"):
        discharge = seconds_of(encounter.discharge_time, "encounter.discharge_time", faults)
    end, end_field = (as_of, "as_of") if discharge is None else (discharge, "encounter.discharge_time")
    if admission is not None and end < admission:
        faults.append(fault(end_field, "TIMES_OUT_OF_ORDER", other="encounter.admission_time"))
    if encounter.procedures:
        _check_procedures("procedures", encounter.procedures, discharge, faults)
    if encounter.planned_procedures:
        # What was planned for a day after the discharge was not done; that is no contradiction.
        _check_procedures("planned_procedures", encounter.planned_procedures, None, faults)
    department, icu_hours = None, None
    if encounter.segments:
        department, icu_hours = _segments(encounter, admission, end, end_field, faults)
    if encounter.HasField("icu_hours"):
        icu_hours = _stated_icu_hours(encounter, icu_hours, faults)
    weight = None
    if encounter.HasField("newborn"):
        weight = _weight(encounter.newborn, "birth_weight_g", faults)
        _weight(encounter.newborn, "admission_weight_g", faults)
    first_day = datetime.fromtimestamp(as_of if admission is None else admission, zone).date()
    years, days = _age(encounter, first_day, faults)
    los = day_of_stay = None
    if admission is not None:
        last_day = datetime.fromtimestamp(end, zone).date()
        los, day_of_stay = length_of_stay(first_day, last_day), (last_day - first_day).days + 1
    return StayFacts(years, days, los, icu_hours, weight, department, day_of_stay)


def _check_procedures(
    owner: str, procedures: Iterable[pb.Procedure], discharge: float | None, faults: Faults
) -> None:
    for at, procedure in enumerate(procedures):
        start = None
        if procedure.HasField("start_time"):
            start = seconds_of(procedure.start_time, f"encounter.{owner}[{at}].start_time", faults)
            if start is not None and discharge is not None and discharge < start:
                other = f"encounter.{owner}[{at}].start_time"
                faults.append(fault("encounter.discharge_time", "TIMES_OUT_OF_ORDER", other=other))
        if procedure.HasField("end_time"):
            end = seconds_of(procedure.end_time, f"encounter.{owner}[{at}].end_time", faults)
            if end is not None and start is not None and end < start:
                field = f"encounter.{owner}[{at}]"
                faults.append(fault(f"{field}.end_time", "TIMES_OUT_OF_ORDER", other=f"{field}.start_time"))


def _segments(
    encounter: pb.Encounter, admission: float | None, stay_end: float, stay_end_field: str, faults: Faults
) -> tuple[str | None, float]:
    """Return the last department and the hours in intensive care; note segments out of order."""
    department, icu_seconds = "", 0.0
    before, before_field = admission, "encounter.admission_time"
    for at, segment in enumerate(encounter.segments):
        field = f"encounter.segments[{at}]"
        department = segment.department
        if not segment.HasField("start_time"):
            faults.append(fault(f"{field}.start_time", "REQUIRED"))
            continue
        start = seconds_of(segment.start_time, f"{field}.start_time", faults)
        end, end_field = stay_end, stay_end_field
        if segment.HasField("end_time"):
            end_field = f"{field}.end_time"
            end = seconds_of(segment.end_time, end_field, faults) or stay_end
            if stay_end < end:
                faults.append(fault(stay_end_field, "TIMES_OUT_OF_ORDER", other=end_field))
        if start is None:
            continue
        if before is not None and start < before:
            faults.append(fault(f"{field}.start_time", "TIMES_OUT_OF_ORDER", other=before_field))
        if end < start:
            faults.append(fault(end_field, "TIMES_OUT_OF_ORDER", other=f"{field}.start_time"))
        if segment.intensive_care:
            icu_seconds += end - start
        before, before_field = end, end_field
    return department or None, icu_seconds / _HOUR


def _stated_icu_hours(encounter: pb.Encounter, summed: float | None, faults: Faults) -> float:
    stated = encounter.icu_hours
    if not (math.isfinite(stated) and 0 <= stated <= MAX_ICU_HOURS):
        faults.append(fault("encounter.icu_hours", "OUT_OF_RANGE", value=stated, low=0, high=MAX_ICU_HOURS))
    if summed:
        faults.append(fault("encounter.icu_hours", "CONTRADICTION", other="encounter.segments"))
    return stated


def _weight(newborn: pb.Newborn, name: str, faults: Faults) -> int | None:
    if not newborn.HasField(name):
        return None
    grams: int = getattr(newborn, name)
    field = f"encounter.newborn.{name}"
    if 0 < grams < KILOGRAMS_BELOW:
        faults.append(fault(field, "KILOGRAMS", value=grams))
    elif not MIN_WEIGHT_G <= grams <= MAX_WEIGHT_G:
        faults.append(fault(field, "OUT_OF_RANGE", value=grams, low=MIN_WEIGHT_G, high=MAX_WEIGHT_G))
    return grams


def _age(encounter: pb.Encounter, first_day: date, faults: Faults) -> tuple[int | None, int | None]:
    """Return completed years and days of age on the first day of the stay."""
    source = encounter.WhichOneof("age_source")
    if source == "birth_date":
        return _age_since(encounter, first_day, faults)
    return _stated_age(encounter.age, faults) if source == "age" else (None, None)


def _age_since(encounter: pb.Encounter, first_day: date, faults: Faults) -> tuple[int | None, int | None]:
    try:
        birth = date.fromisoformat(encounter.birth_date)
        if birth.isoformat() != encounter.birth_date:  # week dates and the like
            raise ValueError
    except ValueError:
        faults.append(fault("encounter.birth_date", "NOT_A_DATE", value=encounter.birth_date[:20]))
        return None, None
    if birth < EARLIEST:
        faults.append(fault("encounter.birth_date", "OUT_OF_RANGE", value=birth, low=EARLIEST, high=LATEST))
        return None, None
    if first_day < birth:
        field = "encounter.admission_time" if encounter.HasField("admission_time") else "as_of"
        faults.append(fault(field, "TIMES_OUT_OF_ORDER", other="encounter.birth_date"))
        return None, None
    return age_on(birth, first_day)


def _stated_age(age: pb.Age, faults: Faults) -> tuple[int | None, int | None]:
    years = age.years if age.HasField("years") else None
    days = age.days if age.HasField("days") else None
    before = len(faults)
    for name, value, high in (("years", years, MAX_AGE_YEARS), ("days", days, MAX_AGE_DAYS)):
        if value is not None and not 0 <= value <= high:
            faults.append(fault(f"encounter.age.{name}", "OUT_OF_RANGE", value=value, low=0, high=high))
    if len(faults) > before:
        return None, None
    if years is not None and days is not None and not years_fit_days(years, days):
        faults.append(fault("encounter.age.days", "CONTRADICTION", other="encounter.age.years"))
    if years is None and days is not None and days < 365:
        years = 0
    return years, days
