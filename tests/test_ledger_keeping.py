"""The last forecast of each day is kept, well behind the replies; and what the rows say is read back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter.v1 import living_pb2, service_pb2
from casemeter_grouper.case import Case
from casemeter_grouper.forecast.known import Absent, Answer, Known
from casemeter_server.caller import Caller
from casemeter_server.doors.desk import Desk
from casemeter_server.doors.door import Question
from casemeter_server.doors.facts import DoorFacts
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.encounters.living import Encounters
from casemeter_server.evaluation import Evaluator
from casemeter_server.ledger import keeping
from casemeter_server.ledger.content import Kept, read, written
from casemeter_server.ledger.keeping import Keeper, end_of
from casemeter_server.meter_settings import HospitalSettings, MeterSettings
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.errors import StoreUnavailable
from casemeter_server.store.rows import ForecastDay
from casemeter_server.store.store import Store
from door_apps import engine_of
from live import tiny_bundle
from made_forecasts import answer_of, with_forecast

ZONE = ZoneInfo("Asia/Shanghai")
MORNING = datetime(2026, 6, 2, 1, tzinfo=UTC)
"""Nine o'clock of the hospital's second of June."""
MIDNIGHT = datetime(2026, 6, 2, 16, tzinfo=UTC)
"""The end of that day."""


def foretold(known: Known) -> Answer | Absent:
    if known.group == "CR1":
        return Absent.NEVER_SEEN
    return answer_of(known, {known.planned_group: 0.7, known.group: 0.2, "BR1": 0.1})


@pytest.fixture(scope="module")
def snapshot(bundles: Path) -> Snapshot:
    return with_forecast(Snapshot.open([tiny_bundle(bundles)]), "tiny", foretold)[0]


def event(number: str, time: datetime, **what: Any) -> living_pb2.EncounterEvent:
    values = {"eventId": number, "time": time.isoformat(), **what}
    return json_format.ParseDict(values, living_pb2.EncounterEvent())


def admission(day: int = 1, **more: Any) -> living_pb2.EncounterEvent:
    values = {"admissionTime": f"2026-06-{day:02}T00:00:00Z", "sex": "SEX_MALE", **more}
    return event("admission", MORNING - timedelta(days=1), facts={"values": values})


def diagnosis(code: str, time: datetime = MORNING, number: str = "d1") -> living_pb2.EncounterEvent:
    content = {"id": number, "diagnosis": {"code": code}}
    return event(f"{number}{code}", time, diagnosis=content)


class Ward:
    """A keeper with a clock of its own."""

    def __init__(self, store: Store, evaluator: Evaluator) -> None:
        self.store, self.evaluator, self.now = store, evaluator, MORNING
        self.encounters = Encounters(store)
        self.keeper = Keeper(store, self.encounters, lambda: self.evaluator, wait_s=0.0, now=lambda: self.now)

    def live(self, *events: living_pb2.EncounterEvent, encounter: str = "E1") -> None:
        """Keep events and stir their encounter."""
        asyncio.run(self.encounters.record("H1", encounter, events))
        self.keeper.stir("H1", encounter)

    def finish(self) -> list[ForecastDay]:
        """Ask about all that was stirred; return the days that are kept."""
        asyncio.run(self.keeper.finish())
        self.store.write_now(lambda _: None)  # what was recorded before is written with it
        return self.days()

    def days(self) -> list[ForecastDay]:
        return self.store.read_now(lambda it: list(it.forecast_days("2026-01-01", "2026-12-31")))


@pytest.fixture
def ward(store: Store, snapshot: Snapshot) -> Ward:
    return Ward(store, Evaluator(snapshot, ZONE))


def test_what_is_kept_of_a_day(ward: Ward) -> None:
    planned = {"id": "p1", "procedure": {"code": "37.5100"}, "planned": True}
    charge = {"id": "c1", "line": {"id": "c1", "time": MORNING.isoformat(), "amountFen": 70_000}}
    ward.live(
        admission(age={"years": 60}),
        diagnosis("I63.900"),
        event("p", MORNING, procedure=planned),
        event("c", MORNING, charge=charge),
    )
    (day,) = ward.finish()
    assert (day.hospital, day.encounter, day.day, day.at) == ("H1", "E1", "2026-06-02", MORNING)
    assert (day.day_of_stay, day.group, day.planned_group) == (2, "BR1", "AA19")
    assert (day.pack, day.pack_version) == ("tiny", "1")
    (loaded,) = ward.evaluator.snapshot.schemes
    assert day.pack_sha256 == loaded.ref.bundle_sha256
    assert day.bundle_sha256 == "f" * 64
    state = asyncio.run(ward.encounters.state("H1", "E1"))
    assert state and day.state_hash == state.state_hash
    kept = read(day.content)
    assert dict(kept.candidates) == pytest.approx({"AA19": 0.7, "BR1": 0.1})
    assert kept == Kept(
        Case(("I63.900",), (), "M", age_years=60, los_days=1),
        ("37.5100",),
        70_000,
        "",
        kept.candidates,
        kept.elsewhere,
        2,
        0.9,
        (140_000, 210_000, 350_000),
        (2, 5, 11),
    )


def test_the_later_one_of_a_day_is_kept(ward: Ward) -> None:
    ward.live(admission(), diagnosis("I63.900"))
    assert [day.group for day in ward.finish()] == ["BR1"]
    ward.now += timedelta(hours=3)
    ward.live(diagnosis("E11.900", number="d2"))
    days = ward.finish()
    assert [(day.day, day.group, day.at) for day in days] == [("2026-06-02", "BR13", ward.now)]
    ward.now += timedelta(days=3)
    ward.live(diagnosis("I46.900", number="d3"))
    assert [(day.day, day.day_of_stay, day.group) for day in ward.finish()] == [
        ("2026-06-02", 2, "BR13"),
        ("2026-06-05", 5, "BR11"),
    ]


def test_one_that_was_made_earlier_replaces_nothing(ward: Ward) -> None:
    """Another process may have been faster, or slower."""
    ward.live(admission(), diagnosis("I63.900"))
    (day,) = ward.finish()
    rows = [
        day._replace(group="EARLIER", at=day.at - timedelta(minutes=1)),
        day._replace(group="LATER", at=day.at + timedelta(minutes=1)),
        day._replace(group="LATEST", at=day.at + timedelta(minutes=2)),
        day._replace(group="LATE", at=day.at + timedelta(minutes=1)),
        day._replace(group="OTHER", encounter="E2"),
    ]
    assert ward.store.record(*rows)
    ward.store.write_now(lambda _: None)
    assert [row.group for row in ward.days()] == ["LATEST", "OTHER"]


def test_a_day_that_is_over_is_kept_as_it_ended(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    ward.now = MIDNIGHT - timedelta(seconds=10)
    arrive(ward, monkeypatch, MIDNIGHT - timedelta(seconds=20), admission(), diagnosis("I63.900"))
    arrive(ward, monkeypatch, MIDNIGHT + timedelta(seconds=5), diagnosis("E11.900", number="d2"))
    ward.keeper.stir("H1", "E1")
    ward.now = MIDNIGHT + timedelta(seconds=10)
    ward.keeper.stir("H1", "E1")
    days = ward.finish()
    assert [(day.day, day.group, day.day_of_stay) for day in days] == [
        ("2026-06-02", "BR1", 2),
        ("2026-06-03", "BR13", 3),
    ]
    assert days[0].at == MIDNIGHT - timedelta(seconds=1)


def arrive(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, at: datetime, *events: living_pb2.EncounterEvent
) -> None:
    """Keep events at a moment."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return at.astimezone(tz)

    monkeypatch.setattr("casemeter_server.encounters.living.datetime", Clock)
    asyncio.run(ward.encounters.record("H1", "E1", events))


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("no admission: no day", [diagnosis("I63.900")]),
        ("discharged", [admission(dischargeTime="2026-06-02T00:30:00Z"), diagnosis("I63.900")]),
        ("it contradicts itself", [admission(birthDate="2026-06-05"), diagnosis("I63.900")]),
    ],
)
def test_nothing_is_kept_where_nothing_is_foretold(
    ward: Ward, name: str, events: list[living_pb2.EncounterEvent]
) -> None:
    ward.live(*events)
    assert ward.finish() == [], name
    assert ward.store.dropped == 0


