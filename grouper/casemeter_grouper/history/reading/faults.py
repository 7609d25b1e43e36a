"""Faults of whole files, all of which are told at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Every kind of fault: what it says (``en``, ``zh``) and how to mend it (``mend_en``, ``mend_zh``)."""
    return tomllib.loads(resources.files(__package__).joinpath("faults.toml").read_text("utf-8"))


@dataclass(frozen=True)
class HistoryFault:
    """A fault of a file.

    Attributes:
        kind: its entry in the catalogue.
        file: the file, or the folder.
        details: values for the sentence.
        row: counted from 1, the header not counting; 0: the file as a whole.
    """

    kind: str
    file: Path
    details: Mapping[str, object] = field(default_factory=dict)
    row: int = 0

    def problem(self, language: str = "en") -> str:
        """What is wrong, in English (``en``) or Chinese (``zh``)."""
        return catalogue()[self.kind][language].format(**self.details)

    def mend(self, language: str = "en") -> str:
        """How to put it right."""
        return catalogue()[self.kind][f"mend_{language}"].format(**self.details)

    def __str__(self) -> str:
        place = f"{self.file}:{self.row}" if self.row else f"{self.file}"
        return f"{place}: {self.problem()}; {self.mend()}"


class HistoryError(Exception):
    """Files that cannot be read as a history.

    Attributes:
        faults: all of them, file by file.
    """

    def __init__(self, faults: Iterable[HistoryFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))
