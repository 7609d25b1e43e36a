"""Killed under load and started again: nothing that was acknowledged is lost, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

from casemeter.v1 import finding_pb2, keeping_pb2, living_pb2
from casemeter_server.store.store import Store
from common import children
from live import SERVICE
from serving_process import served

DATA = Path(__file__).parent / "data"
ENCOUNTERS = 6
ROUNDS = 2
ACKNOWLEDGED_EACH_ROUND = 40
EMR = (("casemeter-hospital", "H1"), ("casemeter-role", "emr"))
PHYSICIAN = (("casemeter-hospital", "H1"), ("casemeter-role", "physician"))
ADMINISTRATOR = (("casemeter-hospital", "H1"), ("casemeter-role", "administrator"))


class Sender(threading.Thread):
    """Sends what is to be kept, one after the other, and notes what was acknowledged."""

    def __init__(self, address: str, name: str, send: Callable[[grpc.Channel, int], None]) -> None:
        super().__init__()
        self._address, self._name_of, self._send = address, name, send
        self.stop = threading.Event()
        self.sent = 0
        self.broken: list[str] = []

    def run(self) -> None:
        options = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 200))
        with grpc.insecure_channel(self._address, options=options) as channel:
            while not self.stop.is_set():
                self.sent += 1
                try:
                    self._send(channel, self.sent)
                except grpc.RpcError as error:
                    # A server that ends cancels calls that it had not begun.
                    if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                        self.broken.append(f"{self._name_of}: {error}")
                        return
                    time.sleep(0.02)


def ask(channel: grpc.Channel, method: str, request: Any, metadata: Any) -> bytes:
    call: Any = channel.unary_unary(SERVICE + method)
    reply: bytes = call(request.SerializeToString(), metadata=metadata, timeout=20)
    return reply


class Kept:
    """What the server has acknowledged."""

    def __init__(self) -> None:
        self.events: list[tuple[str, living_pb2.EncounterEvent]] = []
        self.answers: list[str] = []
        self.settings = (0, "")

    def __len__(self) -> int:
        return len(self.events) + len(self.answers) + self.settings[0]

    def send_event(self, worker: int) -> Callable[[grpc.Channel, int], None]:
        rng = random.Random(worker)

        def send(channel: grpc.Channel, at: int) -> None:
            number = f"Z{rng.randrange(ENCOUNTERS)}"
            event = living_pb2.EncounterEvent(event_id=f"{worker}-{at}")
            event.time.FromSeconds(1_780_300_000 + at)
            event.charge.id = event.event_id
            event.charge.line.amount_fen = at
            request = living_pb2.RecordEventsRequest(encounter_id=number, events=[event])
            ask(channel, "RecordEvents", request, EMR)
            self.events.append((number, event))

        return send

    def send_answer_of(self, round_: int) -> Callable[[grpc.Channel, int], None]:
        return lambda channel, at: self._send_answer(channel, f"A{round_}-{at}")

    def _send_answer(self, channel: grpc.Channel, number: str) -> None:
        """Open an encounter with a stop, watch it, and accept the stop."""
        request = living_pb2.RecordEventsRequest(encounter_id=number)
        facts = request.events.add(event_id="1")
        facts.time.FromSeconds(1_780_300_000)
        facts.facts.values.age.years = 12
        order = request.events.add(event_id="2", time=facts.time)
        order.order.id = "O1"
        order.order.order.item = "XN05BA12"
        order.order.order.amount_fen = 100
        ask(channel, "RecordEvents", request, EMR)
        watch: Any = channel.unary_stream(f"{SERVICE}WatchEncounter")
        watching = watch(
            living_pb2.WatchEncounterRequest(encounter_id=number).SerializeToString(),
            metadata=PHYSICIAN,
            timeout=20,
        )
        change = living_pb2.EncounterChange.FromString(next(watching))
        watching.cancel()
        (finding,) = change.verdict.findings
        answer = living_pb2.AnswerFindingRequest(
            encounter_id=number,
            state_hash=change.state_hash,
            alert_key=finding.alert_key,
            answer=finding_pb2.ALERT_ANSWER_ACCEPTED,
        )
        ask(channel, "AnswerFinding", answer, PHYSICIAN)
        self.answers.append(number)

    def send_settings(self, channel: grpc.Channel, at: int) -> None:
        name = "alerts"
        found = keeping_pb2.Settings.FromString(
            ask(channel, "GetSettings", keeping_pb2.GetSettingsRequest(name=name), ADMINISTRATOR)
        )
        content = f"budget = {1 + at % 9}\n"
        request = keeping_pb2.PutSettingsRequest(name=name, content=content, if_version=found.version)
        put = keeping_pb2.Settings.FromString(ask(channel, "PutSettings", request, ADMINISTRATOR))
        self.settings = (put.version, content)
        time.sleep(0.1)


def test_what_was_acknowledged_is_there(store_url: str, tmp_path: Path) -> None:
    kept = Kept()
    rng = random.Random(7)
    store = store_url.replace("postgresql://", "postgresql+psycopg://")
    settings = {
        "store": store,
        "doors": "",
        "workers": 2,
        "packs": [str(DATA / "tiny_pack"), str(DATA / "findings_rules")],
    }
    for round_ in range(ROUNDS):
        with served(tmp_path, settings, kill=True) as server:
            first = round_ * 10
            senders = [
                *(Sender(server.grpc, "events", kept.send_event(first + at)) for at in range(3)),
                Sender(server.grpc, "answers", kept.send_answer_of(round_)),
                Sender(server.grpc, "settings", kept.send_settings),
            ]
            for sender in senders:
                sender.start()
            goal = len(kept) + ACKNOWLEDGED_EACH_ROUND
            wait_for(kept, goal)
            # A worker, while the others go on; then all of it at once, supervisor first.
            os.kill(rng.choice(children(server.pid)), signal.SIGKILL)
            wait_for(kept, goal + ACKNOWLEDGED_EACH_ROUND)
            os.kill(server.pid, signal.SIGKILL)
            for sender in senders:
                sender.stop.set()
            for sender in senders:
                sender.join()
                assert not sender.broken
    with served(tmp_path, settings) as server, grpc.insecure_channel(server.grpc) as channel:
        for number, event in kept.events:
            again = living_pb2.RecordEventsRequest(encounter_id=number, events=[event])
            reply = living_pb2.RecordEventsResponse.FromString(ask(channel, "RecordEvents", again, EMR))
            assert list(reply.known) == [event.event_id]
        last = ask(channel, "GetSettings", keeping_pb2.GetSettingsRequest(name="alerts"), ADMINISTRATOR)
        found = keeping_pb2.Settings.FromString(last)
        # The last change may have been kept without its acknowledgement arriving.
        assert found.version >= kept.settings[0] > 0
        assert found.version > kept.settings[0] or found.content == kept.settings[1]
    opened = Store.open(store_url)
    try:
        answered = opened.read_now(lambda reading: {answer.encounter for answer in reading.answers()})
    finally:
        opened.close()
    assert answered >= set(kept.answers)
    assert kept.answers


def wait_for(kept: Kept, goal: int) -> None:
    deadline = time.monotonic() + 60
    while len(kept) < goal:
        assert time.monotonic() < deadline, f"{len(kept)} of {goal} acknowledged"
        time.sleep(0.02)
