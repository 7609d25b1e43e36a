"""What is wrong between the rows of a payment pack: gaps, overlaps, doubles, and units of money."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import combinations, pairwise
from typing import Final, TypeVar

from casemeter_grouper.pack.faults import ERROR, Fault, has_errors
from casemeter_grouper.payment.columns import (
    BANDS,
    COEFFICIENTS,
    EQUIVALENTS,
    EXCLUSIONS,
    PRICE_LEVELS,
    PRICES,
    SPECIAL_CASES,
)
from casemeter_grouper.payment.header import Method, PaymentFile
from casemeter_grouper.payment.partition import Span, breaks
from casemeter_grouper.payment.read import Placed, Read, Row
from casemeter_grouper.payment.rows import Band, Price
from casemeter_grouper.payment.select import Key, Scope

MEAN_YUAN: Final = (Fraction(300), Fraction(100_000))
"""What a stay of weight 1 may cost or earn. Fen are a hundredfold of it, 万元 a ten-thousandth."""

_STAY_YUAN: Final = (Fraction(1_000), Fraction(10_000_000))
_SCORE_YUAN: Final = (Fraction(1, 100), Fraction(1_000))
_LEFT_OUT: Final = ("ragged_row", "empty_cell")
_Scoped = TypeVar("_Scoped", Band, Price)
_TIMES_THE_MEAN: Final = (Fraction(1, 20), Fraction(20))


def note_rows(read: Read, header: PaymentFile | None, faults: list[Fault]) -> None:
    """Note every fault between the rows of a pack; what a row with a fault of its own means is not judged."""
    bands, prices = _Sound(BANDS, faults), _Sound(PRICES, faults)
    faults += _bands(bands.scopes(read.bands))
    faults += _prices(prices.scopes(read.prices))
    faults += _equally_specific(PRICES, ((line, (row.level, row.insurance)) for line, row in read.prices))
    faults += _equally_specific(BANDS, ((line, (row.level, row.insurance)) for line, row in read.bands))
    coefficients = [(line, (row.level, row.hospital, row.group)) for line, row in read.coefficients]
    faults += _twice(COEFFICIENTS, "coefficient", coefficients)
    faults += _equally_specific(COEFFICIENTS, coefficients)
    faults += _twice(EXCLUSIONS, "item", ((line, (row.item, row.category)) for line, row in read.exclusions))
    faults += _twice(EQUIVALENTS, "item", ((line, (row.item,)) for line, row in read.equivalents))
    faults += _twice(PRICE_LEVELS, "group", ((line, (row.group,)) for line, row in read.price_levels))
    special = _Sound(SPECIAL_CASES, faults).rows(read.special_cases)
    for line, limit in ((line, row.cost_above_yuan) for line, row in special):
        if limit is not None and not _STAY_YUAN[0] <= limit <= _STAY_YUAN[1]:
            details = {"value": _written(limit), "usual": _range(_STAY_YUAN)}
            faults.append(Fault("wrong_currency_unit", SPECIAL_CASES, line, "cost_above_yuan", details))
    if header:
        faults += _units(prices.rows(read.prices), header)
        if header.header.method is Method.RATE and not read.prices and not has_errors(PRICES, faults):
            faults.append(Fault("no_prices", PRICES))


class _Sound:
    """Which rows of a table can be judged together: those that no fault was found in."""

    def __init__(self, file: str, faults: Iterable[Fault]) -> None:
        own = [fault for fault in faults if fault.file == file and fault.severity == ERROR]
        self._lines = {fault.row for fault in own}
        self._rows_are_missing = any(fault.kind in _LEFT_OUT for fault in own)

    def rows(self, rows: Placed[Row]) -> Placed[Row]:
        """Return the sound rows."""
        return [(line, row) for line, row in rows if line not in self._lines]

    def scopes(self, rows: Placed[_Scoped]) -> Iterable[Placed[_Scoped]]:
        """Return the rows of each level and insurance all of whose rows are sound."""
        if self._rows_are_missing:
            return ()
        scopes = _by(rows, lambda row: (row.level, row.insurance)).values()
        return [scope for scope in scopes if not any(line in self._lines for line, _ in scope)]


def _bands(scopes: Iterable[Placed[Band]]) -> Iterator[Fault]:
    for scoped in scopes:
        ranges = _by(scoped, lambda row: (row.weight_above, row.weight_to))
        weights = [
            Span(rows[0][0], above or Fraction(0), False, to, True) for (above, to), rows in ranges.items()
        ]
        for found in breaks([span._replace(start_inclusive=span.start == 0) for span in weights]):
            details = {"at": found.at, "first": found.other or "-"}
            yield Fault(f"weights_{found.kind}", BANDS, found.line, "weight_from", details)
        for rows in ranges.values():
            spans = [
                Span(line, row.start or Fraction(0), row.start_inclusive, row.end, row.end_inclusive)
                for line, row in rows
            ]
            for found in breaks(spans):
                details = {"at": found.at, "first": found.other or "-"}
                yield Fault(f"bands_{found.kind}", BANDS, found.line, "from", details)
            for line, row in rows:
                if _pays_below_zero(row):
                    yield Fault(
                        "pays_below_zero", BANDS, line, "fixed", {"at": _written(row.start or Fraction(0))}
                    )
            first, divisor = rows[0][0], rows[0][1].divisor
            for line, row in rows[1:]:
                if row.divisor != divisor:
                    details = {"divisor": row.divisor, "other": divisor, "first": first}
                    yield Fault("divisors_differ", BANDS, line, "divisor", details)


def _pays_below_zero(row: Band) -> bool:
    """Whether a band that starts by the same multiple as it pays by starts below zero, or falls below it."""
    if row.pay_divisor != row.divisor or row.fixed_without_coefficient:
        return False  # depends on the coefficient
    at_start = row.fixed + row.per_multiple * (row.start or 0)
    at_end = row.per_multiple if row.end is None else row.fixed + row.per_multiple * row.end
    return at_start < 0 or at_end < 0


def _prices(scopes: Iterable[Placed[Price]]) -> Iterator[Fault]:
    for rows in scopes:
        ordered = sorted(rows, key=lambda item: (item[1].valid_from, item[1].valid_until))
        for (first, before), (line, after) in pairwise(ordered):
            details: dict[str, object] = {
                "until": before.valid_until or "∞",
                "start": after.valid_from or "-∞",
            }
            details["first"] = first
            if not before.valid_until or after.valid_from <= before.valid_until:
                yield Fault("dates_overlap", PRICES, line, "valid_from", details)
            elif after.valid_from > _next_day(before.valid_until):
                yield Fault("dates_gap", PRICES, line, "valid_from", details)


def _next_day(day: str) -> str:
    date = datetime.date.fromisoformat(day)
    return (date + datetime.timedelta(days=1)).isoformat() if date < datetime.date.max else day


def _twice(file: str, column: str, rows: Iterable[tuple[int, Scope]]) -> Iterator[Fault]:
    lines: dict[Scope, int] = {}
    for line, key in rows:
        first = lines.setdefault(key, line)
        if first != line:
            yield Fault("row_twice", file, line, column, {"first": first})


def _equally_specific(file: str, rows: Iterable[tuple[int, Scope]]) -> Iterator[Fault]:
    """Two rows that one stay can meet, each with as many cells filled, and no row that says which wins.

    Rows with the same cells filled never meet: they differ in one of them.
    """
    lines: dict[Scope, int] = {}
    for line, scope in rows:
        lines.setdefault(scope, line)
    shapes = _by([(line, scope) for scope, line in lines.items()], lambda scope: tuple(map(bool, scope)))
    for one, other in combinations(shapes, 2):
        if sum(one) != sum(other):
            continue
        shared = [place for place, both in enumerate(zip(one, other, strict=True)) if all(both)]
        by_shared = _by(shapes[other], partial(_cells, places=shared))
        for line, scope in shapes[one]:
            for another, met in by_shared.get(_cells(scope, shared), ()):
                both = tuple(a or b for a, b in zip(scope, met, strict=True))
                if both not in lines:
                    details = {"first": min(line, another), "both": ", ".join(filter(None, both))}
                    yield Fault("equally_specific", file, max(line, another), "", details)


def _cells(scope: Scope, places: Sequence[int]) -> Scope:
    return tuple(scope[place] for place in places)


def _units(prices: Placed[Price], header: PaymentFile) -> Iterator[Fault]:
    mean, method = header.mean_cost_yuan, header.header.method
    if mean is not None and not MEAN_YUAN[0] <= mean <= MEAN_YUAN[1]:
        yield header.file.fault(
            "wrong_currency_unit", "mean_cost_yuan", value=_written(mean), usual=_range(MEAN_YUAN)
        )
        return
    per_weight = header.points_per_weight
    usual = MEAN_YUAN
    if method is Method.SCORE and (mean is None or "points_per_weight" not in header.file.values):
        per_weight, usual = Fraction(1), _SCORE_YUAN
    elif mean is not None:
        usual = (mean * _TIMES_THE_MEAN[0], mean * _TIMES_THE_MEAN[1])
    for line, row in prices:
        if not usual[0] <= row.price_yuan * per_weight <= usual[1]:
            details = {
                "value": _written(row.price_yuan),
                "usual": _range((usual[0] / per_weight, usual[1] / per_weight)),
            }
            yield Fault("wrong_currency_unit", PRICES, line, "price_yuan", details)


def _range(bounds: tuple[Fraction, Fraction]) -> str:
    return f"{_written(bounds[0])}–{_written(bounds[1])}"


def _written(value: Fraction) -> str:
    return f"{float(value):.10g}"


def _by(rows: Placed[Row], key: Callable[[Row], Key]) -> dict[Key, Placed[Row]]:
    found: dict[Key, Placed[Row]] = defaultdict(list)
    for line, row in rows:
        found[key(row)].append((line, row))
    return found
