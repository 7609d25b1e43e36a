"""A pack's tables of pairs, from their files into the arrays of its bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from casemeter_grouper.compiled.bundle import Arrays
from casemeter_grouper.pack.faults import Fault, PackError
from casemeter_rules.bulk.arrays import with_pairs
from casemeter_rules.bulk.files import sha256_of, tables_of
from casemeter_rules.bulk.read import Pairs


def with_tables(folder: Path, arrays: Arrays) -> tuple[Arrays, Mapping[str, str]]:
    """Return the arrays of a pack with those of its tables of pairs, and the SHA-256 of each of their files.

    Args:
        folder: of the pack.
        arrays: of its other rules.

    Raises:
        PackError: a table has errors; the exception holds those of all of them.
    """
    faults: list[Fault] = []
    sources: dict[str, str] = {}
    for kind, parts in tables_of(folder).items():
        with Pairs(kind) as pairs:
            pairs.read(folder)
            faults += pairs.bad.all(kind.name)
            if not faults:
                arrays = with_pairs(arrays, pairs)
        sources |= {path.relative_to(folder).as_posix(): sha256_of(path) for path in parts}
    if faults:
        raise PackError(faults)
    return arrays, sources


def faults_of(folder: Path) -> list[Fault]:
    """Return every fault of the tables of pairs of a pack."""
    faults: list[Fault] = []
    for kind in tables_of(folder):
        with Pairs(kind) as pairs:
            pairs.read(folder)
            faults += pairs.bad.all(kind.name)
    return faults
