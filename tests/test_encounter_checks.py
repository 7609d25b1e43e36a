"""Events are checked each for itself, every fault at once."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format
from hypothesis import given

from casemeter.v1.living_pb2 import (
    OUTCOME_SOURCE_CODER,
    EncounterEvent,
    Outcome,
    OutcomeEvent,
    RecordEventsRequest,
)
from casemeter_server.encounters.checks import MAX_EVENTS, check_events
from casemeter_server.errors import RequestError
from casemeter_server.prepare import MAX_ENTRIES
from event_strategies import histories

DATA = Path(__file__).parent / "data"
CASES = tomllib.loads((DATA / "encounter_bad_events.toml").read_text("utf-8"))["case"]
ZONE = ZoneInfo("Asia/Shanghai")


def faults_of(request: RecordEventsRequest) -> list[list[str]]:
    with pytest.raises(RequestError) as caught:
        check_events(request, ZONE)
    for fault in caught.value.error.faults:
        assert fault.message.startswith(fault.field)
    return [[fault.field, fault.reason] for fault in caught.value.error.faults]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_fault_is_told_at_once(case: dict[str, Any]) -> None:
    assert faults_of(json_format.ParseDict(case["request"], RecordEventsRequest())) == case["faults"]


def test_too_many_events_are_not_read() -> None:
    request = RecordEventsRequest(encounter_id="Z1", events=[EncounterEvent()] * (MAX_EVENTS + 1))
    assert faults_of(request) == [["events", "TOO_MANY"]]


def test_too_many_codes_of_an_outcome_are_not_read() -> None:
    told = Outcome(group="BR23", diagnoses=[""] * (MAX_ENTRIES + 1), procedures=[""] * (MAX_ENTRIES + 1))
    event = EncounterEvent(
        event_id="1",
        time=datetime(2026, 6, 1, tzinfo=UTC),
        outcome=OutcomeEvent(source=OUTCOME_SOURCE_CODER, outcome=told),
    )
    assert faults_of(RecordEventsRequest(encounter_id="Z1", events=[event])) == [
        ["events[0].outcome.outcome.diagnoses", "TOO_MANY"],
        ["events[0].outcome.outcome.procedures", "TOO_MANY"],
    ]


@given(histories())
def test_what_contradicts_other_events_only_is_taken(events: list[EncounterEvent]) -> None:
    check_events(RecordEventsRequest(encounter_id="Z1", events=events), ZONE)
