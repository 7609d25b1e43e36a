"""The differences between two tables of named things."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

ADDED: Final = "added"
REMOVED: Final = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        name: of what changed: a group, an MDC, a rule, a set, a code.
        what: :data:`ADDED`, :data:`REMOVED`, or the column that differs; ``order`` for a change of place.
        before: its value on the first side, empty when there was none.
        after: its value on the second side.
    """

    name: str
    what: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """Codes that moved into and out of a set, each sorted."""

    name: str
    codes_in: tuple[str, ...]
    codes_out: tuple[str, ...]


def presence(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[Change]:
    """Yield what stands on one side only; the values describe it."""
    yield from (Change(name, REMOVED, before=a[name]) for name in a if name not in b)
    yield from (Change(name, ADDED, after=b[name]) for name in b if name not in a)


def columns(name: str, a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[Change]:
    """Yield the columns of one thing whose values differ; both sides have the same columns."""
    for what, before in a.items():
        if before != b[what]:
            yield Change(name, what, before, b[what])


def values(what: str, a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[Change]:
    """Yield the codes whose value differs, sorted; a code without a value has the empty one."""
    for code in sorted(a.keys() | b.keys()):
        before, after = a.get(code, ""), b.get(code, "")
        if before != after:
            yield Change(code, what, before, after)


def members(a: Mapping[str, Collection[str]], b: Mapping[str, Collection[str]]) -> Iterator[Moved]:
    """Yield the sets on both sides whose members differ."""
    for name in a:
        if name in b and (before := set(a[name])) != (after := set(b[name])):
            yield Moved(name, tuple(sorted(after - before)), tuple(sorted(before - after)))


def counterparts(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Match names of one side with names of the other, one to one, by how often they stand for each other.

    Args:
        pairs: for each thing on both sides, the name it is filed under on the first and on the second.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    often = Counter(pairs)
    for before, after in sorted(often, key=lambda pair: (-often[pair], pair[0] != pair[1], pair)):
        if before not in found and after not in taken:
            found[before] = after
            taken.add(after)
    return found


def order(a: Sequence[str], b: Sequence[str]) -> Iterator[Change]:
    """Yield the fewest names that must have moved for the names on both sides to stand as they do."""
    common = set(a) & set(b)
    before = {name: place for place, name in enumerate(a, 1)}
    stayed = [name for name in b if name in common]
    kept = _longest_rising([before[name] for name in stayed])
    after = {name: place for place, name in enumerate(b, 1)}
    for at, name in enumerate(stayed):
        if at not in kept:
            yield Change(name, "order", str(before[name]), str(after[name]))


def numbered(names: Sequence[str]) -> list[str]:
    """Return the names with a number behind each repeat, so that all differ: ``A, B, A (2)``."""
    seen: Counter[str] = Counter()
    result: list[str] = []
    for name in names:
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """Places of a longest rising subsequence of distinct numbers."""
    ends: list[int] = []
    places: list[int] = []
    previous: list[int] = []
    for place, number in enumerate(numbers):
        at = bisect_left(ends, number)
        previous.append(places[at - 1] if at else -1)
        ends[at : at + 1] = [number]
        places[at : at + 1] = [place]
    kept: set[int] = set()
    at = places[-1] if places else -1
    while at >= 0:
        kept.add(at)
        at = previous[at]
    return kept
