"""The server's configuration: a small TOML file, every fault of it at once."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from casemeter_rules.alerting.policy import Policy
from casemeter_rules.alerting.settings import AlertSettingsError, read_policy
from casemeter_server.facilities import MAX_LEVEL, Facility
from casemeter_server.meter_settings import MeterSettings, MeterSettingsError, read_meter_settings

if TYPE_CHECKING:
    from casemeter_server.doors.settings import DoorSettings
    from casemeter_server.identity.settings import Identity

MAX_WORKERS: Final = 64
SEAL_KEY_FILE: Final = "seal_key.pem"
"""Name of the key of seals that is made in the data folder where the configuration names none."""

_ADDRESSES: Final = ("listen", "metrics", "doors")


class ConfigError(Exception):
    """A configuration that cannot be used; names every fault."""

    def __init__(self, path: Path | None, faults: list[str]) -> None:
        where = f"{path}: " if path else ""
        super().__init__("\n".join(where + fault for fault in faults))
        self.faults = faults


def _default_data() -> Path:
    """Folder for what the product keeps: ``CASEMETER_DATA``, else the user's data folder."""
    if own := os.environ.get("CASEMETER_DATA"):
        return Path(own)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "casemeter"


@dataclass(frozen=True)
class Config:
    """What an administrator sets.

    Attributes:
        listen: address and port of gRPC.
        metrics: address and port of the Prometheus page; empty: none.
        workers: processes that answer gRPC.
        doors: address and port of the HTTP doors; empty: none.
        door_workers: processes that answer HTTP.
        store: URL of the store (SQLAlchemy); empty: a file in the data folder; ``none``: nothing is kept.
        packs: pack folders, bundles or names of shipped packs, in order.
        default_pack: id of the pack for hospitals without an entry; empty: the first.
        hospitals: default pack by hospital.
        meter: what hospitals set for their meters, read from the file that the configuration names.
        alerts: how findings are shown, read from the file that the configuration names.
        identity: whose tokens are believed, read from the file that the configuration names; ``None``: there
            are callers on the server's own machine only, and they are who they say they are.
        door_settings: of the HTTP doors, read from the file that the configuration names; ``None``: as they
            are without any.
        facilities: what rules ask of each hospital, by hospital.
        seal_key: file of the private key of seals; ``None``: one in the data folder, made when it is first
            needed.
        time_zone: the hospital's zone, by whose local days stays are counted.
        data: folder for bundles and metrics.
        stop_seconds: how long calls under way may take to end when the server stops.
    """

    listen: str = "127.0.0.1:50051"
    metrics: str = "127.0.0.1:9464"
    workers: int = 1
    doors: str = "127.0.0.1:8080"
    door_workers: int = 1
    store: str = ""
    packs: tuple[str, ...] = ("chs_drg_11",)
    default_pack: str = ""
    hospitals: Mapping[str, str] = field(default_factory=dict)
    meter: MeterSettings = field(default_factory=MeterSettings)
    alerts: Policy = field(default_factory=Policy)
    identity: Identity | None = None
    door_settings: DoorSettings | None = None
    facilities: Mapping[str, Facility] = field(default_factory=dict)
    seal_key: Path | None = None
    time_zone: str = "Asia/Shanghai"
    data: Path = field(default_factory=_default_data)
    stop_seconds: float = 5.0

    @property
    def host(self) -> str:
        """Host of :attr:`listen`."""
        return self.listen.rpartition(":")[0]

    def changed(self, key: str, address: str) -> Config:
        """Return the configuration with another address.

        Raises:
            ConfigError: it is not an address and port.
        """
        if not _is_usable(key, address):
            raise ConfigError(None, [f"'{key}' is {address!r}; write an address like 127.0.0.1:50051"])
        changes: dict[str, Any] = {key: address}
        return replace(self, **changes)

    @property
    def store_url(self) -> str:
        """URL of the store; empty: nothing is kept."""
        if self.store == "none":
            return ""
        return self.store or f"sqlite:///{self.data / 'casemeter.db'}"

    @property
    def seal_key_file(self) -> Path:
        """File of the private key of seals."""
        return self.seal_key or self.data / SEAL_KEY_FILE

    @property
    def zone(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.time_zone)


