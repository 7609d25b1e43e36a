"""The basis of a forecast: checked as it comes back in a request, and told in a verdict."""

from __future__ import annotations

from typing import Final, Literal

from casemeter.v1 import forecast_pb2
from casemeter_grouper.forecast.known import Known, Procedures
from casemeter_server.errors import fault
from casemeter_server.prepare import MAX_CODE, MAX_ENTRIES, MAX_ID, MAX_NAME
from casemeter_server.stay_facts import MAX_AGE_YEARS, Faults

MAX_DAY: Final = 100_000
MAX_HASH: Final = 64
MIN_COST_FEN: Final = -(10**10)
MAX_COST_FEN: Final = 10**13
PROCEDURES: Final = {
    Procedures.NONE: forecast_pb2.FORECAST_PROCEDURES_NONE,
    Procedures.PENDING: forecast_pb2.FORECAST_PROCEDURES_PENDING,
    Procedures.DONE: forecast_pb2.FORECAST_PROCEDURES_DONE,
}
_KNOWN_PROCEDURES: Final = {sent: known for known, sent in PROCEDURES.items()}
_OPTIONAL: Final[tuple[tuple[Literal["cost_fen", "age_years", "major", "minor"], int, int], ...]] = (
    ("cost_fen", MIN_COST_FEN, MAX_COST_FEN),
    ("age_years", 0, MAX_AGE_YEARS),
    ("major", 0, MAX_ENTRIES),
    ("minor", 0, MAX_ENTRIES),
)
_TEXTS: Final = (
    ("bundle_sha256", MAX_HASH, True),
    ("principal", MAX_CODE, True),
    ("group", MAX_ID, True),
    ("planned_group", MAX_ID, True),
    ("department", MAX_NAME, False),
)


def check_basis(basis: forecast_pb2.ForecastBasis, field: str, faults: Faults) -> None:
    """Note everything wrong with a basis that was sent back.

    Args:
        basis: as sent.
        field: its place in the request.
        faults: where faults are noted.
    """
    numbers: list[tuple[str, int, int, int]] = [("day", basis.day, 1, MAX_DAY)]
    for optional, low, high in _OPTIONAL:
        if basis.HasField(optional):
            numbers.append((optional, getattr(basis, optional), low, high))
    for name, value, low, high in numbers:
        if not low <= value <= high:
            faults.append(fault(f"{field}.{name}", "OUT_OF_RANGE", value=value, low=low, high=high))
    if basis.procedures and basis.procedures not in _KNOWN_PROCEDURES:
        faults.append(fault(f"{field}.procedures", "UNKNOWN_VALUE", value=basis.procedures))
    for name, limit, required in _TEXTS:
        text: str = getattr(basis, name)
        if required and not text:
            faults.append(fault(f"{field}.{name}", "REQUIRED"))
        elif len(text) > limit:
            faults.append(fault(f"{field}.{name}", "TOO_LONG", count=len(text), limit=limit))


def known_of(basis: forecast_pb2.ForecastBasis) -> Known:
    """Return what a forecast was asked with."""
    return Known(
        day=basis.day,
        principal=basis.principal,
        group=basis.group,
        planned_group=basis.planned_group,
        cost_fen=basis.cost_fen if basis.HasField("cost_fen") else None,
        age_years=basis.age_years if basis.HasField("age_years") else None,
        department=basis.department,
        major=basis.major if basis.HasField("major") else None,
        minor=basis.minor if basis.HasField("minor") else None,
        procedures=_KNOWN_PROCEDURES.get(basis.procedures),
    )


def basis_of(known: Known, bundle_sha256: str, *, with_money: bool) -> forecast_pb2.ForecastBasis:
    """Return what a forecast was asked with, to be sent back.

    Args:
        known: what it was asked with.
        bundle_sha256: hash of the bundle that answered.
        with_money: whether whoever is told sees money.
    """
    return forecast_pb2.ForecastBasis(
        bundle_sha256=bundle_sha256,
        day=known.day,
        principal=known.principal,
        group=known.group,
        planned_group=known.planned_group,
        cost_fen=known.cost_fen if with_money else None,
        age_years=known.age_years,
        department=known.department,
        major=known.major,
        minor=known.minor,
        procedures=None if known.procedures is None else PROCEDURES[known.procedures],
    )
