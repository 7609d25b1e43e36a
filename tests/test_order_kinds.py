"""Kinds of rules about orders and charges: what they find, what they cannot decide, and how it reads."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from casemeter_grouper.pack.build import build_cached
from casemeter_rules.compiled.book import Book
from casemeter_rules.engine import Report, find
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Phase, Procedure, Segment, Stay
from casemeter_rules.kinds import kinds
from casemeter_rules.pack.rows import COMMON

CASES: Final = tomllib.loads((Path(__file__).parent / "data" / "order_kinds.toml").read_text("utf-8"))["case"]
ADMISSION_DAY: Final = 20_463
"""The day of admission, day 1 of the cases, in days since 1970."""

_ONE: Final = 10_000
_NUMBERS: Final = ("age_years", "age_days", "facility_level")
_PLAIN: Final = (*_NUMBERS, "sex", "visit_kind", "insurance", "department", "facility_kind")


def book_of(kind: str, rows: list[dict[str, str]], folder: Path) -> Book:
    """Build a pack of one table."""
    pack = folder / f"pack_{kind}"
    pack.mkdir()
    (pack / "rules.toml").write_text(f'id = "{kind}"\nkind = "rules"\ntitle = "T"\n', "utf-8")
    columns = [column.name for column in (*kinds()[kind].columns, *COMMON)]
    with (pack / f"{kind}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({"basis": "a test", **row} for row in rows)
    return Book.open(build_cached(pack, folder / "bundles"))


def stay_of(said: Mapping[str, Any]) -> Stay:
    """Return the stay that a case writes down."""
    return Stay(
        diagnoses=tuple(_diagnosis(at, each) for at, each in enumerate(said.get("diagnoses", ()))),
        procedures=tuple(
            Procedure(each["code"], f"procedures[{at}]") for at, each in enumerate(said.get("procedures", ()))
        ),
        items=tuple(_item(at, each) for at, each in enumerate(said["items"])) if "items" in said else None,
        admission=_minute(1, 8),
        discharge=_minute(said["discharge"], 18) if "discharge" in said else None,
        now=_minute(30, 0),
        segments=tuple(
            Segment(name, False, _minute(first, 0), _minute(last, 23), f"segments[{at}]")
            for at, (name, first, last) in enumerate(said.get("segments", ()))
        ),
        prior_treatments=_words(said, "prior_treatments"),
        tests=_words(said, "tests"),
        **{name: said[name] for name in _PLAIN if name in said},
    )


def _words(said: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    return tuple(said[name]) if name in said else None


def _minute(day: int, hour: int) -> int:
    return (ADMISSION_DAY + day - 1) * MINUTES_PER_DAY + hour * 60


def _diagnosis(at: int, said: Mapping[str, str]) -> Diagnosis:
    role = said.get("role", "other" if at else "principal")
    name, state = said.get("name", ""), said.get("state", "confirmed")
    return Diagnosis(said["code"], f"diagnoses[{at}]", role, name, state=state)


def _item(at: int, said: Mapping[str, Any]) -> Item:
    day, quantity = said.get("day", 1), said.get("quantity", 1)
    return Item(
        said["code"],
        f"items[{at}]",
        f"i{at}",
        said.get("name", ""),
        None if day == 0 else _minute(day, said.get("hour", 9)),
        None if quantity < 0 else int(quantity * _ONE),
        said.get("amount_fen", 0),
        said["price"] * _ONE if "price" in said else None,
        ordered=said.get("ordered", False),
        self_paid=said.get("self_paid"),
    )


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Book]:
    folder = tmp_path_factory.mktemp("order_kinds")
    return {case["kind"]: book_of(case["kind"], case["rows"], folder) for case in CASES}


def told(books: Mapping[str, Book], case: Mapping[str, Any], stay: Mapping[str, Any]) -> Report:
    """Return what the rules of a case say of one of its stays."""
    return find([books[case["kind"]]], stay_of(stay), Phase(case.get("phase", "order")))


@pytest.mark.parametrize(
    ("case", "stay"),
    [
        pytest.param(case, stay, id=f"{case['kind']}: {stay['why']}")
        for case in CASES
        for stay in case["stays"]
    ],
)
def test_what_is_found(books: Mapping[str, Book], case: Mapping[str, Any], stay: Mapping[str, Any]) -> None:
    report = told(books, case, stay)
    expected = [
        (each["zh"], each["en"], tuple(f"i{number}" for number in each["items"]))
        for each in stay.get("finds", ())
    ]
    assert [(each.text_zh, each.text_en, each.evidence) for each in report.findings] == expected
    assert list(report.undecided) == stay.get("undecided", [])
    for finding, each in zip(report.findings, stay.get("finds", ()), strict=True):
        fields = each.get("fields", [f"items[{number}]" for number in each["items"]])
        assert sorted(finding.fields) == fields
        assert finding.kind == case["kind"]
        assert finding.bases == ("a test",)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["kind"]))
def test_each_kind_has_all_outcomes(case: Mapping[str, Any]) -> None:
    """A kind that can only fire is not one to trust."""
    assert any("finds" in stay for stay in case["stays"])
    assert any("finds" not in stay and "undecided" not in stay for stay in case["stays"])
    assert any("undecided" in stay for stay in case["stays"]) or case["kind"] == "total_amount"


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["kind"]))
def test_order_kinds_are_described(case: Mapping[str, Any]) -> None:
    kind = kinds()[case["kind"]]
    for words in (kind.words.zh, kind.words.en, kind.words.resolve_zh, kind.words.resolve_en):
        assert words
    assert kind.facts
    assert kind.overrides


@pytest.mark.parametrize(
    ("kind", "row", "column"),
    [
        ("indication", {"codes": "A"}, "diagnosis_words"),
        ("contraindicated", {"codes": "A"}, "diagnosis_words"),
        ("course", {"codes": "A"}, "max_days"),
        ("course", {"codes": "A", "max_days": 3, "min_interval_days": 4}, "max_days"),
        ("needs_item", {"codes": "A"}, "needs_codes"),
        ("needs_item", {"codes": "A", "needs_procedures": "B", "window": "day"}, "window"),
        ("age", {"codes": "A"}, "min_years"),
    ],
)
def test_rows_that_say_nothing_are_faults(kind: str, row: Mapping[str, Any], column: str) -> None:
    check = kinds()[kind].check_row
    assert check is not None
    cells = {each.name: row.get(each.name, each.empty) for each in kinds()[kind].columns}
    found = list(check(cells))
    assert [each[0] for each in found] == [column]
    assert all(each[1] and each[2] for each in found)
