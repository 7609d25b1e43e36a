"""The engine: from a stay to its findings, by every rules pack that is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from casemeter_rules.compiled.book import Book, Told
from casemeter_rules.compiled.layout import MISSING, RULE
from casemeter_rules.facts import Item, Phase, Stay
from casemeter_rules.finding import Finding, RuleState, worst_first
from casemeter_rules.kernel import Recorded, decide
from casemeter_rules.kind import Hit, Undecided
from casemeter_rules.kinds import kinds
from casemeter_rules.recorded import Entry, entries_of, recorded
from casemeter_rules.sentences import finding_of

_ENTRY: Final = (1 << 20) - 1


@dataclass(frozen=True, slots=True)
class Seen:
    """A stay as the kernel reads it, and what a broken rule needs to know beside.

    Attributes:
        read: for the kernel.
        entry: returns what is recorded, by its number there.
        stay: returns the whole stay; asked for only by the few rules that look at more than codes.
    """

    read: Recorded
    entry: Callable[[int], Entry]
    stay: Callable[[], Stay]


@dataclass(frozen=True, slots=True)
class Report:
    """What the rules say of a stay.

    Attributes:
        findings: the worst first.
        undecided: number of rules that were tried and not decided, by the fact that is missing.
    """

    findings: tuple[Finding, ...]
    undecided: Mapping[str, int]


def find(books: Sequence[Book], stay: Stay, phase: Phase, states: Mapping[str, RuleState] = {}) -> Report:
    """Return what is found wrong with a stay.

    Args:
        books: the rules.
        stay: the stay.
        phase: the moment of care.
        states: of rules by their id, where they are other than their pack says.
    """
    entries = entries_of(stay)
    return find_in(books, Seen(recorded(stay, phase, entries), entries.__getitem__, lambda: stay), states)


def find_in(books: Sequence[Book], seen: Seen, states: Mapping[str, RuleState] = {}) -> Report:
    """Return what is found wrong with a stay as the kernel reads it.

    Args:
        books: the rules.
        seen: the stay.
        states: of rules by their id, where they are other than their pack says.
    """
    found: list[Finding] = []
    undecided: Counter[str] = Counter()
    for book in books:
        for told, hit in chain(_broken(book, seen, undecided), _asked(book, seen, undecided)):
            state = states.get(told.id, told.state)
            if state is not RuleState.OFF:
                found.append(finding_of(told, kinds()[told.kind], hit, state, book.header.id))
    return Report(tuple(sorted(found, key=worst_first)), dict(sorted(undecided.items())))


def _broken(book: Book, seen: Seen, undecided: Counter[str]) -> Iterator[tuple[Told, Hit]]:
    broken, measured, touched, missing = decide(book.mapped, seen.read)
    for at in np.flatnonzero(missing).tolist():
        undecided[MISSING[at]] += int(missing[at])
    for (clause, first, end, other), value in zip(broken.tolist(), measured.tolist(), strict=True):
        told = book.told(int(book.clauses[clause, RULE]))
        numbers = [pair & _ENTRY for pair in touched[first:end].tolist()]
        if other >= 0:
            numbers.append(other)
        met = [seen.entry(number) for number in dict.fromkeys(numbers)]
        hit = Hit(
            places=tuple(entry.place for entry in met),
            codes=tuple(dict.fromkeys(entry.code for entry in met)),
            measured=None if value != value else value,
            ids=tuple(entry.id for entry in met if isinstance(entry, Item) and entry.id),
        )
        confirm = kinds()[told.kind].confirm
        outcome = hit if confirm is None else confirm(seen.stay(), told.values, book.sets, hit)
        if isinstance(outcome, Undecided):
            undecided[outcome.fact] += 1
        elif outcome is not None:
            yield told, outcome


def _asked(book: Book, seen: Seen, undecided: Counter[str]) -> Iterator[tuple[Told, Hit]]:
    for rule in book.asked(seen.read.phase, seen.read.day):
        told = book.told(rule)
        decide_stay = kinds()[told.kind].decide
        assert decide_stay is not None
        for outcome in decide_stay(seen.stay(), told.values, book.sets):
            if isinstance(outcome, Undecided):
                undecided[outcome.fact] += 1
            else:
                yield told, outcome
