"""How many events a second the store keeps, each acknowledged on the disk by itself, and how long that takes.

Writers wait for their acknowledgement before they write again, as an EMR does. Each event is a work
by itself: its encounter is held, the event looked for, kept, and announced.
Run: python benchmarks/store_rate.py [--seconds 5] [--url URL]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from casemeter_server.store.rows import StoredEvent
from casemeter_server.store.store import Store, Writing
from common import machine

sys.path.append(str(Path(__file__).parents[1] / "tests"))
import postgresql

WRITERS: Final = (1, 20, 200)
DATA: Final = bytes(200)
"""As long as an event of a diagnosis or a charge is."""


def one_event(encounter: str, id: str) -> Callable[[Writing], int]:
    """Return the work that keeps an event."""

    def work(writing: Writing) -> int:
        now = datetime.now(UTC)
        row, _ = writing.lock("H", encounter, now)
        assert not writing.known("H", encounter, [id])
        return writing.add_events(row, [StoredEvent(id, bytes(32), DATA)], now)

    return work


async def measure(url: str, writers: int, seconds: float) -> list[float]:
    """Return how long each acknowledgement took, sorted."""
    store = Store.open(url)
    waits: list[float] = []
    until = time.perf_counter() + seconds

    async def write_on(number: int) -> None:
        at = 0
        while (begun := time.perf_counter()) < until:
            await store.write(one_event(f"{writers}.{number}", f"{at}"))
            waits.append(time.perf_counter() - begun)
            at += 1

    await asyncio.gather(*(write_on(number) for number in range(writers)))
    store.close()
    return sorted(waits)


def show(name: str, url: str, seconds: float) -> None:
    """Measure and print."""
    for writers in WRITERS:
        waits = asyncio.run(measure(url, writers, seconds))
        half, most = waits[len(waits) // 2] * 1e3, waits[len(waits) * 99 // 100] * 1e3
        print(
            f"{name:<12} {writers:>8} {len(waits) / seconds:>12,.0f} {half:>10.1f} {most:>10.1f}", flush=True
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--url", help="a store instead of new ones")
    options = parser.parse_args()
    print(machine())
    print(f"\n{'':<12} {'writers':>8} {'events a s':>12} {'p50 ms':>10} {'p99 ms':>10}")
    if options.url:
        show("store", options.url, options.seconds)
        return
    with tempfile.TemporaryDirectory() as folder:
        show("SQLite", f"sqlite:///{folder}/s.db", options.seconds)
    with postgresql.server(durable=True) as server:
        show("PostgreSQL", server.new_store(), options.seconds)


if __name__ == "__main__":
    main()
