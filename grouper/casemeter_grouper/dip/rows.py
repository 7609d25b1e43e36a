"""Reading the table of groups and the table of kinds of procedures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from casemeter_grouper.codes import normalise
from casemeter_grouper.dip.catalogue import MILLIONTHS, CatalogueGroup, GroupKind
from casemeter_grouper.dip.options import Options
from casemeter_grouper.pack.faults import Fault, nearest
from casemeter_grouper.pack.tables import Columns, Record, read_table

CATALOGUE, KINDS = "catalogue.csv", "procedure_kinds.csv"

_GROUP_COLUMNS: Final = Columns(
    ("group_code", "kind", "principal_code", "score"),
    ("main_procedures", "other_procedures", "procedure_kind"),
    ("principal_name",),
)
_KIND_COLUMNS: Final = Columns(("code",), ("kind",), ("basis",))
_DECIMAL = re.compile(r"\d{1,9}(\.\d{1,6})?\Z", re.ASCII)
# The published style: principal, main procedures, other procedures.
_CODE = re.compile(r"[A-Z]\d[0-9A-Z][.0-9A-Zx]*(:.+)?\Z")


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group and the row it stands in."""

    line: int
    group: CatalogueGroup


def decimal(record: Record, column: str, file: str, faults: list[Fault]) -> Decimal | None:
    """Return the cell as a number of nine digits and six decimals at most; else note it, return ``None``."""
    text = record[column]
    if _DECIMAL.match(text):
        return Decimal(text)
    faults.append(Fault("not_a_decimal", file, record.line, column, {"value": text}))
    return None


def millionths(number: Decimal) -> int:
    """Return a number of at most six decimals as whole millionths."""
    return int(number * MILLIONTHS)


def read_groups(folder: Path, options: Options, faults: list[Fault]) -> list[GroupRow]:
    """Read ``catalogue.csv``; rows with an error are noted and left out."""
    rows: list[GroupRow] = []
    lines: dict[str, int] = {}
    for record in read_table(folder, CATALOGUE, _GROUP_COLUMNS, faults):
        code = record["group_code"]
        first = lines.setdefault(code, record.line)
        if first != record.line:
            details = {"group": code, "first": first}
            faults.append(Fault("group_twice", CATALOGUE, record.line, "group_code", details))
        elif group := _group(record, options, faults):
            rows.append(GroupRow(record.line, group))
    _note_same(rows, options, faults)
    return rows


def _group(record: Record, options: Options, faults: list[Fault]) -> CatalogueGroup | None:
    before = len(faults)

    def fault(fault_kind: str, at: str, **details: object) -> None:
        faults.append(Fault(fault_kind, CATALOGUE, record.line, at, details))

    if record["kind"] not in list(GroupKind):
        fault("bad_group_kind", "kind", value=record["kind"])
        return None
    kind = GroupKind(record["kind"])
    principal = normalise(record["principal_code"])
    length = options.core_prefix if kind is GroupKind.CORE else options.composite_prefix
    if len(principal) != length:
        fault("principal_length", "principal_code", code=principal, kind=kind, length=length)
    mains, others = (_codes(record, column, faults) for column in ("main_procedures", "other_procedures"))
    procedure_kind = record["procedure_kind"]
    if kind is GroupKind.COMPOSITE:
        kinds = (*options.procedure_kinds, options.untreated_kind)
        for column in ("main_procedures", "other_procedures"):
            if record[column]:
                fault("not_for_kind", column, column=column, kind=kind)
        if not procedure_kind:
            fault("empty_cell", "procedure_kind", column="procedure_kind")
        elif procedure_kind not in kinds:
            fault("unknown_procedure_kind", "procedure_kind", kind=procedure_kind, known=", ".join(kinds))
    else:
        if procedure_kind:
            fault("not_for_kind", "procedure_kind", column="procedure_kind", kind=kind)
        if others and not mains:
            fault("others_without_main", "main_procedures")
        for code in sorted(set(mains) & set(others)):
            fault("procedure_twice", "other_procedures", code=code)
    score = decimal(record, "score", CATALOGUE, faults)
    if score is None or len(faults) > before:
        return None
    name = record["principal_name"]
    group = CatalogueGroup(
        record["group_code"], kind, principal, name, mains, others, procedure_kind, millionths(score)
    )
    if (written := _written(group)) and _CODE.match(group.code) and group.code.upper() != written.upper():
        fault("group_code_disagrees", "group_code", group=group.code, written=written)
    return group


def _codes(record: Record, column: str, faults: list[Fault]) -> tuple[str, ...]:
    if not record[column]:
        return ()
    codes = [normalise(code) for code in record[column].split("|")]
    for place, code in enumerate(codes):
        if not code:
            faults.append(Fault("empty_code", CATALOGUE, record.line, column, {"column": column}))
        elif code in codes[:place]:
            faults.append(Fault("procedure_twice", CATALOGUE, record.line, column, {"code": code}))
    return tuple(codes)


def _written(group: CatalogueGroup) -> str:
    """The code of a group as its columns would be written."""
    if group.kind is GroupKind.COMPOSITE:
        return f"{group.principal}:{group.procedure_kind}"
    mains, others = ("+".join(part) for part in (group.main_procedures, group.other_procedures))
    return group.principal + (f":{mains}" if mains else "") + (f"_{others}" if others else "")


def _note_same(rows: list[GroupRow], options: Options, faults: list[Fault]) -> None:
    """Note groups that the same cases meet."""
    exact: dict[tuple[object, ...], GroupRow] = {}
    alike: dict[tuple[object, ...], GroupRow] = {}
    for row in rows:
        group = row.group
        asked = frozenset(group.procedures)
        key = (group.kind, group.principal, group.procedure_kind, asked)
        same = exact.setdefault((*key, frozenset(group.main_procedures)), row)
        close = alike.setdefault(key, row)
        if same is not row:
            details = {"group": group.code, "other": same.group.code, "first": same.line}
            faults.append(Fault("same_conditions", CATALOGUE, row.line, "group_code", details))
        elif close is not row and not options.main_procedure_must_match:
            details = {"group": group.code, "other": close.group.code, "first": close.line}
            faults.append(Fault("same_procedures", CATALOGUE, row.line, "main_procedures", details))


def read_kinds(folder: Path, options: Options, faults: list[Fault]) -> Mapping[str, tuple[str, int]]:
    """Read ``procedure_kinds.csv``: kind (may be empty) and line by procedure."""
    kinds: dict[str, tuple[str, int]] = {}
    for record in read_table(folder, KINDS, _KIND_COLUMNS, faults):
        code, kind = normalise(record["code"]), record["kind"]
        if not code:
            faults.append(Fault("empty_cell", KINDS, record.line, "code", {"column": "code"}))
            continue
        if kind and kind not in options.procedure_kinds:
            known = nearest(kind, options.procedure_kinds)
            details = {"kind": kind, "known": known}
            faults.append(Fault("unknown_procedure_kind", KINDS, record.line, "kind", details))
            continue
        said, first = kinds.setdefault(code, (kind, record.line))
        if said != kind:
            two: dict[str, object] = {"code": code, "first": first, "said": said}
            faults.append(Fault("two_meanings", KINDS, record.line, "code", two))
        elif first != record.line:
            faults.append(Fault("repeated_row", KINDS, record.line, details={"first": first}))
    return kinds
