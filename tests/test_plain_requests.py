"""Plain requests: which ones are, and that they get the very bytes which the ordinary way gives."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format

from casemeter.v1.service_pb2 import EvaluateRequest, EvaluateResponse
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.pack.build import build_cached
from casemeter_server import evaluation
from casemeter_server.caller import Caller
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator, parse
from casemeter_server.plain.calendar import date_of, day_of, local_day, offsets_of
from casemeter_server.snapshot import Snapshot
from live import pricing, tiny_bundle
from shared_cases import ADMISSION, AS_OF, SCHEMES, Expected, encounter_of, read
from wire_mutations import UNKNOWN_FIELDS, fields_of, mutated, varint

DATA = tomllib.loads((Path(__file__).parent / "data" / "plain_requests.toml").read_text("utf-8"))
ZONE = ZoneInfo("Asia/Shanghai")


class Said(NamedTuple):
    """What a caller is told, and whether it was found the short way."""

    reply: bytes
    plain: bool


def long_way(evaluator: Evaluator, data: bytes) -> bytes:
    """The verdict and the call id as serialised, or the error."""
    try:
        response = evaluator.evaluate(parse(EvaluateRequest(), data), Caller())
    except RequestError as error:
        return error.error.SerializeToString(deterministic=True)
    response.ClearField("timings")
    return response.SerializeToString(deterministic=True)


def either_way(evaluator: Evaluator, data: bytes) -> Said:
    """The same of the way that a request over the wire takes; of the reply, the very bytes."""
    try:
        reply = evaluator.evaluate_bytes(data, Caller())
    except RequestError as error:
        return Said(error.error.SerializeToString(deterministic=True), False)
    timings = EvaluateResponse(timings=EvaluateResponse.FromString(reply.data).timings)
    return Said(reply.data.removesuffix(timings.SerializeToString()), reply.stages[0] == 0)


@pytest.fixture(autouse=True)
def _steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still, and one call id for calls without one."""
    monkeypatch.setattr(evaluation, "time_ns", lambda: 1_794_000_000_123_456_789)
    monkeypatch.setattr(evaluation, "urandom", lambda count: bytes(range(count)))


@pytest.fixture(scope="module", params=["without rules", "with rules"])
def evaluator(request: pytest.FixtureRequest, bundles: Path, default_bundle: Path) -> Evaluator:
    packs = [default_bundle, tiny_bundle(bundles), *pricing(bundles)]
    if request.param == "with rules":
        packs.append(build_cached(Path(__file__).parent / "data" / "plain_rules", bundles))
    return Evaluator(Snapshot.open(packs), ZONE)


def request_of(case: dict[str, Any]) -> EvaluateRequest:
    """A request as the table of cases describes it."""
    fields = {**DATA["base"], **case.get("request", {})}
    fields["encounter"] = dict(fields["encounter"])
    for path in case.get("without", ()):
        owner, _, name = path.rpartition(".")
        del (fields[owner] if owner else fields)[name]
    fields.setdefault("encounter", {}).update(case.get("encounter", {}))
    for name, (count, entry) in case.get("repeat", {}).items():
        fields["encounter"][name] = [entry] * count
    if not fields["encounter"]:
        del fields["encounter"]
    return json_format.ParseDict(fields, EvaluateRequest())


@pytest.mark.parametrize("case", DATA["case"], ids=lambda case: case["name"])
def test_which_requests_are_plain(case: dict[str, Any], evaluator: Evaluator) -> None:
    data = request_of(case).SerializeToString()
    said = either_way(evaluator, data)
    assert said.reply == long_way(evaluator, data)
    assert said.plain == case.get("plain", False)


BASE = request_of({"encounter": {"segments": [{"start_time": "2026-11-03T08:00:00+08:00"}]}})
WIRE = BASE.SerializeToString()
ENCOUNTER = BASE.encounter.SerializeToString()


def wrapped(encounter: bytes) -> bytes:
    return b"\x22" + varint(len(encounter)) + encounter


