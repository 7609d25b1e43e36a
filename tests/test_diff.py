"""What differs between two packs, or between a pack and a bundle."""

from __future__ import annotations

import json
import shutil
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.pack import changes
from casemeter_grouper.pack.build import build
from casemeter_grouper.pack.changes import Change, Moved
from casemeter_grouper.pack.diff import SchemeDiff, diff
from casemeter_grouper.pack.diff_text import diff_lines
from casemeter_grouper.pack.fold import fold_pack
from casemeter_grouper.pack.info import info
from casemeter_grouper.pack.load import load
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.scheme import Scheme

TINY = Path(__file__).parent / "data" / "tiny_pack"


def edited(folder: Path, edits: list[tuple[str, str, str]]) -> Scheme:
    """The tiny pack with texts replaced; the old text stands exactly once."""
    shutil.copytree(TINY, folder)
    for file, old, new in edits:
        path = folder / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new), "utf-8")
    return load(folder).scheme


Edits = list[tuple[str, str, str]]
Parts = dict[str, list[Change] | list[Moved]]

CASES: dict[str, tuple[Edits, Parts]] = {
    "title": (
        [("scheme.toml", "Tiny scheme", "Small scheme")],
        {"header": [Change("", "title", "Tiny scheme", "Small scheme")]},
    ),
    "option": (
        [("scheme.toml", "ungroupable = true", "ungroupable = false")],
        {"header": [Change("", "retry_each_procedure_when_ungroupable", "true", "false")]},
    ),
    "group renamed": (
        [("drg_names.csv", "BR29,Other stroke", "BR29,Stroke without more")],
        {"groups": [Change("BR29", "name", "Other stroke", "Stroke without more")]},
    ),
    "weight": (
        [("weights.csv", "BB11,,3.5", "BB11,,3.25")],
        {"groups": [Change("BB11", "weight", "3.5", "3.25")]},
    ),
    "entry": (
        [("mdc.csv", "pdx in B_dx", "pdx in B_dx and age_days > 28")],
        {"mdcs": [Change("MDCB", "entry", "pdx in B_dx", "pdx in B_dx and age_days > 28")]},
    ),
    "blanks in a condition": ([("mdc.csv", "pdx in B_dx", "(pdx  in B_dx)")], {}),
    "MDC moved": (
        [("mdc.csv", "1,MDCA", "9,MDCA")],
        {"mdcs": [Change("MDCA", "order", "1", "3")]},
    ),
    "rule moved": (
        [("adrg.csv", "MDCB,1,BB1", "MDCB,9,BB1")],
        {"rules": [Change("BB1", "order", "1", "4")]},
    ),
    "rule in another MDC": (
        [("adrg.csv", "MDCC,1,CR1", "MDCA,2,CR1")],
        {"rules": [Change("CR1", "mdc", "MDCC", "MDCA")]},
    ),
    "rule's condition": (
        [("adrg.csv", "CR1,CR1,pdx in C_dx,next", "CR1,CR1,any_dx in C_dx,next")],
        {"rules": [Change("CR1", "when", "pdx in C_dx", "any_dx in C_dx")]},
    ),
    "otherwise": (
        [("adrg.csv", "CR1,CR1,pdx in C_dx,next", "CR1,CR1,pdx in C_dx,CR1")],
        {"rules": [Change("CR1", "otherwise", "next", "CR1")]},
    ),
    "rule removed with its group": (
        [
            ("adrg.csv", "MDCB,4,BR2,BR2,always,BR2\n", ""),
            ("drg.csv", "BR2,1,BR29,always\n", ""),
        ],
        {
            "groups": [Change("BR29", "removed", "Other stroke")],
            "rules": [Change("BR2", "removed", "always")],
        },
    ),
    "subdivision added": (
        [("drg.csv", "CR1,1,CR19,los_days >= 2", "CR1,1,CR19,los_days >= 2\nCR1,2,CR11,always")],
        {
            "groups": [Change("CR11", "added", "", "")],
            "rows": [Change("CR1 → CR11", "added", "", "always")],
        },
    ),
    "subdivision's condition": (
        [("drg.csv", "BR1,2,BR13,cc", "BR1,2,BR13,cc or mcc")],
        {"rows": [Change("BR1 → BR13", "when", "cc", "cc or mcc")]},
    ),
    "subdivisions in another order": (
        [("drg.csv", "BR1,1,BR11", "BR1,4,BR11")],
        {"rows": [Change("BR1 → BR11", "order", "1", "3")]},
    ),
    "set added": (
        [("code_sets.csv", "C_dx,S32.000,\n", "C_dx,S32.000,\nU_dx,S32.000,\n")],
        {"sets": [Change("U_dx", "added", "", "1")]},
    ),
    "codes moved": (
        [("code_sets.csv", "B_dx,I63.900x001,except", "B_dx,I63.000,except")],
        {"members": [Moved("B_dx", ("I63.900x001",), ("I63.000",))]},
    ),
    "valid procedures": (
        [("valid_procedures.csv", "01.2400,Craniotomy,", "01.2500,,")],
        {"members": [Moved("VALID_PROCEDURES", ("01.2500",), ("01.2400",))]},
    ),
    "known codes": (
        [("code_sets.csv", "B_proc,99.9999,", "B_proc,99.9998,")],
        {
            "members": [Moved("B_proc", ("99.9998",), ("99.9999",))],
            "known": [Moved("procedures", ("99.9998",), ("99.9999",))],
        },
    ),
    "level": (
        [("complications.csv", "J96.900,CC,3", "J96.900,MCC,3")],
        {"complications": [Change("J96.900", "complication", "CC 3", "MCC 3")]},
    ),
    "complication removed": (
        [("complications.csv", "I46,MCC,2,prefix", "I46.000,MCC,2,")],
        {"complications": [Change("I46.900", "complication", "MCC 2", "")]},
    ),
    "exclusion": (
        [("exclusions.csv", "I63.900,3", "I63.900,2")],
        {"exclusions": [Change("I63.900", "exclusion_table", "3", "2")]},
    ),
    "another name for an exclusion table": (
        [("exclusions.csv", "I63.900,3", "I63.900,7"), ("complications.csv", "J96.900,CC,3", "J96.900,CC,7")],
        {"exclusion_tables": [Change("3", "table", "3", "7")]},
    ),
    "two exclusion tables exchange their names": (
        [
            ("exclusions.csv", "E11.900,1\nI46.000,2", "E11.900,2\nI46.000,1"),
            ("complications.csv", "E11.900,CC,1,\nI46,MCC,2,prefix", "E11.900,CC,2,\nI46,MCC,1,prefix"),
        ],
        {"exclusion_tables": [Change("1", "table", "1", "2"), Change("2", "table", "2", "1")]},
    ),
    "two exclusion tables become one": (
        [
            ("exclusions.csv", "E11.900,1\n", "E11.900,2\n"),
            ("complications.csv", "E11.900,CC,1,", "E11.900,CC,2,"),
        ],
        {
            "complications": [Change("E11.900", "complication", "CC 1", "CC 2")],
            "exclusions": [Change("E11.900", "exclusion_table", "1", "2")],
        },
    ),
    "an exclusion table loses its name to another": (
        [
            ("exclusions.csv", "E11.900,1\n", "E11.900,2\n"),
            ("complications.csv", "E11.900,CC,1,\nI46,MCC,2,prefix\n", "E11.900,CC,2,\n"),
        ],
        {
            "exclusion_tables": [Change("1", "table", "1", "2")],
            "complications": [
                Change("I46.000", "complication", "MCC 2 (old)", ""),
                Change("I46.900", "complication", "MCC 2 (old)", ""),
            ],
            "exclusions": [Change("I46.000", "exclusion_table", "2 (old)", "2")],
        },
    ),
    "site": (
        [("trauma_sites.csv", "S32.000,pelvis", "S32.000,trunk")],
        {"trauma_sites": [Change("S32.000", "site", "pelvis", "trunk")]},
    ),
}


