"""Rules at the limits of a request, and advice on coding that rests on regrouping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format

from casemeter.v1 import finding_pb2 as pb
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.verdict_pb2 import Verdict
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.caller import Caller
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot

DATA = Path(__file__).parent / "data"
ZONE = ZoneInfo("Asia/Shanghai")
AS_OF = "2026-06-05T12:00:00+08:00"
Ask = Callable[[dict[str, Any]], Verdict]


@pytest.fixture(scope="module")
def ask(bundles: Path, default_bundle: Path) -> Ask:
    rules = [build_cached(find_pack(name), bundles) for name in ("orders", "coding_quality", "integrity")]
    priced = build_cached(find_pack("demo_payment_chs_drg_11"), bundles)
    own = build_cached(DATA / "findings_rules", bundles)
    evaluator = Evaluator(Snapshot.open([default_bundle, priced, own, *rules]), ZONE)

    def evaluate(values: dict[str, Any]) -> Verdict:
        request = json_format.ParseDict({"as_of": AS_OF, **values}, EvaluateRequest())
        return evaluator.evaluate(request, Caller(role="coder")).verdict

    return evaluate


def lines(count: int, item: Callable[[int], str], time: str = "2026-06-05T08:00:00+08:00") -> dict[str, Any]:
    return {
        "lines": [
            {"id": str(at), "item": item(at), "quantity": "1", "amount_fen": 100, "time": time}
            for at in range(count)
        ]
    }


def kinds(verdict: Verdict) -> list[str]:
    return [finding.rule.partition(":")[0] for finding in verdict.findings]


def test_five_thousand_charges_of_one_item(ask: Ask) -> None:
    verdict = ask({"encounter": {"charges": lines(5000, lambda _: "001201000030000")}})
    (finding,) = [found for found in verdict.findings if found.rule.startswith("frequency")]
    assert len(finding.fields) == 5000
    assert "5000" in finding.text_zh


def test_five_thousand_charges_of_as_many_unknown_items(ask: Ask) -> None:
    assert kinds(ask({"encounter": {"charges": lines(5000, lambda at: f"UNKNOWN{at}")}})) == []


def test_one_charge_too_many_is_refused_with_the_limit(ask: Ask) -> None:
    with pytest.raises(RequestError) as caught:
        ask({"encounter": {"charges": lines(5001, lambda at: str(at))}})
    (fault,) = caught.value.error.faults
    assert (fault.field, fault.reason) == ("encounter.charges.lines", "TOO_MANY")
    assert "5000" in fault.message


def test_charges_of_the_future_do_not_count_yet(ask: Ask) -> None:
    charges = lines(3, lambda _: "001201000030000", "2026-06-05T13:00:00+08:00")
    assert kinds(ask({"encounter": {"charges": charges}})) == []


def test_findings_beyond_those_that_are_sent_are_counted(ask: Ask) -> None:
    # Every grey code is a finding of its own: so many diagnoses of them are more than are sent.
    grey = (find_pack("coding_quality") / "grey_code.csv").read_text("utf-8").splitlines()[1:]
    codes = [row.split(",")[1] for row in grey if row.startswith("diagnosis")][:199]
    procedures = [row.split(",")[1] for row in grey if row.startswith("procedure")][:200]
    verdict = ask(
        {
            "phase": "CARE_PHASE_FRONT_PAGE",
            "encounter": {
                "sex": "SEX_FEMALE",
                "diagnoses": [{"code": code} for code in ("I63.900", *codes)],
                "procedures": [{"code": code} for code in procedures],
            },
        }
    )
    assert len(verdict.findings) == 200
    assert verdict.rules.left_out >= 199
    tiers = [finding.tier for finding in verdict.findings]
    assert tiers == sorted(tiers, reverse=True)


def test_a_diagnosis_that_moves_the_group_without_any_treatment(ask: Ask) -> None:
    encounter: dict[str, Any] = {
        "sex": "SEX_MALE",
        "age": {"years": 70},
        "admission_time": "2026-06-01T08:00:00+08:00",
        "discharge_time": "2026-06-05T08:00:00+08:00",
        "discharge_way": "DISCHARGE_WAY_HOME",
        "insurance_type": "310",
        "diagnoses": [{"code": "I63.900"}, {"code": "J96.000"}],
        "charges": {"lines": [{"id": "1", "item": "X", "name": "头颅CT", "amount_fen": 900_000}]},
    }
    verdict = ask({"encounter": encounter, "phase": "CARE_PHASE_FRONT_PAGE"})
    assert verdict.group.code == "BR21"
    advice = [found for found in verdict.findings if found.rule.startswith("weight_without_evidence")]
    assert [list(found.codes) for found in advice] == [["J96.000"]]
    assert "BR25" in advice[0].text_zh
    assert advice[0].presentation_reason == pb.PRESENTATION_REASON_SHADOW
    # With its treatment charged, nothing is said.
    ventilated = {"id": "2", "item": "Y", "name": "无创呼吸机辅助通气", "amount_fen": 100}
    encounter["charges"]["lines"].append(ventilated)
    treated = ask({"encounter": encounter, "phase": "CARE_PHASE_FRONT_PAGE"})
    assert "weight_without_evidence" not in kinds(treated)
    # While orders are placed nobody is advised on coding.
    assert "weight_without_evidence" not in kinds(ask({"encounter": encounter, "phase": "CARE_PHASE_ORDER"}))
