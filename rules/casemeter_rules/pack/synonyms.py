"""Reading ``synonyms.csv`` of a rules pack: what a hospital's physicians type for standard words."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.tables import Columns, read_table
from casemeter_rules.terms.model import Space, Synonym

FILE: Final = "synonyms.csv"
_COLUMNS: Final = Columns(("word", "standard"), (), ("space", "basis"))
_SPACES: Final[dict[str, Space | None]] = {"": None, "diagnosis": "diagnosis", "procedure": "procedure"}


def read_synonyms(folder: Path, faults: list[Fault]) -> tuple[Synonym, ...]:
    """Return the synonyms of a pack; a pack without the file has none.

    Columns: word, standard (words of the dictionary, or a code), space (diagnosis, procedure; empty: both)
    and basis.
    """
    if not (folder / FILE).is_file():
        return ()
    found: list[Synonym] = []
    for record in read_table(folder, FILE, _COLUMNS, faults):
        if record["space"] not in _SPACES:
            details = {"value": record["space"], "known": "diagnosis, procedure"}
            faults.append(Fault("not_a_choice", FILE, record.line, "space", details))
            continue
        found.append(Synonym(record["word"], record["standard"], _SPACES[record["space"]]))
    return tuple(found)