def read_config(path: Path) -> Config:
    """Read a configuration file.

    Raises:
        ConfigError: with every fault of the file.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(path, [f"cannot be read: {error}"]) from None
    faults: list[str] = []
    known: dict[str, tuple[type | tuple[type, ...], str]] = {
        "listen": (str, 'text like "127.0.0.1:50051"'),
        "metrics": (str, 'text like "127.0.0.1:9464", or "" for none'),
        "workers": (int, "a number of processes, 1 to 64"),
        "doors": (str, 'text like "127.0.0.1:8080", or "" for none'),
        "door_workers": (int, "a number of processes, 1 to 64"),
        "store": (str, 'text like "postgresql://user@host/casemeter", "" for a file, or "none"'),
        "packs": (list, 'a list like ["chs_drg_11"]'),
        "default_pack": (str, "the id of a pack"),
        "hospitals": (dict, 'a table like { H001 = "chs_drg_11" }'),
        "meter": (str, 'a file like "meter.toml"'),
        "alerts": (str, 'a file like "alerts.toml"'),
        "identity": (str, 'a file like "identity.toml"'),
        "door_settings": (str, 'a file like "doors.toml"'),
        "facilities": (dict, "a table like { H001 = { level = 3 } }"),
        "seal_key": (str, 'a file like "seal_key.pem"'),
        "time_zone": (str, 'text like "Asia/Shanghai"'),
        "data": (str, "a folder"),
        "stop_seconds": ((int, float), "a number of seconds, 0 or more"),
    }
    for key, value in values.items():
        if key not in known:
            faults.append(f"'{key}' is not known; known: {', '.join(known)}")
        elif not isinstance(value, known[key][0]) or isinstance(value, bool):
            faults.append(f"'{key}' is {value!r}; write {known[key][1]}")
    for key in ("packs", "hospitals"):
        found = values.get(key, [])
        items = list(found.values()) if isinstance(found, dict) else found
        if isinstance(items, list) and not all(isinstance(item, str) and item for item in items):
            faults.append(f"'{key}' holds something that is not text; write {known[key][1]}")
    if values.get("packs") == []:
        faults.append("'packs' is empty; name at least one pack")
    for key in ("workers", "door_workers"):
        count = values.get(key, 1)
        if type(count) is int and not 1 <= count <= MAX_WORKERS:
            faults.append(f"'{key}' is {count}; write {known[key][1]}")
    for key in _ADDRESSES:
        address = values.get(key)
        if isinstance(address, str) and not _is_usable(key, address):
            faults.append(f"'{key}' is {address!r}; write {known[key][1]}")
    zone = values.get("time_zone", "Asia/Shanghai")
    try:
        ZoneInfo(zone if isinstance(zone, str) else "Asia/Shanghai")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        faults.append(f"'time_zone' is {zone!r}, which is no known zone; write {known['time_zone'][1]}")
    stop = values.get("stop_seconds", 0)
    if isinstance(stop, int | float) and not 0 <= stop < float("inf"):
        faults.append(f"'stop_seconds' is {stop}; write {known['stop_seconds'][1]}")
    if isinstance(meter := values.get("meter"), str):
        try:
            values["meter"] = read_meter_settings(path.parent / meter)
        except MeterSettingsError as error:
            faults += [f"'meter': {meter}: {fault}" for fault in error.faults]
    if isinstance(alerts := values.get("alerts"), str):
        try:
            values["alerts"] = read_policy(path.parent / alerts)
        except AlertSettingsError as error:
            faults += [f"'alerts': {alerts}: {fault}" for fault in error.faults]
    if isinstance(identity := values.get("identity"), str):
        values["identity"] = _identity(path.parent, identity, faults)
    if isinstance(doors := values.get("door_settings"), str):
        values["door_settings"] = _door_settings(path.parent, doors, faults)
    if isinstance(facilities := values.get("facilities"), dict):
        values["facilities"] = {
            name: _facility(name, facility, faults) for name, facility in facilities.items()
        }
    if faults:
        raise ConfigError(path, faults)
    if "packs" in values:
        beside = [path.parent / name for name in values["packs"]]
        # A name that is no file or folder here is that of a shipped pack.
        values["packs"] = tuple(
            str(own) if own.exists() else name for own, name in zip(beside, values["packs"], strict=True)
        )
    if "seal_key" in values:
        values["seal_key"] = path.parent / values["seal_key"]
    if "data" in values:
        values["data"] = path.parent / values["data"]
    return Config(**values)


def _door_settings(folder: Path, name: str, faults: list[str]) -> DoorSettings | None:
    """Return the settings of the doors; note what cannot be used."""
    # Loaded only by who has such a file: it brings the tables of the doors.
    from casemeter_server.doors.settings import DoorSettingsError, read_door_settings

    try:
        return read_door_settings(folder / name)
    except DoorSettingsError as error:
        faults += [f"'door_settings': {name}: {fault}" for fault in error.faults]
        return None


def _identity(folder: Path, name: str, faults: list[str]) -> Identity | None:
    """Return whose tokens are believed; note what cannot be read."""
    # Whoever has no such file need not wait for the library of tokens.
    from casemeter_server.identity.settings import IdentitySettingsError, read_identity

    try:
        return read_identity(folder / name)
    except IdentitySettingsError as error:
        faults += [f"'identity': {name}: {fault}" for fault in error.faults]
        return None


def _facility(name: str, facility: object, faults: list[str]) -> Facility:
    """Return what is said of a hospital; note what cannot be read."""
    place = f"'facilities.{name}'"
    if not isinstance(facility, dict):
        faults.append(f"{place} is {facility!r}; write a table like {{ level = 3 }}")
        return Facility()
    for key in facility.keys() - {"level", "kind"}:
        faults.append(f"{place}: '{key}' is not known; known: level, kind")
    level, kind = facility.get("level"), facility.get("kind", "")
    if level is not None and (type(level) is not int or not 1 <= level <= MAX_LEVEL):
        faults.append(f"{place}: 'level' is {level!r}; write 1, 2 or 3")
    if not isinstance(kind, str):
        faults.append(f"{place}: 'kind' is {kind!r}; write text")
    return Facility(level, kind)


def _is_usable(key: str, address: str) -> bool:
    if key != "listen" and not address:
        return True
    host, _, port = address.rpartition(":")
    return bool(host) and port.isdigit() and int(port) < 65536
