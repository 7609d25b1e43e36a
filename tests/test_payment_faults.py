"""Every kind of fault of payment and benchmark packs, where it is reported, and that none is built."""

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
from casemeter_grouper.payment.load import check_payment

DATA = Path(__file__).parent / "data"
CASES = tomllib.loads((DATA / "payment_faults.toml").read_text("utf-8"))["case"]


def change(pack: Path, case: dict[str, Any]) -> None:
    path = pack / case["file"]
    if "replace" in case:
        old, new = case["replace"]
        text = path.read_text("utf-8")
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new), "utf-8")
    elif "append" in case:
        path.write_text((path.read_text("utf-8") if path.exists() else "") + case["append"], "utf-8")
    else:
        path.unlink()


def changed(case: dict[str, Any], tmp_path: Path) -> Path:
    pack = tmp_path / "pack"
    shutil.copytree(DATA / case["pack"], pack)
    change(pack, case)
    return pack


def checked(case: dict[str, Any], pack: Path) -> list[Fault]:
    """Faults of a pack that may have lost its header, and with it its kind."""
    if (pack / case["file"]).name.endswith(".toml") and case.get("remove"):
        return check_payment(pack)
    return check_pack(pack)


def name_of(case: dict[str, Any]) -> str:
    return "+".join(sorted({fault.split()[-1] for fault in case["faults"]})) + f"@{case['file']}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_each_fault_is_reported_where_it_is(case: dict[str, Any], tmp_path: Path) -> None:
    faults = checked(case, changed(case, tmp_path))
    assert Counter(f"{f.severity} {f.place} {f.kind}" for f in faults) == Counter(case["faults"])
    for fault in faults:
        for language in ("en", "zh"):
            assert len(fault.line(language).splitlines()) == 1


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_no_pack_with_an_error_is_built(case: dict[str, Any], tmp_path: Path) -> None:
    pack, target = changed(case, tmp_path), tmp_path / "x.bundle"
    if all(fault.startswith("warning") for fault in case["faults"]):
        build(pack, target)
        assert target.exists()
    else:
        with pytest.raises(PackError):
            build(pack, target)
        assert not target.exists()


@pytest.mark.parametrize("name", ["tiny_payment", "tiny_rate", "tiny_benchmark"])
def test_the_tiny_packs_have_no_faults(name: str) -> None:
    assert check_pack(DATA / name) == []


def test_faults_of_one_pack_are_reported_at_once(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(DATA / "tiny_payment", pack)
    chosen = ("weight_twice", "dates_gap", "bands_gap", "adds_nothing", "insurance_twice", "no_condition")
    cases = [next(case for case in CASES if case["faults"][0].endswith(kind)) for kind in chosen]
    for case in cases:
        change(pack, case)
    found = Counter(f"{f.severity} {f.place} {f.kind}" for f in check_pack(pack))
    assert found >= Counter(fault for case in cases for fault in case["faults"])
