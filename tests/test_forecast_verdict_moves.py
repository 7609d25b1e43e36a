"""What moved the odds since the forecast that a request names: one cause after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from casemeter.v1 import forecast_pb2 as pb
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_grouper.forecast.known import Absent, Answer, Known, Procedures
from casemeter_server.caller import Caller
from casemeter_server.evaluation import Evaluator
from casemeter_server.forecast_basis import basis_of, known_of
from casemeter_server.forecast_moves import odds_of, steps
from casemeter_server.meter_settings import HospitalSettings, MeterSettings
from casemeter_server.snapshot import Snapshot
from live import tiny_bundle
from made_forecasts import answer_of, with_forecast

ZONE = ZoneInfo("Asia/Shanghai")
GROUPS = ("AA19", "BB13", "BR11", "BR13", "BR15", "BR29", "CR19")
OFFICE = MeterSettings(HospitalSettings(money_for=frozenset(("office",))))
BASE = {
    "sex": "SEX_MALE",
    "birth_date": "1958-03-02",
    "admission_time": "2026-06-01T08:40:00+08:00",
    "diagnoses": [{"code": "I63.900"}, {"code": "E11.900"}],
    "segments": [{"department": "0301", "start_time": "2026-06-01T08:40:00+08:00"}],
    "charges": {"lines": [{"category": "2", "amount_fen": 312_345}]},
}
LATER: dict[str, dict[str, Any]] = {
    "DAY": {"as_of": "2026-06-07T15:00:00+08:00"},
    "RECORDED": {"diagnoses": [{"code": "I63.900"}, {"code": "I46.000"}]},
    "PLANNED": {"planned_procedures": [{"code": "01.2400"}]},
    "DEPARTMENT": {"segments": [{"department": "0401", "start_time": "2026-06-01T08:40:00+08:00"}]},
    "COST": {"charges": {"lines": [{"category": "2", "amount_fen": 999_999}]}},
    "AGE": {"birth_date": "1957-03-02"},
}
CAUSES = [name.removeprefix("FORECAST_CAUSE_") for name, _ in pb.ForecastCause.items()]


def answering(known: Known) -> Answer:
    """Odds that every fact moves; not every group is listed."""
    raw = {group: crc32(repr((group, *known)).encode()) % 5 for group in GROUPS}
    whole = sum(raw.values()) + 1
    return answer_of(known, {group: value / whole for group, value in raw.items() if value})


@pytest.fixture(scope="module")
def snapshot(bundles: Path) -> Snapshot:
    return with_forecast(Snapshot.open([tiny_bundle(bundles)]), "tiny", answering)[0]


def asked(
    snapshot: Snapshot, previous: pb.ForecastBasis | None = None, role: str = "office", **changed: Any
) -> pb.Forecast:
    as_of = changed.pop("as_of", "2026-06-05T15:00:00+08:00")
    values = {"pack": "tiny", "as_of": as_of, "encounter": {**BASE, **changed}}
    request = json_format.ParseDict(values, EvaluateRequest())
    if previous is not None:
        request.previous_forecast.CopyFrom(previous)
    response = Evaluator(snapshot, ZONE, OFFICE).evaluate(request, Caller(role=role))
    return response.verdict.forecast


def causes(forecast: pb.Forecast) -> list[str]:
    return [pb.ForecastCause.Name(move.cause).removeprefix("FORECAST_CAUSE_") for move in forecast.moved]


@pytest.mark.parametrize("cause", LATER)
def test_each_cause_is_told_alone(cause: str, snapshot: Snapshot) -> None:
    before = asked(snapshot)
    after = asked(snapshot, before.basis, **LATER[cause])
    assert causes(after) == [cause]
    (move,) = after.moved
    had, has = ({group.code: group.probability for group in forecast.groups} for forecast in (before, after))
    changes = {code: has.get(code, 0.0) - had.get(code, 0.0) for code in {*had, *has}}
    most = max(sorted(changes), key=lambda code: abs(changes[code]))
    assert (move.group, move.before, move.after) == (most, had.get(most, 0.0), has.get(most, 0.0))
    assert {group.code: group.probability_before for group in after.groups} == {
        code: had.get(code, 0.0) for code in has
    }


def test_all_causes_are_told_in_their_order(snapshot: Snapshot) -> None:
    before = asked(snapshot)
    changed = {name: value for values in LATER.values() for name, value in values.items()}
    found = causes(asked(snapshot, before.basis, **changed))
    assert found == [cause for cause in CAUSES if cause in found]
    assert set(found) == set(LATER)


def test_nothing_changed_and_nothing_moved(snapshot: Snapshot) -> None:
    before = asked(snapshot)
    after = asked(snapshot, before.basis)
    assert not after.moved
    assert [group.probability_before for group in after.groups] == [
        group.probability for group in before.groups
    ]
    assert after.basis == before.basis


def test_another_complication_is_recorded(snapshot: Snapshot) -> None:
    before = asked(snapshot, **LATER["RECORDED"])
    diagnoses = [*LATER["RECORDED"]["diagnoses"], {"code": "I46.000"}]
    after = asked(snapshot, before.basis, diagnoses=diagnoses)
    assert after.basis.group == before.basis.group
    assert after.basis.major + after.basis.minor == before.basis.major + before.basis.minor + 1
    assert causes(after) == ["RECORDED"]


def test_a_request_that_names_none_is_told_nothing(snapshot: Snapshot) -> None:
    forecast = asked(snapshot)
    assert not forecast.moved
    assert not any(group.HasField("probability_before") for group in forecast.groups)


def test_another_bundle_answers(snapshot: Snapshot) -> None:
    before = asked(snapshot)
    other, _ = with_forecast(snapshot, "tiny", answering, sha256="e" * 64)
    after = asked(other, before.basis, **LATER["DAY"])
    assert list(after.moved) == [pb.ForecastMove(cause=pb.FORECAST_CAUSE_BUNDLE)]
    assert not any(group.HasField("probability_before") for group in after.groups)


def test_what_changed_without_moving_the_odds_is_not_told(bundles: Path) -> None:
    snapshot, _ = with_forecast(
        Snapshot.open([tiny_bundle(bundles)]), "tiny", lambda known: answering(known._replace(day=1))
    )
    before = asked(snapshot)
    assert causes(asked(snapshot, before.basis, **LATER["DAY"])) == []


def test_the_planned_group_goes_along_where_nothing_is_planned(snapshot: Snapshot) -> None:
    before = asked(snapshot, **LATER["PLANNED"])
    done = asked(snapshot, before.basis, procedures=[{"code": "01.2400"}])
    assert causes(done) == ["RECORDED"]
    dropped = asked(snapshot, before.basis)
    assert causes(dropped) == ["PLANNED"]


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        # Group, planned group and procedures. Done, dropped, and another plan with something done.
        (("BR13", "BB13", Procedures.PENDING), ("BB13", "BB13", Procedures.DONE), ["RECORDED"]),
        (("BR13", "BR13", Procedures.PENDING), ("BR13", "BR13", Procedures.DONE), ["RECORDED"]),
        (("BR13", "BB13", Procedures.PENDING), ("BR13", "BR13", Procedures.NONE), ["PLANNED"]),
        (("BR13", "BR13", Procedures.PENDING), ("BR13", "BR13", Procedures.NONE), ["PLANNED"]),
        (("BR13", "BR13", Procedures.NONE), ("BR13", "BR13", Procedures.DONE), ["RECORDED"]),
        (("BR13", "BR13", Procedures.NONE), ("BR13", "BR13", Procedures.PENDING), ["PLANNED"]),
        (("BR13", "BR13", Procedures.NONE), ("BR11", "BB13", Procedures.PENDING), ["RECORDED", "PLANNED"]),
        (("BR13", "BB13", Procedures.PENDING), ("BR11", "AA19", Procedures.PENDING), ["RECORDED", "PLANNED"]),
        (("BR13", "BR13", None), ("BR13", "BR13", Procedures.NONE), ["RECORDED"]),
    ],
)
def test_a_plan_that_came_was_carried_out_or_was_dropped(
    before: tuple[str, str, Procedures | None], now: tuple[str, str, Procedures | None], told: list[str]
) -> None:
    then, known = (
        Known(5, "I63.900", group, planned, procedures=procedures)
        for group, planned, procedures in (before, now)
    )
    made = steps(answering, then, known, answering(known))
    assert [pb.ForecastCause.Name(step.cause).removeprefix("FORECAST_CAUSE_") for step in made] == told


def test_a_role_that_sees_no_money_is_not_told_that_the_cost_moved(snapshot: Snapshot) -> None:
    before = asked(snapshot, role="physician")
    assert not before.basis.HasField("cost_fen")
    after = asked(snapshot, before.basis, role="physician", **LATER["COST"])
    assert not after.moved
    seen = asked(snapshot, before.basis, role="office", **LATER["COST"])
    assert causes(seen) == ["COST"]  # for the office it was unknown then


@pytest.mark.parametrize(
    ("never", "told"),
    [
        # The earlier stay itself was never seen: nothing is known of then.
        (lambda known: known.day == 5, []),
        # One between was not: its cause tells nothing, and the next one takes its part.
        (lambda known: known.day == 7 and known.group == "BR13", ["RECORDED"]),
        (lambda known: known.day == 6, ["DAY", "RECORDED"]),
    ],
)
def test_stays_that_were_never_seen(never: Any, told: list[str], snapshot: Snapshot) -> None:
    def answer(known: Known) -> Answer | Absent:
        return Absent.NEVER_SEEN if never(known) else answering(known)

    before = asked(snapshot)
    gappy, _ = with_forecast(snapshot, "tiny", answer)
    after = asked(gappy, before.basis, **LATER["DAY"], **LATER["RECORDED"])
    assert causes(after) == told
    assert all(group.HasField("probability_before") == bool(told) for group in after.groups)


knowns = st.tuples(
    st.integers(1, 9),
    st.sampled_from(("I63.900", "I10.x00")),
    st.sampled_from(GROUPS[:3]),
    st.sampled_from(GROUPS[:3]),
    st.sampled_from((None, 0, 100_000)),
    st.sampled_from((None, 68)),
    st.sampled_from(("", "0301")),
    st.sampled_from((None, 0, 2)),
    st.sampled_from((None, 0, 1)),
    st.sampled_from((None, *Procedures)),
).map(lambda facts: Known(*facts))


@given(before=knowns, now=knowns, gaps=st.integers(1, 50))
def test_the_moves_of_a_group_add_up(before: Known, now: Known, gaps: int) -> None:
    def ask(known: Known) -> Answer | Absent:
        gap = known not in (before, now) and crc32(repr(known).encode()) % gaps == 1
        return Absent.NEVER_SEEN if gap else answering(known)

    answer = answering(now)
    made = steps(ask, before, now, answer)
    had, has = odds_of(answering(before)), odds_of(answer)
    for group in GROUPS:
        whole = has.get(group, 0.0) - had.get(group, 0.0)
        assert sum(step.move(group) for step in made) == pytest.approx(whole, abs=1e-12)
    assert [step.cause for step in made] == sorted({step.cause for step in made})
    for step in made:
        moved = {group: abs(step.move(group)) for group in GROUPS}
        group = step.most_moved()
        if group:
            assert moved[group] == max(moved.values())
            assert group == min(code for code in moved if moved[code] == moved[group])
        else:
            assert not any(moved.values())


@given(known=knowns)
def test_a_basis_comes_back_as_it_went(known: Known) -> None:
    basis = basis_of(known, "f" * 64, with_money=True)
    assert known_of(pb.ForecastBasis.FromString(basis.SerializeToString())) == known
    assert known_of(basis_of(known, "f" * 64, with_money=False)) == known._replace(cost_fen=None)
