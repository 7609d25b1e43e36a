"""One process, as the supervisor sees it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from typing import Final

import orjson

from casemeter_server.processes.plan import Plan, packed

MAX_REPORT_BYTES: Final = 16 << 20
"""The longest report: a pack may have very many faults."""


class StartFailed(ValueError):
    """A process cannot do its work with what it was given; says why and how to mend it."""


class Ended(Exception):
    """A process ended by itself before it was ready; says how."""


class Child:
    """A process that was started.

    Attributes:
        ready: whether it has said that it is ready.
        since: when it was started, by the monotonic clock.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self.ready = False
        self.since = time.monotonic()

    @classmethod
    async def start(cls, module: str, plan: Plan) -> Child:
        """Start a process; it ends with this one, whose end of the pipe it watches.

        Args:
            module: what it runs.
            plan: what it is to do.
        """
        command = [sys.executable, "-P", *(f"-W{option}" for option in sys.warnoptions), "-m", module]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            limit=MAX_REPORT_BYTES,
            pass_fds=plan.sockets,
            # Ctrl-C is for the supervisor, which tells the others in its own time.
            process_group=0,
        )
        assert process.stdin
        process.stdin.write(packed(plan))
        return cls(process)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    async def report(self) -> list[str]:
        """Wait until it is ready; return what it says.

        Raises:
            StartFailed: it cannot do its work.
            Ended: it ended without a word.
        """
        assert self._process.stdout
        line = await self._process.stdout.readline()
        if not line:
            raise Ended(await self.end())
        said = orjson.loads(line)
        if "fault" in said:
            await self.end()
            raise StartFailed(said["fault"])
        self.ready = True
        bundles: list[str] = said["ready"]
        return bundles

    async def end(self) -> str:
        """Wait for its end; return how it came, such as ``signal SIGKILL`` or ``exit code 1``."""
        code = await self._process.wait()
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def stop(self) -> None:
        """Tell it to end when its calls are done; one that is not ready has none, and ends at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM if self.ready else signal.SIGKILL)

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
