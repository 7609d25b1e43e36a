"""What a hospital sets for its meter: its level, its payment pack, thresholds, targets, and who sees money.

One small TOML file, every fault of it at once::

    [hospital]                       # holds for every hospital without an entry of its own
    level = "三级"
    money_for = ["office", "coder"]  # roles that see yuan; others see multiples. Absent: everyone sees yuan
    thresholds = [0.8, 1.0]          # multiples of the standard payment that are worth a signal
    target = 0.95                    # multiple of the standard payment to stay below

    [hospital.departments.0301]      # replaces what it names for this department
    target = 0.9

    [hospitals.H001]                 # replaces [hospital] for this hospital
    level = "二级"
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_MAX_MULTIPLE: Final = 100.0


class MeterSettingsError(Exception):
    """Settings that cannot be used; names every fault."""

    def __init__(self, path: Path | None, faults: list[str]) -> None:
        where = f"{path}: " if path else ""
        super().__init__("\n".join(where + fault for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Limits:
    """What is worth a signal, in multiples of the standard payment.

    Attributes:
        thresholds: rising.
        target: to stay below; ``None``: there is none.
    """

    thresholds: tuple[float, ...] = ()
    target: float | None = None


@dataclass(frozen=True)
class HospitalSettings:
    """What one hospital sets.

    Attributes:
        level: as payment packs name it; empty: unknown.
        payment: id of the payment pack; empty: the only one that pays the scheme.
        benchmark: id of the benchmark pack; empty: the only one for the scheme.
        money_for: roles that see money; ``None``: everyone.
        limits: of departments without their own.
        departments: limits by department.
    """

    level: str = ""
    payment: str = ""
    benchmark: str = ""
    money_for: frozenset[str] | None = None
    limits: Limits = Limits()
    departments: Mapping[str, Limits] = field(default_factory=dict)

    def limits_of(self, department: str) -> Limits:
        """Return the limits of a department."""
        return self.departments.get(department, self.limits)

    def sees_money(self, role: str) -> bool:
        """Whether a role sees money. Where roles are told apart, an unknown one does not."""
        return self.money_for is None or role in self.money_for


@dataclass(frozen=True)
class MeterSettings:
    """The settings of every hospital.

    Attributes:
        default: of hospitals without an entry.
        hospitals: by hospital.
    """

    default: HospitalSettings = field(default_factory=HospitalSettings)
    hospitals: Mapping[str, HospitalSettings] = field(default_factory=dict)

    def of(self, hospital: str) -> HospitalSettings:
        """Return the settings of a hospital."""
        return self.hospitals.get(hospital, self.default)


def read_meter_settings(path: Path) -> MeterSettings:
    """Read a settings file.

    Raises:
        MeterSettingsError: with every fault of the file.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise MeterSettingsError(path, [f"cannot be read: {error}"]) from None
    return meter_settings_of(text, path)


def meter_settings_of(text: str, path: Path | None = None) -> MeterSettings:
    """Read the text of settings.

    Args:
        text: in TOML.
        path: the file it comes from, for the faults; ``None``: from none.

    Raises:
        MeterSettingsError: with every fault of the text.
    """
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise MeterSettingsError(path, [f"cannot be read: {error}"]) from None
    faults: list[str] = []
    default, hospitals = values.pop("hospital", {}), values.pop("hospitals", {})
    for key in values:
        faults.append(f"'{key}' is not known; known: hospital, hospitals")
    settings = MeterSettings(
        _hospital(default, "hospital", faults),
        {
            name: _hospital(value, f"hospitals.{name}", faults)
            for name, value in _table(hospitals, "hospitals", faults).items()
        },
    )
    if faults:
        raise MeterSettingsError(path, faults)
    return settings


def _table(value: object, place: str, faults: list[str]) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    faults.append(f"'{place}' is {value!r}; write a table")
    return {}


def _hospital(value: object, place: str, faults: list[str]) -> HospitalSettings:
    table = dict(_table(value, place, faults))
    texts = {name: table.pop(name, "") for name in ("level", "payment", "benchmark")}
    for name, text in texts.items():
        if not isinstance(text, str):
            faults.append(f"'{place}.{name}' is {text!r}; write text")
    roles = table.pop("money_for", None)
    if roles is not None and not (isinstance(roles, list) and all(isinstance(role, str) for role in roles)):
        faults.append(f"'{place}.money_for' is {roles!r}; write a list of roles like [\"office\"]")
        roles = None
    departments = _table(table.pop("departments", {}), f"{place}.departments", faults)
    limits = _limits(table, place, Limits(), faults)
    own = {
        name: _department(entry, f"{place}.departments.{name}", limits, faults)
        for name, entry in departments.items()
    }
    for name in table:
        known = "level, payment, benchmark, money_for, thresholds, target, departments"
        faults.append(f"'{place}.{name}' is not known; known: {known}")
    return HospitalSettings(
        **texts,
        money_for=None if roles is None else frozenset(roles),
        limits=limits,
        departments=own,
    )


def _department(value: object, place: str, around: Limits, faults: list[str]) -> Limits:
    table = dict(_table(value, place, faults))
    limits = _limits(table, place, around, faults)
    faults += [f"'{place}.{name}' is not known; known: thresholds, target" for name in table]
    return limits


def _limits(table: dict[str, Any], place: str, around: Limits, faults: list[str]) -> Limits:
    """Take thresholds and target out of a table; what is not there is as around it."""
    thresholds: object = table.pop("thresholds", list(around.thresholds))
    target: object = table.pop("target", around.target)
    sound: tuple[float, ...] = ()
    if isinstance(thresholds, list) and all(_is_multiple(item) for item in thresholds):
        sound = tuple(float(item) for item in thresholds)
    if not isinstance(thresholds, list) or len(sound) < len(thresholds) or list(sound) != sorted(set(sound)):
        faults.append(f"'{place}.thresholds' is {thresholds!r}; write rising multiples like [0.8, 1.0]")
    if target is not None and not _is_multiple(target):
        faults.append(f"'{place}.target' is {target!r}; write a multiple like 0.95")
        target = None
    return Limits(sound, float(target) if isinstance(target, int | float) else None)


def _is_multiple(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 < value <= _MAX_MULTIPLE
    )
