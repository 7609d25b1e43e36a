"""Grouping a case: how it ends, and why it does not end in a group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.condition import And, Compare, Condition, Const, InSet, Not, OneOf, Or, Test, tests_of
from casemeter_grouper.condition.nodes import DIAGNOSIS_SLOTS, PROCEDURE_SLOTS
from casemeter_grouper.kernel import Batch, run, run_one
from casemeter_grouper.scheme import Mdc
from casemeter_grouper.walker import Facts, Leaf


class Status(StrEnum):
    """How a case ends."""

    GROUPED = "grouped"
    """In a group of the scheme."""
    UNDIVIDED = "undivided"
    """In an ADRG that the scheme does not divide for this case."""
    AMBIGUOUS = "ambiguous"
    """Ambiguous (歧义, QY): a valid procedure that no surgical ADRG of the MDC takes."""
    UNGROUPABLE = "ungroupable"
    """In no group; the outcome says why."""
    NOT_YET = "not_yet"
    """Not groupable yet: there is no diagnosis."""
    INVALID = "invalid"
    """The input contradicts itself or lies out of range; nothing is said of it."""


class Ungroupable(StrEnum):
    """Why a case is in no group."""

    PRINCIPAL_UNKNOWN = "principal_unknown"
    """Neither the dictionary nor the pack knows the principal diagnosis."""
    NO_MDC = "no_mdc"
    """The principal diagnosis is in no MDC."""
    SEX_CONFLICT = "sex_conflict"
    """The MDC of the principal diagnosis is for the other sex."""
    ENTRY_NOT_MET = "entry_not_met"
    """The MDC of the principal diagnosis asks for a fact that the case does not meet: an age, say."""
    FACT_MISSING = "fact_missing"
    """The MDC of the principal diagnosis asks for a fact that is not known."""
    NO_RULE = "no_rule"
    """No rule of the MDC takes the case."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one case ends.

    Attributes:
        leaf: where it ends; ``None`` when it is in no group.
        number: the kernel's number of the leaf; 0 when it is in no group.
        reason: why it is ungroupable; set for that status only.
        tests: for a reason that rests on the facts of the case, the tests of the MDC entry that failed.
        only_procedure: the procedure taken as the only one, where the scheme's retry grouped the case.
        main_procedure_not_taken: the main procedure is valid, but no surgical rule of its MDC took it, and
            the scheme has no ambiguity test there that would have said so.
    """

    status: Status
    leaf: Leaf | None = None
    number: int = 0
    reason: Ungroupable | None = None
    tests: tuple[Test, ...] = ()
    only_procedure: str | None = None
    main_procedure_not_taken: bool = False


NOT_YET: Final = Outcome(Status.NOT_YET)


class Grouper:
    """Answers from one compiled scheme. Holds no state of any case."""

    def __init__(self, scheme: CompiledScheme) -> None:
        self.scheme = scheme
        self._ends = tuple(_end(number, leaf) for number, leaf in enumerate(scheme.leaves))
        # The same ends for a case whose main procedure is a valid one.
        self._ends_if_valid = tuple(
            replace(end, main_procedure_not_taken=end.leaf is not None and _passes_over_procedures(end.leaf))
            for end in self._ends
        )

    def status_of(self, leaf: int) -> Status:
        """Status of a case that ends in a leaf of the kernel."""
        return self._ends[leaf].status

    def run(self, batch: Batch) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Group encoded cases; see :func:`casemeter_grouper.kernel.run` for what is returned."""
        count = len(batch.diagnosis_at) - 1
        leaves, attempts = np.empty(count, np.int32), np.empty(count, np.int32)
        run(self.scheme.mapped, batch, leaves, attempts)
        return leaves, attempts

    def group(self, case: Case) -> Outcome:
        """Group one case."""
        if not case.diagnoses:
            return NOT_YET
        leaf: int
        attempt: int
        leaf, attempt, valid = run_one(self.scheme.mapped, *self.scheme.encode_one(case))
        if leaf == 0:
            return self._ungroupable(case)
        return self.end(leaf, attempt, valid, case.procedures[attempt] if case.procedures else "")

    def end(self, leaf: int, attempt: int, valid: bool, procedure: str) -> Outcome:
        """Return the outcome of a case that the kernel grouped.

        Args:
            leaf: as the kernel returns it; not 0.
            attempt: likewise.
            valid: likewise.
            procedure: code of the procedure at the place ``attempt``; empty: the case has none.
        """
        if attempt:
            return replace(self._ends[leaf], only_procedure=procedure)
        return self._ends_if_valid[leaf] if valid else self._ends[leaf]

    def _ungroupable(self, case: Case) -> Outcome:
        if case.diagnoses[0] not in self.scheme.diagnoses.number:
            return Outcome(Status.UNGROUPABLE, reason=Ungroupable.PRINCIPAL_UNKNOWN)
        facts = Facts(case, self.scheme)
        blocked: dict[Test, None] = {}
        for mdc in self.scheme.tree.mdcs:
            if not _rests_on_diagnosis(mdc):
                continue
            if facts.holds(mdc.entry):
                return Outcome(Status.UNGROUPABLE, reason=Ungroupable.NO_RULE)
            blocked |= dict.fromkeys(_blocking(mdc.entry, facts))
        return Outcome(Status.UNGROUPABLE, reason=self._reason(case, tuple(blocked)), tests=tuple(blocked))

    def _reason(self, case: Case, blocked: tuple[Test, ...]) -> Ungroupable:
        if not blocked:
            return Ungroupable.NO_MDC
        missing = [test for test in blocked if fact_of(test) and getattr(case, fact_of(test)) is None]
        if len(missing) == len(blocked):
            return Ungroupable.FACT_MISSING
        if any(isinstance(test, OneOf) and test.field == "sex" for test in blocked if test not in missing):
            return Ungroupable.SEX_CONFLICT
        return Ungroupable.ENTRY_NOT_MET


