"""Relation rows by the million: built by one command, opened, called, and what memory it takes.

Makes a rules pack whose table ``permitted_diagnosis`` has the rows, in Parquet parts: the items' numbers of
rows follow Zipf's law, the largest has 100,000; each item's rows lie in every part, in no order. Diagnoses
are those of the shipped dictionary and made-up ones, for it has less than 100,000. Calls are stays whose
items are drawn by the same law, and every finding is compared with the rows. Time of the processor is told
beside that of the clock: others may use the machine, too. The figures of docs/rules_size.md are its output.
Run: python benchmarks/relations.py [--rows 86070000] [--folder DIR] [--csv]
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.pack.dictionaries import read_dictionary
from casemeter_rules.compiled.book import Book
from casemeter_rules.engine import find
from casemeter_rules.facts import Diagnosis, Item, Phase, Stay
from common import machine

ROWS = 86_070_000
LARGEST = 100_000
ITEMS = 200_000
UNIVERSE = 120_011
"""Different diagnoses: a prime, so that any step through them meets each once."""

PART_ROWS = 5_000_000
CALLS = 5_000
ITEMS_OF_A_STAY = 60
DIAGNOSES_OF_A_STAY = 8
SEED = 20
_HEADER = 'id = "relations"\nkind = "rules"\ntitle = "Relations"\nversion = "1"\ndemonstration = true\n'


def sizes_of(rows: int) -> NDArray[np.int64]:
    """Return the number of rows of each item, the largest first: Zipf's law with the exponent that fits."""
    items = max(10, min(ITEMS, rows * ITEMS // ROWS))
    largest = min(LARGEST, rows // 4)
    ranks = np.arange(1, items + 1, dtype=np.float64)
    low, high = 0.0, 3.0
    for _ in range(60):
        middle = (low + high) / 2
        total = int(np.maximum(1, largest / ranks**middle).astype(np.int64).sum())
        low, high = (middle, high) if total > rows else (low, middle)
    sizes = np.maximum(1, largest / ranks**high).astype(np.int64)
    tail = np.arange(items - 1, max(0, items - 1 - (rows - int(sizes.sum()))), -1)
    while (lacking := rows - int(sizes.sum())) > 0:
        sizes[tail[:lacking]] += 1
    print(f"{items:,} items, Zipf exponent {high:.3f}, largest {sizes[0]:,}, smallest {sizes[-1]:,} rows")
    return sizes


def item_codes(count: int) -> list[str]:
    """Return codes of the length of drugs' codes, and of items' codes."""
    return [f"X{at * 7919 % 10**9:09d}A{at:012d}" if at % 3 else f"{at:015d}" for at in range(count)]


def diagnosis_codes(folder: Path) -> list[str]:
    """Return the diagnoses of the shipped dictionary, and made-up ones."""
    known = list(read_dictionary(folder, []).diagnoses)
    return known + [f"U{at:06d}" for at in range(UNIVERSE - len(known))]


def walks(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where among the diagnoses each item's own begin, and how far one is from the next."""
    numbers = np.random.default_rng(SEED)
    return numbers.integers(0, UNIVERSE, count), numbers.integers(1, UNIVERSE, count)


def write_pack(folder: Path, sizes: NDArray[np.int64], csv: bool) -> None:
    """Write the pack, part by part."""
    (folder / "permitted_diagnosis").mkdir(parents=True)
    (folder / "rules.toml").write_text(_HEADER, "utf-8")
    random_numbers = np.random.default_rng(SEED + 2)
    items = pl.Series(item_codes(len(sizes)))
    diagnoses = pl.Series(diagnosis_codes(folder))
    first, step = walks(len(sizes))
    parts = max(2, -(-int(sizes.sum()) // PART_ROWS))
    for part in range(parts):
        counts = (sizes - part + parts - 1) // parts
        of = np.repeat(np.arange(len(sizes)), counts)
        turn = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
        member = (first[of] + step[of] * (turn * parts + part)) % UNIVERSE
        order = random_numbers.permutation(len(of))
        frame = pl.DataFrame(
            {"item_code": items.gather(of[order]), "diagnosis_code": diagnoses.gather(member[order])}
        ).with_columns(basis=pl.lit("demonstration"))
        target = folder / "permitted_diagnosis" / f"part-{part:03d}"
        if csv:
            frame.write_csv(target.with_suffix(".csv"))
        else:
            frame.write_parquet(target.with_suffix(".parquet"), compression="zstd", compression_level=1)


def build(folder: Path, target: Path) -> None:
    """Build the bundle with the command, and print its time and the memory it took."""
    command = [sys.executable, "-m", "casemeter_server", "pack", "build", str(folder), "-o", str(target)]
    started = time.perf_counter()
    with subprocess.Popen(command) as process:
        watch = _Watch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("the pack was not built")
    taken = time.perf_counter() - started
    most = f"at most {usage.ru_maxrss / 2**10:,.0f} MiB resident"
    print(f"  built in {taken:.0f} s; {most}, {watch.peak() / 2**10:,.0f} MiB not mapped from files")
    print(f"  bundle {target.stat().st_size / 2**20:,.0f} MiB")


class _Watch:
    """The most anonymous memory that a process was seen with, looked at every tenth of a second."""

    def __init__(self, process: int) -> None:
        self._peak = 0
        self._thread = threading.Thread(target=self._look, args=(Path(f"/proc/{process}/status"),))
        self._thread.start()

    def _look(self, status: Path) -> None:
        while True:
            try:
                lines = status.read_text("utf-8").splitlines()
            except OSError:
                return
            found = [int(line.split()[1]) for line in lines if line.startswith("RssAnon")]
            if not found:
                return
            self._peak = max(self._peak, found[0])
            time.sleep(0.1)

    def peak(self) -> int:
        self._thread.join()
        return self._peak


def drop_from_cache(path: Path) -> None:
    """Ask the system to forget the pages of a file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def stays(sizes: NDArray[np.int64], folder: Path) -> Iterator[tuple[Stay, set[str]]]:
    """Yield stays whose items are drawn with chances as their numbers of rows, and the items to be found."""
    first, step = walks(len(sizes))
    numbers = np.random.default_rng(SEED + 1)
    codes, diagnoses = item_codes(len(sizes)), diagnosis_codes(folder)
    chances = np.cumsum(sizes / sizes.sum())
    pick = random.Random(SEED + 1)
    while True:
        drawn = np.searchsorted(chances, numbers.random(ITEMS_OF_A_STAY)).clip(max=len(sizes) - 1)
        named = pick.sample(range(UNIVERSE), DIAGNOSES_OF_A_STAY)
        recorded = tuple(
            Diagnosis(code, f"encounter.diagnoses[{at}]", "other" if at else "principal")
            for at, code in enumerate(diagnoses[number] for number in named)
        )
        items = tuple(Item(codes[at], f"encounter.charges.lines[{n}]") for n, at in enumerate(drawn.tolist()))
        expected = {
            codes[at]
            for at in set(drawn.tolist())
            if all(
                (n - int(first[at])) * pow(int(step[at]), -1, UNIVERSE) % UNIVERSE >= sizes[at] for n in named
            )
        }
        yield Stay(diagnoses=recorded, items=items, now=29_000_000), expected


def probe(bundle: Path, plan: Path, calls: int) -> None:
    """Open a bundle, call, print what it took, and keep the bundle open until the standard input ends."""
    made = stays(np.load(plan), bundle.parent)
    next(made)
    before = _smaps()
    started = time.perf_counter()
    book = Book.open(bundle)
    opened = time.perf_counter() - started
    for stay, _ in islice(made, 100):
        find([book], stay, Phase.ORDER)
    gc.freeze()
    times: list[float] = []
    processor: list[float] = []
    findings = 0
    for stay, expected in islice(made, calls):
        started, busy = time.perf_counter(), time.thread_time()
        found = find([book], stay, Phase.ORDER).findings
        times.append((time.perf_counter() - started) * 1000)
        processor.append((time.thread_time() - busy) * 1000)
        findings += len(found)
        assert {code for each in found for code in each.codes} == expected
    after = _smaps()
    said = {
        "open_s": opened,
        "p50_ms": float(np.percentile(times, 50)),
        "p99_ms": float(np.percentile(times, 99)),
        "max_ms": max(times),
        "p99_processor_ms": float(np.percentile(processor, 99)),
        "findings": findings / calls,
        "private_mb": (after["Private_Clean"] + after["Private_Dirty"]) / 2**10,
        "private_dirty_mb": after["Private_Dirty"] / 2**10,
        "shared_mb": (after["Shared_Clean"] + after["Shared_Dirty"]) / 2**10,
        "private_dirty_before_mb": before["Private_Dirty"] / 2**10,
    }
    print(json.dumps(said), flush=True)
    sys.stdin.read()
    assert len(book)


def _smaps() -> dict[str, int]:
    lines = Path("/proc/self/smaps_rollup").read_text("utf-8").splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}


def measure(bundle: Path, sizes: NDArray[np.int64]) -> None:
    """Open the bundle cold and warm, in one process and in a second one beside it, and print the figures."""
    plan = bundle.with_suffix(".npy")
    np.save(plan, sizes)
    drop_from_cache(bundle)
    with _Child(bundle, plan) as alone:
        _tell("first process, pages dropped", alone.said)
        with _Child(bundle, plan) as second:
            _tell("second process beside it, warm", second.said)
    print(f"  opened again, warm: {_times(lambda: Book.open(bundle)):.3f} s (best of 5)")


def _tell(what: str, said: dict[str, float]) -> None:
    print(f"  {what}: opened in {said['open_s']:.2f} s")
    print(f"    {CALLS:,} calls, every finding as the rows have it")
    times = f"p50 {said['p50_ms']:.3f} ms, p99 {said['p99_ms']:.3f} ms, longest {said['max_ms']:.2f} ms"
    processor = f"p99 of processor time {said['p99_processor_ms']:.3f} ms"
    print(f"    a call: {times}, {processor}; {said['findings']:.1f} findings")
    private = f"{said['private_mb']:.1f} MiB, {said['private_dirty_mb']:.1f} of them written to"
    before = f"{said['private_dirty_before_mb']:.1f} before opening"
    print(f"    memory: private {private} ({before}); shared {said['shared_mb']:,.1f} MiB")


def _times(what: Callable[[], object]) -> float:
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        what()
        taken.append(time.perf_counter() - started)
    return min(taken)


class _Child:
    """A process that has opened the bundle and called, and stays as long as the block."""

    def __init__(self, bundle: Path, plan: Path) -> None:
        command = [sys.executable, __file__, "--probe", str(bundle), str(plan)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.said: dict[str, float] = json.loads(self._process.stdout.readline())

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def run(rows: int, folder: Path, csv: bool) -> None:
    """Make a pack of some rows, build it, and measure."""
    print(f"{rows:,} rows")
    pack, bundle = folder / "pack", folder / "relations.bundle"
    try:
        sizes = sizes_of(rows)
        assert int(sizes.sum()) == rows
        started = time.perf_counter()
        write_pack(pack, sizes, csv)
        size = sum(path.stat().st_size for path in pack.rglob("*") if path.is_file())
        print(f"  {size / 2**20:,.0f} MiB of tables, made in {time.perf_counter() - started:.0f} s")
        build(pack, bundle)
        measure(bundle, sizes)
    finally:
        shutil.rmtree(pack, ignore_errors=True)
        bundle.unlink(missing_ok=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--folder", type=Path, help="where there is room; default: a temporary one")
    parser.add_argument("--csv", action="store_true", help="CSV parts instead of Parquet")
    parser.add_argument("--probe", nargs=2, type=Path, metavar=("BUNDLE", "PLAN"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        probe(options.probe[0], options.probe[1], CALLS)
        return
    print(machine())
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        room = shutil.disk_usage(folder).free
        if room < options.rows * 60:
            raise SystemExit(f"{options.rows * 60 / 2**30:.1f} GiB of disk are needed in {folder}")
        for rows in sorted({options.rows // 100, options.rows}):
            run(rows, Path(folder), options.csv)


if __name__ == "__main__":
    main()
