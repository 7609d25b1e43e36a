"""Everything that can be found in a rules pack, at once."""

from __future__ import annotations

from pathlib import Path

from casemeter_grouper.pack.faults import ERROR, Fault, PackError
from casemeter_rules.pack.load import load_rules


def check_rules(folder: Path) -> list[Fault]:
    """Return every fault of a rules pack, errors first, then by file and row."""
    try:
        faults = list(load_rules(folder).faults)
    except PackError as error:
        faults = list(error.faults)
    return sorted(faults, key=lambda fault: (fault.severity != ERROR, fault.file, fault.row, fault.column))
