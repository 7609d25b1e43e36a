"""``serve`` with several gRPC workers: under load, killed, stopped, reloaded."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
from prometheus_client.parser import text_string_to_metric_families

from casemeter.v1.service_pb2 import EvaluateRequest, ListPacksResponse
from casemeter_client._calls import OPTIONS
from common import children
from live import TINY, ask

CHANNELS = 8
REQUEST = EvaluateRequest(
    encounter={"diagnoses": [{"code": "I63.900"}]}, as_of={"seconds": 1_780_400_000}
).SerializeToString()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Server:
    """The command line, serving."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.log: list[str] = []
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        pattern = re.compile(r"casemeter answers .* on (127\.0\.0\.1:(\d+)); metrics on port (\d+)")
        found: list[re.Match[str]] = []

        def is_ready() -> bool:
            found.extend(filter(None, map(pattern.fullmatch, tuple(self.log))))
            assert found or self.process.poll() is None, self.log
            return bool(found)

        wait_until(is_ready)
        self.address, self.port, self.metrics_port = found[0][1], int(found[0][2]), found[0][3]

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line.strip())

    def wait(self) -> int:
        """Wait for its end; return its exit code."""
        code = self.process.wait(120)
        self._reading.join()
        return code

    def workers(self) -> set[int]:
        """Processes of its own."""
        return set(children(self.process.pid))

    def metrics(self) -> dict[tuple[str, ...], float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics") as reply:
            text = reply.read().decode()
        return {
            (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def connections(self, worker: int) -> int:
        """How many callers are connected to a worker."""
        own = set()
        for descriptor in Path(f"/proc/{worker}/fd").iterdir():
            with suppress(OSError):
                own.add(str(descriptor.readlink()))
        rows = [
            line.split()
            for table in ("tcp", "tcp6")
            if Path("/proc/net", table).exists()
            for line in Path("/proc/net", table).read_text().splitlines()[1:]
        ]
        established = "01"
        return sum(
            row[1].endswith(f":{self.port:04X}") and row[3] == established and f"socket:[{row[9]}]" in own
            for row in rows
        )


@contextmanager
def serving(
    bundles: Path, folder: Path, *, workers: int = 2, stop_seconds: float = 5, pack: Path = TINY
) -> Iterator[Server]:
    """Serve a pack."""
    (folder / "casemeter.toml").write_text(
        f'listen = "127.0.0.1:0"\nmetrics = "127.0.0.1:0"\ndoors = ""\nstore = "none"\nworkers = {workers}\n'
        f'packs = ["{pack}"]\nstop_seconds = {stop_seconds}\n'
    )
    environment = os.environ | {"CASEMETER_DATA": str(bundles.parent), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "casemeter_server", "serve", "-c", str(folder / "casemeter.toml")]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        server = None
        try:
            server = Server(process)
            yield server
        finally:
            process.kill()
            if server:
                server.wait()


def are_gone(processes: set[int]) -> bool:
    return not any(Path("/proc", str(number)).exists() for number in processes)


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=20).close()
    except ConnectionError:  # refused, or reset because the listener closed just now
        return False
    return True


class Load:
    """Steady calls over channels with connections of their own."""

    def __init__(self, address: str, options: Sequence[tuple[str, str | int]]) -> None:
        self._options = options
        self.answered = [0] * CHANNELS
        self.failures: list[list[grpc.RpcError]] = [[] for _ in range(CHANNELS)]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._call, args=(address, number)) for number in range(CHANNELS)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        self.goes_on()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self) -> None:
        """Wait until every channel had another five answers."""
        before = tuple(self.answered)
        wait_until(lambda: all(now >= then + 5 for now, then in zip(self.answered, before, strict=True)))

    def _call(self, address: str, number: int) -> None:
        with grpc.insecure_channel(address, options=self._options) as channel:
            while not self._stop.wait(0.005):
                try:
                    ask(channel, "Evaluate", REQUEST)
                except grpc.RpcError as failure:
                    self.failures[number].append(failure)
                else:
                    self.answered[number] += 1


