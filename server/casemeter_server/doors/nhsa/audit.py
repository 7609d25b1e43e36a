"""Messages 3101 (beforehand) and 3102 (in process): from the bytes to one question for each visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from types import MappingProxyType
from typing import Any, Final

from casemeter.v1 import finding_pb2, service_pb2
from casemeter_server.doors.door import Question
from casemeter_server.doors.nhsa.encounter import read_stay
from casemeter_server.doors.nhsa.envelope import Envelope, envelope_of
from casemeter_server.doors.nhsa.facts import table
from casemeter_server.doors.nhsa.reading import MAX_ID, Places
from casemeter_server.doors.nhsa.tree import Faults, Node, root_of
from casemeter_server.errors import invalid

BEFOREHAND: Final = "3101"
IN_PROCESS: Final = "3102"
MAX_VISITS: Final = 100
"""The most visits of one message."""

_OUTPATIENT: Final = "outpatient"
_NO_LEVELS: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True)
class Visit:
    """One visit of one patient.

    Attributes:
        patn_id: number of the person, as sent.
        mdtrt_id: number of the visit, as sent.
        question: what is asked of it; ``None``: it is no stay of an inpatient, and nothing is.
        total_differs: the sender's total is not that of the orders in the message: some were not sent.
    """

    patn_id: str
    mdtrt_id: str
    question: Question | None
    total_differs: bool = False


@dataclass(frozen=True)
class AuditMessage:
    """A message, read.

    Attributes:
        envelope: what it says of itself.
        task_id: number of the task, repeated in the reply; empty: none.
        phase: the moment of care that it asks for; unspecified: told by the encounter.
        visits: those that are asked about, in their order.
    """

    envelope: Envelope
    task_id: str
    phase: finding_pb2.CarePhase
    visits: tuple[Visit, ...]

    @property
    def at_discharge(self) -> bool:
        """Whether the stay is about to be settled."""
        return self.envelope.infno == IN_PROCESS or self.phase == finding_pb2.CARE_PHASE_DISCHARGE


def read_audit(
    sent: bytes | Mapping[str, Any],
    zone: tzinfo,
    infno: str = "",
    levels: Mapping[str, int] = _NO_LEVELS,
) -> AuditMessage:
    """Return what a message asks.

    Args:
        sent: its bytes, or as :func:`~casemeter_server.doors.nhsa.tree.parse` read them.
        zone: the hospital's zone, in whose time it is written.
        infno: number of the transaction, where the message itself has none.
        levels: levels of hospitals by the codes that the caller sends as ``medins_lv``.

    Raises:
        RequestError: it cannot be read; everything that cannot be used is listed.
    """
    faults: Faults = []
    root = root_of(sent, faults)
    envelope = envelope_of(root, infno)
    if envelope.infno not in (BEFOREHAND, IN_PROCESS):
        reason = "UNKNOWN_VALUE" if envelope.infno else "REQUIRED"
        root.note("infno", reason, value=f"'{envelope.infno[:20]}'")
    request = service_pb2.EvaluateRequest(call_id=envelope.msgid)
    if (asked_at := root.moment("inf_time", zone)) is not None:
        request.as_of.seconds = int(asked_at.at.timestamp())
    content = root.node("input")
    body = content.node("data") if content is not None else None
    if body is None:
        if not faults:
            root.note("input.data", "REQUIRED")
        raise invalid(_once(faults))
    scenes = _scenes(body)
    request.phase = _phase(scenes, envelope.infno)
    found = [
        (patient, visit, alone)
        for patient in _required(body, "patient_dtos")
        for visit, alone in _current(patient)
    ]
    if len(found) > MAX_VISITS:
        body.note("patient_dtos", "TOO_MANY", count=len(found), limit=MAX_VISITS)
        raise invalid(_once(faults))
    visits = [_visit(patient, visit, alone, scenes, request, zone, levels) for patient, visit, alone in found]
    task_id = body.text("task_id")
    if faults:
        raise invalid(_once(faults))
    return AuditMessage(envelope, task_id, request.phase, tuple(visits))


def _once(faults: Faults) -> Faults:
    """Return each fault once; a value may be looked at more than once."""
    return list({(fault.field, fault.reason): fault for fault in faults}.values())


def _required(node: Node, name: str) -> list[Node]:
    found = node.nodes(name)
    if not found and not node.has(name):
        node.note(name, "REQUIRED")
    return found


def _current(patient: Node) -> list[tuple[Node, bool]]:
    """Return the visits that are asked about, each with whether it is the only one that was sent.

    That is the one named as the current one; all of them, where none is named or none is of that number.
    """
    visits = _required(patient, "fsi_encounter_dtos")
    named = patient.text("curr_mdtrt_id")
    current = [visit for visit in visits if named and visit.text("mdtrt_id") == named]
    return [(visit, len(visits) == 1) for visit in current or visits]


def _scenes(body: Node) -> frozenset[str]:
    """Return what the scenes of a message stand for; those that are not known are as not told."""
    known = table("codes.toml")["trig_scen"]
    told = body.text("trig_scen").replace("，", ",").split(",")
    return frozenset(known[scene.strip()] for scene in told if scene.strip() in known)


def _phase(scenes: frozenset[str], infno: str) -> finding_pb2.CarePhase:
    phases: list[finding_pb2.CarePhase] = [
        getattr(finding_pb2, scene) for scene in scenes if scene != _OUTPATIENT
    ]
    if phases:
        return max(phases)  # their numbers are their order
    return finding_pb2.CARE_PHASE_DISCHARGE if infno == IN_PROCESS else finding_pb2.CARE_PHASE_UNSPECIFIED


def _is_inpatient(visit: Node, scenes: frozenset[str]) -> bool:
    """Whether a visit is a stay: as its kind says, or that of its care, else as the scene does."""
    codes = table("codes.toml")
    for name in ("med_mdtrt_type", "med_type"):
        told: bool | None = codes[name].get(visit.text(name))
        if told is not None:
            return told
    return scenes != {_OUTPATIENT}


def _visit(
    patient: Node,
    visit: Node,
    alone: bool,
    scenes: frozenset[str],
    asked: service_pb2.EvaluateRequest,
    zone: tzinfo,
    levels: Mapping[str, int],
) -> Visit:
    patn_id = patient.text("patn_id", MAX_ID)
    mdtrt_id = visit.text("mdtrt_id", MAX_ID)
    if not mdtrt_id and alone:
        mdtrt_id = patient.text("curr_mdtrt_id", MAX_ID)
    if not _is_inpatient(visit, scenes):
        return Visit(patn_id, mdtrt_id, None)
    read = read_stay(patient, visit, zone, levels)
    read.encounter.encounter_id = mdtrt_id
    request = service_pb2.EvaluateRequest()
    request.CopyFrom(asked)
    request.encounter.CopyFrom(read.encounter)
    rows = {"call_id": "msgid", "as_of": "inf_time", **read.rows}
    return Visit(patn_id, mdtrt_id, Question(request, Places(rows), read.ids), read.total_differs)
