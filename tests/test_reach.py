"""What no case can reach: all of it is found where it is planted, and none of it is ever reached."""

from __future__ import annotations

import csv
import os
import runpy
import shutil
import tomllib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casemeter_grouper import walker
from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.kernel import Batch
from casemeter_grouper.pack import passage
from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.load import LoadedPack, load
from casemeter_grouper.pack.reach import unreachable
from draws import draw
from plants import plant
from shared_cases import SCHEMES, read

REPOSITORY = Path(__file__).parents[1]
DATA = REPOSITORY / "tests" / "data"
PLANTS = tomllib.loads((DATA / "planted.toml").read_text("utf-8"))["plant"]
LOOKS = tomllib.loads((DATA / "still_reachable.toml").read_text("utf-8"))["look"]

DRAWS = int(os.environ.get("CASEMETER_DRAWS", "80000"))
"""Cases drawn of each of the thirteen schemes: together a million, unless more are asked for."""


@pytest.fixture(scope="session")
def pack_of(shared: Path) -> Callable[[str], LoadedPack]:
    """Loads a pack of ../shared, once."""
    return cache(lambda name: load(shared / "schemes" / name))


def said(faults: Iterable[Fault]) -> dict[str, tuple[str, str]]:
    """What is out of reach: its kind of fault, and the takers or the reason."""
    return {
        str(fault.details["what"]): (fault.kind, str(fault.details.get("takers", fault.details.get("why"))))
        for fault in faults
        if fault.kind != "set_unused"
    }


def what(add: Sequence[str], mdcs: Iterable[str]) -> str:
    owner, _, name, _ = add
    return name if owner in mdcs else f"{owner} → {name}"


@pytest.mark.parametrize("scheme", sorted({one["scheme"] for one in PLANTS}))
def test_everything_planted_is_found(scheme: str, pack_of: Callable[[str], LoadedPack]) -> None:
    pack = pack_of(scheme)
    plants = [one for one in PLANTS if one["scheme"] == scheme]
    planted = plant(pack, plants)
    mdcs = {mdc.name for mdc in planted.scheme.tree.mdcs}
    expected = {what(one["add"][-1], mdcs): (one["fault"], one["says"]) for one in plants}
    assert said(unreachable(planted)) == said(unreachable(pack)) | expected


def test_at_least_fifty_are_planted() -> None:
    assert len(PLANTS) >= 50
    assert len({one["kind"] for one in PLANTS}) == len(PLANTS)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_reported_is_ever_reached(
    scheme: str,
    shared: Path,
    compiled: Callable[[str], CompiledScheme],
    pack_of: Callable[[str], LoadedPack],
) -> None:
    bundle = compiled(scheme)
    lost = lost_leaves(pack_of(scheme), bundle)
    given = hits(bundle, bundle.encode(one.case for one in read(shared, scheme)))
    drawn = hits(bundle, draw(bundle, DRAWS, seed=2))
    assert not lost & (given | drawn)
    # Draws that reach nothing would prove nothing.
    rows = {number for number, leaf in enumerate(bundle.leaves) if leaf and leaf.row}
    assert len(rows - lost - drawn) <= 0.03 * len(rows)


def hits(scheme: CompiledScheme, batch: Batch) -> set[int]:
    leaves, _ = Grouper(scheme).run(batch)
    return set(np.unique(leaves).tolist())


