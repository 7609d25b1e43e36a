"""The forecast stage of a call, whichever way the request goes: where a case is heading, and why."""

from __future__ import annotations

from math import ceil, floor
from typing import Any, Final, NamedTuple

from casemeter.v1 import forecast_pb2 as pb
from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.known import Absent, Answer, Interval, Known
from casemeter_server.forecast_basis import basis_of, known_of
from casemeter_server.forecast_money import Pricing
from casemeter_server.forecast_moves import odds_of, steps
from casemeter_server.loaded import GroupFacts, LoadedPack
from casemeter_server.refs import pack_ref
from casemeter_server.snapshot import Snapshot

_ABSENT: Final = {Absent.NEVER_SEEN: pb.FORECAST_ABSENT_NEVER_SEEN}


class Asked(NamedTuple):
    """What the stage is asked of one case.

    Attributes:
        loaded: the pack that grouped it.
        forecaster: the bundle for that pack; ``None``: there is none.
        group: facts of the group that the verdict tells; ``None``: there is none.
        known: what the forecast is asked with; ``None``: the case has no group, or no day.
        is_discharged: the stay is over.
        pricing: what prices it; ``None``: no charges were sent.
        sees_money: whether whoever is told sees money.
    """

    loaded: LoadedPack[Any]
    forecaster: Forecaster | None
    group: GroupFacts | None
    known: Known | None
    is_discharged: bool
    pricing: Pricing | None
    sees_money: bool = True


def forecaster_of(snapshot: Snapshot, loaded: LoadedPack[Any], day: str) -> Forecaster | None:
    """Return the forecast bundle for a pack on a day (``YYYY-MM-DD``), of whatever version of the pack."""
    return snapshot.forecasts.on(loaded.header.id, day)


def fits(forecaster: Forecaster | None, loaded: LoadedPack[Any]) -> bool:
    """Whether there is a forecast bundle that was learned for exactly this pack."""
    return forecaster is not None and forecaster.header.scheme_sha256 == loaded.ref.bundle_sha256


def fill_forecast(target: pb.Forecast, asked: Asked, previous: pb.ForecastBasis | None = None) -> None:
    """Tell where a case is heading.

    Args:
        target: to fill.
        asked: of the case.
        previous: what the caller's last forecast was asked with, checked; ``None``: not sent.
    """
    target.SetInParent()
    forecaster, known = asked.forecaster, asked.known
    if forecaster is None:
        target.absent = pb.FORECAST_ABSENT_NO_MODEL
        return
    header = forecaster.header
    target.bundle.CopyFrom(pack_ref(header, forecaster.sha256, header.demonstration))
    target.demonstration = header.demonstration
    if absent := _absent(asked):
        target.absent = absent
        return
    assert known is not None  # else it is absent
    answer = forecaster.ask(known)
    if isinstance(answer, Absent):
        target.absent = _ABSENT[answer]
        return
    before: dict[str, float] | None = None
    if previous is not None:
        before = _fill_moved(target, forecaster, asked, previous, answer)
    _fill_answer(target, asked, answer, before)
    target.level = header.level
    target.basis.CopyFrom(basis_of(known, forecaster.sha256, with_money=asked.sees_money))


def _absent(asked: Asked) -> pb.ForecastAbsent | None:
    """Return why a bundle that is there cannot be asked; ``None``: it can."""
    if not fits(asked.forecaster, asked.loaded):
        return pb.FORECAST_ABSENT_OTHER_VERSION
    if asked.is_discharged:
        return pb.FORECAST_ABSENT_DISCHARGED
    if asked.group is None:
        return pb.FORECAST_ABSENT_NO_GROUP
    return pb.FORECAST_ABSENT_NO_DAY if asked.known is None else None


def _fill_moved(
    target: pb.Forecast,
    forecaster: Forecaster,
    asked: Asked,
    previous: pb.ForecastBasis,
    answer: Answer,
) -> dict[str, float] | None:
    """Tell what moved the odds; returns those of the earlier forecast, ``None``: nothing is known of them."""
    if previous.bundle_sha256 != forecaster.sha256:
        target.moved.add(cause=pb.FORECAST_CAUSE_BUNDLE)
        return None
    known = asked.known
    assert known is not None  # there is an answer
    before = known_of(previous)
    if not asked.sees_money:
        # Whoever sees no money was told no cost: it is as if it had been the same.
        before = before._replace(cost_fen=known.cost_fen)
    if before == known:
        return odds_of(answer)
    made = steps(forecaster.ask, before, known, answer)
    for step in made:
        if group := step.most_moved():
            after = step.after.get(group, 0.0)
            target.moved.add(cause=step.cause, group=group, before=step.before.get(group, 0.0), after=after)
    return dict(made[0].before) if made else None


def _fill_answer(target: pb.Forecast, asked: Asked, answer: Answer, before: dict[str, float] | None) -> None:
    cost, days = answer.cost_fen, answer.los_days
    middle = None
    if cost is not None:
        middle = round(cost.middle)
        if asked.sees_money:
            target.cost.low_fen, target.cost.middle_fen = floor(cost.low), middle
            target.cost.high_fen = ceil(cost.high)
        _fill_multiple(target, asked, cost)
    target.los_days.low, target.los_days.middle = floor(days.low), round(days.middle)
    target.los_days.high = ceil(days.high)
    target.elsewhere, target.set_size, target.cases = answer.elsewhere, answer.set_size, answer.cases
    facts_of, add = asked.loaded.facts_of_group, target.groups.add
    groups: list[tuple[pb.ForecastGroup, GroupFacts]] = []
    for code, probability in answer.candidates:
        facts = facts_of(code)
        assert facts is not None  # the bundle was learned for this pack
        entry = add(code=code, name=facts.name, probability=probability)
        groups.append((entry, facts))
        if before is not None:
            entry.probability_before = before.get(code, 0.0)
    if asked.pricing is None or middle is None or not asked.sees_money:
        return
    prices = asked.pricing.prices([facts for _, facts in groups], middle)
    for (entry, _), (not_priced, payment, band) in zip(groups, prices, strict=True):
        entry.band = band
        if not_priced:
            entry.not_priced = not_priced  # type: ignore[assignment]  # the stubs want a wrapper type
        elif payment is not None:
            entry.payment_fen, entry.margin_fen = payment, payment - middle


def _fill_multiple(target: pb.Forecast, asked: Asked, cost: Interval) -> None:
    mean = asked.pricing.money.mean_cost_fen(asked.group) if asked.pricing and asked.group else None
    if mean is not None:
        one, multiple = float(mean), target.multiple_of_benchmark
        multiple.low, multiple.middle, multiple.high = cost.low / one, cost.middle / one, cost.high / one
