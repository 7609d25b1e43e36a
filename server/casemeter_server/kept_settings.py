"""Settings that are kept in the store, and come before the files of the configuration."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast

from casemeter.v1 import keeping_pb2
from casemeter_rules.alerting.policy import Policy
from casemeter_rules.alerting.settings import AlertSettingsError, policy_of
from casemeter_server.caller import Caller
from casemeter_server.calls import Call
from casemeter_server.errors import RequestError, fault, invalid
from casemeter_server.meter_settings import MeterSettings, MeterSettingsError, meter_settings_of
from casemeter_server.stay_facts import Faults
from casemeter_server.store.rows import SettingsRow
from casemeter_server.store.store import Reading, Store, StoreUnavailable, Writing

METER: Final = "meter"
ALERTS: Final = "alerts"
MAX_BYTES: Final = 256 << 10
"""The longest settings, in UTF-8."""

_READERS: Final[Mapping[str, Callable[[str], MeterSettings | Policy]]] = {
    METER: meter_settings_of,
    ALERTS: policy_of,
}
_ANNOUNCED: Final = (("", ""), ("", "settings"))
_MAX_VERSION: Final = 2**53

_S = TypeVar("_S", MeterSettings, Policy)

_log = logging.getLogger(__name__)


class KeptSettings:
    """The settings of a store. Every process that keeps up with them answers by the same."""

    def __init__(
        self,
        store: Store,
        meter: MeterSettings,
        alerts: Policy,
        apply: Callable[[MeterSettings, Policy], None],
    ) -> None:
        """Take what settings need.

        Args:
            store: keeps them.
            meter: those of the configuration, which hold where none are kept.
            alerts: the same.
            apply: called with the settings that hold, whenever they are others.
        """
        self._store = store
        self._meter, self._alerts = meter, alerts
        self._apply = apply
        self._versions: dict[str, int] = {}
        self._lock = asyncio.Lock()

    def calls(self) -> tuple[Call, ...]:
        """Return the calls by the names of the contract."""
        return (
            Call("GetSettings", keeping_pb2.GetSettingsRequest, self.get_settings),
            Call("PutSettings", keeping_pb2.PutSettingsRequest, self.put_settings),
        )

    async def get_settings(self, request: keeping_pb2.GetSettingsRequest, _: Caller) -> keeping_pb2.Settings:
        """Tell settings as they are kept.

        Raises:
            RequestError: there are no settings of that name.
            StoreUnavailable: the store does not answer.
        """
        faults: Faults = []
        _check_name(request.name, faults)
        if faults:
            raise invalid(faults)
        row = await self._store.read(lambda reading: reading.settings(request.name))
        return _told(request.name, row)

    async def put_settings(
        self, request: keeping_pb2.PutSettingsRequest, caller: Caller
    ) -> keeping_pb2.Settings:
        """Change settings. They are kept when this returns, and this process answers by them.

        Raises:
            RequestError: they cannot be used, with every fault; or somebody else changed them meanwhile.
            StoreUnavailable: the store does not answer; nothing was changed.
        """
        _check(request)

        def keep(writing: Writing) -> SettingsRow:
            now = datetime.now(UTC)
            put = (request.name, request.content, request.if_version, caller.user, now)
            row = writing.put_settings(*put)
            if row is None:
                raise _stale(request, writing.settings(request.name))
            return row

        row = await self._store.write(keep)
        await self._try_to_take_up()  # they are kept, whether or not they can be read again at once
        return _told(request.name, row)

    async def take_up(self) -> None:
        """Hand out the settings that hold, if they are others than before.

        What this version cannot read is left aside, and those of the configuration hold.

        Raises:
            StoreUnavailable: the store does not answer; those of before hold.
        """
        async with self._lock:
            rows = await self._store.read(_rows)
            versions = {name: row.version if row else 0 for name, row in rows.items()}
            if versions == self._versions:
                return
            self._apply(_usable(rows[METER], self._meter), _usable(rows[ALERTS], self._alerts))
            _log.info("settings hold: %s", ", ".join(f"{name} {at}" for name, at in versions.items()))
            self._versions = versions

    async def watch(self) -> None:
        """Take up what any process changes, until cancelled."""
        async for key in self._store.announcements():
            if key in _ANNOUNCED:
                await self._try_to_take_up()

    async def _try_to_take_up(self) -> None:
        try:
            await self.take_up()
        except StoreUnavailable as error:
            # The store announces everything once it is back.
            _log.warning("settings cannot be read, those of before hold: %s", error)


def kept_settings(reading: Reading, meter: MeterSettings, alerts: Policy) -> tuple[MeterSettings, Policy]:
    """Return the settings that hold: those that are kept, else those of the configuration."""
    rows = _rows(reading)
    return _usable(rows[METER], meter), _usable(rows[ALERTS], alerts)


def _usable(row: SettingsRow | None, configured: _S) -> _S:
    """Return the settings of a row, or where this version can read none those of the configuration."""
    if row is None or not row.content:
        return configured
    try:
        found: Any = _READERS[row.name](row.content)
    except (MeterSettingsError, AlertSettingsError) as error:
        _log.error(
            "settings '%s', version %d, cannot be used; those of the configuration hold: %s",
            row.name,
            row.version,
            "; ".join(error.faults),
        )
        return configured
    return cast(_S, found)  # the reader of the name


def _rows(reading: Reading) -> dict[str, SettingsRow | None]:
    return {name: reading.settings(name) for name in _READERS}


def _check(request: keeping_pb2.PutSettingsRequest) -> None:
    """Check a change.

    Raises:
        RequestError: with every fault of it, those of the content included.
    """
    faults: Faults = []
    _check_name(request.name, faults)
    if not 0 <= request.if_version <= _MAX_VERSION:
        details = {"value": request.if_version, "low": 0, "high": _MAX_VERSION}
        faults.append(fault("if_version", "OUT_OF_RANGE", **details))
    size = len(request.content.encode())
    if size > MAX_BYTES:
        faults.append(fault("content", "TOO_LARGE", count=size, limit=MAX_BYTES))
    elif request.name in _READERS:
        try:
            _READERS[request.name](request.content)
        except (MeterSettingsError, AlertSettingsError) as error:
            faults += [fault("content", "SETTING", why=why) for why in error.faults]
    if faults:
        raise invalid(faults)


def _check_name(name: str, faults: Faults) -> None:
    if name not in _READERS:
        faults.append(fault("name", "NO_SUCH_SETTINGS", value=name[:64], known=", ".join(_READERS)))


def _stale(request: keeping_pb2.PutSettingsRequest, row: SettingsRow | None) -> RequestError:
    what = "nobody has made any"
    if row is not None:
        what = (
            f"{row.changed_by or 'somebody'} changed them on {row.changed_at.isoformat(timespec='seconds')}"
        )
    version = row.version if row else 0
    details = {"name": request.name, "version": version, "asked": request.if_version, "what": what}
    return RequestError("STALE_SETTINGS", details)


def _told(name: str, row: SettingsRow | None) -> keeping_pb2.Settings:
    told = keeping_pb2.Settings(name=name)
    if row is not None:
        told.content, told.version, told.changed_by = row.content, row.version, row.changed_by
        told.changed_at.FromDatetime(row.changed_at)
    return told
