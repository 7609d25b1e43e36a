"""Conditions of rules: how they are read, what they mean where facts are missing, and what they wait for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter_grouper.condition import (
    RULE,
    SCHEME,
    And,
    Compare,
    Condition,
    ConditionError,
    Const,
    Flag,
    InSet,
    Measure,
    Not,
    OneOf,
    Or,
    Test,
    nodes,
    parse,
    space_of,
    text_of,
)
from casemeter_grouper.condition.nodes import COMPARISONS, MEASURES, days_of
from casemeter_grouper.condition.parser import MAX_LENGTH, MAX_WINDOW
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.conditions import Decision, Truth, decide, mutations, watches_of
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Phase, Procedure, Stay

TABLE: Final = tomllib.loads((Path(__file__).parent / "data" / "rule_conditions.toml").read_text("utf-8"))
ADMISSION: Final = "2026-01-01 08:00"
NOW: Final = "2026-01-10 12:00"


def read(text: str) -> Condition:
    return parse(text, RULE)


# Reading and writing


@pytest.mark.parametrize(("text", "canonical"), TABLE["good"].items())
def test_a_condition_is_read_and_written(text: str, canonical: str) -> None:
    assert text_of(read(text)) == canonical
    assert read(canonical) == read(text)


@pytest.mark.parametrize(
    ("text", "fault", "vocabulary"),
    [
        *((text, fault, RULE) for text, fault in TABLE["bad"].items()),
        *((text, fault, SCHEME) for text, fault in TABLE["scheme"].items()),
    ],
)
def test_a_fault_is_named_with_its_column_and_how_to_mend_it(
    text: str, fault: tuple[int, str, str], vocabulary: Any
) -> None:
    column, problem, mend = fault
    with pytest.raises(ConditionError) as caught:
        parse(text, vocabulary)
    error = caught.value
    shown = error.mend[: len(mend) - 3] + "..." if mend.endswith("...") else error.mend
    assert (error.column, error.problem, shown) == (column, problem, mend)
    for part in ("problem", "mend"):
        assert re.search("[一-鿿]", error.say(part, "zh"))


def test_no_condition_explodes() -> None:
    most = RULE.max_tests or 0
    read(" or ".join(["pdx in S"] * most))
    with pytest.raises(ConditionError, match=f"more than {most} tests") as caught:
        read(" or ".join(["pdx in S"] * (most + 1)))
    assert caught.value.column == most * len("pdx in S or ") + 1
    with pytest.raises(ConditionError, match="nest deeper"):
        read("not " * 60 + "always")
    with pytest.raises(ConditionError, match="longer than"):
        read("always".ljust(MAX_LENGTH + 1))


def test_the_words_of_rules_are_those_of_the_facts() -> None:
    assert RULE.fields["phase"] == tuple(Phase)
    named = {"phase", "admission_date", "discharge_date", "as_of_date", "preop_days"}
    assert {*RULE.numbers, *RULE.dates, *RULE.fields} - named <= set(Stay._fields)
    assert len(set(RULE.starts)) == len(RULE.starts)


# Meaning, told by the table


def _sets() -> dict[str, CodeSet]:
    return {
        name: CodeSet(frozenset(Key(Space[space.upper()], code, match == "prefix") for code, match in rows))
        for name, (space, *rows) in TABLE["sets"].items()
    }


SETS: Final = _sets()


def minute(text: str) -> int:
    return int((datetime.fromisoformat(text) - datetime(1970, 1, 1)).total_seconds()) // 60


def _noon_of(day: str) -> int:
    return minute(ADMISSION) // MINUTES_PER_DAY * MINUTES_PER_DAY + (int(day) - 1) * MINUTES_PER_DAY + 720


def _diagnosis(at: int, text: str) -> Diagnosis:
    code, _, condition = text.strip("()").partition("@")
    role = "" if text.startswith("(") else "other" if at else "principal"
    return Diagnosis(code, f"diagnoses[{at}]", role, admission_condition=int(condition or 0))


def _marks(words: list[str]) -> dict[str, str]:
    return {word[0]: word[1:] for word in words}


def _procedure(at: int, text: str) -> Procedure:
    code, *words = text.split()
    day = _marks(words).get("d")
    return Procedure(code, f"procedures[{at}]", start=_noon_of(day) if day else None)


def _item(at: int, text: str) -> Item:
    code, *words = text.split()
    marks = _marks(words)
    return Item(
        code="" if code == "-" else code,
        place=f"items[{at}]",
        minute=_noon_of(marks["d"]) if "d" in marks else None,
        quantity=round(float(marks["x"]) * 10_000) if "x" in marks else None,
        amount_fen=round(float(marks.get("y", 0)) * 100),
        ordered="ordered" in words,
        placing="placing" in words,
    )


def stay_of(case: dict[str, Any]) -> Stay:
    facts = {key: value for key, value in case.items() if key in Stay._fields}
    facts["diagnoses"] = tuple(
        _diagnosis(at, text) for at, text in enumerate(facts.get("diagnoses", [])) if text != "-"
    )
    facts["procedures"] = tuple(_procedure(at, text) for at, text in enumerate(facts.get("procedures", [])))
    if "items" in facts:
        facts["items"] = tuple(_item(at, text) for at, text in enumerate(facts["items"]))
    admission = facts.get("admission", ADMISSION)
    facts["admission"] = None if admission == "unknown" else minute(admission)
    facts["discharge"] = minute(facts["discharge"]) if "discharge" in facts else None
    return Stay(**facts, now=minute(NOW))


def told() -> Iterator[Any]:
    for case in TABLE["stay"]:
        assert case.keys() <= {"what", "true", "false", "unknown", "evidence", "phase", *Stay._fields}
        for key in ("true", "false"):
            for text in case.get(key, []):
                yield pytest.param(case, text, Truth[key.upper()], None, (), id=f"{case['what']}: {text}")
        for text, missing in case.get("unknown", {}).items():
            yield pytest.param(case, text, Truth.UNKNOWN, (), tuple(missing), id=f"{case['what']}: {text}")
        for text, evidence in case.get("evidence", {}).items():
            yield pytest.param(case, text, Truth.TRUE, tuple(evidence), (), id=f"{case['what']}: {text}")


@pytest.mark.parametrize(("case", "text", "truth", "evidence", "missing"), list(told()))
def test_a_condition_means_what_the_table_says(
    case: dict[str, Any], text: str, truth: Truth, evidence: tuple[str, ...] | None, missing: tuple[str, ...]
) -> None:
    phase = Phase(case["phase"]) if "phase" in case else None
    decision = decide(read(text), stay_of(case), SETS, phase)
    assert (decision.truth, decision.missing) == (truth, missing)
    if evidence is not None:
        assert decision.evidence == evidence


# Meaning, said a second time for stays of which everything is known

NAMES: Final = ("A", "B", "C")
CODES: Final = {
    "diagnosis": ("I63.900", "I63.800", "E11.900", "I10.x00"),
    "procedure": ("36.1500", "36.1600", "37.2100"),
    "item": ("XA01", "XA02", "XB01", "YC01"),
}
SMALL: Final = {
    f"{name}_{space}": CodeSet(
        frozenset({Key(Space[space.upper()], codes[at]), Key(Space[space.upper()], codes[at + 1][:3], True)})
    )
    for space, codes in CODES.items()
    for at, name in enumerate(NAMES[: len(codes) - 1])
}
DAY: Final = 20_454
NUMBER_BOUNDS: Final = (0.0, 1.0, 2.0, 3.0)
TEXTS: Final = {
    "department": ("D1", "D2"),
    "insurance": ("employee", "resident"),
    "facility_kind": ("眼科专科医院",),
}


def set_names(space: str) -> st.SearchStrategy[str]:
    return st.sampled_from([name for name in SMALL if name.endswith(space)])


def _in_set(slot: str) -> st.SearchStrategy[Test]:
    return st.builds(InSet, st.just(slot), set_names(space_of(InSet(slot, ""))))


def _measure(name: str) -> st.SearchStrategy[Test]:
    kind = MEASURES[name]
    days = st.sampled_from((0, 1, 2, 3)) if kind.windowed else st.just(0)
    bounds = (*NUMBER_BOUNDS, 4.0, *((1.5, 0.01) if kind.decimals else ()))
    ops, limits = st.sampled_from(COMPARISONS), st.sampled_from(bounds)
    return st.builds(Measure, st.just(name), ops, limits, set_names(kind.space), days)


def _compare(name: str) -> st.SearchStrategy[Test]:
    limits = [float(DAY + at) for at in range(4)] if name in RULE.dates else NUMBER_BOUNDS
    return st.builds(Compare, st.just(name), st.sampled_from(COMPARISONS), st.sampled_from(limits))


def _one_of(name: str) -> st.SearchStrategy[Test]:
    values = RULE.fields[name] or TEXTS[name]
    return st.builds(
        OneOf,
        st.just(name),
        st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(tuple),
    )


measures: Final = st.sampled_from(RULE.measures).flatmap(_measure)
single_tests: Final = st.one_of(
    st.sampled_from(RULE.slots).flatmap(_in_set),
    measures,
    st.sampled_from((*RULE.numbers, *RULE.dates)).flatmap(_compare),
    st.sampled_from(tuple(RULE.fields)).flatmap(_one_of),
    st.sampled_from(RULE.flags).map(Flag),
)


def _combined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    items = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(Not, inner) | st.builds(And, items) | st.builds(Or, items)


conditions: Final[st.SearchStrategy[Condition]] = st.recursive(
    single_tests | st.builds(Const, st.booleans()), _combined, max_leaves=5
)

_minutes: Final = st.integers(DAY * MINUTES_PER_DAY, (DAY + 5) * MINUTES_PER_DAY)


def _codes(space: str) -> st.SearchStrategy[str]:
    return st.sampled_from(CODES[space])


def known_items() -> st.SearchStrategy[list[Item]]:
    item = st.builds(
        Item,
        _codes("item"),
        st.just(""),
        minute=_minutes,
        quantity=st.sampled_from((0, 5_000, 10_000, 15_000, 20_000)),
        amount_fen=st.sampled_from((0, 1, 100, 150, 200, -50)),
        ordered=st.booleans(),
        placing=st.booleans(),
    )
    return st.lists(item, max_size=6).map(
        lambda items: [item._replace(place=f"items[{at}]") for at, item in enumerate(items)]
    )


@st.composite
def known_stays(draw: st.DrawFn) -> Stay:
    """Stays of which everything is known."""
    others = draw(st.lists(st.tuples(_codes("diagnosis"), st.integers(1, 4)), max_size=3))
    roles = ("principal", *draw(st.lists(st.sampled_from(("other", "")), min_size=3, max_size=3)))
    coded = [(draw(_codes("diagnosis")), draw(st.integers(1, 4))), *others]
    procedures = draw(st.lists(st.tuples(_codes("procedure"), _minutes), max_size=3))
    facts: dict[str, Any] = {name: draw(st.integers(0, 3)) for name in RULE.numbers if name != "preop_days"}
    for name, values in RULE.fields.items():
        if name not in ("phase", "tcm"):
            facts[name] = draw(st.sampled_from(values or TEXTS[name]))
    return Stay(
        diagnoses=tuple(
            Diagnosis(code, f"diagnoses[{at}]", role, admission_condition=condition)
            for at, ((code, condition), role) in enumerate(zip(coded, roles, strict=False))
        ),
        procedures=tuple(
            Procedure(code, f"procedures[{at}]", start=start) for at, (code, start) in enumerate(procedures)
        ),
        items=tuple(draw(known_items())),
        admission=draw(_minutes),
        discharge=draw(_minutes),
        now=draw(_minutes),
        tcm=draw(st.booleans()),
        **facts,
    )


_hide: Final = st.sampled_from((False, False, True))


@st.composite
def forgotten(draw: st.DrawFn, stay: Stay) -> Stay:
    """The stay with some facts no longer known."""

    def diagnosis(known: Diagnosis) -> Diagnosis:
        code = "?" + known.code if draw(_hide) else known.code
        return known._replace(code=code, admission_condition=0 if draw(_hide) else known.admission_condition)

    def procedure(known: Procedure) -> Procedure:
        code = "?" + known.code if draw(_hide) else known.code
        return known._replace(code=code, start=None if draw(_hide) else known.start)

    def item(known: Item) -> Item:
        return known._replace(
            code="" if draw(_hide) else known.code,
            minute=None if draw(_hide) else known.minute,
            quantity=None if draw(_hide) else known.quantity,
        )

    diagnoses = tuple(map(diagnosis, stay.diagnoses))
    match draw(st.sampled_from(("all", "all", "no principal", "none"))):
        case "no principal":
            diagnoses = tuple(one for one in diagnoses if one.role != "principal")
        case "none":
            diagnoses = ()
    facts = {"admission", "discharge", "tcm", *RULE.numbers, *RULE.fields} - {"phase", "preop_days"}
    hidden: dict[str, Any] = {name: None for name in sorted(facts) if draw(_hide)}
    return stay._replace(
        diagnoses=diagnoses,
        procedures=tuple(map(procedure, stay.procedures)),
        items=None if stay.items is None or draw(st.integers(0, 7)) == 0 else tuple(map(item, stay.items)),
        **hidden,
    )


_COMPARE: Final = {
    "<": float.__lt__,
    "<=": float.__le__,
    "=": float.__eq__,
    ">=": float.__ge__,
    ">": float.__gt__,
}


def holds(condition: Condition, stay: Stay, phase: Phase) -> bool:
    """Truth of a condition where everything is known."""
    match condition:
        case Const(value):
            return value
        case Not(item):
            return not holds(item, stay, phase)
        case And(items):
            return all(holds(item, stay, phase) for item in items)
        case Or(items):
            return any(holds(item, stay, phase) for item in items)
        case InSet(slot, name):
            return any(code in SMALL[name] for code in _codes_at(slot, stay))
        case Measure():
            measured = _measured(condition, stay)
            return measured is not None and _COMPARE[condition.op](float(measured), condition.value)
        case Compare(name, op, limit):
            number = _number(name, stay)
            return number is not None and _COMPARE[op](float(number), limit)
        case OneOf("phase", values):
            return phase in values
        case OneOf("tcm", values):
            return ("yes" if stay.tcm else "no") in values
        case OneOf(name, values):
            return getattr(stay, name) in values
        case Flag():
            return not stay.procedures


def _codes_at(slot: str, stay: Stay) -> list[str]:
    taking_part = [one for one in stay.diagnoses if one.role]
    procedures = [one.code for one in stay.procedures]
    items = stay.items or ()
    return {
        "pdx": [one.code for one in taking_part if one.role == "principal"],
        "any_dx": [one.code for one in taking_part],
        "other_dx": [one.code for one in taking_part if one.role == "other"],
        "acquired_dx": [one.code for one in taking_part if one.admission_condition == 4],
        "main_proc": procedures[:1],
        "any_proc": procedures,
        "other_proc": procedures[1:],
        "any_item": [one.code for one in items],
        "charged_item": [one.code for one in items if not (one.ordered or one.placing)],
        "ordered_item": [one.code for one in items if one.ordered or one.placing],
        "placing_item": [one.code for one in items if one.placing],
    }[slot]


def _number(name: str, stay: Stay) -> float | None:
    if name == "preop_days":
        start = stay.procedures[0].start if stay.procedures else None
        return None if start is None else start // 1440 - (stay.admission or 0) // 1440
    if name in RULE.dates:
        return int(getattr(stay, {"as_of_date": "now"}.get(name, name.removesuffix("_date")))) // 1440
    value: float = getattr(stay, name)
    return value


def _measured(test: Measure, stay: Stay) -> float | None:
    members = SMALL[test.set]
    if test.number == "diagnoses":
        return len({one.code for one in stay.diagnoses if one.role and one.code in members})
    if test.number == "procedures":
        return sum(one.code in members for one in stay.procedures)
    items = [item for item in stay.items or () if item.code in members]
    days = [item.day or 0 for item in items]
    if test.kind.place:
        first = (stay.admission or 0) // 1440 - 1
        return (min(days) if test.number == "first_day" else max(days)) - first if days else None

    def total(of: list[Item]) -> float:
        return {
            "quantity": sum(item.quantity or 0 for item in of) / 10_000,
            "amount_yuan": sum(item.amount_fen for item in of) / 100,
            "lines": len(of),
            "days": len({item.day for item in of}),
            "items": len({item.code for item in of}),
        }[test.number]

    if not test.days:
        return total(items)
    starts = range(min(days, default=0) - test.days, max(days, default=0) + 2)
    return max(
        total([item for item in items if start <= (item.day or 0) < start + test.days]) for start in starts
    )


phases: Final = st.sampled_from(Phase)


@settings(max_examples=150, deadline=None)
@given(st.lists(conditions, min_size=5, max_size=5), known_stays(), phases)
def test_where_all_is_known_a_condition_is_true_or_false(
    some: list[Condition], stay: Stay, phase: Phase
) -> None:
    for condition in some:
        decision = decide(condition, stay, SMALL, phase)
        assert decision.truth is (Truth.TRUE if holds(condition, stay, phase) else Truth.FALSE), text_of(
            condition
        )
        assert decision.missing == ()


@settings(max_examples=200, deadline=None)
@given(
    st.data(), st.lists(conditions | single_tests | measures, min_size=9, max_size=9), known_stays(), phases
)
def test_what_is_said_stays_true_when_more_is_known(
    data: st.DataObject, some: list[Condition], stay: Stay, phase: Phase
) -> None:
    less = data.draw(forgotten(stay))
    least = data.draw(forgotten(less))
    for condition in some:
        known, partly, hardly = (
            decide(condition, one, SMALL, at) for one, at in ((stay, phase), (less, phase), (least, None))
        )
        for before, after in ((partly, known), (hardly, partly), (hardly, known)):
            assert before.truth in (Truth.UNKNOWN, after.truth), text_of(condition)
        for decision in (partly, hardly):
            assert (decision.missing != ()) is (decision.truth is Truth.UNKNOWN)


def _lacks(stay: Stay) -> set[str]:
    """Which facts the stay lacks, in the words of a decision."""
    lacks = {name for name in Stay._fields if getattr(stay, name) in (None, "")}
    times = {"admission": "admission_time", "discharge": "discharge_time"}
    lacks = {times.get(name, name) for name in lacks}
    roles = {one.role for one in stay.diagnoses} - {""}
    lacks |= (
        {"diagnoses"} if not roles else {"principal_diagnosis"} - roles if "principal" not in roles else set()
    )
    for one in stay.diagnoses:
        lacks |= {"diagnosis_code"} if one.code.startswith("?") else set()
        lacks |= set() if one.admission_condition else {"admission_condition"}
    for done in stay.procedures:
        lacks |= {"procedure_code"} if done.code.startswith("?") else set()
        lacks |= {"procedure_start"} if done.start is None else set()
    for item in stay.items or ():
        lacks |= set() if item.code else {"item_code"}
        lacks |= {"item_time"} if item.minute is None else set()
        lacks |= {"item_quantity"} if item.quantity is None else set()
    return lacks


@settings(max_examples=100, deadline=None)
@given(st.data(), st.lists(conditions, min_size=5, max_size=5), known_stays(), phases)
def test_missing_facts_are_missing_and_evidence_is_there(
    data: st.DataObject, some: list[Condition], stay: Stay, phase: Phase
) -> None:
    less = data.draw(forgotten(stay))
    coded: tuple[Diagnosis | Procedure | Item, ...] = (*less.diagnoses, *less.procedures, *(less.items or ()))
    places = {one.place for one in coded}
    for condition in some:
        decision = decide(condition, less, SMALL, phase)
        assert set(decision.missing) <= _lacks(less), text_of(condition)
        assert set(decision.evidence) <= places
        assert len(set(decision.evidence)) == len(decision.evidence)
        assert decision.truth is not Truth.UNKNOWN or not decision.evidence


@given(conditions, known_stays())
def test_the_opposite_is_decided_by_the_same_facts(condition: Condition, stay: Stay) -> None:
    there, opposite = (decide(one, stay, SMALL) for one in (condition, Not(condition)))
    assert opposite == Decision(there.truth.negated(), there.evidence, there.missing)


# What a condition waits for


@pytest.mark.parametrize(("text", "watches"), TABLE["watch"].items())
def test_a_condition_waits_for_few_sets(text: str, watches: str) -> None:
    found = watches_of(read(text))
    assert ("none" if found is None else ", ".join(map(" ".join, found))) == watches


def test_the_cheapest_sets_are_watched() -> None:
    condition = read("any_item in Wide and (any_item in A or any_item in B)")
    costs = {"Wide": 100, "A": 1, "B": 1}
    assert watches_of(condition) == (("item", "Wide"),)
    found = watches_of(condition, cost=lambda watches: sum(costs[watch.set] for watch in watches))
    assert found == (("item", "A"), ("item", "B"))


@settings(max_examples=200, deadline=None)
@given(
    st.data(), st.lists(conditions | single_tests | measures, min_size=9, max_size=9), known_stays(), phases
)
def test_nothing_is_true_before_what_it_waits_for(
    data: st.DataObject, some: list[Condition], stay: Stay, phase: Phase
) -> None:
    for facts in (stay, data.draw(forgotten(stay))):
        codes = {
            "diagnosis": {one.code for one in facts.diagnoses},
            "procedure": {one.code for one in facts.procedures},
            "item": {one.code for one in facts.items or ()},
        }
        for condition in some:
            watches = watches_of(condition)
            if watches is not None and not any(
                code in SMALL[watch.set] for watch in watches for code in codes[watch.space]
            ):
                assert decide(condition, facts, SMALL, phase).truth is not Truth.TRUE, text_of(condition)


# Changes that an example should notice


@pytest.mark.parametrize(("text", "changes"), TABLE["mutations"].items())
def test_each_limit_is_moved_a_little(text: str, changes: list[str]) -> None:
    assert [mutation.text for mutation in mutations(read(text))] == changes


@given(conditions)
def test_a_mutation_changes_one_test_only(condition: Condition) -> None:
    tests = list(nodes.tests_of(condition))
    for mutation in mutations(condition):
        assert mutation.condition != condition
        differ = [
            (before, after)
            for before, after in zip(tests, nodes.tests_of(mutation.condition), strict=True)
            if before != after
        ]
        assert differ == [(mutation.test, mutation.changed)]
        assert parse(text_of(mutation.condition), RULE) == mutation.condition


# Sets


def test_a_set_takes_what_its_rows_say() -> None:
    drugs = SETS["Drug"]
    inside = {"XA01", "XB", "XB1", "XB71"}
    outside = {"", "X", "XA0", "XA012", "XC", "xb1"}
    assert {code for code in inside | outside if code in drugs} == inside == drugs.among(inside | outside)
    scans = SETS["Scan"]
    assert scans.among({"SC1", "SC", "SC12"}) == {"SC1"}


# Any text


@given(conditions)
def test_every_condition_can_be_written_and_read_again(condition: Condition) -> None:
    assert read(text_of(condition)) == condition


@given(
    st.sampled_from(("quantity", "amount_yuan", "lines")),
    st.integers(0, 9_999_999_999),
    st.integers(0, 9_999),
    st.integers(0, MAX_WINDOW),
)
def test_a_limit_keeps_its_value(name: str, whole: int, decimals: int, days: int) -> None:
    written = f"{decimals:04}"[: MEASURES[name].decimals]
    text = f"{name}(S{f', {days} days' if days else ''}) > {whole}{'.' if written else ''}{written}"
    condition = read(text)
    assert read(text_of(condition)) == condition
    # At the limit and above it by the smallest unit of the facts.
    limit = int(f"{whole}{written}")
    if name != "lines":
        for amount, truth in ((limit, Truth.FALSE), (limit + 1, Truth.TRUE)):
            item = Item("X", "items[0]", minute=0, quantity=amount, amount_fen=amount)
            assert (
                decide(
                    condition, Stay(items=(item,)), {"S": CodeSet(frozenset({Key(Space.ITEM, "X")}))}
                ).truth
                is truth
            )


def test_a_date_is_held_as_its_days() -> None:
    condition = read("admission_date >= 1970-01-02")
    assert condition == Compare("admission_date", ">=", 1.0)
    assert days_of(datetime(2026, 1, 1)) == minute("2026-01-01 00:00") // MINUTES_PER_DAY


WORDS: Final = (
    *(*RULE.starts, *COMPARISONS, "mcc", "and", "or", "in", "days", "day", "S", "(", ")", ","),
    *("7", "-0.5", "2026-01-01", "M", "yes", "９", "（", "）", "，", "＞", "!", "\x00"),
)


@given(
    st.text() | st.lists(st.sampled_from(WORDS)).map(" ".join) | st.lists(st.sampled_from(WORDS)).map("".join)
)
def test_any_text_is_a_condition_or_a_named_fault(text: str) -> None:
    try:
        condition = read(text)
    except ConditionError as error:
        assert 1 <= error.column <= len(text) + 1
        assert len(error.problem) < 100
        assert error.mend
        assert error.say("problem", "zh") and error.say("mend", "zh")
    else:
        assert read(text_of(condition)) == condition


def test_the_page_tells_every_word() -> None:
    page = (Path(__file__).parents[1] / "docs" / "conditions.md").read_text("utf-8")
    written = {word for code in re.findall("`([^`\n]+)`", page) for word in re.findall(r"\w+", code)}
    values = {value for values in RULE.fields.values() for value in values if not value.isdigit()}
    missing = {name for case in TABLE["stay"] for names in case.get("unknown", {}).values() for name in names}
    assert {*RULE.starts, *SCHEME.starts, *values, *missing} - {"F"} <= written
    assert f"1 to {MAX_WINDOW} days" in page
    assert f"at most {RULE.max_tests} tests" in page
