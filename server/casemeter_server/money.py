"""The money of a hospital on a day: what pays, what it is measured against, and where a stay stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from math import ceil
from typing import Final, NamedTuple

from casemeter.v1 import meter_pb2, pack_pb2
from casemeter_grouper.benchmark.benchmark import Benchmark
from casemeter_grouper.payment.policy import Policy
from casemeter_grouper.payment.rows import SpecialCase
from casemeter_grouper.payment.stay import NotPriced, NotPricedReason, Stay
from casemeter_grouper.payment.tariff import Quote, Tariff
from casemeter_grouper.rounding import half_up
from casemeter_server.known_tariff import KnownTariff, known_tariff
from casemeter_server.loaded import GroupFacts
from casemeter_server.meter_settings import HospitalSettings
from casemeter_server.money_stay import MoneyStay
from casemeter_server.refs import pack_ref
from casemeter_server.shelf import holds_on
from casemeter_server.snapshot import Snapshot

_NOT_PRICED: Final = {
    NotPricedReason.NOT_IN_FORCE: meter_pb2.NOT_PRICED_REASON_POLICY_NOT_VALID,
    NotPricedReason.NO_COEFFICIENT: meter_pb2.NOT_PRICED_REASON_NO_COEFFICIENT,
    NotPricedReason.NO_WEIGHT: meter_pb2.NOT_PRICED_REASON_NO_WEIGHT,
    NotPricedReason.NO_PRICE: meter_pb2.NOT_PRICED_REASON_NO_PRICE,
    NotPricedReason.NO_BAND: meter_pb2.NOT_PRICED_REASON_NO_BAND,
    NotPricedReason.NO_MEAN: meter_pb2.NOT_PRICED_REASON_NO_MEAN,
    NotPricedReason.OUTSIDE: meter_pb2.NOT_PRICED_REASON_OUTSIDE,
}


_MAX_PRICED: Final = 1 << 16


class Upcoming(NamedTuple):
    """What will hold from a day within the expected stay.

    Attributes:
        policy: the version that then pays.
        day: the first day.
        tariff: ``None``: there is no payment then.
    """

    policy: Policy
    day: str
    tariff: Tariff | None


class Usual(NamedTuple):
    """What stays of a group usually cost.

    Attributes:
        mean_cost_fen: above 0.
        mean_los_days: ``None``: unknown.
        written: a ``Benchmark`` without what depends on the day of the stay, serialised.
        structure: share by category of the benchmark's own system; empty: unknown.
        cost_by_day: mean cost in fen up to the end of each day, from the first; empty: unknown.
        cost_by_day_quantiles: for each percent as many costs; empty: unknown.
    """

    mean_cost_fen: Fraction
    mean_los_days: float | None
    written: bytes
    structure: Mapping[str, float]
    cost_by_day: tuple[int, ...]
    cost_by_day_quantiles: Mapping[int, tuple[int, ...]]


class Position(NamedTuple):
    """Where a stay stands.

    Attributes:
        facts: of its group; ``None``: it is in none.
        usual: what stays of the group usually cost; ``None``: unknown.
        cost_fen: running cost.
        asked: what the policy was asked; ``None``: it was not.
        known: what its group pays at any cost; ``None``: there is no payment.
        quote: what it pays at this cost; ``None``: likewise.
        not_priced: why there is no payment, a value of ``NotPricedReason``; 0: there is one.
        why: the reason in the pack's own words, Chinese and English, where it gives one; else empty.
    """

    facts: GroupFacts | None
    usual: Usual | None
    cost_fen: int
    asked: Stay | None
    known: KnownTariff | None
    quote: Quote | None
    not_priced: int
    why: tuple[str, ...]

    @property
    def margin_fen(self) -> int | None:
        """Payment less cost."""
        if self.quote is None or self.quote.payment_fen is None:
            return None
        return self.quote.payment_fen - self.cost_fen

    @property
    def multiple_of_payment(self) -> float | None:
        """Cost over standard payment."""
        standard = self.known.tariff.standard_fen if self.known else None
        return self.cost_fen / standard if standard else None

    @property
    def multiple(self) -> float | None:
        """Cost over what the bands are measured by."""
        return self.quote.ratio[0] / self.quote.ratio[1] if self.quote else None

    @property
    def multiple_of_benchmark(self) -> float | None:
        """Cost over the benchmark's mean."""
        if self.usual is None:
            return None
        mean = self.usual.mean_cost_fen
        return self.cost_fen * mean.denominator / mean.numerator


