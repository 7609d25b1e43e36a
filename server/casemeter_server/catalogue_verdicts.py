"""Explanations and near misses of a DIP catalogue, as the contract says them."""

from __future__ import annotations

from collections.abc import Iterable

from casemeter.v1 import explanation_pb2
from casemeter_grouper.dip.catalogue import GroupKind
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.explain import Candidate, CatalogueExplanation
from casemeter_grouper.dip.near_misses import CatalogueNearMiss
from casemeter_server.prepare import Prepared
from casemeter_server.verdicts import DIAGNOSIS_EDITS, EDITS, code_ref


def fill_catalogue_explanation(
    target: explanation_pb2.Explanation, explanation: CatalogueExplanation, catalogue: CompiledCatalogue
) -> None:
    """Fill the explanation of a verdict."""
    target.SetInParent()
    chosen = explanation.chosen
    decided_by = str(explanation.decision or "")
    if chosen is not None and chosen.kind is GroupKind.COMPOSITE:
        entry = target.candidates.add(
            group=chosen.code, name=chosen.name, kind=str(chosen.kind), chosen=True, decided_by=decided_by
        )
        if explanation.first:
            entry.deciding_procedure.CopyFrom(code_ref(explanation.first, catalogue.procedures))
    for candidate in (*explanation.matched, *explanation.close):
        target.candidates.append(_candidate(candidate, decided_by, catalogue))


def _candidate(
    candidate: Candidate, decided_by: str, catalogue: CompiledCatalogue
) -> explanation_pb2.CatalogueCandidate:
    group, procedures = candidate.group, catalogue.procedures
    entry = explanation_pb2.CatalogueCandidate(
        group=group.code,
        name=group.name,
        kind=str(group.kind),
        met=[code_ref(asked.code, procedures) for asked in candidate.asked if asked.is_met],
        missing=[code_ref(code, procedures) for code in candidate.missing],
        chosen=candidate.is_chosen,
        decided_by=decided_by if candidate.is_chosen else "",
    )
    if candidate.kept_away_by:
        entry.kept_away_by.CopyFrom(code_ref(candidate.kept_away_by, procedures))
    return entry


def fill_catalogue_near_misses(
    target: explanation_pb2.NearMisses,
    near_misses: Iterable[CatalogueNearMiss],
    prepared: Prepared,
    catalogue: CompiledCatalogue,
) -> None:
    """Fill the near misses of a verdict. Codes to add are counted, not named: nothing speaks for them."""
    target.SetInParent()
    for miss in near_misses:
        of_diagnoses = miss.edit in DIAGNOSIS_EDITS
        entry = target.near_misses.add(
            edit=EDITS[miss.edit], group=miss.group.code, group_name=miss.group.name
        )
        entry.code_count = len(miss.codes)
        if miss.place is not None:
            recorded = prepared.case.diagnoses if of_diagnoses else prepared.case.procedures
            place = prepared.diagnosis_places[miss.place] if of_diagnoses else miss.place
            entry.field = f"encounter.{'diagnoses' if of_diagnoses else 'procedures'}[{place}]"
            codes = catalogue.diagnoses if of_diagnoses else catalogue.procedures
            entry.code.CopyFrom(code_ref(recorded[miss.place], codes))
