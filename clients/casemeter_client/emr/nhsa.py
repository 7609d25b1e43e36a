"""The national detail-audit messages, as a hospital's system sends and reads them.

3101 is sent when orders are placed, 3102 before settlement, 3103 with what was answered to the findings. A
message holds what the encounter knows and a field can say; whatever else the specification asks for goes as
empty text.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache
from importlib import resources
from typing import Any, Final, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb

CHINA: Final = timezone(timedelta(hours=8))
"""The zone of every hospital there."""

GO_ON: Final = "1"
CHANGE: Final = "2"
"""What is answered to a finding: to go on with the order, for a reason; or to change it."""

_INPATIENT: Final = "2"
_NOT_LEFT: Final = "9999-12-31 00:00:00"
_TIME: Final = "%Y-%m-%d %H:%M:%S"
_WHOLE: Final = re.compile(r"[1-9]\d*\Z", re.ASCII)


_Entry = charges_pb2.ChargeLine | charges_pb2.Order


class AuditFailed(Exception):
    """The server could not answer; the message of the reply says why."""


class Answer(NamedTuple):
    """What a user answers to a finding.

    Attributes:
        finding: its ``jr_id``.
        way: :data:`GO_ON` or :data:`CHANGE`.
        reason: why; needed to go on.
    """

    finding: str
    way: str
    reason: str = ""


def audit_message(
    encounter: pb.Encounter,
    infno: str,
    *,
    at: datetime,
    trig_scen: str = "",
    task_id: str = "",
    zone: tzinfo = CHINA,
    **envelope: str,
) -> bytes:
    """Return message 3101 or 3102 about a stay.

    Args:
        encounter: the stay.
        infno: ``3101`` or ``3102``.
        at: now, with a zone.
        trig_scen: the scene, such as ``5`` for an order on the ward; empty: not told.
        task_id: number of the task, which the reply repeats.
        zone: in whose time the message is written.
        envelope: fields of the envelope, such as ``fixmedins_code``.
    """
    patient = {
        "patn_id": encounter.person_key,
        "gend": _table()["sex"][pb.Sex.Name(encounter.sex)],
        "brdy": encounter.birth_date,
        "curr_mdtrt_id": encounter.encounter_id,
        "fsi_encounter_dtos": [_visit(encounter, zone)],
        "fsi_his_data_dto": [],
    }
    data = {
        "syscode": "casemeter",
        "patient_dtos": [_filled("patient", patient)],
        "rule_ids": [],
        "task_id": task_id,
        "trig_scen": trig_scen,
    }
    return _message(infno, data, at.astimezone(zone), envelope)


def feedback_message(
    answers: Iterable[Answer], *, at: datetime, warn_type: str = "1", zone: tzinfo = CHINA, **envelope: str
) -> bytes:
    """Return message 3103.

    Args:
        answers: to findings of earlier replies.
        at: now, with a zone.
        warn_type: ``1`` where the findings came with 3101, ``2`` with 3102.
        zone: in whose time the message is written.
        envelope: fields of the envelope.
    """
    warns = [
        {"warn_rslt_id": answer.finding, "dspo_way": answer.way, "dspo_way_rea": answer.reason}
        for answer in answers
    ]
    return _message("3103", {"warn_type": warn_type, "warns": warns}, at.astimezone(zone), envelope)


def findings(reply: bytes) -> list[dict[str, Any]]:
    """Return the findings of a reply, as they are in it, the worst first.

    Raises:
        AuditFailed: the server could not answer.
    """
    told = json.loads(reply)
    if told["infcode"] != 0:
        raise AuditFailed(told["err_msg"])
    return list(told["output"]["result"])


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("nhsa.toml").read_text("utf-8"))


def _filled(level: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with all fields of its level."""
    return {**dict.fromkeys(_table()[level], ""), **known}


def _message(infno: str, data: Mapping[str, Any], at: datetime, envelope: Mapping[str, str]) -> bytes:
    hospital = envelope.get("fixmedins_code", "")
    known = {
        "infno": infno,
        "msgid": f"{hospital}{at:%Y%m%d%H%M%S}{at.microsecond // 100:04}",
        "infver": "V1.0",
        "inf_time": f"{at:{_TIME}}",
        **envelope,
    }
    message = {**_filled("envelope", known), "input": {"data": data}}
    return json.dumps(message, ensure_ascii=False).encode()


