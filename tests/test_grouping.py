"""How cases end: every status, every reason, and the notes beside a group."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from casemeter_grouper import walker
from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.condition.nodes import text_of
from casemeter_grouper.grouping import Grouper, Status, Ungroupable
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack, shipped_packs
from casemeter_grouper.scheme import VALID_PROCEDURES
from live import TINY
from shared_cases import read

CASES = tomllib.loads((Path(__file__).parent / "data" / "outcomes.toml").read_text("utf-8"))["case"]


@cache
def grouper_of(folder: Path, bundles: Path) -> Grouper:
    return Grouper(CompiledScheme.open(build_cached(folder, bundles)))


@pytest.fixture
def grouper(case: dict[str, Any], bundles: Path, request: pytest.FixtureRequest) -> Grouper:
    name = case["scheme"]
    if name == "tiny" or name in shipped_packs():
        folder = TINY if name == "tiny" else find_pack(name)
    else:
        folder = request.getfixturevalue("shared") / "schemes" / name
    return grouper_of(folder, bundles)


def case_of(facts: dict[str, Any]) -> Case:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()
    }
    return Case(**values)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_case_ends_as_it_should(case: dict[str, Any], grouper: Grouper) -> None:
    sent = case_of(case["case"])
    outcome = grouper.group(sent)
    assert (str(outcome.status), outcome.leaf and outcome.leaf.group) == (case["status"], case.get("group"))
    assert (outcome.leaf and outcome.leaf.rule.name) == case.get("rule")
    assert outcome.reason == case.get("reason")
    assert [text_of(test) for test in outcome.tests] == case.get("tests", [])
    assert outcome.only_procedure == case.get("only_procedure")
    assert outcome.main_procedure_not_taken is case.get("not_taken", False)
    if sent.diagnoses:
        leaf, _ = walker.group(grouper.scheme.tree, grouper.scheme, sent)
        assert leaf == outcome.leaf


def test_every_status_and_reason_has_a_case() -> None:
    # A case that is invalid is refused before it is grouped; test_batch and test_bad_input have these.
    assert {case["status"] for case in CASES} == set(Status) - {Status.INVALID}
    assert {case["reason"] for case in CASES if "reason" in case} == set(Ungroupable)


@pytest.mark.parametrize("name", ["chs_drg_11", "changzhou_2022", "zhejiang_2022"])
def test_notes_stand_only_where_they_say_something(
    name: str, shared: Path, compiled: Callable[[str], CompiledScheme]
) -> None:
    grouper = Grouper(compiled(name))
    valid = dict(grouper.scheme.members())[VALID_PROCEDURES]
    noted = 0
    for expected in read(shared, name):
        outcome = grouper.group(expected.case)
        if outcome.leaf is None:
            assert outcome.reason is not None
            assert (outcome.only_procedure, outcome.main_procedure_not_taken) == (None, False)
            continue
        assert outcome.reason is None
        if outcome.main_procedure_not_taken:
            noted += 1
            assert expected.case.procedures[0] in valid
            assert not any(rule.name.endswith("QY") for rule in outcome.leaf.mdc.rules)
            assert outcome.only_procedure is None
        if outcome.only_procedure:
            noted += 1
            alone = expected.case._replace(procedures=(outcome.only_procedure,))
            assert outcome.only_procedure in expected.case.procedures[1:]
            assert grouper.group(alone).leaf == outcome.leaf
    assert noted > 0
