"""Reading the cells of the tables of payment and benchmark packs, every fault noted at its cell."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from casemeter_grouper.pack.faults import Fault, nearest
from casemeter_grouper.pack.tables import Record, whole_number

_DECIMAL = re.compile(r"-?\d{1,9}(\.\d{1,9})?\Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_MONTH = re.compile(r"\d{4}-\d{2}\Z", re.ASCII)


@dataclass(slots=True)
class Cells:
    """The cells of one row. What cannot be read is noted and a stand-in returned: the pack does not build."""

    file: str
    record: Record
    faults: list[Fault]

    def note(self, kind: str, column: str, **details: object) -> None:
        """Note a fault of a cell."""
        self.faults.append(Fault(kind, self.file, self.record.line, column, details))

    def number(self, column: str, *, negative: bool = False, zero: bool = True) -> Fraction | None:
        """Return a decimal number exactly, or ``None`` for an empty cell.

        Args:
            column: the cell.
            negative: whether it may be below 0.
            zero: whether it may be 0.
        """
        text = self.record[column]
        if not text:
            return None
        if not _DECIMAL.match(text):
            self.note("not_an_amount", column, value=text)
            return None
        number = Fraction(text)
        if number < 0 and not negative:
            self.note("negative_number", column, value=text)
        elif number == 0 and not zero:
            self.note("zero_number", column, value=text)
        return number

    def must(self, column: str, *, negative: bool = False, zero: bool = True) -> Fraction:
        """Return a decimal number from a cell that is filled; 1 where its fault was noted."""
        number = self.number(column, negative=negative, zero=zero)
        return Fraction(1) if number is None else number

    def whole(self, column: str) -> int | None:
        """Return a whole number, or ``None`` for an empty cell."""
        return whole_number(self.record, column, self.file, self.faults) if self.record[column] else None

    def yes(self, column: str) -> bool:
        """Return whether the cell says ``yes``; empty or ``no``: it does not."""
        text = self.record[column]
        if text not in ("", "yes", "no"):
            self.note("not_a_choice", column, value=text, known="yes, no")
        return text == "yes"

    def choice(self, column: str, known: Iterable[str], default: str = "") -> str:
        """Return a word that must be one of ``known``; ``default`` for an empty cell."""
        text = self.record[column] or default
        names = tuple(known)
        if text not in names:
            self.note("not_a_choice", column, value=text, known=", ".join(names))
        return text

    def named(self, column: str, known: Iterable[str]) -> str:
        """Return a name that, where anything is known, must be one of it; empty for any."""
        text, names = self.record[column], tuple(known)
        if text and names and text not in names:
            self.note("not_in_header", column, value=text, known=nearest(text, names))
        return text

    def listed(self, column: str) -> tuple[str, ...]:
        """Return the words of a cell, parted by ``|``."""
        return tuple(word for part in self.record[column].split("|") if (word := part.strip()))

    def day(self, column: str, *, or_month: bool = False) -> str:
        """Return a day as ``YYYY-MM-DD`` (or a month as ``YYYY-MM``), or empty for an empty cell."""
        text = self.record[column]
        if not text or (or_month and _MONTH.match(text) and "01" <= text[5:] <= "12"):
            return text
        try:
            if _DAY.match(text) and datetime.date.fromisoformat(text):
                return text
        except ValueError:
            pass
        self.note("not_a_day", column, value=text)
        return ""

    def period(self) -> tuple[str, str]:
        """Return ``valid_from`` and ``valid_until``."""
        start, until = self.day("valid_from"), self.day("valid_until")
        if start and until and until < start:
            self.note("dates_reversed", "valid_until", start=start, until=until)
        return start, until
