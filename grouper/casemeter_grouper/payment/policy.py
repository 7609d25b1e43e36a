"""A payment policy: prices stays, exactly and fast."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from pathlib import Path

import orjson

from casemeter_grouper.compiled.bundle import open_bundle
from casemeter_grouper.payment.formulas import PRICE, Facts, Missing
from casemeter_grouper.payment.header import KIND, Header, Method
from casemeter_grouper.payment.pricing import FEN, factor_of, tariff_of
from casemeter_grouper.payment.rows import (
    Addition,
    Equivalent,
    Exclusion,
    Outside,
    Price,
    SpecialCase,
    Tables,
    from_json,
)
from casemeter_grouper.payment.select import (
    bands_by_scope,
    coefficients_by_scope,
    most_specific,
    price_on,
    prices_by_scope,
)
from casemeter_grouper.payment.stay import NotPriced, NotPricedReason, Stay, not_priced
from casemeter_grouper.payment.tariff import Quote, Tariff

ARRAY = "tables"
_MAX_TARIFFS = 1 << 17


class Policy:
    """A payment policy. It never changes, and calls from several threads do not see each other.

    Attributes:
        header: who the policy is.
        sha256: content hash of its bundle.
        levels: levels of hospital that its header lists, lowest or highest first as it does.
    """

    def __init__(self, header: Header, tables: Tables, sha256: str) -> None:
        self.header = header
        self.sha256 = sha256
        self.levels = tables.levels
        self._tables = tables
        self._coefficients = coefficients_by_scope(tables.coefficients)
        self._hospitals = frozenset(row.hospital for row in tables.coefficients)
        self._bands = bands_by_scope(tables.bands)
        self._price_levels = {row.group: row.level for row in tables.price_levels}
        prices = prices_by_scope(tables.prices)
        scopes = {*prices, *self._bands}
        levels = (*(scope[0] for scope in (*scopes, *self._coefficients)), *self._price_levels.values())
        self._levels = {"", *levels}
        self._insurances = {"", *(scope[1] for scope in scopes)}
        # Looked up for every stay, so what holds for each level and insurance is found once.
        self._prices = {
            scope: most_specific(prices, scope) or () for scope in product(self._levels, self._insurances)
        }
        self._exclusions = {(row.item, row.category): row for row in tables.exclusions}
        self._equivalents: dict[str, Equivalent] = {row.item: row for row in tables.equivalents}
        self._takes_out_by_group = any(row.group for row in tables.outside)
        self._mean = None if tables.mean_cost_yuan is None else tables.mean_cost_yuan * FEN
        # A tariff is a function of its key and of tables that never change, so a second thread that computes
        # it meanwhile stores an equal one. Keys hold only names that the pack knows and the groups, weights
        # and means that the scheme gives, so they are bounded; the limit is for a caller who invents groups.
        self._tariffs: dict[tuple[object, ...], Tariff | NotPriced] = {}

    @classmethod
    def open(cls, path: Path) -> Policy:
        """Open the bundle of a payment pack.

        Raises:
            BundleError: the file cannot be used.
        """
        bundle = open_bundle(path, KIND)
        tables = from_json(orjson.loads(bundle.arrays[ARRAY].tobytes()))
        return cls(Header.from_json(bundle.manifest["header"]), tables, bundle.sha256)

    def insurance_name(self, sent: str) -> str:
        """Return the pack's name of an insurance, or what was sent when the pack does not know it."""
        return self._tables.insurance.get(sent, sent)

    @property
    def has_exclusions(self) -> bool:
        """Whether any charge is out of scope."""
        return bool(self._exclusions)

    @property
    def takes_out_by_group(self) -> bool:
        """Whether the group of a stay may take it out of group payment."""
        return self._takes_out_by_group

    @property
    def excluded(self) -> tuple[frozenset[str], frozenset[str], frozenset[tuple[str, str]]]:
        """What is out of scope: items, categories, and items within a category."""
        items = frozenset(item for item, category in self._exclusions if not category)
        names = frozenset(category for item, category in self._exclusions if not item)
        pairs = frozenset(key for key in self._exclusions if all(key))
        return items, names, pairs

    @property
    def price_days(self) -> tuple[str, ...]:
        """The days (``YYYY-MM-DD``) from which another price holds, in order."""
        return tuple(sorted({row.valid_from for row in self._tables.prices if row.valid_from}))

    def tariff(self, stay: Stay) -> Tariff | NotPriced:
        """Return what the group of a stay pays, or why it has no price."""
        return self.outside(stay) or self.tariff_of_group(stay)

    def outside(self, stay: Stay) -> NotPriced | None:
        """Return the reason that takes a stay out of group payment; ``None``: it is paid by group."""
        if self._tables.outside:
            insurance = self.insurance_name(stay.insurance)
            for row in self._tables.outside:
                if _is_outside(row, stay, insurance):
                    return NotPriced(NotPricedReason.OUTSIDE, row.reason_zh, row.reason_en)
        return None

    def tariff_of_group(self, stay: Stay) -> Tariff | NotPriced:
        """Return what a stay is paid that is paid by group; its length, department and kind do not matter."""
        if not self.header.holds_on(stay.day):
            return not_priced(NotPricedReason.NOT_IN_FORCE, policy=self.header.id, day=stay.day)
        insurance = self.insurance_name(stay.insurance)
        level = stay.level if stay.level in self._levels else ""
        insurance = insurance if insurance in self._insurances else ""
        scope = (self._price_levels.get(stay.group, level), insurance)
        price = price_on(self._prices.get(scope, ()), stay.day)
        hospital = stay.hospital if stay.hospital in self._hospitals else ""
        key = (
            *(stay.group, _ratio(stay.scheme_weight), _ratio(stay.group_mean), stay.tcm),
            *(level, insurance, hospital),
            price and (price.level, price.insurance, price.valid_from),
        )
        found = self._tariffs.get(key)
        if found is None:
            found = self._compute(stay, level, insurance, price)
            if isinstance(found, NotPriced):
                return found  # its words name what was sent, which the key does not hold
            if len(self._tariffs) >= _MAX_TARIFFS:
                self._tariffs.clear()
            self._tariffs[key] = found
        return found

    def special_cases(self, stay: Stay, quote: Quote, cost_fen: int) -> tuple[SpecialCase, ...]:
        """Return every row by which a stay may be submitted for separate settlement (特例单议).

        Args:
            stay: the stay.
            quote: what it is paid.
            cost_fen: all charges in scope, in fen.
        """
        return tuple(row for row in self._tables.special_cases if _is_special(row, stay, quote, cost_fen))

    def exclusion(self, item: str, category: str = "") -> Exclusion | None:
        """Return why a charge is not in scope, or ``None`` when it is.

        Args:
            item: code of the item, or empty.
            category: code of the fee category, or empty.
        """
        # Asked for every charge of every call: three look-ups, the most specific first.
        rows = self._exclusions
        return rows.get((item, category)) or rows.get((item, "")) or rows.get(("", category))

    def in_scope(self, item: str, category: str = "") -> bool:
        """Whether a charge counts as cost of the stay."""
        return self.exclusion(item, category) is None

    def equivalent(self, item: str) -> Equivalent | None:
        """Return a cheaper item that does the same, if the pack names one."""
        return self._equivalents.get(item)

    def weight_of(self, group: str, scheme_weight: Fraction | None) -> Fraction | None:
        """Return the weight or score that a group is paid by; ``None``: there is none.

        Args:
            group: the group.
            scheme_weight: what the scheme gives it; it counts where the policy has no weights of its own.
        """
        weights = self._tables.weights
        return scheme_weight if weights is None else weights.get(group)

    def _compute(self, stay: Stay, level: str, insurance: str, price: Price | None) -> Tariff | NotPriced:
        method = self.header.method
        weight = self.weight_of(stay.group, stay.scheme_weight)
        if not weight:
            return not_priced(NotPricedReason.NO_WEIGHT, group=stay.group)
        coefficient: Fraction | None = Fraction(1)
        if self._coefficients:
            coefficient = most_specific(self._coefficients, (level, stay.hospital, stay.group))
        if coefficient is None:
            return not_priced(NotPricedReason.NO_COEFFICIENT, level=stay.level, hospital=stay.hospital)
        no_price = not_priced(
            NotPricedReason.NO_PRICE, level=stay.level, insurance=stay.insurance, day=stay.day
        )
        if price is None and method is Method.RATE:
            return no_price
        ranges = most_specific(self._bands, (level, insurance)) or ()
        bands = next((part.bands for part in ranges if part.holds(weight)), None)
        if bands is None:
            return not_priced(
                NotPricedReason.NO_BAND, level=stay.level, insurance=stay.insurance, weight=float(weight)
            )
        additions = tuple(row for row in self._tables.additions if _is_added(row, stay))
        facts = Facts(
            method=method,
            weight=weight,
            coefficient=coefficient * factor_of(additions),
            unit=self._tables.points_per_weight if method is Method.POINTS else Fraction(1),
            price=price.price_yuan * FEN if price else None,
            mean=self._mean,
            group_mean=stay.group_mean,
        )
        try:
            return tariff_of(facts, bands, price, additions)
        except Missing as missing:
            return (
                no_price if missing.what == PRICE else not_priced(NotPricedReason.NO_MEAN, group=stay.group)
            )


