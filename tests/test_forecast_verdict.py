"""The forecast of a verdict: when it is silent, what it says, and that a request's two ways say the same."""

from __future__ import annotations

import tomllib
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings

from casemeter.v1 import forecast_pb2
from casemeter.v1.forecast_pb2 import Forecast, ForecastAbsent
from casemeter.v1.meter_pb2 import (
    NOT_PRICED_REASON_NO_POLICY,
    NOT_PRICED_REASON_NO_WEIGHT,
    NOT_PRICED_REASON_OUTSIDE,
)
from casemeter.v1.service_pb2 import EvaluateRequest, EvaluateResponse
from casemeter.v1.verdict_pb2 import CODE_CHANGE_NORMALISED, CODE_CHANGE_UNKNOWN, Verdict
from casemeter_grouper.forecast.known import Absent, Answer, Known, Procedures
from casemeter_grouper.pack.build import build, build_cached
from casemeter_server import evaluation
from casemeter_server.caller import Caller
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator, parse
from casemeter_server.forecast_money import Priced, Pricing
from casemeter_server.forecast_shelf import shelf_by_scheme
from casemeter_server.loaded import GroupFacts
from casemeter_server.meter_settings import HospitalSettings, MeterSettings
from casemeter_server.money import Money
from casemeter_server.money_stay import MoneyStay
from casemeter_server.snapshot import Snapshot
from live import pricing, tiny_bundle
from made_forecasts import MadeForecaster, answer_of, header_of, with_forecast
from payment_packs import NORMAL, RATE, write_pack
from plain_strategies import plain_requests

DATA = tomllib.loads((Path(__file__).parent / "data" / "forecast_verdicts.toml").read_text("utf-8"))
ZONE = ZoneInfo("Asia/Shanghai")
GROUPS = ("AA19", "BB13", "BR11", "BR13", "BR15", "BR29", "CR19")
BENCHMARK = 'id = "measured"\nkind = "benchmark"\ntitle = "Measured"\nscheme = "tiny"\nperiod = "2025"\n'
OUTSIDE = "insurance,visit_kind,self_pay,department,group,days_below,days_above,reason_zh,reason_en\n"
OFFICE = MeterSettings(HospitalSettings(money_for=frozenset(("office",))))


def odds(known: Known, groups: tuple[str, ...] = GROUPS) -> dict[str, float]:
    """Odds that every fact but the cost's last digits moves."""
    raw = {group: 1 + crc32(repr((group, *known)).encode()) % 7 for group in groups}
    whole = sum(raw.values()) + 1
    return {group: value / whole for group, value in raw.items()}


def answering(known: Known) -> Answer:
    return answer_of(known, odds(known))


