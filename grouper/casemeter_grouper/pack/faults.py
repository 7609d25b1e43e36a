"""Faults of a pack: what is wrong, where, how grave, and how to mend it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final

from rapidfuzz import process

ERROR: Final = "error"
"""The meaning is open: the pack does not build."""

WARNING: Final = "warning"
"""Odd, but with one meaning: the pack builds."""


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every kind of fault: its severity, and problem and mend in English (``en``) and Chinese (``zh``)."""
    text = resources.files("casemeter_grouper.pack").joinpath("faults.toml").read_text("utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        kind: its entry in the catalogue.
        file: file of the pack, relative to its folder.
        row: 1-based line of the file, or 0 for the file as a whole. The header is line 1.
        column: name of the column, or empty; conditions add the character (``when:14``).
        details: values for the sentences.
    """

    kind: str
    file: str
    row: int = 0
    column: str = ""
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def severity(self) -> str:
        """:data:`ERROR` or :data:`WARNING`."""
        return catalogue()[self.kind]["severity"]

    def problem(self, language: str = "en") -> str:
        """What is wrong, in English (``en``) or Chinese (``zh``)."""
        return catalogue()[self.kind][f"problem_{language}"].format(**self.details)

    def mend(self, language: str = "en") -> str:
        """How to put it right."""
        return catalogue()[self.kind][f"mend_{language}"].format(**self.details)

    @property
    def place(self) -> str:
        """File, row and column in one word."""
        return ":".join(str(part) for part in (self.file, self.row or "", self.column) if part != "")

    def line(self, language: str = "en") -> str:
        """The fault on one line."""
        text = f"{self.place}: {self.severity}: {self.problem(language)} — {self.mend(language)}"
        return " ".join(text.split())


_LOST: Final = frozenset(
    ("missing_file", "unreadable_file", "not_utf8", "not_text", "not_csv", "missing_column", "column_twice")
)


def is_lost(file: str, faults: Iterable[Fault]) -> bool:
    """Whether a table could not be read at all; what others say of its rows cannot be judged then."""
    return any(fault.file == file and fault.kind in _LOST for fault in faults)


def has_errors(file: str, faults: Iterable[Fault]) -> bool:
    """Whether a file has errors; what is missing from its rows may then stand in one of these."""
    return any(fault.file == file and fault.severity == ERROR for fault in faults)


def nearest(name: str, known: Iterable[str]) -> str:
    """The known names that a wrong one may have been meant for, for a fault's sentence."""
    names = list(known)
    return ", ".join(match[0] for match in process.extract(name, names, limit=2)) or "-"


class PackError(Exception):
    """A pack that cannot be built; holds every fault found in it, warnings too."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        errors = [fault.line() for fault in self.faults if fault.severity == ERROR]
        super().__init__(f"{len(errors)} error(s):\n" + "\n".join(errors))