def fact_of(test: Test) -> str:
    """Name of the fact of :class:`~casemeter_grouper.case.Case` that a test rests on; empty for codes."""
    match test:
        case Compare(number) if number != "trauma_sites":
            return number
        case OneOf(field):
            return field
    return ""


def needs_procedure(condition: Condition) -> bool:
    """Whether a condition cannot be true without a procedure of some set: whether its rule is surgical."""
    return _without_procedures(condition) is False


def _without_procedures(condition: Condition) -> bool | None:
    """Truth of a condition when no procedure is in any set; ``None`` when it depends on other facts."""
    match condition:
        case Const(value):
            return value
        case InSet(slot) if slot in PROCEDURE_SLOTS:
            return False
        case Not(item):
            inner = _without_procedures(item)
            return None if inner is None else not inner
        case And(items):
            parts = [_without_procedures(item) for item in items]
            return False if False in parts else None if None in parts else True
        case Or(items):
            parts = [_without_procedures(item) for item in items]
            return True if True in parts else None if None in parts else False
    return None


def _end(number: int, leaf: Leaf | None) -> Outcome:
    if leaf is None:
        return Outcome(Status.UNGROUPABLE)
    if leaf.rule.is_ambiguity_test:
        return Outcome(Status.AMBIGUOUS, leaf, number)
    return Outcome(Status.GROUPED if leaf.row else Status.UNDIVIDED, leaf, number)


def _passes_over_procedures(leaf: Leaf) -> bool:
    """Whether a case ends there without any procedure, and no ambiguity test has asked for one."""
    surgical = needs_procedure(leaf.mdc.entry) or needs_procedure(leaf.rule.when)
    return not surgical and not leaf.mdc.has_ambiguity_test


def _rests_on_diagnosis(mdc: Mdc) -> bool:
    return any(isinstance(test, InSet) and test.slot in DIAGNOSIS_SLOTS for test in tests_of(mdc.entry))


def _blocking(entry: Condition, facts: Facts) -> list[Test]:
    """Tests on facts that keep a case out of an MDC which its codes alone would let it enter."""
    failed: list[Test] = []

    def let_in(condition: Condition) -> bool:
        """Truth with every failing test on a fact taken as passed."""
        match condition:
            case Not():
                return facts.holds(condition)
            case And(items):
                return False not in [let_in(item) for item in items]
            case Or(items):
                return True in [let_in(item) for item in items]
            case Compare() | OneOf():
                if not facts.test(condition):
                    failed.append(condition)
                return True
            case _:
                return facts.holds(condition)

    return failed if let_in(entry) else []