@pytest.fixture(scope="module")
def plain_snapshot(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The tiny scheme, priced and measured, without a forecast."""
    folder = tmp_path_factory.mktemp("packs")
    price = write_pack(
        folder / "payment", {**NORMAL, **RATE, "outside.csv": OUTSIDE + ",day_surgery,,,,,,日间,day\n"}
    )
    measured = folder / "benchmark"
    measured.mkdir()
    (measured / "benchmark.toml").write_text(BENCHMARK, "utf-8")
    (measured / "measures.csv").write_text("group_code,mean_cost_yuan\nBR13,8000\n", "utf-8")
    return Snapshot.open([tiny_bundle(bundles), *(build_cached(pack, bundles) for pack in (price, measured))])


@pytest.fixture(scope="module")
def snapshot(plain_snapshot: Snapshot) -> Snapshot:
    return with_forecast(plain_snapshot, "tiny", answering)[0]


@pytest.fixture(autouse=True)
def _steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still, and one call id for calls without one."""
    monkeypatch.setattr(evaluation, "time_ns", lambda: 1_780_300_000_123_456_789)
    monkeypatch.setattr(evaluation, "urandom", lambda count: bytes(range(count)))


def request_of(**encounter: Any) -> EvaluateRequest:
    """The base of the table with other facts of the encounter; ``"null"`` takes one away."""
    fields = {**DATA["base"]["encounter"], **encounter}
    kept = {name: value for name, value in fields.items() if value != "null"}
    return json_format.ParseDict({**DATA["base"], "encounter": kept}, EvaluateRequest())


def verdict_of(
    snapshot: Snapshot, request: EvaluateRequest, settings: MeterSettings | None = None, role: str = ""
) -> Verdict:
    """The verdict, which both ways must say."""
    evaluator = Evaluator(snapshot, ZONE, settings or MeterSettings())
    data = request.SerializeToString()
    quick = EvaluateResponse.FromString(evaluator.evaluate_bytes(data, Caller(role=role)).data).verdict
    verdict = evaluator.evaluate(parse(EvaluateRequest(), data), Caller(role=role)).verdict
    assert quick.SerializeToString(deterministic=True) == verdict.SerializeToString(deterministic=True)
    return verdict


def forecast_of(snapshot: Snapshot, **encounter: Any) -> Forecast:
    return verdict_of(snapshot, request_of(**encounter)).forecast


@pytest.mark.parametrize("case", DATA["case"], ids=lambda case: case["name"])
def test_when_it_is_silent(case: dict[str, Any], plain_snapshot: Snapshot) -> None:
    def answer(known: Known) -> Answer | Absent:
        return answering(known) if case.get("seen", True) else Absent.NEVER_SEEN

    loaded = plain_snapshot
    if (bundle := case.get("bundle", {})) is not False:
        loaded, _ = with_forecast(plain_snapshot, "tiny", answer, **bundle)
    request = request_of(**case.get("encounter", {}))
    if case.get("previous"):
        request.previous_forecast.bundle_sha256 = "f" * 64
        request.previous_forecast.day = 1
        request.previous_forecast.principal = "I63.900"
        request.previous_forecast.group = request.previous_forecast.planned_group = "BR13"
    verdict = verdict_of(loaded, request)
    assert verdict.HasField("forecast") == case.get("told", True)
    if verdict.HasField("forecast"):
        forecast = verdict.forecast
        name = ForecastAbsent.Name(forecast.absent).removeprefix("FORECAST_ABSENT_")
        assert name == (case["absent"] or "UNSPECIFIED")
        assert bool(forecast.groups) == forecast.HasField("basis") == (not case["absent"])
        assert forecast.HasField("bundle") == (name != "NO_MODEL")


@pytest.mark.parametrize("case", DATA["case"], ids=lambda case: case["name"])
def test_the_rest_of_the_verdict_is_as_without(case: dict[str, Any], plain_snapshot: Snapshot) -> None:
    request = request_of(**case.get("encounter", {}))
    snapshot, _ = with_forecast(plain_snapshot, "tiny", answering, **(case.get("bundle") or {}))
    verdict = verdict_of(snapshot, request)
    verdict.ClearField("forecast")
    assert verdict == verdict_of(plain_snapshot, request)


def test_every_reason_is_in_the_table() -> None:
    told = {f"FORECAST_ABSENT_{case['absent'] or 'UNSPECIFIED'}" for case in DATA["case"] if "absent" in case}
    assert told == set(ForecastAbsent.keys())


def test_what_it_says(snapshot: Snapshot) -> None:
    verdict = verdict_of(snapshot, request_of())
    forecast = verdict.forecast
    known = Known(5, "I63.900", "BR13", "BR13", 312_345, 68, "0301", 0, 1, Procedures.NONE)
    assert verdict.group.code == "BR13"
    assert forecast.basis == forecast_pb2.ForecastBasis(
        bundle_sha256="f" * 64,
        day=5,
        principal="I63.900",
        group="BR13",
        planned_group="BR13",
        cost_fen=312_345,
        age_years=68,
        department="0301",
        major=0,
        minor=1,
        procedures=forecast_pb2.FORECAST_PROCEDURES_NONE,
    )
    expected = sorted(odds(known).items(), key=lambda item: (-item[1], item[0]))
    assert [(group.code, group.probability) for group in forecast.groups] == expected
    assert {group.code: group.name for group in forecast.groups}["AA19"] == "Transplant"
    assert forecast.elsewhere == pytest.approx(1 - sum(value for _, value in expected))
    assert (forecast.set_size, forecast.level, forecast.cases) == (3, 0.9, 1234)
    assert (forecast.cost.low_fen, forecast.cost.middle_fen, forecast.cost.high_fen) == (
        624_690,
        937_035,
        1_561_725,
    )
    assert (forecast.los_days.low, forecast.los_days.middle, forecast.los_days.high) == (5, 8, 14)
    assert (forecast.bundle.id, forecast.bundle.demonstration) == ("made_up_forecast", True)
    assert forecast.demonstration
    mean = verdict.meter.benchmark.mean_cost_fen
    assert forecast.multiple_of_benchmark.middle == pytest.approx(937_035 / mean)
    assert not forecast.moved


COSTS = (0, 1, 499_999, 937_035, 2_400_001, 80_000_000)
STAYS = (
    MoneyStay(),
    MoneyStay(insurance="310", los_days=5, day_of_stay=5),
    MoneyStay(insurance="nobody knows", tcm=True, los_days=70),
    MoneyStay(visit_kind="day_surgery", self_pay=True),
)


@pytest.mark.parametrize("rows", ["", ",day_surgery,,,,,,日间,day\n", ",,,,BB13,,,甲,a\n,,,,,,60,乙,b\n"])
def test_groups_are_priced_as_the_meter_prices_them(rows: str, bundles: Path, tmp_path: Path) -> None:
    """All at once says what one by one says, for groups with and without weights, inside and outside."""
    pack = write_pack(tmp_path / "pack", {**NORMAL, **RATE, "outside.csv": OUTSIDE + rows})
    build(pack, tmp_path / "payment.bundle")
    snapshot = Snapshot.open([tiny_bundle(bundles), tmp_path / "payment.bundle"])
    (loaded,) = snapshot.schemes.packs["tiny"]
    facts = [found for code in GROUPS if (found := loaded.facts_of_group(code))]
    reasons: set[int] = set()
    for stay, cost in product(STAYS, COSTS):
        money = Money.of(snapshot, HospitalSettings(), "", "tiny", "2026-06-05")
        expected = [_priced(money, one, cost, stay) for one in facts]
        # Of a new day nothing is known yet; the second time everything is.
        for again in (Money.of(snapshot, HospitalSettings(), "", "tiny", "2026-06-05"), money):
            own = again.position(facts[0], cost, stay).not_priced
            assert Pricing(again, stay, own).prices(facts, cost) == expected
        reasons.update(one.not_priced for one in expected)
    assert reasons >= {0, NOT_PRICED_REASON_NO_WEIGHT}
    assert (NOT_PRICED_REASON_OUTSIDE in reasons) == bool(rows)


def test_without_a_policy_no_group_is_priced(bundles: Path) -> None:
    snapshot, _ = with_forecast(Snapshot.open([tiny_bundle(bundles)]), "tiny", answering)
    forecast = forecast_of(snapshot)
    assert {group.not_priced for group in forecast.groups} == {NOT_PRICED_REASON_NO_POLICY}
    assert forecast.HasField("cost")
    assert not forecast.HasField("multiple_of_benchmark")


def _priced(money: Money, facts: GroupFacts, cost: int, stay: MoneyStay) -> Priced:
    position = money.position(facts, cost, stay)
    if position.quote is None:
        return Priced(position.not_priced)
    return Priced(0, position.quote.payment_fen, position.quote.band)


def test_what_takes_a_stay_out_of_payment_takes_every_group_out(snapshot: Snapshot) -> None:
    forecast = forecast_of(snapshot, visit_kind="VISIT_KIND_DAY_SURGERY")
    assert {group.not_priced for group in forecast.groups} == {NOT_PRICED_REASON_OUTSIDE}
    assert not any(group.band or group.HasField("payment_fen") for group in forecast.groups)


@pytest.mark.parametrize("charges", ["null", {"lines": [{"category": "2", "amount_fen": 312_345}]}])
def test_a_role_without_money_reads_none(charges: Any, snapshot: Snapshot) -> None:
    request = request_of(charges=charges)
    seen, hidden = (verdict_of(snapshot, request, OFFICE, role).forecast for role in ("office", "physician"))
    text = json_format.MessageToJson(hidden)
    assert "Fen" not in text
    assert '"band"' not in text
    assert "cost" not in json_format.MessageToDict(hidden)
    assert hidden.HasField("multiple_of_benchmark") == (charges != "null")
    assert hidden.multiple_of_benchmark == seen.multiple_of_benchmark
    assert [(group.code, group.probability) for group in hidden.groups] == [
        (group.code, group.probability) for group in seen.groups
    ]
    assert seen.basis.HasField("cost_fen") == seen.HasField("cost") == (charges != "null")


def test_planned_procedures_move_the_forecast_and_not_the_group(plain_snapshot: Snapshot) -> None:
    snapshot, made = with_forecast(plain_snapshot, "tiny", answering)
    bare = verdict_of(snapshot, request_of())
    planned = verdict_of(snapshot, request_of(planned_procedures=[{"code": "01.2400"}]))
    assert planned.group == bare.group
    assert planned.payment == bare.payment
    assert (planned.forecast.basis.group, planned.forecast.basis.planned_group) == ("BR13", "BB13")
    assert planned.forecast.groups != bare.forecast.groups
    assert made.asked[-1].planned_group == "BB13"


@pytest.mark.parametrize(
    ("done", "planned", "group"),
    [
        ([], ["01.2400"], "BB13"),
        ([], ["37.5100"], "AA19"),
        # The first one planned is the main one where none is done yet.
        ([], ["37.5100", "01.2400"], "AA19"),
        ([], ["01.2400", "37.5100"], "BB13"),
        # Those done stay first.
        (["01.2400"], ["37.5100"], "BB13"),
        (["37.5100"], ["01.2400"], "AA19"),
        # What is done already is planned no more.
        (["01.2400"], ["01.2400"], "BB13"),
        ([], ["99.0400"], "BR13"),
        ([], ["88.8888"], "BR13"),
    ],
)
def test_the_planned_group(done: list[str], planned: list[str], group: str, snapshot: Snapshot) -> None:
    forecast = forecast_of(
        snapshot,
        procedures=[{"code": code} for code in done],
        planned_procedures=[{"code": code} for code in planned],
    )
    assert forecast.basis.planned_group == group


@pytest.mark.parametrize(
    ("done", "planned", "procedures"),
    [
        ([], [], "NONE"),
        (["01.2400"], [], "DONE"),
        (["88.8888"], [], "DONE"),
        ([], ["01.2400"], "PENDING"),
        (["01.2400"], ["37.5100"], "PENDING"),
        # What is done already is planned no more; a plan may leave the group as it is.
        (["01.2400"], ["01.2400"], "DONE"),
        ([], ["99.0400"], "PENDING"),
        ([], ["88.8888"], "PENDING"),
    ],
)
def test_what_is_known_of_procedures(
    done: list[str], planned: list[str], procedures: str, snapshot: Snapshot
) -> None:
    forecast = forecast_of(
        snapshot,
        procedures=[{"code": code} for code in done],
        planned_procedures=[{"code": code} for code in planned],
    )
    name = forecast_pb2.ForecastProcedures.Name(forecast.basis.procedures)
    assert name.removeprefix("FORECAST_PROCEDURES_") == procedures


def test_a_plan_may_lead_to_the_ambiguous_group(snapshot: Snapshot) -> None:
    forecast = forecast_of(snapshot, planned_procedures=[{"code": "37.2100"}])
    assert forecast.basis.planned_group == "BQY"


def test_codes_of_planned_procedures_are_noted_like_others(snapshot: Snapshot) -> None:
    planned = [{"code": " 01.2400"}, {"code": "88.8888"}]
    verdict = verdict_of(snapshot, request_of(planned_procedures=planned))
    assert [(note.field, note.used, note.change) for note in verdict.code_notes] == [
        ("encounter.planned_procedures[0].code", "01.2400", CODE_CHANGE_NORMALISED),
        ("encounter.planned_procedures[1].code", "", CODE_CHANGE_UNKNOWN),
    ]


def test_planned_procedures_are_not_read_the_short_way(snapshot: Snapshot) -> None:
    evaluator = Evaluator(snapshot, ZONE)
    for planned, decoded in (([], False), ([{"code": "01.2400"}], True)):
        request = request_of(planned_procedures=planned)
        reply = evaluator.evaluate_bytes(request.SerializeToString(), Caller())
        assert bool(reply.stages[0]) == decoded
        timings = EvaluateResponse.FromString(reply.data).timings
        assert timings.forecast_ns > 0
        assert reply.stages[6] == timings.forecast_ns


def test_a_plan_after_the_discharge_is_no_contradiction(snapshot: Snapshot) -> None:
    request = request_of(
        discharge_time="2026-06-04T12:00:00+08:00",
        planned_procedures=[{"code": "01.2400", "start_time": "2026-06-09T12:00:00+08:00"}],
    )
    assert verdict_of(snapshot, request).group.code == "BR13"


@cache
def drawn_evaluator(tiny: Path, default: Path, *packs: Path) -> Evaluator:
    """Both schemes with a forecast each, for drawn requests."""
    snapshot = Snapshot.open([tiny, default, *packs], "", {"H1": "chs_drg_11"})
    snapshot, _ = with_forecast(snapshot, "tiny", answering)
    codes = ("BR23", "BR25", "BR21", "ZZ11", "IR29")
    snapshot, _ = with_forecast(
        snapshot, "chs_drg_11", lambda known: answer_of(known, odds(known, codes)), id="another_made_up"
    )
    return Evaluator(snapshot, ZONE)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=plain_requests)
