"""Findings through the server: what is found, how it is shown, and that a verdict depends on nothing else."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format

from casemeter.v1 import finding_pb2 as pb
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.verdict_pb2 import Verdict
from casemeter_client import Client
from casemeter_client.text import lines
from casemeter_grouper.pack.build import build_cached
from casemeter_rules.alerting.policy import Policy
from casemeter_rules.alerting.shadow import Entry, write_shadow
from casemeter_rules.finding import RuleState
from casemeter_server.caller import Caller
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot
from live import live, tiny_bundle

DATA = Path(__file__).parent / "data"
CASES = tomllib.loads((DATA / "findings.toml").read_text("utf-8"))["case"]
ZONE = ZoneInfo("Asia/Shanghai")
Ask = Callable[[EvaluateRequest, str], Verdict]


@pytest.fixture(scope="module")
def snapshot(bundles: Path, default_bundle: Path) -> Snapshot:
    rules = build_cached(DATA / "findings_rules", bundles)
    return Snapshot.open([tiny_bundle(bundles), default_bundle, rules])


@pytest.fixture(scope="module", params=["in process", "bytes", "socket"])
def ask(request: pytest.FixtureRequest, snapshot: Snapshot) -> Iterator[Ask]:
    evaluator = Evaluator(snapshot, ZONE)
    if request.param == "in process":
        yield lambda sent, role: evaluator.evaluate(sent, Caller(role=role)).verdict
    elif request.param == "bytes":
        from casemeter.v1.service_pb2 import EvaluateResponse

        yield (
            lambda sent, role: (
                EvaluateResponse.FromString(
                    evaluator.evaluate_bytes(sent.SerializeToString(), Caller(role=role)).data
                ).verdict
            )
        )
    else:
        with live(snapshot) as server:

            def over_the_wire(sent: EvaluateRequest, role: str) -> Verdict:
                with Client(server.address, role=role) as client:
                    return client.send(sent).verdict

            yield over_the_wire


def request_of(case: dict[str, Any]) -> EvaluateRequest:
    values = {"as_of": "2026-06-05T12:00:00+08:00", "pack": "tiny", **case.get("request", {})}
    return json_format.ParseDict(values, EvaluateRequest())


def said(finding: pb.Finding) -> str:
    names = (
        pb.FindingTier.Name(finding.tier).removeprefix("FINDING_TIER_"),
        pb.Presentation.Name(finding.presentation).removeprefix("PRESENTATION_"),
        pb.PresentationReason.Name(finding.presentation_reason).removeprefix("PRESENTATION_REASON_"),
    )
    return f"{finding.rule.partition(':')[0]} {' '.join(names)} [{' '.join(finding.evidence)}]"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_findings(ask: Ask, case: dict[str, Any]) -> None:
    verdict = ask(request_of(case), case.get("role", ""))
    assert [said(finding) for finding in verdict.findings] == case["findings"]
    report = verdict.rules
    assert {entry.fact: entry.rules for entry in report.undecided} == case.get("undecided", {})
    assert report.in_shadow == case.get("in_shadow", 0)
    assert report.submission_refused == case.get("refused", False)
    phase = pb.CarePhase.Name(report.phase).removeprefix("CARE_PHASE_").lower()
    assert phase == case.get("phase", "in_stay")
    assert [pack.id for pack in report.packs] == ["findings_rules"]
    for finding in verdict.findings:
        assert all((finding.text_zh, finding.text_en, finding.resolve_zh, finding.resolve_en))
        assert finding.bases
        assert finding.fields
        assert finding.override_reasons
        assert "{" not in finding.text_zh + finding.text_en


def test_one_finding_says_everything(snapshot: Snapshot) -> None:
    case = next(case for case in CASES if "both bases" in case["name"])
    (finding,) = Evaluator(snapshot, ZONE).evaluate(request_of(case), Caller()).verdict.findings
    assert finding.official_type == "药品区分性别使用"
    assert list(finding.bases) == ["second source", "药品区分性别使用"]
    assert (finding.text_zh, finding.text_en) == (
        "甲栓限女性使用，患者性别与之不符",
        "甲栓 is for female patients; the patient's sex differs",
    )
    assert list(finding.fields) == ["encounter.charges.lines[0]"]
    assert list(finding.codes) == ["XG01AAB"]


def test_what_was_answered_is_not_asked_again(snapshot: Snapshot) -> None:
    case = next(case for case in CASES if "empty history" in case["name"])
    evaluator = Evaluator(snapshot, ZONE)
    request = request_of(case)
    (first,) = evaluator.evaluate(request, Caller()).verdict.findings
    shown = request.alert_context.history.alerts.add(
        alert_key=first.alert_key, presentation=first.presentation, rule=first.rule
    )
    shown.shown_at.FromJsonString("2026-06-05T11:59:00+08:00")
    (again,) = evaluator.evaluate(request, Caller()).verdict.findings
    assert said(again) == "age STOP INLINE REPEAT_OF [O1]"
    assert again.repeat_of == shown.shown_at
    shown.answer = pb.ALERT_ANSWER_OVERRIDDEN
    shown.override_reason = first.override_reasons[0]
    shown.override_text = "会诊意见：病情需要，家属知情同意"
    (answered,) = evaluator.evaluate(request, Caller()).verdict.findings
    assert said(answered) == "age STOP SILENT ANSWERED [O1]"
    # Another order is another alert.
    request.encounter.orders[0].id = "O2"
    (other,) = evaluator.evaluate(request, Caller()).verdict.findings
    assert said(other) == "age STOP INTERRUPT UNSPECIFIED [O2]"


def test_states_by_date_come_from_the_list(bundles: Path, tmp_path: Path) -> None:
    packs = [tiny_bundle(bundles), build_cached(DATA / "findings_rules", bundles)]
    case = next(case for case in CASES if "both bases" in case["name"])
    request = request_of(case)
    (finding,) = Evaluator(Snapshot.open(packs), ZONE).evaluate(request, Caller()).verdict.findings
    path = tmp_path / "shadow.bundle"
    entries = [
        Entry(finding.rule, RuleState.SHADOW, "2026-06-05", "hand"),
        Entry(finding.rule, RuleState.OFF, "2026-06-06", "hand"),
    ]
    sha256 = write_shadow(path, entries, Policy().learning)
    evaluator = Evaluator(Snapshot.open([*packs, path]), ZONE)
    states = []
    for day in ("04", "05", "06"):
        request.as_of.FromJsonString(f"2026-06-{day}T12:00:00+08:00")
        verdict = evaluator.evaluate(request, Caller()).verdict
        assert verdict.rules.shadow_sha256 == sha256
        states.append([said(found) for found in verdict.findings])
    assert states == [["sex WARN INLINE TIER [L1]"], ["sex WARN SILENT SHADOW [L1]"], []]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_findings_in_words(snapshot: Snapshot, language: str) -> None:
    case = next(case for case in CASES if "a coder's submission" in case["name"])
    verdict = Evaluator(snapshot, ZONE).evaluate(request_of(case), Caller(role="coder")).verdict
    text = "\n".join(lines(verdict, language))
    assert (("乙片" in text) and ("不能提交" in text)) if language == "zh" else ("not submitted" in text)


def test_without_rules_a_verdict_speaks_of_none(bundles: Path) -> None:
    verdict = (
        Evaluator(Snapshot.open([tiny_bundle(bundles)]), ZONE).evaluate(request_of({}), Caller()).verdict
    )
    assert not verdict.HasField("rules")
    assert not verdict.findings
