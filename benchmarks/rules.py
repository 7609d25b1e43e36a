"""Evaluate with rules beside an echo: what half a million rules cost a call, and what a thousand do.

Rules are drawn over the kinds; stays of eight diagnoses, three procedures and fifty charges are drawn from
the rules' own codes, and only such are asked about that touch many rows and find a few. The same is done with
few rules, in the same run: p99 must not grow with their number. The echo stands on the same server.

Run: python benchmarks/rules.py [--rules 480000] [--few 1000] [--calls 4000]
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import grpc
import numpy as np
from google.protobuf import json_format

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.service_pb2 import EvaluateRequest, EvaluateResponse
from casemeter.v1.verdict_pb2 import GROUP_STATUS_GROUPED
from casemeter_grouper.pack.build import build, build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_rules.compiled.book import Book
from casemeter_server.caller import Caller
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot
from common import machine
from evaluate import ECHO, EVALUATE, WARM_UP, quantile, serve
from rule_draws import draw_pack, draw_stay

ZONE = ZoneInfo("Asia/Shanghai")
STAYS = 200
MOST_FINDINGS = 10
LEAST_FINDINGS = 3
LEAST_TOUCHED = 200


class Asked(NamedTuple):
    """What the calls ask.

    Attributes:
        requests: the stays.
        reply: one of the answers, for the echo.
        touched: rows of rules that a stay touches, of each.
        found: findings of each.
    """

    requests: list[bytes]
    reply: bytes
    touched: list[int]
    found: list[int]


def stays(bundles: Sequence[Path], rules: int, by_code: Counter[str], least_touched: int) -> Asked:
    """Draw stays until enough of them touch and find as many as they should."""
    evaluator = Evaluator(Snapshot.open(bundles), ZONE)
    rng = np.random.default_rng(7)
    asked = Asked([], b"", [], [])
    replies: list[bytes] = []
    while len(asked.requests) < STAYS:
        request = json_format.ParseDict({"as_of": "2026-11-06T15:00:00+08:00"}, EvaluateRequest())
        request.call_id = f"benchmark-{len(asked.requests):010}"
        json_format.ParseDict(draw_stay(rules, rng), request.encounter)
        answer = evaluator.evaluate(request, Caller())
        found = len(answer.verdict.findings)
        rows = _touched(by_code, request.encounter)
        if (
            answer.verdict.status == GROUP_STATUS_GROUPED
            and LEAST_FINDINGS <= found <= MOST_FINDINGS
            and rows >= least_touched
        ):
            asked.requests.append(request.SerializeToString())
            asked.touched.append(rows)
            asked.found.append(found)
            replies.append(answer.SerializeToString(deterministic=True))
    return asked._replace(reply=sorted(replies, key=len)[len(replies) // 2])


def _touched(by_code: Counter[str], encounter: Encounter) -> int:
    """Return the number of rows that name a code of an encounter."""
    codes = {line.item for line in encounter.charges.lines} | {one.code for one in encounter.diagnoses}
    return sum(by_code[code] for code in codes)


def latencies(port: int, requests: Sequence[bytes], calls: int) -> tuple[list[float], list[float]]:
    """Seconds of each call, evaluate and echo in turn."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        methods: tuple[Any, Any] = (channel.unary_unary(EVALUATE), channel.unary_unary(ECHO))
        for request in itertools.islice(itertools.cycle(requests), WARM_UP):
            for method in methods:
                method(request)
        taken: tuple[list[float], list[float]] = ([], [])
        for request in itertools.islice(itertools.cycle(requests), calls):
            for method, own in zip(methods, taken, strict=True):
                started = time.perf_counter()
                method(request)
                own.append(time.perf_counter() - started)
    return taken


def measure(rules: int, calls: int, least_touched: int, data: Path) -> float:
    """Measure with so many rules and print; returns p99 of evaluate in microseconds."""
    folder, bundle = data / f"rules{rules}", data / f"rules{rules}.bundle"
    by_code = draw_pack(folder, rules, seed=1)
    started = time.perf_counter()
    report = build(folder, bundle)
    built = time.perf_counter() - started
    bundles = [build_cached(find_pack("chs_drg_11"), data), bundle]
    started = time.perf_counter()
    Book.open(bundle)
    opened = time.perf_counter() - started
    asked = stays(bundles, rules, by_code, least_touched)
    near, far = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(bundles, asked.reply, far))
    server.start()
    port = near.recv()
    evaluate, echo = latencies(port, asked.requests, calls)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        once: Any = channel.unary_unary(EVALUATE)
        timings = EvaluateResponse.FromString(once(asked.requests[0])).timings
    near.send("stop")
    server.join()
    print(
        f"{rules:,} rules: built in {built:.1f} s, {report.size_bytes / 1e6:,.0f} MB, "
        f"opened in {opened:.2f} s; "
        f"a stay touches {statistics.median(asked.touched):,.0f} rows ({min(asked.touched)} to "
        f"{max(asked.touched)}) and finds {statistics.mean(asked.found):.1f}"
    )
    for part in (0.5, 0.99):
        own, other = quantile(evaluate, part), quantile(echo, part)
        print(f"  p{part * 100:.0f}: evaluate {own:,.0f} µs, echo {other:,.0f} µs, ratio {own / other:.3f}")
    print("  stages of a call: " + json_format.MessageToJson(timings, indent=None))
    return quantile(evaluate, 0.99)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rules", type=int, default=480_000)
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--calls", type=int, default=4_000, help="calls of each kind")
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as data:
        many = measure(options.rules, options.calls, LEAST_TOUCHED, Path(data))
        few = measure(options.few, options.calls, 0, Path(data))
    print(f"p99 with {options.rules:,} rules is {many / few:.2f} times that with {options.few:,}")


if __name__ == "__main__":
    main()
