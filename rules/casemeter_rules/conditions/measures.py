"""What the members of a set come to: counts, sums and days, as far as the facts tell.

A member may be unsure (an item without a code), and of a sure one the quantity or the time may be missing.
What is missing leaves a span of values; a quantity that is missing is at least 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Final, NamedTuple

from casemeter_grouper.condition import Measure
from casemeter_rules.conditions.truth import NOT_THERE, Span, Truth
from casemeter_rules.facts import MINUTES_PER_DAY, Item


class Member(NamedTuple):
    """An item that is in a set, or, being unsure, may be."""

    item: Item
    sure: bool


Members = Sequence[Member]


class _Part(NamedTuple):
    """What one member, or one day, adds to a sum: something between two values."""

    place: str
    day: int | None
    low: float
    high: float


def span_of(test: Measure, members: Members, admission_day: int | None) -> Span:
    """Return what a measure of items may come to, in the unit of :func:`limit_of`."""
    if test.kind.place:
        return _day_of_stay(members, admission_day, first=test.number == "first_day")
    if test.number == "items":
        return _different_codes(members)
    if test.number == "days":
        return _different_days(members, test.days)
    parts = [_part(member, *_WORTH[test.number](member.item)) for member in members]
    missing = _missing(members, quantity=test.number == "quantity", time=test.days > 0)
    return _sum(parts, test.days, missing)


def limit_of(test: Measure) -> float:
    """Return the limit of a measure in its smallest unit: ten-thousandths, fen, days, or one."""
    return round(test.value * 10.0**test.kind.decimals)


_WORTH: Final[dict[str, Callable[[Item], tuple[float, float]]]] = {
    "quantity": lambda item: (0, inf) if item.quantity is None else (item.quantity, item.quantity),
    "amount_yuan": lambda item: (item.amount_fen, item.amount_fen),
    "lines": lambda _: (1, 1),
}


def _part(member: Member, low: float, high: float) -> _Part:
    item = member.item
    if not member.sure:
        low, high = min(low, 0), max(high, 0)
    return _Part(item.place if member.sure else "", item.day, low, high)


def _missing(members: Members, quantity: bool = False, time: bool = False) -> tuple[str, ...]:
    lacks = {
        "item_code": any(not member.sure for member in members),
        "item_quantity": quantity and any(member.item.quantity is None for member in members),
        "item_time": time and any(member.item.minute is None for member in members),
    }
    return tuple(name for name, missing in lacks.items() if missing)


def _places(parts: Iterable[_Part]) -> tuple[str, ...]:
    return tuple(part.place for part in parts if part.place)


def _sum(parts: Sequence[_Part], days: int, missing: tuple[str, ...]) -> Span:
    if not days:
        low, high = (sum(part.low for part in parts), sum(part.high for part in parts))
        return Span(low, high, Truth.TRUE, _places(parts), missing)
    timed = [part for part in parts if part.day is not None]
    timeless = [part for part in parts if part.day is None]
    low, start = _best_window([(part.day or 0, part.low) for part in timed], days)
    evidence = _places(part for part in timed if start <= (part.day or 0) < start + days)
    if all(part.low >= 0 for part in parts):
        # Wherever a timeless one lies, some window holds it.
        greatest = max(timeless, key=lambda part: part.low, default=None)
        if greatest and greatest.low > low:
            low, evidence = greatest.low, _places([greatest])
    else:
        low += sum(min(part.low, 0) for part in timeless)
    high = _best_window([(part.day or 0, part.high) for part in timed], days)[0]
    high += sum(max(part.high, 0) for part in timeless)
    return Span(low, high, Truth.TRUE, evidence, missing)


def _best_window(values: Sequence[tuple[int, float]], days: int) -> tuple[float, int]:
    """Return the largest sum that any window has, an empty one included, and the day such a window begins."""
    if any(value == inf for _, value in values):
        return inf, 0
    changes: dict[int, float] = {}
    for day, value in values:
        changes[day - days + 1] = changes.get(day - days + 1, 0) + value
        changes[day + 1] = changes.get(day + 1, 0) - value
    best: float = 0
    now: float = 0
    start = 0
    for day in sorted(changes):
        now += changes[day]
        if now > best:
            best, start = now, day
    return best, start


def _different_codes(members: Members) -> Span:
    sure = {member.item.code for member in members if member.sure}
    unsure = sum(not member.sure for member in members)
    evidence = tuple(member.item.place for member in members if member.sure)
    return Span(len(sure), len(sure) + unsure, Truth.TRUE, evidence, _missing(members))


def _different_days(members: Members, window: int) -> Span:
    """Each day on which a member lies is one part; a member without a time may lie on a day of its own."""
    sure_days = {member.item.day for member in members if member.sure} - {None}
    parts = [
        _Part("", day, day in sure_days, 1)
        for day in {member.item.day for member in members}
        if day is not None
    ]
    parts += [_Part("", None, member.sure, 1) for member in members if member.item.day is None]
    if window:
        span = _sum(parts, window, ())
        low, high = span.low, min(span.high, window)
    else:
        timeless = [part for part in parts if part.day is None]
        low, high = max(len(sure_days), max((part.low for part in timeless), default=0)), len(parts)
    evidence = tuple(member.item.place for member in members if member.sure)
    return Span(low, high, Truth.TRUE, evidence, _missing(members, time=True))


def _day_of_stay(members: Members, admission_day: int | None, first: bool) -> Span:
    """The day of stay of the first or the last member, the day of admission being 1."""
    if not members:
        return NOT_THERE
    exists = Truth.TRUE if any(member.sure for member in members) else Truth.UNKNOWN
    missing = _missing(members, time=True)
    if admission_day is None:
        return Span(exists=exists, missing=("admission_time", *missing))
    choose = min if first else max
    timed = [(member.item.minute, member.sure) for member in members if member.item.minute is not None]
    sure = [minute for minute, is_sure in timed if is_sure]
    # The sure ones bound it on one side, all of them on the other, if all have a time.
    near = choose(sure) // MINUTES_PER_DAY - admission_day + 1 if sure else (inf if first else -inf)
    far: float = -inf if first else inf
    if len(timed) == len(members):
        far = choose(minute for minute, _ in timed) // MINUTES_PER_DAY - admission_day + 1
    low, high = (far, near) if first else (near, far)
    at = {choose(sure)} if sure else set()
    evidence = tuple(member.item.place for member in members if member.sure and member.item.minute in at)
    return Span(low, high, exists, evidence[:1], missing)
