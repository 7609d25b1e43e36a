"""The kernel of the rules says what the plain reading says, of anything that can be recorded."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from casemeter_rules.checks import (
    SAME_DAY,
    STAY,
    Apart,
    Check,
    DaysWithin,
    Excludes,
    Needs,
    Present,
    QuantityWithin,
    Slot,
)
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.compiled.compiler import Compiler
from casemeter_rules.compiled.layout import MISSING, RULE
from casemeter_rules.compiled.mapped import in_memory
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Phase, Procedure, Stay
from casemeter_rules.finding import RuleState, Tier
from casemeter_rules.kernel import Broken, Mapped, decide
from casemeter_rules.kind import Kind, Rule
from casemeter_rules.recorded import entries_of, recorded
from casemeter_rules.walker import Broken as Walked
from casemeter_rules.walker import walk
from rule_strategies import DAY, KINDS, codes, keys, recorded_codes, rule_lists, stays

Outcome = tuple[list[Walked], dict[str, int]]


class Compiled:
    """Rules as the kernel reads them."""

    def __init__(self, rules: Sequence[Rule], kinds: Mapping[str, Kind] = KINDS) -> None:
        arrays = Compiler(kinds).compile(rules)
        self.mapped: Mapped = in_memory(arrays)
        self.clauses = arrays["clauses"]
        self.rules = rules

    def decide(self, stay: Stay, phase: Phase) -> Outcome:
        entries = entries_of(stay)
        broken = Broken(*decide(self.mapped, recorded(stay, phase, entries)))
        first_clause: dict[int, int] = {}
        for clause, row in enumerate(self.clauses):
            first_clause.setdefault(int(row[RULE]), clause)
        found = []
        for (clause, first, end, further), measured in zip(broken.clauses, broken.measured, strict=True):
            assert further == -1
            rule = int(self.clauses[clause, RULE])
            places = tuple(dict.fromkeys(entries[at].place for at in broken.touched[first:end]))
            number = None if math.isnan(measured) else float(measured)
            found.append(Walked(self.rules[rule].id, int(clause) - first_clause[rule], number, places))
        missing = {MISSING[at]: int(count) for at, count in enumerate(broken.undecided) if count}
        return found, dict(sorted(missing.items()))


def both(rules: Sequence[Rule], stay: Stay, phase: Phase = Phase.ORDER) -> Outcome:
    """What the kernel says, which is what the walker says."""
    found = Compiled(rules).decide(stay, phase)
    assert found == walk(rules, KINDS, stay, phase, DAY)
    return found


def rule(*checks: Check, triggers: Sequence[Key] = (Key(Space.ITEM, "A"),), kind: str = "in_case") -> Rule:
    return Rule(
        id=f"{kind}:1",
        kind=kind,
        triggers=tuple(triggers),
        checks=checks,
        values={},
        official_type="",
        bases=("test",),
        state=RuleState.ACTIVE,
        tier=Tier.WARN,
        phases=tuple(Phase),
    )


def item(code: str, day: int | None = 0, quantity: int | None = 10_000, at: int = 0, minute: int = 0) -> Item:
    when = None if day is None else (DAY - 10 + day) * MINUTES_PER_DAY + minute
    return Item(code, f"i{at}", minute=when, quantity=quantity)


def stay_of(*items: Item, **facts: object) -> Stay:
    placed = tuple(one._replace(place=f"i{at}") for at, one in enumerate(items))
    return Stay(items=placed, now=DAY * MINUTES_PER_DAY, **facts)  # type: ignore[arg-type]


@given(rule_lists, st.lists(stays, min_size=1, max_size=4), st.sampled_from((Phase.ORDER, Phase.DISCHARGE)))
@settings(max_examples=800, deadline=None)
def test_kernel_and_walker_agree(rules: list[Rule], some: list[Stay], phase: Phase) -> None:
    compiled = Compiled(rules)
    for stay in some:
        assert compiled.decide(stay, phase) == walk(rules, KINDS, stay, phase, DAY)


@given(st.lists(keys, min_size=1, max_size=30), st.lists(recorded_codes, max_size=20))
@settings(max_examples=300, deadline=None)
@example([Key(Space.ITEM, "药" * 64, prefix=True)], ["药" * 64])
@example([Key(Space.ITEM, "A")], ["A\0B"])
@example(
    [Key(Space.ITEM, "A"), Key(Space.ITEM, "A", prefix=True), Key(Space.ITEM, "A\0", prefix=True)], ["A\0B"]
)
def test_a_code_brings_up_the_keys_that_cover_it(named: list[Key], there: list[str]) -> None:
    rules = [replace(rule(Present(), triggers=[key]), id=f"in_case:{at:03d}") for at, key in enumerate(named)]
    stay = stay_of(*(item(code) for code in there))
    found, _ = both(rules, stay)
    assert {one.rule for one in found} == {
        one.id
        for one in rules
        if one.triggers[0].space == Space.ITEM and any(map(one.triggers[0].covers, there))
    }


@given(rule_lists)
@settings(max_examples=100, deadline=None)
def test_a_stay_without_anything_breaks_nothing(rules: list[Rule]) -> None:
    assert both(rules, Stay(now=DAY * MINUTES_PER_DAY)) == ([], {})


def test_no_rules_break_nothing() -> None:
    assert both([], stay_of(item("A"))) == ([], {})


@given(codes, st.booleans(), st.integers(1, 5))
@settings(deadline=None)
def test_a_code_told_twice_by_its_rule_counts_once(code: str, prefix: bool, times: int) -> None:
    """Its keys may cover each other."""
    triggers = [Key(Space.ITEM, code), Key(Space.ITEM, code[:1], prefix=True), Key(Space.ITEM, code, prefix)]
    asked = rule(QuantityWithin(times * 10_000 - 1, 0), triggers=triggers)
    found, _ = both([asked], stay_of(*[item(code)] * times))
    assert [one.measured for one in found] == [times]


@pytest.mark.parametrize(
    ("check", "items", "expected"),
    [
        # At the limit, and just above.
        (QuantityWithin(20_000, 1), [item("A", 1), item("A", 1)], None),
        (QuantityWithin(20_000, 1), [item("A", 1), item("A", 1), item("A", 1, 1)], 2.0001),
        (QuantityWithin(20_000, 2), [item("A", 1), item("A", 2), item("A", 3)], None),
        (QuantityWithin(20_000, 3), [item("A", 1), item("A", 2), item("A", 3)], 3),
        # One of unknown time lies in some period; two may lie in two.
        (QuantityWithin(20_000, 1), [item("A", None, 30_000)], 3),
        (QuantityWithin(20_000, 1), [item("A", None), item("A", None)], None),
        (QuantityWithin(20_000, 1), [item("A", None, 20_000), item("A", 1)], "item_time"),
        (QuantityWithin(20_000, 0), [item("A", None, 20_000), item("A", None)], 3),
        (QuantityWithin(20_000, 0), [item("A", 1, None)], "item_quantity"),
        (DaysWithin(2), [item("A", 1), item("A", 1), item("A", 9)], None),
        (DaysWithin(2), [item("A", 1), item("A", 2), item("A", 9)], 3),
        (DaysWithin(2), [item("A", 1), item("A", None)], None),
        (DaysWithin(2), [item("A", 1), item("A", 2), item("A", None)], "item_time"),
        (Apart(3), [item("A", 1), item("A", 4)], None),
        (Apart(3), [item("A", 1), item("A", 1), item("A", 3)], 2),
        (Apart(3), [item("A", 1), item("A", None)], "item_time"),
        (Apart(3), [item("A", None)], None),
    ],
)
def test_limits(check: Check, items: list[Item], expected: float | str | None) -> None:
    found, undecided = both([rule(check)], stay_of(*items))
    if isinstance(expected, str):
        assert (found, undecided) == ([], {expected: 1})
    else:
        assert [one.measured for one in found] == ([] if expected is None else [expected])
        assert not undecided


B = CodeSet(frozenset((Key(Space.ITEM, "B", prefix=True),)))


@pytest.mark.parametrize(
    ("window", "first", "second", "near"),
    [
        (STAY, (0, 0), (9, 0), True),
        (STAY, (None, 0), (9, 0), True),
        (SAME_DAY, (1, 0), (1, 1439), True),
        (SAME_DAY, (1, 1439), (2, 0), False),
        (SAME_DAY, (1, 0), (None, 0), None),
        (60, (1, 1439), (2, 59), True),
        (60, (1, 1439), (2, 60), False),
    ],
)
def test_windows(
    window: int, first: tuple[int | None, int], second: tuple[int | None, int], near: bool | None
) -> None:
    stay = stay_of(item("A", first[0], minute=first[1]), item("B1", second[0], minute=second[1]))
    undecided = {"item_time": 1} if near is None else {}
    excluded = [Walked("in_case:1", 0, None, ("i0", "i1"))] if near else []
    assert both([rule(Excludes(Slot.ITEM, B, window))], stay) == (excluded, undecided)
    lonely = [Walked("in_case:1", 0, None, ("i0",))] if near is False else []
    assert both([rule(Needs(Slot.ITEM, B, window))], stay) == (lonely, undecided)


def test_only_what_breaks_a_check_proves_it() -> None:
    stay = stay_of(*(item("A", day) for day in range(4)), item("B", 2), item("B", 3))
    found, _ = both([rule(Excludes(Slot.ITEM, B, SAME_DAY))], stay)
    assert found[0].places == ("i2", "i3", "i4", "i5")
    found, _ = both([rule(Needs(Slot.ITEM, B, SAME_DAY))], stay)
    assert found[0].places == ("i0", "i1")
    found, _ = both([rule(QuantityWithin(10_000, 2))], stay)
    assert found[0].places == ("i0", "i1")
    found, _ = both([rule(Apart(2))], stay)
    assert found[0].places == ("i0", "i1")


def test_what_nobody_knows_decides_nothing() -> None:
    needed = CodeSet(frozenset((Key(Space.DIAGNOSIS, "B"),)))
    drug = item("A")
    other = rule(Needs(Slot.OTHER_DIAGNOSIS, needed))
    principal = rule(Needs(Slot.PRINCIPAL, needed))
    done = rule(Needs(Slot.ANY_PROCEDURE, CodeSet(frozenset((Key(Space.PROCEDURE, "B"),)))))
    assert both([other], stay_of(drug)) == ([], {"diagnoses": 1})
    only = stay_of(drug, diagnoses=(Diagnosis("C", "d0", "principal"),))
    assert len(both([other], only)[0]) == 1  # there is no other one
    assert both([principal], only._replace(diagnoses=(Diagnosis("C", "d0", "other"),)))[1] == {"diagnoses": 1}
    assert len(both([done], stay_of(drug))[0]) == 1
    assert both([done], stay_of(drug, procedures=(Procedure("?9", "p0"),)))[1] == {"procedures": 1}
    of_items = rule(Excludes(Slot.ITEM, B), triggers=[Key(Space.PROCEDURE, "P")])
    unknown = Stay(procedures=(Procedure("P", "p0"),), now=DAY * MINUTES_PER_DAY)
    assert both([of_items], unknown) == ([], {"items": 1})


@pytest.mark.parametrize("alike", [True, False])
def test_five_thousand_items_are_decided_in_time(alike: bool) -> None:
    """Also where all are of one code and name each other; the limit is far from what it takes."""
    rng = random.Random(5)
    names = ["A"] if alike else [f"{number:015d}" for number in range(300)]
    items = [
        item(
            rng.choice(names),
            rng.randrange(10),
            minute=rng.randrange(1440),
            quantity=rng.choice((5_000, 10_000)),
        )
        for _ in range(5_000)
    ]
    everything = CodeSet(frozenset(Key(Space.ITEM, name) for name in names))
    asked = (
        *(Excludes(Slot.ITEM, everything, SAME_DAY, True), Needs(Slot.ITEM, everything, 60)),
        *(QuantityWithin(50_000, 2), DaysWithin(9), Apart(2)),
    )
    rules = [
        replace(rule(*asked, triggers=[Key(Space.ITEM, name)]), id=f"in_case:{name}")
        for name in sorted(names)
    ]
    compiled = Compiled(rules)
    stay = stay_of(*items)
    compiled.decide(stay, Phase.ORDER)
    read = recorded(stay, Phase.ORDER, entries_of(stay))
    start = time.perf_counter()
    decide(compiled.mapped, read)
    assert time.perf_counter() - start < 0.5
    few = stay._replace(items=stay.items[:400] if stay.items else ())
    assert compiled.decide(few, Phase.ORDER) == walk(rules, KINDS, few, Phase.ORDER, DAY)


def test_equal_rules_give_equal_arrays_whatever_their_order() -> None:
    one = [replace(rule(Needs(Slot.ITEM, B)), id="in_case:1"), replace(rule(DaysWithin(1)), id="in_case:2")]
    first, second = (Compiler(KINDS).compile(one) for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)
