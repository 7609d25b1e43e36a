"""Reading ``payment.toml``: who the policy is, when and where it holds, and how it pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from casemeter_grouper.pack.faults import ERROR, Fault
from casemeter_grouper.pack.header_keys import PACK_KEYS, HeaderFile, Key, read_header_keys

FILE = "payment.toml"
KIND = "payment"


class Method(StrEnum):
    """How a policy turns a weight into money."""

    RATE = "rate"
    POINTS = "points"
    SCORE = "score"


def _are_names(value: list[Any]) -> bool:
    return all(isinstance(name, str) and name for name in value)


def _are_lists_of_names(value: dict[str, Any]) -> bool:
    return all(isinstance(codes, list) and _are_names(codes) for codes in value.values())


def _is_amount(value: Decimal | int) -> bool:
    number = Decimal(value)
    return number.is_finite() and 0 < number < 10**9 and round(number, 9) == number


_METHODS: Final = tuple(str(method) for method in Method)
_AMOUNT: Final = ((int, Decimal), "an amount above 0 with at most nine digits on each side of the point")
_KEYS: Final[Mapping[str, Key]] = {
    **PACK_KEYS,
    "region": Key((str,), "text", '"Harbin"'),
    "method": Key(
        (str,), f"one of: {', '.join(_METHODS)}", '"rate"', required=True, fits=_METHODS.__contains__
    ),
    "mean_cost_yuan": Key(*_AMOUNT, "9059.308", fits=_is_amount),
    "points_per_weight": Key(*_AMOUNT, "100", fits=_is_amount),
    "levels": Key((list,), "a list of levels of hospital", '["一级", "二级", "三级"]', fits=_are_names),
    "insurance": Key((dict,), "a table of lists of codes", '{ "职工" = ["310"] }', fits=_are_lists_of_names),
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
    method, mean = Method(values["method"]), values.get("mean_cost_yuan")
    if method is Method.POINTS:
        if "points_per_weight" not in values:
            details = {"key": "points_per_weight", "example": "100"}
            faults.append(Fault("missing_key", FILE, details=details))
        if not mean:
            faults.append(file.fault("mean_cost_missing", "mean_cost_yuan"))
    insurance = _insurance(file, faults)
    if any(fault.severity == ERROR for fault in faults[before:]):
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
        tuple(values.get("levels", ())),
        insurance,
        Fraction(mean) if mean else None,
        Fraction(values.get("points_per_weight", 1)),
    )


def _insurance(file: HeaderFile, faults: list[Fault]) -> dict[str, str]:
    """Read the table of insurances, turned round: what may be sent → the pack's name."""
    names: dict[str, str] = {}
    for name, codes in file.values.get("insurance", {}).items():
        for code in dict.fromkeys([name, *codes]):
            first = names.setdefault(code, name)
            if first != name:
                faults.append(file.fault("insurance_twice", name, code=code, first=first))
    return names
