"""Settings of the doors: a small TOML file, every fault of it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class DoorSettings:
    """What an administrator sets of the doors.

    Attributes:
        wait_ms: how long a reply may wait for the open encounter and for the history of its alerts.
        nhsa: table ``[nhsa]`` of the file, for that door to read.
        settlement: table ``[settlement]``, in the same way.
        cds: table ``[cds]``, in the same way.
    """

    wait_ms: int = 50
    nhsa: Mapping[str, Any] = field(default_factory=dict)
    settlement: Mapping[str, Any] = field(default_factory=dict)
    cds: Mapping[str, Any] = field(default_factory=dict)
