"""Damage bundles and open them: an error that says why, or the answers of the undamaged bundle.

Run: python benchmarks/fuzz_bundles.py [--number 10000] [--seed 1]. Exit status 1 when a trial crashed, hung
or answered otherwise; each is printed with what is needed to repeat it.

A manifest that somebody changes and seals again is not tried: hashes guard against accidents, not forgers.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fuzz_sample
from casemeter_grouper.case import Case
from casemeter_grouper.compiled.bundle import BundleError
from casemeter_grouper.compiled.decompiler import scheme_of
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.pack.build import build
from common import Tally, TooSlow, machine, time_limit
from fuzz_cases import Ends, by_kernel, by_walker, draw_cases

SHARES = {"tiny": 0.5, "slice": 0.4, "whole": 0.1}
"""How many of the trials go to the bundle of each pack."""

_CASES = 200
LIMIT = 10.0
"""Seconds that one trial may take."""


Mutation = Callable[[bytes, random.Random], bytes]


def fuzz(name: str, number: int, seed: int, tally: Tally) -> None:
    """Damage the bundle of one pack many times.

    Args:
        name: one of :data:`fuzz_sample.NAMES`.
        number: trials.
        seed: the trials of a seed are always the same.
        tally: where the outcomes go.
    """
    with tempfile.TemporaryDirectory() as folder:
        whole = build(fuzz_sample.pack(name, Path(folder) / "pack"), Path(folder) / "whole.bundle").target
        compiled = CompiledScheme.open(whole)
        cases = draw_cases(scheme_of(compiled), _CASES, random.Random(f"{name} {seed}"))
        right = by_kernel(compiled, cases)
        if right != by_walker(compiled.tree, compiled, cases):
            raise RuntimeError(f"kernel and walker do not agree on the undamaged bundle '{name}'")
        data = whole.read_bytes()
        for trial in range(number):
            chance = random.Random(f"{name} {seed} {trial}")
            mutation = chance.choice(MUTATIONS)
            place = f"{name}, seed {seed}, trial {trial}: {mutation.__name__.strip('_')}"
            path = Path(folder) / f"{trial}.bundle"  # never rewritten in place: it may still be mapped
            path.write_bytes(mutation(data, chance))
            try:
                with time_limit(LIMIT):
                    outcome = _outcome(path, cases, right)
            except TooSlow:
                tally.fail("HUNG", place)
            except Exception:
                tally.fail("CRASHED", f"{place}\n{traceback.format_exc()}")
            else:
                if outcome == "WRONG":
                    tally.fail(f"{name}: {outcome}", place)
                else:
                    tally.outcomes[f"{name}: {outcome}"] += 1
            path.unlink()


def _outcome(path: Path, cases: Sequence[Case], right: Ends) -> str:
    try:
        compiled = CompiledScheme.open(path)
    except BundleError as error:
        return f"error, {error.reason}"
    same = by_kernel(compiled, cases) == right and by_walker(compiled.tree, compiled, cases) == right
    return "the right answers" if same else "WRONG"


def _flip_bit(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _flip_bit_of_header(data: bytes, chance: random.Random) -> bytes:
    end = 8 + int.from_bytes(data[:8], "little")
    return _flip_bit(data[:end], chance) + data[end:]


def _flip_bit_of_size(data: bytes, chance: random.Random) -> bytes:
    return _flip_bit(data[:8], chance) + data[8:]


def _random_bytes(data: bytes, chance: random.Random) -> bytes:
    at, size = chance.randrange(len(data)), chance.randint(1, 64)
    return data[:at] + chance.randbytes(size) + data[at + size :]


def _insert(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + chance.randbytes(chance.choice((1, 1, 8, 100))) + data[at:]


def _append(data: bytes, chance: random.Random) -> bytes:
    return data + chance.randbytes(chance.choice((1, 8, 4096)))


def _remove(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + chance.choice((1, 1, 8, 100)) :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.choice((chance.randrange(len(data)), chance.randrange(16), len(data) - 1))]


def _blank(data: bytes, chance: random.Random) -> bytes:
    """A hole, as a disk that lost a block leaves it."""
    at, size = chance.randrange(len(data)), chance.choice((1, 16, 512, 4096))
    hole = data[at : at + size]
    return data[:at] + bytes(len(hole)) + data[at + size :]


def _exchange(data: bytes, chance: random.Random) -> bytes:
    size = chance.choice((1, 4, 64))
    one, two = sorted(chance.randrange(len(data) - size) for _ in range(2))
    if two - one < size:
        return data
    return b"".join(
        (
            data[:one],
            data[two : two + size],
            data[one + size : two],
            data[one : one + size],
            data[two + size :],
        )
    )


def _edit_header(data: bytes, chance: random.Random) -> bytes:
    """Change one field of the header of the file, and keep the header well formed."""
    end = 8 + int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8:end])
    name = chance.choice(sorted(header.keys() - {"__metadata__"}))
    odd: list[Any] = [-1, 0, 1, 7, 2**31, 2**63, 2**70, 1.5, "1", None, [], {}, True, "U8", "F64", "BF16"]
    match chance.randrange(8):
        case 0:
            header[name]["data_offsets"][chance.randrange(2)] = chance.choice(odd)
        case 1:
            header[name]["data_offsets"] = chance.choice(odd)
        case 2:
            header[name]["shape"] = chance.choice([*odd, [-1], [0], [2**40], [3, -1], ["x"], [1.5]])
        case 3:
            header[name]["dtype"] = chance.choice(odd)
        case 4:
            del header[name]
        case 5:
            header[chance.choice(("other", name + "x", ""))] = header[name]
        case 6:
            header[name] = chance.choice(odd)
        case _:
            header["__metadata__"] = chance.choice(
                [*odd, {"manifest": chance.choice(odd)}, {"manifest": "{}"}]
            )
    return _with_header(header, data[end:])


def _edit_manifest(data: bytes, chance: random.Random) -> bytes:
    """Change one field of the manifest, at any depth, and keep it well formed JSON."""
    end = 8 + int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8:end])
    manifest = json.loads(header["__metadata__"]["manifest"])
    holder: Any = manifest
    while True:
        keys = sorted(holder) if isinstance(holder, dict) else range(len(holder))
        if not keys:
            return data
        key = chance.choice(keys)
        if not isinstance(holder[key], dict | list) or chance.random() < 0.2:
            break
        holder = holder[key]
    holder[key] = chance.choice((None, -1, 0, 1, 2, "", "always", "x" * 100, [], {}, [1], 2**62, True))
    header["__metadata__"]["manifest"] = json.dumps(manifest, ensure_ascii=False)
    return _with_header(header, data[end:])


def _with_header(header: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(header, ensure_ascii=False).encode("utf-8")
    return len(text).to_bytes(8, "little") + text + body


MUTATIONS: tuple[Mutation, ...] = (
    *(
        _flip_bit,
        _flip_bit_of_header,
        _flip_bit_of_size,
        _random_bytes,
        _insert,
        _append,
        _remove,
        _cut,
        _blank,
    ),
    *(_exchange, _edit_header, _edit_header, _edit_manifest, _edit_manifest),
)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--number", type=int, default=10_000, help="trials in all")
    parser.add_argument("--seed", type=int, default=1, help="the trials of a seed are always the same")
    parser.add_argument("--pack", choices=fuzz_sample.NAMES, help="only the bundle of this pack")
    options = parser.parse_args()
    print(machine())
    tally, start = Tally(), time.perf_counter()
    for name, share in SHARES.items():
        if options.pack in (None, name):
            fuzz(name, options.number if options.pack else round(options.number * share), options.seed, tally)
    for line in tally.lines():
        print(line)
    seconds = time.perf_counter() - start
    print(f"{tally.outcomes.total():,} damaged bundles in {seconds:.0f} s, seed {options.seed}")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
