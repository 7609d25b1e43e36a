"""Regions: sets of cases described exactly, so that many cases go through a scheme as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from casemeter_grouper.condition import And, Compare, Condition, Const, Flag, InSet, Not, OneOf, Or, Test
from casemeter_grouper.pack.space import FACTS, Bits, Space

_SITES: Final = FACTS.index("trauma_sites")


class TooMuchWorkError(Exception):
    """A question took more steps than it may."""


class Work:
    """Counts the steps of a question, so that no condition, however it is written, keeps it going for ever.

    Attributes:
        left: steps that may still be taken.
    """

    def __init__(self, limit: int) -> None:
        self.left = limit

    def spend(self, steps: int = 1) -> None:
        """Count steps.

        Raises:
            TooMuchWorkError: they are more than are left.
        """
        if steps > self.left:
            raise TooMuchWorkError
        self.left -= steps


class Codes(NamedTuple):
    """The diagnoses, or the procedures, of the cases of a region.

    Attributes:
        first: classes the first code may be of.
        rest: classes the other codes may be of.
        needs: for each, some other code is of one of its classes; all lie inside ``rest``.
    """

    first: Bits
    rest: Bits
    needs: frozenset[Bits] = frozenset()

    def among(self, first: Bits) -> Codes:
        """The part whose first code is of the classes."""
        return self if not self.first & ~first else self._replace(first=self.first & first)

    def needing(self, rest: Bits) -> Codes:
        """The part where some other code is of the classes."""
        need = self.rest & rest
        if any(not own & ~need for own in self.needs):
            return self
        return self._replace(needs=frozenset((need, *(own for own in self.needs if need & ~own))))

    def without(self, rest: Bits) -> Codes:
        """The part where no other code is of the classes."""
        if not self.rest & rest:
            return self
        return Codes(self.first, self.rest & ~rest, frozenset(need & ~rest for need in self.needs))

    def covers(self, other: Codes) -> bool:
        """Whether all codes that the other allows are allowed here."""
        return (
            not other.first & ~self.first
            and not other.rest & ~self.rest
            and all(any(not theirs & ~need for theirs in other.needs) for need in self.needs)
        )

    @property
    def possible(self) -> bool:
        """Whether any codes are allowed."""
        return bool(self.first) and 0 not in self.needs


class Region(NamedTuple):
    """A set of cases.

    Attributes:
        standing: levels (MCC, CC) of which some other diagnosis stands (true) or none does (false).
        facts: cells of each of :data:`~casemeter_grouper.pack.space.FACTS`.
    """

    diagnoses: Codes
    procedures: Codes
    standing: frozenset[tuple[str, bool]]
    facts: tuple[Bits, ...]

    def covers(self, other: Region) -> bool:
        """Whether every case of the other is plainly one of this."""
        return (
            self.standing <= other.standing
            and not any(theirs & ~own for own, theirs in zip(self.facts, other.facts, strict=True))
            and self.diagnoses.covers(other.diagnoses)
            and self.procedures.covers(other.procedures)
        )


def widest(regions: Iterable[Region], work: Work) -> list[Region]:
    """Leave out the regions that another one covers."""
    kept: list[Region] = []
    for region in regions:
        work.spend(len(kept))
        if not any(other.covers(region) for other in kept):
            kept = [other for other in kept if not region.covers(other)]
            kept.append(region)
    return kept


class Regions:
    """Cuts the cases of a scheme into regions.

    Attributes:
        everything: the region of all cases.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        every = {place: classes.every for place, classes in space.classes.items()}
        self.everything = Region(
            Codes(every["pdx"], every["other_dx"]),
            Codes(every["main_proc"], every["other_proc"]),
            frozenset(),
            space.cells,
        )

    def where(self, region: Region, condition: Condition, wanted: bool, work: Work) -> list[Region]:
        """Return the part of a region where a condition is true, or where it is false.

        Returns:
            Regions that together are the part. They may overlap; none is empty, and none covers another.

        Raises:
            TooMuchWorkError: the work allowed is spent.
        """
        match condition:
            case Const(value):
                return [region] if value == wanted else []
            case Not(item):
                return self.where(region, item, not wanted, work)
            case And(items) | Or(items) if isinstance(condition, And) == wanted:
                parts = [region]
                for item in items:
                    parts = widest(
                        (cut for part in parts for cut in self.where(part, item, wanted, work)), work
                    )
                return parts
            case And(items) | Or(items):
                return widest((cut for item in items for cut in self.where(region, item, wanted, work)), work)
            case _:
                work.spend()
                return [cut for cut in self._cut(region, condition, wanted) if self._possible(cut, work)]

    def _cut(self, region: Region, test: Test, wanted: bool) -> Iterator[Region]:
        no_procedure = self._space.no_procedure
        match test:
            case InSet(slot) if slot.endswith("dx"):
                for codes in self._cut_codes(region.diagnoses, test, wanted, none=0):
                    yield region._replace(diagnoses=codes)
            case InSet():
                for codes in self._cut_codes(region.procedures, test, wanted, none=no_procedure):
                    yield region._replace(procedures=codes)
            case Flag("no_procedures"):
                main = no_procedure if wanted else ~no_procedure
                yield region._replace(procedures=region.procedures.among(main))
            case Flag(name):
                level = name.upper()
                if (level, not wanted) not in region.standing:
                    yield region._replace(standing=region.standing | {(level, wanted)})
            case Compare(fact) | OneOf(fact):
                cells, at = self._space.cells_where(test), FACTS.index(fact)
                own = region.facts[at] & (cells if wanted else ~cells)
                yield region._replace(facts=(*region.facts[:at], own, *region.facts[at + 1 :]))

    def _cut_codes(self, codes: Codes, test: InSet, wanted: bool, none: Bits) -> Iterator[Codes]:
        """Cut by a set; ``none`` are classes of a first code that stand for no code at all."""
        first, rest = self._space.inside(test)
        if not wanted:
            yield codes.among(~first).without(rest)
            return
        yield codes.among(first)
        if rest:
            yield codes.among(~first & ~none).needing(rest)

    def _possible(self, region: Region, work: Work) -> bool:
        """Whether a region holds any case."""
        if not (all(region.facts) and region.procedures.possible and region.diagnoses.possible):
            return False
        if not region.standing:
            return self._sites_fit(region.diagnoses, region.facts[_SITES], work)
        for principals, standing in self._space.exclusions:
            if not principals & region.diagnoses.first:
                continue
            codes = region.diagnoses.among(principals)
            for level, stands in region.standing:
                codes = codes.needing(standing[level]) if stands else codes.without(standing[level])
            if codes.possible and self._sites_fit(codes, region.facts[_SITES], work):
                return True
        return False

    def _sites_fit(self, codes: Codes, counts: Bits, work: Work) -> bool:
        """Whether diagnoses among those allowed can lie in one of the wanted counts of sites."""
        if counts == self._space.cells[_SITES]:
            return True
        unions = self._sites_of("pdx", codes.first)
        for need in codes.needs:
            unions = {union | own for union in unions for own in self._sites_of("other_dx", need)}
        more = self._sites_of("other_dx", codes.rest)
        most = counts.bit_length() - 1
        todo = list(unions)
        while todo:
            union = todo.pop()
            if counts >> union.bit_count() & 1:
                return True
            work.spend(1 + len(more) // 32)
            fresh = {grown for own in more if (grown := union | own).bit_count() <= most} - unions
            unions |= fresh
            todo += fresh
        return False

    def _sites_of(self, place: str, classes: Bits) -> set[int]:
        """The body sites, as bits, of the classes of diagnoses."""
        found = set()
        for lying, where in self._space.sites[place]:
            if where & classes:
                found.add(lying)
                classes &= ~where
        return found | {0} if classes else found
