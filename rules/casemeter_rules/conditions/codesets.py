"""The sets that conditions name: codes, and prefixes with their exceptions."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Final

from casemeter_grouper.codes import normalise

SPACES: Final = ("diagnosis", "procedure", "item")
"""Where codes stand; a set is of one space."""

MATCHES: Final = ("", "prefix", "except", "except_prefix")
"""How a row of a set is meant: an exact code, a prefix, a code or a prefix that prefixes do not take."""


@dataclass(frozen=True, slots=True)
class CodeSet:
    """A set: the exact codes, and what its prefixes take without the exceptions. An exact code always counts.

    Attributes:
        space: one of :data:`SPACES`.
        codes: exact codes.
        prefixes: beginnings of codes.
        exceptions: exact codes that no prefix takes.
        excepted: beginnings of codes that no prefix takes.
    """

    space: str
    codes: frozenset[str] = frozenset()
    prefixes: frozenset[str] = frozenset()
    exceptions: frozenset[str] = frozenset()
    excepted: frozenset[str] = frozenset()
    _lengths: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _excepted_lengths: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lengths", _lengths(self.prefixes))
        object.__setattr__(self, "_excepted_lengths", _lengths(self.excepted))

    @classmethod
    def of(cls, space: str, rows: Iterable[tuple[str, str]]) -> CodeSet:
        """Make a set from rows of a code and how it is meant, one of :data:`MATCHES`."""
        by_match: dict[str, set[str]] = {match: set() for match in MATCHES}
        for code, match in rows:
            by_match[match].add(normalise(code))
        return cls(space, *(frozenset(by_match[match]) for match in MATCHES))

    def __contains__(self, code: str) -> bool:
        if code in self.codes:
            return True
        if not _begins(code, self.prefixes, self._lengths) or code in self.exceptions:
            return False
        return not _begins(code, self.excepted, self._excepted_lengths)

    def among(self, codes: Set[str]) -> set[str]:
        """Return those of some codes that are in the set."""
        if not self.prefixes:
            return {*(self.codes & codes)}
        return {code for code in codes if code in self}


def _lengths(prefixes: frozenset[str]) -> tuple[int, ...]:
    return tuple(sorted(set(map(len, prefixes))))


def _begins(code: str, prefixes: frozenset[str], lengths: tuple[int, ...]) -> bool:
    return any(code[:length] in prefixes for length in lengths)
