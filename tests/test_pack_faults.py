"""Every kind of fault of a pack, where it is reported, and what is said about it."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from casemeter_grouper.pack.faults import Fault, PackError, catalogue
from casemeter_grouper.pack.load import load
from casemeter_grouper.pack.words import SaidError, word

DATA = Path(__file__).parent / "data"
TINY = DATA / "tiny_pack"
CASES = tomllib.loads((DATA / "pack_faults.toml").read_text("utf-8"))["case"]

FOUND_BY_REACH = {"set_unused", "never_true", "taken_before", "reach_undecided"}
"""Kinds that only the search for unreachable rows reports; it has its own tests."""


def faults_of(folder: Path) -> list[Fault]:
    try:
        return list(load(folder).faults)
    except PackError as error:
        return list(error.faults)


def change(folder: Path, case: dict[str, Any]) -> None:
    path = folder / case["file"]
    if "replace" in case:
        old, new = case["replace"]
        text = path.read_text("utf-8")
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new), "utf-8")
    elif "append" in case:
        path.write_text(path.read_text("utf-8") + case["append"], "utf-8")
    elif "append_hex" in case:
        path.write_bytes(path.read_bytes() + bytes.fromhex(case["append_hex"]))
    elif "sites" in case:
        rows = "".join(f"S06.000,site {number}\n" for number in range(case["sites"]))
        path.write_text(path.read_text("utf-8") + rows, "utf-8")
    else:
        path.unlink()
        if case.get("loop"):
            path.symlink_to(path.name)


def name_of(case: dict[str, Any]) -> str:
    return "+".join(sorted({fault.split()[-1] for fault in case["faults"]})) + f"@{case['file']}"


def shown(faults: list[Fault]) -> Counter[str]:
    return Counter(f"{fault.severity} {fault.place} {fault.kind}" for fault in faults)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_each_fault_is_reported_where_it_is(case: dict[str, Any], tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(TINY, pack)
    change(pack, case)
    expected = Counter(case["faults"])
    found = shown(faults_of(pack))
    if not any(" code_sets.csv:1:" in fault for fault in expected):  # unless the table is not read at all
        found -= shown(faults_of(TINY))
    assert found == expected


def test_the_tiny_pack_has_no_error_and_one_warning() -> None:
    assert shown(faults_of(TINY)) == Counter(["warning code_sets.csv:7:code unknown_code"])


def test_every_kind_has_a_case() -> None:
    names = ("pack", "dip", "payment", "rules")
    tables = [tomllib.loads((DATA / f"{name}_faults.toml").read_text("utf-8")) for name in names]
    covered = {fault.split()[-1] for table in tables for case in table["case"] for fault in case["faults"]}
    assert covered == set(catalogue()) - FOUND_BY_REACH


def test_faults_of_one_pack_are_reported_at_once(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(TINY, pack)
    chosen = ("mdc_twice", "bad_weight", "bad_match", "dates_reversed", "two_meanings", "rule_twice")
    cases = [next(c for c in CASES if c["faults"][0].endswith(kind)) for kind in chosen]
    for case in cases:
        change(pack, case)
    assert shown(faults_of(pack)) >= Counter(fault for case in cases for fault in case["faults"])


def test_a_missing_folder_names_every_missing_file(tmp_path: Path) -> None:
    found = faults_of(tmp_path / "nothing")
    assert {fault.kind for fault in found} == {"missing_file"}
    assert len(found) == 10


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", sorted(catalogue()))
def test_every_sentence_can_be_said(kind: str, language: str) -> None:
    entry = catalogue()[kind]
    assert entry["severity"] in ("error", "warning")
    names = {
        name
        for part in ("problem", "mend")
        for tongue in ("en", "zh")
        for name in re.findall(r"{(\w+)}", entry[f"{part}_{tongue}"])
    }
    details = {name: f"<{name}>" for name in names}
    fault = Fault(kind, "file.csv", 3, "column", details)
    line = fault.line(language)
    assert line.startswith(f"file.csv:3:column: {entry['severity']}: ")
    assert "{" not in line
    assert "}" not in line


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_reported_fault_is_one_line_in_both_languages(case: dict[str, Any], tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(TINY, pack)
    change(pack, case)
    for fault in faults_of(pack):
        for language in ("en", "zh"):
            assert len(fault.line(language).splitlines()) == 1
            assert fault.problem(language)
            assert fault.mend(language)


def test_errors_are_said_in_both_languages() -> None:
    error = SaidError("target_taken", path="packs/mine")
    assert str(error) == "packs/mine is there already; name a folder that does not exist yet"
    assert "packs/mine" in error.text("zh")
    assert word("info", "groups", "zh") == "分组数"
