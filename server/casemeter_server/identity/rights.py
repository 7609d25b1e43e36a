"""What each role may call, and for whose patients."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Final

from casemeter_server.caller import Caller
from casemeter_server.errors import RequestError

PHYSICIAN: Final = "physician"
"""Whom a role that is not in the table, or none, is taken for."""


class Reach(StrEnum):
    """Whose patients a call may be made for."""

    NONE = "none"
    OWN = "own"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Role:
    """A role: what it is, and whether an issuer gives it only if its entry names it."""

    what: str
    named: bool


@dataclass(frozen=True, slots=True)
class CallRights:
    """One row of the table.

    Attributes:
        look: whether the call is a look at a patient, which is recorded.
        doors: what of the HTTP doors amounts to it.
        reach: by role.
    """

    look: bool
    doors: str
    reach: Mapping[str, Reach]


@dataclass(frozen=True, slots=True)
class Rights:
    """The table: roles by name, and calls by the name of their method."""

    roles: Mapping[str, Role]
    calls: Mapping[str, CallRights]

    def check(self, caller: Caller, call: str, hospital: str = "") -> None:
        """Check that somebody may make a call.

        Args:
            caller: who asks.
            call: name of the method.
            hospital: whose patient it is about; empty: the caller's own hospital.

        Raises:
            RequestError: it is not allowed.
            KeyError: there is no such method.
        """
        reach = self.calls[call].reach
        own = not hospital or hospital == caller.hospital
        allowed = reach.get(caller.role) or reach[PHYSICIAN]
        if allowed is Reach.ANY or (own and allowed is Reach.OWN):
            return
        whose = "its own" if own else "another"
        details = {"role": caller.role or PHYSICIAN, "call": call, "whose": whose}
        raise RequestError("PERMISSION_DENIED", details)

    @property
    def common(self) -> frozenset[str]:
        """The roles that every issuer may give."""
        return frozenset(name for name, role in self.roles.items() if not role.named)

    def reaches_others(self, role: str) -> bool:
        """Whether a role may call anything for the patients of another hospital."""
        return any(row.reach.get(role) is Reach.ANY for row in self.calls.values())


@cache
def shipped_rights() -> Rights:
    """Return the table that comes with the product; there is no other."""
    text = resources.files("casemeter_server.identity").joinpath("rights.toml").read_text("utf-8")
    table = tomllib.loads(text)
    roles = {name: Role(entry["is"], entry["named"]) for name, entry in table["role"].items()}
    calls = {
        name: CallRights(entry["look"], entry["doors"], {role: Reach(entry[role]) for role in roles})
        for name, entry in table["call"].items()
    }
    return Rights(roles, calls)


def is_look(call: str) -> bool:
    """Whether a call is a look at a patient: it shows or changes an encounter, and is to be recorded.

    Raises:
        KeyError: there is no such method.
    """
    return shipped_rights().calls[call].look
