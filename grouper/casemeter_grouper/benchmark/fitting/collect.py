"""What fitting keeps of settled stays: a few columns for each, and the cost of each stay by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.benchmark.fitting.kernel import add_charges, cumulate

if TYPE_CHECKING:
    # At run time it would load polars, and nothing here needs it.
    from casemeter_grouper.history.settled import SettledChunk
    from casemeter_grouper.history.settled_days import DayChunk

Ints = NDArray[np.int64]
Small = NDArray[np.int32]

_NO_COLUMN: Final = -1
_MAX_FEN: Final = 1 << 38
"""2.7 thousand million yuan: below it, sums over sixteen million stays are whole numbers of 64 bits."""


class RepeatedStayError(ValueError):
    """Two stays have one key."""


@dataclass(frozen=True, eq=False)
class Stays:
    """Settled stays, ``n`` of them, in any order.

    Attributes:
        key: uint64, unlike for any two.
        group: number of the group; -1: none.
        adrg: number of the ADRG; -1: none.
        discharge: days since 1970-01-01.
        year: of the discharge, int16.
        cost_fen: above 0.
        los_days: at least 1.
        fees_fen: parts of the stays, each ``m x 10``: by front-page category.
        fees_add_up: whether no category is below 0 and all make up the cost.
    """

    key: NDArray[np.uint64]
    group: Small
    adrg: Small
    discharge: Small
    year: NDArray[np.int16]
    cost_fen: Ints
    los_days: Small
    fees_fen: tuple[NDArray[np.integer], ...]
    fees_add_up: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.key)


@dataclass(frozen=True, eq=False)
class Curves:
    """The cost of stays by day.

    Attributes:
        at: ``n + 1`` places: the days of stay ``i``, from the day of admission to that of discharge, are
            ``cost_fen[at[i]:at[i + 1]]``.
        cost_fen: up to the end of each day; never falls within a stay.
        known: whether the days of the stay make up its cost; the days of others say nothing.
    """

    at: Ints
    cost_fen: Ints
    known: NDArray[np.bool_]


def collect(chunks: Iterable[SettledChunk]) -> Stays:
    """Keep what is needed of all stays.

    Raises:
        RepeatedStayError: two stays have one key.
        ValueError: a cost is not above 0, or beyond all measure.
    """
    columns: dict[str, list[NDArray[np.generic]]] = {name: [] for name in _COLUMNS}
    fees: list[NDArray[np.integer]] = []
    for chunk in chunks:
        if len(chunk) == 0:
            continue
        for name, kind in _COLUMNS.items():
            if name != "fees_add_up":
                columns[name].append(np.asarray(getattr(chunk, name), kind))
        if chunk.cost_fen.min() <= 0 or chunk.cost_fen.max() >= _MAX_FEN:
            raise ValueError("a cost must be above 0 and below 2.7 thousand million yuan")
        # A category without a column is nothing where the others make up the cost.
        parts = np.where(chunk.fees_fen == _NO_COLUMN, 0, chunk.fees_fen)
        sound = (parts >= 0).all(axis=1) & (parts.sum(axis=1) == chunk.cost_fen)
        columns["fees_add_up"].append(sound)
        parts = np.where(sound[:, None], parts, 0)
        fits = parts.size == 0 or parts.max() < 1 << 32
        fees.append(parts.astype(np.uint32 if fits else np.int64))
    # One column after the other, so that no more than one is there twice.
    joined = {name: _joined(columns.pop(name), kind) for name, kind in _COLUMNS.items()}
    stays = Stays(fees_fen=tuple(fees), **joined)  # type: ignore[arg-type]  # the columns differ in type
    if len(stays) and (np.diff(np.sort(stays.key)) == 0).any():
        raise RepeatedStayError("two stays have one key; a history must tell each stay once")
    return stays


_COLUMNS: Final = {
    "key": np.uint64,
    "group": np.int32,
    "adrg": np.int32,
    "discharge": np.int32,
    "year": np.int16,
    "cost_fen": np.int64,
    "los_days": np.int32,
    "fees_add_up": np.bool_,
}


def _joined(parts: list[NDArray[np.generic]], kind: type[np.generic]) -> NDArray[np.generic]:
    return np.concatenate(parts) if parts else np.empty(0, kind)


def curves_of(stays: Stays, chunks: Iterable[DayChunk]) -> tuple[Curves, Counter[str]]:
    """Add up the charges of each day of each stay; the order of the charges does not matter.

    A charge that is taken back on a later day counts as never made, so that no cost falls. A stay has one day
    more than its length, that of discharge.

    Returns:
        The costs by day, and how many charges were not used, by reason.
    """
    at = np.zeros(len(stays) + 1, np.int64)
    np.cumsum(stays.los_days, out=at[1:], dtype=np.int64)
    at += np.arange(len(at))
    cost = np.zeros(at[-1], np.int64)
    order = np.argsort(stays.key)
    ordered = stays.key[order]
    unused: Counter[str] = Counter()
    for chunk in chunks:
        if len(chunk) == 0:
            continue
        stay = _stays_of(chunk.key, ordered, order)
        known = stay >= 0
        place = np.where(known, stay, 0)
        los = stays.los_days[place]
        since = chunk.date - (stays.discharge[place] - los) + 1
        # A stay of one day may have begun on the day before its last; its charges are of one day.
        dated = np.where((los == 1) & (since == 2), 1, since)
        day = np.where(chunk.day > 0, chunk.day, dated)
        inside = (day >= 1) & (day <= los + 1)
        unused["charge_of_unknown_stay"] += int((~known).sum())
        unused["charge_outside_stay"] += int((known & ~inside).sum())
        used = known & inside
        add_charges(cost, at[stay[used]] + day[used] - 1, np.asarray(chunk.total_fen, np.int64)[used])
    known_curves = np.empty(len(stays), np.bool_)
    cumulate(cost, at, stays.cost_fen, known_curves)
    return Curves(at, cost, known_curves), +unused


def _stays_of(keys: NDArray[np.uint64], ordered: NDArray[np.uint64], order: Ints) -> Ints:
    """Return the place of the stay of each charge, -1 for one that is not there.

    The charges of a stay mostly stand together, so each run of them is looked up once.
    """
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    wanted = keys[starts]
    found = np.minimum(np.searchsorted(ordered, wanted), max(len(ordered) - 1, 0))
    if len(ordered) == 0:
        return np.full(len(keys), -1, np.int64)
    places = np.where(ordered[found] == wanted, order[found], -1)
    return np.repeat(places, np.diff(np.append(starts, len(keys))))