@pytest.mark.parametrize(
    ("code", "group", "absent"), [("S06.000", "CR19", ""), ("E11.900", "", "no_group"), ("", "", "no_group")]
)
def test_a_forecast_that_is_silent_is_kept_with_its_reason(
    ward: Ward, code: str, group: str, absent: str
) -> None:
    ward.live(*([admission(), diagnosis(code)] if code else [admission()]))
    (first,) = ward.finish()
    ward.now += timedelta(days=1)
    ward.live(event("x", MORNING, frontPage={"name": "adm_way", "value": "1"}))
    (_, second) = ward.finish()
    kept = read(second.content)
    assert (second.group, kept.absent, kept.set_size > 0) == (group, absent, not absent)
    if code == "S06.000":
        # Of a stay of one day it never saw the like.
        assert (first.group, read(first.content).absent) == ("CR1", "never_seen")


def test_without_a_forecast_bundle_nobody_is_asked(
    ward: Ward, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward.evaluator = replace(
        ward.evaluator, snapshot=replace(snapshot, forecasts=type(snapshot.forecasts)({}))
    )
    monkeypatch.setattr(Keeper, "_keep", None)
    ward.live(admission(), diagnosis("I63.900"))
    assert ward.finish() == []


def test_money_and_rules_of_those_who_look_are_not_its_own(ward: Ward) -> None:
    """Where roles are told apart, the cost is kept all the same."""
    hidden = MeterSettings(HospitalSettings(money_for=frozenset(("office",))))
    ward.evaluator = replace(ward.evaluator, settings=hidden)
    charge = {"id": "c1", "line": {"id": "c1", "time": MORNING.isoformat(), "amountFen": 70_000}}
    ward.live(admission(), diagnosis("I63.900"), event("c", MORNING, charge=charge))
    (day,) = ward.finish()
    assert read(day.content).running_fen == 70_000


def test_another_evaluator_answers_from_then_on(ward: Ward, snapshot: Snapshot) -> None:
    ward.live(admission(), diagnosis("I63.900"))
    ward.finish()
    other, _ = with_forecast(snapshot, "tiny", foretold, sha256="e" * 64)
    ward.evaluator = Evaluator(other, ZONE)
    ward.keeper.stir("H1", "E1")
    assert [day.bundle_sha256 for day in ward.finish()] == ["e" * 64]


def test_more_than_may_wait_are_dropped_and_counted(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST", 2)
    for encounter in ("E1", "E2", "E3", "E1"):
        ward.keeper.stir("H1", encounter)
    assert ward.store.dropped == 1
    # None of them is open: there is nothing to keep, and nothing is lost.
    assert ward.finish() == []
    assert ward.store.dropped == 1


def test_what_cannot_be_asked_is_dropped_and_the_others_are_kept(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for encounter in ("E1", "E2", "E3"):
        ward.live(admission(), diagnosis("I63.900"), encounter=encounter)
    whole = ward.encounters.state

    async def state(hospital: str, encounter: str) -> living_pb2.EncounterState | None:
        if encounter == "E1":
            raise StoreUnavailable("the store does not answer")
        if encounter == "E2":
            raise KeyError("a patient's name")
        return await whole(hospital, encounter)

    monkeypatch.setattr(ward.encounters, "state", state)
    assert [day.encounter for day in ward.finish()] == ["E3"]
    assert ward.store.dropped == 2
    assert "KeyError" in caplog.text
    assert "name" not in caplog.text.replace("a forecast of a day was not kept", "")


def test_there_is_no_time_left_at_the_end(ward: Ward) -> None:
    ward.live(admission(), diagnosis("I63.900"))
    asyncio.run(ward.keeper.finish(0.0))
    assert ward.store.dropped == 1
    assert ward.finish() == []


def test_while_it_runs_it_asks_by_itself(ward: Ward) -> None:
    async def main() -> None:
        running = asyncio.create_task(ward.keeper.run())
        await asyncio.sleep(0)
        await ward.encounters.record("H1", "E1", [admission(), diagnosis("I63.900")])
        ward.keeper.stir("H1", "E1")
        for _ in range(500):
            await asyncio.sleep(0.01)
            if await ward.store.read(lambda it: list(it.forecast_days("2026-06-02", "2026-06-02"))):
                break
        running.cancel()

    asyncio.run(main())
    assert [day.group for day in ward.days()] == ["BR1"]


@pytest.mark.parametrize("way", ["RecordEvents", "WatchEncounter", "a door"])
def test_an_engine_keeps_what_it_was_told(store: Store, bundles: Path, way: str) -> None:
    """By events, and by somebody who watches, or asks at a door, on a day without any."""
    now = datetime.now(UTC)
    start = {"admissionTime": (now - timedelta(days=2)).isoformat()}
    events = [event("a", now, facts={"values": start}), diagnosis("I63.900", now)]
    engine = engine_of(whenever(bundles), store)

    async def main() -> None:
        async with engine.running():
            assert engine.encounters and engine.keeper
            if way == "RecordEvents":
                request = living_pb2.RecordEventsRequest(encounter_id="E1", hospital="H1", events=events)
                await engine.calls[way].answer(request, Caller("H1", "emr"))  # type: ignore[misc]  # no stream
                return
            await engine.encounters.record("H1", "E1", events)
            if way == "a door":
                question = Question(service_pb2.EvaluateRequest(encounter={"encounter_id": "E1"}), {})
                desk = Desk(engine, DoorSettings(wait_ms=20_000))
                await desk.answer(question, Caller("H1"), DoorFacts("door", frozenset(("encounter_id",))))
            else:
                watching = living_pb2.WatchEncounterRequest(encounter_id="E1", hospital="H1")
                stream: Any = engine.calls[way].answer(watching, Caller("H1", "emr"))
                await anext(stream)
                await stream.aclose()

    asyncio.run(main())
    store.write_now(lambda _: None)
    days = store.read_now(lambda it: list(it.forecast_days("2020-01-01", "2999-12-31")))
    assert [(day.hospital, day.encounter, day.day_of_stay) for day in days] == [("H1", "E1", 3)]


def whenever(bundles: Path) -> Snapshot:
    """The packs of this module whatever the year: the tiny one holds in 2026 only."""
    own = Snapshot.open([tiny_bundle(bundles)])
    (loaded,) = own.schemes
    loaded.header = replace(loaded.header, valid_from="", valid_until="")
    return with_forecast(own, "tiny", foretold)[0]


def test_a_day_ends_at_its_own_midnight() -> None:
    assert end_of(MORNING.astimezone(ZONE).date(), ZONE) == MIDNIGHT
    # A day that is an hour shorter.
    assert end_of(datetime(2026, 3, 29).date(), ZoneInfo("Europe/Berlin")) == datetime(
        2026, 3, 29, 22, tzinfo=UTC
    )


CODES = st.lists(st.text("ABZ019.x?", min_size=1, max_size=8), max_size=3).map(tuple)
KEPT = st.builds(
    Kept,
    case=st.builds(
        Case,
        diagnoses=CODES,
        procedures=CODES,
        sex=st.sampled_from((None, "M", "F")),
        department=st.none() | st.text(max_size=5),
        age_years=st.none() | st.integers(0, 150),
        icu_hours=st.none() | st.floats(0, 1000),
        discharge_way=st.none() | st.sampled_from(("1", "9")),
        age_days=st.none() | st.integers(0, 55_000),
        birth_weight_g=st.none() | st.integers(100, 15_000),
        los_days=st.none() | st.integers(1, 100),
        # It is of the moment, and groups nothing.
        provisional=st.just(frozenset()),
    ),
    planned=CODES,
    running_fen=st.none() | st.integers(0, 10**13),
    absent=st.sampled_from(("", "never_seen")),
    candidates=st.lists(st.tuples(st.text(max_size=5), st.floats(0, 1)), max_size=10).map(tuple),
    elsewhere=st.floats(0, 1),
    set_size=st.integers(0, 10),
    level=st.floats(0, 1),
    cost_fen=st.none() | st.tuples(*[st.integers(0, 10**13)] * 3),
    los_days=st.none() | st.tuples(*[st.integers(1, 10**5)] * 3),
)


@settings(max_examples=50)
@given(KEPT)
def test_what_is_written_is_read(kept: Kept) -> None:
    assert read(written(kept)) == kept


def test_every_query_of_the_ledger_has_its_index(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 's.db'}")
    asked: list[str] = []
    queries: list[Callable[[Any], Any]] = [
        lambda it: list(it.forecast_days("2026-01-01", "2026-12-31", "H")),
        lambda it: it.count_forecast_days("2026-01-01", "2026-12-31"),
        lambda it: it.outcomes("H", "E"),
        lambda it: it.arrivals("H", "E"),
    ]

    def look(it: Any) -> None:
        original = it._connection.connection.driver_connection
        original.set_trace_callback(asked.append)
        for query in queries:
            query(it)
        original.set_trace_callback(None)
        selects = [statement for statement in asked if statement.startswith("SELECT")]
        assert len(selects) == len(queries)
        for statement in selects:
            plan = original.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            assert not [step for *_, step in plan if step.startswith("SCAN")], (statement, plan)

    try:
        store.read_now(look)
    finally:
        store.close()
