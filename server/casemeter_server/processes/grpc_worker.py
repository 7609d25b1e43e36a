"""A process that answers gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from casemeter_server.processes.packs import open_packs
from casemeter_server.processes.plan import Plan
from casemeter_server.serving import answering


@asynccontextmanager
async def answer(plan: Plan) -> AsyncIterator[None]:
    """Open the bundles and answer calls for as long as the context lasts.

    Raises:
        BundleError: a bundle cannot be used.
        ValueError: no pack groups, a default names no loaded pack, two versions hold on the same day, or
            others can reach an address, and nobody would know who they are.
        StoreError: the store cannot be used.
        OSError: an address cannot be used.
    """
    async with answering(plan.config, open_packs(plan), plan.metrics, plan.addresses):
        yield
