"""The Python client, sync and asyncio, against a real server; and what it says when there is none."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from casemeter_client import (
    AsyncClient,
    CaseMeterError,
    Client,
    ConnectionFailed,
    DeadlineExceeded,
    Encounter,
    EvaluateRequest,
    EvaluateResponse,
    RequestRefused,
    ServerFailed,
)
from casemeter_server import loaded_scheme
from casemeter_server.snapshot import Snapshot
from live import Live, live, tiny_bundle

STROKE = Encounter(diagnoses=[{"code": "I63.900"}], sex="SEX_MALE", icu_hours=0)
DAY = datetime(2026, 6, 1, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def snapshot(bundles: Path, default_bundle: Path) -> Snapshot:
    return Snapshot.open([default_bundle, tiny_bundle(bundles)], "", {"H1": "tiny"})


@pytest.fixture(scope="module")
def server(snapshot: Snapshot) -> Iterator[Live]:
    with live(snapshot) as server:
        yield server


class Waiting:
    """An asyncio client whose calls are waited for, so that one test serves both clients."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._arguments, self._options = arguments, options

    def __enter__(self) -> Waiting:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*arguments: Any, **options: Any) -> Any:
            async with AsyncClient(*self._arguments, **self._options) as client:
                answer = getattr(client, name)(*arguments, **options)
                return [one async for one in answer] if name == "evaluate_stream" else await answer

        return lambda *arguments, **options: asyncio.run(call(*arguments, **options))


both = pytest.mark.parametrize("make", [Client, Waiting], ids=["sync", "asyncio"])


def free_address() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


@both
def test_evaluate(make: Any, server: Live) -> None:
    with make(server.address) as client:
        response = client.evaluate(STROKE, pack="tiny", as_of=DAY, call_id="7")
        assert (response.verdict.group.code, response.call_id) == ("BR15", "7")
        assert response.verdict.as_of.ToDatetime(UTC) == DAY
        assert not response.verdict.HasField("explanation")
        full = client.evaluate(STROKE, pack="tiny", as_of=DAY, explain=True, near_misses=True).verdict
        assert full.HasField("explanation")
        assert full.HasField("near_misses")
        request = EvaluateRequest(encounter=STROKE, pack="tiny", call_id="8")
        request.as_of.FromDatetime(DAY)
        assert client.send(request).call_id == "8"


@both
def test_the_hospital_decides_the_pack(make: Any, server: Live) -> None:
    for hospital, pack in (("H1", "tiny"), ("", "chs_drg_11")):
        with make(server.address, hospital=hospital) as client:
            assert client.evaluate(STROKE, as_of=DAY).verdict.pack.id == pack
            defaults = {listed.ref.id: listed.is_default for listed in client.packs()}
            assert defaults == {"chs_drg_11": pack == "chs_drg_11", "tiny": pack == "tiny"}


@both
def test_a_refused_request_carries_its_faults(make: Any, server: Live) -> None:
    wrong = Encounter(age={"years": -1}, diagnoses=[{}])
    with make(server.address) as client, pytest.raises(RequestRefused) as caught:
        client.evaluate(wrong)
    error = caught.value
    assert isinstance(error, CaseMeterError)
    assert error.reason == "INVALID_REQUEST"
    assert [(fault.field, fault.reason) for fault in error.faults] == [
        ("encounter.diagnoses[0].code", "REQUIRED"),
        ("encounter.age.years", "OUT_OF_RANGE"),
    ]
    first, *others = str(error).splitlines()
    assert first.startswith("2 field(s) of the request cannot be used")
    assert others == [f"  {fault.message}" for fault in error.faults]


@both
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"pack": "none"}, "UNKNOWN_PACK"),
        ({"pack": "tiny", "as_of": datetime(2031, 1, 1, tzinfo=UTC)}, "PACK_NOT_VALID"),
    ],
)
def test_a_request_no_pack_answers_is_refused(
    options: dict[str, Any], reason: str, make: Any, server: Live
) -> None:
    with make(server.address) as client, pytest.raises(RequestRefused) as caught:
        client.evaluate(STROKE, **options)
    assert caught.value.reason == reason


@both
def test_a_request_that_is_too_large_is_refused(make: Any, server: Live) -> None:
    huge = Encounter(encounter_id="X" * (5 << 20))
    with make(server.address) as client, pytest.raises(RequestRefused) as caught:
        client.evaluate(huge)
    assert caught.value.reason == "RESOURCE_EXHAUSTED"