def lost_leaves(pack: LoadedPack, scheme: CompiledScheme) -> set[int]:
    """The kernel's numbers of the rows that are out of reach, or whose rules are."""
    lines = {(fault.file, fault.row) for fault in unreachable(pack)}
    places = pack.places
    return {
        number
        for number, leaf in enumerate(scheme.leaves)
        if leaf
        and (
            ("adrg.csv", places.rules[leaf.rule.name]) in lines
            or (leaf.row and ("drg.csv", places.rows[leaf.rule.name, leaf.row.seq]) in lines)
        )
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pack that has sets, complications and sites, and no tree yet."""
    return Path(shutil.copytree(DATA / "reach_pack", tmp_path / "pack"))


def write_tree(folder: Path, lines: Sequence[Sequence[str]]) -> tuple[str, str, int]:
    """Write the tree of a pack.

    Returns:
        Of the last line its name in faults, its file, and its line there.
    """
    tables: dict[str, list[list[object]]] = {
        "mdc": [["seq", "mdc", "entry"]],
        "rule": [["mdc", "seq", "rule", "adrg", "when", "otherwise"]],
        "row": [["rule", "seq", "drg", "when"]],
    }
    files = {"mdc": "mdc.csv", "rule": "adrg.csv", "row": "drg.csv"}
    last, name = "", ""
    for seq, (kind, text) in enumerate([*lines, ("", "")], 1):
        if last == "rule" and kind != "row":
            tables["row"].append([f"R{seq - 1}", seq, f"G{seq}", "always"])
        if kind == "mdc":
            mdc = f"M{seq}"
            tables[kind].append([seq, mdc, text])
        elif kind == "rule":
            name = rule = f"R{seq}"
            tables[kind].append([mdc, seq, rule, rule, text, "next"])
        elif kind == "row":
            name = f"{rule} → G{seq}"
            tables[kind].append([rule, seq, f"G{seq}", text])
        last = kind or last
    for kind, rows in tables.items():
        with (folder / files[kind]).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    return name, files[last], len(tables[last])


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look["at"])
def test_what_a_case_comes_to_is_not_reported(look: dict[str, Any], folder: Path) -> None:
    name, *_ = write_tree(folder, look["tree"])
    if look.get("retry"):
        header = folder / "scheme.toml"
        header.write_text(
            header.read_text("utf-8") + "retry_each_procedure_when_ungroupable = true\n", "utf-8"
        )
    pack = load(folder)
    assert said(unreachable(pack)) == {}
    codes = {kind: tuple(look["case"].get(kind, ())) for kind in ("diagnoses", "procedures")}
    case = Case(**{**look["case"], **codes, "diagnoses": codes["diagnoses"] or ("I63.000",)})
    leaf, _ = walker.group(pack.scheme.tree, pack.scheme.tables, case)
    assert leaf
    assert name in (leaf.rule.name, f"{leaf.rule.name} → {leaf.group}")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look["at"])
def test_once_the_way_is_closed_it_is_reported(look: dict[str, Any], folder: Path) -> None:
    *before, last = look["tree"]
    name, file, row = write_tree(folder, [*before, (last[0], look["closed_by"]), last])
    found = [fault for fault in unreachable(load(folder)) if fault.kind != "set_unused"]
    assert [(fault.kind, fault.details["what"]) for fault in found] == [("taken_before", name)]
    assert (found[0].file, found[0].row, found[0].column) == (file, row, "when")


def test_a_rule_out_of_reach_is_reported_once(folder: Path) -> None:
    write_tree(
        folder,
        [("mdc", "always"), ("rule", "always"), ("rule", "pdx in OLD_dx"), ("row", "mcc"), ("row", "always")],
    )
    assert said(unreachable(load(folder))) == {"R3": ("taken_before", "R2")}


def test_takers_are_such_that_a_case_comes_to(folder: Path) -> None:
    write_tree(
        folder, [("mdc", "always"), ("rule", "always"), ("rule", "mcc"), ("rule", "mcc"), ("rule", "mcc")]
    )
    assert set(said(unreachable(load(folder))).values()) == {("taken_before", "R2")}


def test_every_mcc_a_cc_too(folder: Path) -> None:
    rows = [("mdc", "always"), ("rule", "always"), ("row", "cc"), ("row", "mcc")]
    write_tree(folder, rows)
    assert said(unreachable(load(folder))) == {}
    with (folder / "complications.csv").open("a", encoding="utf-8") as file:
        file.write("I46.000,CC,2\nJ96.900,CC,3\n")
    assert said(unreachable(load(folder))) == {"R2 → G4": ("taken_before", "G3")}


def test_sets_that_no_condition_names(folder: Path) -> None:
    named = ("ALL_dx", "OLD_dx", "BREATH_dx", "MCC_dx", "CC_dx", "HEAD_dx", "NONE")
    entry = " or ".join(f"any_dx in {name}" for name in named)
    write_tree(folder, [("mdc", entry), ("rule", "main_proc in ALL_proc"), ("row", "any_proc in PUMP_proc")])
    header = folder / "scheme.toml"
    header.write_text(header.read_text("utf-8") + 'empty_sets = ["NONE", "NOBODY"]\n', "utf-8")
    unused = [fault for fault in unreachable(load(folder)) if fault.kind == "set_unused"]
    assert {(fault.place, fault.details["set"], fault.details["count"]) for fault in unused} == {
        ("code_sets.csv:8:set", "STROKE_dx", 2),
        ("code_sets.csv:20:set", "HEART_proc", 2),
        ("code_sets.csv:22:set", "BRAIN_proc", 1),
        ("scheme.toml:empty_sets", "NOBODY", 0),
    }


def test_what_takes_too_much_work_is_left_open_and_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(
        folder,
        [("mdc", "always"), ("rule", "pdx in ALL_dx and mcc"), ("row", "los_days > 3"), ("rule", "never")],
    )
    assert said(unreachable(load(folder))) == {"R4": ("never_true", "never")}
    monkeypatch.setattr(passage, "MAX_WORK", 1)
    found = [fault for fault in unreachable(load(folder)) if fault.kind != "set_unused"]
    assert [(fault.kind, fault.details["what"]) for fault in found] == [
        ("never_true", "R4"),
        ("reach_undecided", "R2"),
    ]
    assert found[1].details["count"] == 2


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_report_says_what_is_found(scheme: str, pack_of: Callable[[str], LoadedPack]) -> None:
    script = runpy.run_path(str(REPOSITORY / "scripts" / "unreachable_report.py"))
    pack = pack_of(scheme)
    faults = unreachable(pack)
    report = (REPOSITORY / "docs" / "unreachable.md").read_text("utf-8")
    assert script["count_line"](pack, faults) in report
    section = script["section"](pack, faults)
    assert section in report
    assert bool(section) == (f"({scheme})" in report)
