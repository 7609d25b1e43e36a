"""Where processes listen: addresses become sockets before any process starts."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any, Final

BACKLOG: Final = 1024
"""Connections that may wait until a process accepts them."""

_TRIES: Final = 20
"""Free ports that are tried until one is free at every address of a name."""

_NOT_HERE: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


@contextlib.contextmanager
def reserved(address: str) -> Iterator[tuple[str, ...]]:
    """Keep an address for processes that share its port, for as long as the context lasts.

    Nothing listens there yet. A port that anybody else has is refused, also one that others of the same user
    share: two servers on one port would each get half of the calls.

    Args:
        address: host and port; port 0 finds a free one. A host name may stand for several addresses.

    Yields:
        The numeric addresses, all of one port.

    Raises:
        OSError: the address is taken or cannot be used.
    """
    sockets = _bound(address)
    with contextlib.ExitStack() as stack:
        for one in sockets:
            stack.enter_context(one)
            # In this order: from now on those who share the port may have it, too, but only they.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        yield tuple(map(name_of, sockets))


@contextlib.contextmanager
def listening(address: str) -> Iterator[tuple[socket.socket, ...]]:
    """Listen at an address for as long as the context lasts.

    Connections wait until a process accepts them, so that none is refused while a process is replaced.

    Raises:
        OSError: the address is taken or cannot be used.
    """
    with contextlib.ExitStack() as stack:
        sockets = _bound(address)
        for one in sockets:
            stack.enter_context(one)
        try:
            for one in sockets:
                one.listen(BACKLOG)
        except OSError as error:
            raise OSError(f"cannot listen on {address}: {error.strerror}") from None
        yield sockets


def name_of(one: socket.socket) -> str:
    """Return the numeric address of a socket, such as ``127.0.0.1:50051`` or ``[::1]:50051``."""
    host, port = one.getsockname()[:2]
    return f"[{host}]:{port}" if one.family == socket.AF_INET6 else f"{host}:{port}"


def port_of(address: str) -> int:
    """Return the port of an address."""
    return int(address.rpartition(":")[2])


def _bound(address: str) -> tuple[socket.socket, ...]:
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        places: list[tuple[int, Any]] = [(family, place) for family, _, _, _, place in dict.fromkeys(found)]
        for left in reversed(range(_TRIES)):
            try:
                return _bound_to(places)
            except OSError:
                if int(port) or len(places) == 1 or not left:
                    raise
    except OSError as error:
        raise OSError(f"cannot listen on {address}: {error.strerror}") from None
    raise AssertionError("the last try returns or raises")


def _bound_to(places: list[tuple[int, Any]]) -> tuple[socket.socket, ...]:
    """Bind every place, a free port being that of the first one.

    Places that this machine does not have are left out as long as there is another one: a name may stand
    for an address of IPv6 where there is none.
    """
    with contextlib.ExitStack() as stack:
        sockets: list[socket.socket] = []
        for left, (family, (host, port, *rest)) in enumerate(places, 1 - len(places)):
            port = port or (sockets[0].getsockname()[1] if sockets else 0)
            try:
                one = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(len(places) > 1))
                one.bind((host, port, *rest))
            except OSError as error:
                if error.errno in _NOT_HERE and (sockets or left):
                    continue
                raise
            sockets.append(one)
        stack.pop_all()
        return tuple(sockets)
