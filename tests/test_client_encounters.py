"""The clients keep, read, watch and answer open encounters; watches outlive connections."""

from __future__ import annotations

import asyncio
import json
import queue
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from casemeter.v1 import finding_pb2
from casemeter_client import (
    AsyncClient,
    Client,
    ConnectionFailed,
    Encounter,
    EncounterChange,
    EncounterEvent,
    RequestRefused,
)
from casemeter_client._calls import OPTIONS
from casemeter_client._changes import says_anything, tell_changes
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.snapshot import Snapshot
from live import Live, live
from test_client import both, free_address

DATA = Path(__file__).parent / "data"
FRONT_PAGE = finding_pb2.CARE_PHASE_FRONT_PAGE


def event(number: str, hour: int = 8, **what: Any) -> EncounterEvent:
    values = {"eventId": number, "time": f"2026-06-01T{hour:02}:00:00Z", **what}
    return json_format.ParseDict(values, EncounterEvent())


def diagnosis(number: str, name: str, code: str, hour: int = 8) -> EncounterEvent:
    return event(number, hour, diagnosis={"id": name, "diagnosis": {"code": code}})


MAN = (
    event("0", facts={"values": {"sex": "SEX_MALE", "birthDate": "1958-03-02"}}),
    diagnosis("1", "a", "I63.900"),
)


@pytest.fixture(scope="module")
def snapshot(bundles: Path) -> Snapshot:
    return Snapshot.open(
        [build_cached(find_pack(name), bundles) for name in ("chs_drg_11", "coding_quality")]
    )


@pytest.fixture(scope="module")
def server(snapshot: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(snapshot, data=tmp_path_factory.mktemp("data")) as server:
        yield server


@both
def test_events_are_kept_once_and_read(make: Any, server: Live, request: pytest.FixtureRequest) -> None:
    number = request.node.name[:64]
    with make(server.address, hospital="H1", role="emr", user="u", department="d") as client:
        first = client.record(number, MAN)
        assert (first.opened, first.version) == (True, 1)
        again = client.record(number, MAN, if_state=first.state_hash)
        assert list(again.known) == ["0", "1"]
        state = client.read_encounter(number)
        assert (state.state_hash, state.events) == (first.state_hash, 2)
        with pytest.raises(RequestRefused) as caught:
            client.record(number, [diagnosis("2", "b", "I10.x00x002")], if_state="another")
        assert caught.value.reason == "STALE_STATE"
        with pytest.raises(RequestRefused) as caught:
            client.read_encounter("none")
        assert caught.value.reason == "UNKNOWN_ENCOUNTER"


@both
def test_what_a_role_may_not_do_is_refused(make: Any, server: Live) -> None:
    with make(server.address, hospital="H1", role="physician") as client:
        with pytest.raises(RequestRefused) as caught:
            client.record("E", MAN)
        assert caught.value.reason == "PERMISSION_DENIED"


@both
def test_a_token_goes_as_authorization(make: Any, server: Live) -> None:
    """Without an identity file it is not asked for; what is sent is looked at below."""
    with make(server.address, hospital="H1", role="emr", token=lambda: "a.b.c") as client:
        assert client.record("with a token", MAN).version == 1


def test_a_function_gives_the_token_of_each_call() -> None:
    tokens = iter(("one", "two"))
    with Client("127.0.0.1:1", user="u", token=lambda: next(tokens)) as client:
        found = [dict(client._identity.metadata())["authorization"] for _ in range(2)]
        assert found == ["Bearer one", "Bearer two"]
        assert "one" not in repr(client._identity)


def test_a_watch_tells_changes_until_it_is_closed(server: Live) -> None:
    with (
        Client(server.address, hospital="H1", role="emr") as emr,
        Client(server.address, hospital="H1", role="physician") as physician,
        physician.watch("watched", phase=FRONT_PAGE) as changes,
    ):
        kept = emr.record("watched", MAN)
        assert next(changes).state_hash == kept.state_hash
        emr.record("watched", [diagnosis("2", "b", "O80.x00")])
        second = next(changes)
        assert second.appeared
        emr.record("watched", [event("3", 9, corrects="2")])
        assert {one.alert_key for one in next(changes).withdrawn} == set(second.appeared)
        closing = threading.Timer(0.05, changes.close)
        closing.start()
        assert list(changes) == []
        closing.join()


def test_a_watch_of_asyncio(server: Live) -> None:
    async def watch() -> list[EncounterChange]:
        async with (
            AsyncClient(server.address, hospital="H1", role="emr") as client,
            client.watch("watched by a loop") as changes,
        ):
            found = []
            await client.record("watched by a loop", MAN)
            async for change in changes:
                found.append(change)
                if len(found) == 2:
                    await changes.aclose()
                else:
                    await client.record("watched by a loop", [diagnosis("2", "b", "O80.x00")])
            return found

    first, second = asyncio.run(watch())
    assert not first.changed
    assert "facts" in second.changed or "findings" in second.changed or second.version > first.version


def test_a_client_that_closes_ends_its_watches(server: Live) -> None:
    client = Client(server.address, hospital="H1", role="emr")
    changes = client.watch("nobody tells anything")
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(list, changes)
        client.close()
        assert told.result(20) == []


def test_a_watch_that_is_refused_says_why(server: Live) -> None:
    with Client(server.address, hospital="H1", role="administrator") as client:
        with pytest.raises(RequestRefused) as caught:
            next(client.watch("E"))
        assert caught.value.reason == "PERMISSION_DENIED"

    async def watch() -> None:
        async with AsyncClient(server.address, hospital="H1", role="administrator") as client:
            await anext(client.watch("E"))

    with pytest.raises(RequestRefused):
        asyncio.run(watch())


def test_a_watch_that_finds_no_server_gives_up() -> None:
    with Client(free_address()) as client, pytest.raises(ConnectionFailed):
        next(client.watch("E", patience=0.2))


class Wire:
    """Passes bytes on to a server, until it is cut; then from anew."""

    def __init__(self, target: str) -> None:
        self.lead_to(target)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._is_cut = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def lead_to(self, target: str) -> None:
        """Pass further connections on to another server."""
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))

    def cut(self) -> None:
        """Break every connection, and take no other."""
        self._is_cut = True
        for one in self._open:
            _shut(one)
        self._open.clear()

    def mend(self) -> None:
        """Take connections again."""
        self._is_cut = False

    def close(self) -> None:
        self.cut()
        _shut(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                near.close()
                continue
            try:
                far = socket.create_connection(self._target)
            except OSError:  # nobody is there just now
                near.close()
                continue
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _shut(one: socket.socket) -> None:
    with suppress(OSError):  # the other end was faster
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):  # cut
        while data := source.recv(1 << 16):
            sink.sendall(data)
    _shut(sink)


