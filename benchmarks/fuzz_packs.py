"""Damage packs and read them: an error that says where, or a bundle in which kernel and walker agree.

Run: python benchmarks/fuzz_packs.py [--number 10000] [--seed 1]. Exit status 1 when a trial crashed, hung, or
gave an answer that kernel and walker do not agree on; each is printed with what is needed to repeat it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

import fuzz_sample
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.pack.build import build
from casemeter_grouper.pack.faults import ERROR, PackError
from casemeter_grouper.pack.fold import fold_pack
from casemeter_grouper.pack.load import load
from casemeter_grouper.pack.reach import unreachable
from common import Tally, TooSlow, machine, time_limit
from fuzz_cases import by_kernel, by_walker, draw_cases
from pack_mutations import Files, mutate

SHARES = {"tiny": 0.7, "slice": 0.296, "whole": 0.004}
"""How many of the trials go to each pack."""

LIMITS = {"tiny": 10.0, "slice": 20.0, "whole": 60.0}
"""Seconds that one trial may take."""

_CASES = 40
_REACH_EVERY = 10
_FOLD_EVERY = 20


def fuzz(name: str, number: int, seed: int, tally: Tally) -> None:
    """Damage one pack many times.

    Args:
        name: one of :data:`fuzz_sample.NAMES`.
        number: trials.
        seed: the trials of a seed are always the same.
        tally: where the outcomes go.
    """
    with tempfile.TemporaryDirectory() as folder:
        pack = fuzz_sample.pack(name, Path(folder) / "pack")
        whole = {path.name: path.read_bytes() for path in pack.iterdir()}
        for trial in range(number):
            chance = random.Random(f"{name} {seed} {trial}")
            files = dict(whole)
            how = mutate(files, chance)
            place = f"{name}, seed {seed}, trial {trial}: {how}"
            _write(pack, whole, files)
            try:
                with time_limit(LIMITS[name]):
                    tally.outcomes[f"{name}: {_outcome(pack, Path(folder), trial, chance)}"] += 1
            except TooSlow:
                tally.fail("HUNG", place)
            except Disagreement as error:
                tally.fail("DISAGREEMENT", f"{place}: {error}")
            except Exception:
                tally.fail("CRASHED", f"{place}\n{traceback.format_exc()}")
            _write(pack, files, whole)


class Disagreement(Exception):
    """Kernel and walker did not agree, or an error came without a fault."""


def _write(pack: Path, before: Files, after: Files) -> None:
    for file in before.keys() | after.keys():
        if before.get(file) != after.get(file):
            if file in after:
                (pack / file).write_bytes(after[file])
            else:
                (pack / file).unlink()


def _outcome(pack: Path, folder: Path, trial: int, chance: random.Random) -> str:
    try:
        loaded = load(pack)
    except PackError as error:
        lines = [fault.line(language) for fault in error.faults for language in ("en", "zh")]
        if not any(fault.severity == ERROR for fault in error.faults) or not all(lines):
            raise Disagreement("an error without a fault") from None
        return "error"
    compiled = CompiledScheme.open(build(pack, folder / f"{trial}.bundle").target)
    cases = draw_cases(loaded.scheme, _CASES, chance)
    ends = by_kernel(compiled, cases)
    for tree, codes in ((loaded.scheme.tree, loaded.scheme.tables), (compiled.tree, compiled)):
        for case, one, other in zip(cases, ends, by_walker(tree, codes, cases), strict=True):
            if one != other:
                raise Disagreement(f"kernel {one}, walker {other} for {case}")
    if trial % _REACH_EVERY == 0:
        for fault in unreachable(loaded):
            fault.line("en")
    if trial % _FOLD_EVERY == 0:
        fold_pack(pack, folder / f"folded-{trial}")
    compiled.path.unlink()
    return "answer"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--number", type=int, default=10_000, help="trials in all")
    parser.add_argument("--seed", type=int, default=1, help="the trials of a seed are always the same")
    parser.add_argument("--pack", choices=fuzz_sample.NAMES, help="only this pack")
    options = parser.parse_args()
    print(machine())
    tally, start = Tally(), time.perf_counter()
    for name, share in SHARES.items():
        if options.pack in (None, name):
            fuzz(name, options.number if options.pack else round(options.number * share), options.seed, tally)
    for line in tally.lines():
        print(line)
    seconds = time.perf_counter() - start
    print(f"{tally.outcomes.total():,} damaged packs in {seconds:.0f} s, seed {options.seed}")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
