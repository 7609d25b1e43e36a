"""Packs for the fuzzers: the tiny pack of the tests, a slice of the shipped pack, and the whole of it."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from casemeter_grouper.pack.load import load
from casemeter_grouper.pack.pin import pin_pack
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.scheme import VALID_PROCEDURES, Tree

TINY = Path(__file__).parent.parent / "tests" / "data" / "tiny_pack"
NAMES = ("tiny", "slice", "whole")
"""The packs, the smallest first."""

SLICE_MDCS = ("MDCA", "MDCP", "MDCY", "MDCZ", "MDCB")
"""MDCs of the slice: transplants, newborns, HIV, several traumas, and one with many rules."""

_CODES_IN_SLICE = 2_000

Row = dict[str, str]


def pack(name: str, folder: Path) -> Path:
    """Write the pack of a name into a folder that does not exist yet, and return the folder."""
    if name == "slice":
        _slice(find_pack("chs_drg_11"), folder)
    else:
        shutil.copytree(TINY if name == "tiny" else find_pack("chs_drg_11"), folder)
    return folder


def _slice(source: Path, target: Path) -> None:
    """Write a part of a pack that is read in a fraction of the time, with small dictionaries of its own."""
    scheme = load(source).scheme
    mdcs = tuple(mdc for mdc in scheme.tree.mdcs if mdc.name in SLICE_MDCS)
    rules = {rule.name for mdc in mdcs for rule in mdc.rules}
    sets = frozenset().union(*Tree(mdcs).sets_used) - {VALID_PROCEDURES}
    keep: dict[str, Callable[[int, Row], bool]] = {
        "mdc.csv": lambda _, row: row["mdc"] in SLICE_MDCS,
        "adrg.csv": lambda _, row: row["mdc"] in SLICE_MDCS,
        "drg.csv": lambda _, row: row["rule"] in rules,
        "drg_names.csv": lambda _, row: row["drg"][:3] in {rule[:3] for rule in rules},
        "code_sets.csv": lambda at, row: row["set"] in sets and at % 9 == 0,
    }
    target.mkdir()
    for path in source.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        wanted: Callable[[int, Row], bool] = keep.get(path.name, _some)
        kept = [row for at, row in enumerate(rows) if wanted(at, row)]
        _write(target / path.name, list(rows[0]), kept)
        if path.name == "code_sets.csv":
            filled = {row["set"] for row in kept}
            named = tuple(row["code"] for row in kept)
    for name, known in (("diagnoses", scheme.diagnoses), ("procedures", scheme.procedures)):
        codes = [code for at, code in enumerate(known) if at % 60 == 0 or code.startswith(named)]
        _write(target / f"{name}.csv", ["code", "name"], [{"code": code} for code in codes[:_CODES_IN_SLICE]])
    for name in ("diagnosis_map", "procedure_map"):
        _write(target / f"{name}.csv", ["hospital_code", "grouper_code"], [])
    empty = ", ".join(f'"{name}"' for name in sorted(sets - filled))
    header = (source / "scheme.toml").read_text("utf-8").partition("[counts]")[0]
    (target / "scheme.toml").write_text(header.replace("empty_sets = []", f"empty_sets = [{empty}]"), "utf-8")
    pin_pack(target)


def _some(at: int, _: Row) -> bool:
    return at % 15 == 0


def _write(path: Path, columns: list[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
