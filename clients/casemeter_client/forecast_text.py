"""Where a stay is heading, in words: a guess, said with its odds.

Where a role sees no money, the server sends none: then only the multiple of the benchmark is said.
"""

from __future__ import annotations

from collections.abc import Iterator

from casemeter.v1 import forecast_pb2 as pb
from casemeter.v1 import meter_pb2, verdict_pb2
from casemeter_client._phrases import Speaker, yuan

MAX_GROUPS = 5
"""How many groups are shown: those of the set, or the likeliest without one; the rest is summed up."""


def lines(verdict: verdict_pb2.Verdict, speaker: Speaker) -> Iterator[str]:
    """Yield the lines on the forecast; none where the verdict has none.

    Args:
        verdict: as the server sent it.
        speaker: of the language.
    """
    if not verdict.HasField("forecast"):
        return
    forecast = verdict.forecast
    if forecast.absent:
        reason = speaker.say("forecast_absent", pb.ForecastAbsent.Name(forecast.absent))
        yield speaker.say("forecast", "absent", reason=reason)
        return
    invented = forecast.demonstration
    yield speaker.marked(speaker.joined(_heading(forecast, speaker)), invented)
    yield speaker.marked(speaker.joined(_extent(forecast, speaker)), invented or _measured(verdict))
    if priced := speaker.joined(_priced(forecast, speaker)):
        yield speaker.marked(priced, invented or verdict.payment.demonstration)
    if moves := speaker.joined(_moves(forecast, speaker)):
        yield speaker.marked(speaker.say("forecast", "moved", moves=moves), invented)


def _shown(forecast: pb.Forecast) -> list[pb.ForecastGroup]:
    return list(forecast.groups[: min(forecast.set_size or MAX_GROUPS, MAX_GROUPS)])


def _heading(forecast: pb.Forecast, speaker: Speaker) -> Iterator[str]:
    shown, parts = _shown(forecast), []
    for at, group in enumerate(shown):
        name = group.code if at else f"{group.code} {group.name}".rstrip()
        values = {"group": name, "odds": _odds(group.probability)}
        if group.HasField("probability_before"):
            before = _odds(group.probability_before)
            parts.append(speaker.say("forecast", "group_before", before=before, **values))
        else:
            parts.append(speaker.say("forecast", "group", **values))
    # Not 1 less those shown: that would leave a crumb of rounding where nothing is left.
    rest = forecast.elsewhere + sum(group.probability for group in forecast.groups[len(shown) :])
    if rest >= _LEAST:
        parts.append(speaker.say("forecast", "others", odds=_odds(rest)))
    yield speaker.say("forecast", "heading", groups=speaker.listed(parts))
    if not forecast.set_size:
        yield speaker.say("forecast", "too_wide")
    else:
        key = "set" if forecast.set_size > 1 else "set_of_one"
        yield speaker.say("forecast", key, level=f"{forecast.level:.0%}", count=forecast.set_size)


def _extent(forecast: pb.Forecast, speaker: Speaker) -> Iterator[str]:
    cost, multiple, days = forecast.cost, forecast.multiple_of_benchmark, forecast.los_days
    if forecast.HasField("cost"):
        ends = {"low": yuan(cost.low_fen), "high": yuan(cost.high_fen)}
        yield speaker.say("forecast", "cost", middle=yuan(cost.middle_fen), **ends)
    if forecast.HasField("multiple_of_benchmark"):
        ends = {"low": f"{multiple.low:.2f}", "high": f"{multiple.high:.2f}"}
        yield speaker.say("forecast", "multiple", middle=f"{multiple.middle:.2f}", **ends)
    yield speaker.say("forecast", "days", middle=days.middle, low=days.low, high=days.high)


def _priced(forecast: pb.Forecast, speaker: Speaker) -> Iterator[str]:
    for group in _shown(forecast):
        if group.HasField("payment_fen"):
            margin = ("+" if group.margin_fen > 0 else "") + yuan(group.margin_fen)
            money = yuan(group.payment_fen)
            yield speaker.say("forecast", "pays", group=group.code, money=money, margin=margin)
        elif group.not_priced:
            reason = speaker.say("not_priced", meter_pb2.NotPricedReason.Name(group.not_priced))
            yield speaker.say("forecast", "not_priced", group=group.code, reason=reason)


def _moves(forecast: pb.Forecast, speaker: Speaker) -> Iterator[str]:
    for move in forecast.moved:
        cause = speaker.say("forecast_cause", pb.ForecastCause.Name(move.cause))
        if not move.group:
            yield cause
            continue
        odds = {"before": _odds(move.before), "after": _odds(move.after)}
        if odds["before"] != odds["after"]:
            yield speaker.say("forecast", "move", cause=cause, group=move.group, **odds)


def _measured(verdict: verdict_pb2.Verdict) -> bool:
    """Whether the benchmark's figures are invented, and a multiple of it is said."""
    return verdict.forecast.HasField("multiple_of_benchmark") and verdict.meter.benchmark.demonstration


_LEAST = 0.005
"""The least probability that is not written as less than 1 %."""


def _odds(probability: float) -> str:
    """Return a probability in whole per cent; nothing uncertain is written as certain."""
    if probability < _LEAST:
        return "<1%"
    return f"{probability:.0%}" if probability < 1 - _LEAST or probability >= 1 else ">99%"
