"""Messages with anything in them: they are read or refused, and nothing else happens."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemeter_server.caller import Caller
from casemeter_server.doors.nhsa.audit import read_audit
from casemeter_server.doors.nhsa.envelope import Stamp, envelope_of
from casemeter_server.doors.nhsa.feedback import read_feedback
from casemeter_server.doors.nhsa.reply import Told, write_audit, write_error
from casemeter_server.doors.nhsa.settings import NhsaSettings
from casemeter_server.doors.nhsa.tree import parse, root_of
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator
from door_apps import snapshot_of
from nhsa_messages import ZONE, base_message

NOW = datetime(2026, 6, 5, 12, tzinfo=ZONE)
STAMP = Stamp(NOW, NOW, 1)
FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))

Way = tuple[str | int, ...]

odd: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(
            "",
            "-",
            " ",
            "null",
            "0",
            "-1",
            "1e400",
            "9" * 40,
            "0.001",
            "２",
            "NaN",
            "\ud800",
            "\x00",
            "x" * 600,
        ),
        *("2026-02-30", "9999-12-31", "0001-01-01 00:00:00", "99991231235959", "2026-06-01T00:00:00+99:99"),
        *(None, True, False, 0, -1, 10**30, 1e308, 0.1, [], {}, [[]], [{}], [None], {"": ""}),
    ]
)
jsons: st.SearchStrategy[Any] = st.recursive(
    odd | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def ways(value: Any, way: Way = ()) -> Iterator[Way]:
    """Every place in a value."""
    if way:
        yield way
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from ways(inner, (*way, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from ways(inner, (*way, at))


FEEDBACK = {
    "infno": "3103",
    "msgid": "m",
    "input": {
        "data": {"warn_type": "1", "warns": [{"warn_rslt_id": "n", "dspo_way": "1", "dspo_way_rea": "why"}]}
    },
}


@cache
def places_of(kind: str) -> tuple[Way, ...]:
    return tuple(ways(base_message() if kind == "audit" else FEEDBACK))


@st.composite
def mutated(draw: st.DrawFn, kind: str) -> bytes:
    message = base_message() if kind == "audit" else copy.deepcopy(FEEDBACK)
    for way in draw(st.lists(st.sampled_from(places_of(kind)), min_size=1, max_size=4)):
        owner: Any = message
        try:
            for step in way[:-1]:
                owner = owner[step]
            if draw(st.booleans()):
                owner[way[-1]] = draw(jsons)
            elif isinstance(owner, dict):
                del owner[way[-1]]
            elif isinstance(owner, list):
                owner.append(draw(jsons))
        except (KeyError, IndexError, TypeError):
            continue  # an earlier mutation took the place away
    return json.dumps(message).encode()


@pytest.fixture(scope="module")
def evaluator(bundles: Path) -> Evaluator:
    return Evaluator(snapshot_of(bundles), ZONE)


def answer(data: bytes, evaluator: Evaluator) -> bytes:
    """Answer a message as the door does; faults of the stay name places of the message."""
    message = parse(data)
    envelope = envelope_of(root_of(message, []))
    try:
        audit = read_audit(message, ZONE)
        told = []
        for visit in audit.visits:
            if visit.question is not None:
                try:
                    response = evaluator.evaluate(visit.question.request, Caller(role="physician"))
                except RequestError as error:
                    places = [visit.question.of_message(fault).field for fault in error.error.faults]
                    assert not any(place.startswith("encounter") for place in places), places
                    raise
                told.append(Told(visit, response.verdict))
        return write_audit(audit, told, NhsaSettings(tell_group="always"), STAMP)
    except RequestError as error:
        return write_error(envelope, error, STAMP)


@FUZZ
@given(mutated("audit"))
def test_mutated_messages_are_read_or_refused(evaluator: Evaluator, data: bytes) -> None:
    reply = json.loads(answer(data, evaluator))
    assert isinstance(reply["output"]["result"], list)
    assert (reply["infcode"] == 0) == (reply["err_msg"] == "")
    assert len(reply["err_msg"]) <= 200


@FUZZ
@given(mutated("feedback"))
def test_mutated_feedback_is_read_or_refused(data: bytes) -> None:
    try:
        feedback = read_feedback(data)
    except RequestError as error:
        assert error.error.faults
    else:
        assert all(one.number and one.answer for one in feedback.answers)


@FUZZ
@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode) | jsons.map(json.dumps).map(str.encode))
def test_anything_is_read_or_refused(data: bytes) -> None:
    for read in (lambda: read_audit(data, ZONE, "3101"), lambda: read_feedback(data, "3103")):
        try:
            read()
        except RequestError as error:
            assert error.error.message


def test_a_message_that_is_nested_deeply_is_refused() -> None:
    for data in (b"[" * 100_000, b'{"input":' * 100_000, b'{"a":' + b"[" * 100_000):
        try:
            read_audit(data, ZONE)
        except RequestError as error:
            assert error.error.reason == "NOT_JSON"
