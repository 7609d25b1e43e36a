"""Settlement lists 4101 and 4101A: every shape that clients send, and the same facts there and back."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter.v1.encounter_pb2 import Encounter
from casemeter_client.emr.settlement import settlement_message
from casemeter_server.doors.facts import project
from casemeter_server.doors.settlement.door import facts_of
from casemeter_server.doors.settlement.lists import MAX_ROWS, read_settlement
from casemeter_server.errors import RequestError
from settlement_stays import FULL, stays

DATA = tomllib.loads((Path(__file__).parent / "data" / "settlement_shapes.toml").read_text("utf-8"))
ZONE = ZoneInfo("Asia/Shanghai")
HOUR = 3600


def body_of(case: dict[str, Any]) -> bytes:
    text: str = case.get("text") or json.dumps({"setlinfo": {}, **case["message"]}, ensure_ascii=False)
    return text.encode()


def value_at(encounter: dict[str, Any], path: str) -> Any:
    if path.startswith("item."):
        fields = {one["name"]: one.get("value", "") for one in encounter["frontPage"]["fields"]}
        return fields[path.removeprefix("item.")]
    found: Any = encounter
    for step in path.split("."):
        found = found[int(step)] if isinstance(found, list) else found.get(step, "")
        if found == "":
            return ""
    return found


@pytest.mark.parametrize("case", DATA["case"], ids=lambda case: case["name"])
def test_what_is_read(case: dict[str, Any]) -> None:
    read = read_settlement(body_of(case), ZONE)
    assert [f"{one.field} {one.reason}" for one in read.faults] == case.get("faults", [])
    assert [f"{one.field} {one.reason}" for one in read.unknown] == case.get("unknown", [])
    encounter = read.question.request.encounter
    told = json_format.MessageToDict(encounter)
    assert {path: value_at(told, path) for path in case.get("facts", {})} == case.get("facts", {})
    if "segments" in case:
        first = encounter.admission_time.seconds
        assert [
            f"{'ICU' if one.intensive_care else one.department} {(one.start_time.seconds - first) // HOUR}"
            f"+{(one.end_time.seconds - one.start_time.seconds) // HOUR}"
            for one in encounter.segments
        ] == case["segments"]


@pytest.mark.parametrize("case", DATA["refused"], ids=lambda case: case["name"])
def test_what_is_no_settlement_list(case: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as refused:
        read_settlement(body_of(case), ZONE)
    assert refused.value.error.reason == case["reason"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_the_encoding_does_not_matter(encoding: str) -> None:
    text = settlement_message(FULL).decode()
    read = read_settlement(text.encode(encoding), ZONE)
    assert read.question.request == read_settlement(text.encode(), ZONE).question.request
    assert read.envelope is not None
    assert read.envelope["infno"] == "4101"


def test_bytes_of_no_encoding_are_refused() -> None:
    with pytest.raises(RequestError, match="UTF-8"):
        read_settlement(b'{"setlinfo":{"a":"\xff"}}', ZONE)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(RequestError, match="deeply"):
        read_settlement(b"[" * 100_000, ZONE)


def test_a_node_has_so_many_rows() -> None:
    message = {"setlinfo": {}, "diseinfo": [{"diag_code": "I63.900"}] * (MAX_ROWS + 1)}
    (found,) = read_settlement(json.dumps(message).encode(), ZONE).faults
    assert (found.field, found.reason) == ("diseinfo", "TOO_MANY")


def there_and_back(encounter: Encounter, infno: str) -> Encounter:
    read = read_settlement(settlement_message(encounter, infno), ZONE)
    assert not read.faults
    return read.question.request.encounter


@pytest.mark.parametrize("infno", ["4101", "4101A"])
def test_a_message_carries_what_it_says_it_does(infno: str) -> None:
    """Of a stay that has every fact, every fact that is declared comes back, and none besides."""
    carried, facts = there_and_back(FULL, infno), facts_of(infno)
    assert project(carried, facts) == carried
    sums = there_and_back(Encounter(icu_hours=30.5), infno)
    by_age = there_and_back(Encounter(age={"years": 0, "days": 12}), infno)
    for path in facts.paths:
        assert any(has(one, path) for one in (carried, sums, by_age)), path


def has(message: Any, path: str) -> bool:
    name, _, rest = path.partition(".")
    value = getattr(message, name)
    if rest:
        return any(has(one, rest) for one in value) if hasattr(value, "__len__") else has(value, rest)
    return name in {field.name for field, _ in message.ListFields()}


@pytest.mark.parametrize("infno", ["4101", "4101A"])
@given(encounter=stays())
@settings(deadline=None)
def test_what_is_carried_comes_back(infno: str, encounter: Encounter) -> None:
    carried = there_and_back(encounter, infno)
    assert project(carried, facts_of(infno)) == carried
    assert there_and_back(carried, infno) == carried
    same = ["admission_time", "discharge_time", "discharge_way", "encounter_id"]
    if infno == "4101":
        same += ["sex", "birth_date", "insurance_type", "visit_kind"]
    for name in same:
        assert getattr(carried, name) == getattr(encounter, name), name
    assert [one.code for one in carried.diagnoses] == [one.code for one in encounter.diagnoses]
    assert [one.name for one in carried.diagnoses] == [one.name for one in encounter.diagnoses]
    assert list(carried.procedures) == list(encounter.procedures)
    assert [one for one in carried.segments if one.intensive_care] == [
        one for one in encounter.segments if one.intensive_care
    ]
    if infno == "4101":
        assert list(carried.charges.lines) == list(encounter.charges.lines)


cells = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
odd = st.recursive(
    cells,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
@settings(deadline=None)
def test_no_message_does_more_than_be_refused(data: st.DataObject) -> None:
    message = json.loads(settlement_message(FULL, data.draw(st.sampled_from(("4101", "4101A")))))
    for _ in range(data.draw(st.integers(1, 4))):
        holder: Any = message
        key: Any = "input"
        while isinstance(holder[key], dict | list) and holder[key] and data.draw(st.integers(0, 4)):
            holder = holder[key]
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            key = data.draw(st.sampled_from(keys))
        holder[key] = data.draw(odd)
        if not isinstance(message["input"], dict):
            break
    try:
        read = read_settlement(json.dumps(message).encode(), ZONE)
    except RequestError:
        return
    assert read.question.request.encounter.ByteSize() >= 0
    assert all(one.message and one.field for one in (*read.faults, *read.unknown))


@given(st.binary(max_size=40), st.integers(0, 2000))
@settings(deadline=None)
def test_no_bytes_do_more_than_be_refused(noise: bytes, at: int) -> None:
    data = settlement_message(FULL)
    at %= len(data)
    try:
        read_settlement(data[:at] + noise + data[at + len(noise) :], ZONE)
    except RequestError as refused:
        assert refused.error.reason in ("NOT_JSON", "NOT_A_PAGE")
