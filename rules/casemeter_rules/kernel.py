"""The kernel of the rules: from the codes of a stay to the clauses they break, whatever the number of rules.

Each code is hashed once, its beginnings on the way; the keys it meets give the clauses to try, and nothing
else is looked at. The cost grows with what the stay has recorded, and with the clauses that name it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from casemeter_rules.checks import NUMBERS, SAME_DAY, SAME_HOUR, STAY
from casemeter_rules.compiled.layout import (
    ALLOWED,
    AMONG,
    AMOUNT,
    APART,
    BETWEEN,
    CLAUSE_WIDTH,
    CODE,
    CODE_KNOWN,
    CODE_LENGTH,
    CODE_SPACE,
    CODE_START,
    DAYS,
    EXCLUDES,
    FACT,
    FROM,
    MAX_PREFIX,
    MINUTE,
    MISSING,
    NEEDS,
    NO_DIAGNOSES,
    NO_ITEMS,
    NO_PROCEDURES,
    NO_QUANTITY,
    NO_TIME,
    OP,
    PERIOD,
    PHASES,
    POSITION,
    POSITIONS,
    PREFIX_WORDS,
    QUANTITY,
    SET,
    UNLESS,
    UNTIL,
    WHOLE,
    WINDOW,
)

_NUMBERS: Final = len(NUMBERS)
_MISSING: Final = len(MISSING)
_DIAGNOSIS, _PROCEDURE, _ITEM = range(3)
"""Spaces of codes."""

_AT_PRINCIPAL, _AT_ANY_DIAGNOSIS, _AT_OTHER, _AT_PROCEDURE, _AT_ITEM = range(5)
"""Slots of checks."""

_PRINCIPAL, _OTHER = 1, 2
"""Positions."""

_FNV_OFFSET: Final = np.uint64(0xCBF29CE484222325)
_FNV_PRIME: Final = np.uint64(0x100000001B3)
_MIX_1: Final = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2: Final = np.uint64(0xC4CEB9FE1A85EC53)
_33: Final = np.uint64(33)
_END: Final = np.uint64(0xFF)
"""Follows the last byte of an exact code: no UTF-8 text holds it, so no beginning equals a whole code."""

_WHOLE_QUANTITY: Final = 10_000
_BITS: Final = 20
_LOW: Final = (1 << _BITS) - 1
"""A stay has fewer entries than this."""

_SEEN: Final = 4095
"""Keys that were met are noted by so many of their lower bits."""

_FEW_MEMBERS: Final = 16
"""Sets up to this size are asked member by member whether they may have been met."""

_MINUTES: Final = 1440


class Mapped(NamedTuple):
    """Compiled rules where they lie in the mapped bundle.

    Attributes:
        body: uint8, the mapped bytes.
        places: int64, a row for each array of :data:`~casemeter_rules.compiled.layout.ARRAYS`: first byte,
            number of elements, and of the buckets the number of bits to shift a hash by.
    """

    body: NDArray[np.uint8]
    places: NDArray[np.int64]


class Recorded(NamedTuple):
    """The codes and facts of one stay.

    Attributes:
        text: uint8, the bytes of the codes, one after the other.
        codes: int64, ``c x CODE_WIDTH``, the different codes.
        entries: int64, ``n x ENTRY_WIDTH``, each time one is recorded.
        numbers: float64, by place in ``NUMBERS``; NaN: unknown.
        values: int64, number of the value of each of ``VALUES``; -1: unknown.
        phase: bit of the phase.
        day: the local day the answer holds for.
        items_known: whether the request holds charges or orders.
    """

    text: NDArray[np.uint8]
    codes: NDArray[np.int64]
    entries: NDArray[np.int64]
    numbers: NDArray[np.float64]
    values: NDArray[np.int64]
    phase: int
    day: int
    items_known: bool


class Broken(NamedTuple):
    """What a stay breaks.

    Attributes:
        clauses: int64, ``m x 4``: clause, first and end of its entries in ``touched``, and a further entry
            (-1: none).
        measured: float64, ``m``: what was compared with a limit; NaN: nothing.
        touched: int64, numbers of the entries that break the clauses, the triggers first.
        undecided: int64, by place in ``MISSING``: clauses that could not be decided for want of it.
    """

    clauses: NDArray[np.int64]
    measured: NDArray[np.float64]
    touched: NDArray[np.int64]
    undecided: NDArray[np.int64]


@njit(cache=True, nogil=True, inline="always")
def _mixed(state):  # type: ignore[no-untyped-def]
    """Spread the bits of a hash, so that its upper ones are as good as any."""
    state ^= state >> _33
    state *= _MIX_1
    state ^= state >> _33
    state *= _MIX_2
    return state ^ (state >> _33)


@njit(cache=True, nogil=True)
def hash_keys(text, at, spaces, prefix):  # type: ignore[no-untyped-def]
    """Return the hash of each key ``text[at[i]:at[i + 1]]``: a whole code, or the beginning of codes."""
    found = np.empty(len(spaces), np.uint64)
    for number in range(len(spaces)):
        state = (_FNV_OFFSET ^ np.uint64(spaces[number])) * _FNV_PRIME
        for place in range(at[number], at[number + 1]):
            state = (state ^ np.uint64(text[place])) * _FNV_PRIME
        if not prefix[number]:
            state = (state ^ _END) * _FNV_PRIME
        found[number] = _mixed(state)
    return found


@njit(cache=True, nogil=True)
def _part(mapped, number, size):  # type: ignore[no-untyped-def]
    start, count = mapped.places[number, 0], mapped.places[number, 1]
    return mapped.body[start : start + count * size]


@njit(cache=True, nogil=True, inline="always")
def _find(value, hashes, bucket, shift):  # type: ignore[no-untyped-def]
    """Return the number of a key by its hash; -1: there is none."""
    top = np.int64(value >> np.uint64(shift))
    for at in range(bucket[top], bucket[top + 1]):
        if hashes[at] == value:
            return np.int64(at)
    return np.int64(-1)


@njit(cache=True, nogil=True)
def _meet(text, codes, hashes, bucket, shift, lengths):  # type: ignore[no-untyped-def]
    """Return every (code, key) that meet, in order of the codes."""
    one = np.uint64(1)
    room = 0
    for code in range(len(codes)):
        room += min(codes[code, CODE_LENGTH], MAX_PREFIX) + 1
    met = np.empty((room, 2), np.int64)
    count = 0
    for code in range(len(codes)):
        start, length, space = codes[code, CODE_START], codes[code, CODE_LENGTH], codes[code, CODE_SPACE]
        state = (_FNV_OFFSET ^ np.uint64(space)) * _FNV_PRIME
        for at in range(length):
            state = (state ^ np.uint64(text[start + at])) * _FNV_PRIME
            if at < MAX_PREFIX and (lengths[space * PREFIX_WORDS + (at >> 6)] >> np.uint64(at & 63)) & one:
                key = _find(_mixed(state), hashes, bucket, shift)
                if key >= 0:
                    met[count, 0], met[count, 1] = code, key
                    count += 1
        key = _find(_mixed((state ^ _END) * _FNV_PRIME), hashes, bucket, shift)
        if key >= 0:
            met[count, 0], met[count, 1] = code, key
            count += 1
    return met[:count]


@njit(cache=True, nogil=True)
def _by_code(entries, number_of_codes):  # type: ignore[no-untyped-def]
    """Return the entries in order of their codes, and where those of each code begin."""
    first = np.zeros(number_of_codes + 1, np.int64)
    for entry in range(len(entries)):
        first[entries[entry, CODE] + 1] += 1
    for code in range(number_of_codes):
        first[code + 1] += first[code]
    free = first.copy()
    ordered = np.empty(len(entries), np.int64)
    for entry in range(len(entries)):
        code = entries[entry, CODE]
        ordered[free[code]] = entry
        free[code] += 1
    return ordered, first


@njit(cache=True, nogil=True, inline="always")
def _holds(key, members, set_at, number):  # type: ignore[no-untyped-def]
    """Whether a key is in a set."""
    low, end = np.int64(set_at[number]), np.int64(set_at[number + 1])
    high = end
    while low < high:
        middle = (low + high) >> 1
        if members[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low < end and members[low] == key


@njit(cache=True, nogil=True, inline="always")
def _stands_in(slot, position):  # type: ignore[no-untyped-def]
    """Whether an entry of the right space stands where a check looks."""
    if slot == _AT_PRINCIPAL:
        return position & _PRINCIPAL != 0
    if slot == _AT_OTHER:
        return position & _OTHER != 0
    return slot != _AT_ANY_DIAGNOSIS or position & (_PRINCIPAL | _OTHER) != 0


@njit(cache=True, nogil=True, inline="always")
def _space_of(slot):  # type: ignore[no-untyped-def]
    return _ITEM if slot == _AT_ITEM else _PROCEDURE if slot == _AT_PROCEDURE else _DIAGNOSIS


@njit(cache=True, nogil=True)
def _members_in(slot, number, codes, entries, ordered, first, met, members, set_at):  # type: ignore[no-untyped-def]
    """Return the entries of a slot that are in a set: by time, the unknown first, then as in the request."""
    space = _space_of(slot)
    found = np.empty(len(entries), np.int64)
    count = 0
    last = -1
    for pair in met:
        code = pair[0]
        if code == last or codes[code, CODE_SPACE] != space or not _holds(pair[1], members, set_at, number):
            continue
        last = code
        for at in range(first[code], first[code + 1]):
            entry = ordered[at]
            if _stands_in(slot, entries[entry, POSITION]):
                found[count] = (entries[entry, MINUTE] + 1) << _BITS | entry
                count += 1
    found = found[:count]
    found.sort()
    return found & _LOW


@njit(cache=True, nogil=True)
def _set_aside(number, codes, met, members, set_at):  # type: ignore[no-untyped-def]
    """Whether a recorded diagnosis, whatever its part, sets a rule aside."""
    for pair in met:
        if codes[pair[0], CODE_SPACE] == _DIAGNOSIS and _holds(pair[1], members, set_at, number):
            return True
    return False


@njit(cache=True, nogil=True)
def _doubt(slot, codes, entries):  # type: ignore[no-untyped-def]
    """What keeps from saying that a slot holds no code of a set; -1: nothing does."""
    space = _space_of(slot)
    recorded = space != _DIAGNOSIS
    for entry in entries:
        if codes[entry[CODE], CODE_SPACE] != space:
            continue
        there = _stands_in(slot, entry[POSITION])
        if there and codes[entry[CODE], CODE_KNOWN] == 0:
            return NO_DIAGNOSES if space == _DIAGNOSIS else NO_PROCEDURES
        # A stay with a principal diagnosis and no other one has no other one.
        recorded = recorded or there or (slot == _AT_OTHER and entry[POSITION] & _PRINCIPAL != 0)
    return -1 if recorded else NO_DIAGNOSES


@njit(cache=True, nogil=True)
def _window(minute, window):  # type: ignore[no-untyped-def]
    """Return the first and last minute near to a minute."""
    if window == SAME_DAY:
        start = minute // _MINUTES * _MINUTES
        return start, start + _MINUTES - 1
    if window == SAME_HOUR:
        start = minute // 60 * 60
        return start, start + 59
    return minute - window, minute + window


@njit(cache=True, nogil=True)
def _from_minute(minute, entries, others):  # type: ignore[no-untyped-def]
    """Return the first of some entries, which are in order of time, that lies not before a minute."""
    low, high = 0, len(others)
    while low < high:
        middle = (low + high) >> 1
        if entries[others[middle], MINUTE] < minute:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _lonely(mine, window, entries, others):  # type: ignore[no-untyped-def]
    """Whether an entry has no other one near: (1 yes, 0 no, -1: times do not tell)."""
    some = len(others) > 1 or (len(others) == 1 and others[0] != mine)
    if not some or window == STAY:
        return 0 if some else 1
    if entries[mine, MINUTE] < 0:
        return -1
    start, end = _window(entries[mine, MINUTE], window)
    for at in range(_from_minute(max(start, 0), entries, others), len(others)):
        if entries[others[at], MINUTE] > end:
            break
        if others[at] != mine:
            return 0
    return -1 if entries[others[0], MINUTE] < 0 else 1


@njit(cache=True, nogil=True)
def _lacks(clause, own, others, codes, entries, items_known):  # type: ignore[no-untyped-def]
    """Whether what a clause needs is missing: (1 yes, 0 no, -1 undecided; for want of what; who lacks it)."""
    slot = clause[FACT]
    if slot != _AT_ITEM:
        if len(others):
            return 0, -1, own[:0]
        doubt = _doubt(slot, codes, entries)
        return (1, -1, own) if doubt < 0 else (-1, doubt, own[:0])
    if not items_known:
        return -1, NO_ITEMS, own[:0]
    lonely = np.empty(len(own), np.int64)
    count = 0
    unsure = False
    for mine in own:
        state = _lonely(mine, clause[WINDOW], entries, others)
        if state == 1:
            lonely[count] = mine
            count += 1
        elif state == -1:
            unsure = True
    return (1 if count else -1 if unsure else 0), NO_TIME, lonely[:count]


@njit(cache=True, nogil=True, inline="always")
def _in_full(mine, other, entries):  # type: ignore[no-untyped-def]
    """Whether two items are charged once in full: (1 yes, 0 no, -1: quantities do not tell)."""
    least, most = entries[mine, AMOUNT], entries[other, AMOUNT]
    if least > most:
        least, most = most, least
    if 0 <= least < _WHOLE_QUANTITY or 0 <= most < _WHOLE_QUANTITY:
        return 0
    return -1 if least < 0 else 1


@njit(cache=True, nogil=True)
def _clashes(clause, own, others, codes, entries, items_known):  # type: ignore[no-untyped-def]
    """Whether a code that is excluded is there: (1 yes, 0 no, -1 undecided; what is missing; who clash)."""
    slot, window = clause[FACT], clause[WINDOW]
    if slot == _AT_ITEM and not items_known:
        return -1, NO_ITEMS, own[:0]
    timed = slot == _AT_ITEM and window != STAY
    whole = slot == _AT_ITEM and clause[WHOLE] != 0
    clashing = np.empty(2 * len(own), np.int64)
    partners = np.empty(len(own), np.int64)
    count = 0
    no_time = no_quantity = False
    timeless = _from_minute(0, entries, others) if timed else 0
    for mine in own:
        minute, code = entries[mine, MINUTE], entries[mine, CODE]
        untold = len(others) if timed and minute < 0 else timeless
        for at in range(untold):
            if no_time:
                break
            other = others[at]
            if entries[other, CODE] != code and not (whole and _in_full(mine, other, entries) == 0):
                no_time = True
        if timed and minute < 0:
            continue
        start, end = _window(minute, window) if timed else (np.int64(0), np.int64(0))
        for at in range(_from_minute(max(start, 0), entries, others) if timed else 0, len(others)):
            other = others[at]
            if timed and entries[other, MINUTE] > end:
                break
            if entries[other, CODE] == code:
                continue
            full = _in_full(mine, other, entries) if whole else 1
            if full == 1:
                clashing[count], partners[count] = mine, other
                count += 1
                break
            if full == -1:
                no_quantity = True
    if count:
        clashing[count : 2 * count] = partners[:count]
        return 1, -1, clashing[: 2 * count]
    if no_time or no_quantity:
        return -1, (NO_TIME if no_time else NO_QUANTITY), own[:0]
    doubt = -1 if slot == _AT_ITEM else _doubt(slot, codes, entries)
    return (0 if doubt < 0 else -1), doubt, own[:0]


@njit(cache=True, nogil=True)
def _too_much(own, entries, period, most):  # type: ignore[no-untyped-def]
    """Whether more was given within a period: (1 yes, 0 no, -1 undecided; what is missing; who; how much)."""
    known = np.empty(len(own), np.int64)
    count = 0
    for mine in own:
        if entries[mine, AMOUNT] >= 0:
            minute = entries[mine, MINUTE] if period else np.int64(0)
            day = minute // _MINUTES if minute >= 0 else np.int64(-1)
            known[count] = (day + 1) << _BITS | mine
            count += 1
    quantities_known = count == len(own)
    known = known[:count]
    if period:
        known.sort()
    best = total = timeless = greatest = np.int64(0)
    first = 0
    best_first = best_end = alone = -1
    for at in range(count):
        amount = entries[known[at] & _LOW, AMOUNT]
        day = (known[at] >> _BITS) - 1
        if day < 0:
            timeless += amount
            if amount > greatest:
                greatest, alone = amount, at
            first = at + 1
            continue
        total += amount
        while period and (known[first] >> _BITS) - 1 <= day - period:
            total -= entries[known[first] & _LOW, AMOUNT]
            first += 1
        if total > best:
            best, best_first, best_end = total, first, at + 1
    # Wherever one of unknown time lies, some period holds it.
    low = max(best, greatest)
    if low > most:
        if period == 0:
            best_first, best_end = 0, count
        elif greatest > best:
            best_first, best_end = alone, alone + 1
        else:
            while best_end < count and known[best_end] >> _BITS == known[best_end - 1] >> _BITS:
                best_end += 1
        guilty = known[best_first:best_end] & _LOW
        guilty.sort()
        return 1, -1, guilty, low
    if not quantities_known:
        return -1, NO_QUANTITY, own[:0], low
    return (-1 if best + timeless > most else 0), NO_TIME, own[:0], low


@njit(cache=True, nogil=True)
def _days_of(own, entries):  # type: ignore[no-untyped-def]
    """Return the different days it was given on, ascending, and how many entries have none."""
    days = np.empty(len(own), np.int64)
    count = 0
    for mine in own:
        if entries[mine, MINUTE] >= 0:
            days[count] = entries[mine, MINUTE] // _MINUTES
            count += 1
    days = days[:count]
    days.sort()
    different = 0
    for at in range(count):
        if at == 0 or days[at] != days[at - 1]:
            days[different] = days[at]
            different += 1
    return days[:different], len(own) - count


@njit(cache=True, nogil=True)
def _too_near(own, entries, apart):  # type: ignore[no-untyped-def]
    """Whether two days lie nearer than they may: (1 yes, 0 no, -1 undecided; who; how near)."""
    days, unknown = _days_of(own, entries)
    gap, early = np.int64(1 << 40), np.int64(0)
    for at in range(1, len(days)):
        if days[at] - days[at - 1] < gap:
            gap, early = days[at] - days[at - 1], days[at - 1]
    if gap >= apart:
        return (-1 if unknown and len(own) > 1 and apart > 1 else 0), own[:0], gap
    guilty = np.empty(len(own), np.int64)
    count = 0
    for mine in own:
        day = entries[mine, MINUTE] // _MINUTES
        if entries[mine, MINUTE] >= 0 and (day == early or day == early + gap):
            guilty[count] = mine
            count += 1
    return 1, guilty[:count], gap


@njit(cache=True, nogil=True)
def _may_hold(number, space, codes, met, seen, members, set_at):  # type: ignore[no-untyped-def]
    """Whether a set may hold a code of a space that was met; if not, it surely holds none."""
    start, end = np.int64(set_at[number]), np.int64(set_at[number + 1])
    if end - start <= _FEW_MEMBERS:
        for at in range(start, end):  # noqa: SIM110  # numba knows no any()
            if seen[members[at] & _SEEN]:
                return True
        return False
    for pair in met:
        if codes[pair[0], CODE_SPACE] == space and _holds(pair[1], members, set_at, number):
            return True
    return False


@njit(cache=True, nogil=True)
def _needs_met(number, codes, entries, ordered, first, met, members, set_at):  # type: ignore[no-untyped-def]
    """Whether a diagnosis of the case is in a set."""
    for pair in met:
        code = pair[0]
        if codes[code, CODE_SPACE] == _DIAGNOSIS and _holds(pair[1], members, set_at, number):
            for at in range(first[code], first[code + 1]):
                if entries[ordered[at], POSITION] & (_PRINCIPAL | _OTHER):
                    return True
    return False


@njit(cache=True, nogil=True)
def _own(pairs, clause, entries, ordered, first):  # type: ignore[no-untyped-def]
    """Return the entries that bring a clause up, in the order of the request."""
    room = 0
    for pair in pairs:
        code = pair & _LOW
        room += first[code + 1] - first[code]
    own = np.empty(room, np.int64)
    count = 0
    last = -1
    for pair in pairs:
        code = pair & _LOW
        if code == last:
            continue
        last = code
        for at in range(first[code], first[code + 1]):
            if clause[POSITIONS] & entries[ordered[at], POSITION]:
                own[count] = ordered[at]
                count += 1
    own = own[:count]
    if len(pairs) > 1:
        own.sort()
    return own


@njit(cache=True, nogil=True)
def _pairs(met, post_at, post_clause, clauses, phase, day):  # type: ignore[no-untyped-def]
    """Return clause and code of every posting met whose clause holds now, in order of the clauses."""
    room = 0
    for pair in met:
        room += int(post_at[pair[1] + 1]) - int(post_at[pair[1]])
    pairs = np.empty(room, np.int64)
    count = 0
    for pair in met:
        for at in range(post_at[pair[1]], post_at[pair[1] + 1]):
            number = np.int64(post_clause[at])
            clause = clauses[number]
            if clause[PHASES] & phase and clause[FROM] <= day <= clause[UNTIL]:
                pairs[count] = number << _BITS | pair[0]
                count += 1
    pairs = pairs[:count]
    pairs.sort()
    return pairs


@njit(cache=True, nogil=True)
def decide(mapped, recorded):  # type: ignore[no-untyped-def]
    """Try every clause that a recorded code brings up.

    Args:
        mapped: the rules.
        recorded: the stay.

    Returns:
        What :class:`Broken` says, as a tuple.
    """
    hashes = _part(mapped, 0, 8).view(np.uint64)
    bucket = _part(mapped, 1, 4).view(np.uint32)
    post_at = _part(mapped, 2, 4).view(np.uint32)
    post_clause = _part(mapped, 3, 4).view(np.uint32)
    clauses = _part(mapped, 4, 4).view(np.int32).reshape(-1, CLAUSE_WIDTH)
    bounds = _part(mapped, 5, 8).view(np.float64).reshape(-1, 2)
    set_at = _part(mapped, 6, 8).view(np.uint64)
    members = _part(mapped, 7, 4).view(np.uint32)
    lengths = _part(mapped, 8, 8).view(np.uint64)
    codes, entries = recorded.codes, recorded.entries
    numbers, values = recorded.numbers, recorded.values

    met = _meet(recorded.text, codes, hashes, bucket, mapped.places[1, 2], lengths)
    pairs = _pairs(met, post_at, post_clause, clauses, recorded.phase, recorded.day)
    ordered, first_of = _by_code(entries, len(codes))

    room = 0
    for at in range(len(pairs)):
        room += at == 0 or pairs[at] >> _BITS != pairs[at - 1] >> _BITS
    broken = np.full((room, 4), -1, np.int64)
    measured = np.full(room, np.nan)
    touched = np.empty(64, np.int64)
    undecided = np.zeros(_MISSING, np.int64)
    seen = np.zeros(_SEEN + 1, np.bool_)
    for pair in met:
        seen[pair[1] & _SEEN] = True
    found = used = first = 0
    while first < len(pairs):
        number = pairs[first] >> _BITS
        end = first + 1
        while end < len(pairs) and pairs[end] >> _BITS == number:
            end += 1
        op, fact = clauses[number, OP], clauses[number, FACT]
        low, high = bounds[number, 0], bounds[number, 1]
        # Most clauses are kept at first sight; seen here, in scalars, for a call would cost more than that.
        kept = False
        if op == BETWEEN:
            kept = low <= numbers[fact] <= high
        elif op == AMONG:
            kept = values[fact] >= 0 and (clauses[number, ALLOWED] >> values[fact]) & 1 != 0
        elif op == QUANTITY:
            total = np.int64(0)
            kept = True
            for at in range(first, end):
                for place in range(first_of[pairs[at] & _LOW], first_of[(pairs[at] & _LOW) + 1]):
                    kept &= entries[ordered[place], AMOUNT] >= 0
                    total += entries[ordered[place], AMOUNT]
            kept &= total <= high
        elif op == EXCLUDES and fact == _AT_ITEM and recorded.items_known:
            kept = not _may_hold(clauses[number, SET], _ITEM, codes, met, seen, members, set_at)
        elif op == NEEDS and fact == _AT_ANY_DIAGNOSIS:
            kept = _needs_met(clauses[number, SET], codes, entries, ordered, first_of, met, members, set_at)
        if kept:
            first = end
            continue
        clause = clauses[number]
        own = _own(pairs[first:end], clause, entries, ordered, first_of)
        first = end
        if len(own) == 0:
            continue
        if clause[UNLESS] >= 0 and _set_aside(clause[UNLESS], codes, met, members, set_at):
            continue
        state, lacking, value = 1, -1, np.nan
        guilty = own
        if op == BETWEEN:
            value = recorded.numbers[clause[FACT]]
            if np.isnan(value):
                state, lacking = -1, int(clause[FACT])
            elif low <= value <= high:
                state = 0
        elif op == AMONG:
            index = recorded.values[clause[FACT]]
            if index < 0:
                state, lacking = -1, int(_NUMBERS + clause[FACT])
            elif (clause[ALLOWED] >> index) & 1:
                state = 0
        elif op in (NEEDS, EXCLUDES):
            others = _members_in(
                clause[FACT], clause[SET], codes, entries, ordered, first_of, met, members, set_at
            )
            if op == NEEDS:
                state, lacking, guilty = _lacks(clause, own, others, codes, entries, recorded.items_known)
            else:
                state, lacking, guilty = _clashes(clause, own, others, codes, entries, recorded.items_known)
        elif op == QUANTITY:
            state, lacking, guilty, amount = _too_much(own, entries, clause[PERIOD], high)
            value = amount / 10_000.0
        elif op == DAYS:
            days, unknown = _days_of(own, entries)
            # Those of unknown days lie on some day.
            given = max(len(days), 1)
            value = np.float64(given)
            if given <= high:
                state, lacking = (-1 if len(days) + unknown > high else 0), NO_TIME
        elif op == APART:
            state, guilty, gap = _too_near(own, entries, low)
            value, lacking = np.float64(gap), NO_TIME
        if state == 1:
            while used + len(guilty) > len(touched):
                touched = np.concatenate((touched, touched))
            touched[used : used + len(guilty)] = guilty
            broken[found, 0], broken[found, 1], broken[found, 2] = number, used, used + len(guilty)
            measured[found] = value
            used += len(guilty)
            found += 1
        elif state == -1:
            undecided[lacking] += 1
    return broken[:found], measured[:found], touched[:used], undecided