def requests(metrics: dict[tuple[str, ...], float]) -> float:
    return metrics.get(("casemeter_requests_total", "OK", "Evaluate"), 0)


def test_a_killed_worker_costs_the_calls_that_it_had_and_is_replaced(bundles: Path, tmp_path: Path) -> None:
    without_retries = (("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1))
    with serving(bundles, tmp_path) as server:
        before = server.workers()
        assert len(before) == 2
        with Load(server.address, without_retries) as load:
            killed = max(before, key=server.connections)
            had = server.connections(killed)
            assert had + server.connections(min(before - {killed})) == CHANNELS
            wait_until(lambda: requests(server.metrics()) > 0)
            counted = server.metrics()
            os.kill(killed, signal.SIGKILL)
            load.goes_on()
            ready, restarts = ("casemeter_processes", "grpc"), ("casemeter_restarts_total", "grpc")
            wait_until(lambda: server.metrics().get((*restarts, "signal SIGKILL")) == 1)
            wait_until(lambda: server.metrics()[ready] == 2)
            load.goes_on()
            after = server.metrics()
        assert all(after[key] >= value for key, value in counted.items() if key != ready)
        assert requests(after) > requests(counted)
        failed = [failures for failures in load.failures if failures]
        assert len(failed) <= had
        # One at a time is on its way over each channel; on a busy machine the connection it is repeated on
        # may be a dying one, too.
        assert all(len(failures) <= 2 for failures in failed), failed
        assert len(server.workers() - before) == 1
        assert any(f"process grpc {killed} ended by signal SIGKILL" in line for line in server.log)

        left = server.workers()
        server.process.terminate()
        assert server.wait() == 0
        assert are_gone(left)


def test_a_second_signal_waits_for_no_call(bundles: Path, tmp_path: Path) -> None:
    with serving(bundles, tmp_path, workers=1, stop_seconds=600) as server:
        workers = server.workers()
        hold = threading.Event()

        def items() -> Iterator[bytes]:
            yield REQUEST
            hold.wait()

        with grpc.insecure_channel(server.address) as channel:
            stream: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
                "/casemeter.v1.CaseMeterService/EvaluateStream"
            )
            replies = stream(items())
            next(replies)  # the call is under way
            server.process.terminate()
            # The worker takes no other calls, but it and the server wait for this one.
            wait_until(lambda: not accepts(server.port))
            assert server.workers() == workers
            assert server.process.poll() is None
            server.process.terminate()
            assert server.wait() == 0
            hold.set()
        assert are_gone(workers)


def test_a_reload_brings_new_packs_and_loses_no_call(bundles: Path, tmp_path: Path) -> None:
    """To callers that repeat what a worker had not begun, as the client of Python does."""
    pack = shutil.copytree(TINY, tmp_path / "pack")
    header = (pack / "scheme.toml").read_text("utf-8")

    def version() -> str:
        with grpc.insecure_channel(server.address) as channel:
            (listed,) = ListPacksResponse.FromString(ask(channel, "ListPacks", b"")).packs
            return listed.ref.version

    def logged(words: str) -> bool:
        return any(words in line for line in server.log)

    with serving(bundles, tmp_path, pack=pack) as server:
        before = server.workers()
        with Load(server.address, OPTIONS) as load:
            assert sum(map(server.connections, before)) == CHANNELS
            assert version() == "1"
            (pack / "scheme.toml").write_text(header.replace('version = "1"', 'version = "2"'), "utf-8")
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: logged("reloaded: every process was replaced"))
            load.goes_on()
            assert version() == "2"
            assert not before & server.workers()
            assert server.metrics()["casemeter_restarts_total", "grpc", "reload"] == 2

            present = server.workers()
            (pack / "scheme.toml").write_text("[", "utf-8")
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: logged("not reloaded, what was loaded before goes on: scheme.toml: error: "))
            load.goes_on()
            assert version() == "2"
            assert server.workers() == present
        assert not any(load.failures), load.failures

        # Nobody would stop or replace the workers of a supervisor that was killed: they end by themselves.
        server.process.kill()
        wait_until(lambda: are_gone(present))
