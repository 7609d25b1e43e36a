"""Cases per second from file to file with ``casemeter group``, and over the same work in process.

Run: python benchmarks/group_file.py [--pack chs_drg_11] [--count 1000000]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from casemeter_grouper.batch import COLUMNS
from casemeter_grouper.case import Case
from casemeter_grouper.pack.load import load
from casemeter_grouper.pack.shipped import find_pack
from common import machine
from draws import draw_cases


def as_sent(case: Case) -> Case:
    """Return a drawn case as a hospital would send it: its two ages are one age."""
    days = case.age_days if not case.age_years else 365 * case.age_years + 100
    return case._replace(age_days=days if case.age_years is not None else None)


def write_cases(cases: list[Case], count: int, path: Path) -> None:
    """Write the cases over and over until there are so many."""
    rows = [
        (
            str(at),
            *(getattr(case, name) for name in COLUMNS[1:-2]),
            "|".join(case.diagnoses),
            "|".join(case.procedures),
        )
        for at, case in enumerate(cases)
    ]
    frame = pl.DataFrame(rows, schema=COLUMNS, orient="row", infer_schema_length=None)
    pl.concat([frame] * -(-count // len(frame))).head(count).write_csv(path)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pack", default="chs_drg_11", help="pack folder or name")
    parser.add_argument("--count", type=int, default=1_000_000, help="number of cases")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases, groups = Path(folder) / "cases.csv", Path(folder) / "groups.csv"
        scheme = load(find_pack(options.pack)).scheme
        drawn = [as_sent(case) for case in draw_cases(scheme, 20_000, seed=1)]
        write_cases(drawn, options.count, cases)
        size = cases.stat().st_size / 1e6
        command = [sys.executable, "-m", "casemeter_server", "group", str(cases), "-o", str(groups)]
        command += ["--pack", options.pack]
        times = []
        for _ in range(5):
            started = time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            times.append(time.perf_counter() - started)
        assert sum(1 for _ in groups.open("rb")) == options.count + 1
    taken = statistics.median(times)
    print(machine())
    print(done.stderr.splitlines()[0])
    print(
        f"casemeter group, {options.count:,} cases ({size:.0f} MB) CSV to CSV, whole process, median of 5: "
        f"{taken:.2f} s, {options.count / taken:,.0f} cases a second"
    )


if __name__ == "__main__":
    main()
