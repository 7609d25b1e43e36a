"""Checking a pack: everything that can be found in it, at once."""

from __future__ import annotations

from pathlib import Path

from casemeter_grouper.pack.faults import ERROR, Fault, PackError
from casemeter_grouper.pack.load import load
from casemeter_grouper.pack.reach import unreachable


def check_pack(folder: Path) -> list[Fault]:
    """Return every fault of a pack, errors first, then by file and row.

    What can be reached is asked only of a pack without errors: until then its meaning is open.
    """
    try:
        pack = load(folder)
    except PackError as error:
        faults = list(error.faults)
    else:
        faults = [*pack.faults, *unreachable(pack)]
    return sorted(faults, key=lambda fault: (fault.severity != ERROR, fault.file, fault.row, fault.column))
