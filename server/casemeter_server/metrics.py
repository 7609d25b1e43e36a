"""Metrics: counted in files that processes share, shown by prometheus-client.

Every process counts in a file of its own, mapped into memory, so that an observation costs a tenth of what
the library's multiprocess mode takes (docs/decisions/metrics.md has the figures). Whoever shows the metrics
reads all files of the folder and adds them up; the file of a process that ended stays and keeps its counts.
"""

from __future__ import annotations

import mmap
import os
import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

import orjson
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

BUCKETS_S: Final = (
    *(10e-6, 20e-6, 35e-6, 50e-6, 75e-6, 100e-6, 200e-6, 350e-6, 500e-6, 750e-6),
    *(1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1.0),
)
"""Upper bounds of the histograms' buckets in seconds; above the last there is one more."""

STAGES: Final = (
    *("decode", "case", "group", "verdict", "meter", "rules", "forecast", "explain", "near_misses"),
    *("encode", "total"),
)
"""The stages of a call; ``total`` is all that the server spends on it."""

_HISTOGRAM: Final = "casemeter_stage_seconds"
_BOUNDS_NS: Final = tuple(round(bound * 1e9) for bound in BUCKETS_S)
_CELL: Final = 8
_SUFFIX: Final = ".metrics"


class Counter(NamedTuple):
    """A counter that processes share.

    Attributes:
        help: what it counts.
        labels: names of its labels.
    """

    help: str
    labels: tuple[str, ...]


@cache
def counters() -> Mapping[str, Counter]:
    """Return the counters of metrics.toml by their names."""
    text = resources.files("casemeter_server").joinpath("metrics.toml").read_text("utf-8")
    return {
        name: Counter(entry["help"], tuple(entry["labels"])) for name, entry in tomllib.loads(text).items()
    }


class Metrics:
    """What one process counts.

    The cells of the file are 64-bit floats: for each stage its buckets and its sum in seconds, then the
    counters as they first occur. A second file names the counters.
    """

    def __init__(self, folder: Path, max_counters: int = 4096) -> None:
        """Start counting at zero in a new file of the folder, which must exist."""
        self._names_path = folder / f"{os.getpid()}-{os.urandom(4).hex()}{_SUFFIX}"
        cells = _histogram_cells() + max_counters
        with self._names_path.with_suffix(".cells").open("w+b") as file:
            file.truncate(cells * _CELL)
            self._cells = memoryview(mmap.mmap(file.fileno(), cells * _CELL)).cast("d")
        self._counters: dict[tuple[str, ...], int] = {}
        self._max_counters = max_counters
        self._write_names()

    def observe(self, stage: int, nanoseconds: int) -> None:
        """Count one duration of a stage, given by its place in :data:`STAGES`."""
        start = stage * (len(_BOUNDS_NS) + 2)
        self._cells[start + bisect_left(_BOUNDS_NS, nanoseconds)] += 1
        self._cells[start + len(_BOUNDS_NS) + 1] += nanoseconds / 1e9

    def count(self, name: str, *labels: str) -> None:
        """Add one to a counter of :func:`counters`; labels come from closed lists, never from patients.

        Raises:
            ValueError: there is no such counter, or it has other labels.
        """
        if (at := self._place((name, *labels))) is not None:
            self._cells[at] += 1

    def reached(self, total: float, name: str, *labels: str) -> None:
        """Note what a counter has come to that somebody else in this process counts.

        Raises:
            ValueError: there is no such counter, or it has other labels.
        """
        if (at := self._place((name, *labels))) is not None:
            self._cells[at] = total

    def _place(self, key: tuple[str, ...]) -> int | None:
        """Return the cell of a counter, which gets one where it has none; ``None``: there is no room."""
        at = self._counters.get(key)
        if at is None:
            known = counters().get(key[0])
            if known is None or len(known.labels) != len(key) - 1:
                raise ValueError(f"metrics.toml has no counter {key[0]} with {len(key) - 1} label(s)")
            if len(self._counters) == self._max_counters:
                return None
            at = self._counters[key] = _histogram_cells() + len(self._counters)
            self._write_names()
        return at

    def _write_names(self) -> None:
        temporary = self._names_path.with_suffix(".new")
        temporary.write_bytes(orjson.dumps([list(key) for key in self._counters]))
        temporary.replace(self._names_path)


class SharedMetrics(Collector):
    """Shows the sum over every process that counts in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Read all files and yield the metrics."""
        histogram = [0.0] * _histogram_cells()
        counted: dict[tuple[str, ...], float] = {}
        for names, cells in self._read():
            for at, value in enumerate(cells[: len(histogram)]):
                histogram[at] += value
            for key, value in zip(names, cells[len(histogram) :], strict=False):
                counted[key] = counted.get(key, 0.0) + value
        stages = HistogramMetricFamily(_HISTOGRAM, "Time spent in each stage of a call.", labels=("stage",))
        width = len(BUCKETS_S) + 2
        for at, stage in enumerate(STAGES):
            own = histogram[at * width : (at + 1) * width]
            stages.add_metric((stage,), _cumulative(own[:-1]), own[-1])
        yield stages
        for name, counter in counters().items():
            family = CounterMetricFamily(name, counter.help, labels=counter.labels)
            for key, value in sorted(counted.items()):
                if key[0] == name:
                    family.add_metric(key[1:], value)
            yield family

    def _read(self) -> Iterable[tuple[list[tuple[str, ...]], Sequence[float]]]:
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            data = path.with_suffix(".cells").read_bytes()
            yield [tuple(key) for key in orjson.loads(path.read_bytes())], memoryview(data).cast("d")


def _histogram_cells() -> int:
    return len(STAGES) * (len(BUCKETS_S) + 2)


def _cumulative(counts: Sequence[float]) -> list[tuple[str, float]]:
    bounds = [*(repr(bound) for bound in BUCKETS_S), "+Inf"]
    total = 0.0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip(bounds, counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets
