"""Why a stay ended in another group: planted mismatches of each cause, and how many are put down to it.

Most are held against each other directly; a share is lived as stays of a store, with events that arrive, a
forecast that is kept, and final groups that are told by events and by a file. All of it is made up 虚构.

Run: python benchmarks/reconcile.py [--count 500] [--stored 60] [--packs chs_drg_11,demo_dip]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.decompiler import scheme_of
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.reconcile.attribute import attribute
from casemeter_grouper.reconcile.causes import Cause
from casemeter_grouper.reconcile.versions import CatalogueVersion, SchemeVersion, Version, Versions
from casemeter_server.store.store import Store
from common import machine
from draws import draw_cases
from mismatch_stays import as_stay, asker_of, hold, keep, tell_bureau, tell_coder
from mismatches import DIP_CAUSES, DRG_CAUSES, Mismatch, Planter, catalogue_cases, edited_pack

_AT_ONCE = 5_000


def cases_of(version: Version, seed: int) -> Iterator[Case]:
    """Draw cases of a pack, without end."""
    if isinstance(version, CatalogueVersion):
        yield from catalogue_cases(version, seed)
    assert isinstance(version, SchemeVersion)
    scheme = scheme_of(version.scheme)
    for more in count():
        yield from draw_cases(scheme, _AT_ONCE, seed + more)


def found_directly(mismatch: Mismatch) -> str:
    """What a mismatch is put down to."""
    before, after = mismatch.groups
    return named(attribute(mismatch.before, before, mismatch.after, after, mismatch.late).causes)


def named(causes: Sequence[Cause]) -> str:
    """Causes as one word."""
    return " + ".join(causes)


def stays(planter: Planter, cause: Cause, cases: Iterator[Case], wanted: int) -> list[Mismatch]:
    """Plant mismatches that survive as stays: the facts of a stay move them nowhere else."""
    found: list[Mismatch] = []
    while len(found) < wanted:
        planted = planter.plant(cause, cases)
        lived = as_stay(planted)
        if lived.groups == planted.groups:
            found.append(lived)
    return found


def found_in_store(
    folder: Path, bundle: Path, versions: Versions, mismatches: Sequence[Mismatch]
) -> list[str]:
    """What each of some stays is put down to by the report's own way."""
    store = Store.open(f"sqlite:///{folder / 'casemeter.db'}")
    try:
        asker = asker_of(bundle)
        numbered = {f"made-up-{at:05}": mismatch for at, mismatch in enumerate(mismatches)}
        by_file = {}
        for at, (number, mismatch) in enumerate(numbered.items()):
            keep(store, asker, number, mismatch)
            if at % 3 == 2:
                by_file[number] = mismatch
            else:
                # The codes of a stay are those that it has in the end, told or not.
                tell_coder(store, number, mismatch, codes=at % 3 == 0)
        tell_bureau(store, folder, by_file)
        held = hold(store, versions)
    finally:
        store.close()
    assert [stay.encounter for stay in held] == list(numbered)
    return [named(day.why.causes) for stay in held for day in stay.days]


def show(name: str, cause: Cause, found: Sequence[str]) -> None:
    """Print how many were put down to their cause, and to what else."""
    counts = Counter(found)
    right = counts.pop(cause, 0)
    others = ", ".join(f"{other or 'no difference'} {number}" for other, number in counts.most_common())
    print(f"{name:<24}{cause:<14}{len(found):>7,}{right:>7,}{right / len(found):>8.1%}  {others}", flush=True)


def main() -> None:
    """Plant, hold, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=500, help="mismatches of each cause")
    parser.add_argument("--stored", type=int, default=60, help="of these, lived as stays of a store")
    parser.add_argument("--packs", default="chs_drg_11,demo_dip", help="shipped packs or folders")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(machine())
    print(f"\n{'pack':<24}{'planted':<14}{'count':>7}{'right':>7}{'':>8}  put down to others")
    for pack in options.packs.split(","):
        with tempfile.TemporaryDirectory() as name:
            data = Path(name)
            folder = find_pack(pack)
            bundles = [build_cached(one, data) for one in (folder, edited_pack(folder, data / "edited"))]
            versions = Versions.open(bundles)
            version, edited = versions
            is_scheme = isinstance(version, SchemeVersion)
            for cause in DRG_CAUSES if is_scheme else DIP_CAUSES:
                planter, cases = Planter(version, edited, options.seed), cases_of(version, options.seed)
                direct = [planter.plant(cause, cases) for _ in range(options.count - options.stored)]
                show(folder.name, cause, [found_directly(mismatch) for mismatch in direct])
                if options.stored:
                    place = data / cause
                    place.mkdir()
                    lived = stays(planter, cause, cases, options.stored)
                    found = found_in_store(place, bundles[0], versions, lived)
                    show(f"{folder.name}, stored", cause, found)


if __name__ == "__main__":
    main()
