"""The kernel of the rules: from the codes of a stay to the clauses they break, whatever the number of rules.

Each code is hashed once, its beginnings on the way; the keys it meets give the clauses to try, and nothing else
is looked at. The cost grows with what the stay has recorded, and with the clauses that name it.
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
    DAY,
    DAYS,
    ENTRY_SPACE,
    EXCLUDES,
    FACT,
    FROM,
    KNOWN,
    LENGTH,
    MINUTE,
    MISSING,
    NEEDS,
    NO_DIAGNOSES,
    NO_ITEMS,
    NO_QUANTITY,
    NO_TIME,
    OP,
    PERIOD,
    PHASES,
    POSITION,
    POSITIONS,
    QUANTITY,
    SET,
    START,
    UNLESS,
    UNTIL,
    WHOLE,
    WINDOW,
)

_NUMBERS: Final = len(NUMBERS)
_MISSING: Final = len(MISSING)
_ITEM: Final = 2
_FNV_OFFSET: Final = np.uint64(0xCBF29CE484222325)
_FNV_PRIME: Final = np.uint64(0x100000001B3)
_MIX_1: Final = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2: Final = np.uint64(0xC4CEB9FE1A85EC53)
_33: Final = np.uint64(33)
_END: Final = np.uint64(0)
"""Follows the last byte of an exact code: no code holds it, so that no beginning equals a whole code."""

_WHOLE_QUANTITY: Final = 10_000
_HASH_MAX_LENGTH: Final = 64
_ENTRY_BITS: Final = 20


class Mapped(NamedTuple):
    """Compiled rules where they lie in the mapped bundle.

    Attributes:
        body: uint8, the mapped bytes.
        places: int64, a row for each array of :data:`~casemeter_rules.compiled.layout.ARRAYS`: first byte, number of
            elements, and of the buckets the number of bits to shift a hash by.
    """

    body: NDArray[np.uint8]
    places: NDArray[np.int64]


class Recorded(NamedTuple):
    """The codes and facts of one stay.

    Attributes:
        text: uint8, the bytes of the codes, one after the other.
        entries: int64, ``n x ENTRY_WIDTH``.
        numbers: float64, by place in ``NUMBERS``; NaN: unknown.
        values: int64, number of the value of each of ``VALUES``; -1: unknown.
        phase: bit of the phase.
        day: the local day the answer holds for.
        items_known: whether the request holds charges or orders.
    """

    text: NDArray[np.uint8]
    entries: NDArray[np.int64]
    numbers: NDArray[np.float64]
    values: NDArray[np.int64]
    phase: int
    day: int
    items_known: bool


class Broken(NamedTuple):
    """What a stay breaks.

    Attributes:
        clauses: int64, ``m x 4``: clause, first and end of its entries in ``touched``, another entry (-1: none).
        measured: float64, ``m``: what was compared with a limit; NaN: nothing.
        touched: int64, entry number and clause of every posting met: ``clause << 20 | entry``, ascending.
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
    """Return the hash of each key: ``text[at[i]:at[i + 1]]`` of a space, a whole code or the beginning of codes."""
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
def _meet(text, entries, hashes, bucket, shift, lengths, met):  # type: ignore[no-untyped-def]
    """Note every (entry, key) that meet in ``met``; return how many there are."""
    count = 0
    one = np.uint64(1)
    for entry in range(len(entries)):
        start, length, space = entries[entry, START], entries[entry, LENGTH], entries[entry, ENTRY_SPACE]
        state = (_FNV_OFFSET ^ np.uint64(space)) * _FNV_PRIME
        mask = lengths[space]
        for at in range(length):
            state = (state ^ np.uint64(text[start + at])) * _FNV_PRIME
            if at < _HASH_MAX_LENGTH and (mask >> np.uint64(at)) & one:
                key = _find(_mixed(state), hashes, bucket, shift)
                if key >= 0:
                    met[count, 0], met[count, 1] = entry, key
                    count += 1
        key = _find(_mixed((state ^ _END) * _FNV_PRIME), hashes, bucket, shift)
        if key >= 0:
            met[count, 0], met[count, 1] = entry, key
            count += 1
    return count


@njit(cache=True, nogil=True)
def _is_member(key, members, low, high):  # type: ignore[no-untyped-def]
    while low < high:
        middle = (low + high) >> 1
        if members[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, inline="always")
def _holds(key, members, set_at, number):  # type: ignore[no-untyped-def]
    end = np.int64(set_at[number + 1])
    at = _is_member(key, members, np.int64(set_at[number]), end)
    return at < end and members[at] == key


