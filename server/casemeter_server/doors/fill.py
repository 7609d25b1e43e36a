"""Filling what a message lacks from the open encounter. What the message carries always comes first.

Lacking is a fact that is absent, or an empty list. Of what is there, only such attributes are filled as the
door cannot carry: of a diagnosis or procedure by its code, of an order or a charge by its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from casemeter.v1 import charges_pb2, service_pb2, verdict_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1.living_pb2 import EncounterState
from casemeter_server.care_facts import MAX_FILLED
from casemeter_server.doors.facts import DoorFacts

_KEYS: Final = {"diagnoses": "code", "procedures": "code", "charges.lines": "id", "orders": "id"}
"""Lists whose entries are matched, and by what."""

_TOGETHER: Final = (frozenset(("segments", "icu_hours")),)
"""Facts that say the same in two ways: where a message has one of them, the others are not lacking."""

_EDITIONS: Final = {
    "diagnoses": "diagnosis_edition",
    "procedures": "procedure_edition",
    "planned_procedures": "procedure_edition",
}
"""What codes are written in: a fact of the codes that were sent, never of others."""

_SYSTEM: Final = "charges.category_system"

_OF_ALL: Final = frozenset(("diagnoses.phase",))
"""Attributes that set entries of a list against each other: filled of all entries, or of none."""


class Filled(NamedTuple):
    """A request with what it lacked.

    Attributes:
        request: filled, naming each filled fact.
        facts: number of them.
    """

    request: service_pb2.EvaluateRequest
    facts: int


def fill(request: service_pb2.EvaluateRequest, state: EncounterState, door: DoorFacts) -> Filled:
    """Return a request with what its message lacks from the state of an open encounter.

    Args:
        request: what the message says; it is not changed.
        state: of the encounter of the same hospital and number; it is not changed.
        door: what the message could have carried.
    """
    filled = service_pb2.EvaluateRequest()
    filled.CopyFrom(request)
    filler = _Filler(filled.encounter, state.encounter, door)
    filler.fill()
    places = filler.places
    if len(places) + len(request.filled) > MAX_FILLED:
        places = list(dict.fromkeys(re.sub(r"\[\d+\]", "[]", place) for place in places))
    for place in places:
        filled.filled.add(
            field=f"encounter.{place}",
            source=verdict_pb2.FACT_SOURCE_OPEN_ENCOUNTER,
            state_hash=state.state_hash,
        )
    return Filled(filled, len(places))


class _Filler:
    """Fills one encounter; notes the places."""

    def __init__(self, target: pb.Encounter, source: pb.Encounter, door: DoorFacts) -> None:
        self.places: list[str] = []
        self._target = target
        self._source = source
        self._door = door

    def fill(self) -> None:
        """Fill what is absent as a whole, and then below what is there."""
        sent = {found.name for found, _ in self._target.ListFields()}
        for found, value in self._source.ListFields():
            if found.name in sent:
                self._fill_below(found, value)
            elif self._is_lacking(found, sent):
                if found.name == "planned_procedures" and "procedures" in sent:
                    value = self._not_done(value)
                    if not value:
                        continue
                elif found.name == "charges" and "orders" in sent:
                    value = self._not_ordered_charges(value)
                    if not value.ByteSize():
                        continue
                self._take(self._target, found, value, found.name)
                if found.name == "charges":
                    self._forget_categories()
        if "orders" not in sent:
            self._leave_out_charged()

    def _is_lacking(self, found: Any, sent: set[str]) -> bool:
        name: str = found.name
        choice = found.containing_oneof
        if choice is not None and self._target.WhichOneof(choice.name):
            return False
        if any(name in group and sent & group for group in _TOGETHER):
            return False
        if name in _EDITIONS.values():  # comes with its codes
            return False
        if name in _EDITIONS:
            return self._reads_alike(_EDITIONS[name], sent)
        if name == "orders" and "charges" in sent and not self._same_system():
            return False
        # A door that can say yes has said no.
        return not (found.cpp_type == found.CPPTYPE_BOOL and self._door.carries(name))

    def _reads_alike(self, edition: str, sent: set[str]) -> bool:
        """Whether codes of the open encounter can stand in the request, with what they are written in."""
        own, other = getattr(self._target, edition), getattr(self._source, edition)
        if own == other:
            return True
        if own != pb.CODE_EDITION_UNSPECIFIED:
            return False
        if any(_EDITIONS.get(name) == edition for name in sent):
            # The message has such codes, undeclared: they are not to be read in another way.
            return _edition(self._target, edition) == _edition(self._source, edition)
        setattr(self._target, edition, other)
        self.places.append(edition)
        return True

    def _not_done(self, planned: Iterable[pb.Procedure]) -> list[pb.Procedure]:
        """Return planned procedures that the request does not have as done."""
        done = {procedure.code for procedure in self._target.procedures}
        return [procedure for procedure in planned if procedure.code not in done]

    def _fill_below(self, found: Any, value: Any) -> None:
        name: str = found.name
        if name in _KEYS:
            self._fill_entries(getattr(self._target, name), value, name)
        elif name == "charges":
            self._fill_charges()
        elif found.message_type is not None and not found.is_repeated and not _is_moment(found):
            self._fill_absent(getattr(self._target, name), value, name, name)

    def _fill_charges(self) -> None:
        target, source = self._target.charges, self._source.charges
        carries_system = self._door.carries("charges.category_system")
        if not target.category_system and source.category_system and not carries_system:
            self._take(target, _field(target, "category_system"), source.category_system, _SYSTEM)
        if target.lines:
            self._fill_entries(target.lines, source.lines, "charges.lines")
        elif not target.daily_totals and self._same_system():
            entries = {"lines": self._not_ordered(source.lines), "daily_totals": source.daily_totals}
            for name, own in entries.items():
                place = f"charges.{name}"
                if own and not self._door.carries(place):
                    self._take(target, _field(target, name), own, place)

    def _same_system(self) -> bool:
        """Whether categories of both are read alike."""
        return self._target.charges.category_system == self._source.charges.category_system

    def _fill_absent(self, target: Any, source: Any, path: str, place: str) -> None:
        """Fill fields that a message below lacks, and that the door cannot carry."""
        for found, value in source.ListFields():
            if _is_absent(target, found) and not self._door.carries(f"{path}.{found.name}"):
                self._take(target, found, value, f"{place}.{found.name}")

    def _fill_entries(self, target: Sequence[Any], source: Iterable[Any], path: str) -> None:
        """Fill attributes of entries that are in both."""
        key = _KEYS[path]
        edition = _EDITIONS.get(path)
        if edition and _edition(self._target, edition) != _edition(self._source, edition):
            return
        by_key: dict[str, list[Any]] = {}
        for entry in source:
            by_key.setdefault(getattr(entry, key), []).append(entry)
        matched = [by_key.get(getattr(entry, key), []) if getattr(entry, key) else [] for entry in target]
        for found in target[0].DESCRIPTOR.fields:
            attribute = f"{path}.{found.name}"
            if found.name == key or self._door.carries(attribute):
                continue
            if found.name == "category" and not self._same_system():
                continue
            known = [_agreed(entries, found) for entries in matched]
            if attribute in _OF_ALL and not all(agree for agree, _ in known):
                continue
            for at, (entry, (_, value)) in enumerate(zip(target, known, strict=True)):
                if value is not None and _is_absent(entry, found):
                    self._take(entry, found, value, f"{path}[{at}].{found.name}")

    def _take(self, target: Any, found: Any, value: Any, place: str) -> None:
        if found.is_repeated:
            getattr(target, found.name).extend(value)
        elif found.message_type is not None:
            getattr(target, found.name).CopyFrom(value)
        else:
            setattr(target, found.name, value)
        self.places.append(place)

    def _forget_categories(self) -> None:
        """Leave the categories of the message's own orders unknown.

        They are read in the system that the charges declare, and no message without charges says what its own
        are written in: some codes mean something else in the other one.
        """
        for order in self._target.orders:
            order.ClearField("category")

    def _not_ordered(self, lines: Iterable[charges_pb2.ChargeLine]) -> list[charges_pb2.ChargeLine]:
        """Return lines without those that the request still has as orders, and what undoes them."""
        ordered = {order.id for order in self._target.orders} - {""}
        return [line for line in lines if line.id not in ordered and line.reverses not in ordered]

    def _not_ordered_charges(self, charges: charges_pb2.Charges) -> charges_pb2.Charges:
        """Return charges without such lines; what is left has no sum of its own then."""
        kept = self._not_ordered(charges.lines)
        if len(kept) == len(charges.lines):
            return charges
        found = charges_pb2.Charges()
        found.CopyFrom(charges)
        del found.lines[:]
        found.lines.extend(kept)
        found.ClearField("total_fen")
        return found

    def _leave_out_charged(self) -> None:
        """Leave out orders that are among the charges."""
        lines = {line.id for line in self._target.charges.lines} - {""}
        orders = self._target.orders
        kept = [order for order in orders if order.id not in lines]
        if len(kept) < len(orders):
            del orders[:]
            orders.extend(kept)


def _is_moment(found: Any) -> bool:
    return bool(found.message_type.full_name == "google.protobuf.Timestamp")


def _is_absent(message: Any, found: Any) -> bool:
    if found.is_repeated:
        return not getattr(message, found.name)
    if found.has_presence:
        return not message.HasField(found.name)
    return bool(getattr(message, found.name) == found.default_value)


def _agreed(entries: Sequence[Any], found: Any) -> tuple[bool, Any]:
    """Return whether entries say the same, and what; ``None``: nothing."""
    said = [None if _is_absent(entry, found) else getattr(entry, found.name) for entry in entries]
    if not said or any(value != said[0] for value in said):
        return False, None
    return True, said[0]


def _field(message: Any, name: str) -> Any:
    return message.DESCRIPTOR.fields_by_name[name]


def _edition(encounter: pb.Encounter, name: str) -> int:
    """Return the edition of codes; undeclared ones are read as the insurance edition."""
    edition: int = getattr(encounter, name)
    return edition or pb.CODE_EDITION_INSURANCE
