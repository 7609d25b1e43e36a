"""What groups are paid, as whole numbers that compiled code reads: to the fen what their tariffs say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from casemeter_grouper.payment.tariff import Tariff

UNKNOWN: Final = -1
"""Instead of a reason: the prices do not tell."""

_MOST: Final = 2**62

# A row of a group: why there is no payment (0: there is one; UNKNOWN), its first piece, the end of its last.
# A row of a piece: its lowest cost, its line, the highest cost whose payment fits 64 bits, and first byte and
# end of the name of its band. A denominator of 0: there is no price yet.
_REASON, _FIRST, _END = range(3)
_FROM, _FIXED, _SLOPE, _DENOMINATOR, _LIMIT, _BAND, _BAND_END = range(7)
_COLUMNS: Final = 7


class Prices(NamedTuple):
    """What groups are paid. Immutable.

    Attributes:
        rows: int64, by the number of a group, from 1; then the pieces of their tariffs. No rows: nothing is
            priced.
        bands: UTF-8, the names of the bands one after the other.
        longest: bytes of the longest name.
    """

    rows: NDArray[np.int64]
    bands: bytes = b""
    longest: int = 0

    @classmethod
    def none(cls) -> Prices:
        """Return prices that nothing is priced by."""
        return cls(np.empty((0, _COLUMNS), np.int64))

    @classmethod
    def of(cls, groups: int, reason: int = UNKNOWN) -> Prices:
        """Return prices of so many groups: nothing is known of them yet, or why none of them is paid."""
        rows = np.zeros((groups + 1, _COLUMNS), np.int64)
        rows[:, _REASON] = reason
        return cls(rows)

    def knows(self, group: int) -> bool:
        """Whether a group was told of."""
        return bool(self.rows[group, _REASON] != UNKNOWN)

    def told(self, group: int, reason: int) -> Prices:
        """Return the same, and why a group is not paid at any cost, a value of ``NotPricedReason``."""
        return self._with(group, reason, [], [])

    def paying(self, group: int, tariff: Tariff) -> Prices:
        """Return the same, and what a group is paid."""
        pieces: list[tuple[int, int, int, int, int]] = []
        for segment, money, _, _ in tariff.pieces:
            line = (0, 0, 0) if money is None else money
            limit = _limit(*line)
            pieces.append((min(segment.from_fen, _MOST), *(line if limit >= 0 else (0, 0, 0)), limit))
        return self._with(group, 0, pieces, [segment.band for segment in tariff.segments])

    def at_one_cost(self, group: int, reason: int, payment: int | None, band: str) -> Prices:
        """Return the same, and what a group is paid at the one cost that will be asked for.

        Args:
            group: its number.
            reason: why it is not paid, a value of ``NotPricedReason``; 0: it is.
            payment: in fen; ``None``: there is none, or no price yet.
            band: name of the band; empty: there is none.
        """
        if reason:
            return self.told(group, reason)
        line = (0, 0, 0) if payment is None else (payment, 0, 1)
        return self._with(group, 0, [(0, *line, _MOST)], [band])

    def _with(
        self,
        group: int,
        reason: int,
        pieces: Sequence[tuple[int, int, int, int, int]],
        bands: Sequence[str],
    ) -> Prices:
        names = [band.encode() for band in bands]
        starts = list(accumulate(map(len, names), initial=len(self.bands)))
        more = np.zeros((len(pieces), _COLUMNS), np.int64)
        for row, piece, ends in zip(more, pieces, pairwise(starts), strict=True):
            row[: len(piece)], row[_BAND : _BAND_END + 1] = piece, ends
        rows = np.concatenate([self.rows, more])
        rows[group, : _END + 1] = reason, len(self.rows), len(rows)
        longest = max(self.longest, *map(len, names), 0)
        return Prices(rows, self.bands + b"".join(names), longest)


def _limit(fixed: int, slope: int, denominator: int) -> int:
    """Return the highest cost, from 0, at which no step of rounding leaves 64 bits; -1: there is none."""
    if not denominator:
        return _MOST
    room = (_MOST - denominator) // 2 - abs(fixed)
    # A slope beyond all numbers leaves no cost but 0, and is not written: then not even that.
    if room < 0 or abs(slope) >= _MOST:
        return -1
    return min(room // abs(slope), _MOST) if slope else _MOST


@njit(cache=True, nogil=True)
def paid(prices, group, cost):  # type: ignore[no-untyped-def]
    """Return what a group is paid at a cost, as :meth:`casemeter_grouper.payment.tariff.Tariff.paid` does.

    Args:
        prices: rows of :class:`Prices`.
        group: its number.
        cost: in fen.

    Returns:
        Why it is not paid (0: it is; :data:`UNKNOWN`: the rows do not tell); whether there is a payment;
        the payment in fen; and first byte and end of the name of the band.
    """
    reason = prices[group, _REASON]
    if reason != 0:
        return reason, False, 0, 0, 0
    piece = prices[group, _END] - 1
    while piece > prices[group, _FIRST] and prices[piece, _FROM] > cost:
        piece -= 1
    if not 0 <= cost <= prices[piece, _LIMIT]:
        return UNKNOWN, False, 0, 0, 0
    fixed, slope, denominator = prices[piece, _FIXED], prices[piece, _SLOPE], prices[piece, _DENOMINATOR]
    payment = 0
    if denominator:
        payment = (2 * (fixed + slope * cost) + denominator) // (2 * denominator)
    return reason, denominator != 0, payment, prices[piece, _BAND], prices[piece, _BAND_END]
