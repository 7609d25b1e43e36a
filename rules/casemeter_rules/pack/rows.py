"""From the rows of a rule table to rules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.tables import Columns, Record
from casemeter_rules.codes import Key
from casemeter_rules.columns import CellError, Column, choice, day, text
from casemeter_rules.finding import RuleState, Tier
from casemeter_rules.kind import Context, Kind, Rule
from casemeter_rules.official import official_types

WORKING: Final = "compiled:"
"""How the basis of a row begins that was put together by hand: it is tried in shadow."""

TIERS: Final = {tier.name.lower(): tier for tier in Tier}
COMMON: Final = (
    text("basis", required=True),
    choice("tier", tuple(TIERS), required=False),
    choice("state", tuple(RuleState), required=False),
    choice("official_type", tuple(official_types()), required=False),
    day("valid_from"),
    day("valid_until"),
)
"""Columns of every table. All but the basis may be missing."""

_FIRST_DAY: Final = -(2**31)
_LAST_DAY: Final = 2**31 - 1


def columns_of(kind: Kind) -> Columns:
    """Return the columns of a kind's table, as tables are read."""
    own = (*kind.columns, *COMMON)
    return Columns(
        tuple(column.name for column in own if column.required),
        (),
        tuple(column.name for column in own if not column.required),
    )


def rules_of(
    kind: Kind, file: str, records: Iterator[Record], context: Context, faults: list[Fault]
) -> Iterator[Rule]:
    """Return the rules of a table; rows with faults are noted and left out."""
    own = (*kind.columns, *COMMON)
    for record in records:
        cells = _cells(own, file, record, faults)
        if cells is None:
            continue
        if kind.check_row is not None and _note_row(kind, cells, file, record, faults):
            continue
        if _note_unknown_sets(kind, cells, file, record, context, faults):
            continue
        yield _rule(kind, cells, record, context, (file, record.line))


def merged(rules: Iterator[Rule]) -> dict[str, Rule]:
    """Return rules by id, in order of their ids. Rows that say the same are one rule with every basis.

    It is as grave as the gravest of them and shown if one of them is.
    """
    found: dict[str, Rule] = {}
    for rule in rules:
        first = found.get(rule.id)
        if first is None:
            found[rule.id] = rule
            continue
        states = {first.state, rule.state}
        state = next(state for state in RuleState if state in states)
        bases = tuple(sorted({*first.bases, *rule.bases}))
        official = first.official_type or rule.official_type
        found[rule.id] = replace(
            first,
            bases=bases,
            state=state,
            tier=max(first.tier, rule.tier),
            official_type=official,
            valid_from=min(first.valid_from, rule.valid_from),
            valid_until=max(first.valid_until, rule.valid_until),
        )
    return {number: found[number] for number in sorted(found)}


def _cells(
    columns: tuple[Column, ...], file: str, record: Record, faults: list[Fault]
) -> dict[str, Any] | None:
    cells: dict[str, Any] = {}
    sound = True
    for column in columns:
        cell = record[column.name]
        if not cell:
            cells[column.name] = column.empty
            continue
        try:
            cells[column.name] = column.read(cell)
        except CellError as error:
            sound = False
            details = {
                "value": cell[:60],
                "expected_en": error.expected_en,
                "expected_zh": error.expected_zh,
                "example": error.example,
            }
            faults.append(Fault("bad_cell", file, record.line, column.name, details))
    return cells if sound else None


def _note_row(kind: Kind, cells: Mapping[str, Any], file: str, record: Record, faults: list[Fault]) -> bool:
    assert kind.check_row is not None
    wrong = list(kind.check_row(cells))
    for column, english, chinese in wrong:
        faults.append(
            Fault("bad_row", file, record.line, column, {"problem_en": english, "problem_zh": chinese})
        )
    return bool(wrong)


def _note_unknown_sets(
    kind: Kind, cells: Mapping[str, Any], file: str, record: Record, context: Context, faults: list[Fault]
) -> bool:
    unknown = [(column, name) for column in kind.sets for name in cells[column] if name not in context.sets]
    for column, name in unknown:
        problem = {
            "problem_en": f"there is no set {name} in code_sets.csv",
            "problem_zh": f"code_sets.csv 中没有集合 {name}",
        }
        faults.append(Fault("bad_row", file, record.line, column, problem))
    return bool(unknown)


def _rule(
    kind: Kind, cells: Mapping[str, Any], record: Record, context: Context, place: tuple[str, int]
) -> Rule:
    basis = cells["basis"]
    known = official_types()
    official = cells["official_type"] or (basis if basis in known else kind.official_type)
    state = cells["state"] or (RuleState.SHADOW if basis.startswith(WORKING) else RuleState.ACTIVE)
    valid_from, valid_until = cells["valid_from"], cells["valid_until"]
    triggers: tuple[Key, ...] = ()
    if kind.triggers is not None:
        triggers = tuple(dict.fromkeys(kind.triggers(cells, context)))
    return Rule(
        id=rule_id(kind, cells),
        kind=kind.name,
        triggers=triggers,
        checks=tuple(kind.checks(cells, context)) if kind.checks is not None else (),
        values={column.name: record[column.name] for column in kind.columns if record[column.name]},
        official_type=official,
        bases=(basis,),
        state=RuleState(state),
        tier=TIERS[cells["tier"]] if cells["tier"] else kind.tier,
        phases=tuple(sorted(cells.get("phases") or kind.phases)),
        valid_from=_FIRST_DAY if valid_from is None else valid_from,
        valid_until=_LAST_DAY if valid_until is None else valid_until,
        place=place,
    )


def rule_id(kind: Kind, cells: Mapping[str, Any]) -> str:
    """Return the stable id of a row: of its kind and of what it says, never of its line."""
    said = [_said(cells[column]) for column in kind.key]
    return f"{kind.name}:{hashlib.sha256(orjson.dumps(said)).hexdigest()[:16]}"


def _said(value: Any) -> Any:
    """Return a cell in a form that does not depend on the order of what it lists."""
    if isinstance(value, tuple | frozenset):
        return sorted([key.text, key.prefix] if isinstance(key, Key) else str(key) for key in value)
    return value if value is None or isinstance(value, int) else str(value)
