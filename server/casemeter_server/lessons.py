"""Failures that teach: what is wrong and how to mend it, for people who start the product."""

from __future__ import annotations

from typing import Final

from casemeter_grouper.compiled.bundle import BundleError
from casemeter_grouper.pack.faults import ERROR, PackError
from casemeter_grouper.pack.words import SaidError
from casemeter_server.config import ConfigError

TAUGHT: Final = (PackError, BundleError, ConfigError, SaidError, OSError, ValueError)
"""Failures whose cause is what the product was given; anything else is a bug, and shows its trace."""


def lesson(error: Exception) -> str:
    """Return what is said of one of :data:`TAUGHT`, instead of a trace."""
    if not isinstance(error, PackError):
        return str(error)
    lines = [fault.line() for fault in error.faults if fault.severity == ERROR]
    return "\n".join([*lines, "The pack has errors; 'casemeter pack check' shows everything."])
