"""From where a stay stands to the payment and the meter of a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from casemeter.v1 import charges_pb2, meter_pb2, pack_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_grouper.benchmark.categories import FRONT_PAGE, SETTLEMENT_LIST, categories
from casemeter_grouper.case import Case
from casemeter_grouper.payment.tariff import Tariff
from casemeter_server.charges import Ledger
from casemeter_server.meter_settings import Limits
from casemeter_server.money import Money, Position

NORMAL: Final = "normal"
"""The band in which a case earns its standard payment; bands before it are low, those after it high."""

_SYSTEMS: Final[dict[int, str]] = {
    charges_pb2.CATEGORY_SYSTEM_FRONT_PAGE: FRONT_PAGE,
    charges_pb2.CATEGORY_SYSTEM_SETTLEMENT_LIST: SETTLEMENT_LIST,
}


def fill_payment(
    target: meter_pb2.Payment, money: Money, position: Position, encounter: pb.Encounter, case: Case
) -> None:
    """Fill what the group pays."""
    target.absent = position.not_priced  # type: ignore[assignment]  # the stubs want a wrapper type
    if position.why:
        target.absent_text.extend(position.why)
    policy, tariff, quote = money.policy, position.tariff, position.quote
    if policy is not None:
        target.pack.CopyFrom(_ref(policy))
        target.demonstration = policy.header.demonstration
    if policy is None or tariff is None or quote is None:
        return
    if tariff.standard_fen is not None:
        target.standard_fen = tariff.standard_fen
    if quote.payment_fen is not None:
        target.payment_fen = quote.payment_fen
        target.margin_fen = quote.payment_fen - position.cost_fen
    if quote.points is not None:
        target.points = f"{quote.points:.6f}"
    target.weight = _decimal(tariff.weight)
    target.coefficient = _decimal(tariff.coefficient)
    if tariff.price_yuan is not None:
        target.price_yuan = _decimal(tariff.price_yuan)
        provisional = meter_pb2.PRICE_STATUS_PROVISIONAL
        target.price_status = provisional if tariff.provisional else meter_pb2.PRICE_STATUS_SETTLED
        target.price_as_of = tariff.price_as_of
    _fill_band(target.band, tariff, quote.segment)
    if quote.segment + 1 < len(tariff.pieces):
        _fill_band(target.next_band, tariff, quote.segment + 1)
    for row in tariff.additions:
        target.additions.extend((row.reason_zh, row.reason_en))
    for special in money.special_cases(position, encounter, case):
        entry = target.special_cases.add(reason=(special.reason_zh, special.reason_en))
        if special.quota_share is not None:
            entry.quota_share = float(special.quota_share)
        if special.valid_from or special.valid_until:
            entry.period = f"{special.valid_from}/{special.valid_until}"
    upcoming = money.upcoming(position, encounter, case)
    if upcoming is not None:
        target.upcoming.pack.CopyFrom(_ref(upcoming.policy))
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
    encounter: pb.Encounter,
    case: Case,
) -> None:
    """Fill what the stay has cost, against its benchmark, its payment and the hospital's limits."""
    target.cost_fen = ledger.cost_fen
    target.excluded_fen = ledger.excluded_fen
    target.ordered_fen = ledger.ordered_fen
    target.later_fen = ledger.later_fen
    _set(target, "multiple_of_benchmark", position.multiple_of_benchmark)
    _set(target, "multiple_of_payment", position.multiple_of_payment)
    _set(target, "multiple", position.quote and float(position.quote.multiple))
    if case.los_days is not None:
        target.day_of_stay = int(case.los_days)
    _fill_benchmark(target.benchmark, money, position, case)
    target.structure.extend(_structure(money, position, ledger))
    limits = money.settings.limits_of(case.department or "")
    target.signals.extend(_signals(position, limits, encounter))
    if limits.target is not None:
        own = case.department in money.settings.departments
        target.target.department = case.department or "" if own else ""
        target.target.multiple = limits.target
        if position.tariff and position.tariff.standard_fen is not None:
            target.target.cost_fen = _rounded(Fraction(str(limits.target)) * position.tariff.standard_fen)


