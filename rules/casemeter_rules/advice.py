"""Advice on coding up and down, by one engine for both.

A relation says which treatment goes with which diagnosis. Read one way: a diagnosis that leads to a higher
group, with nothing in the stay that treats or monitors it. Read the other way: a treatment in the stay whose
diagnosis is noted, but not part of the case, and would lead to a higher group if it were confirmed. Whatever
raises the weight names its evidence; an :class:`Advice` without cannot be made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from casemeter_rules.compiled.compiler import PHASE_BITS
from casemeter_rules.earlier import in_case
from casemeter_rules.engine import Report
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Phase, Stay
from casemeter_rules.finding import Finding, RuleState, worst_first
from casemeter_rules.kind import Hit, Undecided
from casemeter_rules.kinds import kinds
from casemeter_rules.recorded import UNUSABLE
from casemeter_rules.relations import Proof, Relation
from casemeter_rules.sentences import finding_of


class GroupOutcome(NamedTuple):
    """The group a case would be in.

    Attributes:
        code: of the group.
        name: of the group; empty: unknown.
        weight: its weight, or score; ``None``: unknown.
    """

    code: str
    name: str = ""
    weight: float | None = None


Regroup = Callable[[Sequence[str]], GroupOutcome | None]
"""Groups the case with other diagnoses, the principal first, all else as it is; ``None``: in no group."""


class Direction(StrEnum):
    """Where advice would take the weight."""

    LOWER = "lower"
    HIGHER = "higher"


_SHOWN: Final = {state: at for at, state in enumerate(RuleState)}
_SIGN: Final = {Direction.LOWER: -1, Direction.HIGHER: 1}


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice.

    Attributes:
        kind: whose words say it.
        direction: where it would take the weight.
        relations: that it rests on.
        diagnoses: that it is about.
        evidence: what in the stay supports it; never empty where the weight would rise.
        group: the case would be in.
        principal: the principal diagnosis it questions; ``None``: it is about other diagnoses.
    """

    kind: str
    direction: Direction
    relations: tuple[Relation, ...]
    diagnoses: tuple[Diagnosis, ...]
    evidence: tuple[Proof, ...]
    group: GroupOutcome
    principal: Diagnosis | None = None

    def __post_init__(self) -> None:
        if self.direction is Direction.HIGHER and not self.evidence:
            raise ValueError("advice that raises the weight names its evidence")


class _Option(NamedTuple):
    """A diagnosis that may be left out or confirmed."""

    diagnosis: Diagnosis
    relations: tuple[Relation, ...]
    evidence: tuple[Proof, ...]


def advise(
    stay: Stay, relations: Sequence[Relation], regroup: Regroup, phase: Phase | None = None
) -> tuple[Advice | Undecided, ...]:
    """Return advice on a stay's coding, and what could not be decided.

    Args:
        stay: the stay.
        relations: which treatment goes with which diagnosis.
        regroup: groups the case with other diagnoses.
        phase: the moment of care; ``None``: relations of every phase.
    """
    codes = in_case(stay)
    held = [relation for relation in relations if _holds(relation, stay, phase)]
    if not codes or not held:
        return ()
    now = regroup(codes)
    if now is None:
        return ()
    asked = _Asked(stay, codes, held, now, regroup)
    return (*asked.without_evidence(), *asked.without_code(), *asked.other_principal())


def report_of(given: Iterable[Advice | Undecided], states: Mapping[str, RuleState] = {}) -> Report:
    """Return advice as findings.

    Args:
        given: of :func:`advise`.
        states: of rules by their id, a finding's or its row's, where they are other than the pack says.
    """
    findings: list[Finding] = []
    undecided: Counter[str] = Counter()
    for each in given:
        if isinstance(each, Undecided):
            undecided[each.fact] += 1
            continue
        state, relation = min(
            ((_state(each.kind, own, states), own) for own in each.relations), key=lambda own: _SHOWN[own[0]]
        )
        if state is RuleState.OFF:
            continue
        told = relation.told._replace(
            id=_id(each.kind, relation),
            kind=each.kind,
            bases=tuple(sorted({basis for own in each.relations for basis in own.told.bases})),
        )
        findings.append(finding_of(told, kinds()[each.kind], _hit(each), state, relation.pack))
    return Report(tuple(sorted(findings, key=worst_first)), dict(sorted(undecided.items())))


