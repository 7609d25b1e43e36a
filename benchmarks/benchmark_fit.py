"""Fitting a benchmark from a made-up history: time by pass, memory, and how near the law it comes.

    python benchmarks/benchmark_fit.py [--cases 300000] [--history DIR] [--pack chs_drg_11]

A history is written to a temporary folder, or that of DIR is taken. One process fits it as the command does,
in chunks; another reads it whole, joins all chunks to one, turned round, and fits that: the packs must be the
same to the byte. Means are held against the law (benchmark_truth.py) twice: whole, and as the shipped policy
trims them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any, NamedTuple, TypeVar

import numpy as np

from benchmark_truth import Hidden, Law
from casemeter_grouper.benchmark.fitting.figures import Fitted
from casemeter_grouper.benchmark.fitting.fit import Groups, fit
from casemeter_grouper.benchmark.fitting.history import fit_history
from casemeter_grouper.benchmark.fitting.policy import read_policy
from casemeter_grouper.benchmark.fitting.write import Label, write_pack
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.history.build import build_world
from casemeter_grouper.history.caseload import read_caseload
from casemeter_grouper.history.reading.grouping import Ragged
from casemeter_grouper.history.recipe import read_recipe
from casemeter_grouper.history.settled import PackGrouping, SettledChunk, open_settled
from casemeter_grouper.history.settled_days import DayChunk, read_days
from casemeter_grouper.history.write import Order, generate
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.progress import watched
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.pack.sources import open_compiled
from common import machine

SEED = 1
ENOUGH = 30
"""Stays of a group from which a mean is as good as normal."""

Chunk = TypeVar("Chunk", SettledChunk, DayChunk)
Result = TypeVar("Result")


class Done(NamedTuple):
    """What a process did: seconds by pass, GiB of memory at most, and the pack."""

    seconds: dict[str, float]
    peak: float
    fitted: Fitted


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", type=int, default=300_000)
    parser.add_argument("--history", type=Path, help="folder of 'casemeter history generate', first recipe")
    parser.add_argument("--pack", default="chs_drg_11")
    wanted = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = build_cached(find_pack(wanted.pack), folder)
        history = wanted.history or folder / "history"
        if wanted.history is None:
            apart(generate_there, wanted.cases, bundle, history)
        about = json.loads((history / "history.json").read_text("utf-8"))
        size = sum(path.stat().st_size for path in history.iterdir()) / 2**30
        print(f"{about['cases']:,} stays, {size:.2f} GiB of files, made up with seed {about['seed']}")
        done = apart(stream, history, bundle, folder / "streamed")
        tell(done, folder / "streamed")
        apart(at_once, history, bundle, folder / "at_once")
        print(f"fitted in one chunk, turned round: {same(folder / 'streamed', folder / 'at_once')}")
        compare(apart(whole_and_hidden, history, bundle, done.fitted.last_year), done.fitted, bundle)


def apart(work: Callable[..., Result], *arguments: Any) -> Result:
    """Do something in a process of its own, so that its memory is its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def generate_there(cases: int, bundle: Path, folder: Path) -> None:
    """Write a history."""
    generate(Order(open_compiled(bundle), read_recipe("first"), read_caseload(), cases, SEED), folder)


def grouping(bundle: Path) -> PackGrouping:
    """Open what groups the stays."""
    opened = open_compiled(bundle)
    return PackGrouping(Grouper(opened) if isinstance(opened, CompiledScheme) else CatalogueGrouper(opened))


def stream(history: Path, bundle: Path, target: Path) -> Done:
    """Fit a history as the command does."""
    policy, text = read_policy(None)
    marks: dict[str, list[float]] = {}
    start = time.perf_counter()
    with watched(lambda what, _done, _total: marks.setdefault(what, []).append(time.perf_counter())):
        found = fit_history([history], grouping(bundle), policy)
    write_pack(target, found.fitted, Label("benchmark", "x", made_up=True), text, found.dropped)
    end = time.perf_counter()
    seconds, before = {}, start
    for what, times in marks.items():
        seconds[what], before = times[-1] - before, times[-1]
    seconds["writing"], seconds["all"] = end - before, end - start
    return Done(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, found.fitted)


