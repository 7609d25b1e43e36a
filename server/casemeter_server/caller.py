"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, passed beside every request.

    Attributes:
        hospital: decides the default pack, the payment pack, and the limits of the meter.
        role: decides whether money is shown.
    """

    hospital: str = ""
    role: str = ""
