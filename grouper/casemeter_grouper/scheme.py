"""A grouping scheme: the tree of MDCs, rules and rows, and what the scheme knows of each code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol

from casemeter_grouper.condition import Condition, InSet, tests_of
from casemeter_grouper.condition.nodes import DIAGNOSIS_SLOTS

VALID_PROCEDURES: Final = "VALID_PROCEDURES"
"""The set of procedures that make a case surgical or operative."""

LEVELS: Final = ("MCC", "CC")
"""Levels of a complication or comorbidity, the graver first."""


@dataclass(frozen=True, slots=True)
class Row:
    """One subdivision of a rule: the group it gives and when."""

    seq: int
    group: str
    when: Condition
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One ADRG rule of an MDC.

    Attributes:
        otherwise: the group when no row's condition holds, or ``None`` to go on to the next rule.
    """

    seq: int
    name: str
    adrg: str
    when: Condition
    text: str
    otherwise: str | None
    rows: tuple[Row, ...]

    @property
    def is_ambiguity_test(self) -> bool:
        """Whether this is the QY rule (歧义) of its MDC."""
        return self.name.endswith("QY")


@dataclass(frozen=True, slots=True)
class Mdc:
    """One major diagnostic category: when a case enters it, and its rules in order."""

    seq: int
    name: str
    entry: Condition
    text: str
    rules: tuple[Rule, ...]

    @property
    def has_ambiguity_test(self) -> bool:
        """Whether the scheme tests for ambiguity in this MDC."""
        return any(rule.is_ambiguity_test for rule in self.rules)


@dataclass(frozen=True)
class Tree:
    """The MDCs of a scheme in the order they are tried."""

    mdcs: tuple[Mdc, ...]
    retry_each_procedure: bool = False

    def conditions(self) -> Iterator[Condition]:
        """Yield every condition of the tree, in order."""
        for mdc in self.mdcs:
            yield mdc.entry
            for rule in mdc.rules:
                yield rule.when
                for row in rule.rows:
                    yield row.when

    @cached_property
    def sets_used(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the sets that are tested against diagnoses and against procedures, each sorted."""
        diagnosis: set[str] = set()
        procedure: set[str] = {VALID_PROCEDURES}
        for condition in self.conditions():
            for test in tests_of(condition):
                if isinstance(test, InSet):
                    (diagnosis if test.slot in DIAGNOSIS_SLOTS else procedure).add(test.set)
        return tuple(sorted(diagnosis)), tuple(sorted(procedure))


class CodeFacts(Protocol):
    """What a scheme knows of single codes. Codes are normalised; an unknown code has no fact at all."""

    def is_member(self, code: str, test: InSet) -> bool:
        """Whether the code, where the test looks for it, is in the test's set."""

    def complication_table(self, code: str, level: str) -> str | None:
        """Exclusion table of the code as an MCC or CC, or ``None`` when it is not one."""

    def exclusion_table(self, principal: str) -> str | None:
        """Exclusion table of a principal diagnosis, or ``None``."""

    def sites(self, code: str) -> frozenset[str]:
        """Body sites of a trauma diagnosis; empty for others."""


@dataclass(frozen=True)
class CodeTables:
    """Code facts held as plain tables, as a pack states them.

    Attributes:
        sets: members by set name, :data:`VALID_PROCEDURES` among them.
        complications: exclusion table by code, for each level.
        exclusions: exclusion table by principal diagnosis.
        trauma_sites: body sites by diagnosis.
        known: the known diagnoses and the known procedures, for sets that are tested against both; a code of
            one kind is unknown as the other. ``None``: every code is known as either.
    """

    sets: Mapping[str, frozenset[str]]
    complications: Mapping[str, Mapping[str, str]]
    exclusions: Mapping[str, str]
    trauma_sites: Mapping[str, frozenset[str]]
    known: tuple[frozenset[str], frozenset[str]] | None = None

    def is_member(self, code: str, test: InSet) -> bool:
        """See :class:`CodeFacts`."""
        if code not in self.sets[test.set]:
            return False
        return self.known is None or code in self.known[test.slot not in DIAGNOSIS_SLOTS]

    def complication_table(self, code: str, level: str) -> str | None:
        """See :class:`CodeFacts`."""
        return self.complications[level].get(code)

    def exclusion_table(self, principal: str) -> str | None:
        """See :class:`CodeFacts`."""
        return self.exclusions.get(principal)

    def sites(self, code: str) -> frozenset[str]:
        """See :class:`CodeFacts`."""
        return self.trauma_sites.get(code, frozenset())


@dataclass(frozen=True)
class Header:
    """Who a scheme is and when it holds.

    Attributes:
        id: short name, by which a request names it.
        title: name for a reader.
        version: the pack's own version; may be empty.
        valid_from: first day it holds (``YYYY-MM-DD``), or empty: since ever.
        valid_until: last day it holds, or empty: until further notice.
        diagnosis_system: name of the diagnosis code system.
        procedure_system: name of the procedure code system.
    """

    id: str
    title: str
    version: str = ""
    valid_from: str = ""
    valid_until: str = ""
    diagnosis_system: str = ""
    procedure_system: str = ""


@dataclass(frozen=True)
class Scheme:
    """A whole scheme as read from a pack.

    Attributes:
        diagnoses: every known diagnosis code: those of the dictionary and those the pack names.
        procedures: every known procedure code, likewise.
        names: group name by group code; ADRG names too where the scheme gives them.
        weights: weight by group as published, as decimal text; groups without one are absent.
        sources: SHA-256 by file of the pack.
    """

    header: Header
    tree: Tree
    tables: CodeTables
    diagnoses: tuple[str, ...]
    procedures: tuple[str, ...]
    names: Mapping[str, str]
    weights: Mapping[str, str]
    code_names: tuple[Mapping[str, str], Mapping[str, str]]
    code_maps: tuple[Mapping[str, str], Mapping[str, str]]
    dictionary_sha256: str
    sources: Mapping[str, str] = field(default_factory=dict)
