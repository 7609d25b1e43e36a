"""From the folder of a benchmark pack to its groups, with every fault of the folder at once."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import median_low
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from casemeter_grouper.benchmark.benchmark import ARRAY, Benchmark
from casemeter_grouper.benchmark.categories import categories
from casemeter_grouper.benchmark.header import FILE as HEADER_FILE
from casemeter_grouper.benchmark.header import KIND, Header, read_header
from casemeter_grouper.benchmark.spread import COST_COLUMNS, LOS_COLUMNS, read_spread
from casemeter_grouper.compiled.bundle import Arrays
from casemeter_grouper.pack.faults import ERROR, Fault, PackError, has_errors
from casemeter_grouper.pack.load import source_files
from casemeter_grouper.pack.tables import Columns, read_table
from casemeter_grouper.payment.cells import Cells
from casemeter_grouper.payment.checks import MEAN_YUAN
from casemeter_grouper.payment.pricing import FEN
from casemeter_grouper.rounding import half_up

MEASURES, STRUCTURE, COST_BY_DAY = "measures.csv", "structure.csv", "cost_by_day.csv"
DROPPED, UNMEASURED, POLICY = "dropped.csv", "unmeasured.csv", "policy.toml"
REPORTS: Final = (DROPPED, UNMEASURED, POLICY)
"""What a fitted pack tells of how it was fitted; it is kept with the pack and not read."""

OWN, ADRG = "own", "adrg"
BASES: Final = (OWN, ADRG)
"""Whose cases a group was measured by: its own, or all of its ADRG."""

_COLUMNS: Final = {
    MEASURES: Columns(
        ("group_code", "mean_cost_yuan"),
        (),
        (
            *("mean_los_days", "cv", "sd", "cases", "basis", "own_cases", "set_aside"),
            *COST_COLUMNS.values(),
            *LOS_COLUMNS.values(),
        ),
    ),
    STRUCTURE: Columns(("group_code", "category", "share")),
    COST_BY_DAY: Columns(("group_code", "day", "mean_cost_yuan"), (), ("cases", *COST_COLUMNS.values())),
}


@dataclass(slots=True)
class Measures:
    """One group as read; yuan, days, quantiles by percent, and the first line that names it."""

    line: int
    mean: Fraction
    cv: Fraction | None
    los: Fraction | None
    cases: int | None
    basis: str
    costs: dict[int, Fraction]
    stays: dict[int, Fraction]
    structure: dict[str, Fraction] = field(default_factory=dict)
    days: list[Fraction] = field(default_factory=list)
    days_spread: dict[int, list[Fraction]] = field(default_factory=dict)

    def to_json(self) -> list[Any]:
        """Return the group as JSON values: fractions as pairs of integers, money in fen.

        What only fitted packs have comes last, and is not there otherwise.
        """
        median = self.costs.get(50)
        money = (self.mean * FEN, None if median is None else median * FEN)
        fitted = {
            "basis": self.basis,
            "costs": {str(p): _pair(cost * FEN) for p, cost in self.costs.items() if p != 50},
            "stays": {str(p): _pair(days) for p, days in self.stays.items()},
            "days": {str(p): [half_up(cost * FEN) for cost in days] for p, days in self.days_spread.items()},
        }
        return [
            *map(_pair, (*money, self.cv, self.los)),
            self.cases,
            {category: _pair(share) for category, share in self.structure.items()},
            [half_up(cost * FEN) for cost in self.days],
            *([fitted] if any(fitted.values()) else []),
        ]


@dataclass(frozen=True)
class LoadedBenchmark:
    """A benchmark pack as read.

    Attributes:
        sources: SHA-256 of each file.
        faults: warnings.
    """

    header: Header
    groups: dict[str, Measures]
    sources: dict[str, str]
    faults: tuple[Fault, ...]


def load(folder: Path) -> LoadedBenchmark:
    """Read a benchmark pack.

    Raises:
        PackError: the pack has errors; the exception holds every fault, warnings too.
    """
    faults: list[Fault] = []
    header = read_header(folder, faults)
    groups = _measures(folder, faults)
    _structures(folder, groups, header, faults)
    _days(folder, groups, faults)
    files = source_files(folder)
    faults += [
        Fault("unknown_file", path.name)
        for path in files
        if path.name not in (*_COLUMNS, HEADER_FILE, *REPORTS)
    ]
    if header is None or any(fault.severity == ERROR for fault in faults):
        raise PackError(faults)
    sources = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return LoadedBenchmark(header, groups, sources, tuple(faults))


def check_benchmark(folder: Path) -> list[Fault]:
    """Return every fault of a benchmark pack, errors first, then by file and row."""
    try:
        faults = load(folder).faults
    except PackError as error:
        faults = error.faults
    return sorted(faults, key=lambda fault: (fault.severity != ERROR, fault.file, fault.row, fault.column))


def read_benchmark(folder: Path) -> Benchmark:
    """Read a benchmark pack for looking at it; it has no bundle, and so no content hash.

    Raises:
        PackError: the pack has errors.
    """
    pack = load(folder)
    return Benchmark(pack.header, {code: group.to_json() for code, group in pack.groups.items()}, "")


def compile_benchmark(folder: Path) -> tuple[dict[str, Any], Arrays, tuple[Fault, ...]]:
    """Return manifest and arrays of a benchmark pack, and its warnings.

    Raises:
        PackError: the pack has errors.
    """
    pack = load(folder)
    manifest = {"kind": KIND, "header": pack.header.to_json(), "sources": pack.sources}
    groups = {code: group.to_json() for code, group in pack.groups.items()}
    data = orjson.dumps(groups, option=orjson.OPT_SORT_KEYS)
    return manifest, {ARRAY: np.frombuffer(data, np.uint8)}, pack.faults


def _cells(folder: Path, file: str, faults: list[Fault], *, optional: bool = True) -> Iterator[Cells]:
    if optional and not (folder / file).exists():
        return
    for record in read_table(folder, file, _COLUMNS[file], faults):
        yield Cells(file, record, faults)


def _measures(folder: Path, faults: list[Fault]) -> dict[str, Measures]:
    groups: dict[str, Measures] = {}
    for cells in _cells(folder, MEASURES, faults, optional=False):
        mean, sd, cv = cells.must("mean_cost_yuan", zero=False), cells.number("sd"), cells.number("cv")
        if sd is not None and cv is not None:
            cells.note("spread_twice", "sd")
        elif sd is not None and mean:
            cv = Fraction(round(sd / mean * 10**9), 10**9)  # a pair of integers of 64 bits
        group = Measures(
            line=cells.record.line,
            mean=mean,
            cv=cv,
            los=cells.number("mean_los_days"),
            cases=cells.whole("cases"),
            basis=cells.choice("basis", BASES) if cells.record["basis"] else "",
            costs=read_spread(cells, COST_COLUMNS, zero=False),
            stays=read_spread(cells, LOS_COLUMNS),
        )
        first = groups.setdefault(cells.record["group_code"], group).line
        if first != group.line:
            cells.note("row_twice", "group_code", first=first)
    wrong = {fault.row for fault in faults if fault.file == MEASURES}
    means = [group.mean for group in groups.values() if group.line not in wrong]
    if means:
        middle = median_low(means)
        if not MEAN_YUAN[0] <= middle <= MEAN_YUAN[1]:
            usual = f"{float(MEAN_YUAN[0]):g}–{float(MEAN_YUAN[1]):.0f}"
            details = {"value": f"{float(middle):.10g}", "usual": usual}
            faults.append(Fault("wrong_currency_unit", MEASURES, 0, "mean_cost_yuan", details))
    return groups


def _structures(
    folder: Path, groups: dict[str, Measures], header: Header | None, faults: list[Fault]
) -> None:
    lines: dict[tuple[str, str], int] = {}
    last: dict[str, Cells] = {}
    for cells in _cells(folder, STRUCTURE, faults):
        group = _group(cells, groups, faults)
        category, share = cells.record["category"], cells.must("share")
        if header and not header.category_system:
            cells.note("no_category_system", "category", value=category)
        elif header:
            category = cells.choice("category", categories(header.category_system))
        first = lines.setdefault((cells.record["group_code"], category), cells.record.line)
        if first != cells.record.line:
            cells.note("row_twice", "category", first=first)
        elif group:
            group.structure[category] = share
            last[cells.record["group_code"]] = cells
    for code, cells in last.items():
        total = sum(groups[code].structure.values())
        if total > 1:
            cells.note("share_above_one", "share", value=f"{float(total):.10g}")


def _days(folder: Path, groups: dict[str, Measures], faults: list[Fault]) -> None:
    by_group: dict[str, dict[int, _Day]] = defaultdict(dict)
    for cells in _cells(folder, COST_BY_DAY, faults):
        day = cells.whole("day")
        read = _Day(cells, cells.must("mean_cost_yuan"), read_spread(cells, COST_COLUMNS))
        days = by_group[cells.record["group_code"]]
        if day is None or not _group(cells, groups, faults):
            continue
        if day in days:
            cells.note("row_twice", "day", first=days[day].cells.record.line)
        else:
            days[day] = read
    if has_errors(COST_BY_DAY, faults):
        return  # the day that seems to be missing may be the one with the fault
    for code, days in by_group.items():
        before: _Day | None = None
        for place, (day, read) in enumerate(sorted(days.items()), 1):
            if day != place:
                read.cells.note("day_missing", "day", day=day, missing=place)
                break
            if before is not None:
                _note_falls(read, before)
            before = read
            groups[code].days.append(read.mean)
            for percent, cost in read.spread.items():
                groups[code].days_spread.setdefault(percent, []).append(cost)


class _Day(NamedTuple):
    """One day of a group: its row, mean cost and quantiles."""

    cells: Cells
    mean: Fraction
    spread: dict[int, Fraction]


def _note_falls(day: _Day, before: _Day) -> None:
    """Note costs below those of the day before, and quantiles that are told of one of the days only."""
    if day.mean < before.mean:
        day.cells.note("cost_falls", "mean_cost_yuan", value=day.cells.record["mean_cost_yuan"])
    for percent, column in COST_COLUMNS.items():
        told = percent in day.spread, percent in before.spread
        if told == (True, True) and day.spread[percent] < before.spread[percent]:
            day.cells.note("cost_falls", column, value=day.cells.record[column])
        elif told[0] != told[1]:
            (before if told[0] else day).cells.note("quantile_missing", column)


def _group(cells: Cells, groups: dict[str, Measures], faults: list[Fault]) -> Measures | None:
    """Return the group of a row; a group that was not measured is noted where all measures are sound."""
    group = groups.get(cells.record["group_code"])
    if group is None and not has_errors(MEASURES, faults):
        cells.note("group_not_measured", "group_code", group=cells.record["group_code"])
    return group


def _pair(value: Fraction | None) -> list[int] | None:
    return None if value is None else [value.numerator, value.denominator]
