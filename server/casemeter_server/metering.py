"""The metering stage of a call: payment, meter, effects of orders, and alternatives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from casemeter.v1 import charges_pb2, meter_pb2, verdict_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_rules.advice import GroupOutcome
from casemeter_server.alternatives import changed
from casemeter_server.charges import Ledger
from casemeter_server.errors import RequestError, invalid
from casemeter_server.loaded import LoadedPack
from casemeter_server.meter import fill_meter, fill_payment, fill_standing
from casemeter_server.money import Money, Position
from casemeter_server.money_stay import MoneyStay
from casemeter_server.prepare import Prepared, prepare
from casemeter_server.settling import Settling
from casemeter_server.stay_facts import Faults


@dataclass(frozen=True, slots=True)
class Metering:
    """What metering one call needs.

    Attributes:
        settling: groups.
        money: what pays; ``None``: the encounter has no charges, and the verdict speaks of no money.
        ledger: the sums of the charges; ``None`` likewise.
        as_of: in seconds since 1970.
        zone: the hospital's zone.
    """

    settling: Settling
    money: Money | None
    ledger: Ledger | None
    as_of: float
    zone: tzinfo

    @property
    def loaded(self) -> LoadedPack[Any]:
        """The pack that groups."""
        return self.settling.loaded

    @property
    def cost_fen(self) -> int | None:
        """Running cost; ``None``: unknown."""
        return self.ledger.cost_fen if self.ledger else None

    def weigh(self, prepared: Prepared) -> GroupOutcome | None:
        """Return the group that a case would be in and what it weighs; ``None``: in none."""
        facts = self.loaded.facts(self.settling.settle(prepared, self.cost_fen).outcome)
        if facts is None:
            return None
        policy = self.money.policy if self.money else None
        weight = policy.weight_of(facts.code, facts.weight) if policy else facts.weight
        return GroupOutcome(facts.code, facts.name, None if weight is None else float(weight))

    def fill(
        self, verdict: verdict_pb2.Verdict, outcome: Any, prepared: Prepared, encounter: pb.Encounter
    ) -> None:
        """Fill payment, meter and the effects of orders."""
        if self.money is None or self.ledger is None:
            return
        money = self.money
        stay = MoneyStay.of(encounter, prepared)
        position = money.position(self.loaded.facts(outcome), self.ledger.cost_fen, stay)
        fill_payment(verdict.payment, money, position, stay)
        fill_meter(verdict.meter, money, position, self.ledger, stay)
        in_scope = money.in_scope()
        for at, order in enumerate(encounter.orders):
            if order.placing:
                effect = verdict.meter.order_effects.add(field=f"encounter.orders[{at}]")
                self._fill_effect(effect, order, position, stay, prepared, in_scope)

    def _fill_effect(
        self,
        target: meter_pb2.OrderEffect,
        order: charges_pb2.Order,
        before: Position,
        stay: MoneyStay,
        prepared: Prepared,
        in_scope: Callable[[str, str], bool] | None,
    ) -> None:
        assert self.money is not None
        added = _charged((order,), in_scope)
        target.excluded = in_scope is not None and not in_scope(order.item, order.category)
        after = self._position(stay, prepared, before.cost_fen + added)
        fill_standing(target.after, after)
        if before.quote and after.quote:
            target.band_crossed = before.quote.band != after.quote.band
        equivalent = self.money.policy.equivalent(order.item) if self.money.policy else None
        if equivalent is not None:
            target.equivalent_item = equivalent.equivalent_item
            target.equivalent_name = equivalent.equivalent_name

    def fill_alternatives(
        self,
        verdict: verdict_pb2.Verdict,
        alternatives: Sequence[meter_pb2.Alternative],
        encounter: pb.Encounter,
        in_time: Callable[[], None],
    ) -> None:
        """Answer every alternative as if its changes had been sent.

        Args:
            verdict: to fill.
            alternatives: well-formed.
            encounter: as sent.
            in_time: asked before each; raises when the call has no time left.

        Raises:
            RequestError: changes that cannot be made, all of them.
        """
        faults: Faults = []
        for at, alternative in enumerate(alternatives):
            in_time()
            place = f"alternatives[{at}]"
            before = len(faults)
            edited, orders = changed(encounter, alternative, place, faults)
            if len(faults) > before:
                continue
            try:
                prepared = prepare(edited, self.loaded.codes, self.as_of, self.zone)
            except RequestError as error:
                for own in error.error.faults:
                    own.field = f"{place}.{own.field}"
                    faults.append(own)
                continue
            entry = verdict.alternatives.add(id=alternative.id)
            cost = None
            if self.money is not None and self.ledger is not None:
                cost = self.ledger.cost_fen + _charged(orders, self.money.in_scope())
            self._fill_standing(entry.after, edited, prepared, cost)
        if faults:
            raise invalid(faults)

    def _fill_standing(
        self, target: meter_pb2.Standing, encounter: pb.Encounter, prepared: Prepared, cost: int | None
    ) -> None:
        if cost is not None:
            fill_standing(target, self._position(MoneyStay.of(encounter, prepared), prepared, cost))
            return
        target.SetInParent()
        facts = self.loaded.facts(self.settling.settle(prepared, None).outcome)
        if facts:
            target.group, target.group_name = facts.code, facts.name

    def _position(self, stay: MoneyStay, prepared: Prepared, cost_fen: int) -> Position:
        """Where the stay stands at a cost; the group of a catalogue may turn with it."""
        assert self.money is not None
        facts = self.loaded.facts(self.settling.settle(prepared, cost_fen).outcome)
        return self.money.position(facts, cost_fen, stay)


def _charged(orders: Iterable[charges_pb2.Order], in_scope: Callable[[str, str], bool] | None) -> int:
    """Return what orders add to the running cost."""
    return sum(
        order.amount_fen for order in orders if in_scope is None or in_scope(order.item, order.category)
    )
