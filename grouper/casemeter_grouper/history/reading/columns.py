"""The columns that are read of each table, and the titles by which files name them."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

PAGES: Final = "pages"
DAYS: Final = "days"
COURSE: Final = "course"
TABLES: Final = (PAGES, DAYS, COURSE)
"""Kinds of tables; each has its columns in a file of that name beside this module."""

RECORD, VISIT, HOSPITAL = "A48", "A49", "A01"
"""Codes of the columns that name a stay."""

_NUMBER: Final = "nn"
_BLANKS: Final = re.compile(r"[\s\ufeff\u200b]+")


class Column(NamedTuple):
    """A column.

    Attributes:
        field: what it is for; several columns may be for one.
        code: such as ``C06x01C``; it names the column in frames.
        titles: in Chinese; any of them names it in a file.
        type: ``text``, ``integer``, ``number``, ``date``, ``money`` (yuan) or ``fen``.
        required: empty: a table without it can be read; ``yes``: it cannot; else ``choice:alternative``: of
            each choice every column of one alternative is needed.
    """

    field: str
    code: str
    titles: tuple[str, ...]
    type: str
    required: str


class Header(NamedTuple):
    """What the titles of a file say.

    Attributes:
        columns: those that are read, by the name they have in the file.
        ignored: titles of columns that nobody asked for.
        twice: pairs of titles that name one column.
        missing: required columns that are not there; of a choice those of the alternative that
            most columns are there of.
    """

    columns: Mapping[str, Column]
    ignored: tuple[str, ...]
    twice: tuple[tuple[str, str], ...]
    missing: tuple[Column, ...]

    @property
    def codes(self) -> frozenset[str]:
        """Codes of the columns that are there."""
        return frozenset(column.code for column in self.columns.values())


@cache
def columns_of(table: str) -> tuple[Column, ...]:
    """Return the columns of a kind of table, in the order of its file."""
    with resources.files(__package__).joinpath(f"{table}.csv").open(encoding="utf-8") as lines:
        return tuple(column for row in csv.DictReader(lines) for column in _expanded(row))


def plain_title(title: str) -> str:
    """Return a title without blanks, in half width and lower case: 年龄（岁） and 年龄(岁) are one."""
    return _BLANKS.sub("", unicodedata.normalize("NFKC", title)).lower()


def header_of(titles: Sequence[str], table: str) -> Header:
    """Return what the titles of a file say, when it is of that kind of table."""
    found: dict[str, Column] = {}
    ignored: list[str] = []
    twice: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    for title in titles:
        column = _by_title(table).get(plain_title(title))
        if column is None:
            ignored.append(title)
        elif column.code in first:
            twice.append((first[column.code], title))
        else:
            first[column.code] = title
            found[title] = column
    missing = tuple(_missing(table, frozenset(first)))
    return Header(found, tuple(filter(None, ignored)), tuple(twice), missing)


def known_titles(titles: Iterable[str]) -> int:
    """Return how many titles name a column of any table."""
    plain = {plain_title(title) for title in titles}
    return max(len(plain & _by_title(table).keys()) for table in TABLES)


def table_of(titles: Sequence[str]) -> str:
    """Return which kind of table a file is: the one that most columns are there of."""
    return max(TABLES, key=lambda table: len(header_of(titles, table).columns))


@cache
def _by_title(table: str) -> Mapping[str, Column]:
    return {
        plain_title(title): column for column in columns_of(table) for title in (column.code, *column.titles)
    }


def _missing(table: str, codes: frozenset[str]) -> list[Column]:
    """Required columns that are not among codes."""
    choices: dict[str, dict[str, list[Column]]] = {}
    for column in columns_of(table):
        choice, _, alternative = column.required.partition(":")
        if choice:
            # What is required alone is a choice of its own.
            choices.setdefault(choice if alternative else column.code, {}).setdefault(alternative, []).append(
                column
            )
    missing: list[Column] = []
    for alternatives in choices.values():
        ways = [
            [column for column in columns if column.code not in codes] for columns in alternatives.values()
        ]
        begun = [len(columns) - len(way) for columns, way in zip(alternatives.values(), ways, strict=True)]
        if all(ways):
            missing += min(zip(begun, ways, strict=True), key=lambda way: (-way[0], len(way[1])))[1]
    return missing


def _expanded(row: Mapping[str, str]) -> Iterable[Column]:
    titles = tuple(row["titles"].split("|")) if row["titles"] else ()
    required = row["required"]
    if not row["count"]:
        yield Column(row["field"], row["code"], titles, row["type"], required)
        return
    for number in range(1, int(row["count"]) + 1):
        code = row["code"].replace(_NUMBER, f"{number:02}")
        shown = tuple(f"{title.removesuffix('n')}{number}" for title in titles)
        yield Column(row["field"], code, shown, row["type"], required)
