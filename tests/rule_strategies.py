"""Random rules over every check, and random stays: few codes, days and values, so that they meet."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from casemeter_rules.checks import (
    NUMBERS,
    SAME_DAY,
    SAME_HOUR,
    STAY,
    VALUES,
    Among,
    Apart,
    Between,
    Check,
    DaysWithin,
    Excludes,
    Needs,
    Present,
    QuantityWithin,
    Slot,
)
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Phase, Procedure, Stay
from casemeter_rules.finding import FindingClass, RuleState, Tier
from casemeter_rules.kind import Kind, Position, Rule, Words

DAY: Final = 20_500
LETTERS: Final = "AB药"

texts = st.text(st.sampled_from(LETTERS), min_size=1, max_size=3)
long_texts = st.builds(lambda text, more: text * 40 + more, st.sampled_from(LETTERS), texts)
codes = st.one_of(texts, texts, texts, long_texts.map(lambda text: text[:64]))
recorded_codes = st.one_of(codes, codes, codes, st.sampled_from(("?", "?A", "A\0", "A\0B")))
keys = st.builds(Key, st.sampled_from(Space), codes, st.booleans())
code_sets = st.frozensets(keys, max_size=4).map(CodeSet)
windows = st.sampled_from((STAY, SAME_DAY, SAME_HOUR, 0, 59, 60, 1440, 3000))

checks: st.SearchStrategy[Check] = st.one_of(
    st.just(Present()),
    st.builds(
        lambda fact, low, more: Between(fact, low, low + more),
        st.sampled_from(NUMBERS),
        st.sampled_from((float("-inf"), 0.0, 1.0, 2.0)),
        st.sampled_from((0.0, 1.0, float("inf"))),
    ).filter(lambda check: check.low == check.low and check.high == check.high),
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda fact: st.frozensets(st.sampled_from(VALUES[fact])).map(lambda values: Among(fact, values))
    ),
    st.builds(
        lambda slot, members, window: Needs(slot, _of(slot, members), window),
        st.sampled_from(Slot),
        code_sets,
        windows,
    ),
    st.builds(
        lambda slot, members, window, whole: Excludes(slot, _of(slot, members), window, whole),
        *(st.sampled_from(Slot), code_sets, windows, st.booleans()),
    ),
    st.builds(QuantityWithin, st.integers(0, 40_000), st.integers(0, 4)),
    st.builds(DaysWithin, st.integers(0, 4)),
    st.builds(Apart, st.integers(0, 4)),
)
"""Every check."""


def _of(slot: Slot, members: CodeSet) -> CodeSet:
    """A set of the space in which a slot is."""
    space = {Slot.ITEM: Space.ITEM, Slot.ANY_PROCEDURE: Space.PROCEDURE}.get(slot, Space.DIAGNOSIS)
    return CodeSet(frozenset(key._replace(space=space) for key in members.keys))


def _kind(name: str, positions: Position, unless: CodeSet | None = None) -> Kind:
    return Kind(
        name=name,
        title_zh=name,
        title_en=name,
        finding_class=FindingClass.ORDER,
        subclass=name,
        tier=Tier.WARN,
        phases=tuple(Phase),
        facts=(),
        columns=(),
        key=(),
        words=Words(name, name, name, name),
        positions=positions,
        unless=unless,
    )


KINDS: Final = {
    kind.name: kind
    for kind in (
        _kind("in_case", Position.PRINCIPAL | Position.OTHER),
        _kind("principal", Position.PRINCIPAL),
        _kind("other", Position.OTHER),
        _kind("aside", Position.ASIDE),
        _kind("anywhere", Position.PRINCIPAL | Position.OTHER | Position.ASIDE),
        _kind(
            "unless",
            Position.PRINCIPAL | Position.OTHER,
            CodeSet(frozenset((Key(Space.DIAGNOSIS, "AB"), Key(Space.DIAGNOSIS, "药", prefix=True)))),
        ),
    )
}

_rules = st.builds(
    lambda kind, triggers, asked, phases, dates: Rule(
        id="",
        kind=kind,
        triggers=tuple(dict.fromkeys(triggers)),
        checks=tuple(asked),
        values={},
        official_type="",
        bases=("test",),
        state=RuleState.ACTIVE,
        tier=Tier.WARN,
        phases=tuple(sorted(phases)),
        valid_from=min(dates),
        valid_until=max(dates),
    ),
    st.sampled_from(sorted(KINDS)),
    st.lists(keys, min_size=1, max_size=3),
    st.lists(checks, min_size=1, max_size=3),
    st.sets(st.sampled_from((Phase.ORDER, Phase.DISCHARGE)), min_size=1),
    st.tuples(st.sampled_from((DAY - 1, DAY, -(2**31))), st.sampled_from((DAY, DAY + 1, 2**31 - 1))),
)
rule_lists = st.lists(_rules, max_size=6).map(
    lambda rules: [_named(rule, f"{rule.kind}:{number:02d}") for number, rule in enumerate(rules)]
)


def _named(rule: Rule, name: str) -> Rule:
    from dataclasses import replace

    return replace(rule, id=name)


_minutes = st.one_of(
    st.none(),
    st.builds(
        lambda day, minute: (DAY - day) * MINUTES_PER_DAY + minute,
        *(st.integers(0, 5), st.sampled_from((0, 1, 59, 60, 119, 720, 1439))),
    ),
)
_items = st.builds(
    lambda code, minute, quantity: Item(code, "", minute=minute, quantity=quantity),
    *(st.one_of(recorded_codes, st.just("")), _minutes),
    st.sampled_from((None, 0, 5_000, 9_999, 10_000, 10_000, 20_000)),
)
_diagnoses = st.builds(
    lambda code, role: Diagnosis(code, "", role), recorded_codes, st.sampled_from(("principal", "other", ""))
)
_procedures = st.builds(lambda code, minute: Procedure(code, "", start=minute), recorded_codes, _minutes)


def _placed(stay: Stay) -> Stay:
    items = stay.items
    return stay._replace(
        diagnoses=tuple(one._replace(place=f"d{at}") for at, one in enumerate(stay.diagnoses)),
        procedures=tuple(one._replace(place=f"p{at}") for at, one in enumerate(stay.procedures)),
        items=None if items is None else tuple(one._replace(place=f"i{at}") for at, one in enumerate(items)),
    )


_numbers = st.one_of(st.none(), st.sampled_from((0.0, 0.5, 1.0, 2.0, 3.0)))
stays = st.builds(
    Stay,
    diagnoses=st.lists(_diagnoses, max_size=4).map(tuple),
    procedures=st.lists(_procedures, max_size=3).map(tuple),
    items=st.one_of(st.none(), st.lists(_items, max_size=8).map(tuple)),
    now=st.just(DAY * MINUTES_PER_DAY + 700),
    **dict.fromkeys(NUMBERS, _numbers),
    **{fact: st.one_of(st.none(), st.just("?"), st.sampled_from(values)) for fact, values in VALUES.items()},
).map(_placed)
"""Stays of up to fifteen entries, with everything known or not."""
