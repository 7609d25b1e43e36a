"""The page of metrics, for Prometheus to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.registry import Collector


@contextmanager
def metrics_page(address: str, *collectors: Collector) -> Iterator[int]:
    """Show what collectors have for as long as the context lasts; yields the port.

    Args:
        address: host and port of the page; empty: there is none, and the port is 0.
        collectors: what is shown.

    Raises:
        OSError: the address is taken or cannot be used.
    """
    if not address:
        yield 0
        return
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        raise OSError(f"cannot show metrics on {address}: {error}") from None
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
