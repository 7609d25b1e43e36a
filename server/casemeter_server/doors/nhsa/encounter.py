"""From one visit of a message to an encounter: what stands in the message, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final, NamedTuple

from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.doors.nhsa.facts import table
from casemeter_server.doors.nhsa.orders import read_orders
from casemeter_server.doors.nhsa.reading import MAX_ID, StayRead, seconds_of, within
from casemeter_server.doors.nhsa.tree import Node
from casemeter_server.doors.nhsa.values import STILL_HERE, Moment

_WORKING: Final = int(pb.DIAGNOSIS_PHASE_WORKING)


def read_stay(patient: Node, visit: Node, zone: tzinfo, levels: Mapping[str, int]) -> StayRead:
    """Return the encounter of a visit, but for its number; what cannot be used is noted at the nodes.

    Args:
        patient: whose visit it is.
        visit: the visit.
        zone: the hospital's zone, in whose time the message is written.
        levels: levels of hospitals by the codes that the caller sends.
    """
    read = StayRead(pb.Encounter())
    encounter = read.encounter
    read.rows["encounter"] = visit.place
    for place, node, name in (
        ("sex", patient, "gend"),
        ("birth_date", patient, "brdy"),
        ("person_key", patient, "patn_id"),
        ("charges", visit, "fsi_order_dtos"),
        ("orders", visit, "fsi_order_dtos"),
        ("diagnoses", visit, "fsi_diagnose_dtos"),
        ("procedures", visit, "fsi_operation_dtos"),
        ("charges.total_fen", visit, "medfee_sumamt"),
    ):
        read.rows[f"encounter.{place}"] = node.place_of(name)
    encounter.person_key = patient.text("patn_id", MAX_ID)
    encounter.insurance_type = visit.text("insutype")
    encounter.sex = getattr(pb, patient.code("gend", table("codes.toml")["gend"], "SEX_UNSPECIFIED"))
    if (born := patient.moment("brdy", zone)) is not None:
        encounter.birth_date = born.at.date().isoformat()
    level = {**table("codes.toml")["medins_lv"], **levels}.get(visit.text("medins_lv"))
    if level is not None:
        encounter.facility.level = level
    admission = visit.moment("adm_date", zone)
    if admission is not None:
        encounter.admission_time.seconds = seconds_of(admission)
    discharge = _discharge(visit.moment("dscg_date", zone), admission)
    if discharge is not None:
        encounter.discharge_time.seconds = discharge
    _read_diagnoses(visit, read)
    _read_procedures(visit, read, zone, admission)
    read_orders(visit, read, zone, admission)
    return read


def _discharge(discharge: Moment | None, admission: Moment | None) -> int | None:
    """Return when the patient left; ``None``: still in hospital, whichever way that is written."""
    if discharge is None or discharge.at.year == STILL_HERE:
        return None
    if admission is not None:
        same_day = admission.at.date() == discharge.at.date()
        if admission.at == discharge.at or (discharge.whole_day and same_day):
            return None
    at = discharge.at.replace(hour=23, minute=59, second=59) if discharge.whole_day else discharge.at
    return int(at.timestamp())


class _Row(NamedTuple):
    """A diagnosis of the message."""

    node: Node
    phase: int
    main: bool
    order: int | None


def _read_diagnoses(visit: Node, read: StayRead) -> None:
    rows = [_row(node) for node in visit.nodes("fsi_diagnose_dtos") if _is_filled(node, "dise")]
    rows.sort(key=lambda row: (row.order is None, row.order or 0))
    code = visit.text("dscg_main_dise_codg")
    listed = any(_same_code(row.node.text("dise_codg"), code) for row in rows)
    if code and not listed and not any(row.main for row in rows):
        # The list lacks the one that is named beside it: it leads the stage that groups.
        added = read.encounter.diagnoses.add(code=code, name=visit.text("dscg_main_dise_name"))
        phase: Any = max((row.phase for row in rows), key=lambda one: one or _WORKING, default=0)
        added.phase = phase
        place = visit.place_of("dscg_main_dise_codg")
        read.rows.update({"encounter.diagnoses[0]": place, "encounter.diagnoses[0].code": place})
        read.rows["encounter.diagnoses[0].name"] = visit.place_of("dscg_main_dise_name")
    for row in _main_first(rows, code):
        at = len(read.encounter.diagnoses)
        node = row.node
        phase = row.phase
        read.encounter.diagnoses.add(
            code=_required(node, "dise_codg"), name=node.text("dise_name"), phase=phase
        )
        read.note("diagnoses", at, node, node.text("dise_id"))


def _row(node: Node) -> _Row:
    codes = table("codes.toml")
    phase = node.code("inout_dise_type", codes["inout_dise_type"], "DIAGNOSIS_PHASE_UNSPECIFIED")
    main = bool(node.code("maindise_flag", codes["flag"], False))
    text = node.text("dias_srt_no")
    order = None
    if text:
        if text.isdecimal() and text.isascii() and len(text) < MAX_ID:
            order = int(text)
        else:
            node.note("dias_srt_no", "WRONG_TYPE", found=f"'{text[:20]}'", expected="a whole number")
    return _Row(node, pb.DiagnosisPhase.Value(phase), main, order)


def _main_first(rows: Sequence[_Row], code: str) -> list[_Row]:
    """Return rows in their order, but for the main one of each stage, which comes before its others."""
    by_phase = {}
    for phase in {row.phase for row in rows}:
        own = [row for row in rows if row.phase == phase]
        flagged = [row for row in own if row.main]
        # Of several the code named beside the list decides, and so it does where none is flagged.
        main = next((row for row in flagged or own if _same_code(row.node.text("dise_codg"), code)), None)
        first = main or (flagged or own)[0]
        by_phase[phase] = iter([first, *(row for row in own if row is not first)])
    return [next(by_phase[row.phase]) for row in rows]


def _same_code(code: str, other: str) -> bool:
    return bool(code) and code.casefold() == other.casefold()


def _is_filled(node: Node, stem: str) -> bool:
    return any(node.has(f"{stem}_{name}") for name in ("codg", "code", "name"))


def _required(node: Node, name: str) -> str:
    text = node.text(name)
    if not text and not node.has(name):
        node.note(name, "REQUIRED")
    return text


def _read_procedures(visit: Node, read: StayRead, zone: tzinfo, admission: Moment | None) -> None:
    flags = table("codes.toml")["flag"]
    rows = [node for node in visit.nodes("fsi_operation_dtos") if _is_filled(node, "oprn")]
    rows.sort(key=lambda node: not node.code("main_oprn_flag", flags, False))
    for at, node in enumerate(rows):
        procedure = read.encounter.procedures.add(
            code=_required(node, "oprn_code"), name=node.text("oprn_name")
        )
        start = within(node.moment("oprn_date", zone), admission)
        if start is not None:
            procedure.start_time.seconds = start
        read.note("procedures", at, node, node.text("setl_list_oprn_id"))
