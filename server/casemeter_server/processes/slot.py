"""A place that always has a process: when one dies, another is put there."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from casemeter_server.config import Config
from casemeter_server.processes.child import Child, Ended, StartFailed
from casemeter_server.processes.counts import ProcessCounts
from casemeter_server.processes.plan import SPARE_S, Plan

WORKER: Final = "casemeter_server.processes.worker"

PAUSES_S: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
"""How long a place stays empty after so many processes that did not last; the last holds for more of them."""

LASTING_S: Final = 60.0
"""A process that lived so long did not die of its start."""

FIRST_TRIES: Final = 3
"""How many processes may die without a word before it is said that none can start."""

_log = logging.getLogger("casemeter.processes")


class Slot:
    """A place for one process."""

    def __init__(self, plan: Plan, children: set[Child], counts: ProcessCounts) -> None:
        """Make an empty place.

        Args:
            plan: what its process is to do.
            children: every process that lives, of all places.
            counts: what is counted of all places.
        """
        self._plan = plan
        self._children = children
        self._counts = counts
        self._child: Child | None = None
        self._changing = asyncio.Lock()
        self._short_lives = 0

    async def fill(self) -> None:
        """Start the first process and wait until it is ready.

        Raises:
            StartFailed: it cannot do its work, or dies again and again.
        """
        ends: list[str] = []
        while self._child is None:
            try:
                self._child = await self._started(self._plan)
            except Ended as end:
                ends.append(str(end))
                if len(ends) == FIRST_TRIES:
                    raise StartFailed(
                        f"the process '{self._plan.kind}' ended {FIRST_TRIES} times before it was ready "
                        f"({', '.join(ends)}); the log above may say why"
                    ) from None

    async def keep(self) -> None:
        """Put another process here whenever one dies; never returns."""
        while True:
            if child := self._child:
                how = await self._ended(child)
                if self._child is not child:  # another one was put here before
                    continue
                _log.warning("process %s %d ended by %s", self._plan.kind, child.pid, how)
                self._counts.replaced[self._plan.kind, how] += 1
                if time.monotonic() - child.since >= LASTING_S:
                    self._short_lives = 0
                self._child = None
            await asyncio.sleep(PAUSES_S[min(self._short_lives, len(PAUSES_S) - 1)])
            async with self._changing:
                if self._child is None:
                    await self._try_another()

    async def replace(self, config: Config, bundles: tuple[Path, ...]) -> None:
        """Put a process here that works with these; the present one listens until the other one does.

        Raises:
            StartFailed: the other one cannot do its work; the present one stays.
        """
        plan = dataclasses.replace(self._plan, config=config, bundles=bundles)
        async with self._changing:
            try:
                child = await self._started(plan)
            except Ended as end:
                raise StartFailed(f"the process '{plan.kind}' ended by {end} before it was ready") from None
            old, self._child, self._plan = self._child, child, plan
            self._counts.replaced[plan.kind, "reload"] += 1
        if old:
            await end_all([old], plan.config.stop_seconds)

    async def _try_another(self) -> None:
        self._short_lives += 1
        try:
            self._child = await self._started(self._plan)
        except (Ended, StartFailed) as failure:
            _log.error("process %s cannot start: %s", self._plan.kind, failure)
        else:
            _log.info("process %s %d is ready in its place", self._plan.kind, self._child.pid)

    async def _started(self, plan: Plan) -> Child:
        child = await Child.start(WORKER, plan)
        self._children.add(child)
        try:
            await child.report()
        except (Ended, StartFailed):
            self._children.discard(child)
            raise
        self._counts.ready[plan.kind] += 1
        return child

    async def _ended(self, child: Child) -> str:
        how = await child.end()
        self._children.discard(child)
        self._counts.ready[self._plan.kind] -= 1
        return how


async def end_all(
    children: Sequence[Child], stop_seconds: float, at_once: asyncio.Event | None = None
) -> None:
    """End processes and wait until they have: gracefully, and whatever is left then at once.

    Args:
        children: the processes.
        stop_seconds: how long their calls may take.
        at_once: when it is set, nothing is waited for any longer.
    """
    for child in children:
        child.stop()
    ends = asyncio.gather(*(child.end() for child in children))
    hurry = asyncio.create_task((at_once or asyncio.Event()).wait())
    either: set[asyncio.Future[Any]] = {ends, hurry}
    await asyncio.wait(either, timeout=stop_seconds + SPARE_S, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    for child in children:
        child.kill()
    await ends
