"""Checking a catalogue: everything that can be found in it, groups that no case can end in among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from casemeter_grouper.case import Case
from casemeter_grouper.dip.catalogue import MICRO_YUAN_PER_FEN, Catalogue, CatalogueGroup, GroupKind
from casemeter_grouper.dip.kernel import MAX_COST_FEN
from casemeter_grouper.dip.load import LoadedCatalogue, load
from casemeter_grouper.dip.rows import CATALOGUE
from casemeter_grouper.dip.walker import group as walk
from casemeter_grouper.pack.faults import ERROR, Fault, PackError


def check_catalogue(folder: Path) -> list[Fault]:
    """Return every fault of a catalogue, errors first, then by file and row.

    What can be reached is asked only of a pack without errors: until then its meaning is open.
    """
    try:
        loaded = load(folder)
    except PackError as error:
        faults = list(error.faults)
    else:
        faults = [*loaded.faults, *unreachable(loaded)]
    return sorted(faults, key=lambda fault: (fault.severity != ERROR, fault.file, fault.row, fault.column))


def unreachable(loaded: LoadedCatalogue) -> list[Fault]:
    """Return a warning for every group that no case can end in.

    A group that some case can end in is one for its smallest case, too: its principal with just the
    procedures it asks for, since a further procedure lets in more groups and keeps none out. So one walk or a
    few for each group are a proof.
    """
    return [
        Fault(why, CATALOGUE, loaded.lines[group.code], "group_code", {"group": group.code, **details})
        for group, why, details in never_winning(loaded.catalogue)
    ]


def never_winning(catalogue: Catalogue) -> Iterator[tuple[CatalogueGroup, str, dict[str, str]]]:
    """Yield every group that no case can end in, with the kind of fault and what its sentence needs."""
    options = catalogue.options
    diagnoses = {
        GroupKind.CORE: _by_prefix(catalogue.diagnoses, options.core_prefix),
        GroupKind.COMPOSITE: _by_prefix(catalogue.diagnoses, options.composite_prefix),
    }
    by_kind: dict[str, list[str]] = {options.untreated_kind: []}
    for code, kind in catalogue.kinds.items():
        by_kind.setdefault(kind, []).append(code)
    for group in catalogue.groups:
        principals = diagnoses[group.kind].get(group.principal, [])
        if not principals:
            yield group, "principal_of_nothing", {"principal": group.principal}
        elif group.kind is GroupKind.COMPOSITE:
            if group.procedure_kind not in by_kind:
                yield group, "kind_of_nothing", {"kind": group.procedure_kind}
            elif not any(
                walk(catalogue, case, None).group is group
                for case in _composite_cases(catalogue, group, principals, by_kind)
            ):
                yield group, "taken_by_core", {"principal": group.principal}
        elif not any(_wins(catalogue, group, case) for case in _core_cases(catalogue, group, principals[0])):
            case = next(_core_cases(catalogue, group, principals[0]))
            winner = walk(catalogue, case, None).group
            if winner is not None and winner.procedures and len(winner.procedures) == len(group.procedures):
                yield group, "loses_always", {"winner": winner.code}
            else:
                yield group, "main_without_kind", {}


def _by_prefix(codes: Sequence[str], length: int) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code in codes:
        found.setdefault(code[:length], []).append(code)
    return found


def _composite_cases(
    catalogue: Catalogue, group: CatalogueGroup, principals: Sequence[str], by_kind: Mapping[str, list[str]]
) -> Iterator[Case]:
    """Every smallest case that may end in a composite group."""
    options = catalogue.options
    untreated = group.procedure_kind == options.untreated_kind
    kinds = (
        options.procedure_kinds if untreated and options.fall_back_to_untreated else [group.procedure_kind]
    )
    for principal in principals:
        if untreated:
            yield Case(diagnoses=(principal,))
        for kind in kinds:
            for code in by_kind.get(kind, ()):
                yield Case(diagnoses=(principal,), procedures=(code,))


def _core_cases(catalogue: Catalogue, group: CatalogueGroup, principal: str) -> Iterator[Case]:
    """The case with just the procedures of the group, each main one that has a kind first in turn."""
    others = [code for code in group.procedures if code not in catalogue.kinds]
    treatments = [code for code in group.procedures if code in catalogue.kinds]
    for first in treatments or [""]:
        rest = [code for code in treatments if code != first]
        codes = (*([first] if first else []), *rest, *others)
        yield Case(diagnoses=(principal,), procedures=codes)


def _wins(catalogue: Catalogue, group: CatalogueGroup, case: Case) -> bool:
    # Among groups that differ in their means each is the nearest at its own mean, the smallest at 0 and the
    # largest at the end of the scale; a cost between two fen is none that a case can have.
    costs: list[int | None] = [None, 0, MAX_COST_FEN]
    if group.mean_cost is not None:
        fen = group.mean_cost // MICRO_YUAN_PER_FEN
        costs += [fen, fen + 1]
    return any(walk(catalogue, case, cost).group is group for cost in costs)
