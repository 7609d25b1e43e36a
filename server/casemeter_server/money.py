"""The money of one call: what pays the case, what it is measured against, and where it stands at a cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil
from typing import Final, NamedTuple

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1 import meter_pb2
from casemeter_grouper.benchmark.benchmark import Benchmark
from casemeter_grouper.case import Case
from casemeter_grouper.payment.policy import Policy
from casemeter_grouper.payment.rows import SpecialCase
from casemeter_grouper.payment.stay import NotPriced, NotPricedReason, Stay
from casemeter_grouper.payment.tariff import Quote, Tariff
from casemeter_server.loaded import GroupFacts
from casemeter_server.meter_settings import HospitalSettings
from casemeter_server.shelf import holds_on
from casemeter_server.snapshot import Snapshot

_VISIT_KINDS: Final = {
    number: name.removeprefix("VISIT_KIND_").lower() for name, number in pb.VisitKind.items() if number
}


_NOT_PRICED: Final = {
    NotPricedReason.NOT_IN_FORCE: meter_pb2.NOT_PRICED_REASON_POLICY_NOT_VALID,
    NotPricedReason.NO_COEFFICIENT: meter_pb2.NOT_PRICED_REASON_NO_COEFFICIENT,
    NotPricedReason.NO_WEIGHT: meter_pb2.NOT_PRICED_REASON_NO_WEIGHT,
    NotPricedReason.NO_PRICE: meter_pb2.NOT_PRICED_REASON_NO_PRICE,
    NotPricedReason.NO_BAND: meter_pb2.NOT_PRICED_REASON_NO_BAND,
    NotPricedReason.NO_MEAN: meter_pb2.NOT_PRICED_REASON_NO_MEAN,
    NotPricedReason.OUTSIDE: meter_pb2.NOT_PRICED_REASON_OUTSIDE,
}


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
        cv: standard deviation over mean; ``None``: unknown.
        mean_los_days: ``None``: unknown.
        cases: stays measured; ``None``: unknown.
        structure: share by category of the benchmark's own system; empty: unknown.
        cost_by_day: mean cost in fen up to the end of each day, from the first; empty: unknown.
    """

    mean_cost_fen: Fraction
    cv: float | None
    mean_los_days: float | None
    cases: int | None
    structure: Mapping[str, float]
    cost_by_day: tuple[int, ...]


class Position(NamedTuple):
    """Where a stay stands.

    Attributes:
        facts: of its group; ``None``: it is in none.
        usual: what stays of the group usually cost; ``None``: unknown.
        cost_fen: running cost.
        tariff: what its group pays at any cost; ``None``: there is no payment.
        quote: what it pays at this cost; ``None``: likewise.
        not_priced: why there is no payment, a value of ``NotPricedReason``; 0: there is one.
        why: the reason in the pack's own words, Chinese and English, where it gives one.
    """

    facts: GroupFacts | None
    usual: Usual | None
    cost_fen: int
    tariff: Tariff | None
    quote: Quote | None
    not_priced: int
    why: tuple[str, str] | None

    @property
    def margin_fen(self) -> int | None:
        """Payment less cost."""
        if self.quote is None or self.quote.payment_fen is None:
            return None
        return self.quote.payment_fen - self.cost_fen

    @property
    def multiple_of_payment(self) -> float | None:
        """Cost over standard payment."""
        standard = self.tariff.standard_fen if self.tariff else None
        return self.cost_fen / standard if standard else None

    @property
    def multiple_of_benchmark(self) -> float | None:
        """Cost over the benchmark's mean."""
        return float(self.cost_fen / self.usual.mean_cost_fen) if self.usual else None


