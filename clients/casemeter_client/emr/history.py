"""Histories: what happened in stays, as files that an EMR can be played from.

JSON Lines, one event a line, in the order in which the EMR says them; docs/emr_simulator.md has the format.
"""

from __future__ import annotations

import gzip
import heapq
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1.living_pb2 import EncounterEvent

MAX_FAULTS: Final = 20
"""How many faults of a file are told; the rest is counted."""

_MAX_ID: Final = 64
_KEYS: Final = ("encounter_id", "event", "at")
_GZIP: Final = b"\x1f\x8b"
_SUFFIX: Final = ".jsonl"


class HistoryError(Exception):
    """A file that cannot be played; names every fault with its line."""

    def __init__(self, faults: Sequence[str]) -> None:
        shown = list(faults[:MAX_FAULTS])
        if len(faults) > MAX_FAULTS:
            shown.append(f"… and {len(faults) - MAX_FAULTS} more")
        super().__init__("\n".join(shown))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a history.

    Attributes:
        encounter_id: the stay.
        event: what happened.
        at: when the EMR says it; as a rule when it happened.
    """

    encounter_id: str
    event: EncounterEvent
    at: datetime


@dataclass
class _Reading:
    """One file while it is read, and what is wrong with it."""

    name: str
    events: dict[tuple[str, str], tuple[str, EncounterEvent]]
    faults: list[str] = field(default_factory=list)
    last: datetime | None = None

    def fault(self, line: int, what: str) -> None:
        self.faults.append(f"{self.name}:{line}: {what}")


def shipped() -> list[str]:
    """Return the names of the histories that come with the client. Everybody in them is invented."""
    folder = resources.files("casemeter_client.emr").joinpath("histories")
    return sorted(one.name.removesuffix(_SUFFIX) for one in folder.iterdir() if one.name.endswith(_SUFFIX))


def read_histories(names: Iterable[str | Path]) -> list[Entry]:
    """Read histories and put their events in one order of time.

    Args:
        names: files, plain or compressed with gzip, or names of shipped histories.

    Raises:
        HistoryError: with every fault of every file.
    """
    events: dict[tuple[str, str], tuple[str, EncounterEvent]] = {}
    faults: list[str] = []
    found: list[list[Entry]] = []
    for name in names:
        reading = _Reading(str(name), events)
        try:
            data = _bytes(name)
        except (OSError, EOFError, zlib.error) as error:
            faults.append(f"{name}: cannot be read: {error}")
            continue
        entries = list(_entries(data, reading))
        if not entries and not reading.faults:
            reading.faults.append(
                f"{name}: no event is in it; each line is one, as docs/emr_simulator.md shows"
            )
        faults += reading.faults
        found.append(entries)
    if faults:
        raise HistoryError(faults)
    return list(heapq.merge(*found, key=lambda entry: entry.at))


def moved(entries: Iterable[Entry], by: timedelta) -> list[Entry]:
    """Return a history as if it had been by so much later, whole days: times, dates and birth dates.

    What the front page says in words of its own stays as it is written.
    """
    found = []
    for entry in entries:
        event = EncounterEvent()
        event.CopyFrom(entry.event)
        _move(event, by)
        found.append(Entry(entry.encounter_id, event, entry.at + by))
    return found


def ending_today(entries: Sequence[Entry], now: datetime) -> list[Entry]:
    """Return a history moved by whole days such that its last event lies in the past 24 hours."""
    return moved(entries, timedelta(days=(now - entries[-1].at) // timedelta(days=1)))


def renamed(entries: Iterable[Entry], suffix: str) -> list[Entry]:
    """Return a history whose stays have other numbers: theirs with something behind."""
    return [replace(entry, encounter_id=entry.encounter_id + suffix) for entry in entries]


def _bytes(name: str | Path) -> bytes:
    path = Path(name)
    if not path.exists() and str(name) in shipped():
        folder = resources.files("casemeter_client.emr").joinpath("histories")
        return folder.joinpath(str(name) + _SUFFIX).read_bytes()
    if not path.exists() and not path.suffix:
        raise FileNotFoundError(f"no such file, and no shipped history; shipped: {', '.join(shipped())}")
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(_GZIP) else data


def _entries(data: bytes, reading: _Reading) -> Iterator[Entry]:
    for line, raw in enumerate(data.split(b"\n"), 1):
        if raw.strip():
            before = len(reading.faults)
            entry = _entry(raw, line, reading)
            if entry is not None and len(reading.faults) == before:
                yield entry


def _entry(raw: bytes, line: int, reading: _Reading) -> Entry | None:
    """Return the event of one line, or ``None`` with everything that is wrong with it noted."""
    try:
        # A byte order mark may stand before the first line.
        values = json.loads(raw.decode("utf-8-sig" if line == 1 else "utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        reading.fault(line, f"is not JSON in UTF-8: {error}")
        return None
    if not isinstance(values, dict):
        reading.fault(line, 'is not an object like {"encounter_id": "E1", "event": {…}}')
        return None
    for key in values:
        if key not in _KEYS:
            reading.fault(line, f"'{key}' is not known; known: {', '.join(_KEYS)}")
    number = values.get("encounter_id")
    if not isinstance(number, str) or not 0 < len(number) <= _MAX_ID:
        reading.fault(
            line, f"'encounter_id' is {number!r}; write the number of the stay, 1 to {_MAX_ID} characters"
        )
        number = ""
    event = _event(values, line, reading)
    at = _at(values, event, line, reading)
    if event is None or at is None:
        return None
    _check_order(at, line, reading)
    _check_number(number, event, line, reading)
    return Entry(number, event, at)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice in one object")
    return found


def _event(values: Mapping[str, Any], line: int, reading: _Reading) -> EncounterEvent | None:
    told = values.get("event")
    if not isinstance(told, dict):
        reading.fault(
            line, "'event' is missing; it is an EncounterEvent as JSON (proto/casemeter/v1/living.proto)"
        )
        return None
    try:
        event = json_format.ParseDict(told, EncounterEvent())
    except json_format.ParseError as error:
        reading.fault(line, f"'event' is no EncounterEvent: {' '.join(str(error).split())}")
        return None
    if not 0 < len(event.event_id) <= _MAX_ID:
        reading.fault(line, f"'event.event_id' is {event.event_id!r}; write 1 to {_MAX_ID} characters")
    if not event.HasField("time"):
        reading.fault(line, "'event.time' is missing; write when it happened, like 2026-11-02T08:40:00+08:00")
    if event.WhichOneof("what") is None and not event.corrects:
        reading.fault(line, "'event' says nothing: no fact, no diagnosis … and nothing that it corrects")
    return event


def _at(
    values: Mapping[str, Any], event: EncounterEvent | None, line: int, reading: _Reading
) -> datetime | None:
    moment = Timestamp()
    if "at" in values:
        try:
            moment.FromJsonString(values["at"])
        except (ValueError, AttributeError, TypeError):
            reading.fault(line, f"'at' is {values['at']!r}; write a time like 2026-11-02T08:40:00+08:00")
            return None
    elif event is None or not event.HasField("time"):
        return None
    else:
        moment = event.time
    return moment.ToDatetime(UTC)


def _check_order(at: datetime, line: int, reading: _Reading) -> None:
    if reading.last is not None and at < reading.last:
        reading.fault(
            line,
            f"comes after a line of {reading.last.isoformat()}, and is of {at.isoformat()}: write lines in "
            "the order in which they are said; what is said late has its own 'at'",
        )
    else:
        reading.last = at


def _check_number(number: str, event: EncounterEvent, line: int, reading: _Reading) -> None:
    key = (number, event.event_id)
    place, before = reading.events.setdefault(key, (f"{reading.name}:{line}", event))
    if event.event_id and before != event:
        reading.fault(line, f"event_id '{event.event_id}' of '{number}' has another content at {place}")


def _move(message: Message, by: timedelta) -> None:
    for descriptor, value in message.ListFields():
        if descriptor.type == FieldDescriptor.TYPE_MESSAGE:
            for one in value if descriptor.is_repeated else (value,):
                if isinstance(one, Timestamp):
                    one.FromDatetime(one.ToDatetime(UTC) + by)
                else:
                    _move(one, by)
        elif descriptor.name.endswith("_date"):
            setattr(message, descriptor.name, _later(value, by))


def _later(day: str, by: timedelta) -> str:
    """Return a day moved; one that is none is left for the server to refuse."""
    try:
        return (date.fromisoformat(day) + by).isoformat()
    except ValueError:
        return day
