"""A process that answers HTTP."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from socket import socket
from typing import Final

from casemeter_server.doors.app import create_app, serve_doors
from casemeter_server.drops import drops_shown
from casemeter_server.engine import engine_of
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.identity.loopback import check_listener
from casemeter_server.metrics import Metrics
from casemeter_server.processes.packs import open_packs
from casemeter_server.processes.plan import Plan

_NICE: Final = 10


@asynccontextmanager
async def answer(plan: Plan) -> AsyncIterator[None]:
    """Open the bundles and answer requests for as long as the context lasts.

    Raises:
        BundleError: a bundle cannot be used.
        ValueError: no pack groups, a default names no loaded pack, two versions hold on the same day, or
            others can reach an address, and nobody would know who they are.
        IdentitySettingsError: a file of the clients of a door cannot be used.
        StoreError: the store cannot be used.
    """
    _stand_back()
    config = plan.config
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    is_local = check_listener(config.doors, config.identity is not None)
    snapshot = open_packs(plan)
    authenticator = Authenticator.of(config.identity)
    counts = Metrics(plan.metrics)
    count = partial(counts.count, "casemeter_door_requests")
    sockets = [socket(fileno=descriptor) for descriptor in plan.sockets]
    async with engine_of(config, snapshot) as engine, drops_shown(engine.store, counts):
        app = create_app(engine, authenticator, config.door_settings, is_local=is_local, count=count)
        async with serve_doors(app, sockets, config.stop_seconds):
            yield


def _stand_back() -> None:
    """Take a core only while no process for gRPC wants it: no page and no batch delays an order there.

    A lower priority alone is not enough: the core would be given up at the end of a slice of milliseconds.
    """
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(_NICE)
