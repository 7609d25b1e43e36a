"""Stays in which one thing of a row was given, for rows about orders and charges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Stay
from casemeter_rules.kind import Values
from casemeter_rules.orders import parts

NOON: Final = 20_500 * MINUTES_PER_DAY + 720
_PRINCIPAL: Final = Diagnosis("R69.X00", "encounter.diagnoses[0]", "principal")
_ONCE: Final = 10_000


def given(values: Values, charge: Mapping[str, Any] = {}, **facts: Any) -> Stay:
    """Return a stay in which the first item of a row was given once.

    Args:
        values: of the row.
        charge: what is known of the charge, beside code, time and quantity.
        facts: of the stay.
    """
    known = {"minute": NOON, "quantity": _ONCE, **charge}
    item = Item(parts(values["codes"])[0], "encounter.charges.lines[0]", **known)
    return Stay(**{"diagnoses": (_PRINCIPAL,), "items": (item,), "now": NOON, **facts})


def also(stay: Stay, code: str, **charge: Any) -> Stay:
    """Return the stay with another charge at the same time."""
    known = {"minute": NOON, "quantity": _ONCE, **charge}
    return stay._replace(items=(*(stay.items or ()), Item(code, "encounter.charges.lines[1]", **known)))
