"""What an encounter becomes: the diagnoses that group, the codes as used, the facts of the stay."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest
from google.protobuf import json_format

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.service_pb2 import EvaluateRequest, EvaluateResponse
from casemeter.v1.verdict_pb2 import CODE_CHANGE_MAPPED, CODE_CHANGE_UNMAPPED, Verdict
from casemeter_server.caller import Caller
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot
from live import ask, live, tiny_bundle

CASES = tomllib.loads((Path(__file__).parent / "data" / "encounters.toml").read_text("utf-8"))["case"]


@pytest.fixture(scope="module")
def snapshot(bundles: Path, default_bundle: Path) -> Snapshot:
    return Snapshot.open([tiny_bundle(bundles), default_bundle])


@pytest.fixture(scope="module")
def channel(snapshot: Snapshot) -> Iterator[grpc.Channel]:
    with live(snapshot) as server, grpc.insecure_channel(server.address) as channel:
        yield channel


def request_of(case: dict[str, Any]) -> EvaluateRequest:
    values = {
        "pack": case.get("pack", "tiny"),
        "as_of": case.get("as_of", "2026-06-10T12:00:00+08:00"),
        "encounter": case["encounter"],
    }
    return json_format.ParseDict(values, EvaluateRequest())


def verdict_of(case: dict[str, Any], snapshot: Snapshot) -> Verdict:
    zone = ZoneInfo(case.get("zone", "Asia/Shanghai"))
    return Evaluator(snapshot, zone).evaluate(request_of(case), Caller()).verdict


def part(found: Any, expected: Any) -> Any:
    """The part of what was found that is expected to be something."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return {key: part(found[key], value) for key, value in expected.items() if key in found}
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_encounter_becomes_a_case(case: dict[str, Any], snapshot: Snapshot) -> None:
    found = json_format.MessageToDict(verdict_of(case, snapshot), preserving_proto_field_name=True)
    expected = case.get("verdict", {})
    assert part(found, expected) == expected
    for path in case.get("absent", ()):
        owner, _, name = path.rpartition(".")
        assert name not in (found.get(owner, {}) if owner else found)


@pytest.mark.parametrize(
    "case", [case for case in CASES if "zone" not in case], ids=lambda case: case["name"]
)
def test_the_verdict_over_the_wire_is_the_same(
    case: dict[str, Any], snapshot: Snapshot, channel: grpc.Channel
) -> None:
    data = ask(channel, "Evaluate", request_of(case).SerializeToString())
    assert EvaluateResponse.FromString(data).verdict == verdict_of(case, snapshot)


def both_meanings() -> list[tuple[str, str]]:
    """Codes that mean one thing in the clinical edition and another in ours, and what they map to."""
    folder = resources.files("casemeter_grouper") / "packs" / "dictionary"
    with folder.joinpath("diagnoses.csv").open(encoding="utf-8") as file:
        known = {row["code"] for row in csv.DictReader(file)}
    with folder.joinpath("diagnosis_map.csv").open(encoding="utf-8") as file:
        rows = [(row["hospital_code"], row["grouper_code"]) for row in csv.DictReader(file)]
    return [(theirs, ours) for theirs, ours in rows if theirs in known and theirs != ours]


def test_no_code_of_both_editions_is_mapped_undeclared(snapshot: Snapshot) -> None:
    pairs = both_meanings()
    assert len(pairs) > 200
    for theirs, ours in pairs:
        encounter = {"diagnoses": [{"code": theirs}]}
        undeclared = verdict_of({"pack": "chs_drg_11", "encounter": encounter}, snapshot)
        assert not undeclared.code_notes
        encounter["diagnosis_edition"] = "CODE_EDITION_CLINICAL"  # type: ignore[assignment]  # JSON
        declared = verdict_of({"pack": "chs_drg_11", "encounter": encounter}, snapshot)
        (note,) = declared.code_notes
        assert (note.used, note.change) == (ours, CODE_CHANGE_MAPPED)


def test_an_unmapped_code_is_no_code_of_the_insurance_edition(snapshot: Snapshot) -> None:
    # A04.701 groups in the insurance edition; the clinical edition has no such code.
    case = {"pack": "chs_drg_11", "encounter": {"diagnoses": [{"code": "A04.701"}]}}
    assert verdict_of(case, snapshot).HasField("group")
    case["encounter"]["diagnosis_edition"] = "CODE_EDITION_CLINICAL"  # type: ignore[index]  # JSON
    verdict = verdict_of(case, snapshot)
    assert not verdict.HasField("group")
    assert [note.change for note in verdict.code_notes] == [CODE_CHANGE_UNMAPPED]


def test_no_fact_is_made_up_for_an_encounter_of_which_nothing_is_known(snapshot: Snapshot) -> None:
    facts = verdict_of({"encounter": {}}, snapshot).facts
    assert [field.name for field, _ in facts.ListFields()] == ["provisional"]


def test_an_answer_of_the_servers_clock_can_be_repeated(snapshot: Snapshot) -> None:
    encounter = Encounter(diagnoses=[{"code": "I63.900"}])
    encounter.segments.add(intensive_care=True).start_time.FromSeconds(1_700_000_000)
    evaluator = Evaluator(snapshot, ZoneInfo("Asia/Shanghai"))
    request = EvaluateRequest(pack="chs_drg_11", encounter=encounter)
    first = evaluator.evaluate(request, Caller()).verdict
    request.as_of.CopyFrom(first.as_of)
    assert evaluator.evaluate(request, Caller()).verdict == first
