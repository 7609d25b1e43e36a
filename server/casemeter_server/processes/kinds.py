"""Kinds of processes that serve: how many, where they listen, and what they do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from casemeter_server.config import Config
from casemeter_server.processes.plan import Plan

Work = Callable[[Plan], AbstractAsyncContextManager[None]]
"""What a process does: it listens inside the context; at the end of it, calls under way may finish."""


@dataclass(frozen=True)
class Kind:
    """A kind of processes that serve.

    Attributes:
        name: what logs and metrics call it.
        count: how many a configuration wants.
        address: where they listen; empty: there are none.
        shares_port: every process opens a socket of its own on one port (``SO_REUSEPORT``), because its
            library takes no open one; otherwise all accept from one socket, which the supervisor opens.
        work: module and function, loaded by the process itself: the supervisor stays small.
    """

    name: str
    count: Callable[[Config], int]
    address: Callable[[Config], str]
    shares_port: bool
    work: str


GRPC: Final = Kind(
    "grpc",
    lambda config: config.workers,
    lambda config: config.listen,
    shares_port=True,
    work="casemeter_server.processes.grpc_worker:answer",
)

DOORS: Final = Kind(
    "doors",
    lambda config: config.door_workers,
    lambda config: config.doors,
    shares_port=False,
    work="casemeter_server.processes.doors_worker:answer",
)

KINDS: Final = (GRPC, DOORS)
"""The kinds, in the order in which they start."""


def work_of(plan: Plan) -> Work:
    """Load what a process is to do."""
    module, _, function = plan.work.partition(":")
    work: Work = getattr(import_module(module), function)
    return work
