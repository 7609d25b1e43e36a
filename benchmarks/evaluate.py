"""Evaluate beside an echo: what CaseMeter adds to the wire.

The echo parses the same request and sends a prepared reply of the same size, on the same server in the same
run. Latency is measured call by call in turn; throughput with many calls under way, in short blocks in turn.

With ``--charges`` the stay has so many charges, and the verdict payment and meter by the demonstration packs.
With ``--forecast`` the same server answers each call twice more in the same turn, from a snapshot without and
with that bundle; what the forecast adds is told as a part of the echo.

Run: python benchmarks/evaluate.py [--pack chs_drg_11] [--charges 0] [--calls 4000] [--seconds 20]
    [--forecast my_forecast.bundle]
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import grpc.aio
from google.protobuf import json_format

from casemeter.v1.service_pb2 import EvaluateRequest, EvaluateResponse
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.caller import Caller
from casemeter_server.config import Config
from casemeter_server.evaluation import Evaluator
from casemeter_server.grpc_service import CaseMeterService
from casemeter_server.serving import running
from casemeter_server.snapshot import Snapshot
from common import machine

EVALUATE = "/casemeter.v1.CaseMeterService/Evaluate"
ECHO = "/casemeter.benchmarks.Beside/Echo"
WITHOUT_FORECAST = "/casemeter.benchmarks.Beside/WithoutForecast"
WITH_FORECAST = "/casemeter.benchmarks.Beside/WithForecast"
IN_FLIGHT = 32
WARM_UP = 500

REQUEST = {
    "call_id": "benchmark-0000000001",
    "as_of": "2026-11-06T15:00:00+08:00",
    "encounter": {
        "encounter_id": "Z20261102001",
        "sex": "SEX_MALE",
        "birth_date": "1958-03-02",
        "admission_time": "2026-11-02T08:40:00+08:00",
        "diagnoses": [
            {"code": code}
            for code in (
                *("I63.900", "I10.x00x002", "E11.900", "J18.903"),
                *("I25.103", "N18.900", "E87.600", "K76.000"),
            )
        ],
        "procedures": [{"code": code} for code in ("39.7200", "88.4101", "96.7101")],
        "segments": [{"department": "0301", "start_time": "2026-11-02T08:40:00+08:00"}],
    },
}
"""Eight diagnoses, three procedures: an ordinary stay on its fifth day."""


PRICING = ("demo_payment_chs_drg_11", "demo_benchmark_chs_drg_11")
"""What prices and measures the groups of the default pack."""


def charges(count: int) -> dict[str, Any]:
    """Charges of an ordinary stay, with item, category and time; every tenth undoes a part of another."""
    lines: list[dict[str, Any]] = []
    for at in range(count):
        time = f"2026-11-{2 + at % 4:02}T10:{at % 60:02}:00+08:00"
        if at % 10 == 9:
            lines.append({"id": f"L{at}", "reverses": f"L{at - 1}", "amount_fen": -100, "time": time})
        else:
            category, amount = str(1 + at % 10), 1_234 + 997 * at
            entry = {"id": f"L{at}", "item": f"X{at:05}", "category": category, "amount_fen": amount}
            lines.append({**entry, "time": time})
    return {"category_system": "CATEGORY_SYSTEM_FRONT_PAGE", "lines": lines}


def serve(bundles: list[Path], forecast: Path | None, reply: bytes, ready: Connection) -> None:
    """Serve the real service and what is measured beside it until the other end of the pipe says stop."""
    running_service: list[CaseMeterService] = []
    evaluators: list[Evaluator] = []

    async def echo(data: bytes, _: Any) -> bytes:
        EvaluateRequest.FromString(data)
        return reply

    async def from_evaluator(number: int, data: bytes, context: Any) -> bytes:
        # The same service, with another snapshot for this call: it waits for nothing in between.
        (service,) = running_service
        service.engine.evaluator = evaluators[number]
        try:
            return await service.evaluate(data, context)
        finally:
            service.engine.evaluator = evaluators[0]

    async def main() -> None:
        handlers: dict[str, Any] = {
            "Echo": grpc.unary_unary_rpc_method_handler(echo),
            "WithoutForecast": grpc.unary_unary_rpc_method_handler(partial(from_evaluator, 0)),
            "WithForecast": grpc.unary_unary_rpc_method_handler(partial(from_evaluator, 1)),
        }
        handler = grpc.method_handlers_generic_handler("casemeter.benchmarks.Beside", handlers)
        # Looks at patients are recorded here as they are by `casemeter serve`.
        config = Config(listen="127.0.0.1:0", metrics="127.0.0.1:0", data=bundles[0].parent)
        async with running(config, Snapshot.open(bundles), [handler]) as server:
            running_service.append(server.service)
            evaluators.append(server.service.engine.evaluator)
            if forecast:
                alone = evaluators[0].snapshot
                forecasts = Snapshot.open([*bundles, forecast]).forecasts
                evaluators.append(replace(evaluators[0], snapshot=replace(alone, forecasts=forecasts)))
            ready.send(server.port)
            await asyncio.to_thread(ready.recv)

    asyncio.run(main())


def latencies(port: int, request: bytes, calls: int, names: Sequence[str]) -> list[list[float]]:
    """Seconds of each call of each method, in turn."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        methods: list[Any] = [channel.unary_unary(name) for name in names]
        for _ in range(WARM_UP):
            for method in methods:
                method(request)
        taken: list[list[float]] = [[] for _ in methods]
        for _ in range(calls):
            for method, own in zip(methods, taken, strict=True):
                started = time.perf_counter()
                method(request)
                own.append(time.perf_counter() - started)
    return taken