def _ratio(value: Fraction | None) -> tuple[int, int] | None:
    """A fraction as a key: hashing the fraction itself takes several times as long."""
    return None if value is None else value.as_integer_ratio()


def _is_outside(row: Outside, stay: Stay, insurance: str) -> bool:
    return (
        (not row.insurance or insurance in row.insurance)
        and (not row.visit_kind or stay.visit_kind in row.visit_kind)
        and (not row.self_pay or stay.self_pay)
        and (not row.department or stay.department in row.department)
        and (not row.group or stay.group in row.group)
        and (row.days_below is None or _below(stay, row.days_below))
        and _above(stay.los_days, row.days_above)
    )


def _is_special(row: SpecialCase, stay: Stay, quote: Quote, cost_fen: int) -> bool:
    return (
        (not row.valid_from or stay.day >= row.valid_from)
        and (not row.valid_until or stay.day <= row.valid_until)
        and _above(stay.los_days, row.days_above)
        and (
            row.icu_hours_above is None
            or (
                stay.icu_hours is not None
                and _exceeds(*stay.icu_hours.as_integer_ratio(), row.icu_hours_above)
            )
        )
        and (row.cost_above_yuan is None or _exceeds(cost_fen, FEN, row.cost_above_yuan))
        and (row.multiple_above is None or _exceeds(*quote.ratio, row.multiple_above))
    )


def _below(stay: Stay, limit: int) -> bool:
    """Whether a stay that is over has lasted fewer days; one that goes on may still last longer."""
    return not stay.is_open and stay.los_days is not None and stay.los_days < limit


def _exceeds(numerator: int, denominator: int, limit: Fraction) -> bool:
    """Whether a fraction is above a limit; comparing fractions themselves takes ten times as long."""
    return numerator * limit.denominator > limit.numerator * denominator


def _is_added(row: Addition, stay: Stay) -> bool:
    return (not row.group or stay.group in row.group) and (not row.tcm or stay.tcm)


def _above(value: int | None, limit: int | None) -> bool:
    """Whether a condition holds; one that is not stated does, one on an unknown value does not."""
    return limit is None or (value is not None and value > limit)
