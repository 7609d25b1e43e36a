"""Traffic at the doors beside calls over gRPC: how much slower do the latter get?

Starts `casemeter serve` with a process for gRPC and one for the doors. One caller asks over gRPC at a steady
rate; in every second block another one calls the doors, each in turn: JSON, 3101, 4101 and CDS Hooks, with
the same stay. Latency counts from when a call was due, so that one that holds up the next counts twice.

Run: python benchmarks/doors_beside.py [--rate 100] [--doors 20] [--seconds 60] [--charges 50]
"""

from __future__ import annotations

import argparse
import http.client
import multiprocessing
import os
import statistics
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format

from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_client.emr.cds import hook_call
from casemeter_client.emr.nhsa import audit_message
from casemeter_client.emr.settlement import settlement_message
from common import machine
from evaluate import EVALUATE, REQUEST, charges, quantile
from serving_process import served

BLOCK_S = 5.0
AT = datetime(2026, 11, 6, 7, 0, tzinfo=UTC)
HEADERS = {"content-type": "application/json", "casemeter-hospital": "H1", "casemeter-role": "physician"}
CALLER = (("casemeter-hospital", "H1"), ("casemeter-role", "physician"))


def request_of(lines: int) -> EvaluateRequest:
    """Return the stay that everybody asks about."""
    request = json_format.ParseDict(REQUEST, EvaluateRequest())
    json_format.ParseDict(charges(lines), request.encounter.charges)
    return request


def messages(request: EvaluateRequest) -> list[tuple[str, bytes]]:
    """Return the stay as each door takes it, with the door's path."""
    encounter = request.encounter
    encounter.orders.add(id="O1", item="X1", amount_fen=5_000, placing=True)
    service, call = hook_call("order-sign", encounter)
    return [
        ("/v1/Evaluate", json_format.MessageToJson(request).encode()),
        ("/nhsa/3101", audit_message(encounter, "3101", at=AT, trig_scen="5")),
        ("/settlement/4101", settlement_message(encounter)),
        (f"/cds-services/{service}", call),
    ]


def call_doors(address: str, rate: float, lines: int, told: Connection) -> None:
    """Call the doors at a steady rate in the blocks that are told; tell the replies and times in the end."""
    os.nice(19)  # it would run on another machine
    bodies = messages(request_of(lines))
    connection = http.client.HTTPConnection(address)
    times: list[float] = []
    statuses: Counter[int] = Counter()
    while (until := told.recv()) is not None:
        due, at = time.perf_counter(), 0
        while due < until:
            time.sleep(max(0.0, due - time.perf_counter()))
            path, body = bodies[at % len(bodies)]
            connection.request("POST", path, body, HEADERS)
            reply = connection.getresponse()
            reply.read()
            statuses[reply.status] += 1
            times.append(time.perf_counter() - due)
            due, at = due + 1 / rate, at + 1
        connection.close()  # one that rests is closed by the server
    told.send((times, statuses))


def block(evaluate: Any, data: bytes, rate: float, until: float) -> list[float]:
    """Call over gRPC at a steady rate; return how long each call took."""
    times: list[float] = []
    due = time.perf_counter()
    while due < until:
        time.sleep(max(0.0, due - time.perf_counter()))
        evaluate(data, metadata=CALLER, timeout=20)
        times.append(time.perf_counter() - due)
        due += 1 / rate
    return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=100, help="calls a second over gRPC")
    parser.add_argument("--doors", type=float, default=20, help="calls a second at the doors")
    parser.add_argument("--seconds", type=float, default=60, help="how long with, and how long without")
    parser.add_argument("--charges", type=int, default=50, help="charges of the stay")
    options = parser.parse_args()
    print(machine())
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), {}) as server:
        near, far = multiprocessing.Pipe()
        arguments = (server.doors, options.doors, options.charges, far)
        other = multiprocessing.get_context("spawn").Process(target=call_doors, args=arguments)
        other.start()
        data = request_of(options.charges).SerializeToString()
        with grpc.insecure_channel(server.grpc) as channel:
            evaluate: Any = channel.unary_unary(EVALUATE)
            near.send(time.perf_counter() + BLOCK_S)
            block(evaluate, data, options.rate, time.perf_counter() + BLOCK_S)  # warm
            for _ in range(max(1, round(options.seconds / BLOCK_S))):
                alone.append(block(evaluate, data, options.rate, time.perf_counter() + BLOCK_S))
                near.send(time.perf_counter() + BLOCK_S)
                beside.append(block(evaluate, data, options.rate, time.perf_counter() + BLOCK_S))
        near.send(None)
        times, statuses = near.recv()
        other.join()
    print(
        f"{options.charges} charges; each second {options.rate:g} calls over gRPC, {options.doors:g} at doors"
    )
    half, most = (quantile(times, part) / 1e3 for part in (0.5, 0.99))
    print(f"replies of the doors: {dict(statuses)}; p50 {half:.1f} ms, p99 {most:.1f} ms")
    for part in (0.5, 0.99):
        one, two = (quantile([each for own in blocks for each in own], part) for blocks in (alone, beside))
        ratios = [
            quantile(second, part) / quantile(first, part)
            for first, second in zip(alone, beside, strict=True)
        ]
        print(
            f"gRPC p{part * 100:.0f}: alone {one:,.0f} µs, beside the doors {two:,.0f} µs, "
            f"ratio {two / one:.2f}; median ratio of blocks {statistics.median(ratios):.2f}"
        )


if __name__ == "__main__":
    main()
