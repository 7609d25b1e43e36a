"""Everything that can be found in a rules pack, at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from casemeter_grouper.pack.dictionaries import read_dictionary
from casemeter_grouper.pack.faults import ERROR, Fault, PackError
from casemeter_rules.checking.lints import lints
from casemeter_rules.checking.tried import Tried
from casemeter_rules.checking.written import read_examples
from casemeter_rules.columns import EPOCH
from casemeter_rules.kind import Context
from casemeter_rules.kinds import kinds
from casemeter_rules.pack.load import load_rules

Progress = Callable[[int, int], None]
"""Is told how many rules have been tried, and of how many."""


def check_rules(folder: Path, progress: Progress | None = None, today: date | None = None) -> list[Fault]:
    """Return every fault of a rules pack, errors first, then by file and row.

    Examples are tried only of a pack without errors: until then its meaning is open.

    Args:
        folder: of the pack.
        progress: is told how far it has come, now and then.
        today: rows that hold no longer are named; ``None``: the day of the clock.
    """
    try:
        pack = load_rules(folder)
    except PackError as error:
        return _sorted(error.faults)
    faults = list(pack.faults)
    dictionary = read_dictionary(folder, [])
    day = ((today or date.today()) - EPOCH).days
    faults += lints(folder, pack.rules.values(), kinds(), pack.header, dictionary, day)
    written = list(read_examples(folder, pack.rules, faults))
    faults += Tried(pack.rules, kinds(), Context(dictionary, pack.sets), written).faults(progress)
    return _sorted(faults)


def _sorted(faults: list[Fault] | tuple[Fault, ...]) -> list[Fault]:
    return sorted(faults, key=lambda fault: (fault.severity != ERROR, fault.file, fault.row, fault.column))
