"""From where a stay stands to the payment and the meter of a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Final

from casemeter.v1 import charges_pb2, meter_pb2
from casemeter_grouper.benchmark.categories import FRONT_PAGE, SETTLEMENT_LIST, categories
from casemeter_grouper.rounding import half_up
from casemeter_server.charges import Ledger
from casemeter_server.meter_settings import Limits
from casemeter_server.money import Money, Position, Usual, ref_of
from casemeter_server.money_stay import MoneyStay

NORMAL: Final = "normal"
"""The band in which a case earns its standard payment; bands before it are low, those after it high."""

RANGE_PERCENTS: Final = (10, 90)
"""Quantiles between which the cost by this day is called usual."""

_SYSTEMS: Final[dict[int, str]] = {
    charges_pb2.CATEGORY_SYSTEM_FRONT_PAGE: FRONT_PAGE,
    charges_pb2.CATEGORY_SYSTEM_SETTLEMENT_LIST: SETTLEMENT_LIST,
}


def fill_payment(target: meter_pb2.Payment, money: Money, position: Position, stay: MoneyStay) -> None:
    """Fill what the group pays."""
    known, quote = position.known, position.quote
    if known is None or quote is None:
        target.absent = position.not_priced  # type: ignore[assignment]  # the stubs want a wrapper type
        target.absent_text.extend(position.why)
        if money.policy is not None:
            target.pack.CopyFrom(ref_of(money.policy))
            target.demonstration = money.policy.header.demonstration
        return
    target.MergeFromString(known.payments[quote.segment])
    if quote.payment_fen is not None:
        target.payment_fen = quote.payment_fen
        target.margin_fen = quote.payment_fen - position.cost_fen
    if quote.points is not None:
        target.points = f"{quote.points:.6f}"
    for special in money.special_cases(position):
        entry = target.special_cases.add(reason=(special.reason_zh, special.reason_en))
        if special.quota_share is not None:
            entry.quota_share = float(special.quota_share)
        if special.valid_from or special.valid_until:
            entry.period = f"{special.valid_from}/{special.valid_until}"
    upcoming = money.upcoming(position, stay)
    if upcoming is not None:
        target.upcoming.pack.CopyFrom(ref_of(upcoming.policy))
        target.upcoming.valid_from = upcoming.day
        if upcoming.tariff and upcoming.tariff.standard_fen is not None:
            target.upcoming.standard_fen = upcoming.tariff.standard_fen
            payment = upcoming.tariff.quote(position.cost_fen).payment_fen
            if payment is not None:
                target.upcoming.payment_fen = payment


def fill_meter(
    target: meter_pb2.Meter,
    money: Money,
    position: Position,
    ledger: Ledger,
    stay: MoneyStay,
) -> None:
    """Fill what the stay has cost, against its benchmark, its payment and the hospital's limits."""
    target.cost_fen = ledger.cost_fen
    target.excluded_fen = ledger.excluded_fen
    target.ordered_fen = ledger.ordered_fen
    target.later_fen = ledger.later_fen
    target.category_system = ledger.system  # type: ignore[assignment]  # the stubs want a wrapper type
    _set(target, "multiple_of_benchmark", position.multiple_of_benchmark)
    _set(target, "multiple_of_payment", position.multiple_of_payment)
    _set(target, "multiple", position.multiple)
    _set(target, "day_of_stay", stay.day_of_stay)
    if position.usual:
        _fill_benchmark(target.benchmark, position.usual, stay)
    elif money.benchmark:
        target.benchmark.pack.CopyFrom(ref_of(money.benchmark))
        target.benchmark.demonstration = money.benchmark.header.demonstration
    _fill_structure(target, money, position, ledger)
    limits = money.settings.limits_of(stay.department)
    target.signals.extend(_signals(position, limits, stay))
    if limits.target is not None:
        target.target.department = stay.department if stay.department in money.settings.departments else ""
        target.target.multiple = limits.target
        if position.known and position.known.tariff.standard_fen is not None:
            limit = Fraction(str(limits.target)) * position.known.tariff.standard_fen
            target.target.cost_fen = half_up(limit)


