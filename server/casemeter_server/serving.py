"""The gRPC server: from configuration to listening, and to a graceful end."""

from __future__ import annotations

import contextlib
import gc
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from casemeter_server.config import Config
from casemeter_server.drops import drops_shown
from casemeter_server.engine import engine_of
from casemeter_server.grpc_service import SERVICE, CaseMeterService
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.identity.loopback import check_listener
from casemeter_server.metrics import Metrics, SharedMetrics
from casemeter_server.metrics_page import metrics_page
from casemeter_server.snapshot import Snapshot

MAX_MESSAGE_BYTES: Final = 4 << 20
"""The largest request. A larger one ends with RESOURCE_EXHAUSTED before it is read."""


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
    """Serve in this process for as long as the context lasts, with a page of metrics of its own.

    Args:
        config: where to listen.
        snapshot: what to answer from.
        extra_handlers: further services, for benchmarks.

    Raises:
        OSError: an address is taken or cannot be used.
    """
    with (
        tempfile.TemporaryDirectory(prefix="casemeter-metrics-") as name,
        metrics_page(config.metrics, SharedMetrics(Path(name))) as metrics_port,
    ):
        async with answering(config, snapshot, Path(name), extra_handlers=extra_handlers) as server:
            yield replace(server, metrics_port=metrics_port)


@contextlib.asynccontextmanager
async def answering(
    config: Config,
    snapshot: Snapshot,
    metrics: Path,
    addresses: Sequence[str] = (),
    extra_handlers: Sequence[grpc.GenericRpcHandler] = (),
) -> AsyncIterator[Running]:
    """Answer calls for as long as the context lasts; at its end calls under way may finish.

    Args:
        config: what the administrator set.
        snapshot: what to answer from.
        metrics: folder to count in.
        addresses: where to listen together with other processes; none: where the configuration says, alone.
        extra_handlers: further services, for benchmarks.

    Raises:
        OSError: an address is taken or cannot be used.
        ValueError: others can reach an address, and nobody would know who they are.
        StoreError: the store cannot be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        listeners = addresses or (config.listen,)
        is_local = [check_listener(address, config.identity is not None) for address in listeners]
        authenticator = Authenticator.of(config.identity)
        engine = await stack.enter_async_context(engine_of(config, snapshot))
        counts = Metrics(metrics)
        await stack.enter_async_context(drops_shown(engine.store, counts))
        service = CaseMeterService(engine, counts, authenticator, is_local=all(is_local))
        server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", int(bool(addresses))),
            )
        )
        server.add_generic_rpc_handlers((service.handler(), *extra_handlers))
        healthy = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
        reflection.enable_server_reflection(
            (SERVICE, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME),
            server,
        )
        for address in listeners:
            try:
                port = server.add_insecure_port(address)
            except RuntimeError as error:
                raise OSError(f"cannot listen on {address}: {error}") from None
        # What is loaded lives as long as the process: the collector need not visit it again and again.
        gc.collect()
        gc.freeze()
        await server.start()
        stack.callback(service.count_replies)
        stack.push_async_callback(server.stop, config.stop_seconds)
        stack.push_async_callback(healthy.enter_graceful_shutdown)
        for name in ("", SERVICE):
            await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
        yield Running(port, 0, service)
