"""The gRPC server: from configuration to listening, and to a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry, start_http_server

from casemeter_server.config import Config
from casemeter_server.evaluation import Evaluator
from casemeter_server.grpc_service import SERVICE, CaseMeterService
from casemeter_server.metrics import Metrics, SharedMetrics
from casemeter_server.snapshot import Snapshot
from casemeter_server.terms import Terms

MAX_MESSAGE_BYTES: Final = 4 << 20
"""The largest request. A larger one ends with RESOURCE_EXHAUSTED before it is read."""

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens.

    Attributes:
        port: where gRPC listens.
        metrics_port: where the Prometheus page is; 0: nowhere.
    """

    port: int
    metrics_port: int
    service: CaseMeterService


@contextlib.asynccontextmanager
async def running(
    config: Config, snapshot: Snapshot, extra_handlers: Sequence[grpc.GenericRpcHandler] = ()
) -> AsyncIterator[Running]:
    """Serve for as long as the context lasts; at its end calls under way may finish.

    Args:
        config: where to listen.
        snapshot: what to answer from.
        extra_handlers: further services, for benchmarks.

    Raises:
        OSError: the address is taken or cannot be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="casemeter-metrics-")))
        metrics_port = stack.enter_context(_metrics_page(config, folder))
        evaluator = Evaluator(snapshot, config.zone, config.meter, config.alerts, config.facilities)
        synonyms = tuple(synonym for book in snapshot.books for synonym in book.synonyms)
        service = CaseMeterService(evaluator, Metrics(folder), Terms(synonyms))
        server = grpc.aio.server(options=_OPTIONS)
        server.add_generic_rpc_handlers((service.handler(), *extra_handlers))
        healthy = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
        reflection.enable_server_reflection(
            (SERVICE, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME),
            server,
        )
        try:
            port = server.add_insecure_port(config.listen)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {config.listen}: {error}") from None
        # What is loaded lives as long as the process: the collector need not visit it again and again.
        gc.collect()
        gc.freeze()
        await server.start()
        stack.callback(service.count_replies)
        stack.push_async_callback(server.stop, config.stop_seconds)
        stack.push_async_callback(healthy.enter_graceful_shutdown)
        for name in ("", SERVICE):
            await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
        yield Running(port, metrics_port, service)


@contextlib.contextmanager
def _metrics_page(config: Config, folder: Path) -> Iterator[int]:
    """Show the metrics of a folder; yields the port, 0 where the configuration wants no page."""
    if not config.metrics:
        yield 0
        return
    registry = CollectorRegistry()
    registry.register(SharedMetrics(folder))
    host, _, port = config.metrics.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        raise OSError(f"cannot show metrics on {config.metrics}: {error}") from None
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def serve(config: Config, bundles: Iterable[Path], ready: Callable[[Running], None]) -> None:
    """Open the bundles, serve until SIGTERM or SIGINT, and stop gracefully.

    Args:
        config: the configuration.
        bundles: the bundles to answer from.
        ready: called once the server listens.

    Raises:
        BundleError: a bundle cannot be used.
        ValueError: no pack groups, a default names no loaded pack, or two versions hold on the same day.
        OSError: the address is taken or cannot be used.
    """
    snapshot = Snapshot.open(bundles, config.default_pack, config.hospitals)
    if not snapshot.default:
        raise ValueError("no pack is loaded that groups cases: name a scheme or a DIP catalogue, too")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(config, snapshot) as server:
        ready(server)
        await stop.wait()