def fill_standing(target: meter_pb2.Standing, position: Position) -> None:
    """Fill where a stay stands."""
    if position.facts:
        target.group, target.group_name = position.facts.code, position.facts.name
    target.cost_fen = position.cost_fen
    target.not_priced = position.not_priced  # type: ignore[assignment]  # the stubs want a wrapper type
    _set(target, "multiple_of_benchmark", position.multiple_of_benchmark)
    if position.known and position.quote:
        _set(target, "standard_fen", position.known.tariff.standard_fen)
        _set(target, "payment_fen", position.quote.payment_fen)
        _set(target, "margin_fen", position.margin_fen)
        _set(target, "multiple", position.multiple)
        target.band = position.quote.band


def _fill_benchmark(target: meter_pb2.Benchmark, usual: Usual, stay: MoneyStay) -> None:
    target.MergeFromString(usual.written)
    if usual.cost_by_day and stay.day_of_stay is not None:
        # After the last day measured, stays of the group cost no more.
        day = min(stay.day_of_stay, len(usual.cost_by_day)) - 1
        target.cost_by_day_fen = usual.cost_by_day[day]
        low, high = (usual.cost_by_day_quantiles.get(percent) for percent in RANGE_PERCENTS)
        if low and high:
            target.cost_by_day_low_fen, target.cost_by_day_high_fen = low[day], high[day]


def _fill_structure(target: meter_pb2.Meter, money: Money, position: Position, ledger: Ledger) -> None:
    """Fill cost by category in the order of the system, then what is unmapped."""
    system = _SYSTEMS.get(ledger.system, "")
    known = categories(system) if system else {}
    comparable = money.benchmark is not None and money.benchmark.header.category_system == system
    usual = position.usual.structure if position.usual and comparable else {}
    amounts, cost, add = ledger.by_category, ledger.cost_fen, target.structure.add
    mapped = 0
    for code in known:
        amount = amounts.get(code, 0)
        if code in amounts or code in usual:
            mapped += amount
            share = amount / cost if cost > 0 else None
            add(category=code, amount_fen=amount, share=share, benchmark_share=usual.get(code))
    if cost != mapped or amounts.keys() - known.keys():
        unmapped = cost - mapped
        add(amount_fen=unmapped, share=unmapped / cost if cost > 0 else None)


def _signals(position: Position, limits: Limits, stay: MoneyStay) -> Iterable[meter_pb2.Signal]:
    """What is worth an interruption: the highest threshold reached, the target, a band that is not normal."""
    multiple = position.multiple_of_payment
    if multiple is not None:
        reached = [threshold for threshold in limits.thresholds if multiple >= threshold]
        if reached:
            yield meter_pb2.Signal(kind=meter_pb2.SIGNAL_KIND_THRESHOLD, limit=reached[-1], multiple=multiple)
        if limits.target is not None and multiple > limits.target:
            yield meter_pb2.Signal(
                kind=meter_pb2.SIGNAL_KIND_ABOVE_TARGET, limit=limits.target, multiple=multiple
            )
    known, quote = position.known, position.quote
    if known is None or quote is None or quote.band == NORMAL:
        return
    names = [piece.segment.band for piece in known.tariff.pieces]
    if NORMAL not in names:
        return
    first, last = known.limits[quote.segment]
    multiple = position.multiple
    if quote.segment > names.index(NORMAL):
        yield meter_pb2.Signal(kind=meter_pb2.SIGNAL_KIND_HIGH_BAND, limit=first, multiple=multiple)
    elif stay.is_ending:
        # A stay still going on has time to cost more.
        yield meter_pb2.Signal(kind=meter_pb2.SIGNAL_KIND_LOW_BAND, limit=last, multiple=multiple)


def _set(target: Any, field: str, value: float | int | None) -> None:
    if value is not None:
        setattr(target, field, value)
