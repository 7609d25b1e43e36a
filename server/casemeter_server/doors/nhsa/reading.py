"""One visit as it is read: the encounter, where its entries stand in the message, and their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.doors.nhsa.facts import FIELDS
from casemeter_server.doors.nhsa.tree import Node
from casemeter_server.doors.nhsa.values import Moment

MAX_ID: Final = 50
"""The longest number of a person, visit or order, which replies repeat."""

_PLACE: Final = re.compile(r"\[\d+\]")


class Places(Mapping[str, str]):
    """Places of the request, and those of the message they were read from."""

    def __init__(self, rows: Mapping[str, str]) -> None:
        """Take the places of entries, and of fields that are read from elsewhere than the others."""
        self._rows = rows

    def __getitem__(self, place: str) -> str:
        if place in self._rows:
            return self._rows[place]
        owner, _, _ = place.rpartition(".")
        path = _PLACE.sub("", place).removeprefix("encounter.")
        if owner in self._rows and path in FIELDS:
            return f"{self._rows[owner]}.{FIELDS[path]}"
        raise KeyError(place)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@dataclass
class StayRead:
    """One visit, read.

    Attributes:
        encounter: what is known of the stay.
        rows: places of its entries in the message.
        ids: the sender's numbers of its entries.
        total_differs: the sender's total is that of more or less than the orders that were sent.
    """

    encounter: pb.Encounter
    rows: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    total_differs: bool = False

    def note(self, owner: str, at: int, node: Node, number: str) -> None:
        """Note where an entry was read from, and its number."""
        place = f"encounter.{owner}[{at}]"
        self.rows[place] = node.place
        if number:
            self.ids[place] = number


def within(moment: Moment | None, admission: Moment | None) -> int | None:
    """Return a moment of the stay; ``None``: unknown.

    Of a bare day its beginning is taken, but not on the day of admission, before which it would lie.
    """
    if moment is None:
        return None
    if moment.whole_day and admission is not None and moment.at < admission.at:
        same_day = moment.at.date() == admission.at.astimezone(moment.at.tzinfo).date()
        return None if same_day else seconds_of(moment)
    return seconds_of(moment)


def seconds_of(moment: Moment) -> int:
    """Return a moment in seconds since 1970."""
    return int(moment.at.timestamp())
