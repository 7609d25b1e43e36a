"""A caseload of a few dozen groups and its worlds: enough of everything, and quick."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from pathlib import Path

from casemeter_grouper.history.build import Pack, build_world
from casemeter_grouper.history.caseload import Caseload, read_caseload
from casemeter_grouper.history.recipe import read_recipe
from casemeter_grouper.history.world import World
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.pack.sources import open_compiled

GROUPS = Path(__file__).parent / "data" / "history_groups.txt"


def caseload_file(folder: Path) -> Path:
    """Write the rows of the shipped caseload that GROUPS names."""
    wanted = set(GROUPS.read_text("utf-8").split())
    text = resources.files("casemeter_grouper.history").joinpath("caseload.csv").read_text("utf-8")
    rows = list(csv.reader(text.splitlines()))
    kept = [row for row in rows[1:] if row[0] in wanted]
    assert len(kept) == len(wanted)
    path = folder / "caseload.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([rows[0], *kept])
    return path


@cache
def small_caseload(folder: Path) -> Caseload:
    """The same, read."""
    folder.mkdir(parents=True, exist_ok=True)
    return read_caseload(caseload_file(folder))


@cache
def pack(name: str, bundles: Path) -> Pack:
    """Open a shipped pack."""
    return open_compiled(build_cached(find_pack(name), bundles))


@cache
def small_world(name: str, recipe: str, bundles: Path, folder: Path) -> World:
    """Build the world of a shipped pack and the small caseload."""
    return build_world(pack(name, bundles), read_recipe(recipe), small_caseload(folder))
