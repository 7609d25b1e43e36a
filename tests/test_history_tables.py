"""The tables of a made-up history: exact sums, pages that group, a course that never knows too early."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.history import write
from casemeter_grouper.history.pages import first_day
from casemeter_grouper.history.recipe import read_recipe
from casemeter_grouper.history.write import Order, generate
from casemeter_grouper.stay import age_on, length_of_stay
from small_histories import pack, small_caseload

CASES = 3_000
PACKS = ("chs_drg_11", "demo_dip")
OTHERS = [f"C06x{place:02}C" for place in range(1, 41)]


class History(NamedTuple):
    order: Order
    folder: Path
    pages: list[dict[str, Any]]
    days: pl.DataFrame
    course: pl.DataFrame


@pytest.fixture(scope="module", params=PACKS)
def history(
    request: pytest.FixtureRequest, bundles: Path, tmp_path_factory: pytest.TempPathFactory
) -> History:
    folder = tmp_path_factory.mktemp("history") / "made"
    order = order_of(request.param, bundles, tmp_path_factory.getbasetemp())
    generate(order, folder)
    tables = [pl.read_parquet(folder / f"{name}-00000.parquet") for name in ("pages", "days", "course")]
    return History(order, folder, tables[0].rows(named=True), *tables[1:])


def order_of(name: str, bundles: Path, base: Path, **changes: Any) -> Order:
    caseload = small_caseload(base / "small_caseload")
    order = Order(pack(name, bundles), read_recipe("first"), caseload, CASES, seed=11)
    return order._replace(**changes)


def procedures_of(page: dict[str, Any]) -> tuple[str, ...]:
    names = sorted(name for name in page if name.startswith("C35x"))
    return tuple(page[name] for name in ("C14x01C", *names) if page[name])


def others_of(page: dict[str, Any]) -> tuple[str, ...]:
    return tuple(page[name] for name in OTHERS if page[name])


def test_what_the_history_says_of_itself(history: History) -> None:
    about = json.loads((history.folder / "history.json").read_text("utf-8"))
    assert about["made_up"] is True
    assert about["pack"] == history.order.pack.header.id
    assert about["pack_sha256"] == history.order.pack.sha256
    assert (about["seed"], about["cases"], about["days"]) == (11, CASES, True)
    assert (about["first_discharge"], about["last_discharge"]) == ("2023-01-01", "2025-12-31")
    assert {len(about[f"{what}_sha256"]) for what in ("pack", "recipe", "caseload")} == {64}
    assert "made up" in about["title"]
    assert all(page["A48"].startswith("made-up-11-") for page in history.pages)


def test_stays_are_known_by_their_number_and_stand_in_the_order_of_discharge(history: History) -> None:
    keys = [(page["A48"], page["A49"]) for page in history.pages]
    assert len(set(keys)) == CASES
    discharges = [page["B15"] for page in history.pages]
    assert discharges == sorted(discharges)
    assert (discharges[0], discharges[-1]) == (date(2023, 1, 1), date(2025, 12, 31))
    per_day = pl.Series(discharges).value_counts()["count"]
    assert per_day.max() - per_day.min() <= 1  # type: ignore[operator]  # polars types them as any literal
    for frame in (history.days, history.course):
        told = list(frame.select("A48", "A49").unique(maintain_order=True).iter_rows())
        order = {key: place for place, key in enumerate(keys)}
        places = [order[key] for key in told]
        assert places == sorted(places)


def test_money_is_exact(history: History) -> None:
    charges = [name for name in history.days.columns if name.startswith("c")]
    by_stay = {key: fen for key, *fen in history.days.group_by("A48").agg(pl.col(charges).sum()).iter_rows()}
    counts = dict(history.days.group_by("A48").len().iter_rows())
    parts = {1: "D11-D14", 2: "D15-D18", 3: "D19-D20", 4: "D21-D21", 5: "D22-D22", 6: "D23-D23"}
    parts |= {
        7: "D24-D25",
        8: "D26-D30",
        9: "D31-D33",
        10: "D34-D34",
    }  # docs: fee categories of the front page
    for page in history.pages:
        assert counts[page["A48"]] == page["B20"] == length_of_stay(page["B12"], page["B15"])
        for category, span in parts.items():
            first, _, last = span.partition("-")
            items = [value for name, value in page.items() if first <= name <= last]
            assert sum(items) * 100 == by_stay[page["A48"]][category - 1]
            assert all(value >= 0 for value in items)
        assert sum(by_stay[page["A48"]]) == page["D01"] * 100


def test_only_operated_stays_pay_for_operations(history: History) -> None:
    operated = {page["A48"] for page in history.pages if procedures_of(page)}
    paid = {page["A48"] for page in history.pages if page["D20"] > 0}
    assert operated <= paid
    assert len(paid - operated) < CASES / 50  # the coder left out all procedures


def test_ages_are_those_of_the_birth_dates(history: History) -> None:
    for page in history.pages:
        years, days = age_on(page["A13"], page["B12"])
        assert years == page["A14"]
        assert page["A16"] == (days if years == 0 else None)
        assert years > 0 or days <= 28


def test_every_page_ends_in_a_group(history: History) -> None:
    cases = [
        Case(
            (page["C03C"], *others_of(page)),
            procedures_of(page),
            {"1": "M", "2": "F"}[page["A12C"]],
            age_years=page["A14"],
            age_days=age_on(page["A13"], page["B12"])[1],
        )
        for page in history.pages
    ]
    opened = history.order.pack
    if isinstance(opened, CompiledScheme):
        leaves, _ = Grouper(opened).run(opened.encode(cases))
        assert leaves.all()
        assert len(set(leaves.tolist())) > 50
        return
    costs = [int(page["D01"] * 100) for page in history.pages]
    groups, _ = CatalogueGrouper(opened).run(opened.encode(cases, costs))
    # A catalogue need not have a group for what was not done, or not coded.
    assert all(group or not case.procedures for group, case in zip(groups.tolist(), cases, strict=True))
    assert (groups == 0).mean() < 0.05


def test_the_course_knows_what_the_page_says_and_nothing_too_early(history: History) -> None:
    pages = {page["A48"]: page for page in history.pages}
    lost = known = late = vague = 0
    for (key,), rows in history.course.group_by("A48", maintain_order=True):
        page = pages.pop(key)
        days = page["B20"]
        by_kind: dict[str, list[dict[str, Any]]] = {}
        for row in rows.iter_rows(named=True):
            assert 1 <= row["from_day"] <= (row["until_day"] or days) <= days
            by_kind.setdefault(row["kind"], []).append(row)
        assert by_kind.keys() <= {"principal", "other", "planned", "done"}
        principals = by_kind["principal"]
        assert [row["position"] for row in principals] == [1] * len(principals)
        assert principals[0]["from_day"] == 1
        assert all(after["from_day"] == before["until_day"] + 1 for before, after in pairwise(principals))
        assert principals[-1]["until_day"] is None
        vague += principals[-1]["code"] != page["C03C"]
        others = by_kind.get("other", [])
        in_order = sorted(others, key=lambda row: row["position"])
        assert [row["position"] for row in in_order] == list(range(1, len(others) + 1))
        assert all(one["from_day"] <= other["from_day"] for one, other in pairwise(in_order))
        codes = {row["code"] for row in others}
        lost += len(codes - set(others_of(page)))
        late += len(set(others_of(page)) - codes)
        known += len(codes)
        check_procedures(by_kind, procedures_of(page))
    assert not pages
    assert 0.01 < lost / known < 0.03  # 2 % by the recipe
    assert late > 0
    assert 0 < vague / CASES < 0.15  # corrected by the coder, or written vaguely


def check_procedures(by_kind: dict[str, list[dict[str, Any]]], coded: tuple[str, ...]) -> None:
    planned, done = (by_kind.get(kind, []) for kind in ("planned", "done"))
    for rows in (planned, done):
        assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
        if rows and coded:
            assert tuple(row["code"] for row in rows) == coded
    if planned and done:
        assert {row["until_day"] for row in planned} == {done[0]["from_day"] - 1}
    elif planned:
        assert {row["until_day"] for row in planned} == {None}
    assert {row["until_day"] for row in done} <= {None}


def content(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_equal_seeds_make_equal_tables(history: History, tmp_path: Path) -> None:
    generate(history.order, tmp_path / "again")
    assert content(tmp_path / "again") == content(history.folder)
    generate(history.order._replace(seed=12), tmp_path / "other")
    other, same = content(tmp_path / "other"), content(history.folder)
    assert all(other[name] != same[name] for name in same)


def test_a_history_without_days_has_the_same_pages(history: History, tmp_path: Path) -> None:
    generate(history.order._replace(days=False), tmp_path / "again")
    made, same = content(tmp_path / "again"), content(history.folder)
    assert made.keys() == same.keys() - {"days-00000.parquet"}
    assert all(made[name] == same[name] for name in ("pages-00000.parquet", "course-00000.parquet"))


def test_shards_hold_the_same_stays_in_the_same_order(
    bundles: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "SHARD", 400)
    folder = tmp_path_factory.mktemp("shards") / "made"
    told: list[int] = []
    generate(order_of(PACKS[0], bundles, tmp_path_factory.getbasetemp(), cases=1_000), folder, told.append)
    assert told == [400, 400, 200]
    numbers = [f"made-up-11-{number:09}" for number in range(1, 1_001)]
    for table in ("pages", "days", "course"):
        shards = sorted(folder.glob(f"{table}-*.parquet"))
        assert [shard.name for shard in shards] == [f"{table}-{number:05}.parquet" for number in range(3)]
        for number, shard in enumerate(shards):
            keys = pl.read_parquet(shard)["A48"].unique(maintain_order=True).to_list()
            assert keys == numbers[number * 400 : number * 400 + 400]
    pages = pl.concat(pl.read_parquet(shard) for shard in sorted(folder.glob("pages-*")))
    assert pages["B15"].is_sorted()


def test_what_cannot_be_finished_leaves_nothing(
    bundles: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "SHARD", 100)
    folder = tmp_path_factory.mktemp("broken")

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(order_of(PACKS[0], bundles, tmp_path_factory.getbasetemp()), folder / "made", interrupt)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("until", "first"),
    [
        (date(2026, 10, 31), date(2023, 11, 1)),
        (date(2026, 12, 31), date(2024, 1, 1)),
        (date(2028, 2, 28), date(2025, 3, 1)),  # the day after is the 29th, which 2025 has not
        (date(2028, 2, 29), date(2025, 3, 1)),
    ],
)
def test_three_whole_years(until: date, first: date) -> None:
    assert first_day(until) == first
    assert timedelta(days=1094) <= until - first <= timedelta(days=1096)


def test_everything_that_cannot_be_made_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^0 stays.*\nthe seed is -1.*\nthe last .* 1999.*\n.* already"
    ) as told:
        write.check(0, -1, date(1999, 12, 31), tmp_path)
    assert len(str(told.value).splitlines()) == 4
    write.check(1, 0, date(2026, 1, 1), tmp_path / "new")
