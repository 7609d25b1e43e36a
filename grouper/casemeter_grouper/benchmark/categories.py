"""The fee categories that charges and benchmarks are told apart by."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final, NamedTuple

FRONT_PAGE: Final = "front_page"
SETTLEMENT_LIST: Final = "settlement_list"
SYSTEMS: Final = (FRONT_PAGE, SETTLEMENT_LIST)
"""Systems of fee categories. No crosswalk between them is published."""


class Category(NamedTuple):
    """One fee category."""

    code: str
    name_zh: str
    name_en: str


@cache
def categories(system: str) -> Mapping[str, Category]:
    """Return the categories of a system by code, in the order they are printed.

    Args:
        system: one of :data:`SYSTEMS`.

    Raises:
        KeyError: there is no such system.
    """
    text = resources.files("casemeter_grouper.benchmark").joinpath("categories.toml").read_text("utf-8")
    entries = tomllib.loads(text)[system]
    return MappingProxyType(
        {code: Category(code, entry["zh"], entry["en"]) for code, entry in entries.items()}
    )
