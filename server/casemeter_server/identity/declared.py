"""What a call says of its caller, beside the request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final

from casemeter_server.caller import Caller
from casemeter_server.identity.loopback import is_local_name
from casemeter_server.identity.refusals import refused

MAX_NAME: Final = 64
"""The longest hospital, role or department."""

MAX_USER: Final = 255
"""The longest user: as long as OpenID Connect lets a `sub` be."""

AUTHORIZATION: Final = "authorization"
KEYS: Final = {f"casemeter-{each.name}": each.name for each in fields(Caller)}
"""Names of what a caller declares, and what of the caller it is: the same for gRPC and HTTP."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a call says of its caller. Nothing of it is proven.

    Attributes:
        authorization: value of the header of this name; several are joined with commas, as HTTP does.
        values: what is declared, by the attribute of :class:`~casemeter_server.caller.Caller`.
        host: header `Host` of an HTTP request; ``None``: there is none, as with gRPC.
    """

    authorization: str = field(default="", repr=False)
    values: Mapping[str, str] = field(default_factory=dict)
    host: str | None = None


def from_metadata(items: Iterable[tuple[str, str | bytes]]) -> Declared:
    """Read the metadata of a gRPC call; of a key that comes twice, the last value holds."""
    tokens: list[str] = []
    values: dict[str, str] = {}
    for key, value in items:
        if key == AUTHORIZATION:
            tokens.append(value if isinstance(value, str) else value.decode("latin-1"))
        elif (name := KEYS.get(key)) is not None:
            values[name] = value if isinstance(value, str) else value.decode("utf-8", "replace")
    return Declared(", ".join(tokens), values)


def from_headers(headers: Iterable[tuple[str, str]]) -> Declared:
    """Read the headers of an HTTP request: pairs, names in any case."""
    items = [(key.lower(), value) for key, value in headers]
    hosts = [value for key, value in items if key == "host"]
    return replace(from_metadata(items), host=", ".join(hosts))


def is_name(text: str, limit: int) -> bool:
    """Whether a text may name a hospital, a role, a department or a user."""
    return len(text) <= limit and (text.isprintable() or not text)


def limit_of(name: str) -> int:
    """Return how long a part of a caller may be."""
    return MAX_USER if name == "user" else MAX_NAME


def as_declared(declared: Declared) -> Caller:
    """Return the caller just as declared.

    Raises:
        RequestError: something declared is no name, or the server was called by a name of another machine.
    """
    if declared.host is not None and not is_local_name(declared.host):
        raise refused("HOST")
    for name, value in declared.values.items():
        if not is_name(value, limit_of(name)):
            raise refused("DECLARED", name=f"casemeter-{name}", limit=limit_of(name))
    return Caller(**declared.values)
