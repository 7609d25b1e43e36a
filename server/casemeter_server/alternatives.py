"""What if: the changes of an alternative, made to a copy of the encounter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from casemeter.v1 import charges_pb2, meter_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.charges import check_order
from casemeter_server.errors import fault
from casemeter_server.prepare import MAX_ID
from casemeter_server.stay_facts import Faults

MAX_ALTERNATIVES: Final = 50
MAX_CHANGES: Final = 50

_LISTS: Final = {
    "add_diagnosis": "diagnoses",
    "drop_diagnosis": "diagnoses",
    "promote_diagnosis": "diagnoses",
    "add_procedure": "procedures",
    "drop_procedure": "procedures",
    "promote_procedure": "procedures",
}


def check_alternatives(
    alternatives: Sequence[meter_pb2.Alternative], encounter: pb.Encounter, faults: Faults
) -> bool:
    """Note what is wrong with the form of alternatives; tell whether they may be made."""
    before = len(faults)
    if len(alternatives) > MAX_ALTERNATIVES:
        faults.append(fault("alternatives", "TOO_MANY", count=len(alternatives), limit=MAX_ALTERNATIVES))
        return False
    for at, alternative in enumerate(alternatives):
        place = f"alternatives[{at}]"
        if len(alternative.id) > MAX_ID:
            faults.append(fault(f"{place}.id", "TOO_LONG", count=len(alternative.id), limit=MAX_ID))
        if len(alternative.changes) > MAX_CHANGES:
            faults.append(
                fault(f"{place}.changes", "TOO_MANY", count=len(alternative.changes), limit=MAX_CHANGES)
            )
            continue
        for number, change in enumerate(alternative.changes):
            own = f"{place}.changes[{number}]"
            if change.WhichOneof("what") is None:
                faults.append(fault(own, "REQUIRED"))
            elif change.HasField("charge_order"):
                check_order(change.charge_order, f"{own}.charge_order", faults)
                if not encounter.HasField("charges"):
                    faults.append(fault(f"{own}.charge_order", "NEEDS_CHARGES"))
    return len(faults) == before


def changed(
    encounter: pb.Encounter, alternative: meter_pb2.Alternative, place: str, faults: Faults
) -> tuple[pb.Encounter, list[charges_pb2.Order]]:
    """Make the changes of an alternative.

    Args:
        encounter: as sent; it stays as it is.
        alternative: well-formed.
        place: of the alternative in the request, for faults.
        faults: where places that are not there are noted.

    Returns:
        The encounter with its diagnoses and procedures changed, and the orders that are charged.
    """
    edited = pb.Encounter()
    edited.CopyFrom(encounter)
    orders: list[charges_pb2.Order] = []
    for number, change in enumerate(alternative.changes):
        what = change.WhichOneof("what") or ""
        if what == "charge_order":
            orders.append(change.charge_order)
            continue
        entries: Any = getattr(edited, _LISTS[what])
        value: Any = getattr(change, what)
        if what.startswith("add_"):
            entries.add().CopyFrom(value)
        elif not 0 <= value < len(entries):
            field = f"{place}.changes[{number}].{what}"
            faults.append(fault(field, "NO_SUCH_PLACE", value=value, count=len(entries)))
        else:
            moved = type(entries[value])()
            moved.CopyFrom(entries[value])
            del entries[value]
            if what.startswith("promote_"):
                entries.insert(0, moved)
    return edited, orders
