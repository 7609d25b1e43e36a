"""The typed columns of rule tables: how a cell is read, and what is said when it cannot be."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from casemeter_grouper.codes import normalise
from casemeter_rules.codes import Key, Space, normalise_item

Cells = Mapping[str, Any]
"""The cells of a row by column, read: ``None``, or an empty tuple, where a cell is empty."""

EPOCH: Final = datetime.date(1970, 1, 1)
_WHOLE: Final = re.compile(r"\d{1,9}\Z", re.ASCII)
_DECIMAL: Final = re.compile(r"\d{1,9}(\.\d{1,4})?\Z", re.ASCII)
_MAX_CODE: Final = 64


class CellError(ValueError):
    """A cell that cannot be read: what it should be, in English and Chinese, and an example."""

    def __init__(self, expected_en: str, expected_zh: str, example: str) -> None:
        super().__init__(expected_en)
        self.expected_en = expected_en
        self.expected_zh = expected_zh
        self.example = example


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: in the header.
        read: turns a filled cell into its value; raises :class:`CellError`.
        required: must be there and filled in every row.
        empty: the value of an empty cell.
    """

    name: str
    read: Callable[[str], Any]
    required: bool = False
    empty: Any = None


def text(name: str, *, required: bool = False) -> Column:
    """A column of free text."""
    return Column(name, str, required, "")


def codes(name: str, space: Space, *, required: bool = True, prefix: bool = False) -> Column:
    """A column of codes, ``|`` between them; ``prefix``: their beginnings. Its value is a tuple of keys."""

    def read(cell: str) -> tuple[Key, ...]:
        return tuple(Key(space, _code(part, space), prefix) for part in cell.split("|"))

    return Column(name, read, required, ())


def code_text(name: str, space: Space, *, required: bool = True) -> Column:
    """A column of one code or one end of a range, as text."""
    return Column(name, lambda cell: _code(cell, space), required, "")


def words(name: str, *, required: bool = False) -> Column:
    """A column of words, ``|`` between them. Its value is a tuple."""

    def read(cell: str) -> tuple[str, ...]:
        parts = tuple(part.strip() for part in cell.split("|"))
        if not all(parts):
            raise CellError("words with | between them", "以 | 分隔的词", "重症感染|败血症")
        return parts

    return Column(name, read, required, ())


def choice(name: str, values: Sequence[str], *, required: bool = True) -> Column:
    """A column of one of a few values."""
    listed = ", ".join(values)

    def read(cell: str) -> str:
        if cell not in values:
            raise CellError(f"one of {listed}", f"下列之一：{listed}", values[0])
        return cell

    return Column(name, read, required, "")


def choices(name: str, values: Sequence[str], *, required: bool = True) -> Column:
    """A column of some of a few values, ``|`` between them. Its value is a frozenset."""
    listed = ", ".join(values)

    def read(cell: str) -> frozenset[str]:
        found = frozenset(part.strip() for part in cell.split("|"))
        if not found <= set(values):
            raise CellError(f"some of {listed}, | between them", f"下列若干，以 | 分隔：{listed}", values[0])
        return found

    return Column(name, read, required, frozenset())


def whole(name: str, *, required: bool = False, low: int = 0, high: int = 999_999_999) -> Column:
    """A column of whole numbers within a range."""

    def read(cell: str) -> int:
        if not _WHOLE.match(cell) or not low <= int(cell) <= high:
            raise CellError(f"a whole number, {low} to {high}", f"{low} 至 {high} 的整数", str(low))
        return int(cell)

    return Column(name, read, required)


def decimal(name: str, *, required: bool = False) -> Column:
    """A column of decimal numbers, not negative, with up to four decimals."""

    def read(cell: str) -> Decimal:
        if not _DECIMAL.match(cell):
            raise CellError("a number with up to four decimals", "至多四位小数的数", "0.5")
        return Decimal(cell)

    return Column(name, read, required)


def day(name: str) -> Column:
    """A column of days, written YYYY-MM-DD. Its value is the number of days since 1970."""

    def read(cell: str) -> int:
        try:
            found = datetime.date.fromisoformat(cell)
        except ValueError:
            found = None
        if found is None or found.isoformat() != cell:
            raise CellError("a day as YYYY-MM-DD", "形如 YYYY-MM-DD 的日期", "2026-01-01")
        return (found - EPOCH).days

    return Column(name, read)


def _code(cell: str, space: Space) -> str:
    code = normalise_item(cell) if space == Space.ITEM else normalise(cell)
    if not 0 < len(code) <= _MAX_CODE:
        raise CellError(
            f"codes of up to {_MAX_CODE} characters, | between them", "以 | 分隔的编码", "A41.900|A40"
        )
    return code
