"""Damage messages and send them to every route of the doors: an answer or an error of the door, no more.

Run: python benchmarks/fuzz_doors.py [--seconds 60] [--seed 1] [--trial N]. Exit status 1 when a reply was a
bug or in no form of its door, when it took too long, or when something of a refused message was stored; each
is printed with what is needed to repeat it.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

import casemeter_rules
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.snapshot import Snapshot
from common import Tally, machine
from doors_fuzzing import Broken, Sent, damaged, samples
from doors_trial import Trial, trial_of

RULES = ("orders", "coding_quality")


def opened_snapshot(folder: Path) -> Snapshot:
    """Return the shipped packs, built into a folder."""
    rules = Path(casemeter_rules.__file__).parent / "packs"
    packs = [find_pack("chs_drg_11"), *(rules / name for name in RULES)]
    return Snapshot.open([build_cached(pack, folder) for pack in packs])


def damage_of(number: int, seed: int) -> Sent:
    """Return the message of a trial; the trials of a seed are always the same."""
    chance = random.Random(f"{seed} {number}")
    return damaged(chance.choice(tuple(samples())), chance)


def fuzz(trial: Trial, seconds: float, seed: int, tally: Tally) -> int:
    """Send damaged messages for some time; return how many."""
    sound = tuple(samples())
    ends = time.perf_counter() + seconds
    for number in itertools.count():
        if time.perf_counter() > ends:
            return number
        chance = random.Random(f"{seed} {number}")
        sent = damaged(chance.choice(sound), chance)
        place = f"--seed {seed} --trial {number}: {sent.method} {sent.path}, {'; '.join(sent.how)}"
        try:
            tally.outcomes[f"{sent.door:<13} {trial.run(sent)}"] += 1
        except Broken as broken:
            tally.fail("BROKEN", f"{place}: {broken}")
        except Exception:
            # Whatever it is, it is what is looked for.
            tally.fail("CRASHED", f"{place}\n{traceback.format_exc()}")
    raise AssertionError("there is no last number")


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60, help="how long")
    parser.add_argument("--seed", type=int, default=1, help="the trials of a seed are always the same")
    parser.add_argument("--trial", type=int, help="only this one; prints message and reply")
    options = parser.parse_args()
    print(machine())
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with trial_of(opened_snapshot(path), path) as trial:
            if options.trial is not None:
                sent = damage_of(options.trial, options.seed)
                reply = trial.send(sent)
                print(sent, reply.status_code, reply.text, sep="\n")
                return 0
            number = fuzz(trial, options.seconds, options.seed, tally)
    for line in tally.lines():
        print(line)
    print(f"{number:,} damaged messages in {options.seconds:.0f} s, seed {options.seed}")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
