"""Trying one rule on one stay, as it is read plainly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from casemeter_rules.advice import Advice, GroupOutcome, advise
from casemeter_rules.compiled.book import Told
from casemeter_rules.examples import day_of
from casemeter_rules.facts import Diagnosis, Phase, Procedure, Stay
from casemeter_rules.kind import Hit, Kind, Rule, Sets, Undecided
from casemeter_rules.relations import KINDS as RELATIONS
from casemeter_rules.relations import Relation
from casemeter_rules.walker import Broken, walk


class Outcome(NamedTuple):
    """What became of a rule.

    Attributes:
        broken: its checks that are broken, before its kind looks once more.
        fires: whether it is a finding.
        missing: facts for want of which it is undecided.
    """

    broken: tuple[Broken, ...]
    fires: bool
    missing: tuple[str, ...]


def try_rule(rule: Rule, kind: Kind, sets: Sets, stay: Stay, phase: Phase | None = None) -> Outcome:
    """Try a rule on a stay.

    Args:
        rule: the rule.
        kind: its kind.
        sets: of the pack.
        stay: the stay.
        phase: the moment of care; ``None``: the first in which the rule decides.
    """
    if phase is not None and phase not in rule.phases:
        return Outcome((), False, ())
    if kind.name in RELATIONS:
        return _advised(rule, stay)
    if kind.decide is not None and not rule.triggers:
        outcomes = list(kind.decide(stay, rule.values, sets))
        missing = tuple(each.fact for each in outcomes if isinstance(each, Undecided))
        return Outcome((), any(isinstance(each, Hit) for each in outcomes), missing)
    broken, undecided = walk([rule], {kind.name: kind}, stay, Phase(rule.phases[0]), day_of(rule))
    if kind.confirm is None or not broken:
        return Outcome(tuple(broken), bool(broken), tuple(undecided))
    missing = tuple(undecided)
    fires = False
    for each in broken:
        outcome = kind.confirm(stay, rule.values, sets, _hit(each, stay))
        fires = fires or isinstance(outcome, Hit)
        if isinstance(outcome, Undecided):
            missing = (*missing, outcome.fact)
    return Outcome(tuple(broken), fires, missing)


def _advised(rule: Rule, stay: Stay) -> Outcome:
    """Try a relation on its own, by a scheme in which each diagnosis weighs the same."""
    told = Told(rule.id, rule.kind, rule.official_type, rule.bases, rule.state, rule.tier, {**rule.values})
    outcomes = advise(stay, [Relation(told)], _count)
    missing = tuple(each.fact for each in outcomes if isinstance(each, Undecided))
    return Outcome((), any(isinstance(each, Advice) for each in outcomes), missing)


def _count(codes: Sequence[str]) -> GroupOutcome:
    return GroupOutcome(f"{len(codes)}", weight=float(len(codes)))


def _hit(broken: Broken, stay: Stay) -> Hit:
    coded: list[Diagnosis | Procedure] = [*stay.diagnoses, *stay.procedures]
    entries = {entry.place: entry for entry in coded}
    items = {item.place: item for item in stay.items or ()}
    codes = [(entries.get(place) or items[place]).code for place in broken.places]
    ids = [items[place].id for place in broken.places if place in items]
    return Hit(broken.places, tuple(dict.fromkeys(codes)), broken.measured, tuple(filter(None, ids)))
