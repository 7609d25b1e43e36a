"""From the events of an encounter to its state: a function of their set, whatever their order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from casemeter.v1 import encounter_pb2 as pb
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

    @property
    def rank(self) -> tuple[int, int, str]:
        """What orders the events of a part."""
        return self[:3]


# What a part holds for the state: its number and its position come with the value.
_Now = Mapping[str, _Held]


class Fold:
    """The events of one encounter, taken in any order, each once."""

    def __init__(self, encounter_id: str) -> None:
        self._id = encounter_id
        self._parts: dict[Part, list[_Held]] = {}
        self._wrong: set[str] = set()
        self.events = 0
        """Number of events taken."""

    def add(self, events: Iterable[living_pb2.EncounterEvent]) -> None:
        """Take checked events that were not taken before."""
        for event in events:
            self.events += 1
            if event.corrects:
                self._wrong.add(event.corrects)
            for part, value, position in said(event):
                held = _Held(event.time.seconds, event.time.nanos, event.event_id, value, position)
                self._parts.setdefault(part, []).append(held)

    def state(self) -> living_pb2.EncounterState:
        """Return the state that the events come to; its version is left to who counts them."""
        now: dict[str, dict[str, _Held]] = {}
        for part, told in self._parts.items():
            held = max((one for one in told if one.event not in self._wrong), key=_rank, default=None)
            if held is not None and held.value is not None:
                now.setdefault(part.kind, {})[part.number] = held
        state = living_pb2.EncounterState()
        state.encounter.encounter_id = self._id
        for _, fact in sorted(now.get(FACT, {}).items()):
            fact.value.put(state.encounter)
        _fill_lists(state, now)
        # As all that is shown of a stay, the hash is of the state alone: not of how many events led to it.
        state.state_hash = hashlib.sha256(state.SerializeToString(deterministic=True)).hexdigest()
        state.events = self.events
        return state


def _rank(held: _Held) -> tuple[int, int, str]:
    return held.rank


def _fill_lists(state: living_pb2.EncounterState, now: Mapping[str, _Now]) -> None:
    encounter = state.encounter
    for kind, entries in (("diagnosis", encounter.diagnoses), ("procedure", encounter.procedures)):
        for _, held in sorted(now.get(kind, {}).items(), key=lambda item: (item[1].position, item[0])):
            entries.add().CopyFrom(held.value)
    for number, held in sorted(now.get("order", {}).items()):
        order = encounter.orders.add()
        order.CopyFrom(held.value)
        order.id = number
        order.placing = False
    _fill_charges(state, now.get("charge", {}))
    starts = [(_start(held.value), number, held.value) for number, held in now.get("segment", {}).items()]
    for _, _, segment in sorted(starts, key=lambda entry: entry[:2]):
        encounter.segments.add().CopyFrom(segment)
    page = now.get("front_page")
    if page:
        for name, held in sorted(page.items()):
            encounter.front_page.fields.add(name=name, value=held.value)
    settled = now.get("settlement", {})
    for _, _, settlement in sorted((held.value.from_date, number, held) for number, held in settled.items()):
        state.settlements.add().CopyFrom(settlement.value)
    state.closed = bool(now.get("closing"))


def _start(segment: pb.Segment) -> tuple[int, int]:
    return segment.start_time.seconds, segment.start_time.nanos


def _fill_charges(state: living_pb2.EncounterState, now: _Now) -> None:
    """Fill the charges; what undoes one that is not there waits for it."""
    charges = state.encounter.charges
    for number, held in sorted(now.items(), key=lambda item: (_time(item[1].value), item[0])):
        target = held.value.reverses
        undone = now.get(target) if target else None
        if target and (undone is None or undone.value.reverses):
            state.waiting.append(number)
            continue
        line = charges.lines.add()
        line.CopyFrom(held.value)
        line.id = number


def _time(line: Any) -> tuple[int, int]:
    return line.time.seconds, line.time.nanos
