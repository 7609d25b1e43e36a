"""Made-up histories: how fast and in how much memory, and how much a day of a stay tells of its end.

    python benchmarks/history.py [--cases 1000000] [--known 50000] [--pack chs_drg_11]

A history is written to a temporary folder. Then stays are drawn by each recipe, and what is known of them on
a day (planned procedures counted as done) is grouped and held against the group of the coded page.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.history.build import Pack, build_world
from casemeter_grouper.history.caseload import read_caseload
from casemeter_grouper.history.draw import NOBODY, Stays, draw, odds_of
from casemeter_grouper.history.pages import Coded, coded
from casemeter_grouper.history.recipe import SHIPPED, read_recipe
from casemeter_grouper.history.world import World
from casemeter_grouper.history.write import Order, generate
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.pack.sources import open_compiled
from common import machine

DAYS = (1, 2, 3, 5, 8, 12)
SEED = 1


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--known", type=int, default=50_000)
    parser.add_argument("--pack", default="chs_drg_11")
    wanted = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pack = open_compiled(build_cached(find_pack(wanted.pack), folder))
        write(pack, wanted.cases, folder / "history")
    for recipe in SHIPPED:
        world = build_world(pack, read_recipe(recipe), read_caseload())
        tell(pack, world, recipe, draw(odds_of(world), wanted.known, np.random.SeedSequence(SEED)))


def write(pack: Pack, cases: int, folder: Path) -> None:
    """Write a history; say how long it took and how much memory and disk it needed."""
    start = time.perf_counter()
    generate(Order(pack, read_recipe("first"), read_caseload(), cases, SEED), folder)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    size = sum(path.stat().st_size for path in folder.iterdir()) / 2**30
    print(
        f"{cases:,} stays in {seconds:.0f} s, {cases / seconds:,.0f} a second, with the building of the world"
    )
    print(f"at most {peak:.2f} GiB of memory, {size:.2f} GiB of files")


def tell(pack: Pack, world: World, recipe: str, stays: Stays) -> None:
    """Say how many stays stand on each day in the group they end in."""
    whole = range(len(stays.days))
    final = ends(pack, pages(world, stays, coded(world, stays)), stays.cost_fen)
    print(f"{pack.header.id}, {recipe} recipe: {np.mean(final == 0):.1%} of the stays end in no group")
    for day in (*DAYS, int(stays.days.max())):
        of = np.array([stay for stay in whole if stays.days[stay] >= day or day > DAYS[-1]])
        cases = [known(world, stays, stay, min(day, int(stays.days[stay]))) for stay in of]
        same = np.mean(ends(pack, cases, stays.cost_fen[of]) == final[of])
        name = f"day {day}" if day in DAYS else "last day"
        print(f"{name}: {same:.1%} of {len(of):,} stays stand in the group they end in")


def ends(pack: Pack, cases: Sequence[Case], costs: NDArray[np.int64]) -> NDArray[np.int32]:
    """Group cases; 0 is no group. A catalogue may ask for their final cost."""
    if isinstance(pack, CompiledScheme):
        return Grouper(pack).run(pack.encode(cases))[0]
    return CatalogueGrouper(pack).run(pack.encode(cases, costs.tolist()))[0]


def pages(world: World, stays: Stays, written: Coded) -> list[Case]:
    """The cases that the coded pages make."""
    found = []
    for stay in range(len(stays.days)):
        others = written.others[stay][written.others[stay] >= 0]
        procedures = written.procedures[stay][written.procedures[stay] >= 0]
        found.append(case(world, stays, stay, [written.principal[stay], *others], procedures.tolist()))
    return found


def known(world: World, stays: Stays, stay: int, day: int) -> Case:
    """The case that is known at the end of a day."""
    right = stays.impression[stay] == NOBODY or stays.corrected_day[stay] <= day
    of = slice(stays.comorbid_at[stay], stays.comorbid_at[stay + 1])
    others = world.comorbid[stays.comorbid[of][stays.comorbid_day[of] <= day]]
    principal = stays.variant[stay] if right else stays.impression[stay]
    ordered = 0 < stays.ordered_day[stay] <= day
    plan = stays.plan[stay]
    procedures = world.procedure[world.procedure_at[plan] : world.procedure_at[plan + 1]]
    return case(world, stays, stay, [principal, *others], procedures.tolist() if ordered else [])


def case(
    world: World,
    stays: Stays,
    stay: int,
    diagnoses: Sequence[int],
    procedures: Sequence[int] | NDArray[np.int32],
) -> Case:
    """A case of these codes."""
    years = int(stays.age_years[stay])
    return Case(
        tuple(world.diagnoses[code] for code in diagnoses),
        tuple(world.procedures[code] for code in procedures),
        "F" if stays.female[stay] else "M",
        age_years=years,
        age_days=years * 366 + int(stays.age_rest[stay]) if years else int(stays.age_rest[stay]),
    )


if __name__ == "__main__":
    main()
