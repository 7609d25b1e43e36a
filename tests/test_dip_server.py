"""DIP catalogues behind the same server: groups, settled scores, rivals, explanations and near misses."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest
from google.protobuf import json_format

from casemeter.v1.pack_pb2 import Pack
from casemeter.v1.service_pb2 import EvaluateRequest, EvaluateResponse, ListPacksResponse
from casemeter.v1.verdict_pb2 import GROUP_STATUS_GROUPED, Verdict
from casemeter_client.text import lines
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.caller import Caller
from casemeter_server.evaluation import Evaluator
from casemeter_server.meter_settings import HospitalSettings, MeterSettings
from casemeter_server.snapshot import Snapshot
from live import ask, live
from payment_packs import importer

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def city(shared: Path, bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """A city's catalogue, and the payment pack that goes with it."""
    catalogue = shared / "dip" / "pingdingshan_2025"
    payment = importer()["import_catalogue"](catalogue, tmp_path_factory.mktemp("payment"))
    return Snapshot.open([build_cached(catalogue, bundles), build_cached(payment, bundles)])


@pytest.fixture(scope="module")
def demo(bundles: Path, default_bundle: Path) -> Snapshot:
    packs = [build_cached(find_pack(name), bundles) for name in ("demo_dip", "demo_payment_dip")]
    return Snapshot.open([default_bundle, *packs])


