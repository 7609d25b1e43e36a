"""What is kept of a day's forecast beside its keys, as text: the forecast, and the case it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from casemeter.v1 import forecast_pb2
from casemeter_grouper.case import Case

_ABSENT: Final = {
    number: name.removeprefix("FORECAST_ABSENT_").lower()
    for name, number in forecast_pb2.ForecastAbsent.items()
}
_CODES: Final = ("diagnoses", "procedures")

Ends = tuple[int, int, int]
"""Lower end, middle and upper end of an interval."""


class Kept(NamedTuple):
    """The forecast of a day, and what it was made of.

    Attributes:
        case: as it was grouped, with the codes that took part.
        planned: procedures that were planned, as they are used.
        running_fen: running cost; ``None``: unknown.
        absent: why there was no forecast, in lower case; empty: there was one.
        candidates: groups with their probabilities, the likeliest first.
        elsewhere: probability of all others.
        set_size: how many of the candidates make the set; 0: it would be too wide.
        level: how often sets and intervals hold the truth.
        cost_fen: final cost; ``None``: not told.
        los_days: length of stay; ``None``: not told.
    """

    case: Case
    planned: tuple[str, ...] = ()
    running_fen: int | None = None
    absent: str = ""
    candidates: tuple[tuple[str, float], ...] = ()
    elsewhere: float = 0.0
    set_size: int = 0
    level: float = 0.0
    cost_fen: Ends | None = None
    los_days: Ends | None = None


def kept_of(
    forecast: forecast_pb2.Forecast, case: Case, planned: tuple[str, ...], running_fen: int | None
) -> Kept:
    """Return what is kept of a forecast."""
    cost, days = forecast.cost, forecast.los_days
    return Kept(
        case,
        planned,
        running_fen,
        _ABSENT.get(forecast.absent, str(forecast.absent)) if forecast.absent else "",
        tuple((group.code, group.probability) for group in forecast.groups),
        forecast.elsewhere,
        forecast.set_size,
        forecast.level,
        (cost.low_fen, cost.middle_fen, cost.high_fen) if forecast.HasField("cost") else None,
        (days.low, days.middle, days.high) if forecast.HasField("los_days") else None,
    )


def written(kept: Kept) -> str:
    """Return it as text."""
    return orjson.dumps({**kept._asdict(), "case": case_values(kept.case)}).decode()


def read(text: str) -> Kept:
    """Read what :func:`written` wrote."""
    values = orjson.loads(text)
    values["case"] = case_of(values["case"])
    values["planned"] = tuple(values["planned"])
    values["candidates"] = tuple((code, probability) for code, probability in values["candidates"])
    for name in ("cost_fen", "los_days"):
        values[name] = tuple(values[name]) if values[name] else None
    return Kept(**values)


def case_values(case: Case) -> dict[str, Any]:
    """Return the facts of a case that are known, as JSON has them."""
    return {
        name: value
        for name, value in case._asdict().items()
        if name != "provisional" and value is not None and value != ()
    }


def case_of(values: Mapping[str, Any]) -> Case:
    """Return the case of some facts."""
    facts: dict[str, Any] = {
        name: tuple(value) if name in _CODES else value for name, value in values.items()
    }
    return Case(**facts)
