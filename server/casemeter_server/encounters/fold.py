"""From the events of an encounter to its state: a function of their set, whatever their order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from casemeter.v1 import living_pb2
from casemeter_server.encounters.parts import FACT, Part, said


class _Held(NamedTuple):
    """What an event says of a part; the greatest one that was not corrected holds.

    Attributes:
        seconds: when it came about.
        nanos: the same, below a second.
        event: its number.
        value: of the part; ``None``: gone.
        position: of the part among its kind.
    """

    seconds: int
    nanos: int
    event: str
    value: Any
    position: int


_Now = Mapping[str, _Held]
"""What holds of one kind, by the number of the part."""


class Fold:
    """The events of one encounter, taken in any order, each once."""

    def __init__(self, encounter_id: str) -> None:
        self._id = encounter_id
        self._told: dict[Part, list[_Held]] = {}
        self._parts_of: dict[str, list[Part]] = {}
        self._wrong: set[str] = set()
        self._now: dict[str, dict[str, _Held]] = {}
        self.events = 0
        """Number of events taken."""

    def add(self, events: Iterable[living_pb2.EncounterEvent]) -> None:
        """Take checked events that were not taken before."""
        for event in events:
            self.events += 1
            parts = self._parts_of[event.event_id] = []
            if event.corrects:
                self._wrong.add(event.corrects)
                for part in self._parts_of.get(event.corrects, ()):
                    self._settle(part)
            for part, value, position in said(event):
                held = _Held(event.time.seconds, event.time.nanos, event.event_id, value, position)
                self._told.setdefault(part, []).append(held)
                parts.append(part)
                self._settle(part)

    def _settle(self, part: Part) -> None:
        """Find what holds of a part by now."""
        told = (one for one in self._told[part] if one.event not in self._wrong)
        held = max(told, key=_rank, default=None)
        of_kind = self._now.setdefault(part.kind, {})
        if held is None or held.value is None:
            of_kind.pop(part.number, None)
        else:
            of_kind[part.number] = held

    def state(self) -> living_pb2.EncounterState:
        """Return the state that the events come to; its version is left to who counts them."""
        state = living_pb2.EncounterState()
        state.encounter.encounter_id = self._id
        for _, fact in sorted(self._now.get(FACT, {}).items()):
            fact.value.put(state.encounter)
        _fill_lists(state, self._now)
        # As all that is shown of a stay, the hash is of the state alone: not of how many events led to
        # it, nor of the outcomes, which make no verdict and no answer stale.
        state.state_hash = hashlib.sha256(state.SerializeToString(deterministic=True)).hexdigest()
        outcomes = self._now.get("outcome", {}).values()
        state.outcomes.extend(sorted((held.value for held in outcomes), key=lambda told: told.source))
        state.events = self.events
        return state


def _rank(held: _Held) -> tuple[int, int, str]:
    return held.seconds, held.nanos, held.event


def _fill_lists(state: living_pb2.EncounterState, now: Mapping[str, _Now]) -> None:
    encounter = state.encounter
    diagnoses = sorted(now.get("diagnosis", {}).items(), key=_by_position)
    encounter.diagnoses.extend(held.value for _, held in diagnoses)
    for _, held in sorted(now.get("procedure", {}).items(), key=_by_position):
        entries = encounter.planned_procedures if held.value.planned else encounter.procedures
        entries.append(held.value.procedure)
    encounter.orders.extend(held.value for _, held in sorted(now.get("order", {}).items()))
    _fill_charges(state, now.get("charge", {}))
    encounter.segments.extend(held.value for _, held in sorted(now.get("segment", {}).items(), key=_by_start))
    page = now.get("front_page")
    if page:
        for name, held in sorted(page.items()):
            encounter.front_page.fields.add(name=name, value=held.value)
    settled = sorted(now.get("settlement", {}).items(), key=_by_first_day)
    state.settlements.extend(held.value for _, held in settled)
    state.closed = bool(now.get("closing"))


def _fill_charges(state: living_pb2.EncounterState, now: _Now) -> None:
    """Fill the charges; what undoes one that is not there waits for it."""
    lines = []
    for number, held in sorted(now.items(), key=_by_time):
        target = held.value.reverses
        undone = now.get(target) if target else None
        if target and (undone is None or undone.value.reverses):
            state.waiting.append(number)
        else:
            lines.append(held.value)
    if lines:
        state.encounter.charges.lines.extend(lines)


_Entry = tuple[str, _Held]


def _by_position(entry: _Entry) -> tuple[int, str]:
    return entry[1].position, entry[0]


def _by_start(entry: _Entry) -> tuple[int, int, str]:
    start = entry[1].value.start_time
    return start.seconds, start.nanos, entry[0]


def _by_time(entry: _Entry) -> tuple[int, int, str]:
    time = entry[1].value.time
    return time.seconds, time.nanos, entry[0]


def _by_first_day(entry: _Entry) -> tuple[str, str]:
    return entry[1].value.from_date, entry[0]
