"""Signs by which Chinese text is told from other text that was read as such."""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_LAST_ASCII: Final = 0x7F
_LAST_USUAL: Final = 0xFFFF
# Rows of GB 2312: signs, digits and full-width letters; Greek; letters of pinyin; the characters.
_ROWS: Final = (*range(0xA1, 0xA4), 0xA6, 0xA8, *range(0xB0, 0xF8))
# Two Chinese characters, in bytes of UTF-8 and in characters.
_SHORTEST_BYTES: Final = 6
_SHORTEST_TEXT: Final = 2

Places = NDArray[np.int64]


class Runs(NamedTuple):
    """Runs of characters beyond ASCII, between others.

    Attributes:
        number: how many there are.
        strange: places of those that speak against the encoding.
    """

    number: int
    strange: Places


def utf8_runs(data: bytes) -> Runs:
    """Return runs long enough for two Chinese characters in UTF-8; strange: those that are nothing else."""
    found = np.frombuffer(data, np.uint8)
    starts, lengths = _runs(found > _LAST_ASCII, _SHORTEST_BYTES)
    if not len(starts):
        return Runs(0, starts)
    firsts, within = _inside(lengths)
    inside = found[np.repeat(starts, lengths) + within]
    leads = (inside >= 0xE3) & (inside <= 0xE9)
    trails = (inside >= 0x80) & (inside <= 0xBF)
    fits = np.logical_and.reduceat(np.where(within % 3 == 0, leads, trails), firsts)
    return Runs(len(starts), starts[fits & (lengths % 3 == 0)])


def text_runs(text: str) -> tuple[Runs, int, int]:
    """Return runs of two characters and more; strange: most of their characters are not usual in Chinese.

    Returns:
        The runs, how many characters beyond ASCII the text has, and how many of these are usual.
    """
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    beyond = points > _LAST_ASCII
    usual = _usual()[np.minimum(points, _LAST_USUAL)]
    counts = int(beyond.sum()), int((usual & beyond).sum())
    starts, lengths = _runs(beyond, _SHORTEST_TEXT)
    if not len(starts):
        return Runs(0, starts), *counts
    firsts, within = _inside(lengths)
    good = np.add.reduceat(usual[np.repeat(starts, lengths) + within].astype(np.int64), firsts)
    return Runs(len(starts), starts[2 * good < lengths]), *counts


def _runs(beyond: NDArray[np.bool_], shortest: int) -> tuple[Places, Places]:
    """Return beginnings and lengths of runs."""
    edges = np.flatnonzero(np.diff(beyond, prepend=False, append=False))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    return starts[lengths >= shortest], lengths[lengths >= shortest]


def _inside(lengths: Places) -> tuple[Places, Places]:
    """Return, with all runs one after the other, where each begins, and the place of each item in its run."""
    firsts = np.cumsum(lengths) - lengths
    return firsts, np.arange(lengths.sum()) - np.repeat(firsts, lengths)


@cache
def _usual() -> NDArray[np.bool_]:
    """By code point: the characters of GB 2312 that stand in Chinese texts."""
    found = np.zeros(_LAST_USUAL + 1, np.bool_)
    for row in _ROWS:
        for cell in range(0xA1, 0xFF):
            for character in bytes((row, cell)).decode("gb2312", errors="ignore"):
                found[ord(character)] = True
    return found
