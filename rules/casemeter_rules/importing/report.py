"""What an import read, wrote, and did not take."""

from __future__ import annotations

from dataclasses import dataclass

from casemeter_grouper.pack.faults import ERROR, Fault


class ImportRefused(Exception):
    """Nothing was imported, and nothing was written.

    Attributes:
        zh: why, in Chinese.
        en: why, in English.
        faults: everything wrong with the tables, where that is why.
    """

    def __init__(self, zh: str, en: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en
        self.faults = faults


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one table.

    Attributes:
        file: its name.
        kinds: of the rules that its rows make.
        read: rows in it.
        written: rows of rules that came from it.
        shadow: those of them that are working material.
        merged: rows whose rule was there already, or that share one with others.
        widened: rows of rules that were widened by equivalents of clinical words.
        not_taken: rows that were not taken; each has its fault.
    """

    file: str
    kinds: tuple[str, ...]
    read: int
    written: int
    shadow: int
    merged: int
    widened: int
    not_taken: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        files: one for each known table that was there, by name.
        faults: all at once: rows that were not taken and tables that could not be read (errors), files and
            columns that are not known (warnings). Each has file, row, column, and sentences in both
            languages.
        rules: rules in the pack; rows that say the same are one.
    """

    files: tuple[FileReport, ...]
    faults: tuple[Fault, ...]
    rules: int

    @property
    def read(self) -> int:
        """Rows read."""
        return sum(file.read for file in self.files)

    @property
    def written(self) -> int:
        """Rows written."""
        return sum(file.written for file in self.files)

    @property
    def merged(self) -> int:
        """Rows merged with others."""
        return sum(file.merged for file in self.files)

    @property
    def not_taken(self) -> tuple[Fault, ...]:
        """Why rows and tables were not taken."""
        return tuple(fault for fault in self.faults if fault.severity == ERROR)
