"""What an EMR knows of a stay: the events that it told, applied one after another.

This is the sender's own picture. It is made another way than the server's state and must come to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from casemeter.v1 import charges_pb2, living_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1.living_pb2 import EncounterEvent

_AGE = ("birth_date", "age")
_VALUES = {
    "diagnosis": "diagnosis",
    "procedure": "procedure",
    "order": "order",
    "charge": "line",
    "segment": "segment",
    "settlement": "settlement",
}


class Picture:
    """One stay."""

    def __init__(self, encounter_id: str) -> None:
        self._id = encounter_id
        self._events: dict[str, EncounterEvent] = {}
        self._wrong: set[str] = set()
        self._begin()

    def apply(self, event: EncounterEvent) -> None:
        """Take what happened. What was taken before changes nothing."""
        if event.event_id in self._events:
            return
        self._events[event.event_id] = event
        if event.corrects:
            self._wrong.add(event.corrects)
        if event.corrects or _when(event) < self._latest:
            # It reaches back: all is written again, in the order in which it happened.
            self._begin()
            for one in sorted(self._events.values(), key=_when):
                self._write(one)
        else:
            self._write(event)

    @property
    def closed(self) -> bool:
        """Whether the stay is closed."""
        return self._closed

    def settlements(self) -> list[living_pb2.Settlement]:
        """Return what was settled during the stay."""
        told = self._entries["settlement"].items()
        return [
            one.settlement
            for _, one in sorted(told, key=lambda item: (item[1].settlement.from_date, item[0]))
        ]

    def outcomes(self) -> list[living_pb2.OutcomeEvent]:
        """Return the final groups that were told, by who says them."""
        return [said for _, said in sorted(self._outcomes.items())]

    def waiting(self) -> list[str]:
        """Return the numbers of refunds whose charge is not there."""
        return [event.id for event in self._charged() if not self._counts(event)]

    def encounter(self, placing: str = "") -> pb.Encounter:
        """Return the stay as it is known now.

        Args:
            placing: number of the order that is being placed; empty: none is.
        """
        found = pb.Encounter()
        found.CopyFrom(self._facts)
        found.encounter_id = self._id
        for event in self._placed("diagnosis"):
            found.diagnoses.append(event.diagnosis)
        for event in self._placed("procedure"):
            entries = found.planned_procedures if event.planned else found.procedures
            entries.append(event.procedure)
        for _, event in sorted(self._entries["order"].items()):
            order = found.orders.add()
            order.CopyFrom(event.order)
            order.id = event.id
            order.placing = event.id == placing
        found.charges.lines.extend(_lines(filter(self._counts, self._charged())))
        if not found.charges.ByteSize() and not self._facts.HasField("charges"):
            found.ClearField("charges")
        stays = self._entries["segment"].items()
        for _, event in sorted(stays, key=lambda item: (_moment(item[1].segment.start_time), item[0])):
            found.segments.append(event.segment)
        for name, value in sorted(self._page.items()):
            found.front_page.fields.add(name=name, value=value)
        return found

    def _begin(self) -> None:
        self._facts = pb.Encounter()
        self._entries: dict[str, dict[str, Any]] = {kind: {} for kind in _VALUES}
        self._page: dict[str, str] = {}
        self._closed = False
        self._outcomes: dict[int, living_pb2.OutcomeEvent] = {}
        self._latest: tuple[Any, ...] = ()

    def _write(self, event: EncounterEvent) -> None:
        self._latest = max(self._latest, _when(event))
        kind = event.WhichOneof("what")
        if kind is None or event.event_id in self._wrong:
            return
        said = getattr(event, kind)
        if kind == "facts":
            self._write_facts(said)
        elif kind == "closing":
            self._closed = said.closed
        elif kind == "outcome":
            self._outcomes.pop(said.source, None)
            if said.HasField("outcome"):
                self._outcomes[said.source] = said
        elif kind == "front_page":
            self._page.pop(said.name, None)
            if said.HasField("value"):
                self._page[said.name] = said.value
        else:
            self._entries[kind].pop(said.id, None)
            if said.HasField(_VALUES[kind]):
                self._entries[kind][said.id] = said

    def _write_facts(self, said: living_pb2.StayFacts) -> None:
        for name in said.cleared:
            for each in _AGE if name in _AGE else (name,):
                self._forget(each)
        for field, _ in said.values.ListFields():
            for each in _AGE if field.name in _AGE else (field.name,):
                self._forget(each)
        self._facts.MergeFrom(said.values)

    def _forget(self, name: str) -> None:
        if name in pb.Encounter.DESCRIPTOR.fields_by_name:  # of another name the server says that it is none
            self._facts.ClearField(name)

    def _placed(self, kind: str) -> Iterator[Any]:
        entries = self._entries[kind].values()
        return iter(sorted(entries, key=lambda event: (event.position, event.id)))

    def _charged(self) -> list[living_pb2.ChargeEvent]:
        charges = self._entries["charge"].values()
        return sorted(charges, key=lambda event: (_moment(event.line.time), event.id))

    def _counts(self, event: living_pb2.ChargeEvent) -> bool:
        """Whether a charge can be reckoned: a refund needs what it takes back, and that is no refund."""
        undone = self._entries["charge"].get(event.line.reverses)
        return not event.line.reverses or (undone is not None and not undone.line.reverses)


def _lines(events: Iterable[living_pb2.ChargeEvent]) -> Iterator[charges_pb2.ChargeLine]:
    for event in events:
        line = charges_pb2.ChargeLine()
        line.CopyFrom(event.line)
        line.id = event.id
        yield line


def _when(event: EncounterEvent) -> tuple[int, int, str]:
    return (*_moment(event.time), event.event_id)


def _moment(time: Any) -> tuple[int, int]:
    return time.seconds, time.nanos