def parts_of(found: SchemeDiff) -> Parts:
    return {name: list(part) for name in found.to_dict() if (part := getattr(found, name))}


@pytest.mark.parametrize("name", CASES)
def test_each_difference_is_found_and_nothing_else(name: str, tmp_path: Path) -> None:
    edits, expected = CASES[name]
    before, after = load(TINY).scheme, edited(tmp_path / "after", edits)
    assert parts_of(diff(before, after)) == expected


def test_every_difference_is_found_backwards_too(tmp_path: Path) -> None:
    before = load(TINY).scheme
    for name, (edits, expected) in CASES.items():
        found = parts_of(diff(edited(tmp_path / name, edits), before))
        assert found.keys() == expected.keys(), name


def test_a_scheme_does_not_differ_from_itself_however_it_is_written(tmp_path: Path) -> None:
    pack = load(TINY).scheme
    fold_pack(TINY, tmp_path / "folded")
    compiled = CompiledScheme.open(build(TINY, tmp_path / "tiny.bundle").target)
    ways: list[Scheme | CompiledScheme] = [pack, load(tmp_path / "folded").scheme, compiled]
    for first, second in permutations(ways, 2):
        assert not diff(first, second)
    assert list(diff_lines(diff(pack, compiled), {})) == ["no difference"]
    assert list(diff_lines(diff(pack, compiled), {}, "zh")) == ["没有差异"]


def test_beside_a_bundle_only_tested_sets_are_compared(tmp_path: Path) -> None:
    after = edited(tmp_path / "after", CASES["set added"][0])
    assert diff(load(TINY).scheme, after).sets
    assert not diff(CompiledScheme.open(build(TINY, tmp_path / "tiny.bundle").target), after)


