"""Who asks is proven for every method over gRPC, and for as long as a stream lasts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from casemeter.v1 import living_pb2, service_pb2
from casemeter_server.calls import METHODS
from casemeter_server.snapshot import Snapshot
from identities import identity, issuer, jwk_set, signed
from live import SERVICE, live, tiny_bundle


@pytest.fixture(scope="module")
def snapshot(bundles: Path) -> Snapshot:
    return Snapshot.open([tiny_bundle(bundles)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("identity")


@pytest.fixture(scope="module")
def channel(snapshot: Snapshot, folder: Path) -> Iterator[grpc.Channel]:
    known = identity(folder, issuer())
    with (
        live(snapshot, data=folder, identity=known) as server,
        grpc.insecure_channel(server.address) as opened,
    ):
        yield opened


def token(seconds: float = 60, **claims: Any) -> str:
    return signed(exp=int(time.time() + seconds), **claims)


def call(channel: Any, method: str, metadata: list[tuple[str, str]], data: bytes = b"") -> Any:
    """Call a method with an empty request; returns the first reply."""
    if method == "EvaluateStream":
        return next(channel.stream_stream(SERVICE + method)(iter([data]), metadata=metadata, timeout=20))
    if method == "WatchEncounter":
        return next(channel.unary_stream(SERVICE + method)(data, metadata=metadata, timeout=20))
    return channel.unary_unary(SERVICE + method)(data, metadata=metadata, timeout=20)


def code(channel: grpc.Channel, method: str, *metadata: tuple[str, str]) -> grpc.StatusCode:
    try:
        call(channel, method, list(metadata))
    except grpc.RpcError as error:
        found: grpc.StatusCode = error.code()
        return found
    return grpc.StatusCode.OK


@pytest.mark.parametrize("method", METHODS)
def test_nobody_is_known_without_a_token_that_holds(channel: grpc.Channel, method: str) -> None:
    declared = [("casemeter-hospital", "H001"), ("casemeter-role", "emr"), ("casemeter-user", "u1")]
    for metadata in (
        declared,
        [*declared, ("authorization", "Bearer x.y.z")],
        [*declared, ("authorization", f"Bearer {token(-5)}")],
        [*declared, ("authorization", f"Bearer {signed('ES256 strange', exp=int(time.time()) + 60)}")],
    ):
        assert code(channel, method, *metadata) is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("method", METHODS)
def test_the_token_decides_and_nothing_that_is_declared(channel: grpc.Channel, method: str) -> None:
    """A physician who declares himself another role gets the rights of a physician."""
    bearer = ("authorization", f"Bearer {token(role='physician')}")
    told = {code(channel, method, bearer), code(channel, method, bearer, ("casemeter-role", "administrator"))}
    assert len(told) == 1
    allowed = method not in ("RecordEvents", "SealFrontPage", "GetSettings", "PutSettings")
    assert (told == {grpc.StatusCode.PERMISSION_DENIED}) is not allowed
    assert grpc.StatusCode.UNAUTHENTICATED not in told


def wait_until_known(channel: grpc.Channel, bearer: str) -> None:
    """Key files are looked at once a second."""
    deadline = time.monotonic() + 20
    while code(channel, "ListPacks", ("authorization", bearer)) is not grpc.StatusCode.OK:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_watch_ends_with_the_keys_of_its_token(channel: Any, folder: Path) -> None:
    watch = living_pb2.WatchEncounterRequest(encounter_id="Z1").SerializeToString()
    record = living_pb2.RecordEventsRequest(encounter_id="Z1")
    event = record.events.add(event_id="1")
    event.time.FromJsonString("2026-06-01T08:00:00Z")
    event.diagnosis.id = "a"
    event.diagnosis.diagnosis.code = "I63.900"
    emr = [("authorization", f"Bearer {token(role='emr')}")]
    call(channel, "RecordEvents", emr, record.SerializeToString())
    physician = [("authorization", f"Bearer {token(role='physician')}")]
    watching = channel.unary_stream(f"{SERVICE}WatchEncounter")(watch, metadata=physician, timeout=60)
    assert next(watching)
    keys = folder / "keys1.json"
    try:
        keys.write_text(jwk_set("ES256 next"), "utf-8")
        fresh = f"Bearer {signed('ES256 next', exp=int(time.time()) + 60, role='emr')}"
        wait_until_known(channel, fresh)
        event.event_id = "2"
        event.diagnosis.diagnosis.code = "I64.x00"
        call(channel, "RecordEvents", [("authorization", fresh)], record.SerializeToString())
        with pytest.raises(grpc.RpcError) as caught:
            next(watching)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    finally:
        keys.write_text(jwk_set("ES256 first"), "utf-8")
        wait_until_known(channel, f"Bearer {token()}")


def test_listeners_that_others_can_reach_need_tokens(snapshot: Snapshot) -> None:
    with (
        pytest.raises(ValueError, match="can be reached from other machines"),
        live(snapshot, listen="0.0.0.0:0"),
    ):
        raise AssertionError("it listens")


def test_a_stream_ends_with_its_token(channel: Any) -> None:
    bearer = [("authorization", f"Bearer {token(2)}")]

    def requests() -> Iterator[bytes]:
        yield service_pb2.EvaluateRequest().SerializeToString()
        while True:
            time.sleep(0.2)
            yield service_pb2.EvaluateRequest().SerializeToString()

    replies = channel.stream_stream(f"{SERVICE}EvaluateStream")(requests(), metadata=bearer, timeout=60)
    assert next(replies)
    with pytest.raises(grpc.RpcError) as caught:
        for _ in replies:
            pass
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
