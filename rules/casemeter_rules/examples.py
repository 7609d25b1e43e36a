"""Examples of a rule, made from what it asks: stays that break it, and stays that just do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import Any, Final, NamedTuple

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
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Procedure, Stay
from casemeter_rules.kind import Context, Example, Kind, Position, Rule

TODAY: Final = 20_500
"""The day of an example, in days since 1970, where the rule does not hold on other days only."""

_NOON: Final = 720
_ONCE: Final = 10_000
_MOST_TIMES: Final = 400
_TRIED: Final = 50
_FILLERS: Final = ("R69.X00", "Z99.900", "1", "2", "3", "4")
"""Diagnoses that play no part in a rule."""


class _Use(NamedTuple):
    """One recorded code: minutes after noon of the first day, and quantity."""

    code: str
    minute: int = 0
    quantity: int = _ONCE


def examples_of(rule: Rule, kind: Kind, context: Context) -> Iterator[Example]:
    """Yield the examples of a rule: its kind's own, and those made from its checks."""
    if kind.examples is not None:
        yield from kind.examples(rule.values, context)
    yield from made_of(rule, kind)


def made_of(rule: Rule, kind: Kind) -> Iterator[Example]:
    """Yield the examples that are made from a rule's checks."""
    if rule.triggers and rule.checks:
        yield from _Maker(rule, kind).examples()


def day_of(rule: Rule) -> int:
    """Return a day on which a rule holds."""
    return min(max(TODAY, rule.valid_from), rule.valid_until)


def member_of(rule: Rule, codes: CodeSet) -> str | None:
    """Return another code of a set than the rule's first trigger, no trigger at all if there is one.

    ``None``: there is no other.
    """
    second = None
    own: dict[Space, CodeSet] = {}
    for key in nsmallest(_TRIED, codes.keys):
        if key.space not in own:
            own[key.space] = CodeSet(frozenset(each for each in rule.triggers if each.space == key.space))
        for code in (key.text, f"{key.text}0", f"{key.text}Z") if key.prefix else (key.text,):
            if code not in own[key.space]:
                return code
            if second is None and code != rule.triggers[0].text:
                second = code
    return second


