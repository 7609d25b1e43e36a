"""Adding up plain charges: one compiled pass over the bytes of a ``Charges`` message.

Plain are charges in single lines that nothing has to be said about: numbered once, within range, undone by no
more than there is, equal to quantity times price. Of any others the reader says so and nothing else; they are
the work of :mod:`casemeter_server.charges`, which this mirrors. See :mod:`casemeter_server.plain.request`.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Final

import numpy as np
from numba import njit

from casemeter.v1 import charges_pb2 as pb
from casemeter_grouper.benchmark.categories import FRONT_PAGE, SETTLEMENT_LIST, categories
from casemeter_grouper.payment.policy import Policy
from casemeter_server.charges import FEN_PER_YUAN, MAX_AMOUNT_FEN, Ledger
from casemeter_server.plain.lookup import Texts, place_of
from casemeter_server.plain.wire import is_ascii, read_field, read_signed, read_time, tags
from casemeter_server.prepare import MAX_ID, MAX_NAME
from casemeter_server.stay_facts import LATEST, seconds_since

MAX_PLAIN_LINES: Final = 256
"""Every line is compared with every other: of more lines than these the ordinary reader is the faster."""

_SYSTEMS: Final = {
    pb.CATEGORY_SYSTEM_FRONT_PAGE: FRONT_PAGE,
    pb.CATEGORY_SYSTEM_SETTLEMENT_LIST: SETTLEMENT_LIST,
}
_CODES: Final = ((), *(tuple(sorted(categories(_SYSTEMS[number]))) for number in sorted(_SYSTEMS)))
"""The categories of each system in order, by its number in the contract."""

_CODE_AT: Final = tuple(accumulate(map(len, _CODES), initial=0))
_LAST_SYSTEM: Final = len(_CODES) - 1

_SYSTEM, _LINES, _TOTAL = tags(pb.Charges, "category_system", "lines", "total_fen")
_ID, _TIME, _ITEM, _CATEGORY, _AMOUNT, _REVERSES, _QUANTITY, _PRICE = tags(
    *(pb.ChargeLine, "id", "time", "item", "category", "amount_fen", "reverses"),
    *("quantity", "unit_price_fen"),
)
_LATEST: Final = seconds_since(LATEST)
_SQUARE: Final = 10_000 * 10_000
_FACTOR: Final = 3_000_000_000
"""Products of two numbers up to this, and a hundred million times it, fit 64 bits."""

# The sums: whether they hold, the system, and amounts; then of each category, the unmapped first, the amount
# and the number of lines.
_PLAIN, _DECLARED, _COST, _EXCLUDED, _LATER, _BY_CATEGORY = range(6)
_MOST: Final = 1 + max(map(len, _CODES))

# A line as numbers.
_OWN, _OWN_END, _ITEM_AT, _ITEM_END, _CATEGORY_AT, _CATEGORY_END, _UNDONE_AT, _UNDONE_END = range(8)
_HASH, _FEN, _IS_LATER, _WIDTH = range(8, 12)


class PlainCharges:
    """Adds up plain charges by what one payment pack leaves out of scope."""

    def __init__(self, policy: Policy | None) -> None:
        items, names, pairs = ((), (), ()) if policy is None else policy.excluded
        parts = [*_CODES, sorted(items), sorted(names), sorted({item for item, _ in pairs})]
        self._texts = Texts.of(text for part in parts for text in part)
        self._bounds = np.fromiter(accumulate(map(len, parts), initial=0), np.int64)
        # The first call loads the compiled code: that is paid here and not by a physician.
        self.add_up(b"", 0, 0, 0.0)

    def add_up(self, data: bytes, at: int, end: int, as_of: float) -> Ledger | None:
        """Add up charges; ``None``: they are not plain.

        Args:
            data: the bytes of a request.
            at: first byte of its charges.
            end: place after the last.
            as_of: in seconds since 1970.
        """
        sums = _add_up(data, at, end, as_of, *self._texts, self._bounds).tolist()
        if not sums[_PLAIN]:
            return None
        amounts, counts = sums[_BY_CATEGORY::2], sums[_BY_CATEGORY + 1 :: 2]
        codes = ("", *_CODES[sums[_DECLARED]])
        by_category = {
            code: amount for code, amount, count in zip(codes, amounts, counts, strict=False) if count
        }
        return Ledger(sums[_COST], sums[_EXCLUDED], 0, sums[_LATER], by_category, sums[_DECLARED])


@njit(cache=True, nogil=True)
def read_quantity(data, at, end):  # type: ignore[no-untyped-def]
    """Return a number of up to eight digits and four decimals in ten-thousandths; -1: it is none."""
    point, zero = 46, 48
    whole = decimals = -1
    value = 0
    for place in range(at, end):
        digit = int(data[place]) - zero
        if 0 <= digit <= 9:
            value = 10 * value + digit
            if decimals >= 0:
                decimals += 1
        elif data[place] == point and decimals < 0 and place > at:
            whole, decimals = place - at, 0
        else:
            return -1
    if whole < 0:
        whole = end - at
    if not 1 <= whole <= 8 or decimals == 0 or decimals > 4:
        return -1
    for _ in range(4 - max(0, decimals)):
        value *= 10
    return value


@njit(cache=True, nogil=True)
def _is_product(quantity, price, amount):  # type: ignore[no-untyped-def]
    """Whether quantity times price, both in ten-thousandths, is an amount in fen to less than a yuan.

    Of numbers too great to be multiplied, and near the limit, the ordinary reader tells.
    """
    if quantity > _FACTOR or price > _FACTOR or amount > _FACTOR:
        return False
    return abs(amount * _SQUARE - quantity * price) < FEN_PER_YUAN * _SQUARE


@njit(cache=True, nogil=True)
def _line(data, at, end, line):  # type: ignore[no-untyped-def]
    """Read a line into numbers; return its time in seconds (0: none), or -1: not plain."""
    line[:] = 0
    moment = 0.0
    last = quantity = price = 0
    while at < end:
        if data[at] == _AMOUNT and last < _AMOUNT:
            last = _AMOUNT
            amount, at = read_signed(data, at + 1, end)
            if at < 0 or not -MAX_AMOUNT_FEN <= amount <= MAX_AMOUNT_FEN:
                return -1.0
            line[_FEN] = amount
            continue
        tag, value, at = read_field(data, at, end)
        if tag <= last:
            return -1.0
        last = tag
        if tag in (_QUANTITY, _PRICE):
            number = read_quantity(data, value, at)
            if number <= 0:
                return -1.0
            if tag == _QUANTITY:
                quantity = number
            else:
                price = number
            continue
        limit = MAX_ID
        place = _OWN
        if tag == _TIME:
            moment = read_time(data, value, at)
            if not 0 < moment <= _LATEST:
                return -1.0
            continue
        if tag == _ITEM:
            place = _ITEM_AT
        elif tag == _CATEGORY:
            limit = MAX_NAME
            place = _CATEGORY_AT
        elif tag == _REVERSES:
            place = _UNDONE_AT
        elif tag != _ID:
            return -1.0
        if at - value > limit or not is_ascii(data, value, at):
            return -1.0
        line[place] = value
        line[place + 1] = at
    if quantity and price and not _is_product(quantity, price, abs(line[_FEN])):
        return -1.0
    undoes = line[_UNDONE_END] > line[_UNDONE_AT]
    return moment if (line[_FEN] < 0) == undoes else -1.0


@njit(cache=True, nogil=True)
def _hash(data, at, end):  # type: ignore[no-untyped-def]
    """Return a number that two equal texts have in common; 0 for an empty one."""
    found = np.uint64(0)
    for place in range(at, end):
        found = (found + np.uint64(data[place])) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(29)
    return np.int64(found >> np.uint64(1))


@njit(cache=True, nogil=True)
def _same(data, at, end, other, other_end):  # type: ignore[no-untyped-def]
    same = end - at == other_end - other
    place = 0
    while same and place < end - at:
        same = data[at + place] == data[other + place]
        place += 1
    return same


@njit(cache=True, nogil=True)
def _target(data, lines, count, line):  # type: ignore[no-untyped-def]
    """Return the place of the line that another undoes; -1: there is none."""
    wanted = _hash(data, line[_UNDONE_AT], line[_UNDONE_END])
    for place in range(count):
        own = lines[place]
        if (
            own[_HASH] == wanted
            and own[_UNDONE_END] == own[_UNDONE_AT]
            and _same(data, own[_OWN], own[_OWN_END], line[_UNDONE_AT], line[_UNDONE_END])
        ):
            return place
    return -1


@njit(cache=True, nogil=True)
def _is_sound(data, lines, count):  # type: ignore[no-untyped-def]
    """Whether no number stands twice, and no line is undone by more than there is."""
    undone = np.zeros(count, np.int64)
    for at in range(count):
        own = lines[at, _HASH]
        for before in range(at):
            # Equal numbers, or two that only look so: for the ordinary reader to tell.
            if own == lines[before, _HASH] and own:
                return False
    for at in range(count):
        if lines[at, _UNDONE_END] > lines[at, _UNDONE_AT]:
            target = _target(data, lines, count, lines[at])
            if target < 0:
                return False
            undone[target] -= lines[at, _FEN]
            if undone[target] > lines[target, _FEN]:
                return False
    return True


@njit(cache=True, nogil=True)
def _lines(data, at, end):  # type: ignore[no-untyped-def]
    """Return the number of lines that are read: an array no larger than it must be is made faster."""
    count = 0
    while at < end and count < MAX_PLAIN_LINES:
        tag, _, at = read_field(data, at, end)
        if tag == 0:
            break
        count += tag == _LINES
    return count


@njit(cache=True, nogil=True)
def _add_up(data, at, end, as_of, texts, starts, bounds):  # type: ignore[no-untyped-def]
    """Add up the charges between two places; return the sums."""
    sums = np.zeros(_BY_CATEGORY + 2 * _MOST, np.int64)
    lines = np.empty((_lines(data, at, end), _WIDTH), np.int64)
    count = 0
    stated = -1
    last = 0
    while at < end:
        tag, value, at = read_field(data, at, end)
        if tag < last or (tag == last and tag != _LINES) or tag == 0:
            return sums
        last = tag
        if tag == _SYSTEM and value <= _LAST_SYSTEM:
            sums[_DECLARED] = value
        elif tag == _LINES and count < len(lines):
            line = lines[count]
            moment = _line(data, value, at, line)
            if moment < 0:
                return sums
            line[_HASH] = _hash(data, line[_OWN], line[_OWN_END])
            line[_IS_LATER] = moment > as_of
            count += 1
        elif tag == _TOTAL:
            stated = value
        else:
            return sums
    if not _is_sound(data, lines, count):
        return sums
    first, stop = bounds[sums[_DECLARED]], bounds[sums[_DECLARED] + 1]
    items = bounds[_LAST_SYSTEM + 1]
    names = bounds[_LAST_SYSTEM + 2]
    pairs = bounds[_LAST_SYSTEM + 3]
    for number in range(count):
        line = lines[number]
        amount = line[_FEN]
        if line[_IS_LATER]:
            sums[_LATER] += amount
            continue
        if line[_UNDONE_END] > line[_UNDONE_AT]:
            line = lines[_target(data, lines, count, line)]
        item, item_end = line[_ITEM_AT], line[_ITEM_END]
        name, name_end = line[_CATEGORY_AT], line[_CATEGORY_END]
        if place_of(data, item, item_end, texts, starts, pairs, bounds[_LAST_SYSTEM + 4]) >= 0:
            return sums
        if (
            place_of(data, item, item_end, texts, starts, items, names) >= 0
            or place_of(data, name, name_end, texts, starts, names, pairs) >= 0
        ):
            sums[_EXCLUDED] += amount
            continue
        sums[_COST] += amount
        category = place_of(data, name, name_end, texts, starts, first, stop)
        place = _BY_CATEGORY + 2 * (0 if category < 0 else 1 + category - first)
        sums[place] += amount
        sums[place + 1] += 1
    whole = sums[_COST] + sums[_EXCLUDED] + sums[_LATER]
    sums[_PLAIN] = sums[_COST] >= 0 and sums[_EXCLUDED] >= 0 and stated in (-1, whole)
    return sums