@contextmanager
def wire_to(server: Live) -> Iterator[Wire]:
    wire = Wire(server.address)
    try:
        yield wire
    finally:
        wire.close()


def test_nothing_is_missed_while_there_is_no_connection(server: Live) -> None:
    with (
        wire_to(server) as wire,
        Client(server.address, hospital="H1", role="emr") as emr,
        Client(wire.address, hospital="H1", role="physician") as physician,
    ):
        emr.record("cut", [*MAN, diagnosis("2", "b", "O80.x00")])
        changes = physician.watch("cut", phase=FRONT_PAGE)
        first = next(changes)
        had = {one.alert_key for one in first.verdict.findings}
        with ThreadPoolExecutor(1) as pool:
            wire.cut()
            following = pool.submit(next, changes)
            emr.record("cut", [event("3", 9, corrects="2")])
            last = emr.record("cut", [diagnosis("4", "c", "I10.x00x002", 10)])
            time.sleep(0.1)
            wire.mend()
            change = following.result(20)
        assert change.state_hash == last.state_hash
        assert change.withdrawn
        assert {one.alert_key for one in change.withdrawn} <= had
        assert "findings" in change.changed
        changes.close()


def test_nothing_is_told_twice_after_a_break(server: Live) -> None:
    async def watch(address: str, wire: Wire) -> list[EncounterChange]:
        async with (
            AsyncClient(server.address, hospital="H1", role="emr") as emr,
            AsyncClient(address, hospital="H1", role="physician") as physician,
        ):
            await emr.record("twice", MAN)
            changes = physician.watch("twice")
            first = await anext(changes)
            wire.cut()
            following = asyncio.create_task(anext(changes))
            await asyncio.sleep(0.2)
            wire.mend()
            await asyncio.sleep(0.5)
            assert not following.done()
            await emr.record("twice", [diagnosis("2", "b", "I10.x00x002")])
            second = await asyncio.wait_for(following, 20)
            await changes.aclose()
            return [first, second]

    with wire_to(server) as wire:
        first, second = asyncio.run(watch(wire.address, wire))
    assert (first.version, second.version) == (1, 2)


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_a_watch_goes_on_with_the_server_that_takes_over(
    client: Any, snapshot: Snapshot, tmp_path: Path
) -> None:
    """The first one ends in an orderly way while it is watched."""

    def watch(address: str, told: queue.Queue[EncounterChange]) -> None:
        with Client(address, hospital="H1", role="physician") as one, one.watch("over") as changes:
            for change in changes:
                told.put(change)
                if change.closed:
                    return

    async def watch_from_a_loop(address: str, told: queue.Queue[EncounterChange]) -> None:
        async with AsyncClient(address, hospital="H1", role="physician") as one:
            async for change in one.watch("over"):
                told.put(change)
                if change.closed:
                    return

    told: queue.Queue[EncounterChange] = queue.Queue()
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        with live(snapshot, data=tmp_path, stop_seconds=0.2) as first:
            wire = stack.enter_context(wire_to(first))
            if client is Client:
                watching = pool.submit(watch, wire.address, told)
            else:
                watching = pool.submit(asyncio.run, watch_from_a_loop(wire.address, told))
            with Client(first.address, hospital="H1", role="emr") as emr:
                emr.record("over", MAN)
            assert told.get(timeout=20).version == 1
        with live(snapshot, data=tmp_path) as second:
            wire.lead_to(second.address)
            with Client(second.address, hospital="H1", role="emr", timeout=20) as emr:
                emr.record("over", [diagnosis("2", "b", "O80.x00")])
                emr.record("over", [event("3", closing={"closed": True})])
            watching.result(30)
        versions = [change.version for change in told.queue]
    assert versions in ([2, 3], [3])


