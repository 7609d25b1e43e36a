"""The condition language: what it takes, what it means, and how it says what it does not take."""

from __future__ import annotations

import csv
import re
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter_grouper.case import Case
from casemeter_grouper.condition import Condition, ConditionError, parse
from casemeter_grouper.condition.nodes import COMPARISONS, FIELDS, FLAGS, NUMBERS, SLOTS, text_of
from casemeter_grouper.condition.parser import MAX_DEPTH, MAX_LENGTH
from casemeter_grouper.scheme import CodeTables
from casemeter_grouper.walker import Facts
from shared_cases import SCHEMES
from small_schemes import FEW_SETS, SEEDS, code_tables, conditions, random_cases, single_tests

TABLE = tomllib.loads((Path(__file__).parent / "data" / "conditions.toml").read_text("utf-8"))


@pytest.mark.parametrize(("text", "canonical"), TABLE["good"].items())
def test_a_condition_is_read_and_written_with_the_fewest_parentheses(text: str, canonical: str) -> None:
    condition = parse(text)
    assert text_of(condition) == canonical
    assert parse(canonical) == condition


@pytest.mark.parametrize(("text", "fault"), TABLE["bad"].items())
def test_a_fault_is_named_with_its_column_and_how_to_mend_it(text: str, fault: tuple[int, str, str]) -> None:
    column, problem, mend = fault
    with pytest.raises(ConditionError) as caught:
        parse(text)
    error = caught.value
    shown = error.mend[: len(mend) - 3] + "..." if mend.endswith("...") else error.mend
    assert (error.column, error.problem, shown) == (column, problem, mend)
    assert str(error) == f"column {column}: {problem}; {error.mend}"


@given(conditions(leaves=20))
def test_every_condition_can_be_written_and_read_again(condition: Condition) -> None:
    assert parse(text_of(condition)) == condition


