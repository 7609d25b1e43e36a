"""Which parts of an encounter an event speaks of. Each part has a kind, a number and one value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from google.protobuf.message import Message

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1 import living_pb2

FACT: Final = "facts"
CHARGES: Final = "charges"
AGE: Final = "age_source"

OWN_EVENTS: Final = frozenset(
    (
        *("encounter_id", "diagnoses", "procedures", "planned_procedures"),
        *("segments", "orders", "front_page", CHARGES),
    )
)
"""Fields of an encounter that are no single facts; of charges only the category system is one."""

_AGE_FIELDS: Final = frozenset(("birth_date", "age"))
FACT_NAMES: Final = frozenset(pb.Encounter.DESCRIPTOR.fields_by_name) - OWN_EVENTS | {CHARGES}
"""What may be cleared."""

# The number of what an event is about, and its value, by the event's kind.
_NUMBER: Final[Mapping[str, tuple[str, str]]] = {
    "diagnosis": ("id", "diagnosis"),
    "procedure": ("id", "procedure"),
    "order": ("id", "order"),
    "charge": ("id", "line"),
    "segment": ("id", "segment"),
    "front_page": ("name", "value"),
    "settlement": ("id", "settlement"),
    "outcome": ("source", "outcome"),
}
_WHOLE: Final = frozenset(("procedure", "outcome"))
"""Kinds whose value is the whole content: whether a procedure is planned, who says an outcome."""


class Part(NamedTuple):
    """One part of an encounter.

    Attributes:
        kind: name of the event's content in the contract, such as ``diagnosis``.
        number: of the part within its kind; a fact's is the name of its field, an outcome's the number of its
            source.
    """

    kind: str
    number: str


class Said(NamedTuple):
    """What an event says of a part.

    Attributes:
        part: the part.
        value: what it is from then on, a message or a plain value; ``None``: gone, or unknown.
        position: its place among its kind; 0 where the kind has none.
    """

    part: Part
    value: Any
    position: int = 0


def said(event: living_pb2.EncounterEvent) -> Iterator[Said]:
    """Yield what a checked event says, part by part."""
    kind = event.WhichOneof("what")
    if kind == FACT:
        yield from _facts(event.facts)
    elif kind == "closing":
        yield Said(Part(kind, ""), event.closing.closed or None)
    elif kind is not None:
        content = getattr(event, kind)
        number, field = _NUMBER[kind]
        part = Part(kind, str(getattr(content, number)))
        value = None
        if content.HasField(field):
            value = content if kind in _WHOLE else getattr(content, field)
        yield Said(part, _numbered(part, value), getattr(content, "position", 0))


def _numbered(part: Part, value: Any) -> Any:
    """Return an order or a charge as the state holds it: under its number, and no longer being placed."""
    if value is None or part.kind not in ("order", "charge"):
        return value
    copy = type(value)()
    copy.CopyFrom(value)
    copy.id = part.number
    if part.kind == "order":
        copy.placing = False
    return copy


def _facts(facts: living_pb2.StayFacts) -> Iterator[Said]:
    for field, value in facts.values.ListFields():
        if field.name == CHARGES:
            value = facts.values.charges.category_system
        yield Said(Part(FACT, AGE if field.name in _AGE_FIELDS else field.name), _Named(field.name, value))
    for name in facts.cleared:
        yield Said(Part(FACT, AGE if name in _AGE_FIELDS else name), None)


class _Named(NamedTuple):
    """The value of a single fact, and the field that it is of."""

    field: str
    value: Any

    def put(self, encounter: pb.Encounter) -> None:
        """Set the fact in an encounter."""
        if self.field == CHARGES:
            encounter.charges.category_system = self.value
            encounter.charges.SetInParent()
        elif isinstance(self.value, Message):
            getattr(encounter, self.field).CopyFrom(self.value)
        else:
            setattr(encounter, self.field, self.value)
