"""Every door gives the verdict that gRPC gives to what the door can carry of a stay.

The stays are cases of ../shared with all that a hospital knows of one (doors_stays.py). What a door makes of
a stay is read from the message that an EMR writes about it, and must be what the page of the door says:
nothing else gone, nothing changed, nothing invented (doors_kept.py).
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, cast

import grpc
import httpx
import pytest

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1 import service_pb2, verdict_pb2
from casemeter.v1.charges_pb2 import Charges
from casemeter.v1.living_pb2 import EncounterState
from casemeter_grouper.pack.build import build_cached
from casemeter_server.caller import Caller
from casemeter_server.calls import Call
from casemeter_server.doors.app import create_app, serve_doors
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.engine import Engine
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.snapshot import Snapshot
from door_apps import Caller as Http
from door_apps import client_of, engine_of, stored
from doors_kept import differences
from doors_opened import events_of
from doors_stays import Stay, draw
from doors_ways import HOSPITAL, ROLE, WAYS, Way, asked, facts_in, headers_of, lost, projected, verdict_in
from live import SERVICE, live, pricing

STAYS, BLOCK = 1_000, 250
FEWEST_LOST = 200
"""Stays of which a door cannot carry something, but for the one that carries everything."""

BRIEF = ("3102", "4101A", "HQMS")
"""Doors that share code with another one: one block of each is tried."""

BLOCKS = [
    pytest.param(way, at, id=f"{way}-{at}")
    for way in WAYS
    for at in range(0, BLOCK if way in BRIEF else STAYS, BLOCK)
]
RULES = ("orders", "coding_quality", "integrity")
EMR = Caller(hospital=HOSPITAL, role="emr", user="emr")


@pytest.fixture(scope="module")
def snapshot(bundles: Path, default_bundle: Path) -> Snapshot:
    packs = Path(str(resources.files("casemeter_rules"))) / "packs"
    rules = [build_cached(packs / name, bundles) for name in RULES]
    return Snapshot.open([default_bundle, *pricing(bundles), *rules])


@pytest.fixture(scope="module")
def stays(shared: Path) -> list[Stay]:
    return list(draw(shared, STAYS))


class Grpc:
    """Asks gRPC over a socket."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._one = channel.unary_unary(
            f"{SERVICE}Evaluate",
            service_pb2.EvaluateRequest.SerializeToString,
            service_pb2.EvaluateResponse.FromString,
        )
        self._stream = channel.stream_stream(
            f"{SERVICE}EvaluateStream",
            service_pb2.EvaluateRequest.SerializeToString,
            service_pb2.EvaluateStreamResponse.FromString,
        )
        self._who = (("casemeter-hospital", HOSPITAL), ("casemeter-role", ROLE))

    def ask(self, request: service_pb2.EvaluateRequest) -> verdict_pb2.Verdict:
        """Ask one question."""
        return self._one(request, metadata=self._who, timeout=30).verdict

    def ask_all(self, requests: list[service_pb2.EvaluateRequest]) -> list[verdict_pb2.Verdict]:
        """Ask questions in one stream."""
        replies = self._stream(iter(requests), metadata=self._who, timeout=120)
        return [reply.response.verdict for reply in replies]


@pytest.fixture(scope="module")
def channel(snapshot: Snapshot) -> Iterator[Grpc]:
    with live(snapshot) as server, grpc.insecure_channel(server.address) as opened:
        yield Grpc(opened)


@pytest.fixture(scope="module")
def engine(snapshot: Snapshot) -> Engine:
    return engine_of(snapshot)


@pytest.fixture(scope="module")
def http(engine: Engine) -> Iterator[Http]:
    with client_of(engine) as client:
        yield client


def said(verdict: verdict_pb2.Verdict) -> Iterator[str]:
    """What a verdict speaks of."""
    yield verdict_pb2.GroupStatus.Name(verdict.status)
    for name in ("payment", "meter", "rules"):
        if verdict.HasField(name):
            yield name
    for name in ("findings", "alternatives", "near_misses", "code_notes"):
        if getattr(verdict, name):
            yield name
    if verdict.payment.HasField("standard_fen"):
        yield "standard"


