"""One gRPC worker beside two on two cores: what a second process is worth.

Two servers run at once, one with one worker and one with two; short blocks of calls go to each in turn, and
each pair of blocks gives a ratio. Whoever makes the calls shares the cores with the workers, so the calls are
dear for the server and cheap for the caller: explained, with near misses, priced, with ``--charges`` charges;
bytes prepared before and replies not read. What each side spends on a call is printed.

Run: python benchmarks/workers.py [--charges 1000] [--calls 200] [--seconds 40]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
from google.protobuf import json_format

from casemeter.v1.service_pb2 import EvaluateRequest
from common import children, machine
from evaluate import EVALUATE, PRICING, REQUEST, charges

PACKS = ("chs_drg_11", *PRICING)
CHANNELS = 16
"""Connections, each with one call under way: so many that each of two workers gets some."""

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PORT = re.compile(r" on 127\.0\.0\.1:(\d+)")


@dataclass
class Server:
    """A server of its own.

    Attributes:
        pid: of the supervisor.
        port: of gRPC.
    """

    pid: int
    port: int

    def cpu_s(self) -> float:
        """Seconds of processor that its processes have taken."""
        return sum(_cpu_s(number) for number in (self.pid, *children(self.pid)))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


@contextmanager
def serving(workers: int, data: Path) -> Iterator[Server]:
    """Serve with so many gRPC workers."""
    file = data / f"workers_{workers}.toml"
    packs = ", ".join(f'"{pack}"' for pack in PACKS)
    file.write_text(
        f'listen = "127.0.0.1:0"\nmetrics = ""\ndoors = ""\nstore = "none"\ndata = "."\n'
        f"workers = {workers}\npacks = [{packs}]\n"
    )
    command = [sys.executable, "-m", "casemeter_server", "serve", "--config", str(file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if found := _PORT.search(line):
                break
        else:
            raise SystemExit("the server did not start")
        try:
            yield Server(process.pid, int(found[1]))
        finally:
            process.send_signal(signal.SIGTERM)
            process.stderr.close()
            process.wait()


def request(lines: int) -> bytes:
    """An ordinary stay of which everything is asked."""
    made = json_format.ParseDict(REQUEST | {"explain": True, "near_misses": True}, EvaluateRequest())
    json_format.ParseDict(charges(lines), made.encounter.charges)
    return made.SerializeToString()


class Caller:
    """Makes calls to one server over connections of their own."""

    def __init__(self, server: Server, sent: bytes) -> None:
        options = (("grpc.use_local_subchannel_pool", 1),)
        self._sent = sent
        self._channels = [
            grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options=options) for _ in range(CHANNELS)
        ]
        self._methods: list[Any] = [channel.unary_unary(EVALUATE) for channel in self._channels]

    async def block(self, calls: int) -> float:
        """Make so many calls; return how many went a second."""
        left = iter(range(calls))

        async def call(method: Any) -> None:
            for _ in left:
                await method(self._sent)

        started = time.perf_counter()
        await asyncio.gather(*map(call, self._methods))
        return calls / (time.perf_counter() - started)

    async def close(self) -> None:
        """Close the connections."""
        for channel in self._channels:
            await channel.close()


async def measure(servers: tuple[Server, Server], sent: bytes, calls: int, seconds: float) -> None:
    """Measure and print."""
    callers = [Caller(server, sent) for server in servers]
    for caller in callers:
        await caller.block(calls)
    rates: tuple[list[float], list[float]] = ([], [])
    server_s = [-server.cpu_s() for server in servers]
    own_s = -time.process_time()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for caller, own in zip(callers, rates, strict=True):
            own.append(await caller.block(calls))
    own_s += time.process_time()
    for at, server in enumerate(servers):
        server_s[at] += server.cpu_s()
    for caller in callers:
        await caller.close()
    blocks = len(rates[0])
    made = blocks * calls
    server_ms, own_ms = server_s[0] / made * 1e3, own_s / made / 2 * 1e3
    ratios = [two / one for one, two in zip(*rates, strict=True)]
    one, two = map(statistics.median, rates)
    print(f"{blocks} pairs of blocks of {calls} calls over {CHANNELS} connections")
    print(
        f"processor time of a call: one worker {server_ms:.2f} ms, two workers "
        f"{server_s[1] / made * 1e3:.2f} ms, caller {own_ms:.2f} ms, so that two cores allow a ratio of "
        f"{min(2.0, 2 * server_ms / (server_ms + own_ms)):.2f}"
    )
    print(f"calls a second, median: one worker {one:,.0f}, two workers {two:,.0f}")
    print(
        f"ratio, median of the pairs: {statistics.median(ratios):.2f} "
        f"(from {min(ratios):.2f} to {max(ratios):.2f})"
    )


def main() -> None:
    """Start both servers and measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--charges", type=int, default=1000, help="charges of the stay")
    parser.add_argument("--calls", type=int, default=200, help="calls of a block")
    parser.add_argument("--seconds", type=float, default=40, help="how long to measure")
    options = parser.parse_args()
    sent = request(options.charges)
    with tempfile.TemporaryDirectory() as data, serving(1, Path(data)) as one, serving(2, Path(data)) as two:
        print(machine())
        print(
            f"packs {', '.join(PACKS)}; request of {len(sent):,} bytes: {options.charges} charges, "
            "explained, near misses"
        )
        asyncio.run(measure((one, two), sent, options.calls, options.seconds))


if __name__ == "__main__":
    main()
