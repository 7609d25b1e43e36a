"""Who is told of changes, in this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from typing import Final

from casemeter_server.store.database import EVERYTHING, Database, Key

_MOST_WAITING: Final = 10_000
"""A listener that is further behind is told to look at everything."""


class _Listener:
    """One that is told; what it has not taken yet is there once, however often it changed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._some = asyncio.Event()
        self._lock = threading.Lock()
        self._waiting: dict[Key, None] = {}

    def tell(self, keys: Iterable[Key]) -> None:
        """Add to what it is told; from any thread."""
        with self._lock:
            was_empty = not self._waiting
            self._waiting.update(dict.fromkeys(keys))
            if len(self._waiting) > _MOST_WAITING:
                self._waiting = {EVERYTHING: None}
        if was_empty:
            with suppress(RuntimeError):  # its loop has ended, and it with it
                self._loop.call_soon_threadsafe(self._some.set)

    async def take(self) -> list[Key]:
        """Wait until there is something, and return it."""
        await self._some.wait()
        self._some.clear()
        with self._lock:
            keys = list(self._waiting)
            self._waiting.clear()
        return keys


class Announcements:
    """Tells listeners of changes that any process has committed. Its thread begins with the first of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._listeners: dict[_Listener, None] = {}
        self._woken, self._stopped = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._listening = False

    async def listen(self) -> AsyncGenerator[Key]:
        """Yield what changed, from the first thing yielded on; that is :data:`EVERYTHING`."""
        listener = _Listener()
        with self._lock:
            self._listeners[listener] = None
            if self._listening:
                listener.tell([EVERYTHING])
            elif not self._thread and not self._stopped.is_set():
                arguments = self._tell, self._woken, self._stopped
                self._thread = threading.Thread(
                    target=self._database.watch, args=arguments, name="casemeter-announcements", daemon=True
                )
                self._thread.start()
        try:
            while not self._stopped.is_set():
                for key in await listener.take():
                    if not self._stopped.is_set():
                        yield key
        finally:
            with self._lock:
                del self._listeners[listener]

    def look(self) -> None:
        """Let it be looked at once what is new."""
        self._woken.set()

    def close(self) -> None:
        """End; listeners get no more."""
        self._stopped.set()
        self._woken.set()
        with self._lock:
            listeners, thread = list(self._listeners), self._thread
        if thread:
            thread.join()
        for listener in listeners:
            listener.tell([EVERYTHING])

    def _tell(self, keys: Iterable[Key]) -> None:
        told = list(keys)
        with self._lock:
            self._listening = True
            for listener in self._listeners:
                listener.tell(told)