ODD = {
    "empty": b"",
    "cut short": WIRE[:-1],
    "a length beyond the end": b"\x22\x05\x5a",
    "an endless number": b"\x28" + b"\x80" * 12,
    "a group": b"\x23\x24",
    "a tag of no field": b"\x00",
    "the same request twice": WIRE + WIRE,
    "the encounter in two parts": WIRE + wrapped(b"\x10\x01"),
    "the encounter before the rest": wrapped(ENCOUNTER) + b"\x0a\x01a",
    "a call id twice": b"\x0a\x01a" + WIRE,
    "a call id that is not UTF-8": b"\x0a\x01\xff" + wrapped(ENCOUNTER),
    "a call id with a NUL": b"\x0a\x01\x00" + wrapped(ENCOUNTER),
    "explain written as 2": WIRE + b"\x28\x02",
    "a length with a byte to spare": b"\x22" + varint(len(ENCOUNTER), 1) + ENCOUNTER,
    "a length with many bytes to spare": b"\x22" + varint(len(ENCOUNTER), 6) + ENCOUNTER,
    "a tag with a byte to spare": b"\x8a\x00\x01a" + WIRE,
    "sex with bytes to spare": wrapped(b"\x10\x82\x80\x00" + ENCOUNTER[ENCOUNTER.index(b"\x1a\x0a19") :]),
    "age beside a date of birth": wrapped(ENCOUNTER.replace(b"\x2a", b"\x22\x02\x08\x05\x2a", 1)),
    "sex packed": wrapped(b"\x12\x01\x01" + ENCOUNTER),
    "ICU hours as a float": wrapped(ENCOUNTER + b"\x75" + bytes(4)),
    "nanoseconds below zero": b"\x1a\x0d\x08\x80\xa8\xd6\xb9\x07\x10" + b"\xff" * 9 + b"\x01",
    "nanoseconds of more than a second": b"\x1a\x0b\x08\xc0\x9e\xb4\xd7\x06\x10\x80\x94\xeb\xdc\x03",
    **{f"an unknown field {unknown.hex()}": WIRE + unknown for unknown in UNKNOWN_FIELDS},
    **{
        f"an unknown field {unknown.hex()} within": wrapped(ENCOUNTER + unknown) for unknown in UNKNOWN_FIELDS
    },
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_written_oddly_is_not_plain(name: str, evaluator: Evaluator) -> None:
    said = either_way(evaluator, ODD[name])
    assert said.reply == long_way(evaluator, ODD[name])
    assert not said.plain


def test_the_base_of_what_is_written_oddly_is_plain(evaluator: Evaluator) -> None:
    assert either_way(evaluator, WIRE).plain
    assert either_way(evaluator, wrapped(ENCOUNTER)).plain
    assert b"".join(bytes((tag,)) for tag, _ in fields_of(WIRE)) == b"\x0a\x1a\x22"


@pytest.mark.parametrize(("lines", "plain"), [(256, True), (257, False)])
def test_very_many_charges_are_left_to_the_ordinary_reader(
    lines: int, plain: bool, evaluator: Evaluator
) -> None:
    request = request_of({})
    for at in range(lines):
        request.encounter.charges.lines.add(id=str(at), category="3", amount_fen=at)
    said = either_way(evaluator, request.SerializeToString())
    assert said.reply == long_way(evaluator, request.SerializeToString())
    assert said.plain == plain


def test_mutated_requests(evaluator: Evaluator) -> None:
    chance = random.Random(3)
    cases = [case for case in DATA["case"] if case.get("plain") and "repeat" not in case]
    plain = 0
    for _ in range(20_000):
        data = mutated(request_of(chance.choice(cases)).SerializeToString(), chance)
        said = either_way(evaluator, data)
        assert said.reply == long_way(evaluator, data), data.hex()
        plain += said.plain
    assert 2_000 < plain < 18_000, plain


def test_no_index_lies_outside_its_array(default_bundle: Path, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    plain = [request_of(case).SerializeToString().hex() for case in DATA["case"] if case.get("plain")]
    seeds.write_text("\n".join(plain), "ascii")
    paths = os.pathsep.join(sys.path)
    environment = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": paths}
    script = Path(__file__).parent / "wire_mutations.py"
    result = subprocess.run(
        [sys.executable, script, default_bundle, seeds, "5000"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 500


def variants(expected: Expected, pack: str) -> Iterator[EvaluateRequest]:
    """A shared case as senders may write it."""
    told = EvaluateRequest(pack=pack, call_id=expected.id, encounter=encounter_of(expected.case))
    told.as_of.FromDatetime(AS_OF)
    yield told

    born = EvaluateRequest()
    born.CopyFrom(told)
    encounter = born.encounter
    if encounter.HasField("age"):
        days = encounter.age.days if encounter.age.HasField("days") else 366 * encounter.age.years
        birth_date = (ADMISSION.astimezone(ZONE) - timedelta(days=days)).date()
        encounter.birth_date = birth_date.isoformat()
    encounter.admission_time.FromDatetime(ADMISSION)
    del encounter.segments[:]
    stays = (("0301", False, 0, 29), ("ICU", True, 30, 31), ("0302", False, 32, 40))
    for department, intensive, start, end in stays:
        segment = encounter.segments.add(department=department, intensive_care=intensive)
        segment.start_time.FromDatetime(ADMISSION + timedelta(minutes=start))
        segment.end_time.FromDatetime(ADMISSION + timedelta(minutes=end, milliseconds=333))
    encounter.ClearField("icu_hours")
    encounter.ClearField("discharge_time")
    for procedure in encounter.procedures:
        procedure.start_time.FromDatetime(ADMISSION + timedelta(hours=1))
    yield born


@pytest.mark.parametrize("name", SCHEMES)
def test_every_shared_case(name: str, shared: Path, compiled: Callable[[str], CompiledScheme]) -> None:
    evaluator = Evaluator(Snapshot.open([compiled(name).path]), ZONE)
    plain = grouped = 0
    for expected in read(shared, name):
        for request in variants(expected, name):
            data = request.SerializeToString()
            said = either_way(evaluator, data)
            assert said.reply == long_way(evaluator, data), expected.id
            plain += said.plain
            grouped += bool(EvaluateResponse.FromString(said.reply).verdict.HasField("group"))
    assert grouped > 6_000
    assert plain == grouped


@pytest.mark.parametrize(
    "name", ["Asia/Shanghai", "UTC", "America/New_York", "Africa/Casablanca", "Asia/Kathmandu"]
)
def test_local_days(name: str) -> None:
    zone, chance = ZoneInfo(name), random.Random(1)
    offsets = offsets_of(zone)
    changes = [second + step for second in offsets[:, 0] for step in (-1, 0, 1)]
    for second in (*changes, *(chance.randrange(1, 4_102_444_800) for _ in range(20_000))):
        day = datetime.fromtimestamp(second, zone).date()
        assert local_day(float(second), offsets) == (day - date(1970, 1, 1)).days, second


def test_dates_and_days() -> None:
    first = date(1, 1, 1)
    for ordinal in range(0, date(2200, 1, 1).toordinal() - 1, 7):
        day = first + timedelta(days=ordinal)
        number = (day - date(1970, 1, 1)).days
        assert date_of(number) == (day.year, day.month, day.day)
        assert day_of(day.year, day.month, day.day) == number
