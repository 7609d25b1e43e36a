"""What the messages can carry of an encounter."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.doors.facts import DoorFacts, project


@cache
def table(file: str) -> Mapping[str, Any]:
    """Return a table of this folder."""
    return tomllib.loads(resources.files(__package__).joinpath(file).read_text("utf-8"))


FIELDS: Final[Mapping[str, str]] = table("facts.toml")["fields"]
"""Paths of the contract, and the fields of the message they are read from."""

FACTS: Final = DoorFacts(table("facts.toml")["name"], frozenset(FIELDS))

_PHASES: Final = (pb.DIAGNOSIS_PHASE_ADMISSION, pb.DIAGNOSIS_PHASE_DISCHARGE)
_WESTERN: Final = (pb.DIAGNOSIS_KIND_UNSPECIFIED, pb.DIAGNOSIS_KIND_WESTERN)
_CONFIRMED: Final = (pb.DIAGNOSIS_STATE_UNSPECIFIED, pb.DIAGNOSIS_STATE_CONFIRMED)
_WHOLE: Final = re.compile(r"[1-9]\d*\Z", re.ASCII)
_SETTLEMENT: Final = charges_pb2.CATEGORY_SYSTEM_SETTLEMENT_LIST


def carried(encounter: pb.Encounter) -> pb.Encounter:
    """Return what a message can carry of an encounter.

    A fact whose value has no form in the message is left out. So is a whole entry that would come out as
    something else: a suspected diagnosis as a confirmed one, an order placed before as a charge.
    """
    found = project(encounter, FACTS)
    diagnoses = [one for one in encounter.diagnoses if _has_a_form(one)]
    del found.diagnoses[:]
    for sent in diagnoses:
        phase = sent.phase if sent.phase in _PHASES else pb.DIAGNOSIS_PHASE_UNSPECIFIED
        found.diagnoses.add(code=sent.code, name=sent.name, phase=phase)
    orders = [order for order in found.orders if order.placing]
    del found.orders[:]
    found.orders.extend(orders)
    _times_to_the_second(found)
    if found.HasField("facility") and not found.facility.HasField("level"):
        found.ClearField("facility")
    if found.discharge_time == found.admission_time:
        found.ClearField("discharge_time")
    _trim_charges(found, encounter.charges.category_system)
    return found


def _has_a_form(diagnosis: pb.Diagnosis) -> bool:
    return (
        diagnosis.kind in _WESTERN
        and diagnosis.state in _CONFIRMED
        and diagnosis.phase != pb.DIAGNOSIS_PHASE_OUTPATIENT
    )


def _times_to_the_second(found: pb.Encounter) -> None:
    entries = [*found.procedures, *found.charges.lines, *found.orders]
    for owner, name in (
        (found, "admission_time"),
        (found, "discharge_time"),
        *((entry, "start_time" if isinstance(entry, pb.Procedure) else "time") for entry in entries),
    ):
        if owner.HasField(name):
            getattr(owner, name).nanos = 0


def _trim_charges(found: pb.Encounter, system: int) -> None:
    charges = found.charges
    undeclared = system == charges_pb2.CATEGORY_SYSTEM_UNSPECIFIED and not charges.lines
    if system != _SETTLEMENT and not undeclared:
        for entry in (*charges.lines, *found.orders):
            entry.ClearField("category")
    if not charges.lines:
        found.ClearField("charges")
        return
    charges.category_system = _SETTLEMENT
    if charges.HasField("total_fen") and charges.total_fen != sum(line.amount_fen for line in charges.lines):
        charges.ClearField("total_fen")
    for line in charges.lines:
        if line.reverses:
            line.ClearField("id")
        if line.amount_fen <= 0:
            line.ClearField("self_paid")
        if not _WHOLE.match(line.unit_price_fen):
            line.ClearField("unit_price_fen")
