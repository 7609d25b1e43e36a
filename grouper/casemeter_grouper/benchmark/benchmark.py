"""A benchmark: what the stays of a group cost and how long they last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import orjson

from casemeter_grouper.benchmark.header import KIND, Header
from casemeter_grouper.compiled.bundle import open_bundle

Value = TypeVar("Value")
ARRAY = "groups"


def _nothing() -> Mapping[int, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class GroupBenchmark:
    """What settled stays of one group were like.

    Attributes:
        mean_cost_fen: mean cost, exactly as published, in fen.
        median_cost_fen: median cost in fen, or ``None``.
        cv: standard deviation of the cost divided by its mean, or ``None``.
        mean_los_days: mean length of stay in days, or ``None``.
        cases: number of stays, or ``None``.
        structure: share of the cost in each fee category that was measured (0 to 1), by code; may be empty.
        cost_by_day: mean cost in fen up to the end of day 1, 2, …; never falls; may be empty.
        basis: whose cases were measured: ``own``, or ``adrg`` for all of its ADRG; empty: unknown.
        cost_quantiles_fen: quantiles of the cost in fen by percent, the median apart; may be empty.
        los_quantiles: quantiles of the length of stay in days by percent; may be empty.
        cost_by_day_quantiles: for each percent as many costs as ``cost_by_day``; may be empty.
    """

    code: str
    mean_cost_fen: Fraction
    median_cost_fen: Fraction | None
    cv: float | None
    mean_los_days: float | None
    cases: int | None
    structure: Mapping[str, float]
    cost_by_day: tuple[int, ...]
    basis: str = ""
    cost_quantiles_fen: Mapping[int, Fraction] = field(default_factory=_nothing)
    los_quantiles: Mapping[int, float] = field(default_factory=_nothing)
    cost_by_day_quantiles: Mapping[int, tuple[int, ...]] = field(default_factory=_nothing)


class Benchmark:
    """The groups of a benchmark pack. It never changes.

    Attributes:
        header: who the benchmark is.
        sha256: content hash of its bundle.
    """

    def __init__(self, header: Header, groups: Mapping[str, list[Any]], sha256: str) -> None:
        self.header = header
        self.sha256 = sha256
        self._groups = {code: _group(code, values) for code, values in groups.items()}

    @classmethod
    def open(cls, path: Path) -> Benchmark:
        """Open the bundle of a benchmark pack.

        Raises:
            BundleError: the file cannot be used.
        """
        bundle = open_bundle(path, KIND)
        groups = orjson.loads(bundle.arrays[ARRAY].tobytes())
        return cls(Header(**bundle.manifest["header"]), groups, bundle.sha256)

    def group(self, code: str) -> GroupBenchmark | None:
        """Return what is known of a group, or ``None``."""
        return self._groups.get(code)

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[GroupBenchmark]:
        return iter(self._groups.values())


def _group(code: str, values: list[Any]) -> GroupBenchmark:
    mean, median, cv, los, cases, structure, days, *rest = values
    fitted: Mapping[str, Any] = rest[0] if rest else {}  # a pack that was not fitted has nothing more
    return GroupBenchmark(
        code=code,
        mean_cost_fen=Fraction(*mean),
        median_cost_fen=None if median is None else Fraction(*median),
        cv=None if cv is None else cv[0] / cv[1],
        mean_los_days=None if los is None else los[0] / los[1],
        cases=cases,
        structure=MappingProxyType({category: share[0] / share[1] for category, share in structure.items()}),
        cost_by_day=tuple(days),
        basis=fitted.get("basis", ""),
        cost_quantiles_fen=_by_percent(fitted.get("costs"), lambda pair: Fraction(*pair)),
        los_quantiles=_by_percent(fitted.get("stays"), lambda pair: pair[0] / pair[1]),
        cost_by_day_quantiles=_by_percent(fitted.get("days"), tuple),
    )


def _by_percent(values: Mapping[str, Any] | None, read: Callable[[Any], Value]) -> Mapping[int, Value]:
    return MappingProxyType({int(percent): read(value) for percent, value in (values or {}).items()})
