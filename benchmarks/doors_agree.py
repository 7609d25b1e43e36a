"""Do the doors agree? Stays through every door: what each loses, and whether its verdict is that of gRPC.

Run: python benchmarks/doors_agree.py [--stays 1000] [--seed 1] [--shared ../shared]. gRPC is asked over a
socket; the doors answer in this process. Exit status 1 when a verdict differs; each such stay is named.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import httpx

import casemeter_rules
from casemeter.v1 import service_pb2, verdict_pb2
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.config import Config
from casemeter_server.doors.app import create_app
from casemeter_server.engine import Engine
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.serving import running
from casemeter_server.snapshot import Snapshot
from common import machine
from doors_stays import Stay, draw
from doors_ways import HOSPITAL, ROLE, WAYS, Way, headers_of, lost, projected, verdict_in

PACKS = ("chs_drg_11", "demo_payment_chs_drg_11", "demo_benchmark_chs_drg_11")
RULES = ("orders", "coding_quality", "integrity")
EVALUATE = "/casemeter.v1.CaseMeterService/Evaluate"
WHO = (("casemeter-hospital", HOSPITAL), ("casemeter-role", ROLE))
SHARED = Path(__file__).parents[2] / "shared"


@dataclass
class Found:
    """What was found of one door.

    Attributes:
        same: stays of which it gave the verdict that gRPC gives to what it carries.
        other: those of which it did not.
        poorer: stays of which it lost something.
        facts: how often each fact was lost.
        findings: in the verdicts.
        seconds: in the door.
    """

    same: int = 0
    other: list[str] = field(default_factory=list)
    poorer: set[str] = field(default_factory=set)
    facts: Counter[str] = field(default_factory=Counter)
    findings: int = 0
    seconds: float = 0.0


async def compare(way: Way, stays: list[Stay], http: httpx.AsyncClient, channel: grpc.aio.Channel) -> Found:
    """Send stays through one door, and what it carries of them through gRPC."""
    found = Found()
    ask: grpc.aio.UnaryUnaryMultiCallable[service_pb2.EvaluateRequest, service_pb2.EvaluateResponse]
    ask = channel.unary_unary(
        EVALUATE, service_pb2.EvaluateRequest.SerializeToString, service_pb2.EvaluateResponse.FromString
    )
    for stay in stays:
        message = way.compose(stay)
        question = projected(way, stay, message)
        expected: verdict_pb2.Verdict = (await ask(question, metadata=WHO)).verdict
        begin = time.perf_counter()
        reply = await http.post(way.path, content=message, headers=headers_of(way, stay))
        found.seconds += time.perf_counter() - begin
        if verdict_in(way, reply) == expected:
            found.same += 1
        else:
            found.other.append(stay.id)
        gone = lost(stay, question.encounter)
        found.facts.update(gone)
        found.findings += len(expected.findings)
        if gone:
            found.poorer.add(stay.id)
    return found


async def run(stays: list[Stay]) -> dict[str, Found]:
    """Serve the shipped packs and compare every door."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(casemeter_rules.__file__).parent / "packs"
        packs = [*map(find_pack, PACKS), *(rules / name for name in RULES)]
        snapshot = Snapshot.open([build_cached(pack, Path(folder)) for pack in packs])
        config = Config(data=Path(folder), listen="127.0.0.1:0", metrics="", store="none")
        transport = httpx.ASGITransport(create_app(Engine(config, snapshot), Authenticator()))
        async with (
            running(config, snapshot) as server,
            grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
        ):
            return {name: await compare(way, stays, http, channel) for name, way in WAYS.items()}


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--stays", type=int, default=1_000, help="how many, at most 5,000")
    parser.add_argument("--seed", type=int, default=1, help="the stays of a seed are always the same")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with the cases")
    options = parser.parse_args()
    print(machine())
    stays = list(draw(options.shared, options.stays, options.seed))
    found = asyncio.run(run(stays))
    print("| door | same verdict | another | stays it cannot carry whole | findings | ms a message |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, one in found.items():
        cost = 1e3 * one.seconds / len(stays)
        numbers = f"{one.same:,} | {len(one.other):,} | {len(one.poorer):,} | {one.findings:,} | {cost:.1f}"
        print(f"| {name} | {numbers} |")
    poorer = set().union(*(one.poorer for one in found.values()))
    print(f"\n{len(poorer):,} of {len(stays):,} stays have facts that some door cannot carry.")
    for name, one in found.items():
        most = ", ".join(f"{fact} {count:,}" for fact, count in one.facts.most_common(5))
        print(f"{name} loses: {most or 'nothing'}")
        for number in one.other:
            print(f"{name} has another verdict of {number}, seed {options.seed}")
    return 1 if any(one.other for one in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
