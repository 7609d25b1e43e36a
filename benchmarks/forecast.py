"""Forecasts fitted on made-up histories, and held against the truth of their generator.

    python benchmarks/forecast.py [--cases 300000] [--history DIR] [--second DIR] [--truth 2000]
        [--tested 1000000] [--pictures]

A history by the first recipe is written to a temporary folder, or that of DIR is taken; a forecast is fitted
as the command does, on the oldest stays, and asked for days of the newest, which it never saw. Then the same
bundle meets a history by the second recipe: as it is, calibrated with a few of its stays, and beside a bundle
that was fitted on it. --pictures writes the pictures of docs/pictures anew.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark_fit import apart
from casemeter_grouper.forecast import fit as fitting
from casemeter_grouper.forecast.fit import Pack, calibrated, one_day_of_each_bucket
from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.measured import Measured, measure
from casemeter_grouper.forecast.model import Header, Model
from casemeter_grouper.forecast.wish import Wish
from casemeter_grouper.history.build import build_world
from casemeter_grouper.history.caseload import read_caseload
from casemeter_grouper.history.recipe import read_recipe
from casemeter_grouper.history.write import Order, generate
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.pack.sources import open_compiled
from common import machine
from forecast_days import Days, Law, Oracle, days_of, knowns, numbered, part_of, some_days
from forecast_measures import (
    Cell,
    Compared,
    compare,
    coverage,
    day_cells,
    ratio,
    reliability,
    timed,
    widths,
)
from forecast_pictures import Shown, draw_all

PACK: Final = "chs_drg_11"
SEEDS: Final = {"first": 3, "second": 5}
SEED: Final = 1
LEVEL: Final = 0.9
ASKS: Final = 5_000
INTERVALS: Final = 500
"""Days whose true intervals are asked for."""
RECALIBRATED: Final = 20_000
"""Stays of a second history that a bundle is calibrated with."""
WORST: Final = 5
PICTURES: Final = Path(__file__).parent.parent / "docs" / "pictures"


class Done(NamedTuple):
    """What a fit needed: seconds, and GiB of memory at most."""

    seconds: float
    peak: float


class Tested(NamedTuple):
    """The newest days of a history, and what is true of some of them.

    Attributes:
        days: of stays.
        chosen: places of the days that the truth is told of.
        laws: the truth.
    """

    days: Days
    chosen: NDArray[np.intp]
    laws: list[Law]


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", type=int, default=300_000)
    parser.add_argument("--history", type=Path, help="folder of 'casemeter history generate', first recipe")
    parser.add_argument("--second", type=Path, help="likewise, second recipe")
    parser.add_argument("--truth", type=int, default=2_000, help="stay-days that the truth is told of")
    parser.add_argument("--tested", type=int, default=1_000_000, help="newest stay-days that are asked for")
    parser.add_argument("--pictures", action="store_true")
    wanted = parser.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = build_cached(find_pack(PACK), folder)
        pack = Pack.of(open_compiled(bundle))
        homes = {"first": wanted.history, "second": wanted.second}
        for recipe, given in homes.items():
            history = homes[recipe] = given or folder / recipe
            if given is None:
                apart(generate_there, wanted.cases, bundle, recipe, history)
            print(described(history))
            tell_fit(apart(fit_there, history, bundle, folder / f"{recipe}.forecast"), folder, recipe)
        first, second = (Forecaster.open(folder / f"{recipe}.forecast") for recipe in homes)
        print("\nThe first recipe")
        tested = newest(first, homes["first"], folder / "newest first", pack, bundle, "first", wanted)
        tell_speed(first, tested.days, pack)
        shown = tell(first, tested, pack)
        if wanted.pictures:
            PICTURES.mkdir(exist_ok=True)
            draw_all(shown, PICTURES)
        tested = newest(second, homes["second"], folder / "newest second", pack, bundle, "second", wanted)
        again = recalibrated(first, second, homes["second"], folder, pack)
        for title, forecaster in (
            ("as it was fitted on the first", first),
            (f"calibrated with {RECALIBRATED:,} stays of the second", again),
            ("fitted on the second", second),
        ):
            print(f"\nThe second recipe, the bundle {title}")
            tell(forecaster, tested, pack)


def generate_there(cases: int, bundle: Path, recipe: str, folder: Path) -> None:
    """Write a history."""
    order = Order(open_compiled(bundle), read_recipe(recipe), read_caseload(), cases, SEEDS[recipe])
    generate(order, folder)


def fit_there(history: Path, bundle: Path, target: Path) -> Done:
    """Fit a forecast as the command does."""
    start = time.perf_counter()
    pack = Pack.of(open_compiled(bundle))
    header = Header("benchmark", "made up 虚构", "", "", "", pack.id, pack.sha256, LEVEL, demonstration=True)
    fitting.fit([history], pack, Wish(header), target)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return Done(time.perf_counter() - start, peak)


def described(history: Path) -> str:
    """Return one line on a history."""
    about = json.loads((history / "history.json").read_text("utf-8"))
    return f"{about['recipe']}: {about['cases']:,} stays, made up with seed {about['seed']}"


def tell_fit(done: Done, folder: Path, recipe: str) -> None:
    """Say what a fit needed."""
    size = (folder / f"{recipe}.forecast").stat().st_size / 2**20
    print(
        f"fitted in {done.seconds:.0f} s, at most {done.peak:.2f} GiB of memory, bundle of {size:.1f} MiB",
        flush=True,
    )


def newest(
    fitted: Forecaster,
    history: Path,
    target: Path,
    pack: Pack,
    bundle: Path,
    recipe: str,
    wanted: argparse.Namespace,
) -> Tested:
    """Read days of the stays that a fit held back to test with, and the truth of some of them."""
    since = date.fromisoformat(fitted.manifest["facts"]["tested_discharges"][0])
    part_of(history, target, since)
    days = days_of(target, pack, some_days(target, wanted.tested, SEED))
    count = min(wanted.truth, len(days.rows))
    chosen = np.sort(np.random.default_rng(SEED).choice(len(days.rows), count, replace=False))
    start = time.perf_counter()
    opened = open_compiled(bundle)
    world = build_world(opened, read_recipe(recipe), read_caseload())
    laws = Oracle(world, opened).laws(days, chosen, fitted.codes.groups, pack)
    print(
        f"{len(days.rows):,} days of stays that ended since {since} are asked for; the truth of {count:,} of "
        f"them took {time.perf_counter() - start:.0f} s",
        flush=True,
    )
    return Tested(days, chosen, laws)


def recalibrated(
    first: Forecaster, second: Forecaster, history: Path, folder: Path, pack: Pack
) -> Forecaster:
    """Return the first bundle calibrated with stays of the second history that ended before those tested."""
    facts = second.manifest["facts"]
    since, before = (
        date.fromisoformat(facts[name][0]) for name in ("calibrated_discharges", "tested_discharges")
    )
    target = part_of(history, folder / "calibrating", since, before, RECALIBRATED)
    days = days_of(target, pack, one_day_of_each_bucket(first.steps.day_from, SEED))
    model = calibrated(Model.of(first.file), first, days.rows, numbered(first, days, pack))
    model.write(folder / "recalibrated.forecast")
    return Forecaster.open(folder / "recalibrated.forecast")


def tell_speed(forecaster: Forecaster, days: Days, pack: Pack) -> None:
    """Say how long one ask takes."""
    chosen = np.random.default_rng(SEED).choice(len(days.rows), min(ASKS, len(days.rows)), replace=False)
    some = days._replace(rows=days.rows.take(chosen))
    asked = knowns(some, pack)
    rows = np.array([forecaster.numbers(known) for known in asked])
    whole = timed(lambda: [forecaster.ask(known) for known in asked], time.perf_counter)
    numbers = timed(lambda: [forecaster.numbers(known) for known in asked], time.perf_counter)
    found = timed(lambda: [forecaster.ask_numbers(known) for known in asked], time.perf_counter)
    many = timed(lambda: forecaster.ask_all(rows), time.perf_counter)
    micro = 1e6 / len(asked)
    print(
        f"one ask: {whole * micro:.1f} µs, of these {(found - numbers) * micro:.1f} µs in the kernel; "
        f"many at once: {many * micro:.1f} µs each"
    )


def tell(forecaster: Forecaster, tested: Tested, pack: Pack) -> Shown:
    """Say how well a forecast does; return what the pictures show."""
    rows = tested.days.rows
    known = numbered(forecaster, tested.days, pack)
    measured = measure(forecaster, rows, known)
    some = rows.take(tested.chosen)
    compared = compare(forecaster, some, known[tested.chosen], tested.laws)
    tell_truth(forecaster, compared, len(some))
    chapter = np.array(forecaster.codes.group_chapter)
    names = forecaster.codes.chapters
    level = forecaster.header.level
    print(f"no answer on {np.mean(~measured.answered):.3%} of {len(rows):,} stay-days")
    print(f"sets hold the group of {measured.covered.mean():.2%} of {len(rows):,} stay-days")
    days, cell = day_cells(rows.day)
    for what, group in (("final group", rows.final_group), ("group then", rows.planned)):
        tell_cells(f"MDC of the {what}", coverage(measured.covered, rows, names, chapter[group] - 1), level)
    tell_cells("day of stay", coverage(measured.covered, rows, days, cell), level)
    low, _, high, first, _, last = measured.ends.T
    in_cost = (low <= rows.final_cost) & (rows.final_cost <= high)
    in_days = (first <= rows.days) & (rows.days <= last)
    for what, held in (("final cost", in_cost), ("length of stay", in_days)):
        print(f"intervals hold the {what} of {held.mean():.2%}")
        tell_cells(f"{what}, day of stay", coverage(held, rows, days, cell), level)
    tell_widths(measured, tested)
    return Shown(
        reliability(forecaster, rows, known),
        some.day,
        compared,
        rows.day,
        measured,
        rows.group == rows.final_group,
    )


def tell_truth(forecaster: Forecaster, compared: Compared, count: int) -> None:
    """Say how near the forecast comes to the truth."""
    print(f"beside the truth, on {count:,} stay-days:")
    print(
        f"  log loss {compared.loss.mean():.4f}, of the true probabilities {compared.true_loss.mean():.4f}: "
        f"ratio {ratio(compared.loss, compared.true_loss)}"
    )
    print(
        f"  expected by the truth {compared.cross.mean():.4f} and {compared.entropy.mean():.4f}: "
        f"ratio {ratio(compared.cross, compared.entropy)}"
    )
    sizes = ratio(compared.size, compared.true_size)
    print(
        f"  sets of {compared.size.mean():.3f} groups, the smallest true {compared.true_size.mean():.3f}: "
        f"ratio {sizes}; by the truth they hold it with {compared.held.mean():.2%}"
    )
    average = compared.on_average
    level, most = forecaster.header.level, forecaster.most_in_set
    print(f"  (true sets that hold {level:.0%} on average only: {average:.3f} groups)")
    told = (compared.size <= most) & (compared.true_size <= most)
    print(f"  where both have {most} at most: ratio {ratio(compared.size[told], compared.true_size[told])}")
    print(
        f"  not told, being wider than {most}: {np.mean(compared.size > most):.2%}; "
        f"of the true ones {np.mean(compared.true_size > most):.2%}"
    )
    print(
        f"  first candidate right: {compared.right.mean():.2%}; of the truth {compared.true_right.mean():.2%}"
    )


def tell_cells(what: str, cells: list[Cell], level: float) -> None:
    """Say whether all cells hold the level, and name the worst."""
    cells = sorted(cells, key=lambda cell: cell.spare(level))
    short = [cell for cell in cells if cell.spare(level) < 0]
    verdict = "all hold" if not short else f"{len(short)} do not hold"
    worst = ", ".join(
        f"{cell.name} {cell.covered:.2%} of {cell.days:,} ({cell.stays:,} stays, {cell.spare(level):+.2%})"
        for cell in cells[:WORST]
    )
    print(f"  by {what}: {len(cells)} cells, {verdict}; nearest to the bound: {worst}")


def tell_widths(measured: Measured, tested: Tested) -> None:
    """Say how much wider intervals are than the true ones."""
    chosen, laws = tested.chosen[:: max(1, len(tested.chosen) // INTERVALS)], tested.laws
    laws = laws[:: max(1, len(laws) // INTERVALS)]
    found = widths(measured.ends[chosen], laws)
    cost, days = ratio(found.cost, found.true_cost), ratio(found.days, found.true_days)
    print(
        f"intervals beside the truth, on {len(laws):,} stay-days: ln of upper by lower end of the final cost "
        f"{found.cost.mean():.3f}, true {found.true_cost.mean():.3f}, ratio {cost}; "
        f"days of stay {found.days.mean():.2f}, true {found.true_days.mean():.2f}, ratio {days}",
        flush=True,
    )


if __name__ == "__main__":
    main()
