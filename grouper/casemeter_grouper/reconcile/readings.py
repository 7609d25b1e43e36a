"""Readings of one stay: what stood on a day, what stands in the end, and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from casemeter_grouper.case import Case
from casemeter_grouper.reconcile.causes import Part
from casemeter_grouper.reconcile.versions import Version

FACTS: Final[Mapping[Part, tuple[str, ...]]] = {
    Part.SEX: ("sex",),
    Part.AGE: ("age_years", "age_days"),
    Part.WEIGHT: ("birth_weight_g",),
    Part.LENGTH: ("los_days",),
    Part.INTENSIVE_CARE: ("icu_hours",),
    Part.WAY: ("discharge_way",),
    Part.DEPARTMENT: ("department",),
}
"""The fields of a case that each fact is."""


class Reading(NamedTuple):
    """A stay as somebody knew it.

    Attributes:
        case: its facts and codes.
        version: of the pack that groups it.
        cost_fen: what it cost, as far as known then; ``None``: unknown.
    """

    case: Case
    version: Version
    cost_fen: int | None = None


class Late(NamedTuple):
    """What had come about by the end of a day and was not known then.

    Attributes:
        known: the stay as it was known at the end of the day.
        true: the same with what came to be known of that day later.
        known_fen: its cost, likewise.
        true_fen: likewise.
    """

    known: Case
    true: Case
    known_fen: int | None = None
    true_fen: int | None = None

    def came(self, kind: str) -> frozenset[str]:
        """Return codes (``diagnoses`` or ``procedures``) that stood and were not known."""
        return frozenset(getattr(self.true, kind)).difference(getattr(self.known, kind))

    def went(self, kind: str) -> frozenset[str]:
        """Return codes that did not stand, which was not known."""
        return frozenset(getattr(self.known, kind)).difference(getattr(self.true, kind))


NOTHING_LATE: Final = Late(Case(), Case())


class Between:
    """All that lies between an earlier and a later reading of a stay.

    Attributes:
        parts: what they differ in, in the order of :class:`~casemeter_grouper.reconcile.causes.Part`.
    """

    def __init__(self, before: Reading, after: Reading, late: Late = NOTHING_LATE) -> None:
        self._before, self._after, self._late = before, after, late
        old, new = before.case, after.case
        self._late_codes = {kind: _late_codes(old, new, late, kind) for kind in ("diagnoses", "procedures")}
        self._late_facts = frozenset(
            part for part in (Part.PRINCIPAL, *FACTS, Part.COST) if self._is_late(part)
        )
        self.parts = tuple(part for part in Part if self._differs(part))

    def mixed(self, parts: frozenset[Part]) -> Reading:
        """Return the earlier reading with some parts of the later one."""
        if not parts:
            return self._before
        if parts.issuperset(self.parts):
            return self._after
        before, after = self._before, self._after
        case = before.case._replace(diagnoses=self._diagnoses(parts), procedures=self._procedures(parts))
        for part, names in FACTS.items():
            if self._taken(part, parts):
                case = case._replace(**{name: getattr(after.case, name) for name in names})
        return Reading(
            case,
            after.version if Part.PACK in parts else before.version,
            after.cost_fen if self._taken(Part.COST, parts) else before.cost_fen,
        )

    def _taken(self, part: Part, parts: frozenset[Part]) -> bool:
        """Whether something comes from the later reading; what was late does so as late alone."""
        return (Part.LATE if part in self._late_facts else part) in parts

    def _differs(self, part: Part) -> bool:
        if part is Part.LATE:
            return bool(self._late_facts) or any(any(codes) for codes in self._late_codes.values())
        if part is Part.PACK:
            return self._before.version.sha256 != self._after.version.sha256
        if part in (Part.OTHERS, Part.PROCEDURES):
            return self._codes_differ(part)
        return part not in self._late_facts and self._value(self._before, part) != self._value(
            self._after, part
        )

    def _codes_differ(self, part: Part) -> bool:
        """Whether codes differ beyond those that were late and the change of the principal diagnosis."""
        rest = frozenset((Part.LATE, Part.PRINCIPAL))
        if part is Part.PROCEDURES:
            return self._procedures(rest) != self._procedures(rest | {part})
        without, with_them = (self._diagnoses(taken) for taken in (rest, rest | {part}))
        return set(without) != set(with_them)

    def _is_late(self, part: Part) -> bool:
        """Whether a fact came about by then as it stands in the end, and was not known."""
        late = self._late
        if part is Part.COST:
            known, true = late.known_fen, late.true_fen
        else:
            known, true = (_of_case(case, part) for case in (late.known, late.true))
        before, after = self._value(self._before, part), self._value(self._after, part)
        return known != true and before != after and true == after

    def _value(self, reading: Reading, part: Part) -> Any:
        return reading.cost_fen if part is Part.COST else _of_case(reading.case, part)

    def _diagnoses(self, parts: frozenset[Part]) -> tuple[str, ...]:
        old, new = self._before.case.diagnoses, self._after.case.diagnoses
        came, went = self._late_codes["diagnoses"]
        is_new = self._taken(Part.PRINCIPAL, parts)
        principal, passed = (new[:1], old[:1]) if is_new else (old[:1], new[:1])
        if not principal:
            return ()
        others = _chosen(old[1:], new[1:], came, went, theirs=Part.OTHERS in parts, late=Part.LATE in parts)
        # The one that is not principal stands among the others where its own side has it at all.
        others = (*others, *(code for code in passed if code in (new if is_new else old)))
        return (*principal, *(code for code in dict.fromkeys(others) if code not in principal))

    def _procedures(self, parts: frozenset[Part]) -> tuple[str, ...]:
        old, new = self._before.case.procedures, self._after.case.procedures
        came, went = self._late_codes["procedures"]
        theirs, late = Part.PROCEDURES in parts, Part.LATE in parts
        if theirs and late:
            return new
        chosen = _chosen(old, new, came, went, theirs=theirs, late=late)
        if late and came:
            # Late ones take their own places: the main one comes first.
            order = {code: at for at, code in reversed(list(enumerate(self._late.true.procedures)))}
            return tuple(sorted(chosen, key=lambda code: order.get(code, len(order))))
        return chosen


def _chosen(
    old: Sequence[str],
    new: Sequence[str],
    came: frozenset[str],
    went: frozenset[str],
    *,
    theirs: bool,
    late: bool,
) -> tuple[str, ...]:
    """Return codes: those of the later reading or of the earlier one, with or without what was late."""
    if theirs:
        if late:
            return tuple(new)
        return (*(code for code in new if code not in came), *(code for code in old if code in went))
    if late:
        return (*(code for code in old if code not in went), *(code for code in new if code in came))
    return tuple(old)


def _late_codes(old: Case, new: Case, late: Late, kind: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the codes that came late and those that went late, as far as the two readings differ in them."""
    before, after = set(getattr(old, kind)), set(getattr(new, kind))
    return late.came(kind) & (after - before), late.went(kind) & (before - after)


def _of_case(case: Case, part: Part) -> Any:
    if part is Part.PRINCIPAL:
        return case.diagnoses[:1]
    return tuple(getattr(case, name) for name in FACTS[part])
