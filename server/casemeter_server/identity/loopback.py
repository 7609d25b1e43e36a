"""Whether an address can be reached from its own machine only."""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import lru_cache
from typing import Final

_UNIX: Final = ("unix:", "unix-abstract:")
_PEER: Final = re.compile(r"ipv[46]:(?P<host>.+):\d+")


def is_loopback(host: str) -> bool:
    """Whether an IP address, with or without brackets, is one of the loopback. A name is not."""
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_local_name(host: str) -> bool:
    """Whether the header `Host` of an HTTP request, port and all, names this machine to itself.

    A page of the web can let its own name lead to a loopback address; its requests are told apart by this.
    """
    name = re.sub(r":\d*$", "", host)
    return name.lower() == "localhost" or is_loopback(name)


@lru_cache(maxsize=1024)
def is_loopback_peer(peer: str) -> bool:
    """Whether the other end of a gRPC call, as gRPC names it, is on this machine.

    ``ipv4:127.0.0.1:4711``, ``ipv6:[::1]:4711`` (also with its brackets escaped) and ``unix:`` are.
    """
    if peer.startswith(_UNIX):
        return True
    found = _PEER.fullmatch(peer.replace("%5B", "[").replace("%5D", "]"))
    return found is not None and is_loopback(found["host"])


def is_loopback_listener(address: str) -> bool:
    """Whether a listener can be reached from its own machine only.

    A Unix socket can, whose folder says who may use it; so can a host name that has loopback addresses only.
    A name that has no address is not trusted.

    Args:
        address: host and port, or a Unix socket as gRPC names it.
    """
    if address.startswith(_UNIX):
        return True
    host = address.rpartition(":")[0].removeprefix("[").removesuffix("]")
    if not host:
        return False
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        return False
    return bool(found) and all(is_loopback(str(entry[4][0])) for entry in found)


def check_listener(address: str, configured: bool) -> bool:
    """Check that a listener may be opened.

    Args:
        address: host and port, or a Unix socket as gRPC names it.
        configured: whether callers are known by tokens.

    Returns:
        Whether it can be reached from its own machine only.

    Raises:
        ValueError: others can reach it, and nobody would know who they are.
    """
    local = is_loopback_listener(address)
    if local or configured:
        return local
    raise ValueError(
        f"{address} can be reached from other machines, and without an identity file nobody would know who "
        'asks: listen on 127.0.0.1, or name such a file in the configuration (identity = "identity.toml"); '
        "docs/identity.md says what it holds"
    )
