"""Proto JSON: read and written as the library of protobuf does, but every fault is told, with its place."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from casemeter.v1 import service_pb2
from casemeter_server.calls import METHODS
from casemeter_server.doors.proto_reader import MAX_COUNTED, MAX_ENTRIES, from_json
from casemeter_server.doors.proto_writer import to_dict, to_json
from casemeter_server.doors.strict_json import read_json
from casemeter_server.errors import MAX_FAULTS, RequestError
from request_strategies import requests

DATA = tomllib.loads((Path(__file__).parent / "data" / "doors_json.toml").read_text("utf-8"))


def body_of(case: dict[str, Any]) -> bytes:
    """The body of a case: text, or bytes in hexadecimal digits; ``open`` and ``close`` stand around it."""
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    times: int = case.get("times", 0)
    text: str = case.get("open", "") * times + case["body"] + case.get("close", "") * times
    return text.encode()


@pytest.mark.parametrize("case", DATA["bad"], ids=lambda case: case["name"])
def test_a_bad_body_is_told_with_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        from_json(service_pb2.EvaluateRequest, read_json(body_of(case)))
    error = caught.value.error
    assert error.reason == case.get("reason", "INVALID_REQUEST")
    assert [f"{fault.field}: {fault.reason}" for fault in error.faults] == case.get("faults", [])
    told = [error.message, *(fault.message for fault in error.faults)]
    for says in case["says"]:
        assert any(says in text for text in told), (says, told)


@pytest.mark.parametrize("case", DATA["good"], ids=lambda case: case["name"])
def test_what_is_written_in_other_ways_is_read(case: dict[str, Any]) -> None:
    said = from_json(service_pb2.EvaluateRequest, read_json(body_of(case)))
    assert json_format.MessageToDict(said, preserving_proto_field_name=True) == case["means"]


@given(requests)
def test_reading_and_writing_agree_with_the_library(request: Any) -> None:
    try:
        text = json_format.MessageToJson(request)
    except json_format.SerializeToJsonError:  # a moment before the year 1 has no form in JSON
        return
    assert json.loads(to_json(request)) == json.loads(text)
    said = from_json(service_pb2.EvaluateRequest, read_json(text.encode()))
    assert said.SerializeToString(deterministic=True) == request.SerializeToString(deterministic=True)
    names = json_format.MessageToJson(request, preserving_proto_field_name=True)
    assert from_json(service_pb2.EvaluateRequest, read_json(names.encode())) == said


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["encounter", "diagnoses", "asOf", "as_of", "sex", "code"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_what_the_library_takes_is_taken_and_the_rest_is_refused(value: Any) -> None:
    body = json.dumps(value).encode()
    try:
        expected = json_format.Parse(body, service_pb2.EvaluateRequest())
    except json_format.ParseError:
        expected = None
    try:
        said = from_json(service_pb2.EvaluateRequest, read_json(body))
    except RequestError as error:
        assert error.error.reason == "INVALID_REQUEST"
        assert error.error.faults
        return
    assert expected is not None
    assert said == expected


MOMENTS = st.builds(
    lambda day, time, fraction, offset: f"{day}T{time}{fraction}{offset}",
    st.dates() | st.sampled_from(["2026-02-29", "0001-01-01", "9999-12-31", "2026-13-01"]),
    st.times().map(lambda time: time.strftime("%H:%M:%S")) | st.sampled_from(["24:00:00", "23:59:60"]),
    st.sampled_from(["", ".1", ".000000001", ".123456789", ".1234567890"]),
    st.sampled_from(["Z", "+08:00", "-23:59", "+14:00", ""]),
)


@given(MOMENTS)
def test_moments_are_read_as_the_library_reads_them(text: str) -> None:
    body = json.dumps({"asOf": text}).encode()
    try:
        expected = json_format.Parse(body, service_pb2.EvaluateRequest())
    except json_format.ParseError:
        with pytest.raises(RequestError, match="1 field"):
            from_json(service_pb2.EvaluateRequest, read_json(body))
    else:
        assert from_json(service_pb2.EvaluateRequest, read_json(body)) == expected


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("{" + ",".join(f'"name{at}":0' for at in range(MAX_COUNTED + 5)) + "}", MAX_COUNTED),
        ('{"encounter":{"diagnoses":[' + "0," * (MAX_COUNTED + 5) + "0]}}", MAX_COUNTED),
        ('{"encounter":{"diagnoses":[' + "{}," * MAX_ENTRIES + "{}]}}", 1),
    ],
    ids=["names", "entries", "a list without end"],
)
def test_very_many_faults_end_the_reading(body: str, count: int) -> None:
    with pytest.raises(RequestError, match=f"^{count} field") as caught:
        from_json(service_pb2.EvaluateRequest, read_json(body.encode()))
    assert len(caught.value.error.faults) == min(count, MAX_FAULTS)


def test_equal_messages_give_equal_bytes() -> None:
    body = b'{"encounter":{"charges":{},"diagnoses":[{"code":"A"}]},"callId":"1"}'
    said = from_json(service_pb2.EvaluateRequest, read_json(body))
    assert said.encounter.HasField("charges")
    again = service_pb2.EvaluateRequest.FromString(said.SerializeToString())
    assert to_json(said) == to_json(again)


def _kinds() -> dict[str, Any]:
    found: dict[str, Any] = {}

    def walk(message: Any) -> None:
        if message.full_name in found:
            return
        found[message.full_name] = message
        for field in message.fields:
            if field.message_type is not None:
                walk(field.message_type)

    for method in METHODS.values():
        walk(method.input_type)
        walk(method.output_type)
    return found


def test_every_message_of_the_contract_can_be_read_and_written() -> None:
    kinds = _kinds()
    assert len(kinds) > 80
    for message in kinds.values():
        if message.full_name.startswith("casemeter."):
            kind: type[Message] = message._concrete_class
            assert to_dict(from_json(kind, read_json(b"{}"))) == {}
    assert all(not name.startswith("google.") or name.endswith(".Timestamp") for name in kinds)