def _id(kind: str, relation: Relation) -> str:
    return f"{kind}:{relation.told.id.partition(':')[2]}"


def _state(kind: str, relation: Relation, states: Mapping[str, RuleState]) -> RuleState:
    told = relation.told
    return states.get(_id(kind, relation), states.get(told.id, told.state))


def _holds(relation: Relation, stay: Stay, phase: Phase | None) -> bool:
    if phase is not None and not relation.phases & PHASE_BITS[phase]:
        return False
    return relation.valid_from <= stay.now // MINUTES_PER_DAY <= relation.valid_until


class _Asked:
    """One stay, and what is asked of it."""

    def __init__(
        self,
        stay: Stay,
        codes: tuple[str, ...],
        relations: list[Relation],
        now: GroupOutcome,
        regroup: Regroup,
    ) -> None:
        self._stay = stay
        self._codes = codes
        self._relations = relations
        self._now = now
        self._regroup = regroup
        self._proofs = [relation.proofs(stay) for relation in relations]
        self._of_case = [any(map(relation.is_of, codes)) for relation in relations]

    def without_evidence(self) -> Iterator[Advice | Undecided]:
        """Return advice on other diagnoses that raise the weight and that nothing treats or monitors."""
        options: list[_Option] = []
        for diagnosis in self._in_role("other"):
            lacking = self._lacking(diagnosis)
            if isinstance(lacking, Undecided):
                yield lacking
            elif lacking:
                options.append(_Option(diagnosis, lacking, ()))
        yield from self._advice("weight_without_evidence", Direction.LOWER, options, self._left_out)

    def without_code(self) -> Iterator[Advice | Undecided]:
        """Return advice on diagnoses that are noted, are treated, and would raise the weight if confirmed."""
        found: dict[str, _Option] = {}
        for at, relation in enumerate(self._relations):
            if self._of_case[at]:
                continue
            noted = [each for each in self._stay.diagnoses if relation.is_of(each.code)]
            if any(each.state == "ruled_out" for each in noted):
                continue
            candidates = [each for each in noted if not each.role and each.kind == "western"]
            if not candidates:
                continue
            evidence = self._unexplained(at)
            if not evidence:
                missing = relation.missing(self._stay)
                if missing is not None:
                    yield missing
                continue
            for diagnosis in candidates:
                known = found.get(diagnosis.code, _Option(diagnosis, (), ()))
                proofs = tuple(dict.fromkeys((*known.evidence, *evidence)))
                found[diagnosis.code] = _Option(known.diagnosis, (*known.relations, relation), proofs)
        yield from self._advice(
            "evidence_without_code", Direction.HIGHER, list(found.values()), self._confirmed
        )

    def other_principal(self) -> Iterator[Advice | Undecided]:
        """Return advice on another principal diagnosis.

        The main procedure treats another diagnosis, and nothing in the stay treats the principal one. The
        question is the same whether the weight would rise or fall.
        """
        if not self._stay.procedures:
            return
        principal = next(self._in_role("principal"), None)
        main = self._stay.procedures[0]
        fits = [
            (diagnosis, tuple(own for own in self._relations if own.is_of(diagnosis.code)))
            for diagnosis in self._in_role("other")
        ]
        fits = [(diagnosis, own) for diagnosis, own in fits if any(r.is_treated_by(main.code) for r in own)]
        if principal is None or not fits:
            return
        lacking = self._lacking(principal)
        if isinstance(lacking, Undecided):
            yield lacking
            return
        if not lacking:
            return
        proof = Proof(main.place, main.place, main.name or main.code)
        for diagnosis, own in fits:
            rest = [code for code in self._codes[1:] if code != diagnosis.code]
            outcome = self._regroup((diagnosis.code, self._codes[0], *rest))
            if outcome is None or outcome.code == self._now.code:
                continue
            if outcome.weight is None or self._now.weight is None:
                yield Undecided("weight")
            elif outcome.weight != self._now.weight:
                higher = outcome.weight > self._now.weight
                direction = Direction.HIGHER if higher else Direction.LOWER
                fitting = tuple(relation for relation in own if relation.is_treated_by(main.code))
                yield Advice(
                    "principal_without_evidence",
                    direction,
                    fitting,
                    (diagnosis,),
                    (proof,),
                    outcome,
                    principal,
                )

    def _in_role(self, role: str) -> Iterator[Diagnosis]:
        seen: set[str] = set()
        for diagnosis in self._stay.diagnoses:
            if diagnosis.role != role or diagnosis.code in seen or diagnosis.code.startswith(UNUSABLE):
                continue
            seen.add(diagnosis.code)
            yield diagnosis

    def _lacking(self, diagnosis: Diagnosis) -> tuple[Relation, ...] | Undecided:
        """Return the relations of a diagnosis if the stay holds nothing that any of them names."""
        own = [at for at, relation in enumerate(self._relations) if relation.is_of(diagnosis.code)]
        if any(self._proofs[at] for at in own):
            return ()
        for at in own:
            missing = self._relations[at].missing(self._stay)
            if missing is not None:
                return missing
        return tuple(self._relations[at] for at in own)

    def _unexplained(self, at: int) -> tuple[Proof, ...]:
        """Return the evidence of a relation that no diagnosis of the case explains."""
        explained = {
            proof for own, proofs in enumerate(self._proofs) if self._of_case[own] for proof in proofs
        }
        return tuple(proof for proof in self._proofs[at] if proof not in explained)

    def _left_out(self, options: Sequence[_Option]) -> Sequence[str]:
        out = {option.diagnosis.code for option in options}
        return (self._codes[0], *(code for code in self._codes[1:] if code not in out))

    def _confirmed(self, options: Sequence[_Option]) -> Sequence[str]:
        return (*self._codes, *(option.diagnosis.code for option in options))

    def _advice(
        self,
        kind: str,
        direction: Direction,
        options: list[_Option],
        changed: Callable[[Sequence[_Option]], Sequence[str]],
    ) -> Iterator[Advice | Undecided]:
        """Return advice for each option that alone moves the case, or else for those that together do."""
        moved = False
        for option in options:
            outcome = self._moves(changed([option]), direction)
            if outcome is not None:
                moved = True
                yield _advice(kind, direction, [option], outcome)
        if moved or len(options) < 2:
            return
        outcome = self._moves(changed(options), direction)
        if outcome is None:
            return
        needed = list(options)
        for option in options:
            fewer = [each for each in needed if each is not option]
            if fewer and self._moves(changed(fewer), direction) == outcome:
                needed = fewer
        yield _advice(kind, direction, needed, outcome)

    def _moves(self, codes: Sequence[str], direction: Direction) -> GroupOutcome | Undecided | None:
        """Return the group of other diagnoses if the weight moves in a direction."""
        outcome = self._regroup(codes)
        if outcome is None or outcome.code == self._now.code:
            return None
        if outcome.weight is None or self._now.weight is None:
            return Undecided("weight")
        return outcome if (outcome.weight - self._now.weight) * _SIGN[direction] > 0 else None


