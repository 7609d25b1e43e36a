"""Cases grouped per second on one core: encoded, from strings, and one call at a time.

Run: python benchmarks/kernel.py [--pack chs_drg_11] [--cases FILE]
Cases are drawn to reach every rule unless a file with the columns of ``casemeter group`` is named.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.load import load
from casemeter_grouper.pack.shipped import find_pack
from common import machine
from draws import draw_cases

REPEATS = 15


def rate(work: Callable[[], object], count: int) -> float:
    """Median of items per second over the repeats."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return count / statistics.median(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pack", default="chs_drg_11", help="pack folder or name")
    parser.add_argument("--count", type=int, default=20_000, help="number of cases drawn")
    options = parser.parse_args()
    folder = find_pack(options.pack)
    with tempfile.TemporaryDirectory() as data:
        scheme = CompiledScheme.open(build_cached(folder, Path(data)))
        grouper = Grouper(scheme)
        cases = draw_cases(load(folder).scheme, options.count, seed=1)
        batch = scheme.encode(cases)
        grouper.run(batch)
        codes = sum(len(case.diagnoses) + len(case.procedures) for case in cases) / len(cases)
        some = cases[:2_000]
        print(machine())
        print(f"pack {scheme.header.id}, {len(cases):,} cases of {codes:.1f} codes, median of {REPEATS}")
        print(f"kernel, encoded cases:    {rate(lambda: grouper.run(batch), len(cases)):>12,.0f} a second")
        print(
            f"encode and run strings:   {rate(lambda: grouper.run(scheme.encode(cases)), len(cases)):>12,.0f}"
            " a second"
        )
        one = rate(lambda: [grouper.group(case) for case in some], len(some))
        print(f"one call each, outcome:   {one:>12,.0f} a second ({1e6 / one:.1f} µs)")


if __name__ == "__main__":
    main()
