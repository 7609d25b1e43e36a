"""Reading the tables of a folder, in UTF-8 or in the national encoding that Excel writes."""

from __future__ import annotations

from pathlib import Path

from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.tables import Record, table_of
from casemeter_rules.importing.sources import Source, sources

_NOTES = (".md", ".txt")


def found_in(folder: Path, faults: list[Fault]) -> list[Source]:
    """Return the known tables of a folder, by name; note what else is there."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name in sources():
            found.append(sources()[path.name])
        elif not path.name.startswith(".") and path.suffix not in _NOTES:
            faults.append(Fault("unknown_file", path.name))
    return found


def read_source(folder: Path, source: Source, faults: list[Fault]) -> list[Record]:
    """Return the rows of a table; rows with a fault in their form are noted and left out."""
    try:
        data = (folder / source.file).read_bytes()
    except OSError as error:
        faults.append(Fault("unreadable_file", source.file, details={"reason": error.strerror or str(error)}))
        return []
    text = _decoded(data)
    if text is None:
        faults.append(Fault("not_utf8", source.file))
        return []
    return table_of(text, source.file, source.columns, faults)


def _decoded(data: bytes) -> str | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
