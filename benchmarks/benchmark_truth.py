"""What the law of made-up histories says of the mean costs that a benchmark finds.

Given the scenario and the severity of a stay, its cost is independent of everything that decides its group
(the shipped DRG packs ask no cost, and no length of stay of these groups). So the true mean of a group is the
mean, over its stays, of the law's mean cost given their scenario and severity; both are drawn again here from
the seed of the history. What is left is sampling error, and its size is known, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr  # type: ignore[import-untyped]  # it has no types

from casemeter_grouper.history.draw import draw, odds_of
from casemeter_grouper.history.settled import SettledChunk
from casemeter_grouper.history.world import Floats, World
from casemeter_grouper.history.write import SHARD

Cells = dict[tuple[int, int], dict[int, int]]
"""Group and year, then kind of stay (scenario and severity), then number of stays."""


@dataclass
class Hidden:
    """Counts the stays of each group and year by scenario and severity, as their chunks go by.

    Attributes:
        world: that the history was drawn from.
        seed: of the history.
        cases: stays of the history.
        counts: what was counted.
    """

    world: World
    seed: int
    cases: int
    counts: Cells = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def watching(self, files: tuple[Path, ...], chunks: Iterable[SettledChunk]) -> Iterator[SettledChunk]:
        """Yield the chunks as they are, and count their stays."""
        odds = odds_of(self.world)
        severities = len(self.world.cost_lift)
        drawn, kinds = -1, np.empty(0, np.int64)
        for chunk in chunks:
            number = int(files[chunk.file].stem.partition("-")[2])
            if number != drawn:
                count = min(SHARD, self.cases - number * SHARD)
                stays = draw(odds, count, np.random.SeedSequence(self.seed, spawn_key=(number, 0)))
                drawn, kinds = number, stays.scenario.astype(np.int64) * severities + stays.severity
            of_chunk = kinds[chunk.row - 1]
            cells, counts = np.unique(
                np.column_stack([chunk.group, chunk.year, of_chunk]), axis=0, return_counts=True
            )
            for (group, year, kind), stays_of in zip(cells.tolist(), counts.tolist(), strict=True):
                self.counts[group, year][kind] += stays_of
            yield chunk

    def mean_of(self, group: int, weights: dict[int, int], law: Law) -> tuple[float, float, int]:
        """Return the true mean cost of a group in fen, the error of a measured one, and its stays."""
        mean = variance = 0.0
        stays, total = 0, sum(weight for year, weight in weights.items() if self.counts.get((group, year)))
        for year, weight in weights.items():
            kinds = self.counts.get((group, year))
            if not kinds:
                continue
            at = np.fromiter(kinds, np.int64)
            counts = np.fromiter(kinds.values(), np.float64)
            cases = counts.sum()
            mean += weight / total * float(counts @ law.mean[at]) / cases
            variance += (weight / total / cases) ** 2 * float(counts @ law.variance[at])
            stays += int(cases)
        return mean, variance**0.5, stays

    def trimmed_mean_of(
        self, group: int, weights: dict[int, int], law: Law, factors: tuple[float, float]
    ) -> tuple[float, float]:
        """Return the mean cost of a group in fen without costs far from the others, and its error.

        The limits are those of the law's quartiles: the error does not know that they were measured, too.
        """
        kinds: dict[int, float] = defaultdict(float)
        size, total = 0.0, sum(weight for year, weight in weights.items() if self.counts.get((group, year)))
        for year, weight in weights.items():
            of_year = self.counts.get((group, year), {})
            cases = sum(of_year.values())
            for kind, count in of_year.items():
                kinds[kind] += weight / total * count / cases
            size += (weight / total) ** 2 / cases if cases else 0.0
        at, shares = np.fromiter(kinds, np.int64), np.fromiter(kinds.values(), np.float64)
        lower, upper = (law.quantile(at, shares, p) for p in (0.25, 0.75))
        low, high = lower - factors[0] * (upper - lower), upper + factors[1] * (upper - lower)
        part, first, second = law.between(at, shares, max(low, 1.0), high)
        mean = first / part
        return mean, ((second / part - mean**2) * size / part) ** 0.5


class Law:
    """The law of the cost of each kind of stay: lognormal, cut off above, times one of the tail factors.

    Attributes:
        mean: mean cost of each kind, in fen.
        variance: its variance.
    """

    def __init__(self, world: World) -> None:
        self._mu = (world.cost_mu[:, None] + world.cost_lift[None, :]).reshape(-1)
        self._sigma = np.repeat(world.cost_sigma, len(world.cost_lift))
        self._cap = np.repeat(world.cost_cap, len(world.cost_lift))
        self._tail_p, self._tail = world.tail_p, world.tail_factor
        self.mean = self._moment(1) * float(self._tail_p @ self._tail)
        self.variance = self._moment(2) * float(self._tail_p @ self._tail**2) - self.mean**2

    def _moment(self, power: int) -> Floats:
        """Return the mean of a power of the cost before its tail factor."""
        return self._part(slice(None), self._cap, power)

    def _part(self, kinds: slice | NDArray[np.int64], until: Floats, power: int) -> Floats:
        """Return the mean of a power of the cost where ln of it is below a limit, else 0."""
        mu, sigma, cap = self._mu[kinds], self._sigma[kinds], self._cap[kinds]
        inside = ndtr((np.minimum(until, cap) - mu) / sigma - power * sigma) / ndtr((cap - mu) / sigma)
        found: Floats = np.exp(power * mu + (power * sigma) ** 2 / 2) * inside
        return found

    def below(self, kinds: NDArray[np.int64], shares: Floats, limit: float, power: int) -> float:
        """Return the mean of a power of the cost of a mixture where it is below a limit, else 0."""
        parts = [
            p * factor**power * self._part(kinds, np.full(len(kinds), np.log(limit / factor)), power)
            for p, factor in zip(self._tail_p.tolist(), self._tail.tolist(), strict=True)
        ]
        return float(shares @ np.sum(parts, axis=0))

    def between(
        self, kinds: NDArray[np.int64], shares: Floats, low: float, high: float
    ) -> tuple[float, float, float]:
        """Return the share of a mixture between two costs, and its mean and mean square there, else 0."""
        first, second, third = (
            self.below(kinds, shares, high, power) - self.below(kinds, shares, low, power)
            for power in range(3)
        )
        return first, second, third

    def quantile(self, kinds: NDArray[np.int64], shares: Floats, p: float) -> float:
        """Return a quantile of a mixture, in fen."""
        low, high = 0.0, 60.0  # ln of fen
        for _ in range(60):
            middle = (low + high) / 2
            if self.below(kinds, shares, float(np.exp(middle)), 0) < p:
                low = middle
            else:
                high = middle
        return float(np.exp(low))
