"""Many streams at once: every verdict with its explanation equals the one computed alone.

The cases of several schemes in ../shared are mixed and spread over streams that run at once. Each verdict
must be, byte for byte, the one that the same request gets in process with nothing beside it. Every eighth
request asks for near misses too, which take ten times as long as all the rest.

Run: python benchmarks/streams.py [--cases 100000] [--streams 64] [--schemes NAME ...]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.verdict_pb2 import Verdict
from casemeter_client import AsyncClient, EvaluateResponse
from casemeter_grouper.pack.build import build_cached
from casemeter_server.caller import Caller
from casemeter_server.config import Config
from casemeter_server.evaluation import Evaluator
from casemeter_server.serving import running
from casemeter_server.snapshot import Snapshot
from common import machine
from shared_cases import AS_OF, SCHEMES, encounter_of, read

NEAR_MISSES_EVERY = 8
SHARED = Path(__file__).parents[2] / "shared"


@dataclass(frozen=True)
class Result:
    """What became of the requests.

    Attributes:
        wrong: call ids whose verdict was another one than alone, or that got none.
        alone_s: seconds for all verdicts alone, one after the other.
        streams_s: seconds for all of them through the streams.
    """

    count: int
    wrong: list[str]
    alone_s: float
    streams_s: float


def questions(shared: Path, schemes: Sequence[str], count: int) -> list[EvaluateRequest]:
    """Return requests for cases of all schemes, mixed; beyond the number of cases, for stays still open."""
    cases = [(scheme, expected.case) for scheme in schemes for expected in read(shared, scheme)]
    random.Random(1).shuffle(cases)
    made = []
    for at in range(count):
        scheme, case = cases[at % len(cases)]
        request = EvaluateRequest(
            call_id=str(at),
            pack=scheme,
            encounter=encounter_of(case),
            explain=True,
            near_misses=at % NEAR_MISSES_EVERY == 0,
        )
        if at // len(cases) % 2:
            request.encounter.ClearField("discharge_time")
        request.as_of.FromDatetime(AS_OF)
        made.append(request)
    return made


def compare(snapshot: Snapshot, requests: Sequence[EvaluateRequest], streams: int) -> Result:
    """Ask every request alone and through concurrent streams, and compare the verdicts."""
    evaluator = Evaluator(snapshot, ZoneInfo("Asia/Shanghai"))
    started = time.perf_counter()
    alone = {request.call_id: _digest(evaluator.evaluate(request, Caller()).verdict) for request in requests}
    half = time.perf_counter()
    together = asyncio.run(_through_streams(snapshot, requests, streams))
    ended = time.perf_counter()
    wrong = [call_id for call_id, digest in alone.items() if together.get(call_id) != digest]
    return Result(len(requests), wrong, half - started, ended - half)


async def _through_streams(
    snapshot: Snapshot, requests: Sequence[EvaluateRequest], streams: int
) -> dict[str, bytes]:
    found: dict[str, bytes] = {}

    async def stream(port: int, own: Sequence[EvaluateRequest]) -> None:
        async with AsyncClient(f"127.0.0.1:{port}") as client:
            async for reply in client.evaluate_stream(own):
                if isinstance(reply, EvaluateResponse):
                    found[reply.call_id] = _digest(reply.verdict)

    config = Config(listen="127.0.0.1:0", metrics="", store="none")
    async with running(config, snapshot) as server:
        await asyncio.gather(*(stream(server.port, requests[at::streams]) for at in range(streams)))
    return found


def _digest(verdict: Verdict) -> bytes:
    return hashlib.blake2b(verdict.SerializeToString(deterministic=True), digest_size=16).digest()


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--schemes", nargs="+", default=SCHEMES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        bundles = [build_cached(SHARED / "schemes" / name, Path(data)) for name in options.schemes]
        requests = questions(SHARED, options.schemes, options.cases)
        result = compare(Snapshot.open(bundles), requests, options.streams)
    print(machine())
    print(f"{result.count:,} cases of {len(options.schemes)} schemes, {options.streams} streams at once")
    print(f"alone {result.alone_s:.1f} s, through the streams {result.streams_s:.1f} s")
    print(f"{len(result.wrong):,} verdicts differ", *result.wrong[:10])
    raise SystemExit(1 if result.wrong else 0)


if __name__ == "__main__":
    main()