class _Maker:
    """Makes the examples of one rule."""

    def __init__(self, rule: Rule, kind: Kind) -> None:
        self._rule = rule
        self._kind = kind
        self._trigger = rule.triggers[0]
        self._day = day_of(rule)
        self._timed = self._trigger.space != Space.DIAGNOSIS
        self._fillers = {space: self._filler(space) for space in (Space.DIAGNOSIS, Space.PROCEDURE)}

    def examples(self) -> Iterator[Example]:
        first = None
        for number, check in enumerate(self._rule.checks):
            for fires, stay in self._cases(check):
                yield Example(fires, stay, None, number)
                if fires and first is None:
                    first = Example(fires, stay, None, number)
        yield Example(False, self._stay([]))
        unless = self._kind.unless
        if first is not None and unless is not None and unless.keys:
            aside = Diagnosis(min(unless.keys).text, "encounter.diagnoses[9]", "other")
            stay = first.stay._replace(diagnoses=(*first.stay.diagnoses, aside))
            yield Example(False, stay)

    def _cases(self, check: Check) -> Iterator[tuple[bool, Stay]]:
        once = [_Use(self._trigger.text)]
        match check:
            case Present():
                yield True, self._stay(once)
            case Between():
                step = 1.0
                for inside, outside in ((check.low, check.low - step), (check.high, check.high + step)):
                    if abs(inside) != float("inf"):
                        yield False, self._stay(once, facts={check.fact: inside})
                        if outside >= 0:
                            yield True, self._stay(once, facts={check.fact: outside})
            case Among():
                for value in VALUES[check.fact]:
                    yield value not in check.values, self._stay(once, facts={check.fact: value})
            case Needs():
                yield from self._company(check, once)
            case Excludes():
                yield from self._company(check, once)
            case QuantityWithin():
                yield from self._quantities(check)
            case DaysWithin() if self._timed:
                yield False, self._stay(self._daily(min(check.most, _MOST_TIMES)))
                if check.most < _MOST_TIMES:
                    yield True, self._stay(self._daily(check.most + 1))
            case Apart() if self._timed:
                yield False, self._stay(self._daily(2, check.days))
                if check.days > 1:
                    yield True, self._stay(self._daily(2, check.days - 1))
            case _:
                return

    def _daily(self, days: int, gap: int = 1) -> list[_Use]:
        return [_Use(self._trigger.text, at * gap * MINUTES_PER_DAY) for at in range(days)]

    def _quantities(self, check: QuantityWithin) -> Iterator[tuple[bool, Stay]]:
        code, most, period = self._trigger.text, check.most, check.period_days
        if self._trigger.space != Space.ITEM:
            times = most // _ONCE
            if times < _MOST_TIMES:
                yield False, self._stay([_Use(code)] * times)
                yield True, self._stay([_Use(code)] * (times + 1))
            return
        yield False, self._stay([_Use(code, 0, most)])
        for more in (1, _ONCE):
            yield True, self._stay([_Use(code, 0, most + more)])
        if not period:
            yield True, self._stay([_Use(code, 0, most), _Use(code, 9 * MINUTES_PER_DAY, 1)])
            return
        last = (period - 1) * MINUTES_PER_DAY
        yield True, self._stay([_Use(code, 0, most), _Use(code, last, 1)])
        if most:
            yield False, self._stay([_Use(code, 0, most), _Use(code, last + MINUTES_PER_DAY, 1)])

    def _company(self, check: Needs | Excludes, once: list[_Use]) -> Iterator[tuple[bool, Stay]]:
        alone = isinstance(check, Needs)
        yield alone, self._stay(once)
        code = member_of(self._rule, check.codes)
        if code is None:
            return
        if check.slot != Slot.ITEM:
            yield not alone, self._stay(once, (check.slot, _Use(code)))
            return
        inside, outside = _around(check.window)
        for minute in inside:
            yield not alone, self._stay(once, (check.slot, _Use(code, minute)))
        for minute in outside:
            yield alone, self._stay(once, (check.slot, _Use(code, minute)))
        if isinstance(check, Excludes):
            yield not check.whole, self._stay(once, (check.slot, _Use(code, 0, _ONCE - 1)))

    def _stay(
        self, uses: Sequence[_Use], member: tuple[Slot, _Use] | None = None, facts: Mapping[str, Any] = {}
    ) -> Stay:
        """Return a stay of which everything is known that a check asks for."""
        space, positions = self._trigger.space, self._kind.positions
        diagnoses: list[tuple[str, str]] = []
        procedures: list[_Use] = []
        items: list[_Use] = []
        if space == Space.DIAGNOSIS:
            role = _role(positions, member)
            diagnoses += [(use.code, role) for use in uses]
        elif space == Space.PROCEDURE:
            if not positions & Position.PRINCIPAL:
                procedures.append(_Use(self._fillers[Space.PROCEDURE]))
            procedures += uses
        else:
            items += uses
        if member is not None:
            slot, use = member
            if slot == Slot.ITEM:
                items.append(use)
            elif slot == Slot.ANY_PROCEDURE:
                procedures.append(use)
            else:
                diagnoses.append((use.code, "principal" if slot == Slot.PRINCIPAL else "other"))
        if not any(role == "principal" for _, role in diagnoses):
            diagnoses.insert(0, (self._fillers[Space.DIAGNOSIS], "principal"))
        start = self._day * MINUTES_PER_DAY + _NOON
        known: dict[str, Any] = {
            **dict.fromkeys(NUMBERS, 1.0),
            **{fact: values[0] for fact, values in VALUES.items()},
            **facts,
        }
        return Stay(
            diagnoses=tuple(
                Diagnosis(code, f"encounter.diagnoses[{at}]", role)
                for at, (code, role) in enumerate(diagnoses)
            ),
            procedures=tuple(
                Procedure(use.code, f"encounter.procedures[{at}]", start=start + use.minute)
                for at, use in enumerate(procedures)
            ),
            items=tuple(
                Item(
                    *(use.code, f"encounter.charges.lines[{at}]"),
                    minute=start + use.minute,
                    quantity=use.quantity,
                )
                for at, use in enumerate(items)
            ),
            now=start,
            admission=start,
            **known,
        )

    def _filler(self, space: Space) -> str:
        """Return a code of which the rule says nothing."""
        named: list[Iterable[Key]] = [self._rule.triggers]
        named += [check.codes.keys for check in self._rule.checks if isinstance(check, Needs | Excludes)]
        if self._kind.unless is not None:
            named.append(self._kind.unless.keys)
        # Beginnings are all that many keys can be tried with in time.
        for code in _FILLERS:
            heads = {Key(space, code, prefix=False)} | {
                Key(space, code[:length], prefix=True) for length in range(1, len(code) + 1)
            }
            if not any(heads & keys if isinstance(keys, frozenset) else heads & {*keys} for keys in named):
                return code
        return _FILLERS[0]


def _role(positions: Position, member: tuple[Slot, _Use] | None) -> str:
    """Return the part of a trigger; it makes room for a member that must be the principal diagnosis."""
    if member is not None and member[0] == Slot.PRINCIPAL and positions & Position.OTHER:
        return "other"
    if positions & Position.PRINCIPAL:
        return "principal"
    return "other" if positions & Position.OTHER else ""


def _around(window: int) -> tuple[Iterable[int], Iterable[int]]:
    """Return minutes after noon that lie within a window of noon, and such that lie just outside."""
    if window == STAY:
        return (0, 9 * MINUTES_PER_DAY), ()
    if window == SAME_DAY:
        return (0, _NOON - 1), (_NOON, MINUTES_PER_DAY)
    if window == SAME_HOUR:
        return (0, 59), (60,)
    return (0, window), (window + 1,)
