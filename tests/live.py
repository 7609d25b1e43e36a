"""A server on a thread of its own, for tests that call it over a real socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import grpc

from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.config import Config
from casemeter_server.identity.settings import Identity
from casemeter_server.meter_settings import MeterSettings
from casemeter_server.serving import Running, running
from casemeter_server.snapshot import Snapshot

SERVICE = "/casemeter.v1.CaseMeterService/"
TINY = Path(__file__).parent / "data" / "tiny_pack"


class Live:
    """A server that answers until it is stopped."""

    def __init__(self, snapshot: Snapshot, config: Config) -> None:
        self._snapshot, self._config = snapshot, config
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._failure: Exception | None = None
        self._running: Running | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve)

    def start(self) -> None:
        """Return once the server listens."""
        self._thread.start()
        self._ready.wait()
        if self._failure:
            self._thread.join()
            raise self._failure

    def begin_to_stop(self) -> None:
        """Let calls under way finish and take no others."""
        with suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._stop.set)

    def wait_for_end(self, timeout: float | None = None) -> bool:
        """Return whether the server has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def running(self) -> Running:
        """Ports and service."""
        assert self._running
        return self._running

    @property
    def address(self) -> str:
        """Where gRPC listens."""
        return f"127.0.0.1:{self.running.port}"

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        try:
            async with running(self._config, self._snapshot) as server:
                self._running = server
                self._ready.set()
                await self._stop.wait()
        except Exception as failure:
            self._failure = failure
        finally:
            self._ready.set()


@contextmanager
def live(
    snapshot: Snapshot,
    *,
    listen: str = "127.0.0.1:0",
    metrics: str = "",
    meter: MeterSettings | None = None,
    stop_seconds: float = 5.0,
    data: Path | None = None,
    store: str = "",
    identity: Identity | None = None,
) -> Iterator[Live]:
    """Serve a snapshot while the context lasts; without a folder for data nothing is kept."""
    config = Config(
        listen=listen,
        metrics=metrics,
        meter=meter or MeterSettings(),
        stop_seconds=stop_seconds,
        store=store if data else "none",
        identity=identity,
    )
    server = Live(snapshot, replace(config, data=data) if data else config)
    server.start()
    try:
        yield server
    finally:
        server.begin_to_stop()
        assert server.wait_for_end(30)


def tiny_bundle(bundles: Path) -> Path:
    """The bundle of tests/data/tiny_pack, a scheme of three MDCs that holds in 2026."""
    return build_cached(TINY, bundles)


def pricing(bundles: Path) -> list[Path]:
    """The demonstration packs that price and measure the groups of the shipped scheme, built once."""
    return [build_cached(find_pack(f"demo_{kind}_chs_drg_11"), bundles) for kind in ("payment", "benchmark")]


def ask(channel: grpc.Channel, method: str, data: bytes, hospital: str = "") -> bytes:
    """Send bytes to a method of the service, or to another one if it has a slash, and return the reply's."""
    full = method if method.startswith("/") else SERVICE + method
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(full)
    return call(data, metadata=(("casemeter-hospital", hospital),), timeout=20)


def ask_stream(channel: grpc.Channel, items: Iterable[bytes], hospital: str = "") -> list[bytes]:
    """Send bytes through one stream and return those of the replies."""
    call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(f"{SERVICE}EvaluateStream")
    return list(call(iter(items), metadata=(("casemeter-hospital", hospital),), timeout=20))
