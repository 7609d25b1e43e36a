"""Work for processes under test, which load it by name."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from casemeter_server.config import Config
from casemeter_server.processes.kinds import Kind
from casemeter_server.processes.plan import Plan


def kind(work: str, *, count: int = 1, listens: bool = False) -> Kind:
    """Processes that do one of the works below; those that listen share a socket."""
    address = "127.0.0.1:0"
    return Kind(work, lambda _: count, lambda _: address, shares_port=not listens, work=f"toy_workers:{work}")


def starts(folder: Path) -> int:
    """How many processes have noted their start."""
    return len(list(folder.glob("started-*")))


def _note_start(plan: Plan) -> int:
    folder = plan.config.data
    (folder / f"started-{os.getpid()}").touch()
    return starts(folder)


def config(folder: Path, bundle: Path, stop_seconds: float = 5.0) -> Config:
    """Processes note their starts in the folder."""
    return Config(
        packs=(str(bundle),), data=folder, metrics="127.0.0.1:0", store="none", stop_seconds=stop_seconds
    )


@asynccontextmanager
async def works(plan: Plan) -> AsyncIterator[None]:
    _note_start(plan)
    yield


@asynccontextmanager
async def refuses(plan: Plan) -> AsyncIterator[None]:
    if _note_start(plan):
        raise ValueError("the toy has no battery: put one in")
    yield


@asynccontextmanager
async def breaks(plan: Plan) -> AsyncIterator[None]:
    if _note_start(plan):
        os._exit(3)
    yield


@asynccontextmanager
async def breaks_twice(plan: Plan) -> AsyncIterator[None]:
    if _note_start(plan) <= 2:
        os.kill(os.getpid(), signal.SIGKILL)
    yield


@asynccontextmanager
async def breaks_at_work(plan: Plan) -> AsyncIterator[None]:
    """The first three processes die as soon as they are ready."""
    if _note_start(plan) <= 3:
        asyncio.get_running_loop().call_later(0, os._exit, 7)
    yield


@asynccontextmanager
async def never_ends(plan: Plan) -> AsyncIterator[None]:
    _note_start(plan)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: None)
    yield


@asynccontextmanager
async def tells_its_number(plan: Plan) -> AsyncIterator[None]:
    """Answers every connection with the number of the process."""
    _note_start(plan)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(str(os.getpid()).encode())
        await writer.drain()
        writer.close()

    (descriptor,) = plan.sockets
    async with await asyncio.start_server(answer, sock=socket.socket(fileno=descriptor)):
        yield