@dataclass(frozen=True)
class Money:
    """What pays a case and what it is measured against.

    Attributes:
        settings: of the caller's hospital.
        policy: what pays; ``None``: ``not_priced`` says why not.
        not_priced: a value of ``NotPricedReason``.
        changes: days after this one from which another price or version holds, the next one first.
        benchmark: ``None``: there is none.
    """

    hospital: str
    settings: HospitalSettings
    day: str
    policy: Policy | None
    not_priced: int
    changes: tuple[tuple[str, Policy], ...]
    benchmark: Benchmark | None
    # Found once for each group: functions of the packs and of no patient.
    _priced: dict[tuple[str, str, bool], KnownTariff | NotPriced] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _usuals: dict[str, Usual | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls, snapshot: Snapshot, settings: HospitalSettings, hospital: str, scheme: str, day: str
    ) -> Money:
        """Choose the packs.

        Args:
            snapshot: what is loaded.
            settings: of the hospital.
            hospital: the caller's; may be empty.
            scheme: id of the pack that groups.
            day: local day of discharge, or of ``as_of`` (``YYYY-MM-DD``).
        """
        policies = [policy for policy in snapshot.policies if policy.header.scheme == scheme]
        names = {policy.header.id for policy in policies}
        chosen = settings.payment if settings.payment in names else next(iter(names), "")
        policy = None
        not_priced: int = meter_pb2.NOT_PRICED_REASON_NO_POLICY
        if len(names) > 1 and settings.payment not in names:
            not_priced = meter_pb2.NOT_PRICED_REASON_POLICY_NOT_CHOSEN
        elif chosen:
            policy = snapshot.policies.on(chosen, day)
            not_priced = 0 if policy else meter_pb2.NOT_PRICED_REASON_POLICY_NOT_VALID
        return cls(
            hospital,
            settings,
            day,
            policy,
            not_priced,
            _changes(policy, policies, day) if policy else (),
            _benchmark(snapshot, settings, scheme, day),
        )

    def position(self, facts: GroupFacts | None, cost_fen: int, stay: MoneyStay) -> Position:
        """Return where a stay stands at a cost."""
        usual = self._usual(facts) if facts else None
        if facts is None:
            return Position(None, None, cost_fen, None, None, None, meter_pb2.NOT_PRICED_REASON_NO_GROUP, ())
        if self.policy is None:
            return Position(facts, usual, cost_fen, None, None, None, self.not_priced, ())
        asked = self._stay(facts, usual, stay, self.day)
        found = self.policy.outside(asked) or self._tariff(self.policy, asked)
        if isinstance(found, NotPriced):
            reason = _NOT_PRICED[found.reason]
            why = (found.text_zh, found.text_en) if found.text_zh or found.text_en else ()
            return Position(facts, usual, cost_fen, asked, None, None, reason, why)
        return Position(facts, usual, cost_fen, asked, found, found.tariff.quote(cost_fen), 0, ())

    def mean_cost_fen(self, facts: GroupFacts) -> Fraction | None:
        """Return the mean cost of a group; ``None``: unknown."""
        usual = self._usual(facts)
        return usual.mean_cost_fen if usual else None

    def known_tariff(self, facts: GroupFacts, stay: MoneyStay) -> KnownTariff | int:
        """Return what pays a stay of a group that is paid by group at all, as far as it was found before.

        Returns:
            The tariff; or why there is none, a value of ``NotPricedReason``; 0: it was not found yet.
        """
        found = self._priced.get((facts.code, stay.insurance, stay.tcm))
        if found is None:
            return 0
        return _NOT_PRICED[found.reason] if isinstance(found, NotPriced) else found

    def _tariff(self, policy: Policy, asked: Stay) -> KnownTariff | NotPriced:
        key = asked.group, asked.insurance, asked.tcm
        found = self._priced.get(key)
        if found is None:
            if len(self._priced) >= _MAX_PRICED:  # callers may send any insurance
                self._priced.clear()
            tariff = policy.tariff_of_group(asked)
            found = tariff if isinstance(tariff, NotPriced) else known_tariff(policy, tariff)
            self._priced[key] = found
        return found

    def in_scope(self) -> Callable[[str, str], bool] | None:
        """Return what tells whether an item and its category are in scope; ``None``: everything is."""
        return self.policy.in_scope if self.policy and self.policy.has_exclusions else None

    def upcoming(self, position: Position, stay: MoneyStay) -> Upcoming | None:
        """Return what will hold from a day within the expected stay: a later version or a new price.

        The stay is expected to end after the mean length of its group; where that is unknown, nothing is
        said.
        """
        usual, los = position.usual, stay.los_days
        if not (self.changes and position.facts and usual and usual.mean_los_days and los):
            return None
        left = ceil(usual.mean_los_days - los)
        if stay.is_discharged or left <= 0:
            return None
        last = (date.fromisoformat(self.day) + timedelta(days=left)).isoformat()
        day, policy = self.changes[0]
        if day > last:
            return None
        found = policy.tariff(self._stay(position.facts, usual, stay, day))
        return Upcoming(policy, day, None if isinstance(found, NotPriced) else found)

    def special_cases(self, position: Position) -> tuple[SpecialCase, ...]:
        """Return the special cases that a stay may be put forward for."""
        if not (self.policy and position.quote and position.asked):
            return ()
        return self.policy.special_cases(position.asked, position.quote, position.cost_fen)

    def _stay(self, facts: GroupFacts, usual: Usual | None, stay: MoneyStay, day: str) -> Stay:
        measured = facts.measured or usual
        return Stay(
            group=facts.code,
            scheme_weight=facts.weight,
            group_mean=measured.mean_cost_fen if measured else None,
            level=self.settings.level,
            hospital=self.hospital,
            insurance=stay.insurance,
            department=stay.department,
            visit_kind=stay.visit_kind,
            self_pay=stay.self_pay,
            tcm=stay.tcm,
            los_days=stay.los_days,
            icu_hours=stay.icu_hours,
            day=day,
            is_open=not stay.is_ending,
        )

    def _usual(self, facts: GroupFacts) -> Usual | None:
        if facts.code not in self._usuals:
            self._usuals[facts.code] = self._find_usual(facts)
        return self._usuals[facts.code]

    def _find_usual(self, facts: GroupFacts) -> Usual | None:
        """What stays of a group usually cost: by the benchmark pack, else by the grouping pack itself."""
        found = self.benchmark.group(facts.code) if self.benchmark else facts.measured
        if found is None:
            return None
        written = meter_pb2.Benchmark(
            known=True,
            mean_cost_fen=half_up(found.mean_cost_fen),
            cv=found.cv,
            mean_los_days=found.mean_los_days,
            cases=found.cases,
        )
        if self.benchmark:
            written.pack.CopyFrom(ref_of(self.benchmark))
            written.demonstration = self.benchmark.header.demonstration
        else:
            written.demonstration = facts.demonstration
        return Usual(
            found.mean_cost_fen,
            found.mean_los_days,
            written.SerializeToString(deterministic=True),
            found.structure,
            found.cost_by_day,
            found.cost_by_day_quantiles,
        )


def ref_of(pack: Policy | Benchmark) -> pack_pb2.PackRef:
    """Return which pack it is, for a verdict."""
    return pack_ref(pack.header, pack.sha256, pack.header.demonstration)


def _changes(policy: Policy, policies: Iterable[Policy], day: str) -> tuple[tuple[str, Policy], ...]:
    """Return the later days from which another price or version of a policy holds, the next one first."""
    changes = [(first, policy) for first in policy.price_days if first > day and holds_on(policy, first)]
    for version in policies:
        first = version.header.valid_from
        if version.header.id == policy.header.id and first > day:
            changes.append((first, version))
    return tuple(sorted(changes, key=lambda change: change[0]))


def _benchmark(snapshot: Snapshot, settings: HospitalSettings, scheme: str, day: str) -> Benchmark | None:
    """Return the benchmark that is chosen, or the only one for the scheme."""
    names = {pack.header.id for pack in snapshot.benchmarks if pack.header.scheme == scheme}
    if settings.benchmark in names:
        return snapshot.benchmarks.on(settings.benchmark, day)
    return snapshot.benchmarks.on(names.pop(), day) if len(names) == 1 else None
