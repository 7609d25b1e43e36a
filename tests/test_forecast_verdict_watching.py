"""What a watcher is told of a forecast: that it heads elsewhere, not that a charge moved its odds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format

from casemeter.v1 import forecast_pb2, living_pb2
from casemeter_client import _changes
from casemeter_grouper.forecast.known import Answer, Known
from casemeter_server.encounters import changes
from casemeter_server.snapshot import Snapshot
from live import SERVICE, live, tiny_bundle
from made_forecasts import answer_of, with_forecast

TELLS: tuple[Callable[[living_pb2.EncounterChange, living_pb2.EncounterChange], None], ...] = (
    changes.tell_changes,
    _changes.tell_changes,
)
FORECAST = {
    "groups": [{"code": code, "probability": 0.3} for code in ("A", "B", "C")],
    "set_size": 2,
    "cost": {"middle_fen": 100},
}


def change_of(**forecast: Any) -> living_pb2.EncounterChange:
    verdict = {"forecast": {**FORECAST, **forecast}}
    return json_format.ParseDict({"verdict": verdict}, living_pb2.EncounterChange())


@pytest.mark.parametrize("tell", TELLS, ids=["server", "client"])
@pytest.mark.parametrize(
    ("forecast", "is_told"),
    [
        ({}, False),
        ({"groups": [{"code": code, "probability": 0.25} for code in ("A", "B", "C")]}, False),
        ({"cost": {"middle_fen": 101}}, False),
        ({"moved": [{"cause": "FORECAST_CAUSE_COST", "group": "A"}]}, False),
        ({"groups": [{"code": code} for code in ("A", "B", "D")]}, False),
        ({"groups": [{"code": code} for code in ("B", "A", "C")]}, True),
        ({"groups": [{"code": code} for code in ("A", "C", "B")]}, True),
        ({"set_size": 3}, True),
        ({"set_size": 0}, True),
        ({"groups": [], "set_size": 0, "absent": "FORECAST_ABSENT_DISCHARGED"}, True),
    ],
)
def test_what_counts_as_a_change(forecast: dict[str, Any], is_told: bool, tell: Any) -> None:
    change = change_of(**forecast)
    tell(change_of(), change)
    assert list(change.changed) == ["forecast"] * is_told
    assert not (change.appeared or change.withdrawn)


def heading(known: Known) -> Answer:
    """The dearer the stay has been, the likelier the first group; beyond 50 yuan another one is."""
    share = 0.5 + min((known.cost_fen or 0) / 100_000, 0.1)
    first, second = ("BR11", "BR13") if (known.cost_fen or 0) > 5_000 else ("BR13", "BR11")
    return answer_of(known, {first: share, second: 1 - share})


def test_a_watcher_is_told_what_moved_since_it_was_told_last(bundles: Path, tmp_path: Path) -> None:
    snapshot, _ = with_forecast(Snapshot.open([tiny_bundle(bundles)]), "tiny", heading)
    admitted = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    facts = {"values": {"sex": "SEX_MALE", "admissionTime": admitted}}
    with live(snapshot, data=tmp_path, store="") as server, grpc.insecure_channel(server.address) as channel:

        def record(number: str, **what: Any) -> None:
            sent = {"encounterId": "Z1", "events": [{"eventId": number, "time": admitted, **what}]}
            request = json_format.ParseDict(sent, living_pb2.RecordEventsRequest())
            call: Any = channel.unary_unary(f"{SERVICE}RecordEvents")
            call(request.SerializeToString(), metadata=metadata, timeout=20)

        def charge(number: str, fen: int) -> None:
            record(number, charge={"id": number, "line": {"category": "2", "amountFen": fen}})

        metadata = (("casemeter-hospital", "H1"), ("casemeter-role", "emr"))
        record("0", facts=facts)
        record("1", diagnosis={"id": "a", "diagnosis": {"code": "I63.900"}})
        charge("2", 1_000)
        request = living_pb2.WatchEncounterRequest(encounter_id="Z1")
        open_watch: Any = channel.unary_stream(
            f"{SERVICE}WatchEncounter", response_deserializer=living_pb2.EncounterChange.FromString
        )
        watch = open_watch(request.SerializeToString(), metadata=metadata, timeout=30)
        first = next(watch)
        assert not first.changed
        assert not first.verdict.forecast.moved
        charge("3", 2_000)
        second = next(watch)
        assert list(second.changed) == ["money"]
        (move,) = second.verdict.forecast.moved
        assert (move.cause, move.group) == (forecast_pb2.FORECAST_CAUSE_COST, "BR11")
        assert move.before == first.verdict.forecast.groups[1].probability
        charge("4", 3_000)
        third = next(watch)
        assert list(third.changed) == ["money", "forecast"]
        assert third.verdict.forecast.groups[0].code == "BR11"
        watch.cancel()
