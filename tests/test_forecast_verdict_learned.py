"""The forecast of a verdict by a bundle that was learned from made-up stays, read either way."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings

from casemeter.v1 import forecast_pb2 as pb
from casemeter.v1.service_pb2 import EvaluateRequest, EvaluateResponse
from casemeter_client.text import lines
from casemeter_server import evaluation
from casemeter_server.caller import Caller
from casemeter_server.cli.demo_forecast import demo_forecast
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator, parse
from casemeter_server.snapshot import Snapshot
from live import pricing
from plain_strategies import plain_requests

STAYS = 3_000
BASE: dict[str, Any] = {
    "sex": "SEX_MALE",
    "birth_date": "1958-03-02",
    "admission_time": "2026-11-02T08:40:00+08:00",
    "diagnoses": [{"code": "I63.900"}, {"code": "I10.x00x002"}],
    "charges": {"lines": [{"category": "2", "amount_fen": 312_345}]},
}


@pytest.fixture(scope="module")
def evaluator(bundles: Path, default_bundle: Path) -> Evaluator:
    learned = demo_forecast(default_bundle, bundles, STAYS)
    return Evaluator(Snapshot.open([default_bundle, *pricing(bundles), learned]), ZoneInfo("Asia/Shanghai"))


@pytest.fixture(autouse=True)
def _steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still, and one call id for calls without one."""
    monkeypatch.setattr(evaluation, "time_ns", lambda: 1_780_300_000_123_456_789)
    monkeypatch.setattr(evaluation, "urandom", lambda count: bytes(range(count)))


def either_way(evaluator: Evaluator, data: bytes) -> EvaluateResponse | None:
    """The reply, which both ways must write; ``None``: the request is refused."""
    try:
        quick = evaluator.evaluate_bytes(data, Caller())
    except RequestError:
        return None
    response = evaluator.evaluate(parse(EvaluateRequest(), data), Caller())
    response.ClearField("timings")
    timings = EvaluateResponse(timings=EvaluateResponse.FromString(quick.data).timings)
    written = quick.data.removesuffix(timings.SerializeToString())
    assert written == response.SerializeToString(deterministic=True)
    return response


def forecast_of(
    evaluator: Evaluator, previous: pb.ForecastBasis | None = None, **encounter: Any
) -> pb.Forecast:
    values = {"as_of": "2026-11-06T15:00:00+08:00", "encounter": {**BASE, **encounter}}
    request = json_format.ParseDict(values, EvaluateRequest())
    if previous is not None:
        request.previous_forecast.CopyFrom(previous)
    response = either_way(evaluator, request.SerializeToString())
    assert response is not None
    assert lines(response.verdict, "zh")
    return response.verdict.forecast


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=plain_requests)
def test_both_ways_say_the_same(request: EvaluateRequest, evaluator: Evaluator) -> None:
    request.pack = ""
    either_way(evaluator, request.SerializeToString())


def test_what_it_says(evaluator: Evaluator) -> None:
    forecast = forecast_of(evaluator)
    odds = [group.probability for group in forecast.groups]
    assert forecast.demonstration
    assert 0 < len(odds) <= 10
    assert odds == sorted(odds, reverse=True)
    assert sum(odds) + forecast.elsewhere == pytest.approx(1)
    assert 0 <= forecast.set_size <= len(odds)
    assert 312_345 <= forecast.cost.low_fen <= forecast.cost.middle_fen <= forecast.cost.high_fen
    assert 5 <= forecast.los_days.low <= forecast.los_days.middle <= forecast.los_days.high
    assert forecast.cases > 0
    (loaded,) = evaluator.snapshot.schemes.packs["chs_drg_11"]
    for group in forecast.groups:
        facts = loaded.facts_of_group(group.code)
        assert facts is not None
        assert group.name == facts.name


def test_a_planned_procedure_moves_it(evaluator: Evaluator) -> None:
    before = forecast_of(evaluator)
    after = forecast_of(evaluator, before.basis, planned_procedures=[{"code": "88.4101"}])
    assert [move.cause for move in after.moved] == [pb.FORECAST_CAUSE_PLANNED]
    assert after.basis.procedures == pb.FORECAST_PROCEDURES_PENDING
    assert after.basis.planned_group != before.basis.planned_group


def test_a_complication_moves_it(evaluator: Evaluator) -> None:
    before = forecast_of(evaluator)
    worse = [*BASE["diagnoses"], {"code": "A41.900"}]
    after = forecast_of(evaluator, before.basis, diagnoses=worse)
    assert (before.basis.major, after.basis.major) == (0, 1)
    assert [move.cause for move in after.moved] == [pb.FORECAST_CAUSE_RECORDED]


def test_costs_below_zero_of_an_earlier_basis_are_taken(evaluator: Evaluator) -> None:
    previous = forecast_of(evaluator).basis
    previous.cost_fen = -(10**10)
    previous.day = 100_000
    assert forecast_of(evaluator, previous).groups
