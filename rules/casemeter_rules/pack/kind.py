"""Rules packs as a kind of pack; whoever builds, checks and caches packs finds it by its entry point."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

from casemeter_grouper.pack.dictionaries import dictionary_files
from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.kinds import Compiled, Kind
from casemeter_rules.pack.header import FILE
from casemeter_rules.pack.header import KIND as NAME

_PACKAGE: Final = Path(str(resources.files("casemeter_rules")))


# Whoever asks for the kinds of packs need not load the kernel.
def _compile(folder: Path) -> Compiled:
    from casemeter_rules.compiled.book import compile_rules

    return Compiled(*compile_rules(folder))


def _check(folder: Path) -> list[Fault]:
    from casemeter_rules.bulk.files import tables_of
    from casemeter_rules.checking import check_rules

    faults = check_rules(folder)
    if tables_of(folder):
        from casemeter_rules.bulk.table import faults_of

        faults = [*faults_of(folder), *faults]
    return faults


def _beside(folder: Path) -> list[Path]:
    """The dictionaries, tables of pairs, and the kinds of rules: what a row means may have changed."""
    from casemeter_rules.bulk.files import tables_of

    shared = ("common.py", "earlier.py", "returns.py", "relations.py", "official_types.csv")
    meaning = [*_PACKAGE.glob("kinds/*.py"), *(_PACKAGE / name for name in shared)]
    tables = [path for parts in tables_of(folder).values() for path in parts]
    return [*dictionary_files(folder), *sorted([*meaning, *_PACKAGE.glob("bulk/*.py")]), *tables]


KIND: Final = Kind(NAME, FILE, _compile, _check, _beside, _PACKAGE / "packs")
