"""The truth of a condition for a stay, where facts may be missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from operator import itemgetter

from casemeter_grouper.condition import (
    And,
    Compare,
    Condition,
    Const,
    Flag,
    InSet,
    Measure,
    Not,
    OneOf,
    Or,
    Test,
)
from casemeter_grouper.condition.nodes import DATES, ITEM_SLOTS, PROCEDURE_SLOTS
from casemeter_rules.codes import CodeSet
from casemeter_rules.conditions.measures import Member, limit_of, span_of
from casemeter_rules.conditions.truth import (
    FALSE,
    NOT_THERE,
    TRUE,
    Decision,
    Span,
    Truth,
    exactly,
    unknown,
)
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Phase, Procedure, Stay


def decide(
    condition: Condition, stay: Stay, sets: Mapping[str, CodeSet], phase: Phase | None = None
) -> Decision:
    """Decide one condition; who has many for one stay makes one :class:`Reading` of it.

    Args:
        condition: of the rule vocabulary.
        stay: its facts.
        sets: every set that the condition names.
        phase: the moment of care; ``None``: not told.
    """
    return Reading(stay, sets, phase).decide(condition)


class Reading:
    """A stay together with the sets: the truth of every condition on it."""

    def __init__(self, stay: Stay, sets: Mapping[str, CodeSet], phase: Phase | None = None) -> None:
        self._stay = stay
        self._sets = sets
        self._phase = phase
        self._members: dict[str, list[Member]] = {}

    def decide(self, condition: Condition) -> Decision:
        """Decide a condition."""
        match condition:
            case Const(value):
                return TRUE if value else FALSE
            case Not(item):
                return self.decide(item).negated()
            case And(items):
                return self._joined(items, Truth.FALSE)
            case Or(items):
                return self._joined(items, Truth.TRUE)
            case _:
                return self._test(condition)

    def _joined(self, items: Iterable[Condition], settles: Truth) -> Decision:
        """Join parts of which one can settle the whole; else all of them count, and any doubt stays."""
        parts = []
        for item in items:
            part = self.decide(item)
            if part.truth is settles:
                return part
            parts.append(part)
        doubts = [part for part in parts if part.truth is Truth.UNKNOWN]
        if doubts:
            return unknown(*dict.fromkeys(name for part in doubts for name in part.missing))
        evidence = dict.fromkeys(place for part in parts for place in part.evidence)
        return Decision(settles.negated(), tuple(evidence))

    def _test(self, test: Test) -> Decision:
        match test:
            case InSet(slot, name):
                if slot in ITEM_SLOTS:
                    return self._any_item(slot, name)
                if slot in PROCEDURE_SLOTS:
                    return self._any_procedure(slot, name)
                return self._any_diagnosis(slot, name)
            case Measure():
                return self._measured(test).compared(test.op, limit_of(test))
            case Compare(number, op, limit):
                return self._number(number).compared(op, limit)
            case OneOf(field, values):
                value = self._field(field)
                return (TRUE if value in values else FALSE) if value else unknown(field)
            case Flag():
                return FALSE if self._stay.procedures else TRUE

    # Codes

    def _is_in(self, name: str, code: str) -> Truth:
        """Whether a code is in a set; of a missing code, or one in no dictionary, nobody can tell."""
        if not code or code.startswith("?"):
            return Truth.UNKNOWN
        return Truth.TRUE if code in self._sets[name] else Truth.FALSE

    def _found(self, name: str, coded: Iterable[Diagnosis | Procedure], doubts: tuple[str, ...]) -> Decision:
        """Decide whether any of some codes is in a set; doubts are what else might be."""
        truths = [(self._is_in(name, one.code), one.place) for one in coded]
        if evidence := tuple(place for truth, place in truths if truth is Truth.TRUE):
            return Decision(Truth.TRUE, evidence)
        return unknown(*doubts) if doubts else FALSE

    @cached_property
    def _diagnoses(self) -> list[Diagnosis]:
        """Those that take part in the case."""
        return [diagnosis for diagnosis in self._stay.diagnoses if diagnosis.role]

    @cached_property
    def _hidden(self) -> tuple[str, ...]:
        """What is missing of the diagnoses as a whole: all of them, or the principal one."""
        if not self._diagnoses:
            return ("diagnoses",)
        has_principal = any(diagnosis.role == "principal" for diagnosis in self._diagnoses)
        return () if has_principal else ("principal_diagnosis",)

    def _any_diagnosis(self, slot: str, name: str) -> Decision:
        looked_at, doubts = self._diagnoses, self._hidden
        if slot == "pdx":
            looked_at = [diagnosis for diagnosis in looked_at if diagnosis.role == "principal"]
        elif slot == "other_dx":
            looked_at = [diagnosis for diagnosis in looked_at if diagnosis.role != "principal"]
            doubts = () if self._diagnoses else doubts
        elif slot == "acquired_dx":
            untold = [diagnosis for diagnosis in looked_at if not diagnosis.admission_condition]
            if any(self._is_in(name, diagnosis.code) for diagnosis in untold):
                doubts = (*doubts, "admission_condition")
            looked_at = [diagnosis for diagnosis in looked_at if diagnosis.admission_condition == 4]
        if any(self._is_in(name, diagnosis.code) is Truth.UNKNOWN for diagnosis in looked_at):
            doubts = (*doubts, "diagnosis_code")
        return self._found(name, looked_at, doubts)

    def _any_procedure(self, slot: str, name: str) -> Decision:
        procedures = self._stay.procedures
        looked_at = {"any_proc": procedures, "main_proc": procedures[:1], "other_proc": procedures[1:]}[slot]
        unclear = any(self._is_in(name, procedure.code) is Truth.UNKNOWN for procedure in looked_at)
        return self._found(name, looked_at, ("procedure_code",) if unclear else ())

    @cached_property
    def _by_code(self) -> dict[str, list[tuple[int, Item]]]:
        """Items and their places in the order of the request, for a stay has far fewer codes than items."""
        by_code: dict[str, list[tuple[int, Item]]] = {}
        for at, item in enumerate(self._stay.items or ()):
            by_code.setdefault(item.code, []).append((at, item))
        return by_code

    def _members_of(self, name: str) -> list[Member]:
        """Items that are, or, having no code, may be in a set, in the order of the request; found once."""
        if name not in self._members:
            codes = self._sets[name].among(self._by_code.keys()) - {""} | self._by_code.keys() & {""}
            found = sorted((place for code in codes for place in self._by_code[code]), key=itemgetter(0))
            self._members[name] = [Member(item, item.code != "") for _, item in found]
        return self._members[name]

    def _any_item(self, slot: str, name: str) -> Decision:
        if self._stay.items is None:
            return unknown("items")
        members = [member for member in self._members_of(name) if _stands_in(slot, member.item)]
        if evidence := tuple(member.item.place for member in members if member.sure):
            return Decision(Truth.TRUE, evidence)
        return unknown("item_code") if members else FALSE

    # Numbers

    def _measured(self, test: Measure) -> Span:
        if test.kind.space == "diagnosis":
            return self._count_of_diagnoses(test.set)
        if test.kind.space == "procedure":
            return self._count_of_procedures(test.set)
        if self._stay.items is None:
            return Span(missing=("items",))
        return span_of(test, self._members_of(test.set), _day(self._stay.admission))

    def _count_of_diagnoses(self, name: str) -> Span:
        """Different ones: a diagnosis written twice is one."""
        truths = {diagnosis.code: self._is_in(name, diagnosis.code) for diagnosis in self._diagnoses}
        sure = sum(truth is Truth.TRUE for truth in truths.values())
        unsure: float = sum(truth is Truth.UNKNOWN for truth in truths.values())
        missing = (*self._hidden, "diagnosis_code") if unsure else self._hidden
        if self._hidden:
            unsure = float("inf") if not self._diagnoses else unsure + 1
        places = (one.place for one in self._diagnoses if truths[one.code] is Truth.TRUE)
        return Span(sure, sure + unsure, Truth.TRUE, tuple(places), missing)

    def _count_of_procedures(self, name: str) -> Span:
        """All of them: a procedure done twice was done twice."""
        truths = [(self._is_in(name, one.code), one.place) for one in self._stay.procedures]
        sure = tuple(place for truth, place in truths if truth is Truth.TRUE)
        unsure = sum(truth is Truth.UNKNOWN for truth, _ in truths)
        missing = ("procedure_code",) if unsure else ()
        return Span(len(sure), len(sure) + unsure, Truth.TRUE, sure, missing)

    def _number(self, name: str) -> Span:
        if name in DATES:
            at, fact = {
                "admission_date": (self._stay.admission, "admission_time"),
                "discharge_date": (self._stay.discharge, "discharge_time"),
                "as_of_date": (self._stay.now, ""),
            }[name]
            return Span(missing=(fact,)) if at is None else exactly(at // MINUTES_PER_DAY)
        if name == "preop_days":
            return self._preop_days()
        value: float | None = getattr(self._stay, name)
        return Span(missing=(name,)) if value is None else exactly(value)

    def _preop_days(self) -> Span:
        """Days from the day of admission to that of the main procedure."""
        if not self._stay.procedures:
            return NOT_THERE
        main = self._stay.procedures[0]
        start, admission = _day(main.start), _day(self._stay.admission)
        if start is None or admission is None:
            lacks = {"admission_time": admission is None, "procedure_start": start is None}
            return Span(missing=tuple(name for name, missing in lacks.items() if missing))
        return exactly(start - admission, main.place)

    def _field(self, name: str) -> str | None:
        if name == "phase":
            return self._phase
        if name == "tcm":
            return None if self._stay.tcm is None else "yes" if self._stay.tcm else "no"
        value: str | None = getattr(self._stay, name)
        return value


def _day(minute: int | None) -> int | None:
    return None if minute is None else minute // MINUTES_PER_DAY


def _stands_in(slot: str, item: Item) -> bool:
    if slot == "placing_item":
        return item.placing
    ordered = item.ordered or item.placing
    return slot == "any_item" or ordered is (slot == "ordered_item")
