"""Engines and clients for tests of the HTTP doors."""

from __future__ import annotations

import asyncio
import atexit
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from casemeter_grouper.pack.build import build_cached
from casemeter_server.config import Config
from casemeter_server.doors.app import create_app
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.engine import Engine
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.store import Store
from live import tiny_bundle

RULES = Path(__file__).parent / "data" / "findings_rules"
AS_OF = "2026-06-05T12:00:00+08:00"


def snapshot_of(bundles: Path, more: Sequence[Path] = ()) -> Snapshot:
    """The tiny scheme, its rules, and more bundles."""
    return Snapshot.open([tiny_bundle(bundles), *more, build_cached(RULES, bundles)])


@contextmanager
def stored(folder: Path) -> Iterator[Store]:
    """A store in a folder, closed at the end."""
    store = Store.open(f"sqlite:///{folder / 'casemeter.db'}")
    try:
        yield store
    finally:
        store.close()


class Caller:
    """Calls an application without a socket, from a loop of its own."""

    def __init__(self, app: ASGIApp, peer: str = "127.0.0.1") -> None:
        transport = httpx.ASGITransport(app, client=(peer, 4711))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
        self._runner = asyncio.Runner()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request."""
        return self._runner.run(self._client.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Send a POST."""
        return self.request("POST", path, **options)

    def close(self) -> None:
        """End the loop."""
        self._runner.close()


@contextmanager
def calling(app: ASGIApp, peer: str = "127.0.0.1") -> Iterator[Caller]:
    """Call an application as long as the context lasts."""
    caller = Caller(app, peer)
    try:
        yield caller
    finally:
        caller.close()


@contextmanager
def client_of(
    engine: Engine, settings: DoorSettings | None = None, peer: str = "127.0.0.1"
) -> Iterator[Caller]:
    """A client of the application with every door."""
    with calling(create_app(engine, Authenticator(), settings), peer) as caller:
        yield caller


@cache
def _data() -> Path:
    """A folder for what engines keep beside the store: the key of their seals."""
    folder = tempfile.TemporaryDirectory(prefix="casemeter-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def engine_of(snapshot: Snapshot, store: Store | None = None) -> Engine:
    """An engine on a snapshot."""
    return Engine(Config(data=_data()), snapshot, store)
