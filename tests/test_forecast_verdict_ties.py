"""Groups of a DIP catalogue that match equally: before discharge the forecast cost tells them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format

from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.verdict_pb2 import TieCost, Verdict
from casemeter_grouper.forecast.known import Absent, Answer, Interval, Known
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.caller import Caller
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot
from made_forecasts import MadeForecaster, answer_of, with_forecast

ZONE = ZoneInfo("Asia/Shanghai")
CHEAP, DEAR = 100, 2_000_000
"""Costs in fen that are nearest to one group, and to the other."""


@pytest.fixture(scope="module")
def bare(bundles: Path) -> Snapshot:
    packs = [build_cached(find_pack(name), bundles) for name in ("demo_dip", "demo_payment_dip")]
    return Snapshot.open(packs)


def heading_for(snapshot: Snapshot, final: int | None) -> tuple[Snapshot, MadeForecaster]:
    """A forecast of one final cost, whatever was charged so far; ``None``: never seen."""

    def answer(known: Known) -> Answer | Absent:
        if final is None:
            return Absent.NEVER_SEEN
        cost = None if known.cost_fen is None else Interval(final - 1, final + 0.4, final + 1)
        return answer_of(known, {known.group: 0.75}, cost_fen=cost)

    return with_forecast(snapshot, "demo_dip", answer)


def request_of(cost: int | None, procedures: str = "88.5500|88.5600", **more: Any) -> EvaluateRequest:
    """A stay that two groups match, with everything asked for."""
    values: dict[str, Any] = {
        "pack": "demo_dip",
        "as_of": "2026-11-06T15:00:00+08:00",
        "explain": True,
        "near_misses": True,
        "encounter": {
            "admission_time": "2026-11-02T08:00:00+08:00",
            "diagnoses": [{"code": "I20.000"}],
            "procedures": [{"code": code} for code in procedures.split("|")],
        },
    }
    if cost is not None:
        values["encounter"]["charges"] = {"lines": [{"amount_fen": cost}]}
    for name, value in more.items():
        (values if name in ("alternatives", "explain") else values["encounter"])[name] = value
    return json_format.ParseDict(values, EvaluateRequest())


def verdict_of(snapshot: Snapshot, request: EvaluateRequest) -> Verdict:
    return Evaluator(snapshot, ZONE).evaluate(request, Caller()).verdict


def tie(verdict: Verdict) -> str:
    return TieCost.Name(verdict.tie_cost).removeprefix("TIE_COST_")


@pytest.fixture(scope="module")
def groups(bare: Snapshot) -> dict[int, str]:
    """The group by cost."""
    found = {cost: verdict_of(bare, request_of(cost)).group.code for cost in (CHEAP, DEAR)}
    assert found[CHEAP] != found[DEAR]
    return found


@pytest.mark.parametrize("running", [CHEAP, DEAR])
@pytest.mark.parametrize("final", [CHEAP, DEAR])
def test_the_cost_it_is_heading_for_decides(
    running: int, final: int, bare: Snapshot, groups: dict[int, str]
) -> None:
    snapshot, _ = heading_for(bare, final)
    verdict = verdict_of(snapshot, request_of(running))
    assert tie(verdict) == "FORECAST"
    assert verdict.group.code == groups[final]
    (rival,) = verdict.rivals
    assert {verdict.group.code, rival.code} == set(groups.values())
    chosen = [one for one in verdict.explanation.candidates if one.chosen]
    assert [(one.group, one.decided_by) for one in chosen] == [(groups[final], "cost")]
    # Money is that of the group, at the cost that was charged.
    like = verdict_of(bare, request_of(final))
    assert verdict.meter.benchmark == like.meter.benchmark
    assert verdict.meter.cost_fen == running
    assert verdict.near_misses == like.near_misses
    # It was asked with the group that the running cost tells.
    assert verdict.forecast.basis.group == groups[running]
    assert verdict.forecast.groups[0].code == groups[running]


@pytest.mark.parametrize(
    ("final", "more", "settled_by", "decides"),
    [
        (None, {}, "RUNNING", CHEAP),
        (DEAR, {"discharge_time": "2026-11-06T12:00:00+08:00"}, "RUNNING", CHEAP),
        (DEAR, {"admission_time": "2026-11-06T12:00:00+08:00"}, "FORECAST", DEAR),
        (DEAR, {"discharge_ordered": True}, "FORECAST", DEAR),
    ],
)
def test_where_nothing_is_forecast_the_running_cost_decides(
    final: int | None,
    more: dict[str, Any],
    settled_by: str,
    decides: int,
    bare: Snapshot,
    groups: dict[int, str],
) -> None:
    snapshot, _ = heading_for(bare, final)
    verdict = verdict_of(snapshot, request_of(CHEAP, **more))
    assert tie(verdict) == settled_by
    assert verdict.group.code == groups[decides]


def test_without_an_admission_time_the_running_cost_decides(bare: Snapshot, groups: dict[int, str]) -> None:
    request = request_of(CHEAP)
    request.encounter.ClearField("admission_time")
    verdict = verdict_of(heading_for(bare, DEAR)[0], request)
    assert (tie(verdict), verdict.group.code) == ("RUNNING", groups[CHEAP])


def test_without_any_cost_the_score_decides(bare: Snapshot) -> None:
    snapshot, _ = heading_for(bare, DEAR)
    verdict = verdict_of(snapshot, request_of(None))
    assert tie(verdict) == "NONE"
    assert verdict.explanation.candidates[0].decided_by == "score"
    assert verdict.group == verdict_of(bare, request_of(None)).group


def test_where_nothing_ties_no_cost_is_told(bare: Snapshot) -> None:
    snapshot, made = heading_for(bare, DEAR)
    request = request_of(CHEAP, "88.5500")
    request.ClearField("near_misses")
    verdict = verdict_of(snapshot, request)
    assert tie(verdict) == "UNSPECIFIED"
    assert not verdict.rivals
    assert len(made.asked) == 1  # for the forecast itself


def test_edits_are_told_apart_by_the_same_cost(bare: Snapshot, groups: dict[int, str]) -> None:
    """A stay that does not tie itself may do so with one procedure more."""
    wanted = {"88.5500": "88.5600", "88.5600": "88.5500"}
    for done, added in wanted.items():
        for final in (CHEAP, DEAR):
            snapshot, _ = heading_for(bare, final)
            verdict = verdict_of(snapshot, request_of(CHEAP, done))
            assert tie(verdict) == "UNSPECIFIED"
            expected = verdict_of(bare, request_of(final, done)).near_misses
            assert verdict.near_misses == expected
            told = {miss.group for miss in expected.near_misses}
            own = verdict.group.code
            assert (groups[final] in told) == (groups[final] != own), (done, added, final)


def test_alternatives_are_answered_as_if_they_had_been_sent(bare: Snapshot, groups: dict[int, str]) -> None:
    alternatives = [
        {"id": "as it is"},
        {"id": "charged", "changes": [{"charge_order": {"id": "1", "amount_fen": DEAR}}]},
        {"id": "dropped", "changes": [{"drop_procedure": 1}]},
    ]
    snapshot, _ = heading_for(bare, DEAR)
    verdict = verdict_of(snapshot, request_of(CHEAP, alternatives=alternatives))
    after = {answer.id: answer.after for answer in verdict.alternatives}
    assert after["as it is"].group == verdict.group.code == groups[DEAR]
    assert after["as it is"].cost_fen == CHEAP
    sent = verdict_of(snapshot, request_of(CHEAP + DEAR))
    assert (after["charged"].group, after["charged"].cost_fen) == (sent.group.code, CHEAP + DEAR)
    alone = verdict_of(snapshot, request_of(CHEAP, "88.5500"))
    assert after["dropped"].group == alone.group.code
    # The other way round, an order that is charged does not turn the group of a stay that will be cheap.
    snapshot, _ = heading_for(bare, CHEAP)
    verdict = verdict_of(snapshot, request_of(CHEAP, alternatives=alternatives))
    assert verdict.alternatives[1].after.group == groups[CHEAP]


def test_an_order_being_placed_meets_the_same_group(bare: Snapshot, groups: dict[int, str]) -> None:
    orders = [{"id": "1", "amount_fen": DEAR, "placing": True}]
    for final in (CHEAP, DEAR):
        snapshot, _ = heading_for(bare, final)
        verdict = verdict_of(snapshot, request_of(CHEAP, orders=orders))
        (effect,) = verdict.meter.order_effects
        assert effect.after.group == verdict.group.code == groups[final]


def test_a_bundle_for_another_version_decides_nothing(bare: Snapshot, groups: dict[int, str]) -> None:
    def answer(known: Known) -> Answer:
        return answer_of(known, {known.group: 0.75}, cost_fen=Interval(DEAR, DEAR, DEAR))

    snapshot, made = with_forecast(bare, "demo_dip", answer, scheme_sha256="0" * 64)
    verdict = verdict_of(snapshot, request_of(CHEAP))
    assert (tie(verdict), verdict.group.code) == ("RUNNING", groups[CHEAP])
    assert not made.asked