def _visit(encounter: pb.Encounter, zone: tzinfo) -> dict[str, Any]:
    diagnoses = [one for one in encounter.diagnoses if _can_be_said(one)]
    charges = encounter.charges
    entries: list[_Entry] = [*charges.lines, *(order for order in encounter.orders if order.placing)]
    system = charges.category_system
    categories = system == charges_pb2.CATEGORY_SYSTEM_SETTLEMENT_LIST or not (system or charges.lines)
    leading = _leading(diagnoses)
    has_left = encounter.HasField("discharge_time")
    known: dict[str, Any] = {
        "mdtrt_id": encounter.encounter_id,
        "medins_lv": _table()["levels"].get(str(encounter.facility.level), ""),
        "adm_date": _time(encounter, "admission_time", zone),
        "dscg_date": _time(encounter, "discharge_time", zone) if has_left else _NOT_LEFT,
        "dscg_main_dise_codg": leading.code if leading else "",
        "dscg_main_dise_name": leading.name if leading else "",
        "fsi_diagnose_dtos": _diagnoses(diagnoses),
        "med_mdtrt_type": _INPATIENT,
        "med_type": "21",
        "fsi_order_dtos": [_order(entry, categories, zone) for entry in entries],
        "medfee_sumamt": _yuan(charges.total_fen) if charges.HasField("total_fen") else "",
        "insutype": encounter.insurance_type,
        "fsi_operation_dtos": [
            _filled(
                "operation",
                {
                    "setl_list_oprn_id": str(at),
                    "oprn_code": one.code,
                    "oprn_name": one.name,
                    "main_oprn_flag": "1" if at == 1 else "0",
                    "oprn_date": _time(one, "start_time", zone),
                },
            )
            for at, one in enumerate(encounter.procedures, 1)
        ],
    }
    return _filled("visit", known)


def _can_be_said(diagnosis: pb.Diagnosis) -> bool:
    allowed = _table()["diagnosis_with"]
    return (
        pb.DiagnosisKind.Name(diagnosis.kind) in allowed["kind"]
        and pb.DiagnosisState.Name(diagnosis.state) in allowed["state"]
        and pb.DiagnosisPhase.Name(diagnosis.phase) in allowed["phase"]
    )


def _stage(diagnosis: pb.Diagnosis) -> int:
    """Return the stage of a diagnosis, whose numbers are their order."""
    phase = pb.DiagnosisPhase.Name(diagnosis.phase)
    return diagnosis.phase if phase in _table()["phase"] else pb.DIAGNOSIS_PHASE_WORKING


def _leading(diagnoses: Sequence[pb.Diagnosis]) -> pb.Diagnosis | None:
    """Return the first diagnosis of the latest stage."""
    return max(diagnoses, key=_stage, default=None)


def _diagnoses(diagnoses: Sequence[pb.Diagnosis]) -> list[dict[str, Any]]:
    main: dict[int, int] = {}
    for at, one in enumerate(diagnoses):
        main.setdefault(_stage(one), at)
    return [
        _filled(
            "diagnosis",
            {
                "dise_id": str(at + 1),
                "inout_dise_type": _table()["phase"].get(pb.DiagnosisPhase.Name(one.phase), ""),
                "maindise_flag": "1" if main[_stage(one)] == at else "0",
                "dias_srt_no": str(at + 1),
                "dise_codg": one.code,
                "dise_name": one.name,
            },
        )
        for at, one in enumerate(diagnoses)
    ]


def _order(entry: _Entry, categories: bool, zone: tzinfo) -> dict[str, Any]:
    """Return an order being placed, or a charge as an order that was placed before.

    Args:
        entry: the order or charge.
        categories: whether categories are those of the settlement list.
        zone: in whose time the message is written.
    """
    amount = _yuan(entry.amount_fen)
    known = {
        "rx_id": entry.id,
        "chrg_type": entry.category if categories else "",
        "hilist_code": entry.item,
        "hilist_name": entry.name,
        "cnt": entry.quantity,
        "sumamt": amount,
        "drord_begn_date": _time(entry, "time", zone),
        "curr_drord_flag": "1",
    }
    if isinstance(entry, charges_pb2.ChargeLine):
        # A refund goes under the number of what it takes back.
        known.update(rx_id=entry.reverses or entry.id, curr_drord_flag="0")
        if entry.HasField("self_paid") and entry.amount_fen > 0:
            known["ownpay_amt"] = amount if entry.self_paid else _yuan(0)
        if _WHOLE.match(entry.unit_price_fen):
            known["pric"] = _yuan(int(entry.unit_price_fen))
    return _filled("order", known)


def _yuan(fen: int) -> str:
    yuan, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{yuan}.{rest:02}"


def _time(owner: Any, name: str, zone: tzinfo) -> str:
    """Return a time as the message writes it, to the second; empty: there is none."""
    if not owner.HasField(name):
        return ""
    moment: Timestamp = getattr(owner, name)
    return f"{datetime.fromtimestamp(moment.seconds, zone):{_TIME}}"