@pytest.mark.parametrize(("name", "first"), BLOCKS)
def test_a_door_gives_the_verdict_of_what_it_carries(
    stays: list[Stay], channel: Grpc, http: Http, name: str, first: int
) -> None:
    way, poorer = WAYS[name], 0
    heard: Counter[str] = Counter()
    block = stays[first : first + BLOCK]
    for stay in block:
        message = way.compose(stay)
        question = projected(way, stay, message)
        assert list(differences(way, stay, question.encounter)) == [], stay.id
        reply = http.post(way.path, content=message, headers=headers_of(way, stay))
        expected = channel.ask(question)
        assert verdict_in(way, reply) == expected, stay.id
        poorer += bool(lost(stay, question.encounter))
        heard.update(said(expected))
    assert (poorer == 0) if name == "JSON" else (poorer >= FEWEST_LOST)
    # What is compared is no empty verdict.
    for part, share in (("GROUP_STATUS_GROUPED", 0.8), ("findings", 0.3), ("rules", 1.0)):
        assert heard[part] >= share * len(block), heard
    carries_money = way.facts.carries("charges.lines.amount_fen")
    for part in ("meter", "payment"):
        assert (heard[part] >= 0.2 * len(block)) or not carries_money, heard


@pytest.mark.parametrize("first", range(0, STAYS, BLOCK))
def test_a_stream_of_grpc_gives_the_verdicts_of_single_calls(
    stays: list[Stay], channel: Grpc, first: int
) -> None:
    questions = [asked(stay.encounter, stay) for stay in stays[first : first + BLOCK]]
    assert channel.ask_all(questions) == [channel.ask(question) for question in questions]


def test_another_stay_has_another_verdict(stays: list[Stay], channel: Grpc) -> None:
    """The comparison can fail: what is left out shows in the check of facts, and mostly in the verdict."""
    way, told = WAYS["CDS Hooks"], 0
    for stay in stays[:50]:
        question = projected(way, stay, way.compose(stay))
        less = service_pb2.EvaluateRequest()
        less.CopyFrom(question)
        del less.encounter.diagnoses[0]
        assert list(differences(way, stay, less.encounter))
        told += channel.ask(less) != channel.ask(question)
    assert told >= 45


def test_over_a_socket_it_is_the_same(stays: list[Stay], channel: Grpc, engine: Engine) -> None:
    async def talk() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            app = create_app(engine, Authenticator())
            async with serve_doors(app, [listener], 1.0), httpx.AsyncClient(base_url=url) as client:
                for way in WAYS.values():
                    for stay in stays[:8]:
                        message = way.compose(stay)
                        reply = await client.post(way.path, content=message, headers=headers_of(way, stay))
                        expected = await asyncio.to_thread(channel.ask, projected(way, stay, message))
                        assert verdict_in(way, reply) == expected, (way.name, stay.id)

    asyncio.run(talk())


# Filled from the open encounter

FILLED = 400
"""Stays that are drawn; tried are those of which a door says nothing in other words than the EMR."""

FEWEST_FILLED, ENOUGH = 40, 80

EDITIONS = {
    "3101": pb.CODE_EDITION_UNSPECIFIED,
    "3102": pb.CODE_EDITION_UNSPECIFIED,
    "4101": pb.CODE_EDITION_INSURANCE,
    "4101A": pb.CODE_EDITION_INSURANCE,
    "HQMS": pb.CODE_EDITION_CLINICAL,
    "CDS Hooks": pb.CODE_EDITION_INSURANCE,
}
"""What codes are written in at each door."""


@contextmanager
def opened(snapshot: Snapshot, folder: Path) -> Iterator[tuple[Engine, Http]]:
    with stored(folder) as store:
        engine = engine_of(snapshot, store)
        with client_of(engine, DoorSettings(wait_ms=20_000)) as client:
            yield engine, client


