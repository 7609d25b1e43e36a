"""From the folder of a benchmark pack to its groups, with every fault of the folder at once."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import median_low
from typing import Any, Final

import numpy as np
import orjson

from casemeter_grouper.benchmark.benchmark import ARRAY
from casemeter_grouper.benchmark.categories import categories
from casemeter_grouper.benchmark.header import FILE as HEADER_FILE
from casemeter_grouper.benchmark.header import KIND, Header, read_header
from casemeter_grouper.compiled.bundle import Arrays
from casemeter_grouper.pack.faults import ERROR, Fault, PackError, has_errors
from casemeter_grouper.pack.load import source_files
from casemeter_grouper.pack.tables import Columns, read_table
from casemeter_grouper.payment.cells import Cells
from casemeter_grouper.payment.checks import MEAN_YUAN
from casemeter_grouper.payment.pricing import FEN

MEASURES, STRUCTURE, COST_BY_DAY = "measures.csv", "structure.csv", "cost_by_day.csv"
_COLUMNS: Final = {
    MEASURES: Columns(
        ("group_code", "mean_cost_yuan"), (), ("mean_los_days", "cv", "sd", "cases", "median_cost_yuan")
    ),
    STRUCTURE: Columns(("group_code", "category", "share")),
    COST_BY_DAY: Columns(("group_code", "day", "mean_cost_yuan")),
}


@dataclass(slots=True)
class Measures:
    """One group as read; yuan, days, and the first line that names it."""

    line: int
    mean: Fraction
    cv: Fraction | None
    los: Fraction | None
    cases: int | None
    median: Fraction | None
    structure: dict[str, Fraction] = field(default_factory=dict)
    days: list[Fraction] = field(default_factory=list)

    def to_json(self) -> list[Any]:
        """Return the group as JSON values: fractions as pairs of integers, money in fen."""
        money = (self.mean * FEN, None if self.median is None else self.median * FEN)
        return [
            *map(_pair, (*money, self.cv, self.los)),
            self.cases,
            {category: _pair(share) for category, share in self.structure.items()},
            [int(cost * FEN + Fraction(1, 2)) for cost in self.days],
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
        Fault("unknown_file", path.name) for path in files if path.name not in (*_COLUMNS, HEADER_FILE)
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
            median=cells.number("median_cost_yuan", zero=False),
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
    by_group: dict[str, dict[int, tuple[Cells, Fraction]]] = defaultdict(dict)
    for cells in _cells(folder, COST_BY_DAY, faults):
        day, cost = cells.whole("day"), cells.must("mean_cost_yuan")
        days = by_group[cells.record["group_code"]]
        if day is None or not _group(cells, groups, faults):
            continue
        if day in days:
            cells.note("row_twice", "day", first=days[day][0].record.line)
        else:
            days[day] = (cells, cost)
    if has_errors(COST_BY_DAY, faults):
        return  # the day that seems to be missing may be the one with the fault
    for code, days in by_group.items():
        before = Fraction(0)
        for place, (day, (cells, cost)) in enumerate(sorted(days.items()), 1):
            if day != place:
                cells.note("day_missing", "day", day=day, missing=place)
                break
            if cost < before:
                cells.note("cost_falls", "mean_cost_yuan", value=cells.record["mean_cost_yuan"])
            before = cost
            groups[code].days.append(cost)


def _group(cells: Cells, groups: dict[str, Measures], faults: list[Fault]) -> Measures | None:
    """Return the group of a row; a group that was not measured is noted where all measures are sound."""
    group = groups.get(cells.record["group_code"])
    if group is None and not has_errors(MEASURES, faults):
        cells.note("group_not_measured", "group_code", group=cells.record["group_code"])
    return group


def _pair(value: Fraction | None) -> list[int] | None:
    return None if value is None else [value.numerator, value.denominator]
