"""Replies to 3101 and 3102: field by field as the specification has them, the worst finding first."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter.v1 import finding_pb2, meter_pb2, verdict_pb2
from casemeter.v1.finding_pb2 import Finding
from casemeter.v1.verdict_pb2 import Verdict
from casemeter_client.emr import nhsa
from casemeter_server.doors.nhsa.audit import AuditMessage, read_audit
from casemeter_server.doors.nhsa.envelope import Envelope, Stamp
from casemeter_server.doors.nhsa.reply import Told, write_audit, write_error
from casemeter_server.doors.nhsa.settings import NhsaSettings, read_nhsa_settings
from casemeter_server.errors import RequestError, catalogue, fault, invalid
from nhsa_messages import DATA, ZONE, base_message, edited, written

TABLE = tomllib.loads((DATA / "nhsa_reply.toml").read_text("utf-8"))
CASES = tomllib.loads((DATA / "nhsa_reply_cases.toml").read_text("utf-8"))
TEXTS = tomllib.loads((DATA.parents[1] / "server/casemeter_server/doors/nhsa/texts.toml").read_text("utf-8"))
RECEIVED = datetime(2026, 6, 5, 12, 0, 1, 7000, ZONE)
RESPONDED = datetime(2026, 6, 5, 12, 0, 1, 9000, ZONE)
STAMP = Stamp(RECEIVED, RESPONDED, 12345678901)
AMOUNT = re.compile(r"-?\d{1,14}\.\d\d\Z")


def message(scene: str = "5", infno: str = "3101", total: str = "325.00") -> AuditMessage:
    visit = "input.data.patient_dtos.fsi_encounter_dtos"
    edits = [
        {"at": "infno", "value": infno},
        {"at": "input.data.trig_scen", "value": scene},
        {"at": f"{visit}.medfee_sumamt", "value": total},
    ]
    return read_audit(written(edited(base_message(), edits)), ZONE)


class Amount(str):
    """A number with its digits as they were written."""


def loaded(reply: bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(reply, parse_float=Amount, parse_int=lambda text: text)
    return told


def check(values: Mapping[str, Any], table: str) -> None:
    """Check an object against its table: every field, no other, types, lengths and values."""
    assert values.keys() == TABLE[table].keys()
    for name, field in TABLE[table].items():
        value = values[name]
        kind = field["type"]
        if kind == "amount":
            assert isinstance(value, Amount), name
            assert AMOUNT.match(value), name
        elif kind == "number":
            assert int(value) in field["values"], name
        elif kind in ("list", "object"):
            assert isinstance(value, list if kind == "list" else dict), name
        else:
            assert isinstance(value, str), name
            assert not isinstance(value, Amount), name
            assert len(value) <= field.get("length", 1_000), name
            assert len(value) == field.get("exactly", len(value)), name
            assert value or not field.get("required") or name in ("patn_id",), name
            assert value in field.get("values", [value]), name


def check_reply(reply: bytes) -> dict[str, Any]:
    told = loaded(reply)
    check(told, "envelope")
    assert told["output"].keys() == {"result"}
    results = told["output"]["result"]
    assert isinstance(results, list)
    for result in results:
        check(result, "result")
        assert result["judge_result_detail_dtos"]
        for detail in result["judge_result_detail_dtos"]:
            check(detail, "detail")
    numbers = [result["jr_id"] for result in results]
    details = [one["jrd_id"] for result in results for one in result["judge_result_detail_dtos"]]
    assert len(set(numbers)) == len(numbers)
    assert len(set(details)) == len(details)
    return told


texts = st.text(max_size=30) | st.text("规则甲乙", min_size=190, max_size=700)
known_places = st.sampled_from(
    [
        *("encounter.orders[0]", "encounter.charges.lines[0]", "encounter.charges.lines[1].amount_fen"),
        *("encounter.diagnoses[0]", "encounter.sex", "encounter.charges.lines[99]", "as_of", ""),
    ]
)
findings = st.builds(
    Finding,
    rule=st.text(min_size=1, max_size=80),
    official_type=texts,
    tier=st.integers(1, 3),
    finding_class=st.integers(1, 5),
    fields=st.lists(known_places, max_size=5),
    evidence=st.lists(st.sampled_from(["r1", "r2", "r3", "r4", "x"]), max_size=4),
    bases=st.lists(texts, max_size=3),
    text_zh=texts.filter(bool),
    resolve_zh=texts,
    presentation=st.integers(1, 3),
    alert_key=st.sampled_from(["a", "b", "c", ""]),
)
signals = st.builds(meter_pb2.Signal, kind=st.integers(1, 4), limit=st.floats(0, 9), multiple=st.floats(0, 9))
effects = st.builds(
    meter_pb2.OrderEffect,
    field=st.just("encounter.orders[0]"),
    band_crossed=st.booleans(),
    after=st.builds(meter_pb2.Standing, band=st.sampled_from(["low", "normal", "high", "本地"])),
)
verdicts = st.builds(
    Verdict,
    status=st.integers(1, 5),
    ungroupable_reason=st.integers(0, 6),
    group=st.builds(verdict_pb2.Group, code=texts, name=texts),
    findings=st.lists(findings, max_size=6),
    meter=st.builds(
        meter_pb2.Meter, signals=st.lists(signals, max_size=3), order_effects=st.lists(effects, max_size=2)
    ),
)
all_settings = st.builds(
    NhsaSettings,
    show_yuan=st.booleans(),
    tell_group=st.sampled_from(["never", "discharge", "always"]),
    tell_cost=st.sampled_from(["never", "discharge", "always"]),
    admdvs=st.sampled_from(["", "330100"]),
)


@settings(max_examples=120, deadline=None)
@given(verdicts, all_settings, st.sampled_from(["5", "9"]), st.booleans())
def test_every_reply_is_as_the_specification_has_it(
    verdict: Verdict, chosen: NhsaSettings, scene: str, recorded: bool
) -> None:
    asked = message(scene)
    ids = dict.fromkeys(["a"], "0f8fad5b-d9cb-469f-a165-70867728950e") if recorded else {}
    told = check_reply(write_audit(asked, [Told(asked.visits[0], verdict, ids)], chosen, STAMP))
    results = told["output"]["result"]
    shown = [one for one in verdict.findings if one.presentation != finding_pb2.PRESENTATION_SILENT]
    interrupts = sum(one.presentation == finding_pb2.PRESENTATION_INTERRUPT for one in shown)
    found = [one for one in results if not one["rule_id"].startswith("CASEMETER-")]
    assert len(found) == len(shown)
    # The worst first, what interrupts before what does not, and lines that no rule makes at the end.
    severities = [one["sev_deg"] for one in found]
    assert severities[:interrupts] == sorted(severities[:interrupts])
    assert severities[interrupts:] == sorted(severities[interrupts:])
    assert results[: len(found)] == found
    assert all(one["sev_deg"] == "3" for one in results[len(found) :])
    if not chosen.show_yuan:
        written_out = json.dumps(results, ensure_ascii=False)
        assert all(Decimal(one["vola_amt"]) == 0 for one in results)
        assert " 元" not in written_out
    grouped = [one for one in results if one["rule_id"] == "CASEMETER-GROUP"]
    is_time = chosen.tell_group == "always" or (chosen.tell_group == "discharge" and scene == "9")
    assert len(grouped) == is_time


def finding(**values: Any) -> Finding:
    known = {"rule": "R", "tier": finding_pb2.FINDING_TIER_WARN, "text_zh": "有问题", "presentation": 2}
    return Finding(**{**known, "finding_class": finding_pb2.FINDING_CLASS_ORDER, **values})


def results_of(
    verdict: Verdict, chosen: NhsaSettings | None = None, asked: AuditMessage | None = None
) -> list[dict[str, Any]]:
    asked = asked or message()
    reply = write_audit(asked, [Told(asked.visits[0], verdict)], chosen or NhsaSettings(), STAMP)
    results: list[dict[str, Any]] = check_reply(reply)["output"]["result"]
    return results


def test_nothing_found_is_an_empty_list() -> None:
    asked = message()
    reply = write_audit(asked, [Told(asked.visits[0], Verdict())], NhsaSettings(), STAMP)
    assert json.loads(reply) == {
        "infcode": 0,
        "inf_refmsgid": "330100202606051200012345678901",
        "refmsg_time": "20260605120001007",
        "respond_time": "20260605120001009",
        "err_msg": "",
        "output": {"result": []},
    }
    assert nhsa.findings(reply) == []


@pytest.mark.parametrize("case", CASES["details"], ids=lambda case: str(case["name"]))
def test_findings_are_linked_to_orders(case: dict[str, Any]) -> None:
    one = finding(fields=case.get("fields", []), evidence=case.get("evidence", []))
    (result,) = results_of(Verdict(findings=[one]), NhsaSettings(show_yuan=True))
    told = [
        f"{detail['rx_id'] or '-'} {detail['vola_item_type']} {detail['vola_amt']}"
        for detail in result["judge_result_detail_dtos"]
    ]
    assert told == case["details"]
    assert f"{result['vola_amt']} {result['vola_amt_stas']}" == case["amount"]


def test_a_finding_says_what_is_wrong_and_what_would_mend_it() -> None:
    one = finding(
        text_zh="甲片限女性使用。",
        resolve_zh="核对性别，或停用",
        bases=["说明书", "目录"],
        official_type="药品区分性别使用",
        tier=finding_pb2.FINDING_TIER_STOP,
        presentation=finding_pb2.PRESENTATION_INTERRUPT,
        alert_key="k1",
    )
    asked = message()
    told = Told(asked.visits[0], Verdict(findings=[one]), {"k1": "recorded-1"})
    (result,) = nhsa.findings(write_audit(asked, [told], NhsaSettings(), STAMP))
    expected = {
        "jr_id": "recorded-1",
        "rule_name": "药品区分性别使用",
        "vola_cont": "甲片限女性使用。建议：核对性别，或停用",
        "vola_evid": "说明书；目录",
        "sev_deg": "1",
        "patn_id": "P-77",
        "mdtrt_id": "Z-1",
        "task_id": "t1",
        "vola_amt_stas": "0",
    }
    assert {name: result[name] for name in expected} == expected


def test_what_interrupts_comes_first_and_what_is_silent_stays_away() -> None:
    stop, warn = finding_pb2.FINDING_TIER_STOP, finding_pb2.FINDING_TIER_WARN
    found = [
        finding(rule="silent", tier=stop, presentation=finding_pb2.PRESENTATION_SILENT),
        finding(rule="repeated", tier=stop, presentation=finding_pb2.PRESENTATION_INLINE),
        finding(rule="warn", tier=warn),
        finding(rule="new", tier=stop, presentation=finding_pb2.PRESENTATION_INTERRUPT),
    ]
    assert [one["rule_id"] for one in results_of(Verdict(findings=found))] == ["new", "repeated", "warn"]


def test_the_worst_of_all_visits_comes_first() -> None:
    asked = message()
    visit = asked.visits[0]
    told = [
        Told(visit, Verdict(findings=[finding(rule="hint", tier=finding_pb2.FINDING_TIER_HINT)])),
        Told(visit, Verdict(findings=[finding(rule="warn")])),
    ]
    results = nhsa.findings(write_audit(asked, told, NhsaSettings(), STAMP))
    assert [one["rule_id"] for one in results] == ["warn", "hint"]


@pytest.mark.parametrize("case", CASES["lines"], ids=lambda case: str(case["name"]))
def test_group_and_cost(case: dict[str, Any]) -> None:
    from google.protobuf import json_format

    verdict = json_format.ParseDict(case["verdict"], Verdict())
    asked = message(case.get("scene", "5"), case.get("infno", "3101"), case.get("total", "325.00"))
    faults: list[str] = []
    chosen = read_nhsa_settings(case.get("settings", {}), faults)
    assert not faults
    told = [f"{one['rule_id']}: {one['vola_cont']}" for one in results_of(verdict, chosen, asked)]
    assert told == case["told"]


@pytest.mark.parametrize("case", CASES["errors"], ids=lambda case: str(case["name"]))
def test_errors(case: dict[str, Any]) -> None:
    faults = [fault(place, reason, **case["details"]) for place, reason in case.get("faults", [])]
    error = invalid(faults) if faults else RequestError(case["reason"], case.get("details", {}))
    reply = write_error(Envelope("3101", "m", "H1", "", "330100"), error, STAMP)
    told = check_reply(reply)
    assert told["infcode"] == "-1"
    assert told["output"] == {"result": []}
    assert told["err_msg"] == case["err_msg"]
    with pytest.raises(nhsa.AuditFailed, match=re.escape(case["err_msg"])):
        nhsa.findings(reply)


def test_a_long_place_does_not_push_out_the_count() -> None:
    faults = [fault("x" * 300, "REQUIRED") for _ in range(20)]
    told = check_reply(write_error(Envelope(), invalid(faults), STAMP))
    assert told["err_msg"].endswith("（至少 16 处错误）")
    assert told["inf_refmsgid"].startswith("000000")


@pytest.mark.parametrize("part", ["request", "field"])
def test_texts_are_of_reasons_that_there_are(part: str) -> None:
    assert TEXTS[part].keys() <= catalogue()[part].keys()


def test_every_status_reason_and_signal_has_a_text() -> None:
    assert TEXTS["status"].keys() == set(verdict_pb2.GroupStatus.keys()) - {"GROUP_STATUS_UNSPECIFIED"}
    reasons = set(verdict_pb2.UngroupableReason.keys()) - {"UNGROUPABLE_REASON_UNSPECIFIED"}
    assert TEXTS["ungroupable"].keys() == reasons
    assert TEXTS["class"].keys() == set(finding_pb2.FindingClass.keys())
    names = {name.removeprefix("SIGNAL_KIND_").lower() for name, _ in meter_pb2.SignalKind.items()}
    assert TEXTS["line"].keys() == (names - {"unspecified"}) | {"group", "crossing"}


@pytest.mark.parametrize("case", CASES["settings"], ids=lambda case: str(case["name"]))
def test_settings_that_cannot_be_used(case: dict[str, Any]) -> None:
    faults: list[str] = []
    assert read_nhsa_settings(case["settings"], faults) == NhsaSettings()
    assert [fault.partition("'")[2].partition("'")[0] for fault in faults] == case["faults"]


def test_settings_are_those_of_the_table() -> None:
    faults: list[str] = []
    table = {"show_yuan": True, "tell_group": "never", "tell_cost": "discharge", "levels": {"05": 2}}
    read = read_nhsa_settings({**table, "admdvs": "330100"}, faults)
    assert read == NhsaSettings(True, "never", "discharge", {"05": 2}, "330100")
    assert not faults