def test_a_difference_is_plain_json(tmp_path: Path) -> None:
    found = diff(load(TINY).scheme, edited(tmp_path / "after", CASES["codes moved"][0])).to_dict()
    assert json.loads(json.dumps(found))["members"] == [
        {"name": "B_dx", "codes_in": ["I63.900x001"], "codes_out": ["I63.000"]}
    ]


TEXTS: dict[str, dict[str, Any]] = {
    "title": {
        "en": ["Header (1)", "  ~ title: Tiny scheme → Small scheme"],
        "zh": ["表头 (1)", "  ~ 标题: Tiny scheme → Small scheme"],
    },
    "rule removed with its group": {
        "en": ["Groups (1)", "  - BR29  Other stroke", "Rules (1)", "  - BR2  always"],
    },
    "codes moved": {
        "en": [
            "Sets whose codes moved (1)",
            "  B_dx  +1 (I63.900x001 Cerebral infarction (old));"
            " -1 (I63.000 Cerebral infarction by thrombosis)",
        ],
    },
    "level": {
        "en": [
            "Complications and comorbidities (1)",
            "  CC 3 → MCC 3: 1 code(s) (J96.900 Respiratory failure)",
        ],
        "zh": ["并发症与合并症 (1)", "  CC 3 → MCC 3: 1 个编码 (J96.900 Respiratory failure)"],
    },
    "complication removed": {
        "en": ["Complications and comorbidities (1)", "  MCC 2 → none: 1 code(s) (I46.900 Cardiac arrest)"],
    },
}


@pytest.mark.parametrize(("name", "language"), [(name, tongue) for name in TEXTS for tongue in TEXTS[name]])
def test_differences_read_as_text(name: str, language: str, tmp_path: Path) -> None:
    before = load(TINY).scheme
    names = {**before.code_names[0], **before.code_names[1]}
    found = diff(before, edited(tmp_path / "after", CASES[name][0]))
    assert list(diff_lines(found, names, language)) == TEXTS[name][language]


def test_every_difference_can_be_said_in_both_languages(tmp_path: Path) -> None:
    before = load(TINY).scheme
    for name, (edits, expected) in CASES.items():
        found = diff(before, edited(tmp_path / name, edits))
        for language in ("en", "zh"):
            lines = list(diff_lines(found, {}, language))
            assert len(lines) >= 2 if expected else len(lines) == 1


def test_long_parts_are_cut_and_counted(shared: Path) -> None:
    before, after = (
        load(path).scheme for path in (shared / "schemes" / "chs_drg_10", find_pack("chs_drg_11"))
    )
    found = diff(before, after)
    short, whole = list(diff_lines(found, {}, limit=5)), list(diff_lines(found, {}, limit=None))
    assert len(short) < 80 < len(whole)
    assert sum(line.startswith("  … and ") for line in short) > 5
    assert not any(line.startswith("  … and ") for line in whole)
    groups = {change.name for change in found.groups if change.what in ("added", "removed")}
    assert {"PC19", "PC13", "PC15"} <= groups
    # The two number their exclusion tables differently; only 1,531 principal diagnoses changed theirs.
    assert len(found.exclusion_tables) > 150
    assert len(found.exclusions) < 2_000


@given(st.permutations(list("abcdefg")))
def test_the_fewest_names_are_said_to_have_moved(after: list[str]) -> None:
    before = list("abcdefg")
    moved = {change.name for change in changes.order(before, after)}
    assert [name for name in before if name not in moved] == [name for name in after if name not in moved]
    longest = max(
        bin(kept).count("1")
        for kept in range(1 << 7)
        if [n for i, n in enumerate(before) if kept >> i & 1]
        == [n for n in after if kept >> before.index(n) & 1]
    )
    assert len(moved) == 7 - longest


def test_facts_of_a_pack_and_its_bundle_agree(tmp_path: Path) -> None:
    pack, compiled = info(load(TINY)), info(CompiledScheme.open(build(TINY, tmp_path / "t.bundle").target))
    own = {"kind", "path", "sha256", "compiler", "pinned_sha256", "size_bytes"}
    first, second = pack.to_dict(), compiled.to_dict()
    assert {k: v for k, v in first.items() if k not in own} == {
        k: v for k, v in second.items() if k not in own
    }
    assert (pack.mdcs, pack.rules, pack.adrgs, pack.groups, pack.sets) == (3, 7, 6, 11, 6)
    assert (pack.mcc, pack.cc, pack.exclusions, pack.exclusion_tables, pack.sites) == (2, 2, 3, 3, 2)
    assert pack.pinned_sha256 == pack.dictionary_sha256
    assert compiled.compiler is not None
    assert "groups: 11" in list(pack.lines())
    assert "分组数: 11" in list(compiled.lines("zh"))


def test_facts_of_the_shipped_pack() -> None:
    facts = info(load(find_pack("chs_drg_11")))
    assert (facts.mdcs, facts.adrgs, facts.groups, facts.diagnoses, facts.procedures) == (
        26,
        376,
        628,
        33308,
        13686,
    )