def test_only_what_may_be_kept_twice_is_repeated() -> None:
    options: dict[str, Any] = dict(OPTIONS)
    once, others = json.loads(options["grpc.service_config"])["methodConfig"]
    assert "retryPolicy" not in once
    assert {entry["method"] for entry in once["name"]} >= {"AnswerFinding", "SealFrontPage"}
    assert [entry.keys() for entry in others["name"]] == [{"service"}]
    assert others["retryPolicy"]["maxAttempts"] > 1


def test_findings_are_answered_and_pages_sealed_by_the_state_that_was_seen(server: Live) -> None:
    with (
        Client(server.address, hospital="H1", role="emr") as emr,
        Client(server.address, hospital="H1", role="coder", user="u17") as coder,
    ):
        emr.record("answered", [*MAN, diagnosis("2", "b", "O80.x00")])
        change = next(coder.watch("answered", phase=FRONT_PAGE))
        finding = change.verdict.findings[0]
        version = coder.answer(
            "answered",
            finding.alert_key,
            finding_pb2.ALERT_ANSWER_ACCEPTED,
            state_hash=change.state_hash,
            phase=FRONT_PAGE,
        )
        assert version == change.version + 1
        with pytest.raises(RequestRefused) as caught:
            coder.answer("answered", finding.alert_key, finding_pb2.ALERT_ANSWER_ACCEPTED, state_hash="gone")
        assert caught.value.reason == "STALE_STATE"
        sealed = coder.seal("answered", state_hash=change.state_hash)
        assert sealed.verdict.group.code == change.verdict.group.code
        assert bool(sealed.seal) != sealed.verdict.rules.submission_refused
        with pytest.raises(RequestRefused) as caught:
            coder.seal("answered", state_hash="gone")
        assert caught.value.reason == "STALE_STATE"
        page = Encounter(diagnoses=[{"code": "I63.900"}])
        assert coder.seal(page, as_of=datetime(2026, 6, 1, tzinfo=UTC)).seal.count(".") == 2
        with pytest.raises(ValueError, match="no offset"):
            coder.seal(page, as_of=datetime(2026, 6, 1))


def test_changes_are_told_as_the_server_tells_them(server: Live) -> None:
    """What the client tells after a break is what the server tells while there is none."""
    with (
        Client(server.address, hospital="H1", role="emr") as emr,
        Client(server.address, hospital="H1", role="physician") as physician,
        physician.watch("told", phase=FRONT_PAGE) as changes,
    ):
        told = []
        for events in (
            MAN,
            [diagnosis("2", "b", "O80.x00")],
            [event("3", facts={"values": {"admissionTime": "2026-06-01T00:00:00Z"}})],
            [event("4", facts={"values": {"dischargeTime": "2026-05-01T00:00:00Z"}})],
            [event("5", 9, corrects="4"), event("6", 9, corrects="2")],
            [event("7", closing={"closed": True})],
        ):
            emr.record("told", events)
            told.append(next(changes))
    for before, change in pairwise(told):
        again = EncounterChange()
        again.CopyFrom(change)
        tell_changes(before, again)
        assert again == change
        assert says_anything(before, again)
        tell_changes(change, again)
        assert not says_anything(change, again)
