"""Versions of packs: several of one id, each with its days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, Protocol, TypeVar


class Header(Protocol):
    """What a pack says of itself."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def valid_from(self) -> str:
        """First day (``YYYY-MM-DD``); empty: since ever."""

    @property
    def valid_until(self) -> str:
        """Last day; empty: until further notice."""


class Versioned(Protocol):
    """A pack with its header."""

    @property
    def header(self) -> Header:
        """Its header."""


_P = TypeVar("_P", bound=Versioned)


def holds_always(pack: Versioned) -> bool:
    """Whether a pack has neither a first nor a last day."""
    return not pack.header.valid_from and not pack.header.valid_until


def holds_on(pack: Versioned, day: str) -> bool:
    """Whether a pack holds on a day (``YYYY-MM-DD``)."""
    return (pack.header.valid_from or day) <= day <= (pack.header.valid_until or day)


@dataclass(frozen=True)
class Shelf(Generic[_P]):
    """Packs of one kind.

    Attributes:
        packs: by id, the versions that are loaded, by their first day; no two hold on the same day.
    """

    packs: Mapping[str, tuple[_P, ...]]

    @classmethod
    def of(cls, packs: Iterable[_P]) -> Shelf[_P]:
        """Sort packs.

        Raises:
            ValueError: two versions of a pack hold on the same day.
        """
        by_id: dict[str, list[_P]] = {}
        for pack in packs:
            by_id.setdefault(pack.header.id, []).append(pack)
        for name, versions in by_id.items():
            versions.sort(key=lambda version: version.header.valid_from)
            for earlier, later in pairwise(versions):
                first = later.header.valid_from
                if not first or holds_on(earlier, first):
                    raise ValueError(f"two versions of pack '{name}' hold on the same day")
        return cls({name: tuple(versions) for name, versions in by_id.items()})

    def on(self, name: str, day: str) -> _P | None:
        """Return the version of a pack that holds on a day."""
        return next((version for version in self.packs.get(name, ()) if holds_on(version, day)), None)

    def __iter__(self) -> Iterator[_P]:
        """Yield every version, by id and first day."""
        for name in sorted(self.packs):
            yield from self.packs[name]
