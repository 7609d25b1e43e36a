"""Reading the dictionaries a pack is read against: its own where it carries them, else the shipped ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from casemeter_grouper.codes import normalise
from casemeter_grouper.dictionary import Dictionary
from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.tables import Columns, read_table

SHIPPED = Path(__file__).parent.parent / "packs" / "dictionary"
"""The national dictionaries that come with the product."""

_NAMES = Columns(("code",), ("name",))
_MAP = Columns(("hospital_code", "grouper_code"))
_FILES = {
    "diagnoses": ("diagnoses.csv", _NAMES),
    "procedures": ("procedures.csv", _NAMES),
    "diagnosis_map": ("diagnosis_map.csv", _MAP),
    "procedure_map": ("procedure_map.csv", _MAP),
}


def dictionary_files(folder: Path) -> list[Path]:
    """Return the four files that a pack is read against, its own or the shipped ones."""
    return [folder / file if (folder / file).is_file() else SHIPPED / file for file, _ in _FILES.values()]


def read_dictionary(folder: Path, faults: list[Fault]) -> Dictionary:
    """Return the dictionaries for a pack; each of the four files falls back to the shipped one."""
    own = {part: file for part, (file, _) in _FILES.items() if (folder / file).is_file()}
    if not own:
        return shipped_dictionary()
    shipped = shipped_dictionary()
    return Dictionary(
        **{part: _read(folder, part, faults) if part in own else getattr(shipped, part) for part in _FILES}
    )


@cache
def shipped_dictionary() -> Dictionary:
    """Return the national dictionaries (ICD-10 and ICD-9-CM-3 of the insurance edition 2.0, and the maps)."""
    faults: list[Fault] = []
    dictionary = Dictionary(**{part: _read(SHIPPED, part, faults) for part in _FILES})
    assert not faults, faults
    return dictionary


def _read(folder: Path, part: str, faults: list[Fault]) -> dict[str, str]:
    file, columns = _FILES[part]
    key, value = columns.filled + columns.present
    table: dict[str, str] = {}
    lines: dict[str, int] = {}
    for record in read_table(folder, file, columns, faults):
        code = normalise(record[key])
        said = record[value] if columns is _NAMES else normalise(record[value])
        if not code or (columns is _MAP and not said):
            column = value if code else key
            faults.append(Fault("empty_cell", file, record.line, column, {"column": column}))
            continue
        first = lines.setdefault(code, record.line)
        if table.setdefault(code, said) != said and columns is _MAP:
            details = {"code": code, "first": first, "said": table[code]}
            faults.append(Fault("two_meanings", file, record.line, key, details))
        elif first != record.line:
            faults.append(Fault("repeated_row", file, record.line, details={"first": first}))
    return table