def test_both_ways_say_the_same(request: EvaluateRequest, bundles: Path, default_bundle: Path) -> None:
    evaluator = drawn_evaluator(tiny_bundle(bundles), default_bundle, *pricing(bundles))
    data = request.SerializeToString()
    try:
        quick = evaluator.evaluate_bytes(data, Caller()).data
    except RequestError:
        return
    response = evaluator.evaluate(parse(EvaluateRequest(), data), Caller())
    response.ClearField("timings")
    timings = EvaluateResponse(timings=EvaluateResponse.FromString(quick).timings)
    assert quick.removesuffix(timings.SerializeToString()) == response.SerializeToString(deterministic=True)


def test_equal_requests_get_equal_bytes(snapshot: Snapshot) -> None:
    request = request_of()
    written = {verdict_of(snapshot, request).SerializeToString(deterministic=True) for _ in range(3)}
    assert len(written) == 1


@pytest.mark.parametrize(
    ("days", "is_refused"),
    [
        (("", "", "", ""), True),
        (("2026-01-01", "2026-06-30", "2026-07-01", ""), False),
        (("2026-01-01", "2026-07-01", "2026-07-01", ""), True),
        (("2026-01-01", "", "2026-07-01", ""), True),
        (("", "2026-06-30", "2026-07-01", ""), False),
    ],
)
def test_two_forecasts_for_one_scheme(days: tuple[str, str, str, str], is_refused: bool) -> None:
    pairs = ((days[0], days[1], "first"), (days[2], days[3], "second"))
    made = [
        MadeForecaster(header_of("tiny", "0", valid_from=start, valid_until=end, id=name), answering)
        for start, end, name in pairs
    ]
    if is_refused:
        text = (
            "two forecasts for scheme 'tiny' hold on the same day: 'first' 1 and 'second' 1; load one of them"
        )
        with pytest.raises(ValueError, match=text):
            shelf_by_scheme(made[::-1])
    else:
        shelf = shelf_by_scheme(made[::-1])
        assert shelf.on("tiny", "2026-06-30") is made[0]
        assert shelf.on("tiny", "2026-07-01") is made[1]


def test_list_packs_tells_forecasts(snapshot: Snapshot) -> None:
    (told,) = [pack for pack in snapshot.describe("") if pack.kind == "forecast"]
    assert (told.ref.id, told.ref.bundle_sha256, told.scheme) == ("made_up_forecast", "f" * 64, "tiny")
    assert told.demonstration
    assert told.ref.demonstration