@njit(cache=True, nogil=True)
def _in_slot(slot, entry):  # type: ignore[no-untyped-def]
    """Whether an entry stands where a check looks; the slots are those of ``checks.Slot``."""
    space, position = entry[ENTRY_SPACE], entry[POSITION]
    if slot == 4:
        return space == 2
    if slot == 3:
        return space == 1
    if space != 0:
        return False
    if slot == 0:
        return position & 1 != 0
    if slot == 2:
        return position & 2 != 0
    return position & 3 != 0


@njit(cache=True, nogil=True)
def _near(one, other, window):  # type: ignore[no-untyped-def]
    """Whether two items lie within a window: 1, 0, or -1: their times do not tell."""
    if window == STAY:
        return 1
    if window == SAME_DAY:
        if one[DAY] < 0 or other[DAY] < 0:
            return -1
        return 1 if one[DAY] == other[DAY] else 0
    if one[MINUTE] < 0 or other[MINUTE] < 0:
        return -1
    if window == SAME_HOUR:
        return 1 if one[MINUTE] // 60 == other[MINUTE] // 60 else 0
    return 1 if abs(one[MINUTE] - other[MINUTE]) <= window else 0


@njit(cache=True, nogil=True)
def _same_code(text, one, other):  # type: ignore[no-untyped-def]
    if one[LENGTH] != other[LENGTH]:
        return False
    for at in range(one[LENGTH]):
        if text[one[START] + at] != text[other[START] + at]:
            return False
    return True


@njit(cache=True, nogil=True)
def _set_aside(clause, entries, met, members, set_at):  # type: ignore[no-untyped-def]
    """Whether a recorded diagnosis sets a rule aside."""
    for pair in met:
        if entries[pair[0], ENTRY_SPACE] == 0 and _holds(pair[1], members, set_at, clause[UNLESS]):
            return True
    return False


@njit(cache=True, nogil=True)
def _lacks(clause, own, entries, met, members, set_at, items_known):  # type: ignore[no-untyped-def]
    """Whether what a clause needs is not there: (1 yes, 0 no, -1 undecided; what is missing; an own entry)."""
    slot, window = clause[FACT], clause[WINDOW]
    if slot == 4 and not items_known:
        return -1, NO_ITEMS, -1
    recorded = False
    unknown = False
    for number in range(len(entries)):
        if _in_slot(slot, entries[number]):
            recorded = True
            if entries[number, KNOWN] == 0:
                unknown = True
    if slot < 3 and not recorded:
        return -1, NO_DIAGNOSES, -1
    state = 0
    for mine in own:
        found = 0
        for pair in met:
            other = entries[pair[0]]
            if not _in_slot(slot, other) or not _holds(pair[1], members, set_at, clause[SET]):
                continue
            # A code is no company of itself.
            if slot == 4 and pair[0] == mine:
                continue
            near = 1 if slot != 4 else _near(entries[mine], other, window)
            if near == 1:
                found = 1
                break
            if near == -1:
                found = -1
        if found == 0 and not unknown:
            return 1, -1, mine
        if found != 1:
            state = -1
    return state, (NO_DIAGNOSES if unknown else NO_TIME), -1


@njit(cache=True, nogil=True)
def _clashes(clause, own, text, entries, met, members, set_at):  # type: ignore[no-untyped-def]
    """Whether a code that is excluded is there: (1 yes, 0 no, -1 undecided; what is missing; own; the other)."""
    slot, window = clause[FACT], clause[WINDOW]
    state, lacking = 0, -1
    for mine in own:
        for pair in met:
            other = entries[pair[0]]
            if not _in_slot(slot, other) or not _holds(pair[1], members, set_at, clause[SET]):
                continue
            if other[ENTRY_SPACE] == entries[mine, ENTRY_SPACE] and _same_code(text, entries[mine], other):
                continue
            near = 1 if slot != 4 else _near(entries[mine], other, window)
            if near == 0:
                continue
            if near == -1:
                state, lacking = -1, NO_TIME
                continue
            if clause[WHOLE]:
                least = min(entries[mine, AMOUNT], other[AMOUNT])
                if least < 0:
                    state, lacking = -1, NO_QUANTITY
                    continue
                if least < _WHOLE_QUANTITY:
                    continue
            return 1, -1, mine, pair[0]
    return state, lacking, -1, -1


