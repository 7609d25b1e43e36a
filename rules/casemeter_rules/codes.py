"""Codes as rules name them: spaces, exact codes and prefixes, and sets of them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Final, NamedTuple

_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_INVISIBLE: Final = dict.fromkeys((0x3000, 0xFEFF, 0x200B, 0x200C, 0x200D, 0x2060))
_FOLD: Final = str.maketrans({**_FULL_WIDTH, **_INVISIBLE})


def normalise_item(code: str) -> str:
    """Return the one written form of a drug's or an item's code: half width, no blanks, upper case."""
    if not code.isascii():
        code = code.translate(_FOLD)
    return "".join(code.split()).upper()


class Space(IntEnum):
    """What a code is a code of."""

    DIAGNOSIS = 0
    PROCEDURE = 1
    ITEM = 2


class Key(NamedTuple):
    """A code, or the beginning of codes, that a rule names."""

    space: Space
    text: str
    prefix: bool = False

    def covers(self, code: str) -> bool:
        """Whether a code of the same space is meant."""
        return code.startswith(self.text) if self.prefix else code == self.text


@dataclass(frozen=True)
class CodeSet:
    """Codes of one space."""

    keys: frozenset[Key] = frozenset()

    @cached_property
    def _exact(self) -> frozenset[str]:
        return frozenset(key.text for key in self.keys if not key.prefix)

    @cached_property
    def _prefixes(self) -> tuple[frozenset[str], tuple[int, ...]]:
        prefixes = frozenset(key.text for key in self.keys if key.prefix)
        return prefixes, tuple(sorted({len(text) for text in prefixes}))

    def __contains__(self, code: str) -> bool:
        prefixes, lengths = self._prefixes
        return code in self._exact or any(code[:length] in prefixes for length in lengths)

    def among(self, codes: Set[str]) -> set[str]:
        """Return those of some codes that are in the set."""
        if not self._prefixes[0]:
            return {*(self._exact & codes)}
        return {code for code in codes if code in self}
