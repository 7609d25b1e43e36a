"""A process that answers gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from casemeter_server.processes.plan import Plan
from casemeter_server.serving import answering
from casemeter_server.snapshot import Snapshot


@asynccontextmanager
async def answer(plan: Plan) -> AsyncIterator[None]:
    """Open the bundles and answer calls for as long as the context lasts.

    Raises:
        BundleError: a bundle cannot be used.
        ValueError: no pack groups, a default names no loaded pack, or two versions hold on the same day.
        OSError: an address cannot be used.
    """
    snapshot = Snapshot.open(plan.bundles, plan.config.default_pack, plan.config.hospitals)
    if not snapshot.default:
        raise ValueError("no pack is loaded that groups cases: name a scheme or a DIP catalogue, too")
    async with answering(plan.config, snapshot, plan.metrics, plan.addresses):
        yield