async def rates(port: int, request: bytes, seconds: float) -> tuple[float, float, float]:
    """Calls per second of evaluate and of the echo, and the median of their ratio block by block."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        methods: tuple[Any, Any] = (channel.unary_unary(EVALUATE), channel.unary_unary(ECHO))
        counted: tuple[list[float], list[float]] = ([], [])
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for method, own in zip(methods, counted, strict=True):
                own.append(await _block(method, request))
    ratios = [evaluate / echo for evaluate, echo in zip(*counted, strict=True)]
    return statistics.median(counted[0]), statistics.median(counted[1]), statistics.median(ratios)


async def _block(method: Any, request: bytes, length: int = 1_000) -> float:
    async def caller(calls: int) -> None:
        for _ in range(calls):
            await method(request)

    started = time.perf_counter()
    await asyncio.gather(*(caller(length // IN_FLIGHT) for _ in range(IN_FLIGHT)))
    return IN_FLIGHT * (length // IN_FLIGHT) / (time.perf_counter() - started)


def quantile(times: Sequence[float], part: float) -> float:
    """A quantile, in microseconds."""
    return sorted(times)[int(part * (len(times) - 1))] * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pack", default="chs_drg_11", help="pack folder or name")
    parser.add_argument("--calls", type=int, default=4_000, help="calls of each kind, for latency")
    parser.add_argument("--seconds", type=float, default=20, help="how long to measure throughput")
    parser.add_argument("--charges", type=int, default=0, help="charges of the stay")
    parser.add_argument("--forecast", type=Path, help="forecast bundle for the pack")
    options = parser.parse_args()
    names = (options.pack, *(PRICING if options.charges else ()))
    with tempfile.TemporaryDirectory() as data:
        bundles = [build_cached(find_pack(name), Path(data)) for name in names]
        evaluator = Evaluator(Snapshot.open(bundles), ZoneInfo("Asia/Shanghai"))
        request = json_format.ParseDict(REQUEST, EvaluateRequest())
        if options.charges:
            json_format.ParseDict(charges(options.charges), request.encounter.charges)
        answer = evaluator.evaluate(request, Caller())
        reply = answer.SerializeToString(deterministic=True)
        near, far = multiprocessing.Pipe()
        server = multiprocessing.Process(target=serve, args=(bundles, options.forecast, reply, far))
        server.start()
        port = near.recv()
        sent = request.SerializeToString()
        names_measured = (EVALUATE, ECHO, *((WITHOUT_FORECAST, WITH_FORECAST) if options.forecast else ()))
        evaluate, echo, *beside = latencies(port, sent, options.calls, names_measured)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            evaluate_once: Any = channel.unary_unary(EVALUATE)
            timings = EvaluateResponse.FromString(evaluate_once(sent)).timings
            if options.forecast:
                forecast_once: Any = channel.unary_unary(WITH_FORECAST)
                told = [EvaluateResponse.FromString(forecast_once(sent)).timings for _ in range(WARM_UP)]
                stage = statistics.median(timings.forecast_ns for timings in told) / 1e3
        evaluate_rate, echo_rate, rate_ratio = asyncio.run(rates(port, sent, options.seconds))
        near.send("stop")
        server.join()
    print(machine())
    print(f"request {len(sent)} bytes, reply {len(reply)} bytes, group {answer.verdict.group.code}")
    for part in (0.5, 0.99):
        own, other = quantile(evaluate, part), quantile(echo, part)
        print(f"p{part * 100:.0f}: evaluate {own:,.0f} µs, echo {other:,.0f} µs, ratio {own / other:.3f}")
    if beside:
        without, with_it, base = (quantile(times, 0.5) for times in (*beside, echo))
        print(
            f"p50 with forecast: {with_it:,.0f} µs; it adds {with_it - without:,.1f} µs, "
            f"{(with_it - without) / base:.3f} of the echo's p50; the stage itself takes {stage:,.1f} µs"
        )
    print(
        f"calls a second with {IN_FLIGHT} under way: evaluate {evaluate_rate:,.0f}, echo {echo_rate:,.0f}, "
        f"ratio {rate_ratio:.3f}"
    )
    print("stages of the last call: " + json_format.MessageToJson(timings, indent=None))


if __name__ == "__main__":
    main()
