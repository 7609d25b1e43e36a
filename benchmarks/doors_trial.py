"""Every door in one process, with a store, for messages of any sort."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import httpx

from casemeter_server.config import Config
from casemeter_server.doors.app import create_app
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.engine import Engine
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.store import Store
from casemeter_server.store.tables import metadata
from doors_fuzzing import Broken, Sent, outcome

LONGEST_S: Final = 60.0
"""The longest that a message may take."""

WATCHING_S: Final = 0.3
"""How long a watch is watched; it goes on as long as somebody listens."""

_LOOKS: Final = "accesses"
"""The table of looks at patients: one is recorded where the message is refused, too."""


class Trial:
    """Sends messages and looks at what became of them."""

    def __init__(self, engine: Engine, store: Store, file: Path) -> None:
        transport = httpx.ASGITransport(create_app(engine, Authenticator(), DoorSettings(wait_ms=1_000)))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
        self._runner = asyncio.Runner()
        self._store = store
        self._file = file

    def close(self) -> None:
        """End the loop."""
        self._runner.close()

    def send(self, sent: Sent) -> httpx.Response:
        """Send a message.

        Raises:
            Broken: there is no reply.
        """
        headers = {"casemeter-hospital": "H1", "casemeter-role": "coder", **sent.headers}
        if sent.content_type:
            headers["content-type"] = sent.content_type

        is_watch = "Watch" in sent.path

        async def ask() -> httpx.Response:
            asked = self._client.request(sent.method, sent.path, content=sent.body, headers=headers)
            return await asyncio.wait_for(asked, WATCHING_S if is_watch else LONGEST_S)

        try:
            return self._runner.run(ask())
        except TimeoutError:
            if is_watch:
                return httpx.Response(200, json={})
            raise Broken("it hangs") from None

    def run(self, sent: Sent) -> str:
        """Send a message and return what became of it.

        Raises:
            Broken: something that no message may bring about.
        """
        before = self.rows()
        told, refused = outcome(sent, self.send(sent))
        after = self.rows()
        if refused and after != before:
            raise Broken(f"{told}, and yet stored: {before} before, {after} after")
        return told

    def rows(self) -> dict[str, int]:
        """Return how many rows each table has, once what waits is written."""
        self._store.write_now(lambda _: None)
        with closing(sqlite3.connect(self._file)) as database:
            return {
                name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # names of our tables
                for name in metadata.tables
                if name != _LOOKS
            }


@contextmanager
def trial_of(snapshot: Snapshot, folder: Path) -> Iterator[Trial]:
    """Open every door on an empty store in a folder, for as long as the context lasts."""
    file = folder / "casemeter.db"
    store = Store.open(f"sqlite:///{file}")
    try:
        engine = Engine(Config(data=folder), snapshot, store)
        trial = Trial(engine, store, file)
        try:
            yield trial
        finally:
            trial.close()
    finally:
        store.close()
