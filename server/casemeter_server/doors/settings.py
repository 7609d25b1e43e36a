"""Settings of the doors: a small TOML file, every fault of it at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from casemeter_server.doors.cds.settings import CdsSettings, CdsSettingsError
from casemeter_server.doors.cds.settings import read_settings as read_cds_settings
from casemeter_server.doors.nhsa.settings import NhsaSettings, read_nhsa_settings

MAX_WAIT_MS: Final = 10_000
MAX_MEGABYTES: Final = 1_024

_KNOWN: Final = ("wait_ms", "nhsa", "settlement", "cds")


class DoorSettingsError(Exception):
    """Settings that cannot be used; names every fault."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        super().__init__("\n".join(f"{path}: {fault}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class DoorSettings:
    """What an administrator sets of the doors.

    Attributes:
        wait_ms: how long a reply may wait for the open encounter and for the history of its alerts.
        nhsa: of 3101, 3102 and 3103.
        settlement: of 4101, 4101A and front pages: ``max_megabytes`` of a table.
        cds: of CDS Hooks.
    """

    wait_ms: int = 50
    nhsa: NhsaSettings = field(default_factory=NhsaSettings)
    settlement: Mapping[str, Any] = field(default_factory=dict)
    cds: CdsSettings = field(default_factory=CdsSettings)


def read_door_settings(path: Path) -> DoorSettings:
    """Read a file of settings; docs/doors.md shows every key.

    Raises:
        DoorSettingsError: with every fault of the file.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DoorSettingsError(path, [f"cannot be read: {error}"]) from None
    faults = [f"'{key}' is not known; known: {', '.join(_KNOWN)}" for key in values if key not in _KNOWN]
    wait_ms = _whole(values, "wait_ms", DoorSettings.wait_ms, 0, MAX_WAIT_MS, faults)
    tables = {name: _table(values, name, faults) for name in _KNOWN[1:]}
    nhsa = read_nhsa_settings(tables["nhsa"], faults)
    _check_settlement(tables["settlement"], faults)
    cds = CdsSettings()
    try:
        cds = read_cds_settings(tables["cds"], path.parent)
    except CdsSettingsError as error:
        faults += [f"'cds': {fault}" for fault in error.faults]
    if faults:
        raise DoorSettingsError(path, faults)
    return DoorSettings(wait_ms, nhsa, tables["settlement"], cds)


def _check_settlement(table: Mapping[str, Any], faults: list[str]) -> None:
    for key in table:
        if key != "max_megabytes":
            faults.append(f"'settlement.{key}' is not known; known: max_megabytes")
    _whole(table, "max_megabytes", 1, 1, MAX_MEGABYTES, faults, "settlement.")


def _whole(
    values: Mapping[str, Any],
    key: str,
    default: int,
    low: int,
    high: int,
    faults: list[str],
    before: str = "",
) -> int:
    value = values.get(key, default)
    if type(value) is int and low <= value <= high:
        return value
    faults.append(f"'{before}{key}' is {value!r}; write a whole number, {low} to {high}")
    return default


def _table(values: Mapping[str, Any], key: str, faults: list[str]) -> dict[str, Any]:
    value = values.get(key, {})
    if isinstance(value, dict):
        return value
    faults.append(f"'{key}' is {value!r}; write a table")
    return {}
