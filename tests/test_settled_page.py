"""The page of settled cases says what the tables say, and the tables agree with those of the doors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemeter_grouper.history.reading.columns import COURSE, DAYS, PAGES, columns_of
from casemeter_grouper.history.reading.drops import DROP, WARNING
from casemeter_grouper.history.reading.faults import catalogue
from casemeter_grouper.history.reading.keys import among, repeated
from casemeter_grouper.history.settled import reasons
from casemeter_server.doors.settlement.columns import columns

PAGE = Path(__file__).parents[1] / "docs" / "settled_cases.md"


def table(header: str, rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, re.sub("[^|]+", "---", header), *("| " + " | ".join(row) + " |" for row in rows)]
    return "\n".join(lines)


def columns_table(kind: str) -> str:
    """One row for each field; several columns of one as the first and the last."""
    rows = []
    for (_, kind_of, required), group in groupby(
        columns_of(kind), key=lambda column: (column.field, column.type, column.required)
    ):
        found = list(group)
        shown = [found[0], found[-1]] if len(found) > 1 else found
        codes = " … ".join(f"`{column.code}`" for column in shown)
        titles = " … ".join(", ".join(column.titles) for column in shown) if found[0].titles else ""
        need = {"yes": "yes", "": ""}.get(required, "one of: " + required.replace(":", ", "))
        rows.append((codes, titles, kind_of, need))
    return table("| code | title | type | needed |", rows)


def entries(found: Mapping[str, Mapping[str, str]]) -> str:
    rows = [(f"`{name}`", entry["en"], entry["mend_en"], entry["zh"]) for name, entry in found.items()]
    return table("| reason | in words | how to mend it | 说明 |", rows)


PARTS: dict[str, Callable[[], str]] = {
    "pages": lambda: columns_table(PAGES),
    "days": lambda: columns_table(DAYS),
    "course": lambda: columns_table(COURSE),
    "drop": lambda: entries({name: one for name, one in reasons().items() if one["severity"] == DROP}),
    "warning": lambda: entries({name: one for name, one in reasons().items() if one["severity"] == WARNING}),
    "faults": lambda: entries(catalogue()),
}


@pytest.mark.parametrize("part", PARTS)
def test_the_page_says_what_the_tables_say(part: str, request: pytest.FixtureRequest) -> None:
    place = re.compile(rf"(?<=<!-- {part} -->\n).*?(?=<!-- end -->)", re.DOTALL)
    text = f"\n{PARTS[part]()}\n\n"
    if request.config.getoption("--update"):
        PAGE.write_text(place.sub(lambda _: text, PAGE.read_text("utf-8"), count=1), "utf-8")
    found = place.search(PAGE.read_text("utf-8"))
    assert found is not None
    assert found.group() == text, "docs/settled_cases.md differs; if the table is right, --update writes it"


def test_columns_are_those_of_the_doors() -> None:
    """Under the same codes and titles, and fees in the same categories."""
    doors = {column.code: column for column in columns()}
    ours = [column for column in columns_of(PAGES) if column.field != "settled_group"]
    assert [column.code for column in ours if column.titles[0] != doors[column.code].title] == []
    fees = {column.code: column.part for column in columns() if column.fills == "charge"}
    assert {
        column.code: column.field.removeprefix("fee_") for column in ours if "fee_" in column.field
    } == fees


numbers = st.lists(st.integers(0, 12), max_size=12)


@given(st.lists(numbers, max_size=4))
def test_numbers_that_stand_there_more_than_once(parts: list[list[int]]) -> None:
    whole = [number for part in parts for number in part]
    found = repeated([np.array(part, np.uint64) for part in parts])
    assert found.tolist() == sorted({number for number in whole if whole.count(number) > 1})
    asked = np.arange(14, dtype=np.uint64)
    assert among(asked, found).tolist() == [number in found.tolist() for number in range(14)]
