"""The reference reading of a forecast: plain Python over the arrays of its bundle.

The kernel must say the same of every day. Nothing that serves calls imports this.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, floor, log, sqrt
from typing import NamedTuple

from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.kernel import (
    ARRAYS,
    NO_COST,
    PROCEDURE_STATES,
    SHOWN,
    STATES,
    UNLIKELY_SHARE,
    UNLIKELY_VARIANCE,
    Tables,
)
from casemeter_grouper.forecast.keys import LEVEL_SHIFT, PARTS, SHIFTS
from casemeter_grouper.forecast.known import Absent, Answer, Candidate, Interval, Known


class _Day(NamedTuple):
    """What is known of a day, as the kernel takes it."""

    parts: Sequence[int]
    group: int
    state: int
    age: int
    margin: int
    day: int
    cost: int

    @property
    def bucket(self) -> int:
        return self.parts[PARTS["bucket"]]

    @property
    def procedures(self) -> int:
        return self.parts[PARTS["state"]]


class Walker:
    """Answers as the kernel must, slowly and in plain sight."""

    def __init__(self, forecaster: Forecaster) -> None:
        self._forecaster = forecaster
        self._tables = Tables(*(forecaster.file.arrays[name] for name in ARRAYS))
        tables = self._tables
        self._contexts = {int(key): at for at, key in enumerate(tables.context_keys)}
        self._intervals = {int(key): at for at, key in enumerate(tables.interval_keys)}

    def ask(self, known: Known) -> Answer | Absent:
        """Return where a stay is heading.

        Raises:
            ValueError: the day is before the first.
        """
        numbers = self._forecaster.numbers(known)
        day = _Day(numbers[: len(PARTS)], *numbers[len(PARTS) :])
        tables = self._tables
        context = _find(tables.context_masks.tolist(), self._contexts, day.parts)
        if context is None:
            return Absent.NEVER_SEEN
        candidates = sorted(self._groups(day, context), key=lambda one: (-one[1], one[0]))
        shown = candidates[:SHOWN]
        level = tables.levels[tables.group_chapter[day.group], day.bucket]
        rest, reached, size = 1.0, 0.0, len(shown) + 1
        for place, (_, probability) in enumerate(shown, 1):
            rest -= probability
            reached += probability
            if reached >= level and size > place:
                size = place
        cost, days = self._ends(day)
        codes = self._forecaster.codes.groups
        return Answer(
            tuple(Candidate(codes[group - 1], probability) for group, probability in shown),
            max(0.0, rest),
            size if size <= self._forecaster.most_in_set else 0,
            None if known.cost_fen is None else cost,
            days,
            int(tables.context_cases[context]),
        )

    def _groups(self, day: _Day, context: int) -> list[tuple[int, float]]:
        """Every group of the families that stays of a context ended in, and its probability."""
        tables = self._tables
        families = range(tables.context_at[context], tables.context_at[context + 1])
        listed = 0.0
        scores = []
        odds_weigh, cost_weighs = tables.weights[day.bucket].tolist()
        for place in families:
            odds = float(tables.odds[place])
            listed += exp(odds)
            score = odds_weigh * odds
            if day.cost > 0:
                score += cost_weighs * self._cost_score(day, place)
            scores.append(score)
        most = max(scores)
        weights = [exp(score - most) for score in scores]
        total = 0.0
        for weight in weights:
            total += weight
        found = []
        for place, weight in zip(families, weights, strict=True):
            family = tables.candidate[place]
            odds = min(listed, 1.0) * weight / total
            for group in tables.member[tables.member_at[family] : tables.member_at[family + 1]].tolist():
                found.append((group, odds * self._share(day, group)))
        return found

    def _share(self, day: _Day, group: int) -> float:
        """Share of a group in its family, for stays with such complications and of such an age."""
        tables = self._tables
        shares = tables.shares.reshape(len(tables.shares), len(tables.weights), STATES, -1)
        return float(shares[tables.share_row[group], day.bucket, day.state, day.age])

    def _cost_score(self, day: _Day, place: int) -> float:
        """Ln of how likely the running cost is if the stay ends in a candidate."""
        tables = self._tables
        variance = float(tables.variance[place])
        if variance == 0.0:
            return 0.0
        trend = tables.trend[day.bucket].tolist()
        level = log(day.cost) - trend[day.procedures] * (log(day.day) - trend[PROCEDURE_STATES])
        off = level - float(tables.middle[place])
        near = (1 - UNLIKELY_SHARE) * exp(-(off * off) / (2 * variance)) / sqrt(variance)
        wide = variance + UNLIKELY_VARIANCE
        return log(near + UNLIKELY_SHARE * exp(-(off * off) / (2 * wide)) / sqrt(wide))

    def _ends(self, day: _Day) -> tuple[Interval | None, Interval]:
        tables = self._tables
        place = _find(tables.interval_masks.tolist(), self._intervals, day.parts)
        assert place is not None, "every bucket of days has an interval"
        least, most, slope, *ends = tables.intervals[place].tolist()
        below, above, fewer, more = tables.margins[day.margin].tolist()
        of_cost, of_days, middle_day = tables.end_trend[day.bucket].tolist()
        since = log(day.day) - middle_day
        cost = None
        if day.cost != NO_COST:
            x = log(max(day.cost, 1))
            base = max(x, least) + slope * min(max(x, least), most) + of_cost * since
            low = max(float(floor(exp(base + ends[0] - below))), float(day.cost))
            high = max(float(ceil(exp(base + ends[2] + above))), low)
            cost = Interval(low, min(max(float(round(exp(base + ends[1]))), low), high), high)
        later = of_days * since
        first = day.day + max(float(floor(exp(ends[3] + later - fewer) - 1)), 0.0)
        last = max(day.day + float(ceil(exp(ends[5] + later + more) - 1)), first)
        middle = day.day + float(round(exp(ends[4] + later) - 1))
        return cost, Interval(first, min(max(middle, first), last), last)


def _find(masks: Sequence[Sequence[int]], places: dict[int, int], parts: Sequence[int]) -> int | None:
    """Return the place of the most special context of a day."""
    for level, mask in enumerate(masks):
        key = level << LEVEL_SHIFT
        for named, part, shift in zip(mask, parts, SHIFTS, strict=True):
            key += named * (part << shift)
        if key in places:
            return places[key]
    return None