def _advice(
    kind: str, direction: Direction, options: Sequence[_Option], outcome: GroupOutcome | Undecided
) -> Advice | Undecided:
    if isinstance(outcome, Undecided):
        return outcome
    return Advice(
        kind,
        direction,
        tuple(dict.fromkeys(relation for option in options for relation in option.relations)),
        tuple(option.diagnosis for option in options),
        tuple(dict.fromkeys(proof for option in options for proof in option.evidence)),
        outcome,
    )


def _hit(advice: Advice) -> Hit:
    about = advice.diagnoses if advice.principal is None else (advice.principal, *advice.diagnoses)
    names = dict.fromkeys(relation.name for relation in advice.relations)
    group = f"{advice.group.code} {advice.group.name}".strip()
    return Hit(
        places=(*(each.place for each in about), *(proof.place for proof in advice.evidence)),
        codes=tuple(each.code for each in about),
        ids=tuple(proof.id for proof in advice.evidence),
        values={
            "diagnosis": "、".join(map(_said, advice.diagnoses)),
            "principal": "" if advice.principal is None else _said(advice.principal),
            "looked_for": "、".join(names),
            "found": "、".join(dict.fromkeys(proof.said for proof in advice.evidence)),
            "group": group,
        },
    )


def _said(diagnosis: Diagnosis) -> str:
    name = diagnosis.standard_name or diagnosis.name
    return f"{diagnosis.code} {name}".strip()