def as_an_emr_knows_it(stay: Stay, way: Way) -> Stay:
    """The stay in the words of a door, charges in the order of time, and no order being placed now."""
    encounter = pb.Encounter()
    encounter.CopyFrom(stay.encounter)
    edition = EDITIONS[way.name]
    encounter.diagnosis_edition = edition if encounter.diagnoses else pb.CODE_EDITION_UNSPECIFIED
    encounter.procedure_edition = edition if encounter.procedures else pb.CODE_EDITION_UNSPECIFIED
    for diagnosis in encounter.diagnoses:
        diagnosis.kind = diagnosis.kind or pb.DIAGNOSIS_KIND_WESTERN
        if diagnosis.phase in (pb.DIAGNOSIS_PHASE_UNSPECIFIED, pb.DIAGNOSIS_PHASE_WORKING):
            diagnosis.phase = pb.DIAGNOSIS_PHASE_DISCHARGE
    for order in encounter.orders:
        order.placing = False
    if encounter.charges.lines:
        lines = sorted(encounter.charges.lines, key=lambda line: (line.time.seconds, line.id))
        encounter.charges.CopyFrom(Charges(category_system=encounter.charges.category_system, lines=lines))
    else:
        encounter.ClearField("charges")
    return stay._replace(encounter=encounter)


def says_the_same(way: Way, known: pb.Encounter, read: pb.Encounter) -> bool:
    """Whether all that a message says of a stay is what the open encounter says, in the same words."""
    wanted, found = facts_in(known), facts_in(read)
    other = [
        path
        for path, values in found.items()
        if wanted.get(path) != values and not path.startswith("front_page")
    ]
    # Who sends the sum of hours in intensive care is not told departments: both say where the patient was.
    summed = "icu_hours" in found and len(read.segments) < len(known.segments)
    # Pages tell days of age only of who is not a year old.
    older = "age.years" in found and "age.days" in wanted.keys() - found.keys()
    # Of sums nobody knows which charges are in them.
    sums = bool(read.charges.lines) and not way.facts.carries("charges.lines.id")
    return not (other or summed or older or sums)


@pytest.mark.parametrize("name", [name for name in WAYS if name != "JSON"])
def test_an_open_encounter_fills_what_a_door_lacks(
    stays: list[Stay], channel: Grpc, snapshot: Snapshot, tmp_path: Path, name: str
) -> None:
    way, tried = WAYS[name], 0
    named: set[str] = set()
    with opened(snapshot, tmp_path) as (engine, http):
        record = engine.calls["RecordEvents"]
        assert isinstance(record, Call)
        assert engine.encounters is not None
        for drawn in stays[:FILLED]:
            stay = as_an_emr_knows_it(drawn, way)
            message = way.compose(stay)
            read = way.read(message).encounter
            if not says_the_same(way, stay.encounter, read):
                continue
            if tried == ENOUGH:
                break
            tried += 1
            asyncio.run(cast("Coroutine[Any, Any, Any]", record.answer(events_of(stay.encounter), EMR)))
            state = asyncio.run(engine.encounters.state(HOSPITAL, read.encounter_id))
            assert state is not None
            reply = http.post(way.path, content=message, headers=headers_of(way, stay))
            verdict = verdict_in(way, reply)
            fill = reply.headers.get("casemeter-fill") or reply.json()["pages"][0]["fill"]
            assert fill == ("filled" if verdict.filled else "complete"), stay.id
            named |= check_filled(verdict, state, read)
            whole = pb.Encounter()
            whole.CopyFrom(state.encounter)
            if read.HasField("front_page"):
                # A page says as items what the open encounter has as facts, too.
                whole.front_page.CopyFrom(read.front_page)
            question = asked(whole, stay, way.phase(stay))
            # That nothing was shown before is known.
            question.alert_context.history.SetInParent()
            expected = channel.ask(question)
            verdict.ClearField("filled")
            assert verdict == expected, stay.id
    assert tried >= FEWEST_FILLED
    assert named >= {path for path in ("screenings", "earlier_stays") if not way.facts.carries(path)}


def check_filled(verdict: verdict_pb2.Verdict, state: EncounterState, read: pb.Encounter) -> set[str]:
    """Check that every fact which a message lacks is named with its source, and no other."""
    facts, sent = facts_in(state.encounter), facts_in(read)
    places = set()
    for fact in verdict.filled:
        assert fact.source == verdict_pb2.FACT_SOURCE_OPEN_ENCOUNTER
        assert fact.state_hash == state.state_hash
        place = fact.field.removeprefix("encounter.")
        places.add(
            "".join(part.partition("]")[2] if at else part for at, part in enumerate(place.split("[")))
        )
    for path in facts.keys() - sent.keys():
        assert any(path == place or path.startswith(f"{place}.") for place in places), path
    for place in places:
        assert any(path == place or path.startswith(f"{place}.") for path in facts.keys() - sent.keys()), (
            place
        )
    return places
