"""The official rule types of the national framework (智能监管规则库, 88 types) that rules belong to."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple


class OfficialType(NamedTuple):
    """One type: its number, its code in framework 1.0 (empty: new in 2025), and the family it is in."""

    number: int
    code: str
    name: str
    family: str
    subfamily: str


@cache
def official_types() -> Mapping[str, OfficialType]:
    """Return the types by their Chinese name, in the framework's order."""
    text = resources.files("casemeter_rules").joinpath("official_types.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        row["name"]: OfficialType(
            int(row["number"]), row["code"], row["name"], row["family"], row["subfamily"]
        )
        for row in rows
    }
