"""The policy by which a benchmark is measured: years and their weights, trimming, least number of cases."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any, Final

from casemeter_grouper.benchmark.fitting.quantiles import MAX_YEARS
from casemeter_grouper.benchmark.load import ADRG
from casemeter_grouper.benchmark.load import POLICY as FILE
from casemeter_grouper.pack.faults import nearest

IQR: Final = "iqr"
NONE: Final = "none"
_MAX_WEIGHT: Final = 1000
_MAX_CASES: Final = 1_000_000
_MAX_DAY: Final = 3650
_MAX_FACTOR: Final = 100
_KEYS: Final = ("year_weights", "least_cases", "last_day", "fallback", "trimming")
_TRIMMING_KEYS: Final = ("method", "below", "above")


class PolicyError(ValueError):
    """A policy that cannot be used.

    Attributes:
        faults: everything that is wrong with it, each with its place and how to mend it.
    """

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


@dataclass(frozen=True, slots=True)
class Policy:
    """How a benchmark is measured.

    Attributes:
        year_weights: weight of each calendar year, the oldest first (1 to 1000).
        least_cases: cases after trimming from which a group is measured by itself (1 to 1,000,000).
        last_day: day of stay with which costs by day end at the latest (1 to 3650).
        falls_back: whether a group with fewer cases is measured by all cases of its ADRG.
        trims: whether costs far from the others are set aside.
        below: interquartile ranges below the first quartile from which a cost is set aside (0 to 100).
        above: likewise above the third.
    """

    year_weights: tuple[int, ...]
    least_cases: int
    last_day: int
    falls_back: bool
    trims: bool
    below: Fraction
    above: Fraction


def shipped_policy() -> str:
    """Return the text of the policy that is used where nobody says otherwise."""
    return resources.files("casemeter_grouper.benchmark.fitting").joinpath(FILE).read_text("utf-8")


def read_policy(path: Path | None) -> tuple[Policy, str]:
    """Read a policy file, or the shipped one; return the policy and its text.

    What a file does not say is as in the shipped one.

    Raises:
        PolicyError: the file cannot be used; everything wrong is named at once.
        OSError: the file cannot be read.
    """
    own = shipped_policy()
    if path is None:
        return policy_of(own), own
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PolicyError([f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8"]) from None
    return policy_of(text, str(path)), text


def policy_of(text: str, name: str = FILE) -> Policy:
    """Return the policy of a text; see :func:`read_policy`."""
    values = _merged(_parsed(text, name), name)
    faults = _Faults(name)
    weights, trimming = values["year_weights"], values["trimming"]
    if not isinstance(weights, list) or not 1 <= len(weights) <= MAX_YEARS:
        faults.add("year_weights", f"must be a list of 1 to {MAX_YEARS} weights, the oldest year first")
    elif not all(_is_whole(weight, 1, _MAX_WEIGHT) for weight in weights):
        faults.add("year_weights", f"each weight must be a whole number from 1 to {_MAX_WEIGHT}")
    for key, most in (("least_cases", _MAX_CASES), ("last_day", _MAX_DAY)):
        if not _is_whole(values[key], 1, most):
            faults.add(key, f"must be a whole number from 1 to {most:,}")
    faults.choice("fallback", values["fallback"], (ADRG, NONE))
    faults.choice("trimming.method", trimming["method"], (IQR, NONE))
    for side in ("below", "above"):
        if not _is_number(trimming[side], _MAX_FACTOR):
            faults.add(f"trimming.{side}", f"must be a number from 0 to {_MAX_FACTOR}, such as 1.5")
    for key in values.keys() - set(_KEYS):
        faults.add(key, f"is no entry of a policy; nearest: {nearest(key, _KEYS)}")
    for key in trimming.keys() - set(_TRIMMING_KEYS):
        faults.add(f"trimming.{key}", f"is no entry of it; nearest: {nearest(key, _TRIMMING_KEYS)}")
    if faults.found:
        raise PolicyError(sorted(faults.found))
    return Policy(
        year_weights=tuple(weights),
        least_cases=values["least_cases"],
        last_day=values["last_day"],
        falls_back=values["fallback"] == ADRG,
        trims=trimming["method"] == IQR,
        below=Fraction(trimming["below"]),
        above=Fraction(trimming["above"]),
    )


@dataclass(slots=True)
class _Faults:
    """What is wrong with a policy."""

    name: str
    found: list[str]

    def __init__(self, name: str) -> None:
        self.name = name
        self.found = []

    def add(self, key: str, problem: str) -> None:
        self.found.append(f"{self.name}: {key}: {problem}")

    def choice(self, key: str, value: Any, known: tuple[str, ...]) -> None:
        if value not in known:
            self.add(key, f"must be one of: {', '.join(known)}")


def _defaults() -> dict[str, Any]:
    return tomllib.loads(shipped_policy(), parse_float=Decimal)


def _parsed(text: str, name: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    # ValueError: also for a whole number of thousands of digits; ArithmeticError: for other numbers.
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise PolicyError([f"{name}: no TOML: {error}"]) from None


def _merged(stated: Mapping[str, Any], name: str) -> dict[str, Any]:
    values = _defaults()
    trimming = stated.get("trimming", {})
    if not isinstance(trimming, dict):
        raise PolicyError([f"{name}: trimming: must be a table; write [trimming] and its entries below it"])
    return {**values, **stated, "trimming": {**values["trimming"], **trimming}}


def _is_whole(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _is_number(value: Any, high: int) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and 0 <= value <= high
    return _is_whole(value, 0, high)
