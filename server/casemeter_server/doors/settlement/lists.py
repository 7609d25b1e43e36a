"""Reading a settlement list, 4101 or 4101A, in every shape that clients send."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo
from functools import cache
from importlib import resources
from typing import Any, Final

from casemeter.v1 import charges_pb2, error_pb2, finding_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.doors.settlement.encounter import question_of
from casemeter_server.doors.settlement.page import (
    CheckQuestion,
    Page,
    WrittenDiagnosis,
    WrittenFee,
    WrittenIntensiveCare,
    WrittenProcedure,
)
from casemeter_server.doors.settlement.text import plain_text, read_json
from casemeter_server.doors.settlement.values import NO_CELL, Cell, codes
from casemeter_server.errors import RequestError, fault

MAX_ROWS: Final = 500
"""The most rows of a node that are read."""

_NODES: Final = ("diseinfo", "oprninfo", "icuinfo", "iteminfo", "bldinfo")
_PLACES: Final = {
    "encounter.diagnoses": "diseinfo",
    "encounter.procedures": "oprninfo",
    "encounter.segments": "icuinfo",
    "encounter.charges": "iteminfo",
    "encounter.charges.lines": "iteminfo",
}
_WESTERN: Final = "DIAGNOSIS_KIND_WESTERN"
_OUTPATIENT: Final = "DIAGNOSIS_PHASE_OUTPATIENT"
_ENVELOPE: Final = ("infno", "msgid", "mdtrtarea_admvs", "fixmedins_code")
_DIGIT: Final = re.compile(r"\d\Z", re.ASCII)

_Row = dict[str, Cell]


def read_settlement(
    data: bytes, zone: tzinfo, phase: finding_pb2.CarePhase = finding_pb2.CARE_PHASE_FRONT_PAGE
) -> CheckQuestion:
    """Read a settlement list: nodes in ``input``, or bare.

    Args:
        data: JSON in UTF-8 or GBK.
        zone: the hospital's zone.
        phase: the moment of care that rules decide for.

    Raises:
        RequestError: it is no settlement list.
    """
    message = _json(data)
    whole = "input" in message or "infno" in message
    nodes = message.get("input") if whole else message
    if isinstance(nodes, str):
        nodes = _json(nodes.encode())
    if isinstance(nodes, dict) and "setlinfo" not in nodes and isinstance(nodes.get("data"), dict):
        nodes = nodes["data"]
    found = nodes.get("setlinfo") if isinstance(nodes, dict) else None
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(nodes, dict) or not isinstance(found, dict):
        raise RequestError("NOT_A_PAGE", {"why": "it has no node setlinfo"})
    page = Page(
        charges_pb2.CATEGORY_SYSTEM_SETTLEMENT_LIST,
        pb.CODE_EDITION_INSURANCE,
        departments_in_time=True,
        nodes=_PLACES,
    )
    page.items.update(_row(found, "setlinfo", page.faults))
    page.encounter_id = page.cell("mdtrt_id")
    rows = {node: _rows(nodes.get(node), node, page.faults) for node in _NODES}
    for node, names in _tables()["single"].items():
        for name in names:
            _single(page, name, rows[node])
    for node, names in _tables()["numbered"].items():
        for at, row in enumerate(rows[node]):
            page.items.update({f"{node}[{at}].{name}": row[name] for name in names if name in row})
    _diagnoses(page, rows["diseinfo"])
    _procedures(page, rows["oprninfo"])
    _others(page, rows)
    envelope = {name: plain_text(message.get(name)) or "" for name in _ENVELOPE} if whole else None
    return replace(question_of(page, zone, phase), envelope=envelope, content=data)


def _json(data: bytes) -> dict[str, Any]:
    found = read_json(data)
    if not isinstance(found, dict):
        raise RequestError("NOT_A_PAGE", {"why": "it is no JSON object"})
    return found


@cache
def _tables() -> dict[str, Any]:
    tables = tomllib.loads(resources.files(__package__).joinpath("rows.toml").read_text("utf-8"))
    return {"single": {node: tables[node] for node in ("oprninfo", "icuinfo", "bldinfo")}, **tables}


def _rows(node: Any, name: str, faults: list[error_pb2.FieldFault]) -> list[_Row]:
    """Return the rows of a node, which clients send as a list, an object, an empty text or not at all."""
    if node is None or (isinstance(node, str) and not node.strip()):
        return []
    if isinstance(node, dict):
        return [_row(node, name, faults)]
    if not isinstance(node, list):
        faults.append(fault(name, "WRONG_TYPE", found=_type(node), expected="a list of objects"))
        return []
    if len(node) > MAX_ROWS:
        faults.append(fault(name, "TOO_MANY", count=len(node), limit=MAX_ROWS))
        return []
    rows: list[_Row] = []
    for at, row in enumerate(node):
        if isinstance(row, dict):
            rows.append(_row(row, f"{name}[{at}]", faults))
        elif row is not None:
            faults.append(fault(f"{name}[{at}]", "WRONG_TYPE", found=_type(row), expected="an object"))
    return rows


def _row(found: Mapping[str, Any], place: str, faults: list[error_pb2.FieldFault]) -> _Row:
    """Return the cells of an object by their names in the settlement list; of two spellings the filled."""
    row: _Row = {}
    spellings = _tables()["spellings"]
    for written, value in found.items():
        name = spellings.get(written, written)
        text = plain_text(value)
        if text is None:
            faults.append(fault(f"{place}.{written}", "WRONG_TYPE", found=_type(value), expected="text"))
        elif name not in row or not row[name].text:
            row[name] = Cell(text, f"{place}.{written}")
    return row


def _type(value: Any) -> str:
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else "text"


def _single(page: Page, name: str, rows: list[_Row]) -> None:
    """Put an item of rows on the page once: where it is left empty, else as the first row has it."""
    cells = [row[name] for row in rows if name in row]
    if cells and name not in page.items:
        page.items[name] = next((cell for cell in cells if not cell.text.strip()), cells[0])


def _cell(row: _Row, name: str) -> Cell:
    return row.get(name) or Cell("", f"{_place(row)}.{name}")


def _place(row: _Row) -> str:
    first = next(iter(row.values()), NO_CELL)
    return first.place.rpartition(".")[0]


def _diagnoses(page: Page, rows: list[_Row]) -> None:
    kinds = codes("diagnosis_kind")
    western: list[tuple[WrittenDiagnosis, str]] = []
    others: list[WrittenDiagnosis] = []
    for row in rows:
        written, code = _cell(row, "diag_type"), _cell(row, "diag_code")
        kind = kinds.get(written.value or "1")
        if not code.value:
            if _cell(row, "diag_name").value:
                page.faults.append(fault(code.place, "REQUIRED"))
            continue
        if kind is None:
            details = {"value": written.value[:20], "known": ", ".join(kinds)}
            page.faults.append(fault(written.place, "NOT_IN_LIST", **details))
            continue
        diagnosis = WrittenDiagnosis(
            code,
            _cell(row, "diag_name"),
            _cell(row, "adm_cond_type"),
            kind,
            "DIAGNOSIS_PHASE_DISCHARGE",
            _place(row),
        )
        if kind == _WESTERN:
            western.append((diagnosis, _cell(row, "maindiag_flag").value))
        else:
            others.append(diagnosis)
    page.diagnoses += [*_principal_first(page, western), *others]
    for name, code_of, of_kind in (
        ("otp_wm_dise", "wm_dise_code", _WESTERN),
        ("otp_tcm_dise", "tcm_dise_code", "DIAGNOSIS_KIND_TCM_DISEASE"),
    ):
        cell = page.cell(code_of)
        page.diagnoses.append(
            WrittenDiagnosis(
                cell, page.cell(name), NO_CELL, of_kind, "DIAGNOSIS_PHASE_OUTPATIENT", cell.place
            )
        )


def _principal_first(page: Page, western: list[tuple[WrittenDiagnosis, str]]) -> list[WrittenDiagnosis]:
    """Return diagnoses with the one first that is flagged; without any flag, as they stand."""
    flagged = [at for at, (_, flag) in enumerate(western) if flag == "1"]
    if len(flagged) > 1:
        first, second = (western[at][0].place for at in flagged[:2])
        page.faults.append(fault(f"{second}.maindiag_flag", "CONTRADICTION", other=f"{first}.maindiag_flag"))
    elif not flagged and western and all(flag for _, flag in western):
        page.faults.append(fault(f"{western[0][0].place}.maindiag_flag", "NO_PRINCIPAL"))
    found = [diagnosis for diagnosis, _ in western]
    if flagged:
        found.insert(0, found.pop(flagged[0]))
    return found


def _procedures(page: Page, rows: list[_Row]) -> None:
    found: list[tuple[bool, WrittenProcedure]] = []
    for row in rows:
        code = _cell(row, "oprn_oprt_code")
        if not code.value:
            if _cell(row, "oprn_oprt_name").value:
                page.faults.append(fault(code.place, "REQUIRED"))
            continue
        begin = _cell(row, "oprn_oprt_begntime")
        if not begin.value:
            begin = _cell(row, "oprn_oprt_date")
        procedure = WrittenProcedure(
            code, _cell(row, "oprn_oprt_name"), begin, _cell(row, "oprn_oprt_endtime"), _place(row)
        )
        found.append((_cell(row, "oprn_oprt_type").value != "1", procedure))
    # Of several that are called the main one, and of none, the first in the message stays before the others.
    page.procedures += [procedure for _, procedure in sorted(found, key=lambda one: one[0])]


def _others(page: Page, rows: Mapping[str, list[_Row]]) -> None:
    for row in rows["icuinfo"]:
        begin, end = _cell(row, "scs_cutd_inpool_time"), _cell(row, "scs_cutd_exit_time")
        duration = _cell(row, "scs_cutd_sum_dura")
        if begin.value or end.value or duration.value:
            page.intensive_care.append(WrittenIntensiveCare(begin, end, duration, _place(row)))
    for row in rows["iteminfo"]:
        category = _cell(row, "med_chrgitm").value
        if _DIGIT.match(category):
            # Whoever sends numbers loses the zero before them.
            category = f"0{category}"
        page.fees.append(WrittenFee(category, _cell(row, "amt"), _place(row)))
