"""Every kind of fault of a DIP catalogue, and where it is reported."""

from __future__ import annotations

import shutil
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from casemeter_grouper.pack.build import build
from casemeter_grouper.pack.faults import Fault, PackError
from casemeter_grouper.pack.kinds import check_pack

DATA = Path(__file__).parent / "data"
TINY = DATA / "tiny_dip"
CASES = tomllib.loads((DATA / "dip_faults.toml").read_text("utf-8"))["case"]


def change(folder: Path, case: dict[str, Any]) -> None:
    path = folder / case["file"]
    if "replace" in case:
        old, new = case["replace"]
        text = path.read_text("utf-8")
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new), "utf-8")
    elif "append" in case:
        path.write_text(path.read_text("utf-8") + case["append"], "utf-8")
    else:
        path.unlink()


def name_of(case: dict[str, Any]) -> str:
    return "+".join(sorted({fault.split()[-1] for fault in case["faults"]})) + f"@{case['file']}"


def shown(faults: list[Fault]) -> Counter[str]:
    return Counter(f"{fault.severity} {fault.place} {fault.kind}" for fault in faults)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "pack"))


def test_the_tiny_catalogue_has_no_fault() -> None:
    assert check_pack(TINY) == []


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_each_fault_is_reported_where_it_is(case: dict[str, Any], pack: Path) -> None:
    change(pack, case)
    found = check_pack(pack)
    assert shown(found) == Counter(case["faults"])
    for fault in found:
        for language in ("en", "zh"):
            assert len(fault.line(language).splitlines()) == 1


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_pack_builds_exactly_when_it_has_no_error(case: dict[str, Any], pack: Path, tmp_path: Path) -> None:
    change(pack, case)
    target = tmp_path / "out.bundle"
    errors = [fault for fault in case["faults"] if fault.startswith("error")]
    if not errors:
        build(pack, target)
        return
    with pytest.raises(PackError) as caught:
        build(pack, target)
    assert sum(fault.severity == "error" for fault in caught.value.faults) == len(errors)
    assert not target.exists()


def test_faults_of_one_pack_are_reported_at_once(pack: Path) -> None:
    chosen = (
        "not_a_decimal@catalogue.csv",
        "two_meanings@procedure_kinds.csv",
        "mean_is_zero@measures.csv",
        "wrong_type@scheme.toml",
        "bad_group_kind@catalogue.csv",
    )
    cases = [next(case for case in CASES if name_of(case) == name) for name in chosen]
    for case in cases:
        change(pack, case)
    assert shown(check_pack(pack)) >= Counter(fault for case in cases for fault in case["faults"])


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ('kind = "dip"', "kind = dip", "bad_toml"),
        ('kind = "dip"', "", "missing_key"),
        ('kind = "dip"', 'kind = "dpi"', "wrong_kind"),
    ],
)
def test_a_header_that_does_not_say_the_kind_is_its_only_fault(
    old: str, new: str, kind: str, pack: Path
) -> None:
    change(pack, {"file": "scheme.toml", "replace": [old, new]})
    assert [fault.kind for fault in check_pack(pack)] == [kind]


@pytest.mark.parametrize(
    ("code", "principal", "mains"),
    [("A1", "I21.4", ""), ("I21.4:ablation", "I21.4", "99.1000"), ("C56.X:99.1000", "I21.4", "99.1000")],
)
def test_a_code_in_another_style_is_a_name_and_not_judged(
    code: str, principal: str, mains: str, pack: Path
) -> None:
    """Only a code in the published style that says something else is noted."""
    path = pack / "catalogue.csv"
    text = path.read_text("utf-8").replace(
        "I21.4,core,I21.4,Subendocardial infarction,",
        f"{code},core,{principal},Subendocardial infarction,{mains}",
    )
    path.write_text(text, "utf-8")
    measures = pack / "measures.csv"
    measures.write_text(measures.read_text("utf-8").replace("I21.4,", f"{code},"), "utf-8")
    assert [fault.kind for fault in check_pack(pack)] == (["group_code_disagrees"] if ":" in code else [])


def test_main_procedures_tell_groups_apart_where_they_must_match(pack: Path) -> None:
    row = "I20.0:88.5600_36.0700,core,I20.0,,88.5600,36.0700,,1\n"
    change(pack, {"file": "catalogue.csv", "append": row})
    assert {"same_procedures", "loses_always"} <= {fault.kind for fault in check_pack(pack)}
    change(pack, {"file": "scheme.toml", "replace": ["must_match = false", "must_match = true"]})
    assert not {"same_procedures", "loses_always"} & {fault.kind for fault in check_pack(pack)}
