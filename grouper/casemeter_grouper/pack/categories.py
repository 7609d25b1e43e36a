"""Categories of codes, and the fewest rows that name a set by them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import NamedTuple

from casemeter_grouper.pack.members import EXACT, EXCEPT, PREFIX

_CATEGORY = re.compile(r"[A-Z]\d\w(\.\w(\w\w)?)?|\d\d\.(\d(\d(\d\d)?)?)?")
"""Where a coder would cut a code: ICD-10 ``I63``, ``I63.9``, ``I63.900``; ICD-9-CM-3 ``37.``, ``37.5``,
``37.51``, ``37.5100``."""

_LENGTHS = (3, 4, 5, 7)

Line = tuple[str, str]
"""A code or prefix, and its ``match``."""


def categories_of(code: str) -> tuple[str, ...]:
    """Return the categories a code lies in, the widest first; none for a code not written as in the ICD."""
    cuts = (code[:length] for length in _LENGTHS if length <= len(code))
    return tuple(cut for cut in cuts if _CATEGORY.fullmatch(cut))


class _Choice(NamedTuple):
    """The rows for one part of a set, and how many of them are exceptions."""

    lines: tuple[Line, ...]
    exceptions: int

    @property
    def cost(self) -> tuple[int, int]:
        return len(self.lines), self.exceptions


class Categories:
    """The categories of all known codes."""

    def __init__(self, known: Iterable[str]) -> None:
        self._inside: dict[str, list[str]] = defaultdict(list)
        for code in sorted(known):
            for category in categories_of(code):
                self._inside[category].append(code)

    def fold(self, members: Collection[str], listed: Collection[str]) -> list[Line]:
        """Return the fewest rows that name exactly these members.

        A prefix stands where it and its exceptions are fewer rows than what they replace. Of equally few rows
        those with fewer exceptions are taken, and of those the widest categories.

        Args:
            members: known codes.
            listed: codes of the dictionary. Any other member keeps a row of its own, for that row is what
                makes it known.
        """
        unlisted = [(code, EXACT) for code in members if code not in listed]
        return sorted(unlisted) + self._fewest(members, [code for code in members if code in listed])

    def _fewest(self, members: Collection[str], free: Iterable[str]) -> list[Line]:
        below: dict[str, dict[str, None]] = defaultdict(dict)
        codes: dict[str, list[str]] = defaultdict(list)
        count: Counter[str] = Counter()
        for code in sorted(free):
            path = ("", *categories_of(code))
            count.update(path)
            codes[path[-1]].append(code)
            for wide, narrow in pairwise(path):
                below[wide][narrow] = None

        def best(category: str) -> _Choice:
            parts = [best(part) for part in below[category]]
            lines = [(code, EXACT) for code in codes[category]]
            apart = _Choice(
                tuple(lines + [line for part in parts for line in part.lines]),
                sum(part.exceptions for part in parts),
            )
            if not category or count[category] < 2:
                return apart
            outside = [code for code in self._inside[category] if code not in members]
            whole = _Choice(
                ((category, PREFIX), *((code, EXCEPT) for code in outside)),
                len(outside),
            )
            return whole if whole.cost <= apart.cost else apart

        return list(best("").lines)