@both
def test_a_stream_answers_in_order_and_goes_on_after_an_error(make: Any, server: Live) -> None:
    requests = [EvaluateRequest(encounter=STROKE, pack="tiny", call_id=str(at)) for at in range(30)]
    for at, request in enumerate(requests):
        request.as_of.FromDatetime(DAY)
        if at % 3 == 1:
            request.encounter.icu_hours = -1
    with make(server.address) as client:
        replies = list(client.evaluate_stream(requests))
    assert len(replies) == 30
    for at, reply in enumerate(replies):
        if at % 3 == 1:
            assert isinstance(reply, RequestRefused)
            assert [fault.field for fault in reply.faults] == ["encounter.icu_hours"]
        else:
            assert isinstance(reply, EvaluateResponse)
            assert reply.call_id == str(at)


def test_an_asyncio_stream_takes_requests_as_they_come(server: Live) -> None:
    """Each request is made from the answer before it."""

    async def talk() -> list[str]:
        answered, groups = asyncio.Semaphore(1), []

        async def requests() -> AsyncIterator[EvaluateRequest]:
            for hours in (0, 1, 0):
                await answered.acquire()
                request = EvaluateRequest(encounter=STROKE, pack="tiny")
                request.as_of.FromDatetime(DAY)
                request.encounter.icu_hours = hours
                yield request

        async with AsyncClient(server.address) as client:
            async for reply in client.evaluate_stream(requests()):
                assert isinstance(reply, EvaluateResponse)
                groups.append(reply.verdict.group.code)
                answered.release()
        return groups

    assert asyncio.run(talk()) == ["BR15", "BR1", "BR15"]


@both
def test_no_server(make: Any) -> None:
    address = free_address()
    started = time.perf_counter()
    with make(address, timeout=10) as client:
        for call in (lambda: client.evaluate(STROKE), client.packs, lambda: list(client.evaluate_stream([]))):
            with pytest.raises(ConnectionFailed) as caught:
                call()
            assert caught.value.reason == "UNAVAILABLE"
    assert time.perf_counter() - started < 8  # after the retries, not at the timeout


@both
def test_calls_are_repeated_until_a_server_that_is_late_comes_up(make: Any, snapshot: Snapshot) -> None:
    address = free_address()
    answers: list[EvaluateResponse] = []

    def ask() -> None:
        with make(address, timeout=20) as client:
            answers.append(client.evaluate(STROKE, pack="tiny", as_of=DAY))

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.1)
    with live(snapshot, listen=address):
        asking.join(30)
    assert [answer.verdict.group.code for answer in answers] == ["BR15"]


def test_a_client_outlives_a_restart_of_the_server(snapshot: Snapshot) -> None:
    address = free_address()
    with Client(address, timeout=20) as client:
        for _ in range(2):
            with live(snapshot, listen=address):
                assert client.evaluate(STROKE, pack="tiny", as_of=DAY).verdict.group.code == "BR15"


@both
def test_a_server_that_is_slow(make: Any, server: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded_scheme, "explain", lambda *_: time.sleep(0.3))
    with make(server.address, timeout=0.1) as client:
        with pytest.raises(DeadlineExceeded) as caught:
            client.evaluate(STROKE, explain=True)
        assert caught.value.reason == "DEADLINE_EXCEEDED"
        assert client.evaluate(STROKE, timeout=5).verdict.HasField("group")


@both
def test_a_server_that_fails(make: Any, server: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded_scheme, "explain", lambda *_: 1 / 0)
    with make(server.address) as client:
        with pytest.raises(ServerFailed) as caught:
            client.evaluate(STROKE, explain=True, call_id="9")
        assert caught.value.reason == "INTERNAL"
        assert "'9'" in str(caught.value)
        (reply,) = client.evaluate_stream([EvaluateRequest(encounter=STROKE, explain=True)])
        assert isinstance(reply, ServerFailed)


def test_every_error_is_one_of_the_clients() -> None:
    for kind in (RequestRefused, ConnectionFailed, DeadlineExceeded, ServerFailed):
        assert kind.__bases__ == (CaseMeterError,)


@both
def test_a_moment_without_an_offset_is_an_error(make: Any, server: Live) -> None:
    with make(server.address) as client, pytest.raises(ValueError, match="as_of has no offset"):
        client.evaluate(STROKE, as_of=datetime(2026, 6, 1))