def fill_standing(target: meter_pb2.Standing, position: Position) -> None:
    """Fill where a stay stands."""
    if position.facts:
        target.group, target.group_name = position.facts.code, position.facts.name
    target.cost_fen = position.cost_fen
    target.not_priced = position.not_priced  # type: ignore[assignment]  # the stubs want a wrapper type
    _set(target, "multiple_of_benchmark", position.multiple_of_benchmark)
    if position.tariff and position.quote:
        _set(target, "standard_fen", position.tariff.standard_fen)
        _set(target, "payment_fen", position.quote.payment_fen)
        _set(target, "margin_fen", position.margin_fen)
        target.multiple = float(position.quote.multiple)
        target.band = position.quote.band


def _fill_band(target: meter_pb2.Band, tariff: Tariff, at: int) -> None:
    segment, divisor = tariff.pieces[at].segment, tariff.pieces[at].divisor
    target.name, target.doubt = segment.band, segment.doubt
    target.from_fen = segment.from_fen
    target.from_multiple = float(segment.from_fen / divisor)
    if segment.to_fen is not None:
        target.to_fen = segment.to_fen
        target.to_multiple = float(segment.to_fen / divisor)


def _fill_benchmark(target: meter_pb2.Benchmark, money: Money, position: Position, case: Case) -> None:
    usual = position.usual
    if money.benchmark is not None:
        target.pack.CopyFrom(_ref(money.benchmark))
        target.demonstration = money.benchmark.header.demonstration
    if usual is None:
        target.SetInParent()
        return
    target.known = True
    target.mean_cost_fen = _rounded(usual.mean_cost_fen)
    _set(target, "cv", usual.cv)
    _set(target, "mean_los_days", usual.mean_los_days)
    _set(target, "cases", usual.cases)
    if usual.cost_by_day and case.los_days is not None:
        # After the last day measured, stays of the group cost no more.
        target.cost_by_day_fen = usual.cost_by_day[min(int(case.los_days), len(usual.cost_by_day)) - 1]


def _structure(money: Money, position: Position, ledger: Ledger) -> Iterable[meter_pb2.CategoryCost]:
    """Cost by category in the order of the system, then what is unmapped."""
    system = _SYSTEMS.get(ledger.system, "")
    known = categories(system) if system else {}
    comparable = money.benchmark is not None and money.benchmark.header.category_system == system
    shares = position.usual.structure if position.usual and comparable else {}
    amounts = {code: ledger.by_category[code] for code in known if code in ledger.by_category}
    unmapped = ledger.cost_fen - sum(amounts.values())
    for code in known:
        if code in amounts or code in shares:
            yield _category(code, amounts.get(code, 0), ledger.cost_fen, shares.get(code) if shares else None)
    if unmapped or ledger.by_category.keys() - amounts.keys():
        yield _category("", unmapped, ledger.cost_fen, None)


def _category(code: str, amount: int, cost: int, usual: float | None) -> meter_pb2.CategoryCost:
    share = amount / cost if cost > 0 else None
    return meter_pb2.CategoryCost(category=code, amount_fen=amount, share=share, benchmark_share=usual)


def _signals(position: Position, limits: Limits, encounter: pb.Encounter) -> Iterable[meter_pb2.Signal]:
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
    tariff, quote = position.tariff, position.quote
    if tariff is None or quote is None:
        return
    names = [segment.band for segment in tariff.segments]
    if NORMAL not in names or quote.band == NORMAL:
        return
    segment, divisor = tariff.pieces[quote.segment].segment, tariff.pieces[quote.segment].divisor
    if quote.segment > names.index(NORMAL):
        limit = float(segment.from_fen / divisor)
        yield meter_pb2.Signal(
            kind=meter_pb2.SIGNAL_KIND_HIGH_BAND, limit=limit, multiple=float(quote.multiple)
        )
    elif (encounter.discharge_ordered or encounter.HasField("discharge_time")) and segment.to_fen is not None:
        # A stay still going on has time to cost more.
        limit = float(segment.to_fen / divisor)
        yield meter_pb2.Signal(
            kind=meter_pb2.SIGNAL_KIND_LOW_BAND, limit=limit, multiple=float(quote.multiple)
        )


def _ref(pack: Any) -> pack_pb2.PackRef:
    header = pack.header
    return pack_pb2.PackRef(id=header.id, version=header.version, bundle_sha256=pack.sha256)


def _set(target: Any, field: str, value: float | int | None) -> None:
    if value is not None:
        setattr(target, field, value)


def _rounded(value: Fraction) -> int:
    """Half up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def _decimal(value: Fraction) -> str:
    """Return an exact decimal number; a fraction that has none is cut at twelve decimals."""
    return f"{round(Decimal(value.numerator) / value.denominator, 12).normalize():f}"
