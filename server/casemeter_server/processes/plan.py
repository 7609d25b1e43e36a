"""What the supervisor tells a process that it starts, and how both ends say it."""

from __future__ import annotations

import io
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from casemeter_server.config import Config

LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

SPARE_S: Final = 5.0
"""How much longer than its calls may take a process may need to end, before it is ended."""

STDIN: Final = 0
_LENGTH_BYTES: Final = 8


@dataclass(frozen=True)
class Plan:
    """What a process is to do.

    Attributes:
        kind: name of its kind.
        work: module and function that do the work.
        config: what the administrator set.
        bundles: what to answer from.
        metrics: folder to count in.
        addresses: numeric addresses to listen on together with others of its kind; empty: none.
        sockets: descriptors of sockets that listen already, which it shares with others of its kind.
    """

    kind: str
    work: str
    config: Config
    bundles: tuple[Path, ...] = ()
    metrics: Path = Path()
    addresses: tuple[str, ...] = ()
    sockets: tuple[int, ...] = ()


def read_only(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """Return a read-only mapping: the other end calls this by its name, which the type itself lacks."""
    return MappingProxyType(values)


class _Pickler(pickle.Pickler):
    """Knows read-only mappings, which a configuration has and the library cannot pickle."""

    def reducer_override(self, value: object) -> Any:
        if isinstance(value, MappingProxyType):
            return read_only, (dict(value),)
        return NotImplemented


def packed(plan: Plan) -> bytes:
    """Return a plan as bytes for :func:`read_plan`."""
    content = io.BytesIO()
    _Pickler(content).dump(plan)
    return len(content.getvalue()).to_bytes(_LENGTH_BYTES) + content.getvalue()


def read_plan() -> Plan:
    """Read the plan from standard input, whose other end only the supervisor has.

    Raises:
        EOFError: the supervisor ended before it had said all.
    """
    plan: Plan = pickle.loads(_read(int.from_bytes(_read(_LENGTH_BYTES))))
    return plan


def _read(size: int) -> bytes:
    """Read so many bytes without a buffer: a thread waits for the end of the input later."""
    content = b""
    while len(content) < size:
        part = os.read(STDIN, size - len(content))
        if not part:
            raise EOFError("the supervisor has ended")
        content += part
    return content
