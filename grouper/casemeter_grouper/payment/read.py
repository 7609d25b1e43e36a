"""From the CSV tables of a payment pack to rows, each with the line it stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.tables import read_table
from casemeter_grouper.payment.cells import Cells
from casemeter_grouper.payment.columns import (
    ADDITIONS,
    BANDS,
    COEFFICIENTS,
    COLUMNS,
    EQUIVALENTS,
    EXCLUSIONS,
    OUTSIDE,
    PRICE_LEVELS,
    PRICES,
    REASONS,
    SPECIAL_CASES,
    WEIGHTS,
)
from casemeter_grouper.payment.formulas import COST, DIVISORS
from casemeter_grouper.payment.header import Method, PaymentFile
from casemeter_grouper.payment.rows import (
    Addition,
    Band,
    Coefficient,
    Equivalent,
    Exclusion,
    Outside,
    Price,
    PriceLevel,
    SpecialCase,
)

Row = TypeVar("Row")
Placed = list[tuple[int, Row]]
"""Rows, each with its line in the file."""


@dataclass(frozen=True, slots=True)
class Read:
    """The rows of every table as read."""

    weights: dict[str, Fraction] | None
    prices: Placed[Price]
    coefficients: Placed[Coefficient]
    bands: Placed[Band]
    outside: Placed[Outside]
    special_cases: Placed[SpecialCase]
    additions: Placed[Addition]
    exclusions: Placed[Exclusion]
    equivalents: Placed[Equivalent]
    price_levels: Placed[PriceLevel]


def read_tables(folder: Path, header: PaymentFile | None, faults: list[Fault]) -> Read:
    """Read every table of a pack; names are compared with the header where there is one."""
    reader = _Reader(folder, header, faults)
    return Read(
        weights=_weights(folder, faults),
        prices=reader.table(PRICES, reader.price),
        coefficients=reader.table(COEFFICIENTS, reader.coefficient),
        bands=reader.table(BANDS, reader.band, optional=False),
        outside=reader.table(OUTSIDE, reader.outside),
        special_cases=reader.table(SPECIAL_CASES, reader.special_case),
        additions=reader.table(ADDITIONS, reader.addition),
        exclusions=reader.table(EXCLUSIONS, reader.exclusion),
        equivalents=reader.table(EQUIVALENTS, reader.equivalent),
        price_levels=reader.table(PRICE_LEVELS, reader.price_level),
    )


def _cells(folder: Path, file: str, faults: list[Fault], *, optional: bool = True) -> Iterator[Cells]:
    if optional and not (folder / file).exists():
        return
    for record in read_table(folder, file, COLUMNS[file], faults):
        yield Cells(file, record, faults)


def _weights(folder: Path, faults: list[Fault]) -> dict[str, Fraction] | None:
    if not (folder / WEIGHTS).exists():
        return None
    weights: dict[str, Fraction] = {}
    lines: dict[str, int] = {}
    for cells in _cells(folder, WEIGHTS, faults):
        group, weight = cells.record["group"], cells.must("weight", zero=False)
        first = lines.setdefault(group, cells.record.line)
        if first != cells.record.line:
            cells.note("weight_twice", "group", group=group, first=first)
        else:
            weights[group] = weight
    return weights


@dataclass(slots=True)
class _Reader:
    """Reads the rows of tables whose cells may name what the header lists."""

    folder: Path
    header: PaymentFile | None
    faults: list[Fault]

    def table(self, file: str, read: Callable[[Cells], Row], *, optional: bool = True) -> Placed[Row]:
        return [
            (cells.record.line, read(cells))
            for cells in _cells(self.folder, file, self.faults, optional=optional)
        ]

    def _level(self, cells: Cells, column: str = "level") -> str:
        return cells.named(column, self.header.levels if self.header else ())

    def _insurance(self, cells: Cells) -> str:
        return cells.named("insurance", self.header.insurance.values() if self.header else ())

    def price(self, cells: Cells) -> Price:
        level, insurance = self._level(cells), self._insurance(cells)
        start, until = cells.period()
        return Price(
            level=level,
            insurance=insurance,
            price_yuan=cells.must("price_yuan", zero=False),
            valid_from=start,
            valid_until=until,
            provisional=cells.choice("status", ("provisional", "settled")) != "settled",
            as_of=cells.day("as_of", or_month=True),
        )

    def coefficient(self, cells: Cells) -> Coefficient:
        return Coefficient(
            level=self._level(cells),
            hospital=cells.record["hospital"],
            group=cells.record["group"],
            coefficient=cells.must("coefficient", zero=False),
        )

    def band(self, cells: Cells) -> Band:
        divisor = cells.choice("divisor", (name for name in DIVISORS if name != COST))
        start, end = cells.number("from"), cells.number("to")
        return Band(
            band=cells.record["band"],
            level=self._level(cells),
            insurance=self._insurance(cells),
            weight_above=cells.number("weight_from") or None,
            weight_to=cells.number("weight_to", zero=False),
            start=start,
            start_inclusive=cells.yes("from_inclusive") or start is None,
            end=end,
            end_inclusive=cells.yes("to_inclusive"),
            fixed=cells.number("fixed", negative=True) or Fraction(0),
            fixed_without_coefficient=cells.number("fixed_without_coefficient", negative=True) or Fraction(0),
            per_multiple=cells.number("per_multiple", negative=True) or Fraction(0),
            divisor=divisor,
            pay_divisor=cells.choice("pay_divisor", DIVISORS, default=divisor),
            doubt=cells.record["doubt"],
        )

    def outside(self, cells: Cells) -> Outside:
        row = Outside(
            insurance=cells.listed("insurance"),
            visit_kind=cells.listed("visit_kind"),
            self_pay=cells.yes("self_pay"),
            department=cells.listed("department"),
            group=cells.listed("group"),
            days_below=cells.whole("days_below"),
            days_above=cells.whole("days_above"),
            **_reasons(cells),
        )
        return _conditional(cells, row, "insurance")

    def special_case(self, cells: Cells) -> SpecialCase:
        quota = cells.number("quota_share")
        if quota is not None and quota > 1:
            cells.note("share_above_one", "quota_share", value=cells.record["quota_share"])
        start, until = cells.period()
        row = SpecialCase(
            multiple_above=cells.number("multiple_above"),
            cost_above_yuan=cells.number("cost_above_yuan"),
            days_above=cells.whole("days_above"),
            icu_hours_above=cells.number("icu_hours_above"),
            quota_share=quota,
            valid_from=start,
            valid_until=until,
            **_reasons(cells),
        )
        stated = (row.multiple_above, row.cost_above_yuan, row.days_above, row.icu_hours_above)
        if all(condition is None for condition in stated):
            cells.note("no_condition", "multiple_above")
        return row

    def addition(self, cells: Cells) -> Addition:
        factor, extra = cells.number("factor", zero=False), cells.number("extra")
        if factor is None and extra is None:
            cells.note("adds_nothing", "factor")
        if extra and self.header and self.header.header.method is Method.RATE:
            cells.note("extra_without_points", "extra")
        return Addition(
            group=cells.listed("group"),
            tcm=cells.yes("tcm"),
            factor=Fraction(1) if factor is None else factor,
            extra=extra or Fraction(0),
            **_reasons(cells),
        )

    def exclusion(self, cells: Cells) -> Exclusion:
        row = Exclusion(cells.record["item"], cells.record["category"], **_reasons(cells))
        return _conditional(cells, row, "item")

    def equivalent(self, cells: Cells) -> Equivalent:
        return Equivalent(
            *(cells.record[name] for name in ("item", "equivalent_item", "equivalent_name", "note"))
        )

    def price_level(self, cells: Cells) -> PriceLevel:
        return PriceLevel(cells.record["group"], self._level(cells))


def _reasons(cells: Cells) -> dict[str, str]:
    return {name: cells.record[name] for name in REASONS}


def _conditional(cells: Cells, row: Row, column: str) -> Row:
    """Return the row, with a fault noted when it states no condition and so would hold for everything."""
    stated = (getattr(row, item.name) for item in fields(row) if item.name not in REASONS)  # type: ignore[arg-type]
    if not any(value is not None and value not in ((), "", False) for value in stated):
        cells.note("no_condition", column)
    return row
