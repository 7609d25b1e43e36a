"""What the candidates of a forecast would be paid at the cost that the stay is heading for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from casemeter.v1.meter_pb2 import NOT_PRICED_REASON_OUTSIDE
from casemeter_server.known_tariff import KnownTariff
from casemeter_server.loaded import GroupFacts
from casemeter_server.money import Money
from casemeter_server.money_stay import MoneyStay


class Priced(NamedTuple):
    """What a stay would be paid.

    Attributes:
        not_priced: why there is no payment, a value of ``NotPricedReason``; 0: there is one.
        payment_fen: ``None``: there is none, or no price yet.
        band: name of the band; empty: there is no payment.
    """

    not_priced: int
    payment_fen: int | None = None
    band: str = ""


class Pricing(NamedTuple):
    """What prices the candidates.

    Attributes:
        money: of the hospital on the day.
        stay: as the meter saw it.
        absent: why the stay itself is not paid, as the meter found it; 0: it is.
    """

    money: Money
    stay: MoneyStay
    absent: int

    def prices(self, groups: Sequence[GroupFacts], cost_fen: int) -> list[Priced]:
        """Return what the stay would be paid at a cost in each group; the meter would say the same of it."""
        money, stay = self.money, self.stay
        policy = money.policy
        if policy is None:
            return [Priced(money.not_priced)] * len(groups)
        if policy.takes_out_by_group:
            return [self._alone(facts, cost_fen) for facts in groups]
        if self.absent == NOT_PRICED_REASON_OUTSIDE:
            # What takes it out is the same for every group.
            return [Priced(self.absent)] * len(groups)
        prices = []
        for facts in groups:
            known = money.known_tariff(facts, stay)
            if isinstance(known, KnownTariff):
                prices.append(Priced(0, *known.tariff.paid(cost_fen)))
            else:
                prices.append(Priced(known) if known else self._alone(facts, cost_fen))
        return prices

    def _alone(self, facts: GroupFacts, cost_fen: int) -> Priced:
        position = self.money.position(facts, cost_fen, self.stay)
        if position.quote is None:
            return Priced(position.not_priced)
        return Priced(0, position.quote.payment_fen, position.quote.band)
