"""Kinds of rules: what a table's columns are, what its rows mean, and how a finding of it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntFlag
from typing import Final, NamedTuple

from casemeter_grouper.dictionary import Dictionary
from casemeter_rules.checks import Check
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.columns import Cells, Column
from casemeter_rules.facts import Phase, Stay
from casemeter_rules.finding import FindingClass, RuleState, Tier


class Position(IntFlag):
    """The part a trigger code must play."""

    PRINCIPAL = 1
    OTHER = 2
    ASIDE = 4
    """Recorded, but no part of the case: suspected, of another stage, external cause, pathology, TCM. Of
    items: the patient pays it alone, so that no limit of payment holds."""


IN_CASE: Final = Position.PRINCIPAL | Position.OTHER
"""Of procedures: the main one, or another. Of items: any but those that the patient pays alone."""

ANYWHERE: Final = IN_CASE | Position.ASIDE
"""For rules that hold whoever pays: safety, and what may be charged at all."""

CARE: Final = (Phase.ORDER, Phase.IN_STAY, Phase.DISCHARGE, Phase.SUBMISSION)
"""The phases of rules about orders and charges."""

CODING: Final = (Phase.DISCHARGE, Phase.FRONT_PAGE, Phase.SUBMISSION)
"""The phases of rules about coding."""


Values = Mapping[str, str]
"""The filled cells of a rule's row, as text by column."""


Sets = Mapping[str, CodeSet]
"""The sets that a pack defines, by name."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a rule table, read and checked.

    Attributes:
        id: kind, a colon, and a hash of what the row says: never of its line, basis or names.
        kind: name of the kind.
        triggers: the rule is tried only when one of these is recorded. None: it is tried in all its phases.
        checks: each that is broken is a finding.
        values: the row's cells, for sentences.
        official_type: name of the official rule type; empty: none.
        bases: where the rule comes from.
        state: active, shadow or off.
        tier: how grave its findings are.
        phases: in which it decides.
        valid_from: first day it holds, in days since 1970.
        valid_until: last day.
        place: file and line of the row it was read from; of several that say the same, the first.
    """

    id: str
    kind: str
    triggers: tuple[Key, ...]
    checks: tuple[Check, ...]
    values: Values
    official_type: str
    bases: tuple[str, ...]
    state: RuleState
    tier: Tier
    phases: tuple[Phase, ...]
    valid_from: int = -(2**31)
    valid_until: int = 2**31 - 1
    place: tuple[str, int] = ("", 0)


class Hit(NamedTuple):
    """A check found broken, before it is put into words.

    Attributes:
        places: in the request, of what broke it: the trigger first.
        codes: the codes there.
        measured: the number that broke a limit; ``None``: the check has none.
        ids: the sender's numbers of what broke it; empty: it has none, the places are the evidence.
        values: further values for the sentences.
        band: step of severity; empty: as the kind counts it.
        tier: ``None``: that of the rule.
        finding_class: ``None``: that of the rule.
        subclass: empty: that of the rule.
    """

    places: tuple[str, ...]
    codes: tuple[str, ...] = ()
    measured: float | None = None
    ids: tuple[str, ...] = ()
    values: Mapping[str, str] = {}
    band: str = ""
    tier: Tier | None = None
    finding_class: FindingClass | None = None
    subclass: str = ""


class Undecided(NamedTuple):
    """A rule that could not be decided, for a fact is missing."""

    fact: str


@dataclass(frozen=True, slots=True)
class Words:
    """How a finding reads: templates of :meth:`str.format`.

    Their values are the row's cells by column; those that have labels in ``labels.toml`` as ``{column_zh}``
    and ``{column_en}``, too; ``{recorded}``, the codes; ``{measured}``; and what the kind's ``say`` adds.
    """

    zh: str
    en: str
    resolve_zh: str
    resolve_en: str


