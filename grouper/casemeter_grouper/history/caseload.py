"""Reading a caseload: the stays of each group of a city, what they cost and how long they last.

``caseload.csv`` has the volumes, mean costs, CVs and mean days that a city published with its DIP catalogue
(Pingdingshan, DIP 2.0 of 2025): facts of groups of 13 and more cases, and of no patient.
"""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

from casemeter_grouper.codes import normalise
from casemeter_grouper.history.recipe import RecipeError

COLUMNS: Final = ("group_code", "kind", "cases", "mean_cost_yuan", "cv", "mean_los_days")
_SHIPPED = "caseload.csv"
_CORE = re.compile(r"([A-Z]\d[0-9A-Z]\.[0-9xX])(?::([^:]+))?\Z", re.ASCII)
_COMPOSITE = re.compile(r"([A-Z]\d[0-9A-Z]):([A-Z]+)\Z", re.ASCII)
_LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "cases": (1, 1e12),
    "mean_cost_yuan": (1, 1e7),
    "cv": (0, 10),
    "mean_los_days": (1, 365),
}


class Volume(NamedTuple):
    """One group of a caseload.

    Attributes:
        principal: first characters of the principal diagnosis: five for a core group, else three.
        procedures: of a core group, the main one first.
        kind: kind of procedures of a composite group; empty for a core group.
        cases: how many stays.
        mean_cost_yuan, cv, mean_los_days: of these stays.
    """

    principal: str
    procedures: tuple[str, ...]
    kind: str
    cases: float
    mean_cost_yuan: float
    cv: float
    mean_los_days: float


class Caseload(NamedTuple):
    """The groups of a caseload, and the hash of their file."""

    volumes: tuple[Volume, ...]
    sha256: str


def read_caseload(file: Path | None = None) -> Caseload:
    """Read a caseload; without a file the one that comes with the product.

    Raises:
        RecipeError: it cannot be used; every fault is named with its line.
        OSError: the file cannot be read.
    """
    path = file or resources.files(__package__).joinpath(_SHIPPED)
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeError([f"{path}: not UTF-8: {error}"]) from None
    rows = csv.DictReader(text.splitlines())
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise RecipeError([f"{path}: column '{name}' is missing" for name in missing])
    faults: list[str] = []
    volumes: dict[str, Volume] = {}
    for line, row in enumerate(rows, 2):
        code = row["group_code"] or ""
        found = list(_faults(row))
        if code in volumes:
            found.append(f"group '{code}' stands there twice")
        faults += [f"{path}: line {line}: {fault}" for fault in found]
        if not found:
            volumes[code] = _volume(row)
    if not volumes and not faults:
        faults.append(f"{path}: there is no group")
    if faults:
        raise RecipeError(faults)
    return Caseload(tuple(volumes.values()), hashlib.sha256(content).hexdigest())


def _faults(row: Mapping[str, str | None]) -> Iterator[str]:
    code, kind = row["group_code"] or "", row["kind"]
    if kind not in ("core", "composite"):
        yield f"kind '{kind}' is neither core nor composite"
    elif not (_CORE if kind == "core" else _COMPOSITE).match(code):
        shape = "I63.9, or I20.0:36.0700_88.5500+00.6600" if kind == "core" else "I63:SS"
        yield f"group_code '{code}' is not written as {shape}"
    for name, (low, high) in _LIMITS.items():
        try:
            number = float(row[name] or "")
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            yield f"{name} '{row[name]}' is not a number from {low:g} to {high:g}"


def _volume(row: Mapping[str, str]) -> Volume:
    numbers = [float(row[name]) for name in _LIMITS]
    composite = _COMPOSITE.match(row["group_code"])
    if composite:
        return Volume(composite[1], (), composite[2], *numbers)
    core = _CORE.match(row["group_code"])
    assert core is not None  # _faults has seen to it
    procedures = tuple(normalise(code) for code in re.split("[_+]", core[2] or "") if code)
    return Volume(normalise(core[1]), procedures, "", *numbers)
