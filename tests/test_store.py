"""What is kept in the store and found again, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from casemeter_server.store.rows import (
    Access,
    Answer,
    EncounterRow,
    Seal,
    SettingsRow,
    ShownAlert,
    StoredEvent,
)
from casemeter_server.store.store import Reading, Store, Writing

START = datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def event(id: str, data: bytes = b"data") -> StoredEvent:
    return StoredEvent(id, data[:1] * 32, data)


def keep(
    encounter: str, *ids: str, when: datetime = START, hospital: str = "H1"
) -> Callable[[Writing], tuple[int, bool]]:
    """A work that keeps events of an encounter."""

    def work(writing: Writing) -> tuple[int, bool]:
        row, opened = writing.lock(hospital, encounter, when)
        return writing.add_events(row, [event(id) for id in ids], when), opened

    return work


def shown(id: str, key: str, minutes: int = 0, presentation: str = "inline") -> ShownAlert:
    return ShownAlert(
        id, "H1", "E1", at(minutes), "rule:1", key, 2, "band", presentation, "hash", "physician", "u1", "grpc"
    )


def answer(key: str = "k1", minutes: int = 5, said: str = "accepted", encounter: str = "E1") -> Answer:
    return Answer(
        "H1", encounter, "rule:1", key, at(minutes), said, "", "写了什么", "hash", "u1", "physician", "a1"
    )


# Encounters and events


def test_events_are_found_in_the_order_of_versions(store: Store) -> None:
    assert store.write_now(keep("E1", "b", "c")) == (1, True)
    assert store.write_now(keep("E1", "a", when=at(1))) == (2, False)
    assert store.read_now(lambda it: it.encounter("H1", "E1")) == EncounterRow("H1", "E1", 2, START, at(1))
    for after, ids in ((0, "bca"), (1, "a"), (2, "")):
        found = store.read_now(partial(Reading.events, hospital="H1", encounter="E1", after=after))
        assert "".join(one.event_id for one in found) == ids
    assert found == []
    assert store.read_now(lambda it: it.events("H1", "E1"))[0] == event("b")


def test_a_number_is_unique_within_its_hospital_only(store: Store) -> None:
    store.write_now(keep("E1", "a"))
    assert store.write_now(keep("E1", "a", hospital="H2")) == (1, True)
    assert store.read_now(lambda it: it.encounter("H3", "E1")) is None
    assert store.read_now(lambda it: it.events("H3", "E1")) == []


def test_known_tells_the_digests_of_those_that_are_kept(store: Store) -> None:
    many = [f"e{n}" for n in range(1200)]
    store.write_now(keep("E1", *many))
    found = store.write_now(lambda it: it.known("H1", "E1", [*many, "new", "e1"]))
    assert found == dict.fromkeys(many, b"d" * 32)
    assert store.write_now(lambda it: it.known("H2", "E1", many)) == {}
    assert store.write_now(lambda it: it.known("H1", "E1", [])) == {}


def test_an_event_is_not_kept_twice(store: Store) -> None:
    store.write_now(keep("E1", "a"))
    with pytest.raises(Exception, match=r"(?i)unique"):
        store.write_now(keep("E1", "b", "a"))
    assert [one.event_id for one in store.read_now(lambda it: it.events("H1", "E1"))] == ["a"]
    assert store.write_now(keep("E1", "b")) == (2, False)


def test_encounters_of_a_time_are_those_that_got_events_in_it(store: Store) -> None:
    for encounter, minutes in (("E1", 0), ("E1", 60), ("E2", 30), ("E3", 60)):
        store.write_now(keep(encounter, f"{minutes}", when=at(minutes)))
    store.write_now(keep("E9", "x", when=at(30), hospital="H2"))
    cases = [
        ((0, 60), "", "E1 E2 E9"),
        ((0, 61), "H1", "E1 E2 E3"),
        ((31, 60), "", ""),
        ((30, 31), "H2", "E9"),
    ]
    for (since, until), hospital, expected in cases:
        found = store.read_now(lambda it: list(it.encounters(at(since), at(until), hospital)))  # noqa: B023 (run at once)
        assert " ".join(row.encounter for row in found) == expected
        assert all(row.version == (2 if row.encounter == "E1" else 1) for row in found)


def test_times_are_kept_in_utc_whatever_their_offset(store: Store) -> None:
    local = START.astimezone(timezone(timedelta(hours=8)))
    store.write_now(keep("E1", "a", when=local))
    row = store.read_now(lambda it: it.encounter("H1", "E1"))
    assert row
    assert row.opened_at == START
    assert row.opened_at.utcoffset() == timedelta(0)
    with pytest.raises(Exception, match="needs its offset"):
        store.write_now(keep("E2", "a", when=START.replace(tzinfo=None)))
    assert store.read_now(lambda it: it.encounter("H1", "E2")) is None


# Alerts and answers


def test_an_alert_comes_with_the_last_answer_to_its_key(store: Store) -> None:
    store.write_now(keep("E1", "a"))
    rows = [
        shown("a1", "k1", 0, "interrupt"),
        shown("a2", "k1", 1),
        shown("a3", "k1", 2),
        shown("a4", "k2", 3),
    ]
    assert store.record(*rows)
    assert store.write_now(lambda it: it.add_answer(answer("k1", 5))) == 2
    assert store.write_now(lambda it: it.add_answer(answer("k1", 6, "overridden"))) == 3
    found = store.read_now(lambda it: it.alerts("H1", "E1"))
    assert [(one.id, one.answer, one.answered_at) for one in found] == [
        ("a1", "overridden", at(6)),
        ("a2", "overridden", at(6)),
        ("a4", "", None),
    ], "the first of each way a key was shown"
    assert found[2] == rows[3]
    assert found[0] == rows[0]._replace(answer="overridden", text="写了什么", answered_at=at(6))
    assert store.read_now(lambda it: it.alert("a3")) == rows[2]._replace(
        answer="overridden", text="写了什么", answered_at=at(6)
    )
    assert store.read_now(lambda it: it.alert("a9")) is None
    assert store.read_now(lambda it: it.alerts("H2", "E1")) == []


def test_an_answer_moves_its_encounter_on_if_there_is_one(store: Store) -> None:
    assert store.write_now(lambda it: it.add_answer(answer())) == 0
    store.write_now(keep("E1", "a"))
    assert store.write_now(lambda it: it.add_answer(answer())) == 2
    row = store.read_now(lambda it: it.encounter("H1", "E1"))
    assert row
    assert (row.version, row.changed_at) == (2, at(5))
    assert store.read_now(lambda it: list(it.answers())) == [answer(), answer()]


def test_answers_of_a_time(store: Store) -> None:
    for minutes in (3, 1, 2, 2):
        store.write_now(partial(Writing.add_answer, answer=answer(f"k{minutes}", minutes)))
    cases: list[tuple[datetime | None, datetime | None, str]] = [
        (None, None, "k1 k2 k2 k3"),
        (at(2), None, "k2 k2 k3"),
        (None, at(2), "k1"),
        (at(2), at(3), "k2 k2"),
        (at(4), None, ""),
    ]
    for since, until, expected in cases:
        found = store.read_now(lambda it: list(it.answers(since, until)))  # noqa: B023 (run at once)
        assert " ".join(one.alert_key for one in found) == expected


# Settings, seals, looks


def test_settings_change_only_from_the_version_that_they_are_at(store: Store) -> None:
    def put(content: str, version: int) -> SettingsRow | None:
        return store.write_now(lambda it: it.put_settings("meter", content, version, "u1", at(version)))

    assert put("x", 1) is None
    assert store.read_now(lambda it: it.settings("meter")) is None
    assert put("a", 0) == SettingsRow("meter", "a", 1, "u1", at(0))
    assert put("b", 0) is None
    assert put("b", 1) == SettingsRow("meter", "b", 2, "u1", at(1))
    assert put("c", 1) is None
    assert put("c", 3) is None
    assert store.read_now(lambda it: it.settings("meter")) == SettingsRow("meter", "b", 2, "u1", at(1))
    assert store.read_now(lambda it: it.settings("alerts")) is None


def test_seals(store: Store) -> None:
    seals = [Seal(f"s{n}", "H1", "E1", at(9 - n), "coder", "ab" * 32, "token" * 99) for n in range(2)]
    for seal in seals:
        store.write_now(partial(Writing.add_seal, seal=seal))
    assert store.read_now(lambda it: it.seals("H1", "E1")) == seals[::-1]
    assert store.read_now(lambda it: it.seals("H1", "E2")) == []


def test_looks_are_found_by_the_patient(store: Store) -> None:
    looks = [
        Access(at(n), hospital, "u1", "physician", "0301", "Evaluate", "E1", "H1")
        for n, hospital in enumerate(("H1", "H2"))
    ]
    other = looks[0]._replace(of_hospital="H2")
    assert store.record(*looks, other)
    store.write_now(lambda _: None)  # what was recorded before is written with it
    assert store.read_now(lambda it: list(it.accesses("H1", "E1"))) == looks
    assert store.read_now(lambda it: list(it.accesses("H2", "E1"))) == [other]


# Work


def test_a_work_that_fails_leaves_nothing_and_comes_back_to_its_caller(store: Store) -> None:
    def work(writing: Writing) -> None:
        keep("E1", "a")(writing)
        writing.put_settings("meter", "x", 0, "u1", START)
        writing.add_answer(answer())
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        store.write_now(work)
    assert store.read_now(lambda it: it.encounter("H1", "E1")) is None
    assert store.read_now(lambda it: it.settings("meter")) is None
    assert store.read_now(lambda it: list(it.answers())) == []


def test_a_reading_sees_one_moment(store: Store) -> None:
    store.write_now(keep("E1", "a"))

    def look(reading: Reading) -> tuple[int, int]:
        before = reading.encounter("H1", "E1")
        store.write_now(keep("E1", "b"))
        assert before
        return before.version, len(reading.events("H1", "E1"))

    assert store.read_now(look) == (1, 1)


def test_a_reading_writes_nothing(store: Store) -> None:
    store.write_now(keep("E1", "a"))
    with pytest.raises(Exception, match=r"(?i)read.?only"):
        store.read_now(lambda it: it._connection.execute(text("DELETE FROM events")))
    assert len(store.read_now(lambda it: it.events("H1", "E1"))) == 1


def test_every_query_has_its_index(tmp_path: Path) -> None:
    """SQLite says how it looks; a table is never read from end to end."""
    store = Store.open(f"sqlite:///{tmp_path / 's.db'}")
    asked: list[str] = []

    def look(it: Reading) -> None:
        connection = it._connection
        original = connection.connection.driver_connection
        assert original
        original.set_trace_callback(asked.append)
        it.encounter("H", "E")
        it.events("H", "E", 3)
        it.alerts("H", "E")
        it.alert("a")
        list(it.answers(at(0), at(1)))
        list(it.encounters(at(0), at(1), "H"))
        it.settings("meter")
        it.seals("H", "E")
        list(it.accesses("H", "E"))
        original.set_trace_callback(None)
        selects = [statement for statement in asked if statement.startswith("SELECT")]
        assert len(selects) == 9
        for statement in selects:
            plan = original.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            scans = [step for *_, step in plan if step.startswith("SCAN") and step != "SCAN keys"]
            assert not scans, (statement, plan)

    try:
        store.read_now(look)
    finally:
        store.close()
