"""Watching: many watchers, many events; is every change delivered, and how soon?

Starts `casemeter serve` as a hospital would, opens an encounter for each watcher, and sends events at a
steady rate: charges, orders, diagnoses and corrections, each to an encounter drawn by chance. A change is
delivered when the watcher is told of a version that holds the event; its latency counts from the moment the
event was sent.

Run: python benchmarks/watching.py [--watchers 200] [--rate 500] [--seconds 60] [--store URL]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio

from casemeter.v1 import living_pb2, service_pb2
from casemeter.v1.charges_pb2 import CATEGORY_SYSTEM_FRONT_PAGE
from casemeter.v1.encounter_pb2 import SEX_MALE
from common import machine
from evaluate import quantile
from serving_process import served

SERVICE = "/casemeter.v1.CaseMeterService/"
EMR = (("casemeter-hospital", "H1"), ("casemeter-role", "emr"))
PHYSICIAN = (("casemeter-hospital", "H1"), ("casemeter-role", "physician"))
DRAIN_S = 20.0
CHANNELS = 16
"""Connections, as of so many EMR servers: a connection stays with one worker."""
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
CODES = ("I63.900", "I10.x00x002", "E11.900", "J18.903", "I25.103", "N18.900", "E87.600", "K76.000")


@dataclass
class Seen:
    """What is known of one encounter.

    Attributes:
        sent: moment at which the event of each version was sent.
        told: moment at which its watcher was told of each version, or of a later one.
        version: the last one its watcher was told of.
        messages: changes its watcher was sent.
        refused: why events were not taken: gRPC sheds calls when very many wait.
    """

    sent: dict[int, float] = field(default_factory=dict)
    told: dict[int, float] = field(default_factory=dict)
    version: int = 0
    messages: int = 0
    refused: list[str] = field(default_factory=list)


def first_events() -> Iterator[living_pb2.EncounterEvent]:
    """Yield what opens an encounter: an ordinary stay with eight diagnoses."""
    facts = living_pb2.EncounterEvent(event_id="open")
    facts.time.FromJsonString("2026-11-02T00:40:00Z")
    facts.facts.values.sex = SEX_MALE
    facts.facts.values.birth_date = "1958-03-02"
    facts.facts.values.admission_time.FromJsonString("2026-11-02T00:40:00Z")
    facts.facts.values.charges.category_system = CATEGORY_SYSTEM_FRONT_PAGE
    yield facts
    for at, code in enumerate(CODES):
        event = living_pb2.EncounterEvent(event_id=f"d{at}", time=facts.time)
        event.diagnosis.id = f"d{at}"
        event.diagnosis.position = at
        event.diagnosis.diagnosis.code = code
        yield event


def next_event(number: int, rng: random.Random) -> living_pb2.EncounterEvent:
    """Return the event of a number: mostly a charge, now and then an order, a diagnosis or a correction."""
    event = living_pb2.EncounterEvent(event_id=f"e{number}")
    event.time.FromMilliseconds(1_793_600_000_000 + number)
    kind = rng.random()
    if kind < 0.7:
        event.charge.id = f"L{number}"
        event.charge.line.item = f"X{number % 1000:05}"
        event.charge.line.category = str(1 + number % 10)
        event.charge.line.amount_fen = 1_234 + number % 997
    elif kind < 0.85:
        event.order.id = f"O{number % 20}"
        event.order.order.item = f"X{number % 1000:05}"
        event.order.order.amount_fen = 500
    elif kind < 0.95:
        event.diagnosis.id = "d7"
        event.diagnosis.position = 7
        event.diagnosis.diagnosis.code = rng.choice(CODES)
    else:
        event.corrects = f"e{number - rng.randint(1, 2_000)}"
    return event


async def watch(channel: grpc.aio.Channel, number: str, seen: Seen) -> None:
    """Watch one encounter until cancelled."""
    call = channel.unary_stream(
        f"{SERVICE}WatchEncounter",
        living_pb2.WatchEncounterRequest.SerializeToString,
        living_pb2.EncounterChange.FromString,
    )
    async for change in call(living_pb2.WatchEncounterRequest(encounter_id=number), metadata=PHYSICIAN):
        now = time.perf_counter()
        for version in range(seen.version + 1, change.version + 1):
            seen.told[version] = now
        seen.version = max(seen.version, change.version)
        seen.messages += 1


async def send(
    channel: grpc.aio.Channel, number: str, event: living_pb2.EncounterEvent, seen: Seen, acks: list[float]
) -> None:
    """Send one event; note when, under the version it got."""
    call = channel.unary_unary(
        f"{SERVICE}RecordEvents",
        living_pb2.RecordEventsRequest.SerializeToString,
        living_pb2.RecordEventsResponse.FromString,
    )
    started = time.perf_counter()
    request = living_pb2.RecordEventsRequest(encounter_id=number, events=[event])
    try:
        reply = await call(request, metadata=EMR, timeout=30)
    except grpc.aio.AioRpcError as error:
        seen.refused.append(error.code().name)
        return
    acks.append(time.perf_counter() - started)
    seen.sent.setdefault(reply.version, started)


async def probe(channel: grpc.aio.Channel, until: float, times: list[float]) -> None:
    """Call Evaluate twenty times a second, as order entry would, and note how long it takes."""
    call = channel.unary_unary(
        f"{SERVICE}Evaluate",
        service_pb2.EvaluateRequest.SerializeToString,
        service_pb2.EvaluateResponse.FromString,
    )
    request = service_pb2.EvaluateRequest()
    request.encounter.diagnoses.add(code="I63.900")
    while time.perf_counter() < until:
        started = time.perf_counter()
        await call(request, metadata=PHYSICIAN, timeout=30)
        times.append(time.perf_counter() - started)
        await asyncio.sleep(0.05)


async def run(address: str, watchers: int, rate: float, seconds: float) -> None:
    """Measure and print."""
    rng = random.Random(5)
    encounters = {f"Z{at:04}": Seen() for at in range(watchers)}
    acks: list[float] = []
    probes: list[float] = []
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(grpc.aio.insecure_channel(address, OWN_CONNECTION))
            for _ in range(CHANNELS)
        ]
        record = channels[0].unary_unary(
            f"{SERVICE}RecordEvents",
            living_pb2.RecordEventsRequest.SerializeToString,
            living_pb2.RecordEventsResponse.FromString,
        )
        for number in encounters:
            opening = living_pb2.RecordEventsRequest(encounter_id=number, events=first_events())
            await record(opening, metadata=EMR, timeout=30)
        watching = [
            asyncio.create_task(watch(channels[at % CHANNELS], *entry))
            for at, entry in enumerate(encounters.items())
        ]
        while not all(seen.messages for seen in encounters.values()):
            await asyncio.sleep(0.05)
        started = time.perf_counter()
        probing = asyncio.create_task(probe(channels[0], started + seconds, probes))
        sending: set[asyncio.Task[None]] = set()
        count = int(rate * seconds)
        numbers = list(encounters)
        for at in range(count):
            await asyncio.sleep(max(0.0, started + at / rate - time.perf_counter()))
            number = rng.choice(numbers)
            task = asyncio.create_task(
                send(rng.choice(channels), number, next_event(at, rng), encounters[number], acks)
            )
            sending.add(task)
            task.add_done_callback(sending.discard)
        await asyncio.gather(*sending)
        took = time.perf_counter() - started
        await probing
        deadline = time.perf_counter() + DRAIN_S
        while any(seen.version < max(seen.sent, default=0) for seen in encounters.values()):
            if time.perf_counter() > deadline:
                break
            await asyncio.sleep(0.05)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    lost = sum(version not in seen.told for seen in encounters.values() for version in seen.sent)
    delays = [
        max(0.0, seen.told[version] - moment)
        for seen in encounters.values()
        for version, moment in seen.sent.items()
        if version in seen.told
    ]
    messages = sum(seen.messages for seen in encounters.values())
    print(f"{watchers} watchers, {count:,} events in {took:.1f} s ({count / took:,.0f} a second)")
    refused = Counter(why for seen in encounters.values() for why in seen.refused)
    print(f"events refused: {dict(refused) or 0}; changes not delivered: {lost}; messages: {messages:,}")
    for name, times in (("event kept", acks), ("change delivered", delays), ("Evaluate beside it", probes)):
        parts = (quantile(times, part) / 1e3 for part in (0.5, 0.99, 1.0))
        print("{}: p50 {:.1f} ms, p99 {:.1f} ms, longest {:.1f} ms".format(name, *parts))


def main() -> None:
    """Start the server and run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--watchers", type=int, default=200, help="watchers, each of an encounter of its own")
    parser.add_argument("--rate", type=float, default=500, help="events a second")
    parser.add_argument("--seconds", type=float, default=60, help="how long")
    parser.add_argument("--workers", type=int, default=1, help="gRPC processes")
    parser.add_argument("--store", default="", help="URL of the store; empty: a file of SQLite")
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        settings = {"workers": options.workers, "store": options.store}
        with served(Path(folder), settings) as server:
            asyncio.run(run(server.grpc, options.watchers, options.rate, options.seconds))


if __name__ == "__main__":
    main()
