"""Reading ``code_sets.csv`` of a rules pack: the sets that its conditions speak of."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final

from casemeter_grouper.codes import normalise
from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.tables import Columns, read_table
from casemeter_rules.codes import CodeSet, Key, Space, normalise_item
from casemeter_rules.kind import Sets

FILE: Final = "code_sets.csv"
_COLUMNS: Final = Columns(("set", "space", "code"), (), ("match", "basis"))
_SPACES: Final = {space.name.lower(): space for space in Space}


def read_sets(folder: Path, faults: list[Fault]) -> Sets:
    """Return the sets of a pack by name; a pack without the file has none.

    Columns: set, space (diagnosis, procedure or item), code, match (exact, the default, or prefix), basis.
    """
    if not (folder / FILE).is_file():
        return {}
    keys: dict[str, set[Key]] = defaultdict(set)
    for record in read_table(folder, FILE, _COLUMNS, faults):
        space = _SPACES.get(record["space"])
        if space is None:
            details = {"value": record["space"], "known": ", ".join(_SPACES)}
            faults.append(Fault("not_a_choice", FILE, record.line, "space", details))
            continue
        if record["match"] not in ("", "exact", "prefix"):
            details = {"value": record["match"], "known": "exact, prefix"}
            faults.append(Fault("not_a_choice", FILE, record.line, "match", details))
            continue
        code = normalise_item(record["code"]) if space == Space.ITEM else normalise(record["code"])
        if not code:
            faults.append(Fault("empty_code", FILE, record.line, "code", {"column": "code"}))
            continue
        keys[record["set"]].add(Key(space, code, record["match"] == "prefix"))
    return {name: CodeSet(frozenset(members)) for name, members in sorted(keys.items())}
