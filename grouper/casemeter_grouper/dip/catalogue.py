"""A DIP catalogue: its groups, the kinds of procedures, and the codes it is read against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Final

from casemeter_grouper.dip.options import Options
from casemeter_grouper.scheme import Header

MILLIONTHS: Final = 1_000_000
"""Scores are whole millionths of a point, mean costs whole millionths of a yuan."""

MICRO_YUAN_PER_FEN: Final = 10_000


class GroupKind(StrEnum):
    """The two kinds of groups."""

    CORE = "core"
    """Met by a subcategory and named procedures (核心病种)."""
    COMPOSITE = "composite"
    """Met by a category and a kind of procedure (综合病种)."""


@dataclass(frozen=True, slots=True)
class CatalogueGroup:
    """One group of a catalogue.

    Attributes:
        code: name of the group, as published.
        kind: core or composite.
        principal: first characters of the principal diagnoses that meet the group.
        name: name of the principal diagnosis; may be empty.
        main_procedures: procedures that a case must have; of a core group only.
        other_procedures: further procedures that it must have.
        procedure_kind: kind of the case's procedures; of a composite group only, else empty.
        score: in millionths of a point, at least 0.
        mean_cost: in millionths of a yuan, above 0; ``None``: not measured.
        mean_los_days: mean length of stay in days.
        cv: coefficient of variation of the cost.
        cases: number of cases that were measured.
        upper_multiple: the upper multiple that the city publishes for the group.
    """

    code: str
    kind: GroupKind
    principal: str
    name: str
    main_procedures: tuple[str, ...]
    other_procedures: tuple[str, ...]
    procedure_kind: str
    score: int
    mean_cost: int | None = None
    mean_los_days: float | None = None
    cv: float | None = None
    cases: int | None = None
    upper_multiple: Decimal | None = None

    @property
    def procedures(self) -> tuple[str, ...]:
        """Every procedure that a case must have, the main ones first."""
        return self.main_procedures + self.other_procedures

    @property
    def order(self) -> tuple[bool, str, int, str, str]:
        """Place among the groups: core first, by principal, those that ask for most procedures first."""
        composite = self.kind is GroupKind.COMPOSITE
        return composite, self.principal, -len(self.procedures), self.procedure_kind, self.code


@dataclass(frozen=True)
class Catalogue:
    """A whole catalogue as read from a pack.

    Attributes:
        groups: every group, sorted by :attr:`CatalogueGroup.order`.
        kinds: kind by procedure; a procedure without a kind is absent and is no treatment.
        diagnoses: every known diagnosis, sorted: those of the dictionary.
        procedures: every known procedure, sorted: those of the dictionary and those the pack names.
        code_names: names of diagnoses and of procedures.
        code_maps: insurance-edition code by code of the clinical edition, likewise.
        demonstration: the figures are invented; no one is paid by them.
        sources: SHA-256 by file of the pack.
    """

    header: Header
    options: Options
    groups: tuple[CatalogueGroup, ...]
    kinds: Mapping[str, str]
    diagnoses: tuple[str, ...]
    procedures: tuple[str, ...]
    code_names: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
    code_maps: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
    dictionary_sha256: str = ""
    demonstration: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def known(self) -> tuple[frozenset[str], frozenset[str]]:
        """The known diagnoses and the known procedures."""
        return frozenset(self.diagnoses), frozenset(self.procedures)

    @cached_property
    def core(self) -> Mapping[str, tuple[CatalogueGroup, ...]]:
        """Core groups by principal, in their order."""
        found: dict[str, tuple[CatalogueGroup, ...]] = {}
        for group in self.groups:
            if group.kind is GroupKind.CORE:
                found[group.principal] = (*found.get(group.principal, ()), group)
        return found

    @cached_property
    def composite(self) -> Mapping[tuple[str, str], CatalogueGroup]:
        """Composite group by principal and kind of procedure."""
        return {
            (group.principal, group.procedure_kind): group
            for group in self.groups
            if group.kind is GroupKind.COMPOSITE
        }
