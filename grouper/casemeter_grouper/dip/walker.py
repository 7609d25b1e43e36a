"""The walker: grouping read straight off a catalogue, in plain Python. The kernel must agree with it."""

from __future__ import annotations

from typing import NamedTuple

from casemeter_grouper.case import Case
from casemeter_grouper.dip.catalogue import MICRO_YUAN_PER_FEN, Catalogue, CatalogueGroup
from casemeter_grouper.dip.options import COST, Options
from casemeter_grouper.grouping import Ungroupable


class Reading(NamedTuple):
    """What a catalogue sees of a case that has a diagnosis.

    Attributes:
        is_known: whether the principal diagnosis is known; when not, nothing matches.
        core: first characters of the principal, as core groups look at them.
        category: likewise for composite groups.
        procedures: the known procedures; repeats and order do not count.
        first: the first procedure that has a kind, or ``None``: the case is untreated.
        kind: its kind, or the untreated kind.
    """

    is_known: bool
    core: str
    category: str
    procedures: frozenset[str]
    first: str | None
    kind: str


class Walked(NamedTuple):
    """Where a case ends: in a group, or in none for a reason.

    Attributes:
        rivals: the other groups that match by as many procedures, in the order of the catalogue.
    """

    group: CatalogueGroup | None
    reason: Ungroupable | None
    rivals: tuple[CatalogueGroup, ...]


def read(catalogue: Catalogue, case: Case) -> Reading:
    """Return what the catalogue sees of a case that has a diagnosis."""
    options, (diagnoses, procedures) = catalogue.options, catalogue.known
    principal = case.diagnoses[0]
    first = next((code for code in case.procedures if code in catalogue.kinds), None)
    return Reading(
        is_known=principal in diagnoses,
        core=principal[: options.core_prefix],
        category=principal[: options.composite_prefix],
        procedures=procedures.intersection(case.procedures),
        first=first,
        kind=options.untreated_kind if first is None else catalogue.kinds[first],
    )


def matches(options: Options, group: CatalogueGroup, reading: Reading) -> bool:
    """Whether a case meets a core group of its principal."""
    if not group.procedures:
        return reading.first is None
    if not reading.procedures.issuperset(group.procedures):
        return False
    return not options.main_procedure_must_match or reading.first in group.main_procedures


def composite_of(catalogue: Catalogue, reading: Reading) -> CatalogueGroup | None:
    """The composite group of a case that no core group takes, or ``None``."""
    group = catalogue.composite.get((reading.category, reading.kind))
    if group is None and catalogue.options.fall_back_to_untreated:
        return catalogue.composite.get((reading.category, catalogue.options.untreated_kind))
    return group


def rank(options: Options, group: CatalogueGroup, cost_fen: int | None) -> tuple[object, ...]:
    """Place of a group among those that match by equally many procedures; the smallest is chosen.

    Args:
        options: of the catalogue.
        group: one of the groups.
        cost_fen: cost of the case so far in fen, at least 0, or ``None``.
    """
    keys: list[object] = []
    for tie in options.ties:
        if tie != COST:
            keys.append(-group.score)
        elif cost_fen is not None:
            # A group that was not measured is farther than any that was.
            mean = group.mean_cost
            keys += [mean is None, 0 if mean is None else abs(cost_fen * MICRO_YUAN_PER_FEN - mean)]
    return (*keys, group.code)


def group(catalogue: Catalogue, case: Case, cost_fen: int | None) -> Walked:
    """Group a case that has a diagnosis.

    Args:
        catalogue: the catalogue.
        case: codes are normalised.
        cost_fen: cost of the case so far in fen, at least 0, or ``None``.
    """
    reading = read(catalogue, case)
    if not reading.is_known:
        return Walked(None, Ungroupable.PRINCIPAL_UNKNOWN, ())
    options = catalogue.options
    met = [one for one in catalogue.core.get(reading.core, ()) if matches(options, one, reading)]
    if not met:
        composite = composite_of(catalogue, reading)
        return Walked(composite, None if composite else Ungroupable.NO_RULE, ())
    most = max(len(one.procedures) for one in met)
    equal = [one for one in met if len(one.procedures) == most]
    chosen = min(equal, key=lambda one: rank(options, one, cost_fen))
    return Walked(chosen, None, tuple(one for one in equal if one is not chosen))
