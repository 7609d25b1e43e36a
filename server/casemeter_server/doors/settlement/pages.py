"""Reading front pages: a table in HQMS columns, one stay in each row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Final, NamedTuple

from casemeter.v1 import charges_pb2, error_pb2, finding_pb2, service_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.doors.door import Question
from casemeter_server.doors.settlement.columns import Header, columns, header_of
from casemeter_server.doors.settlement.encounter import question_of
from casemeter_server.doors.settlement.page import CheckQuestion, Page, WrittenDiagnosis, WrittenFee
from casemeter_server.doors.settlement.page import WrittenProcedure as Done
from casemeter_server.doors.settlement.sheet import Row, read_sheet
from casemeter_server.doors.settlement.values import NO_CELL, Cell
from casemeter_server.errors import RequestError, fault

_SEVERAL: Final = re.compile(r"[;；、]")
_PLACES: Final = {
    "encounter.diagnoses": "C03C",
    "encounter.procedures": "C14x01C",
    "encounter.charges": "D01",
    "encounter.charges.lines": "D01",
}
# What a column fills: kind and stage of a diagnosis, in the order in which the contract has them.
_DIAGNOSES: Final = {
    "principal": ("DIAGNOSIS_KIND_WESTERN", "DIAGNOSIS_PHASE_DISCHARGE"),
    "other": ("DIAGNOSIS_KIND_WESTERN", "DIAGNOSIS_PHASE_DISCHARGE"),
    "pathology": ("DIAGNOSIS_KIND_PATHOLOGY", "DIAGNOSIS_PHASE_DISCHARGE"),
    "pathology_other": ("DIAGNOSIS_KIND_PATHOLOGY", "DIAGNOSIS_PHASE_DISCHARGE"),
    "external_cause": ("DIAGNOSIS_KIND_EXTERNAL_CAUSE", "DIAGNOSIS_PHASE_DISCHARGE"),
    "admission": ("DIAGNOSIS_KIND_WESTERN", "DIAGNOSIS_PHASE_ADMISSION"),
    "outpatient": ("DIAGNOSIS_KIND_WESTERN", "DIAGNOSIS_PHASE_OUTPATIENT"),
}
_PROCEDURES: Final = ("main_procedure", "other_procedure")
_JOINED: Final = ("pwcry_bfadm_coma_dura", "pwcry_afadm_coma_dura")

_Parts = Mapping[str, Cell]


class FrontPages(NamedTuple):
    """The front pages of a table.

    Attributes:
        unknown: titles of columns that are not known, each once.
        size: about how many pages there are.
        pages: one for each row.
    """

    unknown: tuple[str, ...]
    size: int
    pages: Iterator[CheckQuestion]


def read_front_pages(
    data: bytes, zone: tzinfo, phase: finding_pb2.CarePhase = finding_pb2.CARE_PHASE_FRONT_PAGE
) -> FrontPages:
    """Read a table of front pages; a row that cannot be read tells its faults and stops no other.

    Args:
        data: CSV or xlsx, with codes or titles of columns in any order.
        zone: the hospital's zone.
        phase: the moment of care that rules decide for.

    Raises:
        RequestError: it is no such table.
    """
    sheet = read_sheet(data)
    header = header_of(sheet.titles)
    if not any(column is not None and column.fills == "principal" for column in header.columns):
        raise RequestError("NOT_A_PAGE", {"why": "no column is C03C, 出院主要诊断编码"})
    if header.twice:
        raise RequestError(
            "NOT_A_PAGE",
            {"why": f"columns stand twice: {', '.join(' and '.join(two) for two in header.twice)}"},
        )
    reader = _RowReader(header, sheet.titles, zone, phase)
    return FrontPages(header.unknown, sheet.size, (reader.read(row) for row in sheet.rows))


class _RowReader:
    def __init__(
        self, header: Header, titles: Sequence[str], zone: tzinfo, phase: finding_pb2.CarePhase
    ) -> None:
        # In the order of the standard: that of the file decides nothing.
        places = {column: at for at, column in enumerate(header.columns) if column is not None}
        self.known = [
            (places[column], column, f"{column.code} {column.title}")
            for column in columns()
            if column in places and (column.item or column.fills)
        ]
        self.titles = titles
        self.width = max(at for at, title in enumerate(header.titles, 1) if title)
        self.zone = zone
        self.phase = phase

    def read(self, row: Row) -> CheckQuestion:
        if row.why:
            problem = fault(f"row {row.number}", "NOT_A_ROW", why=row.why)
            return CheckQuestion(Question(service_pb2.EvaluateRequest()), (problem,), row=row.number)
        content = dict(zip(self.titles, row.cells, strict=False))
        page = Page(
            charges_pb2.CATEGORY_SYSTEM_FRONT_PAGE,
            pb.CODE_EDITION_CLINICAL,
            departments_in_time=False,
            nodes=_PLACES,
        )
        further = [cell for cell in row.cells[self.width :] if cell.strip()]
        if further or len(row.cells) < self.width:
            why = f"it has {len(row.cells)} cells below {self.width} titles"
            page.faults.append(fault(f"row {row.number}", "NOT_A_ROW", why=why))
        else:
            self._fill(page, row.cells)
        return replace(question_of(page, self.zone, self.phase), row=row.number, content=content)

    def _fill(self, page: Page, cells: Sequence[str]) -> None:
        groups: dict[tuple[str, int], dict[str, Cell]] = {}
        for at, column, place in self.known:
            cell = Cell(cells[at] if at < len(cells) else "", place)
            if column.item:
                page.items[column.item] = cell
            if column.fills == "charge":
                page.fees.append(WrittenFee(column.part, cell, place))
            elif column.fills == "total":
                page.total = cell
            elif column.part:
                groups.setdefault((column.fills, column.number), {})[column.part] = cell
        for fills, (kind, phase) in _DIAGNOSES.items():
            for parts in _of(groups, fills):
                page.diagnoses += _diagnoses(parts, kind, phase, page.faults)
        for fills in _PROCEDURES:
            for parts in _of(groups, fills):
                page.procedures += _procedures(parts, page.faults)
        for name in _JOINED:
            for parts in _of(groups, name):
                _join(page, name, parts)
        _number_of_stay(page)


def _of(groups: Mapping[tuple[str, int], _Parts], fills: str) -> list[_Parts]:
    """Return what stands in the columns of one kind, those left out in which nothing does."""
    return [
        groups[key]
        for key in sorted(groups)
        if key[0] == fills and (fills in _JOINED or any(cell.value for cell in groups[key].values()))
    ]


def _split(cell: Cell) -> list[Cell]:
    """Return the values of a cell; hand-made files have several in one."""
    if cell.value and not _SEVERAL.search(cell.value):
        return [cell]
    return [Cell(part.strip(), cell.place) for part in _SEVERAL.split(cell.value) if part.strip()]


def _beside(
    parts: _Parts, name: str, codes: Sequence[Cell], faults: list[error_pb2.FieldFault]
) -> list[Cell]:
    """Return what stands beside each of several codes: as many values, or one that holds for all."""
    cell = parts.get(name, NO_CELL)
    if len(codes) == 1:
        return [cell]
    found = _split(cell)
    if len(found) <= 1:
        return [cell] * len(codes)
    if len(found) != len(codes):
        faults.append(fault(cell.place, "CONTRADICTION", other=parts["code"].place))
        return [NO_CELL] * len(codes)
    return found


def _diagnoses(
    parts: _Parts, kind: str, phase: str, faults: list[error_pb2.FieldFault]
) -> list[WrittenDiagnosis]:
    codes = _codes(parts, faults)
    names = _beside(parts, "name", codes, faults)
    conditions = _beside(parts, "condition", codes, faults)
    return [
        WrittenDiagnosis(code, name, condition, kind, phase, code.place)
        for code, name, condition in zip(codes, names, conditions, strict=True)
    ]


def _procedures(parts: _Parts, faults: list[error_pb2.FieldFault]) -> list[Done]:
    codes = _codes(parts, faults)
    names, begins = (_beside(parts, part, codes, faults) for part in ("name", "start"))
    return [
        Done(code, name, begin, NO_CELL, code.place)
        for code, name, begin in zip(codes, names, begins, strict=True)
    ]


def _codes(parts: _Parts, faults: list[error_pb2.FieldFault]) -> list[Cell]:
    codes = _split(parts.get("code", NO_CELL))
    if not codes and "name" in parts:
        faults.append(fault(parts["name"].place, "NAME_WITHOUT_CODE"))
    return codes


def _join(page: Page, name: str, parts: _Parts) -> None:
    """Put days, hours and minutes together as the settlement list has them, 1/13/24; ``-`` where all are."""
    if len(parts) < 3:
        return
    written = [parts[part].text.strip() for part in ("0", "1", "2")]
    text = written[0] if len(set(written)) == 1 and not parts["0"].value else "/".join(written)
    page.items[name] = Cell(text, parts["0"].place)


def _number_of_stay(page: Page) -> None:
    """Number the stay by record and admission: neither of the two alone names one."""
    record, admission = page.cell("medcasno"), page.cell("A49")
    if record.value and admission.value:
        page.encounter_id = Cell(f"{record.value}-{admission.value}", record.place)
