"""What candidates of plain requests would be paid, kept as numbers once it was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casemeter.v1.meter_pb2 import NOT_PRICED_REASON_OUTSIDE
from casemeter_server.forecast_money import Pricing
from casemeter_server.known_tariff import KnownTariff
from casemeter_server.loaded import GroupFacts
from casemeter_server.money import Money
from casemeter_server.plain.prices import Prices

_MAX_KEPT: Final = 64


class PricesOfStay:
    """What all groups are paid for stays of one insurance by one hospital's money, as far as it was found.

    Attributes:
        money: of the hospital on a day.
        known: what was found; ``None``: what pays a group at a cost depends on more than that.
    """

    def __init__(self, money: Money, known: Prices | None) -> None:
        self.money, self.known = money, known
        self._means: dict[str, float] = {}

    def mean_of(self, facts: GroupFacts) -> float:
        """Return the mean cost of a group in fen; 0: unknown."""
        found = self._means.get(facts.code)
        if found is None:
            found = self._means[facts.code] = float(self.money.mean_cost_fen(facts) or 0)
        return found

    def find(self, groups: Mapping[int, GroupFacts], cost_fen: int, pricing: Pricing) -> Prices:
        """Return what groups are paid at one cost, the slow way; what holds at any cost is kept.

        Args:
            groups: by number.
            cost_fen: the cost.
            pricing: what prices them.
        """
        prices = Prices.of(max(groups, default=0))
        for group, priced in zip(groups, pricing.prices(list(groups.values()), cost_fen), strict=True):
            prices = prices.at_one_cost(group, priced.not_priced, priced.payment_fen, priced.band)
        known = self.known
        for group, facts in groups.items():
            found = self.money.known_tariff(facts, pricing.stay)
            if known is None or not found or known.knows(group):
                continue
            if isinstance(found, KnownTariff):
                known = known.paying(group, found.tariff)
            else:
                known = known.told(group, found)
        # Another thread may have kept other groups since: they are found again when they are asked for.
        self.known = known
        return prices


class KnownPrices:
    """Keeps what was found of the prices of a forecast's groups: functions of the packs and of no patient."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str, bool, bool], PricesOfStay] = {}

    def of(self, pricing: Pricing, groups: int) -> PricesOfStay:
        """Return what is known of the prices of a stay.

        Args:
            pricing: what prices it.
            groups: how many there are.
        """
        money, stay = pricing.money, pricing.stay
        outside = pricing.absent == NOT_PRICED_REASON_OUTSIDE
        # What is kept holds the money itself, so that no other one can have its number.
        key = (id(money), stay.insurance, stay.tcm, outside)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MAX_KEPT:  # callers may send any insurance
                self._kept.clear()
            found = self._kept[key] = PricesOfStay(money, _known(money, groups, is_outside=outside))
        return found


def _known(money: Money, groups: int, *, is_outside: bool) -> Prices | None:
    if money.policy is None:
        return Prices.of(groups, money.not_priced)
    if money.policy.takes_out_by_group:
        return None
    # What takes a stay out is the same for every group.
    return Prices.of(groups, NOT_PRICED_REASON_OUTSIDE) if is_outside else Prices.of(groups)
