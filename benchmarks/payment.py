"""Microseconds to price a stay: its tariff computed anew, its tariff that is known, and one quote.

Run: python benchmarks/payment.py [--pack demo_payment_chs_drg_11]
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.payment.policy import Policy
from casemeter_grouper.payment.stay import Stay
from casemeter_grouper.payment.tariff import Tariff
from common import machine

REPEATS = 15
COST_FEN = 2_000_000


def stays_of(folder: Path) -> list[Stay]:
    """One stay of every group that the pack gives a weight."""
    with (folder / "weights.csv").open(encoding="utf-8-sig", newline="") as file:
        groups = [row["group"] for row in csv.DictReader(file)]
    return [Stay(group, "2026-11-02", level="三级", insurance="310", los_days=9) for group in groups]


def time_one(work: Callable[[], object], count: int) -> float:
    """Median microseconds for one of ``count`` items."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1e6 * statistics.median(times) / count


def price(policy: Policy, stays: Sequence[Stay]) -> list[Tariff]:
    """The tariffs of all stays that have one."""
    return [found for stay in stays if isinstance(found := policy.tariff(stay), Tariff)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pack", default="demo_payment_chs_drg_11", help="payment pack with weights")
    folder = find_pack(parser.parse_args().pack)
    stays = stays_of(folder)
    with tempfile.TemporaryDirectory() as data:
        bundle = build_cached(folder, Path(data))
        policy = Policy.open(bundle)
        tariffs = price(policy, stays)
        print(machine())
        print(f"{folder.name}: {len(tariffs)} of {len(stays)} groups priced, median of {REPEATS}")
        opened = time_one(lambda: Policy.open(bundle), 1)
        anew = time_one(lambda: price(Policy.open(bundle), stays), len(stays)) - opened / len(stays)
        print(f"tariff computed anew: {anew:8.1f} µs")
        print(f"tariff that is known: {time_one(lambda: price(policy, stays), len(stays)):8.1f} µs")
        quotes = time_one(lambda: [tariff.quote(COST_FEN) for tariff in tariffs], len(tariffs))
        print(f"quote of a cost:      {quotes:8.1f} µs")


if __name__ == "__main__":
    main()
