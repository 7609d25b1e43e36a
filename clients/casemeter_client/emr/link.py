"""One connection of HTTP, which is kept between calls."""

from __future__ import annotations

import http.client
import json
import time
from datetime import datetime
from typing import Any, Final

from casemeter_client._calls import Identity
from casemeter_client.emr.doors import DoorError, Options, Unreachable

_IDLE_S: Final = 3.0
"""How long a connection may rest: servers close those that rest longer, and a call may just meet that."""

_SHOWN: Final = 300


class Link:
    """Calls one server. It has one connection: not for several threads at once."""

    def __init__(self, options: Options) -> None:
        """Take the address and what every call says of its caller."""
        secure = options.address.startswith("https://")
        self._address = options.address.removeprefix("https://").removeprefix("http://").rstrip("/")
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        try:
            self._connection = kind(self._address, timeout=options.timeout)
        except http.client.InvalidURL as error:
            raise Unreachable(f"'{options.address}' is no address: {error}; write 127.0.0.1:8080") from None
        identity = Identity(
            options.hospital, options.acts_as, options.user, options.department, options.token
        )
        self._headers = {key: str(value) for key, value in identity.metadata()}
        self._used = time.monotonic()

    def get(self, path: str) -> bytes:
        """Return what is at a path.

        Raises:
            DoorError: there is no answer, or it is a refusal.
        """
        return self._call("GET", path, None, {})

    def post(self, path: str, body: bytes, as_of: datetime | None = None) -> bytes:
        """Send JSON; return the reply.

        Args:
            path: of the door.
            body: the message.
            as_of: the moment that the answer is to hold for; ``None``: the server's clock.

        Raises:
            DoorError: there is no answer, or it is a refusal.
        """
        headers = {"content-type": "application/json"}
        if as_of is not None:
            headers["casemeter-as-of"] = as_of.isoformat()
        return self._call("POST", path, body, headers)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _call(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        if time.monotonic() - self._used > _IDLE_S:
            self._connection.close()
        try:
            self._connection.request(method, path, body, self._headers | headers)
            response = self._connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unreachable(
                f"no door of HTTP answers at {self._address} ({error or type(error).__name__}); start a "
                "server with 'casemeter serve', and mind that gRPC has a port of its own"
            ) from None
        self._used = time.monotonic()
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise DoorError(f"{method} {path}: {response.status} {response.reason}: {_why(data)}")
        return data


def _why(data: bytes) -> str:
    """Return what a refusal says, whichever door wrote it."""
    try:
        told: Any = json.loads(data)
    except ValueError:
        return data[:_SHOWN].decode("utf-8", "replace")
    if not isinstance(told, dict):
        return str(told)[:_SHOWN]
    output = told.get("output")
    error = told.get("error") or (output.get("error") if isinstance(output, dict) else None)
    if isinstance(error, dict):
        faults = [str(fault.get("message", "")) for fault in error.get("faults", ())]
        return "; ".join([str(error.get("message", "")), *faults])
    return str(told.get("err_msg") or told.get("message") or told)[:_SHOWN]
