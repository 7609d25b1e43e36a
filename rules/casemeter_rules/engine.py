"""The engine: from a stay to its findings, by every rules pack that is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from casemeter_rules.compiled.book import Book, Told
from casemeter_rules.compiled.layout import MISSING, RULE
from casemeter_rules.facts import Item, Phase, Stay
from casemeter_rules.finding import Finding, RuleState, worst_first
from casemeter_rules.kernel import Broken, Mapped, decide
from casemeter_rules.kind import Hit, Undecided
from casemeter_rules.kinds import kinds
from casemeter_rules.recorded import Entry, entries_of, recorded
from casemeter_rules.sentences import finding_of


@dataclass(frozen=True, slots=True)
class Seen:
    """A stay as the kernel reads it, and what a broken rule needs to know beside.

    Attributes:
        decide: tries the rules of a pack, as :func:`~casemeter_rules.kernel.decide` does.
        phase: bit of the moment of care.
        day: the local day the answer holds for, in days since 1970.
        coded: nothing is written beside the codes, and every diagnosis is part of the case.
        entry: returns what is recorded, by its number in what was tried.
        stay: returns the whole stay; asked for only by the few rules that look at more than codes.
    """

    decide: Callable[[Mapped], Broken]
    phase: int
    day: int
    coded: bool
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
    read = recorded(stay, phase, entries)
    seen = Seen(
        lambda mapped: Broken(*decide(mapped, read)),
        read.phase,
        read.day,
        False,
        entries.__getitem__,
        lambda: stay,
    )
    return find_in(books, seen, states)


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
    broken, measured, touched, missing = seen.decide(book.mapped)
    for at in np.flatnonzero(missing).tolist():
        undecided[MISSING[at]] += int(missing[at])
    for (clause, first, end, other), value in zip(broken.tolist(), measured.tolist(), strict=True):
        told = book.told(int(book.clauses[clause, RULE]))
        numbers = touched[first:end].tolist()
        if other >= 0:
            numbers.append(other)
        hit = hit_of([seen.entry(number) for number in dict.fromkeys(numbers)], value)
        kind = kinds()[told.kind]
        outcome: Hit | Undecided | None = hit
        if kind.confirm is not None and not (kind.names_only and seen.coded):
            outcome = kind.confirm(seen.stay(), told.values, book.sets, hit)
        if isinstance(outcome, Undecided):
            undecided[outcome.fact] += 1
        elif outcome is not None:
            yield told, outcome


def hit_of(met: Sequence[Entry], measured: float) -> Hit:
    """Return what the kernel found, before the rule's kind looks once more; nothing measured is no number."""
    return Hit(
        places=tuple(entry.place for entry in met),
        codes=tuple(dict.fromkeys(entry.code for entry in met)),
        measured=None if measured != measured else measured,
        ids=tuple(entry.id for entry in met if isinstance(entry, Item) and entry.id),
    )


def _asked(book: Book, seen: Seen, undecided: Counter[str]) -> Iterator[tuple[Told, Hit]]:
    for rule in book.asked(seen.phase, seen.day):
        told = book.told(rule)
        decide_stay = kinds()[told.kind].decide
        assert decide_stay is not None
        for outcome in decide_stay(seen.stay(), told.values, book.sets):
            if isinstance(outcome, Undecided):
                undecided[outcome.fact] += 1
            else:
                yield told, outcome
