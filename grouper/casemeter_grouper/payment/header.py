"""Reading ``payment.toml``: who the policy is, when and where it holds, and how it pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.header_keys import PACK_KEYS, HeaderFile, Key, read_header_keys
from casemeter_grouper.payment.cells import is_decimal

FILE = "payment.toml"
KIND = "payment"


class Method(StrEnum):
    """How a policy turns a weight into money."""

    RATE = "rate"
    POINTS = "points"
    SCORE = "score"


_METHODS = tuple(str(method) for method in Method)
_NUMBER = Key(Decimal, "a number", "9059.308")
_KEYS: Mapping[str, Key] = {
    **PACK_KEYS,
    "region": Key(str, "text", '"Harbin"'),
    "method": Key(str, "text", '"rate"', required=True, choices=_METHODS),
    "mean_cost_yuan": _NUMBER,
    "points_per_weight": replace(_NUMBER, example="100"),
    "levels": Key(list, "a list of levels of hospital", '["一级", "二级", "三级"]'),
    "insurance": Key(dict, "a table of lists", '{ "职工" = ["310"] }'),
}


@dataclass(frozen=True, slots=True)
class Header:
    """Who a policy is.

    Attributes:
        valid_from: first day, ``YYYY-MM-DD``, or empty for always.
        valid_until: last day, or empty for open.
        scheme: id of the scheme pack whose groups it pays.
        demonstration: the figures are invented.
    """

    id: str
    title: str
    version: str
    valid_from: str
    valid_until: str
    scheme: str
    region: str
    method: Method
    demonstration: bool

    def to_json(self) -> dict[str, Any]:
        """Return the header as JSON values."""
        return {**asdict(self), "method": str(self.method)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Header:
        """Return the header that :meth:`to_json` was called on."""
        return cls(**{**values, "method": Method(values["method"])})

    def holds_on(self, day: str) -> bool:
        """Whether the policy holds on a day (``YYYY-MM-DD``)."""
        return self.valid_from <= day and (not self.valid_until or day <= self.valid_until)


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """What ``payment.toml`` says.

    Attributes:
        levels: levels of hospital that the tables may name; empty: any.
        insurance: codes and names that may be sent, each with the pack's own name of the insurance.
        mean_cost_yuan: cost that a weight of 1 stands for.
        points_per_weight: points that a weight of 1 earns; 1 when nothing is said.
    """

    header: Header
    file: HeaderFile
    levels: tuple[str, ...]
    insurance: Mapping[str, str]
    mean_cost_yuan: Fraction | None
    points_per_weight: Fraction


def read_header(folder: Path, faults: list[Fault]) -> PaymentFile | None:
    """Read the header of a payment pack, or note why it cannot be read and return ``None``."""
    file = read_header_keys(folder, FILE, KIND, _KEYS, faults)
    if file is None:
        return None
    values = file.values
    before = len(faults)
    method = Method(values["method"])
    levels = values.get("levels", [])
    if not all(isinstance(level, str) and level for level in levels):
        faults.append(
            file.fault(
                "wrong_type", "levels", key="levels", value=levels,
                expected=_KEYS["levels"].expected, example=_KEYS["levels"].example,
            )
        )  # fmt: skip
    numbers = {key: _number(file, key, faults) for key in ("mean_cost_yuan", "points_per_weight")}
    if method is Method.POINTS:
        if numbers["points_per_weight"] is None and "points_per_weight" not in values:
            details = {"key": "points_per_weight", "example": "100"}
            faults.append(Fault("missing_key", FILE, details=details))
        if "mean_cost_yuan" not in values:
            faults.append(file.fault("mean_cost_missing", "mean_cost_yuan"))
    insurance = _insurance(file, faults)
    if any(fault.severity == "error" for fault in faults[before:]):
        return None
    return PaymentFile(
        Header(
            id=values["id"],
            title=values["title"],
            version=file.text("version"),
            valid_from=file.text("valid_from"),
            valid_until=file.text("valid_until"),
            scheme=values["scheme"],
            region=file.text("region"),
            method=method,
            demonstration=values.get("demonstration", False),
        ),
        file,
        tuple(levels),
        insurance,
        numbers["mean_cost_yuan"],
        numbers["points_per_weight"] or Fraction(1),
    )


def _number(file: HeaderFile, key: str, faults: list[Fault]) -> Fraction | None:
    value = file.values.get(key)
    if value is None:
        return None
    if not is_decimal(format(Decimal(value), "f")) or value <= 0:
        faults.append(file.fault("not_an_amount", key, value=value))
        return None
    return Fraction(value)


def _insurance(file: HeaderFile, faults: list[Fault]) -> dict[str, str]:
    """Read the table of insurances, turned round: what may be sent → the pack's name."""
    names: dict[str, str] = {}
    for name, codes in file.values.get("insurance", {}).items():
        if not isinstance(codes, list) or not all(isinstance(code, str) and code for code in codes):
            faults.append(
                file.fault(
                    "wrong_type", name, key=name, value=codes, expected="a list of texts", example='["310"]'
                )
            )
            continue
        for code in dict.fromkeys([name, *codes]):
            first = names.setdefault(code, name)
            if first != name:
                faults.append(file.fault("insurance_twice", name, code=code, first=first))
    return names
