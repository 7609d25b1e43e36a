"""The rules read plainly, one after the other: the reference that the kernel is compared with.

It reads what :mod:`casemeter_rules.checks` says from the rules and the stay, and shares no code with
the compiled form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, pairwise
from typing import Final, NamedTuple

from casemeter_rules.checks import (
    NUMBERS,
    SAME_DAY,
    SAME_HOUR,
    STAY,
    VALUES,
    Among,
    Apart,
    Between,
    Check,
    DaysWithin,
    Excludes,
    Needs,
    Present,
    QuantityWithin,
    Slot,
)
from casemeter_rules.codes import Space
from casemeter_rules.facts import MINUTES_PER_DAY, Phase, Stay
from casemeter_rules.kind import Kind, Position, Rule

_MINUTES_PER_HOUR: Final = 60
_ONCE: Final = 10_000


class Broken(NamedTuple):
    """A check that is broken.

    Attributes:
        rule: id of the rule.
        check: which of its checks, from 0.
        measured: what was compared with a limit; ``None``: nothing.
        places: in the request, of what breaks it: the triggers first.
    """

    rule: str
    check: int
    measured: float | None
    places: tuple[str, ...]


class _Entry(NamedTuple):
    """One recorded code: where it stands, its part, and what is known of its time and quantity."""

    at: int
    place: str
    space: Space
    code: str
    part: Position
    minute: int | None
    amount: int | None

    @property
    def day(self) -> int | None:
        return None if self.minute is None else self.minute // MINUTES_PER_DAY


class _Guilty(NamedTuple):
    """What breaks a check."""

    entries: Sequence[_Entry]
    measured: float | None = None


_Outcome = _Guilty | str | None
"""What breaks a check; or the fact for want of which it is undecided; or nothing: it is kept."""


def walk(
    rules: Iterable[Rule], kinds: Mapping[str, Kind], stay: Stay, phase: Phase, day: int
) -> tuple[list[Broken], dict[str, int]]:
    """Return the checks that a stay breaks, and how many are undecided by the fact that is missing.

    Rules that no code brings up are left out: their kind's own function is the only reading there is.

    Args:
        rules: to try.
        kinds: by name.
        stay: the stay.
        phase: the moment of care.
        day: the day the answer holds for, in days since 1970.
    """
    entries = list(_entries(stay))
    broken: list[Broken] = []
    undecided: Counter[str] = Counter()
    for rule in rules:
        if phase not in rule.phases or not rule.valid_from <= day <= rule.valid_until:
            continue
        kind = kinds[rule.kind]
        own = [entry for entry in entries if entry.part & kind.positions and _triggers(rule, entry)]
        if not own or (kind.unless is not None and _recorded(entries, kind)):
            continue
        for number, check in enumerate(rule.checks):
            outcome = _outcome(check, own, entries, stay)
            if isinstance(outcome, str):
                undecided[outcome] += 1
            elif outcome is not None:
                places = tuple(dict.fromkeys(entry.place for entry in outcome.entries))
                broken.append(Broken(rule.id, number, outcome.measured, places))
    return broken, dict(sorted(undecided.items()))


def _entries(stay: Stay) -> Iterator[_Entry]:
    """Everything that is recorded with a code."""
    parts = {"principal": Position.PRINCIPAL, "other": Position.OTHER, "": Position.ASIDE}
    number = count()
    for one in stay.diagnoses:
        yield _Entry(next(number), one.place, Space.DIAGNOSIS, one.code, parts[one.role], None, _ONCE)
    for at, done in enumerate(stay.procedures):
        part = Position.OTHER if at else Position.PRINCIPAL
        yield _Entry(next(number), done.place, Space.PROCEDURE, done.code, part, done.start, _ONCE)
    for item in stay.items or ():
        if item.code:
            part = Position.ASIDE if item.self_paid else Position.PRINCIPAL | Position.OTHER
            yield _Entry(next(number), item.place, Space.ITEM, item.code, part, item.minute, item.quantity)


def _triggers(rule: Rule, entry: _Entry) -> bool:
    return any(key.space == entry.space and key.covers(entry.code) for key in rule.triggers)


def _recorded(entries: Iterable[_Entry], kind: Kind) -> bool:
    """Whether a diagnosis sets the rules of a kind aside, whatever its part."""
    assert kind.unless is not None
    return any(entry.space == Space.DIAGNOSIS and entry.code in kind.unless for entry in entries)


def _outcome(check: Check, own: Sequence[_Entry], entries: Sequence[_Entry], stay: Stay) -> _Outcome:
    match check:
        case Present():
            return _Guilty(own)
        case Between():
            assert check.fact in NUMBERS
            number: float | None = getattr(stay, check.fact)
            if number is None:
                return check.fact
            return None if check.low <= number <= check.high else _Guilty(own, number)
        case Among():
            value = getattr(stay, check.fact)
            if value not in VALUES[check.fact]:
                return check.fact
            return None if value in check.values else _Guilty(own)
        case Needs():
            return _needs(check, own, entries, stay)
        case Excludes():
            return _excludes(check, own, entries, stay)
        case QuantityWithin():
            return _quantity(check, own)
        case DaysWithin():
            return _days(check, own)
        case Apart():
            return _apart(check, own)


# Company


def _space(slot: Slot) -> Space:
    if slot == Slot.ITEM:
        return Space.ITEM
    return Space.PROCEDURE if slot == Slot.ANY_PROCEDURE else Space.DIAGNOSIS


_PARTS: Final = {
    Slot.PRINCIPAL: Position.PRINCIPAL,
    Slot.OTHER_DIAGNOSIS: Position.OTHER,
    Slot.ANY_DIAGNOSIS: Position.PRINCIPAL | Position.OTHER,
    Slot.ANY_PROCEDURE: Position.PRINCIPAL | Position.OTHER,
    Slot.ITEM: Position.PRINCIPAL | Position.OTHER,
}


def _there(slot: Slot, entries: Iterable[_Entry]) -> list[_Entry]:
    return [entry for entry in entries if entry.space == _space(slot) and entry.part & _PARTS[slot]]


def _doubt(slot: Slot, entries: Sequence[_Entry]) -> str | None:
    """The fact for want of which nobody can say that a slot holds no code of a set."""
    fact = {Space.DIAGNOSIS: "diagnoses", Space.PROCEDURE: "procedures", Space.ITEM: ""}[_space(slot)]
    if not fact:
        return None
    if any(entry.code.startswith("?") for entry in _there(slot, entries)):
        return fact
    # Having no procedure is nothing missing; having no diagnosis is.
    principal_only = Slot.ANY_DIAGNOSIS if slot == Slot.OTHER_DIAGNOSIS else slot
    return fact if fact == "diagnoses" and not _there(principal_only, entries) else None


def _near(one: _Entry, other: _Entry, window: int) -> bool | None:
    """Whether two lie within a window; ``None``: their times do not tell."""
    if window == STAY:
        return True
    if one.minute is None or other.minute is None:
        return None
    if window == SAME_DAY:
        return one.day == other.day
    if window == SAME_HOUR:
        return one.minute // _MINUTES_PER_HOUR == other.minute // _MINUTES_PER_HOUR
    return abs(one.minute - other.minute) <= window


def _needs(check: Needs, own: Sequence[_Entry], entries: Sequence[_Entry], stay: Stay) -> _Outcome:
    members = [entry for entry in _there(check.slot, entries) if entry.code in check.codes]
    if check.slot != Slot.ITEM:
        return None if members else _doubt(check.slot, entries) or _Guilty(own)
    if stay.items is None:
        return "items"
    near = [{_near(mine, member, check.window) for member in members if member is not mine} for mine in own]
    lonely = [mine for mine, found in zip(own, near, strict=True) if found <= {False}]
    if lonely:
        return _Guilty(lonely)
    return None if all(True in found for found in near) else "item_time"


def _in_full(one: _Entry, other: _Entry) -> bool | None:
    """Whether two are each charged at least once in full; ``None``: their quantities do not tell."""
    full = {None if entry.amount is None else entry.amount >= _ONCE for entry in (one, other)}
    return False if False in full else None if None in full else True


def _excludes(check: Excludes, own: Sequence[_Entry], entries: Sequence[_Entry], stay: Stay) -> _Outcome:
    of_items = check.slot == Slot.ITEM
    if of_items and stay.items is None:
        return "items"
    members = [entry for entry in _there(check.slot, entries) if entry.code in check.codes]
    clashing: list[_Entry] = []
    partners: list[_Entry] = []
    lacking: set[str] = set()
    for mine in own:
        sure = []
        for other in members:
            if (other.space, other.code) == (mine.space, mine.code):
                continue
            near = _near(mine, other, check.window if of_items else STAY)
            full = _in_full(mine, other) if of_items and check.whole else True
            if near is False or full is False:
                continue
            if near is None:
                lacking.add("item_time")
            elif full is None:
                lacking.add("item_quantity")
            else:
                sure.append(other)
        if sure:
            clashing.append(mine)
            partners.append(
                min(sure, key=lambda entry: (-1 if entry.minute is None else entry.minute, entry.at))
            )
    if clashing:
        return _Guilty([*clashing, *partners])
    return next((fact for fact in ("item_time", "item_quantity") if fact in lacking), None) or _doubt(
        check.slot, entries
    )


# Sums and days


def _quantity(check: QuantityWithin, own: Sequence[_Entry]) -> _Outcome:
    known = [(mine, mine.amount) for mine in own if mine.amount is not None]
    timeless = [(mine, amount) for mine, amount in known if check.period_days and mine.day is None]
    most, guilty = 0, [mine for mine, _ in known]
    if check.period_days:
        guilty = []
        for end in sorted({mine.day for mine, _ in known if mine.day is not None}):
            inside = [
                (mine, amount)
                for mine, amount in known
                if mine.day is not None and end - check.period_days < mine.day <= end
            ]
            total = sum(amount for _, amount in inside)
            if total > most:
                most, guilty = total, [mine for mine, _ in inside]
    else:
        most = sum(amount for _, amount in known)
    at_most = most + sum(amount for _, amount in timeless)
    # Wherever one of unknown time lies, some period holds it.
    for mine, amount in timeless:
        if amount > most:
            most, guilty = amount, [mine]
    if most > check.most:
        return _Guilty(guilty, most / _ONCE)
    if len(known) < len(own):
        return "item_quantity"
    return "item_time" if at_most > check.most else None


def _days(check: DaysWithin, own: Sequence[_Entry]) -> _Outcome:
    days = {mine.day for mine in own} - {None}
    timeless = sum(mine.day is None for mine in own)
    given = max(1, len(days))
    if given > check.most:
        return _Guilty(own, given)
    return "item_time" if len(days) + timeless > check.most else None


def _apart(check: Apart, own: Sequence[_Entry]) -> _Outcome:
    days = sorted({mine.day for mine in own if mine.day is not None})
    gaps = [(later - earlier, earlier, later) for earlier, later in pairwise(days)]
    gap, *nearest = min(gaps, default=(check.days, 0, 0))
    if gap < check.days:
        return _Guilty([mine for mine in own if mine.day in nearest], gap)
    unknown = any(mine.day is None for mine in own)
    return "item_time" if unknown and len(own) > 1 and check.days > 1 else None
