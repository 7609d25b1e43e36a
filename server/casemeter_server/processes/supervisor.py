"""The supervisor: it opens the ports, starts the processes that serve, and keeps them alive.

It loads nothing that groups or answers, so that nothing of that kind can end it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from socket import socket
from typing import Any, Final

from casemeter_server.config import Config
from casemeter_server.lessons import TAUGHT, lesson
from casemeter_server.metrics import SharedMetrics
from casemeter_server.metrics_page import metrics_page
from casemeter_server.processes.child import Child, Ended, StartFailed
from casemeter_server.processes.counts import ProcessCounts
from casemeter_server.processes.kinds import KINDS, Kind
from casemeter_server.processes.plan import Plan
from casemeter_server.processes.slot import Slot, end_all
from casemeter_server.processes.sockets import listening, name_of, port_of, reserved

_PREPARING: Final = "casemeter_server.processes.preparing"

_log = logging.getLogger("casemeter.processes")


@dataclass(frozen=True, slots=True)
class Serving:
    """A server all of whose processes listen.

    Attributes:
        config: what it was started with.
        ports: by kind of processes.
        metrics_port: where the page of metrics is; 0: nowhere.
    """

    config: Config
    ports: Mapping[str, int]
    metrics_port: int


def supervise(
    configure: Callable[[], Config], ready: Callable[[Serving], None], kinds: Iterable[Kind] = KINDS
) -> None:
    """Serve until SIGTERM or SIGINT.

    At the first signal calls under way may finish, at the second one everything ends at once. SIGHUP reads
    the configuration and the packs again, and puts new processes in the place of the old ones, one by one.

    Args:
        configure: reads the configuration.
        ready: called once every process listens.
        kinds: the kinds of processes.

    Raises:
        ConfigError: the configuration cannot be used.
        StartFailed: a process cannot do its work with what it was given.
        OSError: an address is taken or cannot be used.
    """
    asyncio.run(_Supervisor(configure, ready, kinds).serve())


@dataclass
class _Supervisor:
    """One server: its processes, and what it was asked to do by signals."""

    configure: Callable[[], Config]
    ready: Callable[[Serving], None]
    kinds: Iterable[Kind]
    children: set[Child] = field(default_factory=set)
    counts: ProcessCounts = field(default_factory=ProcessCounts)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    stop_at_once: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self) -> None:
        """Serve until a signal says to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload.set)
        config = self.configure()
        with (
            tempfile.TemporaryDirectory(prefix="casemeter-metrics-") as folder,
            metrics_page(config.metrics, SharedMetrics(Path(folder)), self.counts) as metrics_port,
        ):
            try:
                await self._until_stopped(config, Path(folder), metrics_port)
            finally:
                await end_all(list(self.children), config.stop_seconds, self.stop_at_once)

    def _stop(self) -> None:
        (self.stop_at_once if self.stop.is_set() else self.stop).set()

    async def _until_stopped(self, config: Config, metrics: Path, metrics_port: int) -> None:
        with ExitStack() as stack:
            plans: list[Plan] = []
            ports: dict[str, int] = {}
            for kind in self.kinds:
                address = kind.address(config)
                if not address:
                    continue
                addresses: tuple[str, ...] = ()
                sockets: tuple[socket, ...] = ()
                if kind.shares_port:
                    addresses = stack.enter_context(reserved(address))
                else:
                    sockets = stack.enter_context(listening(address))
                ports[kind.name] = port_of((*addresses, *map(name_of, sockets))[0])
                descriptors = tuple(one.fileno() for one in sockets)
                plan = Plan(kind.name, kind.work, config, (), metrics, addresses, descriptors)
                plans += [plan] * kind.count(config)
            work = asyncio.create_task(self._work(plans, Serving(config, ports, metrics_port)))
            stopped = asyncio.create_task(self.stop.wait())
            try:
                await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    work.result()
            finally:
                await _cancelled(work, stopped)

    async def _work(self, plans: list[Plan], serving: Serving) -> None:
        """Start every process and keep it alive; never returns."""
        bundles = await self._prepared(serving.config)
        slots = [Slot(replace(plan, bundles=bundles), self.children, self.counts) for plan in plans]
        # The first one alone: after an installation it compiles the kernels, which the others then find; and
        # what keeps all of them from starting is said once.
        await slots[0].fill()
        await _together(slot.fill() for slot in slots[1:])
        self.ready(serving)
        await _together([*(slot.keep() for slot in slots), self._reload_when_asked(slots)])

    async def _prepared(self, config: Config) -> tuple[Path, ...]:
        """Return the bundles of a configuration; packs that are not built yet are built.

        Raises:
            StartFailed: a pack or a bundle cannot be used.
        """
        child = await Child.start(_PREPARING, Plan("preparing", "", config))
        self.children.add(child)
        try:
            bundles = await child.report()
        except Ended as end:
            raise StartFailed(f"the packs could not be prepared: the process ended by {end}") from None
        await child.end()
        self.children.discard(child)
        return tuple(map(Path, bundles))

    async def _reload_when_asked(self, slots: list[Slot]) -> None:
        while True:
            await self.reload.wait()
            self.reload.clear()
            try:
                config = self.configure()
                bundles = await self._prepared(config)
                for slot in slots:
                    await slot.replace(config, bundles)
            except TAUGHT as error:
                _log.error("not reloaded, what was loaded before goes on: %s", lesson(error))
            else:
                _log.info("reloaded: every process was replaced")


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do several things at once, until all are done or one fails."""
    tasks = [asyncio.create_task(part) for part in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        await _cancelled(*tasks)


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
