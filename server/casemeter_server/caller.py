"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, passed beside every request.

    Attributes:
        hospital: decides the default pack, the payment pack, and the limits of the meter.
        role: decides what may be called, and what is shown.
        user: the person or program, as the hospital names it; goes into the record of looks at patients.
        department: where the user works; empty: not told.
    """

    hospital: str = ""
    role: str = ""
    user: str = ""
    department: str = ""
