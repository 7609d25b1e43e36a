"""The HTTP doors on a thread of their own, for tests that speak to them over a real socket."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from casemeter_server.config import Config
from casemeter_server.doors.app import create_app, serve_doors
from casemeter_server.engine import engine_of
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.snapshot import Snapshot


@contextmanager
def doors(snapshot: Snapshot, data: Path) -> Iterator[str]:
    """Serve every door as long as the context lasts; yields the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    ready, failures = threading.Event(), list[Exception]()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        try:
            config = Config(data=data)
            async with engine_of(config, snapshot) as engine:
                app = create_app(engine, Authenticator())
                async with serve_doors(app, [listener], 1.0):
                    ready.set()
                    await stop.wait()
        except Exception as failure:  # told to the thread that waits
            failures.append(failure)
        finally:
            ready.set()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        ready.wait()
        if failures:
            raise failures[0]
        yield address
    finally:
        if not failures:
            loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        listener.close()