@njit(cache=True, nogil=True)
def _most(own, entries, period):  # type: ignore[no-untyped-def]
    """Return the most that was given within a period, what is unknown left out, and what that is (-1: nothing)."""
    lacking = -1
    if period == 0:
        total = 0
        for mine in own:
            if entries[mine, AMOUNT] < 0:
                lacking = NO_QUANTITY
            else:
                total += entries[mine, AMOUNT]
        return total, lacking
    days = np.empty(len(own), np.int64)
    amounts = np.empty(len(own), np.int64)
    count = 0
    for mine in own:
        if entries[mine, AMOUNT] < 0:
            lacking = NO_QUANTITY
        elif entries[mine, DAY] < 0:
            lacking = NO_TIME
        else:
            days[count], amounts[count] = entries[mine, DAY], entries[mine, AMOUNT]
            count += 1
    order = np.argsort(days[:count], kind="mergesort")
    best = total = 0
    first = 0
    for last in range(count):
        total += amounts[order[last]]
        while days[order[first]] <= days[order[last]] - period:
            total -= amounts[order[first]]
            first += 1
        best = max(best, total)
    return best, lacking


@njit(cache=True, nogil=True)
def _given_on(own, entries):  # type: ignore[no-untyped-def]
    """Return the number of days it was given on, the least gap between two of them, and how many are unknown."""
    days = np.empty(len(own), np.int64)
    count = 0
    for mine in own:
        if entries[mine, DAY] >= 0:
            days[count] = entries[mine, DAY]
            count += 1
    known = np.sort(days[:count])
    distinct, gap = (1 if count else 0), np.int64(1 << 40)
    for at in range(1, count):
        if known[at] != known[at - 1]:
            distinct += 1
            gap = min(gap, known[at] - known[at - 1])
    return distinct, gap, len(own) - count


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
    text, entries = recorded.text, recorded.entries

    room = len(entries)
    for entry in range(len(entries)):
        room += min(entries[entry, LENGTH], _HASH_MAX_LENGTH)
    meetings = np.empty((room, 2), np.int64)
    met = meetings[: _meet(text, entries, hashes, bucket, mapped.places[1, 2], lengths, meetings)]

    total = 0
    for pair in met:
        total += post_at[pair[1] + 1] - post_at[pair[1]]
    touched = np.empty(total, np.int64)
    count = 0
    for pair in met:
        for at in range(post_at[pair[1]], post_at[pair[1] + 1]):
            number = np.int64(post_clause[at])
            clause = clauses[number]
            if (
                clause[PHASES] & recorded.phase
                and clause[FROM] <= recorded.day <= clause[UNTIL]
                and (clause[POSITIONS] & entries[pair[0], POSITION])
            ):
                touched[count] = number << _ENTRY_BITS | pair[0]
                count += 1
    touched = touched[:count]
    touched.sort()

    broken = np.empty((count, 4), np.int64)
    measured = np.full(count, np.nan)
    undecided = np.zeros(_MISSING, np.int64)
    found = 0
    low = np.int64((1 << _ENTRY_BITS) - 1)
    first = 0
    while first < count:
        number = touched[first] >> _ENTRY_BITS
        end = first + 1
        while end < count and touched[end] >> _ENTRY_BITS == number:
            end += 1
        clause = clauses[number]
        if clause[UNLESS] >= 0 and _set_aside(clause, entries, met, members, set_at):
            first = end
            continue
        own = touched[first:end] & low
        op = clause[OP]
        state, lacking, other, value = 1, -1, -1, np.nan
        if op == BETWEEN:
            value = recorded.numbers[clause[FACT]]
            if np.isnan(value):
                state, lacking = -1, np.int64(clause[FACT])
            elif bounds[number, 0] <= value <= bounds[number, 1]:
                state = 0
        elif op == AMONG:
            index = recorded.values[clause[FACT]]
            if index < 0:
                state, lacking = -1, np.int64(_NUMBERS + clause[FACT])
            elif (clause[ALLOWED] >> index) & 1:
                state = 0
        elif op == NEEDS:
            state, lacking, _ = _lacks(clause, own, entries, met, members, set_at, recorded.items_known)
        elif op == EXCLUDES:
            state, lacking, _, other = _clashes(clause, own, text, entries, met, members, set_at)
        elif op == QUANTITY:
            most, lacking = _most(own, entries, clause[PERIOD])
            value = most / 10_000.0
            if most <= bounds[number, 1]:
                state = 0 if lacking < 0 else -1
        elif op == DAYS:
            given, _, unknown = _given_on(own, entries)
            value = np.float64(given)
            if given <= bounds[number, 1]:
                state, lacking = (-1 if given + unknown > bounds[number, 1] else 0), NO_TIME
        elif op == APART:
            _, gap, unknown = _given_on(own, entries)
            value = np.float64(gap)
            if gap >= bounds[number, 0]:
                state, lacking = (-1 if unknown and len(own) > 1 else 0), NO_TIME
        if state == 1:
            broken[found, 0], broken[found, 1], broken[found, 2], broken[found, 3] = number, first, end, other
            measured[found] = value
            found += 1
        elif state == -1:
            undecided[lacking] += 1
        first = end
    return broken[:found], measured[:found], touched, undecided
