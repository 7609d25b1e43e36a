"""What rules ask of hospitals and insurers: levels, specialities, and kinds of insurance."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

MAX_LEVEL: Final = 3
"""Hospitals are of level 1 (一级) to 3 (三级)."""


@dataclass(frozen=True, slots=True)
class Facility:
    """One hospital.

    Attributes:
        level: 1 to 3; ``None``: unknown.
        kind: what it is specialised in; empty: a general hospital, or unknown.
    """

    level: int | None = None
    kind: str = ""


def insurance_kind(code: str, *, self_pay: bool) -> str | None:
    """Return the kind of an insurance by its national code (险种类型) or its name; ``None``: unknown."""
    if self_pay:
        return "self_pay"
    return _kinds().get(code)


@cache
def _kinds() -> Mapping[str, str]:
    text = resources.files("casemeter_server").joinpath("insurance.toml").read_text("utf-8")
    return {code: kind for kind, codes in tomllib.loads(text).items() for code in codes}
