"""What comes of holding very many days against their final groups: counts, and nothing of a patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from casemeter_grouper.reconcile.causes import Attribution, Cause
from casemeter_server.ledger.reconciling import HeldDay, HeldStay

LAST_DAY: Final = 15
"""Days of stay from this one on are counted together."""

BANDS: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
"""Bounds of the probabilities that are counted together for the calibration."""

EXAMPLES: Final = 5
"""Stays that are named for each cause, where they are asked for."""

Causes = tuple[Cause, ...]


@dataclass
class Share:
    """How often something held.

    Attributes:
        of: how often it could.
        held: how often it did.
    """

    of: int = 0
    held: int = 0

    def add(self, held: bool | None) -> None:
        """Count once; not at all if it could not hold or fail."""
        if held is not None:
            self.of += 1
            self.held += held

    @property
    def share(self) -> float | None:
        """Share, 0 to 1; ``None``: it never could."""
        return self.held / self.of if self.of else None


@dataclass
class DayTally:
    """What came of one day of stay.

    Attributes:
        days: how many there are.
        recorded: the group as recorded was the final one.
        top: the likeliest candidate was.
        coder: it was the coder's group.
        in_set: the set held it.
        abstained: there was no set.
        sizes: sum of the sizes of the sets.
    """

    days: int = 0
    recorded: Share = field(default_factory=Share)
    top: Share = field(default_factory=Share)
    coder: Share = field(default_factory=Share)
    in_set: Share = field(default_factory=Share)
    abstained: int = 0
    sizes: int = 0

    def add(self, day: HeldDay) -> None:
        """Count a day."""
        self.days += 1
        self.recorded.add(day.recorded_right)
        self.top.add(day.top_right)
        self.coder.add(day.coder_right)
        self.in_set.add(day.in_set)
        self.abstained += not day.kept.set_size
        self.sizes += day.kept.set_size

    @property
    def mean_size(self) -> float | None:
        """Mean size of the sets; ``None``: there is none."""
        sets = self.days - self.abstained
        return self.sizes / sets if sets else None


@dataclass
class Band:
    """Candidates whose probabilities are alike.

    Attributes:
        said: sum of the probabilities.
        was: how often they were right.
    """

    said: float = 0.0
    was: Share = field(default_factory=Share)


@dataclass
class CauseTally:
    """Differences that are put down to the same causes.

    Attributes:
        days: how many.
        stays: of how many stays.
        first: hospital and number of the first of those.
    """

    days: int = 0
    stays: int = 0
    first: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Tally:
    """The sums of a report.

    Attributes:
        stays: that have kept days; ``days``: how many.
        coded: stays whose coder's group was told; ``settled``: whose bureau's group was.
        waiting: stays without a final group; ``waiting_days``: their days.
        by_day: by day of stay.
        bands: by probability of the likeliest candidate.
        causes: of days that told another group than the final one.
        whys: of those that are unexplained, why they are.
        cost: how often the cost interval held the final cost; ``length``: likewise the days.
        agreed: stays whose coder and bureau agree; ``settling``: causes of those that do not.
        settling_whys: of those that are unexplained, why they are.
        levels: levels that sets and intervals were made for.
    """

    stays: int = 0
    days: int = 0
    coded: int = 0
    settled: int = 0
    waiting: int = 0
    waiting_days: int = 0
    by_day: dict[int, DayTally] = field(default_factory=dict)
    bands: list[Band] = field(default_factory=lambda: [Band() for _ in BANDS[1:]])
    causes: dict[Causes, CauseTally] = field(default_factory=dict)
    whys: Counter[str] = field(default_factory=Counter)
    cost: Share = field(default_factory=Share)
    length: Share = field(default_factory=Share)
    agreed: int = 0
    settling: dict[Causes, CauseTally] = field(default_factory=dict)
    settling_whys: Counter[str] = field(default_factory=Counter)
    levels: set[float] = field(default_factory=set)

    def add(self, stay: HeldStay) -> None:
        """Count a stay."""
        self.stays += 1
        self.days += stay.kept_days
        self.coded += bool(stay.coder)
        self.settled += bool(stay.bureau)
        if not stay.days:
            self.waiting += 1
            self.waiting_days += stay.kept_days
        for day in stay.days:
            self._add_day(day)
        _count(self.causes, self.whys, stay, [day.why for day in stay.days])
        if stay.settling is not None:
            self.agreed += not stay.settling.causes
            _count(self.settling, self.settling_whys, stay, [stay.settling])

    @property
    def whole(self) -> DayTally:
        """All days of stay together."""
        sum_of = DayTally()
        for one in self.by_day.values():
            sum_of.days += one.days
            sum_of.abstained += one.abstained
            sum_of.sizes += one.sizes
            for name in ("recorded", "top", "coder", "in_set"):
                share: Share = getattr(sum_of, name)
                share.of += getattr(one, name).of
                share.held += getattr(one, name).held
        return sum_of

    def _add_day(self, day: HeldDay) -> None:
        self.by_day.setdefault(min(day.day_of_stay, LAST_DAY), DayTally()).add(day)
        self.cost.add(day.cost_held)
        self.length.add(day.days_held)
        if day.kept.level:
            self.levels.add(day.kept.level)
        if day.kept.candidates and day.top_right is not None:
            probability = day.kept.candidates[0][1]
            at = sum(probability >= bound for bound in BANDS[1:-1])
            self.bands[at].said += probability
            self.bands[at].was.add(day.top_right)


def tally_of(stays: Iterable[HeldStay]) -> Tally:
    """Count stays."""
    tally = Tally()
    for stay in stays:
        tally.add(stay)
    return tally


def _count(
    causes: dict[Causes, CauseTally], whys: Counter[str], stay: HeldStay, found: list[Attribution]
) -> None:
    for one in found:
        if one.causes:
            causes.setdefault(one.causes, CauseTally()).days += 1
        if one.why:
            whys[one.why] += 1
    for each in {one.causes for one in found if one.causes}:
        causes[each].stays += 1
        if len(causes[each].first) < EXAMPLES:
            causes[each].first.append((stay.hospital, stay.encounter))