@dataclass(frozen=True)
class Money:
    """What pays a case and what it is measured against.

    Attributes:
        settings: of the caller's hospital.
        policy: what pays; ``None``: ``not_priced`` says why not.
        benchmark: ``None``: there is none.
    """

    hospital: str
    settings: HospitalSettings
    day: str
    policy: Policy | None
    not_priced: int
    later_policies: tuple[Policy, ...]
    benchmark: Benchmark | None

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
        later = tuple(
            version
            for version in policies
            if policy and version.header.id == chosen and version.header.valid_from > day
        )
        return cls(
            hospital, settings, day, policy, not_priced, later, _benchmark(snapshot, settings, scheme, day)
        )

    def position(
        self, facts: GroupFacts | None, cost_fen: int, encounter: pb.Encounter, case: Case
    ) -> Position:
        """Return where a stay stands at a cost."""
        usual = self._usual(facts) if facts else None
        if facts is None:
            return Position(None, None, cost_fen, None, None, meter_pb2.NOT_PRICED_REASON_NO_GROUP, None)
        if self.policy is None:
            return Position(facts, usual, cost_fen, None, None, self.not_priced, None)
        found = self.policy.tariff(self._stay(facts, usual, encounter, case, self.day))
        if isinstance(found, NotPriced):
            reason = _NOT_PRICED[found.reason]
            why = (found.text_zh, found.text_en) if found.text_zh or found.text_en else None
            return Position(facts, usual, cost_fen, None, None, reason, why)
        return Position(facts, usual, cost_fen, found, found.quote(cost_fen), 0, None)

    def in_scope(self) -> Callable[[str, str], bool] | None:
        """Return what tells whether an item and its category are in scope; ``None``: everything is."""
        return self.policy.in_scope if self.policy and self.policy.has_exclusions else None

    def upcoming(self, position: Position, encounter: pb.Encounter, case: Case) -> Upcoming | None:
        """Return what will hold from a day within the expected stay: a later version or a new price.

        The stay is expected to end after the mean length of its group; where that is unknown, nothing is
        said.
        """
        usual, los = position.usual, case.los_days
        if not (position.facts and self.policy and usual and usual.mean_los_days and los):
            return None
        left = ceil(usual.mean_los_days - los)
        if encounter.HasField("discharge_time") or left <= 0:
            return None
        last = (date.fromisoformat(self.day) + timedelta(days=left)).isoformat()
        changes = [(day, self.policy) for day in self.policy.price_days]
        changes += [(version.header.valid_from, version) for version in self.later_policies]
        for day, policy in sorted(changes, key=lambda change: change[0]):
            if self.day < day <= last and holds_on(policy, day):
                found = policy.tariff(self._stay(position.facts, usual, encounter, case, day))
                return Upcoming(policy, day, None if isinstance(found, NotPriced) else found)
        return None

    def special_cases(
        self, position: Position, encounter: pb.Encounter, case: Case
    ) -> tuple[SpecialCase, ...]:
        """Return the special cases that a stay may be put forward for."""
        if not (self.policy and position.quote and position.facts):
            return ()
        stay = self._stay(position.facts, position.usual, encounter, case, self.day)
        return self.policy.special_cases(stay, position.quote, position.cost_fen)

    def _stay(
        self, facts: GroupFacts, usual: Usual | None, encounter: pb.Encounter, case: Case, day: str
    ) -> Stay:
        return Stay(
            group=facts.code,
            scheme_weight=facts.weight,
            group_mean=facts.mean_cost_fen or (usual.mean_cost_fen if usual else None),
            level=self.settings.level,
            hospital=self.hospital,
            insurance=encounter.insurance_type,
            department=case.department or "",
            visit_kind=_VISIT_KINDS.get(encounter.visit_kind, ""),
            self_pay=encounter.self_pay,
            tcm=encounter.tcm,
            los_days=None if case.los_days is None else int(case.los_days),
            icu_hours=case.icu_hours,
            day=day,
        )

    def _usual(self, facts: GroupFacts) -> Usual | None:
        """What stays of a group usually cost: by the benchmark pack, else by the grouping pack itself."""
        if self.benchmark is not None:
            found = self.benchmark.group(facts.code)
            if found is None:
                return None
            return Usual(
                found.mean_cost_fen,
                found.cv,
                found.mean_los_days,
                found.cases,
                found.structure,
                found.cost_by_day,
            )
        if facts.mean_cost_fen is None:
            return None
        return Usual(facts.mean_cost_fen, facts.cv, facts.mean_los_days, facts.cases, {}, ())


def _benchmark(snapshot: Snapshot, settings: HospitalSettings, scheme: str, day: str) -> Benchmark | None:
    """Return the benchmark that is chosen, or the only one for the scheme."""
    names = {pack.header.id for pack in snapshot.benchmarks if pack.header.scheme == scheme}
    if settings.benchmark in names:
        return snapshot.benchmarks.on(settings.benchmark, day)
    return snapshot.benchmarks.on(names.pop(), day) if len(names) == 1 else None