def at_once(history: Path, bundle: Path, target: Path) -> None:
    """Fit a history whose stays are one chunk, and whose charges are, the last first."""
    policy, text = read_policy(None)
    pack = grouping(bundle)
    pages = open_settled([history], pack)
    days = read_days([history], with_hospital=pages.with_hospital)
    stays, charges = joined(map(without_codes, pages.chunks())), joined(days.chunks())
    found = fit([stays], [charges], Groups(pack.groups, pack.adrgs, pack.adrg_of), policy)
    write_pack(target, found, Label("benchmark", "x", made_up=True), text, found.dropped)


def without_codes(chunk: SettledChunk) -> SettledChunk:
    """Drop the lists of codes, which no benchmark needs."""
    none = Ragged(np.zeros(0, np.int32), np.zeros(1, np.int64))
    return replace(chunk, others=none, procedures=none)


def joined(chunks: Iterable[Chunk]) -> Chunk:
    """Join chunks to one, the last row first."""
    every = list(chunks)
    columns = {
        column.name: np.concatenate([getattr(chunk, column.name) for chunk in every])[::-1]
        for column in fields(every[0])
        if isinstance(getattr(every[0], column.name), np.ndarray)
    }
    values: dict[str, Any] = columns
    return replace(every[0], **values)


def whole_and_hidden(history: Path, bundle: Path, last: int) -> tuple[Fitted, Hidden]:
    """Fit a history without trimming, and count what its stays truly are."""
    about = json.loads((history / "history.json").read_text("utf-8"))
    pack = grouping(bundle)
    world = build_world(open_compiled(bundle), read_recipe("first"), read_caseload())
    hidden = Hidden(world, about["seed"], about["cases"])
    pages = open_settled(sorted(history.glob("pages-*.parquet")), pack)
    policy = replace(read_policy(None)[0], trims=False)
    groups = Groups(pack.groups, pack.adrgs, pack.adrg_of)
    found = fit(hidden.watching(pages.files, pages.chunks()), None, groups, policy, (last - 2, last))
    return found, Hidden(
        world, hidden.seed, hidden.cases, {key: dict(value) for key, value in hidden.counts.items()}
    )


def tell(done: Done, target: Path) -> None:
    """Print what fitting took and gave."""
    passes = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in done.seconds.items())
    size = sum(path.stat().st_size for path in target.iterdir()) / 2**20
    own = sum(one.basis == "own" for one in done.fitted.measured)
    print(f"fitted in chunks: {passes}")
    print(f"at most {done.peak:.2f} GiB of memory; the pack has {size:.1f} MiB")
    print(
        f"{own:,} groups measured by their own cases, {len(done.fitted.measured) - own:,} by their ADRG, "
        f"{len(done.fitted.unmeasured):,} not"
    )


def same(one: Path, other: Path) -> str:
    """Say whether two packs are the same, but for what their readers dropped."""
    files = [path.name for path in sorted(one.iterdir())]
    differing = [name for name in files if (one / name).read_bytes() != (other / name).read_bytes()]
    return f"differs in {', '.join(differing)}" if differing else "the same to the byte"


def compare(truth: tuple[Fitted, Hidden], fitted: Fitted, bundle: Path) -> None:
    """Print how near means come to those of the law."""
    whole, hidden = truth
    pack, law, policy = grouping(bundle), Law(hidden.world), read_policy(None)[0]
    factors = float(policy.below), float(policy.above)
    for name, found in (("whole", whole), ("trimmed", fitted)):
        errors, shares = [], []
        for one in found.measured:
            group = pack.group_number[one.code]
            if one.basis != "own" or one.own_cases < ENOUGH:
                continue
            if name == "whole":
                mean, error, _ = hidden.mean_of(group, found.weights, law)
            else:
                mean, error = hidden.trimmed_mean_of(group, found.weights, law, factors)
            errors.append((float(one.figures.mean_fen) - mean) / error)
            shares.append(abs(float(one.figures.mean_fen) / mean - 1))
        print(f"means, {name}, of {len(errors):,} groups with {ENOUGH} stays: {_within(errors)}")
        print(f"  off by {np.median(shares):.2%} at the median, {np.max(shares):.1%} at most")


def _within(errors: list[float]) -> str:
    size = np.abs(np.array(errors))
    normal = NormalDist()
    told = [
        f"{(size <= limit).mean():.1%} within {limit:g} standard errors "
        f"(of a normal law {2 * normal.cdf(limit) - 1:.1%})"
        for limit in (1.96, 3)
    ]
    return f"{', '.join(told)}; mean {np.mean(errors):+.2f}"


if __name__ == "__main__":
    main()