def request_of(row: dict[str, str]) -> EvaluateRequest:
    """A shared case whose running cost was charged in two days."""
    cost = int(Decimal(row["running_cost_yuan"]) * 100)
    totals = [
        {"date": "2026-11-02", "amount_fen": cost // 3},
        {"date": "2026-11-03", "amount_fen": cost - cost // 3},
    ]
    encounter: dict[str, Any] = {
        "diagnoses": [{"code": code} for code in row["diagnoses"].split("|")],
        "procedures": [{"code": code} for code in row["procedures"].split("|") if code],
        "charges": {"daily_totals": totals},
    }
    values = {"call_id": row["case_id"], "as_of": "2026-11-06T15:00:00+08:00", "encounter": encounter}
    return json_format.ParseDict(values, EvaluateRequest())


def answered(snapshot: Snapshot, codes: str, procedures: str = "", **more: Any) -> Verdict:
    """A verdict of the demonstration catalogue, with everything asked for."""
    encounter: dict[str, Any] = {
        "diagnoses": [{"code": code} for code in codes.split("|")],
        "procedures": [{"code": code} for code in procedures.split("|") if code],
    }
    values: dict[str, Any] = {
        "pack": "demo_dip",
        "explain": True,
        "near_misses": True,
        "encounter": encounter | more,
    }
    values["as_of"] = "2026-11-06T15:00:00+08:00"
    return (
        Evaluator(snapshot, ZONE).evaluate(json_format.ParseDict(values, EvaluateRequest()), Caller()).verdict
    )


def test_every_shared_case_in_process_and_over_a_socket(shared: Path, city: Snapshot) -> None:
    evaluator = Evaluator(city, ZONE)
    scored = 0
    with (
        gzip.open(shared / "dip" / "cases.csv.gz", "rt", encoding="utf-8", newline="") as file,
        live(city) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        rows = list(csv.DictReader(file))
        for at, row in enumerate(rows):
            request = request_of(row)
            verdict = evaluator.evaluate(request, Caller()).verdict
            assert verdict.group.code == row["expected_group"], row["case_id"]
            if row["expected_settled_score"]:
                score = Decimal(row["expected_settled_score"])
                assert Decimal(verdict.payment.points) == score, row["case_id"]
                assert verdict.group.catalogue_kind == row["expected_reason"]
                scored += 1
            if at % 10 == 0:
                reply = ask(channel, "Evaluate", request.SerializeToString())
                assert EvaluateResponse.FromString(reply).verdict == verdict
    assert (len(rows), scored) == (5_000, 4_843)


def test_a_catalogue_without_a_price_pays_points_and_no_money(city: Snapshot) -> None:
    values = {
        "as_of": "2026-11-06T15:00:00+08:00",
        "encounter": {"diagnoses": [{"code": "I63.900"}], "charges": {}},
    }
    verdict = (
        Evaluator(city, ZONE).evaluate(json_format.ParseDict(values, EvaluateRequest()), Caller()).verdict
    )
    assert verdict.payment.points == "0.000000"
    assert not verdict.payment.HasField("payment_fen")
    assert not verdict.payment.price_yuan
    assert verdict.meter.benchmark.known  # measured by the catalogue itself
    assert not verdict.meter.benchmark.demonstration


def test_where_two_groups_match_equally_the_running_cost_decides(demo: Snapshot) -> None:
    found = {}
    for cost in (100, 2_000_000):
        verdict = answered(demo, "I20.000", "88.5500|88.5600", charges={"lines": [{"amount_fen": cost}]})
        (rival,) = verdict.rivals
        found[cost] = verdict.group.code, rival.code
        assert verdict.explanation.candidates[0].decided_by == "cost"
        assert rival.mean_cost_fen > 0
        assert not verdict.meter.signals  # a group that turns is no alert
    assert found[100] == found[2_000_000][::-1]
    unknown = answered(demo, "I20.000", "88.5500|88.5600")
    assert len(unknown.rivals) == 1
    assert unknown.explanation.candidates[0].decided_by == "score"


@pytest.mark.parametrize("more", [{}, {"charges": {"lines": [{"amount_fen": 100}]}}])
def test_a_role_without_money_sees_rivals_without_it(more: dict[str, Any], demo: Snapshot) -> None:
    values = {
        "pack": "demo_dip",
        "as_of": "2026-11-06T15:00:00+08:00",
        "encounter": {
            "diagnoses": [{"code": "I20.000"}],
            "procedures": [{"code": "88.5500"}, {"code": "88.5600"}],
            **more,
        },
    }
    settings = MeterSettings(HospitalSettings(money_for=frozenset(("office",))))
    evaluator = Evaluator(demo, ZONE, settings)
    request = json_format.ParseDict(values, EvaluateRequest())
    for role, fields in (("office", {"code", "name", "score", "mean_cost_fen"}), ("", {"code", "name"})):
        verdict = evaluator.evaluate(request, Caller(role=role)).verdict
        assert [{field.name for field, _ in rival.ListFields()} for rival in verdict.rivals] == [fields]
        assert verdict.HasField("meter") is bool(more)


def test_explanation_and_near_misses(demo: Snapshot) -> None:
    verdict = answered(demo, "C34.900|I10.x00x002", "32.4100")
    assert verdict.status == GROUP_STATUS_GROUPED
    assert (verdict.group.code, verdict.group.catalogue_kind, verdict.group.mdc) == (
        "C34.9:32.4100",
        "core",
        "",
    )
    chosen, *others = verdict.explanation.candidates
    assert (chosen.group, chosen.chosen, [code.code for code in chosen.met]) == (
        "C34.9:32.4100",
        True,
        ["32.4100"],
    )
    close = {candidate.group: [code.code for code in candidate.missing] for candidate in others}
    assert close["C34.9:32.4100_40.5904"] == ["40.5904"]
    assert close["C34.9"] == []
    misses = {(miss.edit, miss.group): miss for miss in verdict.near_misses.near_misses}
    dropped = next(miss for miss in misses.values() if miss.group == "C34.9")
    assert (dropped.field, dropped.code.code) == ("encounter.procedures[0]", "32.4100")
    added = next(miss for miss in misses.values() if miss.group == "C34.9:32.4100_40.5904")
    assert (added.code_count, len(added.evidence)) == (1, 0)


@pytest.mark.parametrize(("code", "reason"), [("Q99.zzz", 1), ("B02.900", 6)])
def test_what_is_in_no_group(code: str, reason: int, demo: Snapshot) -> None:
    verdict = answered(demo, code, charges={"lines": [{"amount_fen": 5}]})
    assert verdict.ungroupable_reason == reason
    assert not verdict.HasField("group")
    assert verdict.meter.cost_fen == 5


def test_packs_of_every_kind_are_listed(demo: Snapshot) -> None:
    with live(demo) as server, grpc.insecure_channel(server.address) as channel:
        packs = ListPacksResponse.FromString(ask(channel, "ListPacks", b"")).packs

    def told(pack: Pack) -> tuple[str, str, str, bool, bool]:
        return pack.ref.id, pack.kind, pack.scheme, pack.demonstration, pack.is_default

    assert [told(pack) for pack in packs] == [
        ("chs_drg_11", "drg", "", False, True),
        ("demo_dip", "dip", "", True, False),
        ("demo_payment_dip", "payment", "demo_dip", True, False),
    ]
    assert packs[1].group_count == 72
    assert [pack.ref.demonstration for pack in packs] == [False, True, True]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_demonstration_says_so_wherever_it_shows(language: str, demo: Snapshot) -> None:
    verdict = answered(demo, "I20.000", "88.5500|88.5600", charges={"lines": [{"amount_fen": 100}]})
    mark = {"zh": "〔演示数据〕", "en": "[demonstration figures]"}[language]
    told = [line for line in lines(verdict, language) if "demo_dip" in line or "¥" in line]
    assert len(told) > 4
    assert [line for line in told if not line.endswith(mark)] == []
