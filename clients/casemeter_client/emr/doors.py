"""What an EMR says at a door when something happens, and what it shows of the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from casemeter_client.emr.history import Entry
from casemeter_client.emr.picture import Picture

NAMES: Final = ("grpc", "evaluate", "json", "3101", "4101", "cds")
"""The doors that can be played at."""

ROLES: Final[Mapping[str, str]] = {
    "grpc": "emr",
    "evaluate": "physician",
    "json": "emr",
    "3101": "physician",
    "4101": "coder",
    "cds": "physician",
}
"""As whom an EMR speaks at each door, unless told otherwise."""


class DoorError(Exception):
    """A call was not answered as it should be; says what to do."""


class Unreachable(DoorError):
    """Nobody answers there."""


class Call(NamedTuple):
    """One call at a door.

    Attributes:
        name: of the method, message or hook.
        send: makes it; returns the lines to show. Raises :class:`DoorError` or
            :class:`~casemeter_client.CaseMeterError`.
    """

    name: str
    send: Callable[[], Sequence[str]]


class Door(Protocol):
    """One door, spoken at by one EMR; not for several threads at once."""

    def check(self) -> None:
        """Find out whether anybody answers.

        Raises:
            DoorError: nobody does, or the door is closed.
            CaseMeterError: likewise.
        """

    def calls(self, picture: Picture, entry: Entry, /) -> Sequence[Call]:
        """Return the calls that an event leads to, in their order.

        Args:
            picture: the stay, the event included.
            entry: what happened.
        """

    def close(self) -> None:
        """End connections and watches."""


@dataclass(frozen=True)
class Options:
    """How an EMR speaks.

    Attributes:
        door: one of :data:`NAMES`.
        address: host and port; with ``https://`` before it where HTTP is encrypted.
        hospital: it is of.
        role: as whom; empty: as is usual at the door.
        user: who works with it.
        department: where.
        token: a JSON Web Token that proves them; empty: none.
        language: ``zh`` or ``en``.
        watch: whether it watches the stays that it tells of.
        timeout: seconds a call may take.
    """

    door: str
    address: str
    hospital: str = "demo"
    role: str = ""
    user: str = ""
    department: str = ""
    token: str = ""
    language: str = "zh"
    watch: bool = False
    timeout: float = 10.0

    @property
    def acts_as(self) -> str:
        """The role."""
        return self.role or ROLES[self.door]


def placed_order(entry: Entry) -> str:
    """Return the number of the order that an event places or changes; empty: it does not."""
    event = entry.event
    return event.order.id if event.HasField("order") and event.order.HasField("order") else ""


def open_door(options: Options) -> Door:
    """Return a door; it connects when it is first used."""
    # Loaded here: both use this module.
    from casemeter_client.emr import grpc_doors, http_doors

    if options.door == "grpc":
        return grpc_doors.RecordDoor(options)
    if options.door == "evaluate":
        return grpc_doors.EvaluateDoor(options)
    return http_doors.open_http(options)
