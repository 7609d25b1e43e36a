"""Explanations: the way of a case to its group of a catalogue, as data.

Read off the catalogue as the walker reads it; the kernel keeps no trace, so a call that asks for no
explanation pays nothing for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from casemeter_grouper.case import Case
from casemeter_grouper.dip.catalogue import Catalogue, CatalogueGroup, GroupKind
from casemeter_grouper.dip.options import COST, Options
from casemeter_grouper.dip.walker import Reading, Walked, matches, rank, read
from casemeter_grouper.dip.walker import group as walk

MAX_CLOSE: Final = 10
"""How many groups that the case does not meet are told."""


class Decision(StrEnum):
    """What decided for the group of a case."""

    ONLY_MATCH = "only_match"
    """No other group matches."""
    PROCEDURES = "procedures"
    """It asks for the most procedures."""
    COST = "cost"
    """Its mean cost is nearest to the cost of the case."""
    SCORE = "score"
    """It has the highest score."""
    CODE = "code"
    """It has the smallest code; nothing else tells it from its rivals."""
    KIND = "kind"
    """The category, and the kind of the first procedure that has one."""
    FALL_BACK = "fall_back"
    """The category has no group of that kind, and the catalogue falls back to that for untreated cases."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A procedure that a group asks for, and whether the case has it."""

    code: str
    is_main: bool
    is_met: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A core group of the principal diagnosis.

    Attributes:
        asked: the procedures that it asks for, the main ones first.
        kept_away_by: a procedure of the case that keeps it from the group: the group is for untreated cases,
            or for cases of which one of its main procedures is the first. Empty: none does.
        matches: the case meets the group.
        is_chosen: the case ends in it.
    """

    group: CatalogueGroup
    asked: tuple[Asked, ...]
    kept_away_by: str
    matches: bool
    is_chosen: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """The procedures that the case would have to have."""
        return tuple(asked.code for asked in self.asked if not asked.is_met)


@dataclass(frozen=True, slots=True)
class CatalogueExplanation:
    """The way of one case to its group.

    Attributes:
        is_known: whether the principal diagnosis is known; when not, nothing was looked for.
        core: first characters of the principal, by which core groups are met.
        category: likewise for composite groups.
        first: the first procedure that has a kind; its kind decides a composite group. Empty: untreated.
        kind: its kind, or the kind of untreated cases.
        matched: core groups that the case meets, the chosen one first.
        close: core groups that the case would meet with one procedure more, or without one that keeps it
            away; those that share most with the case first.
        chosen: where it ends; ``None``: in no group.
        decision: what decided; ``None``: it ends in no group.
    """

    is_known: bool
    core: str
    category: str
    first: str
    kind: str
    matched: tuple[Candidate, ...]
    close: tuple[Candidate, ...]
    chosen: CatalogueGroup | None
    decision: Decision | None


def explain(
    catalogue: Catalogue, case: Case, cost_fen: int | None, max_close: int = MAX_CLOSE
) -> CatalogueExplanation:
    """Explain how a case that has a diagnosis is grouped.

    Args:
        catalogue: the catalogue; of a compiled one its ``catalogue``.
        case: codes are normalised.
        cost_fen: cost of the case so far in fen, at least 0, or ``None``.
        max_close: how many groups that the case does not meet are told.
    """
    reading = read(catalogue, case)
    walked = walk(catalogue, case, cost_fen)
    groups = catalogue.core.get(reading.core, ()) if reading.is_known else ()
    candidates = [_candidate(catalogue.options, group, reading, walked.group) for group in groups]
    matched = sorted((one for one in candidates if one.matches), key=lambda one: not one.is_chosen)
    close = [one for one in candidates if _is_close(catalogue, case, one)]
    close.sort(key=lambda one: -sum(asked.is_met for asked in one.asked))
    return CatalogueExplanation(
        is_known=reading.is_known,
        core=reading.core,
        category=reading.category,
        first=reading.first or "",
        kind=reading.kind,
        matched=tuple(matched),
        close=tuple(close[:max_close]),
        chosen=walked.group,
        decision=_decision(catalogue.options, reading, walked, len(matched), cost_fen),
    )


def _candidate(
    options: Options, group: CatalogueGroup, reading: Reading, chosen: CatalogueGroup | None
) -> Candidate:
    first = reading.first or ""
    if group.procedures:
        keeps = options.main_procedure_must_match and first not in group.main_procedures
    else:
        keeps = bool(first)
    return Candidate(
        group,
        tuple(
            Asked(code, code in group.main_procedures, code in reading.procedures)
            for code in group.procedures
        ),
        first if keeps else "",
        matches(options, group, reading),
        group is chosen,
    )


def _is_close(catalogue: Catalogue, case: Case, candidate: Candidate) -> bool:
    if candidate.matches or len(candidate.missing) > 1:
        return False
    if candidate.missing:
        procedures = (*case.procedures, *candidate.missing)
    else:
        procedures = tuple(code for code in case.procedures if code != candidate.kept_away_by)
    edited = read(catalogue, case._replace(procedures=procedures))
    return matches(catalogue.options, candidate.group, edited)


def _decision(
    options: Options, reading: Reading, walked: Walked, matched: int, cost_fen: int | None
) -> Decision | None:
    chosen = walked.group
    if chosen is None:
        return None
    if chosen.kind is GroupKind.COMPOSITE:
        return Decision.KIND if chosen.procedure_kind == reading.kind else Decision.FALL_BACK
    if not walked.rivals:
        return Decision.ONLY_MATCH if matched == 1 else Decision.PROCEDURES
    for count in range(1, len(options.ties) + 1):
        tie = options.ties[count - 1]
        told = Options(ties=options.ties[:count])
        best = rank(told, chosen, cost_fen)[:-1]
        if all(rank(told, rival, cost_fen)[:-1] != best for rival in walked.rivals):
            return Decision.COST if tie == COST else Decision.SCORE
    return Decision.CODE
