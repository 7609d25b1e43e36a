"""Every kind of fault of a rules pack, and where it is reported."""

from __future__ import annotations

import shutil
import time
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from casemeter_grouper.pack.build import build
from casemeter_grouper.pack.faults import Fault, PackError
from casemeter_rules.checking import check_rules
from casemeter_rules.compiled.book import Book

DATA = Path(__file__).parent / "data"
TINY = DATA / "tiny_rules"
CASES = tomllib.loads((DATA / "rules_faults.toml").read_text("utf-8"))["case"]
TODAY = date(2026, 6, 1)


def change(folder: Path, case: dict[str, Any]) -> None:
    path = folder / case["file"]
    text = path.read_text("utf-8") if path.exists() else ""
    if "replace" in case:
        old, new = case["replace"]
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new), "utf-8")
    elif "append" in case:
        path.write_text(text + case["append"], "utf-8")
    elif "conditions" in case:
        more = (
            f"asked_{number},los_days > {number},order,x,,,x,x,x,x,x\n"
            for number in range(case["conditions"])
        )
        path.write_text(text + "".join(more), "utf-8")
    else:
        path.unlink()


def name_of(case: dict[str, Any]) -> str:
    return "+".join(sorted({fault.split()[-1] for fault in case["faults"]})) + f"@{case['file']}"


def shown(faults: list[Fault]) -> Counter[str]:
    return Counter(f"{fault.severity} {fault.place} {fault.kind}" for fault in faults)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "pack"))


def test_the_tiny_pack_has_no_fault() -> None:
    assert [fault.line() for fault in check_rules(TINY, today=TODAY)] == []


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_each_fault_is_reported_where_it_is(case: dict[str, Any], pack: Path) -> None:
    change(pack, case)
    found = check_rules(pack, today=TODAY)
    assert shown(found) == Counter(case["faults"])
    for fault in found:
        for language in ("en", "zh"):
            assert len(fault.line(language).splitlines()) == 1


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_pack_builds_unless_its_tables_have_errors(
    case: dict[str, Any], pack: Path, tmp_path: Path
) -> None:
    """Errors of examples are found when the pack is checked: building does not try it."""
    change(pack, case)
    errors = [fault for fault in case["faults"] if fault.startswith("error") and "examples.csv" not in fault]
    target = tmp_path / "out.bundle"
    if errors:
        with pytest.raises(PackError):
            build(pack, target)
    else:
        build(pack, target)
        assert Book.open(target).header.id == "tiny_rules"


def test_all_faults_of_a_pack_are_reported_at_once(pack: Path) -> None:
    cases = [
        case
        for case in CASES
        if name_of(case) in ("bad_cell@sex.csv", "bad_row@age.csv", "unknown_file@sexes.csv")
    ]
    chosen = [cases[0], cases[1], cases[-1]]
    for case in chosen:
        change(pack, case)
    assert shown(check_rules(pack)) == Counter(fault for case in chosen for fault in case["faults"])


def test_one_bad_row_among_many_is_named(tmp_path: Path) -> None:
    rows = [f"{310_000_000 + number},M,限性别" for number in range(50_000)]
    rows[31_415] = "31,X,限性别"
    (tmp_path / "rules.toml").write_text('id = "many"\nkind = "rules"\ntitle = "Many"\n', "utf-8")
    (tmp_path / "sex.csv").write_text("\n".join(["codes,sex,basis", *rows, ""]), "utf-8")
    start = time.perf_counter()
    assert shown(check_rules(tmp_path)) == Counter(["error sex.csv:31417:sex bad_cell"])
    assert time.perf_counter() - start < 20


def test_progress_is_told(pack: Path) -> None:
    told: list[tuple[int, int]] = []
    check_rules(pack, lambda done, of: told.append((done, of)), TODAY)
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1] > 0
