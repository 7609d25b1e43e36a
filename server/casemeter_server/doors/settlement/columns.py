"""The columns of the front page in HQMS form, and the titles by which files name them."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

_NUMBER: Final = "nn"
_BLANKS: Final = re.compile(r"[\s\ufeff\u200b]+")


class Column(NamedTuple):
    """A column.

    Attributes:
        code: such as ``C06x01C``.
        title: in Chinese.
        item: name in the settlement list that it is sent on by; empty: it is none.
        fills: what it fills of the contract; empty: nothing.
        part: of what it fills, such as ``code`` or a class of fees.
        number: of columns that there are several of, counted from 1; else 0.
    """

    code: str
    title: str
    item: str
    fills: str
    part: str
    number: int


class Header(NamedTuple):
    """The header of a file.

    Attributes:
        columns: what stands where; ``None``: a column that is not known.
        titles: as they are written.
        unknown: titles of columns that are not known.
        twice: titles of columns that stand there a second time, and the title of the first.
    """

    columns: tuple[Column | None, ...]
    titles: tuple[str, ...]
    unknown: tuple[str, ...]
    twice: tuple[tuple[str, str], ...]


@cache
def columns() -> tuple[Column, ...]:
    """Return every column of all editions."""
    with resources.files(__package__).joinpath("columns.csv").open(encoding="utf-8") as lines:
        return tuple(column for row in csv.DictReader(lines) for column in _expanded(row))


@cache
def columns_by_title() -> Mapping[str, Column]:
    """Return columns by their codes and their titles in plain form."""
    found: dict[str, Column] = {}
    for column in columns():
        found.setdefault(plain_title(column.code), column)
        found.setdefault(plain_title(column.title), column)
    return found


def plain_title(title: str) -> str:
    """Return a title without blanks, in half width and lower case: 年龄（岁） and 年龄(岁) are one."""
    return _BLANKS.sub("", unicodedata.normalize("NFKC", title)).lower()


def header_of(titles: Sequence[str]) -> Header:
    """Return what the titles of a file say."""
    found: list[Column | None] = []
    unknown: list[str] = []
    twice: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    for title in titles:
        column = columns_by_title().get(plain_title(title))
        if column is None:
            if title.strip():
                unknown.append(title.strip())
        elif column.code in first:
            twice.append((title.strip(), first[column.code]))
            column = None
        else:
            first[column.code] = title.strip()
        found.append(column)
    written = tuple(title.strip() for title in titles)
    return Header(tuple(found), written, tuple(dict.fromkeys(unknown)), tuple(twice))


def _expanded(row: Mapping[str, str]) -> Iterable[Column]:
    code, title, item = row["code"], row["title"], row["item"]
    if not row["count"]:
        yield Column(code, title, item, row["fills"], row["part"], 0)
        return
    for number in range(1, int(row["count"]) + 1):
        shown = f"{title.removesuffix('n')}{number + int(row['first']) - 1}"
        own = code.replace(_NUMBER, f"{number:02}")
        yield Column(own, shown, item, row["fills"], row["part"], number)
