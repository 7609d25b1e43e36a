"""What a store could not keep beside replies shows in the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from casemeter_server.metrics import Metrics
from casemeter_server.store.store import Store

EVERY_S: Final = 1.0
"""How often the metrics learn of it."""


@asynccontextmanager
async def drops_shown(store: Store | None, metrics: Metrics) -> AsyncIterator[None]:
    """Show what a store drops, for as long as the context lasts.

    Args:
        store: counts for itself, on a thread of its own; ``None``: there is none.
        metrics: of this process.
    """
    if store is None:
        yield
        return
    looking = asyncio.create_task(_look(store, metrics))
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        metrics.reached(store.dropped, "casemeter_records_dropped")


async def _look(store: Store, metrics: Metrics) -> None:
    while True:
        metrics.reached(store.dropped, "casemeter_records_dropped")
        await asyncio.sleep(EVERY_S)
