"""A forecast as it is fitted: who it is, what it rests on, its lists of codes and its arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from casemeter_grouper.compiled import bundle
from casemeter_grouper.compiled.bundle import Arrays, BundleFile

KIND: Final = "forecast"

SUBCATEGORY, CATEGORY = 5, 3
"""Characters of a principal diagnosis that make its subcategory, and its category."""


@dataclass(frozen=True, slots=True)
class Header:
    """Who a forecast is.

    Attributes:
        id: short name.
        title: name for a reader.
        version: may be empty.
        valid_from: first day it holds (``YYYY-MM-DD``), or empty: since ever.
        valid_until: last day, or empty: until further notice.
        scheme: id of the pack whose groups it foretells.
        scheme_sha256: content hash of that pack's bundle.
        level: how often its sets and intervals hold the truth, 0 to 1.
        demonstration: learned from made-up stays.
    """

    id: str
    title: str
    version: str
    valid_from: str
    valid_until: str
    scheme: str
    scheme_sha256: str
    level: float
    demonstration: bool


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes that a forecast knows, each numbered from 1 by its place.

    Attributes:
        principals: principal diagnoses that stays had.
        subcategories: their first five characters.
        categories: their first three characters.
        groups: every group of the pack, sorted.
        families: ADRGs; in a catalogue, the groups.
        chapters: MDCs; empty for a catalogue.
        departments: those that stays had.
        group_family: number of the family of each group.
        group_chapter: number of its MDC; 0: none.
    """

    principals: Sequence[str]
    subcategories: Sequence[str]
    categories: Sequence[str]
    groups: Sequence[str]
    families: Sequence[str]
    chapters: Sequence[str]
    departments: Sequence[str]
    group_family: Sequence[int]
    group_chapter: Sequence[int]


@dataclass(frozen=True, slots=True)
class Steps:
    """Where steps begin, each from its first number to that before the next.

    Attributes:
        day_from: first day of each bucket of days.
        age_from: first year of each age band.
        margin_from: first day of each step that intervals are calibrated by.
    """

    day_from: Sequence[int]
    age_from: Sequence[int]
    margin_from: Sequence[int]


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted forecast.

    Attributes:
        most_in_set: the most groups of a set that is useful; wider ones are not told.
        steps: of days and ages.
        usual_state: state of procedures that most days in each family have, from family 0.
        facts: what it rests on, as JSON values.
        arrays: those that the kernel reads.
    """

    header: Header
    codes: Codes
    most_in_set: int
    steps: Steps
    usual_state: Sequence[int]
    facts: Mapping[str, Any]
    arrays: Arrays

    @classmethod
    def of(cls, file: BundleFile) -> Model:
        """Return the model of an opened bundle."""
        manifest = file.manifest
        return cls(
            Header(**manifest["header"]),
            Codes(**manifest["codes"]),
            manifest["most_in_set"],
            Steps(**manifest["steps"]),
            manifest["usual_state"],
            manifest["facts"],
            file.arrays,
        )

    def write(self, path: Path) -> str:
        """Write the bundle, whole or not at all, and return its content hash; equal fits give equal files."""
        manifest = {
            "kind": KIND,
            "header": asdict(self.header),
            "codes": asdict(self.codes),
            "most_in_set": self.most_in_set,
            "steps": asdict(self.steps),
            "usual_state": list(self.usual_state),
            "facts": dict(self.facts),
        }
        return bundle.write(path, manifest, self.arrays)
