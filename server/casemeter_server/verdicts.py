"""From an outcome to the verdict of the contract."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from casemeter.v1 import explanation_pb2, pack_pb2, verdict_pb2
from casemeter_grouper.compiled.codes import Codes
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.condition.nodes import text_of
from casemeter_grouper.explain import Explanation, TestResult
from casemeter_grouper.grouping import Grouper, Outcome, Status, Ungroupable
from casemeter_grouper.near_misses import Edit, NearMiss
from casemeter_grouper.walker import Leaf
from casemeter_server.prepare import UNUSABLE, Prepared

STATUSES: Final = {
    Status.GROUPED: verdict_pb2.GROUP_STATUS_GROUPED,
    Status.UNDIVIDED: verdict_pb2.GROUP_STATUS_UNDIVIDED,
    Status.AMBIGUOUS: verdict_pb2.GROUP_STATUS_AMBIGUOUS,
    Status.UNGROUPABLE: verdict_pb2.GROUP_STATUS_UNGROUPABLE,
    Status.NOT_YET: verdict_pb2.GROUP_STATUS_NOT_YET,
}
REASONS: Final = {
    Ungroupable.PRINCIPAL_UNKNOWN: verdict_pb2.UNGROUPABLE_REASON_PRINCIPAL_UNKNOWN,
    Ungroupable.NO_MDC: verdict_pb2.UNGROUPABLE_REASON_NO_MDC,
    Ungroupable.SEX_CONFLICT: verdict_pb2.UNGROUPABLE_REASON_SEX_CONFLICT,
    Ungroupable.ENTRY_NOT_MET: verdict_pb2.UNGROUPABLE_REASON_ENTRY_NOT_MET,
    Ungroupable.FACT_MISSING: verdict_pb2.UNGROUPABLE_REASON_FACT_MISSING,
    Ungroupable.NO_RULE: verdict_pb2.UNGROUPABLE_REASON_NO_RULE,
}
EDITS: Final = {
    Edit.DROP_DIAGNOSIS: explanation_pb2.EDIT_DROP_DIAGNOSIS,
    Edit.DROP_PROCEDURE: explanation_pb2.EDIT_DROP_PROCEDURE,
    Edit.PROMOTE_DIAGNOSIS: explanation_pb2.EDIT_PROMOTE_DIAGNOSIS,
    Edit.PROMOTE_PROCEDURE: explanation_pb2.EDIT_PROMOTE_PROCEDURE,
    Edit.ADD_DIAGNOSIS: explanation_pb2.EDIT_ADD_DIAGNOSIS,
    Edit.ADD_PROCEDURE: explanation_pb2.EDIT_ADD_PROCEDURE,
}
DIAGNOSIS_EDITS: Final = (Edit.DROP_DIAGNOSIS, Edit.PROMOTE_DIAGNOSIS, Edit.ADD_DIAGNOSIS)


class KnownParts:
    """What a verdict says of each end a case can have, written once: most of a reply is copied, not made."""

    def __init__(self, grouper: Grouper, pack: pack_pb2.PackRef) -> None:
        scheme = grouper.scheme
        self._parts = [
            _known_part(leaf, grouper.status_of(number), scheme, pack).SerializeToString(deterministic=True)
            for number, leaf in enumerate(scheme.leaves)
        ]

    def written(self, leaf: int) -> bytes:
        """Return the known part of a case that ends in a leaf of the kernel, as a serialised verdict."""
        return self._parts[leaf]

    def fill(self, verdict: verdict_pb2.Verdict, outcome: Outcome, prepared: Prepared) -> None:
        """Fill a verdict with an outcome and how its case was made."""
        verdict.MergeFromString(self._parts[outcome.number])
        fill_case(verdict, prepared)
        if outcome.status is Status.NOT_YET:
            verdict.status = verdict_pb2.GROUP_STATUS_NOT_YET
        if outcome.reason:
            verdict.ungroupable_reason = REASONS[outcome.reason]
            verdict.failed_tests.extend(map(text_of, outcome.tests))
        if outcome.main_procedure_not_taken:
            main = prepared.case.procedures[0]
            verdict.notes.add(kind=verdict_pb2.NOTE_KIND_MAIN_PROCEDURE_NOT_TAKEN, code=main)
        if outcome.only_procedure:
            verdict.notes.add(
                kind=verdict_pb2.NOTE_KIND_GROUPED_BY_ONE_PROCEDURE, code=outcome.only_procedure
            )


def fill_case(verdict: verdict_pb2.Verdict, prepared: Prepared) -> None:
    """Fill a verdict with how its case was made."""
    case, facts = prepared.case, verdict.facts
    if case.provisional:
        verdict.MergeFromString(_open_facts(case.provisional))
    if case.age_years is not None:
        facts.age_years = int(case.age_years)
    if case.age_days is not None:
        facts.age_days = int(case.age_days)
    if case.los_days is not None:
        facts.los_days = int(case.los_days)
    if case.icu_hours is not None:
        facts.icu_hours = case.icu_hours
    if case.birth_weight_g is not None:
        facts.birth_weight_g = int(case.birth_weight_g)
    if case.department is not None:
        facts.department = case.department
    facts.diagnosis_phase = prepared.phase  # type: ignore[assignment]  # the stubs want a wrapper type
    if prepared.code_notes:
        verdict.code_notes.extend(prepared.code_notes)
    if prepared.left_aside:
        verdict.left_aside.extend(prepared.left_aside)


def _known_part(
    leaf: Leaf | None, status: Status, scheme: CompiledScheme, pack: pack_pb2.PackRef
) -> verdict_pb2.Verdict:
    verdict = verdict_pb2.Verdict(status=STATUSES[status], pack=pack)
    if leaf:
        group = verdict.group
        group.code = leaf.group
        group.name = scheme.names.get(leaf.group, "")
        group.mdc = leaf.mdc.name
        group.adrg = leaf.rule.adrg
        group.rule = leaf.rule.name
    return verdict


@cache
def _open_facts(provisional: frozenset[str]) -> bytes:
    facts = verdict_pb2.DerivedFacts(provisional=sorted(provisional))
    return verdict_pb2.Verdict(facts=facts).SerializeToString(deterministic=True)


def fill_explanation(
    target: explanation_pb2.Explanation, explanation: Explanation, scheme: CompiledScheme
) -> None:
    """Fill the explanation of a verdict."""
    target.SetInParent()
    for entered in explanation.entered:
        target.entered.add(mdc=entered.mdc.name, why=_tests(entered.why, scheme))
    for close in explanation.close:
        target.close.add(
            mdc=close.mdc.name,
            rule=close.rule.name,
            adrg=close.rule.adrg,
            name=scheme.names.get(close.rule.adrg, ""),
            met=_tests(close.met, scheme),
            missed=_test(close.missed, scheme),
        )
    target.matched.extend(_tests(explanation.matched, scheme))
    for tried in explanation.rows:
        target.rows.add(
            group=tried.row.group,
            condition=tried.row.text,
            holds=tried.holds,
            tests=_tests(tried.tests, scheme),
        )
    for found in explanation.complications:
        target.complications.add(
            code=code_ref(found.code, scheme.diagnoses),
            level=found.level,
            exclusion_table=found.table,
            counted=found.counted,
        )
    target.provisional.extend(_tests(explanation.provisional, scheme))


def fill_near_misses(
    target: explanation_pb2.NearMisses,
    near_misses: Iterable[NearMiss],
    prepared: Prepared,
    scheme: CompiledScheme,
) -> None:
    """Fill the near misses of a verdict; a code to add is named only where the request is evidence for it."""
    target.SetInParent()
    for miss in near_misses:
        of_diagnoses = miss.edit in DIAGNOSIS_EDITS
        codes = scheme.diagnoses if of_diagnoses else scheme.procedures
        entry = target.near_misses.add(
            edit=EDITS[miss.edit],
            group=miss.leaf.group,
            group_name=scheme.names.get(miss.leaf.group, ""),
            test=text_of(miss.test) if miss.test else "",
        )
        if miss.place is not None:
            recorded = prepared.case.diagnoses if of_diagnoses else prepared.case.procedures
            place = prepared.diagnosis_places[miss.place] if of_diagnoses else miss.place
            entry.field = f"encounter.{'diagnoses' if of_diagnoses else 'procedures'}[{place}]"
            entry.code.CopyFrom(code_ref(recorded[miss.place], codes))
        if miss.added is not None:
            entry.code_count = len(miss.added)
            if of_diagnoses:
                for code, field in prepared.evidence.items():
                    if code in miss.added:
                        entry.evidence.add(field=field, code=code_ref(code, codes))


def code_ref(code: str, codes: Codes) -> explanation_pb2.CodeRef:
    """Return a code with its name."""
    return explanation_pb2.CodeRef(code=code.removeprefix(UNUSABLE), name=codes.name(code))


def _test(result: TestResult, scheme: CompiledScheme) -> explanation_pb2.TestResult:
    codes = [
        code_ref(code, scheme.procedures if code in scheme.procedures.number else scheme.diagnoses)
        for code in result.codes
    ]
    return explanation_pb2.TestResult(
        test=result.text, holds=result.holds, codes=codes, provisional=result.provisional
    )


def _tests(results: Iterable[TestResult], scheme: CompiledScheme) -> list[explanation_pb2.TestResult]:
    return [_test(result, scheme) for result in results]
