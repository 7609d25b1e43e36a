"""Which rows hold: the most specific ones, by level, insurance, hospital, group, weight and day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import NamedTuple, TypeVar

from casemeter_grouper.payment.rows import Band, Coefficient, Price

Value = TypeVar("Value")
Scope = tuple[str, ...]


def scopes(names: Scope) -> Iterator[Scope]:
    """Yield the scopes that hold for some names, the most specific first; an empty name holds for any."""
    choices = product(*((name, "") if name else ("",) for name in names))
    yield from sorted(choices, key=lambda scope: scope.count(""))


def most_specific(rows: Mapping[Scope, Value], names: Scope) -> Value | None:
    """Return what stands under the most specific scope that holds, or ``None``.

    Where two equally specific scopes hold at once a pack has a more specific one: it would not load else.
    """
    return next((rows[scope] for scope in scopes(names) if scope in rows), None)


class WeightRange(NamedTuple):
    """The bands of a range of weights, in order.

    Attributes:
        above: exclusive; ``None``: from 0.
        to: inclusive; ``None``: any above.
    """

    above: Fraction | None
    to: Fraction | None
    bands: tuple[Band, ...]

    def holds(self, weight: Fraction) -> bool:
        """Whether a weight lies in the range."""
        return (self.above is None or weight > self.above) and (self.to is None or weight <= self.to)


def bands_by_scope(bands: Iterable[Band]) -> dict[Scope, tuple[WeightRange, ...]]:
    """Sort bands by level and insurance, then range of weights, then multiple."""
    found: dict[Scope, tuple[WeightRange, ...]] = {}
    for scope, rows in _grouped(bands, lambda row: (row.level, row.insurance)).items():
        ranges = _grouped(rows, lambda row: (row.weight_above, row.weight_to))
        found[scope] = tuple(
            WeightRange(above, to, tuple(sorted(inside, key=band_order)))
            for (above, to), inside in sorted(ranges.items(), key=lambda item: item[0][0] or 0)
        )
    return found


def band_order(band: Band) -> tuple[Fraction, bool]:
    """Key that sorts bands by where they start; one that takes its start in comes first."""
    return band.start or Fraction(0), not band.start_inclusive


def prices_by_scope(prices: Iterable[Price]) -> dict[Scope, tuple[Price, ...]]:
    """Sort prices by level and insurance, then by first day."""
    grouped = _grouped(prices, lambda row: (row.level, row.insurance))
    return {
        scope: tuple(sorted(rows, key=lambda row: (row.valid_from, row.valid_until)))
        for scope, rows in grouped.items()
    }


def coefficients_by_scope(coefficients: Iterable[Coefficient]) -> dict[Scope, Fraction]:
    """Return coefficients by level, hospital and group."""
    return {(row.level, row.hospital, row.group): row.coefficient for row in coefficients}


def price_on(prices: Sequence[Price], day: str) -> Price | None:
    """Return the price that holds on a day (``YYYY-MM-DD``), or ``None``."""
    holding = (
        row for row in prices if row.valid_from <= day and (not row.valid_until or day <= row.valid_until)
    )
    return next(holding, None)


Row = TypeVar("Row")
Key = TypeVar("Key", bound=Hashable)


def _grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    found: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found
