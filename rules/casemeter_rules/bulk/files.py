"""The files that tables of pairs are in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from casemeter_rules.kind import Kind
from casemeter_rules.kinds import kinds

_ENDINGS: Final = ("csv", "parquet")


def parts_of(folder: Path, name: str) -> list[Path]:
    """Return the files of a table, sorted: ``name.csv``, ``name.parquet``, and those of a folder ``name``."""
    own = [folder / f"{name}.{ending}" for ending in _ENDINGS]
    inner = [path for ending in _ENDINGS for path in (folder / name).glob(f"*.{ending}")]
    return sorted(path for path in [*own, *inner] if path.is_file())


def tables_of(folder: Path) -> Mapping[Kind, list[Path]]:
    """Return the tables of pairs that a pack has, and their files."""
    found = {kind: parts_of(folder, kind.name) for kind in kinds().values() if kind.pairs}
    return {kind: parts for kind, parts in found.items() if parts}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
