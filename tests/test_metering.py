"""Payment and meter of a verdict: sums, structure, signals, policies by date, roles, and DIP catalogues."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format

from casemeter.v1 import meter_pb2 as pb
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.verdict_pb2 import Verdict
from casemeter_client import Client, Encounter
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.payment.stay import NotPricedReason
from casemeter_server.caller import Caller
from casemeter_server.evaluation import Evaluator
from casemeter_server.meter_settings import HospitalSettings, Limits, MeterSettings
from casemeter_server.money import _NOT_PRICED
from casemeter_server.snapshot import Snapshot
from live import live, pricing

ZONE = ZoneInfo("Asia/Shanghai")
STANDARD = 702_000
"""What BR25 pays by the demonstration pack: weight 0.9 at 7,800 yuan."""

Ask = Callable[..., Verdict]


@pytest.fixture(scope="module")
def priced(bundles: Path, default_bundle: Path) -> Snapshot:
    return Snapshot.open([default_bundle, *pricing(bundles)])


def asked(snapshot: Snapshot, settings: MeterSettings | None = None) -> Ask:
    """Ask about a stroke on its fifth day, with something changed."""
    evaluator = Evaluator(snapshot, ZONE, settings or MeterSettings())

    def ask(hospital: str = "", role: str = "", pack: str = "", **encounter: Any) -> Verdict:
        known = {
            "admission_time": "2026-11-02T08:40:00+08:00",
            "diagnoses": [{"code": "I63.900"}],
            "charges": {},
        } | encounter
        values = {"as_of": "2026-11-06T15:00:00+08:00", "pack": pack, "encounter": known}
        request = json_format.ParseDict(values, EvaluateRequest())
        return evaluator.evaluate(request, Caller(hospital, role)).verdict

    return ask


def charged(*amounts: int, **more: Any) -> dict[str, Any]:
    return {"lines": [{"amount_fen": amount} for amount in amounts], **more}


def test_without_charges_there_is_no_money(priced: Snapshot) -> None:
    verdict = asked(priced)(charges=None)
    assert not verdict.HasField("payment")
    assert not verdict.HasField("meter")


def test_sums(priced: Snapshot) -> None:
    """Refunds count where their line does; what is out of scope, later or only ordered stands apart."""
    lines = [
        {"id": "1", "item": "X", "category": "3", "amount_fen": 10_000},
        {"reverses": "1", "category": "6", "amount_fen": -1_000},
        {"reverses": "1", "amount_fen": -500, "time": "2026-11-07T00:00:00+08:00"},
        {"id": "2", "item": "demo_meals", "amount_fen": 700},
        {"reverses": "2", "amount_fen": -300},
        {"category": "3", "amount_fen": 40, "time": "2026-11-06T15:00:00.000001+08:00"},
        {"category": "3", "amount_fen": 2, "time": "2026-11-06T15:00:00+08:00"},
    ]
    orders = [{"amount_fen": 5_000}, {"item": "demo_meals", "amount_fen": 9}]
    charges = {"category_system": "CATEGORY_SYSTEM_FRONT_PAGE", "lines": lines}
    meter = asked(priced)(charges=charges, orders=orders).meter
    assert (meter.cost_fen, meter.excluded_fen, meter.later_fen, meter.ordered_fen) == (
        9_002,
        400,
        -460,
        5_000,
    )
    assert {entry.category: entry.amount_fen for entry in meter.structure if entry.amount_fen} == {"3": 9_002}


def test_daily_totals(priced: Snapshot) -> None:
    totals = [
        {"date": "2026-11-02", "category": "01", "amount_fen": 300},
        {"date": "2026-11-06", "category": "01", "amount_fen": -100},
        {"date": "2026-11-07", "category": "01", "amount_fen": 1},
    ]
    charges = {"category_system": "CATEGORY_SYSTEM_SETTLEMENT_LIST", "daily_totals": totals, "total_fen": 201}
    meter = asked(priced)(charges=charges).meter
    assert (meter.cost_fen, meter.later_fen) == (200, 1)
    (entry,) = meter.structure  # the benchmark's structure is in another system, and no crosswalk is made up
    assert (entry.category, entry.amount_fen, entry.share) == ("01", 200, 1.0)
    assert not entry.HasField("benchmark_share")


def test_what_has_no_category_is_unmapped_and_never_spread(priced: Snapshot) -> None:
    lines = [
        {"category": "3", "amount_fen": 60},
        {"category": "33", "amount_fen": 30},
        {"amount_fen": 10},
    ]
    mapped = asked(priced)(charges={"category_system": "CATEGORY_SYSTEM_FRONT_PAGE", "lines": lines}).meter
    found = {entry.category: (entry.amount_fen, entry.share) for entry in mapped.structure if entry.share}
    assert found == {"3": (60, 0.6), "": (40, 0.4)}
    assert sum(entry.benchmark_share for entry in mapped.structure) == pytest.approx(1.0)
    undeclared = asked(priced)(charges={"lines": lines}).meter
    assert [(entry.category, entry.amount_fen) for entry in undeclared.structure] == [("", 100)]


def test_payment_and_meter_of_a_case(priced: Snapshot) -> None:
    verdict = asked(priced)(charges=charged(500_000))
    payment, meter = verdict.payment, verdict.meter
    assert (payment.standard_fen, payment.payment_fen, payment.margin_fen) == (STANDARD, STANDARD, 202_000)
    assert (payment.weight, payment.coefficient, payment.price_yuan) == ("0.9", "1", "7800")
    assert payment.price_status == pb.PRICE_STATUS_PROVISIONAL
    assert payment.demonstration
    assert meter.benchmark.demonstration
    assert meter.multiple == meter.multiple_of_payment == 500_000 / STANDARD
    assert meter.multiple_of_benchmark == 500_000 / meter.benchmark.mean_cost_fen
    assert meter.day_of_stay == 5
    assert (payment.band.name, payment.band.from_fen, payment.band.to_fen) == ("normal", 280_800, 2_106_000)
    assert (payment.next_band.name, payment.next_band.from_fen) == ("high", 2_106_001)
    assert not payment.next_band.HasField("to_fen")


@pytest.mark.parametrize(
    ("day", "number"), [("2026-11-02", 1), ("2026-11-03", 2), ("2026-11-06", 5), ("2027-02-01", 92)]
)
def test_the_day_of_the_stay_counts_from_one(day: str, number: int, priced: Snapshot) -> None:
    meter = asked(priced)(discharge_time=f"{day}T15:00:00+08:00").meter
    assert meter.day_of_stay == number
    assert meter.benchmark.cost_by_day_fen > 0


@pytest.mark.parametrize(
    ("day", "usual"),
    [("2026-11-02", (30_000, 10_000, 40_000)), ("2026-11-04", (60_000, 20_000, 90_000))],
)
def test_what_is_usual_by_this_day_is_a_range_where_the_benchmark_has_one(
    day: str, usual: tuple[int, int, int], default_bundle: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "fitted"
    folder.mkdir()
    shutil.copy(find_pack("demo_benchmark_chs_drg_11") / "benchmark.toml", folder)
    (folder / "measures.csv").write_text("group_code,mean_cost_yuan\nBR25,8000\n", "utf-8")
    days = (
        "group_code,day,mean_cost_yuan,p10_cost_yuan,p90_cost_yuan\nBR25,1,300,100,400\nBR25,2,600,200,900\n"
    )
    (folder / "cost_by_day.csv").write_text(days, "utf-8")
    snapshot = Snapshot.open([default_bundle, build_cached(folder, tmp_path)])
    found = asked(snapshot)(discharge_time=f"{day}T15:00:00+08:00").meter.benchmark
    assert (found.cost_by_day_fen, found.cost_by_day_low_fen, found.cost_by_day_high_fen) == usual


def test_a_benchmark_without_quantiles_has_no_range(priced: Snapshot) -> None:
    found = asked(priced)().meter.benchmark
    assert found.HasField("cost_by_day_fen")
    assert not found.HasField("cost_by_day_low_fen")
    assert not found.HasField("cost_by_day_high_fen")


@pytest.mark.parametrize(
    ("encounter", "reason", "text"),
    [
        ({"diagnoses": []}, "NO_GROUP", ""),
        ({"diagnoses": [{"code": "Q99.zzz"}]}, "NO_GROUP", ""),
        ({"self_pay": True}, "OUTSIDE", "the patient pays all: not paid by group"),
        ({"visit_kind": "VISIT_KIND_DAY_SURGERY"}, "OUTSIDE", "day surgery is settled by item of its own"),
        ({"admission_time": "2026-08-01T08:00:00+08:00"}, "OUTSIDE", "more than 60 days: not paid by group"),
    ],
)
def test_a_stay_without_payment_says_why(
    encounter: dict[str, Any], reason: str, text: str, priced: Snapshot
) -> None:
    verdict = asked(priced)(charges=charged(100), **encounter)
    assert pb.NotPricedReason.Name(verdict.payment.absent) == f"NOT_PRICED_REASON_{reason}"
    assert list(verdict.payment.absent_text)[1:] == ([text] if text else [])
    assert not verdict.payment.HasField("band")
    assert not verdict.payment.HasField("margin_fen")
    assert verdict.meter.cost_fen == 100
    assert not verdict.meter.HasField("multiple")
    assert not verdict.meter.signals


def test_without_a_payment_pack_the_meter_still_runs(bundles: Path, default_bundle: Path) -> None:
    bare = asked(Snapshot.open([default_bundle]))(charges=charged(100))
    assert bare.payment.absent == pb.NOT_PRICED_REASON_NO_POLICY
    assert (bare.meter.cost_fen, bare.meter.benchmark.known) == (100, False)
    measured = asked(Snapshot.open([default_bundle, pricing(bundles)[1]]))(charges=charged(100))
    assert measured.meter.multiple_of_benchmark > 0


# Signals, by limits that hospital and department set


def signals(verdict: Verdict) -> dict[str, float]:
    return {
        pb.SignalKind.Name(signal.kind).removeprefix("SIGNAL_KIND_"): signal.limit
        for signal in verdict.meter.signals
    }


LIMITS = MeterSettings(
    HospitalSettings(
        limits=Limits((0.5, 0.8), 0.9), departments={"A": Limits((), 0.6), "B": Limits((), None)}
    )
)


@pytest.mark.parametrize(
    ("cost", "department", "ending", "expected"),
    [
        (STANDARD * 5 // 10 - 1, "", False, {}),
        (STANDARD * 5 // 10, "", False, {"THRESHOLD": 0.5}),
        (STANDARD * 8 // 10, "", False, {"THRESHOLD": 0.8}),
        (STANDARD * 9 // 10, "", False, {"THRESHOLD": 0.8}),
        (STANDARD * 9 // 10 + 1, "", False, {"THRESHOLD": 0.8, "ABOVE_TARGET": 0.9}),
        (STANDARD * 9 // 10, "A", False, {"ABOVE_TARGET": 0.6}),
        (STANDARD * 9 // 10, "B", False, {}),
        (STANDARD * 3, "B", False, {}),
        (STANDARD * 3 + 1, "B", False, {"HIGH_BAND": (STANDARD * 3 + 1) / STANDARD}),
        (STANDARD * 4 // 10 - 1, "B", False, {}),
        (STANDARD * 4 // 10 - 1, "B", True, {"LOW_BAND": (STANDARD * 4 // 10 - 1) / STANDARD}),
        (STANDARD * 4 // 10, "B", True, {}),
    ],
)
def test_signals(
    cost: int, department: str, ending: bool, expected: dict[str, float], priced: Snapshot
) -> None:
    start = "2026-11-02T08:40:00+08:00"
    verdict = asked(priced, LIMITS)(
        charges=charged(cost),
        segments=[{"department": department, "start_time": start}],
        discharge_ordered=ending,
    )
    assert signals(verdict) == pytest.approx(expected)
    if ending:
        left = asked(priced, LIMITS)(
            charges=charged(cost),
            segments=[{"department": department, "start_time": start}],
            discharge_time="2026-11-06T15:00:00+08:00",
        )
        assert signals(left) == signals(verdict)


def test_the_target_is_that_of_the_current_and_then_of_the_discharging_department(priced: Snapshot) -> None:
    stays = [
        {
            "department": name,
            "start_time": f"2026-11-0{day}T09:00:00+08:00",
            "end_time": f"2026-11-0{day + 1}T09:00:00+08:00",
        }
        for day, name in ((2, "C"), (3, "A"))
    ]
    ask = asked(priced, LIMITS)
    for segments, department, multiple in ((stays[:1], "", 0.9), (stays, "A", 0.6)):
        for ends in ({}, {"discharge_time": "2026-11-06T15:00:00+08:00"}):
            target = ask(segments=segments, **ends).meter.target
            assert (target.department, target.multiple) == (department, multiple)
            assert target.cost_fen == round(STANDARD * multiple)
    assert not ask(segments=[{**stays[0], "department": "B"}]).meter.HasField("target")


# What an order changes


def test_the_effect_of_orders_being_placed(priced: Snapshot) -> None:
    orders = [
        {"amount_fen": 1_000_000},
        {"item": "demo_contrast_imported", "amount_fen": 1_900_000, "placing": True},
        {"amount_fen": 1_606_000, "placing": True},
        {"item": "demo_meals", "amount_fen": 9_999_999, "placing": True},
    ]
    verdict = asked(priced)(charges=charged(500_000), orders=orders)
    crossing, within, excluded = verdict.meter.order_effects
    assert [effect.field for effect in verdict.meter.order_effects] == [
        f"encounter.orders[{at}]" for at in (1, 2, 3)
    ]
    assert (crossing.after.cost_fen, crossing.after.band, crossing.band_crossed) == (2_400_000, "high", True)
    assert (crossing.equivalent_item, within.equivalent_item) == ("demo_contrast_procured", "")
    assert (within.after.cost_fen, within.after.band, within.band_crossed) == (2_106_000, "normal", False)
    assert (excluded.after.cost_fen, excluded.excluded, excluded.band_crossed) == (500_000, True, False)
    assert crossing.after.payment_fen == 2_400_000 - 2 * STANDARD  # the high band: cost less two standards
    assert crossing.after.margin_fen == -2 * STANDARD
    assert verdict.meter.ordered_fen == 1_000_000 + 1_900_000 + 1_606_000


# Who sees money


def fields_with(message: Any, ending: str, path: str = "") -> list[str]:
    found = []
    for field, value in message.ListFields():
        if field.name.endswith(ending):
            found.append(f"{path}{field.name}")
        elif field.message_type is not None:
            for inner in value if field.is_repeated else (value,):
                found += fields_with(inner, ending, f"{path}{field.name}.")
    return found


def test_a_role_without_money_sees_multiples_only(priced: Snapshot) -> None:
    settings = MeterSettings(
        HospitalSettings(money_for=frozenset(("office",)), limits=Limits((0.5,), 0.6)),
        {"open": HospitalSettings()},
    )
    ask = asked(priced, settings)
    values: dict[str, Any] = {
        "charges": charged(500_000, category_system="CATEGORY_SYSTEM_FRONT_PAGE"),
        "orders": [{"amount_fen": 5_000_000, "placing": True}],
    }
    whole = ask(role="office", **values)
    assert len(fields_with(whole, "_fen")) > 15
    for role in ("physician", ""):
        hidden = ask(role=role, **values)
        assert fields_with(hidden, "_fen") == fields_with(hidden, "_yuan") == []
        assert not hidden.payment.weight
        assert hidden.meter.money_hidden
        assert (hidden.meter.multiple, hidden.payment.band.to_multiple) == (whole.meter.multiple, 3.0)
        assert signals(hidden) == signals(whole)
        assert hidden.meter.order_effects[0].after.multiple == whole.meter.order_effects[0].after.multiple
    assert ask(hospital="open", role="physician", **values) == ask(hospital="open", **values)
    assert not ask(hospital="open", **values).meter.money_hidden


@pytest.mark.parametrize("lines", [[{"amount_fen": 500_000}], [{"amount_fen": 500_000, "quantity": "1"}]])
def test_the_role_travels_beside_the_request(lines: list[dict[str, Any]], priced: Snapshot) -> None:
    """Whichever way a request is read: one with quantities is not plain."""
    settings = MeterSettings(HospitalSettings(money_for=frozenset(("office",))))
    encounter = Encounter(diagnoses=[{"code": "I63.900"}], charges={"lines": lines})
    with live(priced, meter=settings) as server:
        for role, hidden in (("office", False), ("physician", True), ("", True)):
            with Client(server.address, role=role, timeout=20) as client:
                verdict = client.evaluate(encounter).verdict
            assert verdict.meter.money_hidden is hidden
            assert bool(fields_with(verdict, "_fen")) is not hidden
            assert verdict.meter.multiple == 500_000 / STANDARD


def test_every_reason_of_the_policy_has_its_word_in_the_contract() -> None:
    assert _NOT_PRICED.keys() == set(NotPricedReason)
    assert len(set(_NOT_PRICED.values())) == len(_NOT_PRICED)


# Which policy holds


def edited(bundles: Path, folder: Path, name: str, **keys: str) -> Path:
    """Build the demonstration payment pack with keys of its header changed or added."""
    pack = folder / name
    shutil.copytree(find_pack("demo_payment_chs_drg_11"), pack)
    header = pack / "payment.toml"
    kept = [line for line in header.read_text("utf-8").splitlines() if line.split(" = ")[0] not in keys]
    header.write_text("\n".join([*(f"{key} = {value}" for key, value in keys.items()), *kept]), "utf-8")
    return build_cached(pack, bundles)


def test_of_several_policies_the_hospital_chooses(
    bundles: Path, default_bundle: Path, tmp_path: Path
) -> None:
    other = edited(bundles, tmp_path, "other", id='"other"')
    snapshot = Snapshot.open([default_bundle, pricing(bundles)[0], other])
    settings = MeterSettings(hospitals={"H1": HospitalSettings(payment="other", level="一级")})
    ask = asked(snapshot, settings)
    assert ask().payment.absent == pb.NOT_PRICED_REASON_POLICY_NOT_CHOSEN
    chosen = ask(hospital="H1").payment
    assert (chosen.pack.id, chosen.coefficient) == ("other", "0.8")
    assert chosen.standard_fen == STANDARD * 8 // 10


def test_what_starts_within_the_expected_stay_is_shown_beside(
    bundles: Path, default_bundle: Path, tmp_path: Path
) -> None:
    """Stays of BR25 last 6.5 days: after four, a version that starts within three more is shown."""
    benchmark = pricing(bundles)[1]

    def shown(first: str, **encounter: Any) -> str:
        folder = tmp_path / first / str(len(encounter))
        versions = [
            edited(bundles, folder, "now", valid_until=f"{first[:-2]}{int(first[-2:]) - 1:02}"),
            edited(bundles, folder, "next", version='"2"', valid_from=first, mean_cost_yuan="1000"),
        ]
        payment = asked(Snapshot.open([default_bundle, benchmark, *versions]))(
            charges=charged(500_000), **encounter
        ).payment
        if payment.HasField("upcoming"):
            assert payment.upcoming.pack.version == "2"
            assert payment.upcoming.payment_fen == payment.upcoming.standard_fen == STANDARD
        return payment.upcoming.valid_from

    assert shown("2026-11-07") == "2026-11-07"
    assert shown("2026-11-09") == "2026-11-09"
    assert shown("2026-11-10") == ""
    assert shown("2026-11-08", discharge_time="2026-11-06T15:00:00+08:00") == ""
    assert shown("2026-11-09", admission_time=None) == ""


def test_on_both_sides_of_a_price_date(priced: Snapshot) -> None:
    evaluator = Evaluator(priced, ZONE)
    found = []
    for day in ("2025-12-31", "2026-01-01"):
        values = {
            "as_of": "2026-11-06T15:00:00+08:00",
            "encounter": {
                "insurance_type": "310",
                "admission_time": "2025-12-20T08:00:00+08:00",
                "discharge_time": f"{day}T12:00:00+08:00",
                "diagnoses": [{"code": "I63.900"}],
                "charges": {},
            },
        }
        payment = evaluator.evaluate(
            json_format.ParseDict(values, EvaluateRequest()), Caller()
        ).verdict.payment
        found.append((payment.price_yuan, payment.standard_fen, pb.PriceStatus.Name(payment.price_status)))
    assert found == [
        ("8200", 738_000, "PRICE_STATUS_SETTLED"),
        ("8000", 720_000, "PRICE_STATUS_PROVISIONAL"),
    ]
