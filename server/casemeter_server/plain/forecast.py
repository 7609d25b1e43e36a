"""Writing the forecast of a plain request: from the kernel's numbers to the bytes of the message.

What is written is what :mod:`casemeter_server.forecasting` says of the same answer, byte for byte.

numba keeps compiled code until the file it stands in changes: whoever changes something compiled that this
file uses must touch this file too.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from casemeter.v1 import forecast_pb2 as pb
from casemeter_grouper.forecast.kernel import SHOWN
from casemeter_server.plain.prices import UNKNOWN, paid
from casemeter_server.plain.wire import tags, write_bytes, write_content, write_double

_GROUPS, _ELSEWHERE, _SET_SIZE, _LEVEL, _COST, _LOS_DAYS, _MULTIPLE = tags(
    *(pb.Forecast, "groups", "elsewhere", "set_size", "level"),
    *("cost", "los_days", "multiple_of_benchmark"),
)
_PROBABILITY, _PAYMENT, _MARGIN, _BAND, _NOT_PRICED = tags(
    pb.ForecastGroup, "probability", "payment_fen", "margin_fen", "band", "not_priced"
)
_LOW_FEN, _MIDDLE_FEN, _HIGH_FEN = tags(pb.MoneyInterval, "low_fen", "middle_fen", "high_fen")
_LOW_DAY, _MIDDLE_DAY, _HIGH_DAY = tags(pb.DaysInterval, "low", "middle", "high")
_LOW, _MIDDLE, _HIGH = tags(pb.MultipleInterval, "low", "middle", "high")

# An answer of the kernel: what stands before the candidates, then their numbers, then their probabilities.
_SHOWN_AT, _SIZE_AT, _COST_AT, _DAYS_AT, _GROUP_AT = 0, 1, 3, 6, 9
_ODDS_AT: Final = _GROUP_AT + SHOWN

ROOM: Final = 64
"""Bytes enough for the numbers of one group, or for all that stands beside the groups."""

UNPRICED: Final = -1
"""Instead of the place after a forecast: the prices do not tell what a candidate would be paid."""


@njit(cache=True, nogil=True)
def _write_signed(out, at, tag, value):  # type: ignore[no-untyped-def]
    """Write a field with a number that may be below zero."""
    out[at] = tag
    at += 1
    rest = np.uint64(value)
    while rest >= np.uint64(0x80):
        out[at] = int(rest & np.uint64(0x7F)) | 0x80
        rest >>= np.uint64(7)
        at += 1
    out[at] = int(rest)
    return at + 1


@njit(cache=True, nogil=True)
def _write_some(out, at, tag, value):  # type: ignore[no-untyped-def]
    """Write a field with a number, unless it is 0."""
    return _write_signed(out, at, tag, value) if value else at


@njit(cache=True, nogil=True)
def _write_part(out, at, tag, value):  # type: ignore[no-untyped-def]
    """Write a field with a double, unless it is 0."""
    return write_double(out, at, tag, value) if value else at


@njit(cache=True, nogil=True)
def write_forecast(  # type: ignore[no-untyped-def]
    out, numbers, texts, starts, facts, has_cost, prices, bands
):
    """Write the fields of a forecast from its groups to its multiple of the benchmark.

    Args:
        out: a bytearray with room for all of it, twice.
        numbers: an answer of :func:`casemeter_grouper.forecast.kernel.run_one`.
        texts: uint8, code and name of every group as a ``ForecastGroup``, one after the other.
        starts: int64, where each begins, and the end of the last; by the number of the group, from 1.
        facts: level, mean cost of the benchmark in fen (0: none) and the most groups of a set.
        has_cost: whether the cost is told.
        prices: rows of :class:`casemeter_server.plain.prices.Prices`; none: nothing is priced.
        bands: likewise.

    Returns:
        The place after what was written, or :data:`UNPRICED`.
    """
    level, mean, most_in_set = facts
    elsewhere = 1.0
    for place in range(SHOWN):
        elsewhere -= numbers[_ODDS_AT + place]
    scratch = len(out) // 2
    cost, days = numbers[_COST_AT:_DAYS_AT], numbers[_DAYS_AT:_GROUP_AT]
    middle = int(np.rint(cost[1]))
    end = 0
    for place in range(int(numbers[_SHOWN_AT])):
        group = int(numbers[_GROUP_AT + place])
        at = write_bytes(out, scratch, texts, starts[group - 1], starts[group])
        at = _write_part(out, at, _PROBABILITY, numbers[_ODDS_AT + place])
        if prices.shape[0]:
            reason, has_payment, payment, band, band_end = paid(prices, group, middle)
            if reason == UNKNOWN:
                return UNPRICED
            if has_payment:
                at = _write_signed(out, at, _PAYMENT, payment)
                at = _write_signed(out, at, _MARGIN, payment - middle)
            if band < band_end:
                at = write_content(out, at, _BAND, bands, band, band_end)
            at = _write_some(out, at, _NOT_PRICED, reason)
        end = write_content(out, end, _GROUPS, out, scratch, at)
    end = _write_part(out, end, _ELSEWHERE, max(0.0, elsewhere))
    size = int(numbers[_SIZE_AT])
    end = _write_some(out, end, _SET_SIZE, size if size <= most_in_set else 0)
    end = _write_part(out, end, _LEVEL, level)
    if has_cost:
        at = _write_some(out, scratch, _LOW_FEN, int(np.floor(cost[0])))
        at = _write_some(out, at, _MIDDLE_FEN, middle)
        at = _write_some(out, at, _HIGH_FEN, int(np.ceil(cost[2])))
        end = write_content(out, end, _COST, out, scratch, at)
    at = _write_some(out, scratch, _LOW_DAY, int(np.floor(days[0])))
    at = _write_some(out, at, _MIDDLE_DAY, int(np.rint(days[1])))
    at = _write_some(out, at, _HIGH_DAY, int(np.ceil(days[2])))
    end = write_content(out, end, _LOS_DAYS, out, scratch, at)
    if mean > 0:
        at = _write_part(out, scratch, _LOW, cost[0] / mean)
        at = _write_part(out, at, _MIDDLE, cost[1] / mean)
        at = _write_part(out, at, _HIGH, cost[2] / mean)
        end = write_content(out, end, _MULTIPLE, out, scratch, at)
    return end
