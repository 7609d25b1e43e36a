"""Examples made from what a rule asks lie at its limits; conditions of rules, from table to finding."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from casemeter_grouper.dictionary import Dictionary
from casemeter_grouper.pack.build import build
from casemeter_rules.checking.mutants import mutants_of
from casemeter_rules.checking.trial import try_rule
from casemeter_rules.checks import (
    SAME_DAY,
    SAME_HOUR,
    STAY,
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
from casemeter_rules.compiled.book import Book
from casemeter_rules.engine import find
from casemeter_rules.examples import examples_of
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Phase, Stay
from casemeter_rules.finding import FindingClass
from casemeter_rules.kind import Context, Rule
from rule_strategies import DAY, KINDS, rule_lists

CONTEXT = Context(Dictionary({}, {}, {}, {}), {})
TINY = Path(__file__).parent / "data" / "tiny_rules"
ITEMS = CodeSet(frozenset((Key(Space.ITEM, "B"), Key(Space.ITEM, "C", prefix=True))))
DIAGNOSES = CodeSet(frozenset((Key(Space.DIAGNOSIS, "A41", prefix=True),)))


ITEM = Key(Space.ITEM, "A")


def rule(check: Check, kind: str = "in_case", trigger: Key = ITEM) -> Rule:
    from test_rules_kernel import rule as made

    return replace(made(check, kind=kind), triggers=(trigger,))


CHECKS: list[Check] = [
    Present(),
    *(Between("age_years", 14), Between("age_days", high=28), Between("los_days", 2, 5)),
    *(Among("sex", frozenset("M")), Among("visit_kind", frozenset(("inpatient", "day_surgery")))),
    *(Needs(slot, DIAGNOSES) for slot in (Slot.PRINCIPAL, Slot.ANY_DIAGNOSIS, Slot.OTHER_DIAGNOSIS)),
    *(Needs(Slot.ITEM, ITEMS, window) for window in (STAY, SAME_DAY, SAME_HOUR, 360)),
    *(Excludes(slot, DIAGNOSES) for slot in (Slot.PRINCIPAL, Slot.OTHER_DIAGNOSIS)),
    *(
        Excludes(Slot.ITEM, ITEMS, window, whole)
        for window in (STAY, SAME_DAY, 60)
        for whole in (True, False)
    ),
    *(QuantityWithin(most, days) for most in (0, 10_000, 25_000) for days in (0, 1, 2, 7)),
    *(DaysWithin(0), DaysWithin(1), DaysWithin(14), Apart(2), Apart(7)),
]


@pytest.mark.parametrize(
    "check", CHECKS, ids=[f"{at} {type(check).__name__}" for at, check in enumerate(CHECKS)]
)
def test_made_examples_say_what_they_are_and_notice_each_moved_limit(check: Check) -> None:
    asked = rule(check)
    kind = KINDS["in_case"]
    examples = list(examples_of(asked, kind, CONTEXT))
    outcomes = [try_rule(asked, kind, {}, each.stay) for each in examples]
    assert [each.fires for each in outcomes] == [each.fires for each in examples]
    assert {each.fires for each in examples} == {True, False}
    assert not any(each.missing for each in outcomes)
    for mutant in mutants_of(asked):
        changed = [try_rule(mutant.rule, kind, {}, each.stay).fires for each in examples]
        assert changed != [each.fires for each in examples], mutant.said


@given(rule_lists)
@settings(max_examples=200, deadline=None)
def test_examples_can_be_made_of_any_rule(rules: list[Rule]) -> None:
    for each in rules:
        for example in examples_of(each, KINDS[each.kind], CONTEXT):
            try_rule(each, KINDS[each.kind], {}, example.stay)


@pytest.mark.parametrize("kind", ["principal", "other", "aside", "unless"])
@pytest.mark.parametrize("space", [Space.DIAGNOSIS, Space.PROCEDURE])
def test_a_trigger_plays_the_part_that_it_must(kind: str, space: Space) -> None:
    if (kind, space) == ("aside", Space.PROCEDURE):
        return
    asked = rule(Present(), kind, Key(space, "K35"))
    found = [
        try_rule(asked, KINDS[kind], {}, each.stay).fires for each in examples_of(asked, KINDS[kind], CONTEXT)
    ]
    assert found[0] is True
    assert found[1:] == [False] * (len(found) - 1)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    pack = shutil.copytree(TINY, tmp_path / "pack")
    build(pack, tmp_path / "x.bundle")
    return Book.open(tmp_path / "x.bundle")


NOW = DAY * MINUTES_PER_DAY


def stay(*items: Item, **facts: object) -> Stay:
    return Stay(items=items, now=NOW, **facts)  # type: ignore[arg-type]


def test_a_condition_is_a_finding_with_its_evidence(book: Book) -> None:
    drug = Item("320000199", "encounter.charges.lines[0]", id="L1", minute=NOW, quantity=40_000)
    cold = (Diagnosis("J18.900", "encounter.diagnoses[0]", "principal"),)
    (found,) = find([book], stay(drug, diagnoses=cold), Phase.ORDER).findings
    assert (found.kind, found.subclass, found.finding_class) == (
        "condition",
        "antibiotics",
        FindingClass.ORDER,
    )
    assert found.codes == ("320000199",)
    assert found.evidence == ("L1",)
    assert found.text_en == "More than three antibiotics and no infection"
    fewer = drug._replace(quantity=30_000)
    assert not find([book], stay(fewer, diagnoses=cold), Phase.ORDER).findings
    unknown = drug._replace(quantity=None)
    report = find([book], stay(unknown, diagnoses=cold), Phase.ORDER)
    assert (report.findings, dict(report.undecided)) == ((), {"item_quantity": 1})


def test_a_condition_that_waits_for_no_code_is_asked_of_every_stay(book: Book) -> None:
    (found,) = find([book], stay(los_days=61), Phase.DISCHARGE).findings
    assert found.subclass == "long_stay"
    assert not find([book], stay(los_days=61), Phase.ORDER).findings  # not its phase
    assert dict(find([book], stay(), Phase.DISCHARGE).undecided) == {"los_days": 1}