class Context(NamedTuple):
    """What rows are read against.

    Attributes:
        dictionary: the codes there are, with their names.
        sets: the sets of the pack, by name.
    """

    dictionary: Dictionary
    sets: Sets


class Example(NamedTuple):
    """A stay that breaks a rule, or just does not.

    Attributes:
        fires: whether it breaks it.
        stay: the stay.
        phase: the moment of care; ``None``: any in which the rule decides.
        check: which of the rule's checks it is of; -1: all together.
    """

    fires: bool
    stay: Stay
    phase: Phase | None = None
    check: int = -1


Decide = Callable[[Stay, Values, Sets], Iterable[Hit | Undecided]]
Confirm = Callable[[Stay, Values, Sets, Hit], Hit | Undecided | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of rules.

    A rule is either joined by its trigger codes (``triggers`` and ``checks``), or, where no code can trigger
    it, asked of every stay in its phases (``decide``).

    Attributes:
        name: of the kind, and of its table ``<name>.csv``.
        title_zh: for readers.
        title_en: likewise.
        finding_class: of its findings.
        subclass: of its findings.
        official_type: the official rule type of rows whose basis names none; empty: none.
        tier: of its findings, where the row says nothing else.
        phases: in which it decides.
        facts: names of the facts it needs, for docs.
        columns: of its table; those of every table (basis, tier, state, dates) come by themselves. A kind may
            have columns ``class``, ``subclass``, ``phases``, ``text_zh``, ``text_en``, ``resolve_zh``,
            ``resolve_en`` and ``overrides``: what a row says there stands for what the kind says.
        key: the columns that make a row's id.
        sets: the columns that name sets of the pack, ``|`` between them.
        words: how a finding reads.
        overrides: codes of the reasons for going on all the same that fit.
        triggers: the codes that bring a row up.
        checks: what a row asks.
        positions: the part that the trigger must play.
        unless: a set of diagnoses that sets the rule aside; ``None``: none does.
        confirm: looks once more at a broken check, for what only a few rows ask.
        names_only: ``confirm`` looks only at names as written and at diagnoses aside; where the request holds
            neither it is not asked.
        decide: of kinds without triggers: what is broken.
        band: returns the step of severity from the row's cells and what was measured.
        say: returns further values for the sentences, from the row's cells and the hit.
        pairs: its table holds pairs of codes, any number: :mod:`casemeter_rules.bulk` makes the rules.
        check_row: returns what is wrong with a row's cells taken together: column, problem in English and in
            Chinese.
        examples: returns stays that break a row and stays that just do not, from its cells as text, beside
            those that are made from its checks. A kind without checks has no others; one with ``confirm``
            needs them where what it looks at is in no check.
    """

    name: str
    title_zh: str
    title_en: str
    finding_class: FindingClass
    subclass: str
    tier: Tier
    phases: tuple[Phase, ...]
    facts: tuple[str, ...]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    words: Words
    sets: tuple[str, ...] = ()
    official_type: str = ""
    overrides: tuple[str, ...] = ()
    triggers: Callable[[Cells, Context], Iterable[Key]] | None = None
    checks: Callable[[Cells, Context], Iterable[Check]] | None = None
    positions: Position = IN_CASE
    unless: CodeSet | None = None
    confirm: Confirm | None = None
    names_only: bool = False
    decide: Decide | None = None
    check_row: Callable[[Cells], Iterable[tuple[str, str, str]]] | None = None
    pairs: bool = False
    band: Callable[[Values, float], str] | None = None
    say: Callable[[Values, Hit], Mapping[str, str]] | None = None
    examples: Callable[[Values, Context], Iterable[Example]] | None = None


def sets_all_aside(kind: Kind, triggers: Iterable[Key]) -> bool:
    """Whether every code that brings a row up is one that sets it aside: no stay can break it."""
    if kind.unless is None:
        return False
    keys = list(triggers)
    return bool(keys) and all(key.space is Space.DIAGNOSIS and key.text in kind.unless for key in keys)
