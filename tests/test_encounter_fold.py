"""The state of an encounter is a function of the set of its events."""

from __future__ import annotations

import tomllib
from pathlib import Path
from random import Random
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from casemeter.v1.living_pb2 import EncounterEvent, EncounterState, OutcomeEvent, ProcedureEvent
from casemeter_server.encounters.fold import Fold
from event_strategies import histories

CASES = tomllib.loads((Path(__file__).parent / "data" / "encounter_states.toml").read_text("utf-8"))["case"]


def events_of(case: dict[str, Any]) -> list[EncounterEvent]:
    return [json_format.ParseDict(event, EncounterEvent()) for event in case["events"]]


def fold(events: list[EncounterEvent]) -> EncounterState:
    folded = Fold("Z1")
    folded.add(events)
    return folded.state()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_events_come_to_a_state(case: dict[str, Any]) -> None:
    expected = json_format.ParseDict(case["state"], EncounterState())
    expected.encounter.encounter_id = "Z1"
    events = events_of(case)
    for seed in range(4):
        Random(seed).shuffle(events)
        state = fold(events)
        assert state.events == len(events)
        assert len(state.state_hash) == 64
        state.ClearField("state_hash")
        state.ClearField("events")
        assert state == expected


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter(events: list[EncounterEvent], random: Random) -> None:
    shuffled = random.sample(events, len(events))
    assert fold(shuffled) == fold(events)


@given(histories())
def test_a_state_is_what_events_in_order_leave(events: list[EncounterEvent]) -> None:
    """In the order of their times, without those that were corrected, each event simply replaces its part."""
    wrong = {event.corrects for event in events}
    holding = [event for event in events if event.event_id not in wrong]
    holding.sort(key=lambda event: (event.time.seconds, event.event_id))
    bare: list[EncounterEvent] = []
    for event in holding:
        copy = EncounterEvent()
        copy.CopyFrom(event)
        copy.corrects = ""
        bare.append(copy)
    assert fold(bare).state_hash == fold(events).state_hash
    last: dict[Any, EncounterEvent] = {}
    for event in bare:
        kind = event.WhichOneof("what")
        if kind == "diagnosis":
            last[event.diagnosis.id] = event
    codes = sorted(
        event.diagnosis.diagnosis.code for event in last.values() if event.diagnosis.HasField("diagnosis")
    )
    assert sorted(diagnosis.code for diagnosis in fold(events).encounter.diagnoses) == codes


@given(histories())
def test_each_part_is_what_was_said_of_it_last(events: list[EncounterEvent]) -> None:
    """Procedures are planned or done, and each source has one outcome at most."""
    wrong = {event.corrects for event in events}
    procedures: dict[str, ProcedureEvent] = {}
    outcomes: dict[int, OutcomeEvent] = {}
    for event in sorted(events, key=lambda event: (event.time.seconds, event.event_id)):
        if event.event_id not in wrong and event.HasField("procedure"):
            procedures[event.procedure.id] = event.procedure
        elif event.event_id not in wrong and event.HasField("outcome"):
            outcomes[event.outcome.source] = event.outcome
    state = fold(events)
    there = [one for _, one in sorted(procedures.items()) if one.HasField("procedure")]
    there.sort(key=lambda one: one.position)
    planned, done = ([one.procedure for one in there if one.planned == asked] for asked in (True, False))
    assert list(state.encounter.planned_procedures) == planned
    assert list(state.encounter.procedures) == done
    told = [one for _, one in sorted(outcomes.items()) if one.HasField("outcome")]
    assert list(state.outcomes) == told


@given(histories(), histories())
def test_equal_states_have_equal_hashes_and_others_do_not(
    one: list[EncounterEvent], other: list[EncounterEvent]
) -> None:
    """Of the state, that is: neither the number of events nor what is said of the stay when it is over."""
    states = fold(one), fold(other)
    for state in states:
        state.ClearField("events")
        state.ClearField("outcomes")
    hashes = [state.state_hash for state in states]
    for state in states:
        state.ClearField("state_hash")
    assert (states[0] == states[1]) == (hashes[0] == hashes[1])


@given(histories())
def test_an_outcome_makes_nothing_stale(events: list[EncounterEvent]) -> None:
    told = {"source": "OUTCOME_SOURCE_BUREAU", "outcome": {"group": "BR25"}}
    outcome = {"eventId": "last", "time": "2026-07-01T00:00:00Z", "outcome": told}
    after = fold([*events, json_format.ParseDict(outcome, EncounterEvent())])
    assert after.state_hash == fold(events).state_hash
    assert after.outcomes[-1].outcome.group == "BR25"