NUMBER_TEXTS = st.from_regex(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", fullmatch=True)


@given(NUMBER_TEXTS)
def test_a_number_keeps_its_value(digits: str) -> None:
    condition = parse(f"icu_hours < {digits}")
    assert condition == parse(f"icu_hours < {float(digits):.15f}".rstrip("0").rstrip("."))
    assert parse(text_of(condition)) == condition


@pytest.mark.parametrize("name", SCHEMES)
def test_the_conditions_of_real_schemes_are_written_as_they_were_read(name: str, shared: Path) -> None:
    columns = {"mdc.csv": "entry", "adrg.csv": "when", "drg.csv": "when"}
    count = 0
    for file, column in columns.items():
        with (shared / "schemes" / name / file).open(encoding="utf-8", newline="") as rows:
            texts = [row[column] for row in csv.DictReader(rows)]
        for text in texts:
            condition = parse(text)
            written = text_of(condition)
            assert parse(written) == condition
            assert _without_parentheses(written) == _without_parentheses(text)
            assert written.count("(") <= text.count("(")
        count += len(texts)
    assert count > 900


def _without_parentheses(text: str) -> list[str]:
    return re.sub("[()]", " ", text).split()


# What a condition means, said a second time: each test is looked up in the case as the README of the schemes
# has it, and Python itself reads 'and', 'or', 'not' and the parentheses.

_TEST = re.compile(
    rf"\b(?P<slot>{'|'.join(SLOTS)}) in (?P<set>\w+)"
    rf"|\b(?P<number>{'|'.join(NUMBERS)}) (?P<op>{'|'.join(COMPARISONS)}) (?P<bound>[\d.]+)"
    rf"|\b(?P<field>{'|'.join(FIELDS)}) (?:= (?P<value>\w+)|in \((?P<values>[^)]*)\))"
    rf"|\b(?P<flag>{'|'.join(FLAGS)}|always|never)\b"
)


def meaning(text: str, case: Case, tables: CodeTables) -> bool:
    return bool(eval(_TEST.sub(lambda test: str(_truth(test, case, tables)), text)))


def _truth(test: re.Match[str], case: Case, tables: CodeTables) -> bool:
    part = test.groupdict()
    if slot := part["slot"]:
        codes = case.diagnoses if "dx" in slot else case.procedures
        looked_at = {"any": codes, "other": codes[1:]}.get(slot.split("_")[0], codes[:1])
        return not tables.sets[part["set"]].isdisjoint(looked_at)
    if name := part["number"]:
        if name == "trauma_sites":
            number = len({site for code in case.diagnoses for site in tables.trauma_sites.get(code, ())})
        elif (number := getattr(case, name)) is None:
            return False
        bound = float(part["bound"])
        order = {-1: ("<", "<="), 0: ("=", "<=", ">="), 1: (">", ">=")}
        return part["op"] in order[(number > bound) - (number < bound)]
    if field := part["field"]:
        values = [part["value"]] if part["value"] else part["values"].split(", ")
        return getattr(case, field) in values
    return {
        "always": True,
        "never": False,
        "no_procedures": case.procedures == (),
        "mcc": _complicated(case, tables, "MCC"),
        "cc": _complicated(case, tables, "CC"),
    }[part["flag"]]


def _complicated(case: Case, tables: CodeTables, level: str) -> bool:
    listed = [code for code in case.diagnoses[1:] if code in tables.complications[level]]
    taken_away = tables.exclusions.get(case.diagnoses[0])
    return any(tables.complications[level][code] != taken_away for code in listed)


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts joined without regard to what binds tighter, so that precedence is tried too."""
    pairs = st.tuples(inner, st.sampled_from(("and", "or")), inner).map(" ".join)
    return pairs | inner.map("not {}".format) | inner.map("({})".format) | pairs.map("not ({})".format)


TEXTS = st.recursive(
    single_tests().map(text_of) | st.sampled_from(("always", "never")), _joined, max_leaves=8
)


@settings(max_examples=200, deadline=None)
@given(TEXTS, code_tables(), SEEDS)
def test_conditions_hold_when_their_meaning_holds(text: str, tables: CodeTables, seed: int) -> None:
    condition = parse(text)
    for case in random_cases(seed, 30):
        assert Facts(case, tables).holds(condition) is meaning(text, case, tables), case


EVERYTHING = CodeTables(
    sets={name: frozenset({"A00.000", "10.0000"}) for name in FEW_SETS},
    complications={"MCC": {"A00.000": "t"}, "CC": {"A00.000": "t"}},
    exclusions={},
    trauma_sites={"A00.000": frozenset({"head"})},
)


@pytest.mark.parametrize(
    ("test", "fact", "value"),
    [
        ("pdx in S_a", "diagnoses", ("A00.000",)),
        ("any_dx in S_a", "diagnoses", ("B", "A00.000")),
        ("other_dx in S_a", "diagnoses", ("B", "A00.000")),
        ("main_proc in S_a", "procedures", ("10.0000",)),
        ("any_proc in S_a", "procedures", ("1", "10.0000")),
        ("other_proc in S_a", "procedures", ("1", "10.0000")),
        ("mcc", "diagnoses", ("B", "A00.000")),
        ("cc", "diagnoses", ("B", "A00.000")),
        ("trauma_sites >= 1", "diagnoses", ("A00.000",)),
        *((f"{name} {op} 5", name, 5) for name in NUMBERS[:5] for op in ("<=", "=", ">=")),
        *((f"{name} < 5", name, 4) for name in NUMBERS[:5]),
        *((f"{name} > 5", name, 6) for name in NUMBERS[:5]),
        ("age_days = 0", "age_days", 0),
        ("sex = M", "sex", "M"),
        ("discharge_way in (2, 5)", "discharge_way", "5"),
        ("department = ICU", "department", "ICU"),
    ],
)
def test_a_missing_value_fails_every_test(test: str, fact: str, value: Any) -> None:
    known, missing = Facts(Case()._replace(**{fact: value}), EVERYTHING), Facts(Case(), EVERYTHING)
    assert known.holds(parse(test))
    assert not missing.holds(parse(test))
    assert missing.holds(parse(f"not {test}"))


def test_the_flag_of_no_procedures_is_about_procedures_only() -> None:
    assert Facts(Case(), EVERYTHING).holds(parse("no_procedures"))
    assert not Facts(Case(procedures=("?",)), EVERYTHING).holds(parse("no_procedures"))


def nested(depth: int) -> str:
    return "(" * depth + "mcc" + ")" * depth


@pytest.mark.parametrize("make", [nested, lambda depth: "not " * depth + "mcc"], ids=["parentheses", "not"])
def test_depth_has_a_limit(make: Callable[[int], str]) -> None:
    parse(make(MAX_DEPTH))
    with pytest.raises(ConditionError, match=f"nest deeper than {MAX_DEPTH}"):
        parse(make(MAX_DEPTH + 1))


def test_length_has_a_limit() -> None:
    parse("mcc".ljust(MAX_LENGTH))
    with pytest.raises(ConditionError, match=f"longer than {MAX_LENGTH}"):
        parse("mcc".ljust(MAX_LENGTH + 1))


WORDS = (
    *(*SLOTS, *NUMBERS, *FIELDS, *FLAGS, *COMPARISONS),
    *(
        "and",
        "or",
        "not",
        "in",
        "always",
        "never",
        "(",
        ")",
        ",",
        "S_a",
        "17",
        "-0.5",
        "M",
        "９",
        "!",
        "\x00",
    ),
)


@given(
    st.text() | st.lists(st.sampled_from(WORDS)).map(" ".join) | st.lists(st.sampled_from(WORDS)).map("".join)
)
def test_any_text_is_a_condition_or_a_named_fault(text: str) -> None:
    try:
        condition = parse(text)
    except ConditionError as error:
        assert 1 <= error.column <= len(text) + 1
        assert len(error.problem) < 100
        assert error.mend
    else:
        assert parse(text_of(condition)) == condition


@pytest.mark.parametrize(
    "piece",
    ["(", ")", "not ", "mcc and ", "mcc or ", "sex in (", "a,", "<", " ", "a", "9", "pdx in ", "\t\n", "ｘ"],
)
def test_no_text_of_the_greatest_length_takes_long(piece: str) -> None:
    text = (piece * MAX_LENGTH)[:MAX_LENGTH]
    start = time.perf_counter()
    with pytest.raises(ConditionError) as caught:
        parse(text)
    # Some hundredths of a second on a slow machine; a hang takes for ever.
    assert time.perf_counter() - start < 5
    assert len(caught.value.problem) < 100
