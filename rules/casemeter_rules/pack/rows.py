"""From the rows of a rule table to rules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from casemeter_grouper.condition import ConditionError
from casemeter_grouper.pack.faults import Fault, nearest
from casemeter_grouper.pack.tables import Columns, Record
from casemeter_rules.codes import Key
from casemeter_rules.columns import CellError, Column, choice, day, text
from casemeter_rules.finding import RuleState, Tier
from casemeter_rules.kind import Context, Kind, Rule
from casemeter_rules.official import official_types
from casemeter_rules.when import When, sets_named, triggers_of

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
        if _note_conditions(cells, file, record, context, faults) or _note_dates(cells, file, record, faults):
            continue
        yield _rule(kind, cells, record, context, (file, record.line))


def merged(rules: Iterator[Rule], faults: list[Fault]) -> dict[str, Rule]:
    """Return rules by id, in order of their ids. Rows that say the same are one rule with every basis.

    It is as grave as the gravest of them and shown if one of them is. Two that have the basis in common, too,
    are noted.
    """
    found: dict[str, Rule] = {}
    for rule in rules:
        first = found.get(rule.id)
        if first is None:
            found[rule.id] = rule
            continue
        if rule.bases[0] in first.bases:
            file, line = rule.place
            faults.append(Fault("repeated_row", file, line, details={"first": first.place[1]}))
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
        except ConditionError as error:
            sound = False
            faults.append(_bad_condition(cell, error, file, record, column.name))
    return cells if sound else None


def _bad_condition(text: str, error: ConditionError, file: str, record: Record, column: str) -> Fault:
    details = {
        "problem": error.problem,
        "mend": error.mend,
        "problem_zh": error.say("problem", "zh"),
        "mend_zh": error.say("mend", "zh"),
        "text": text[:200],
    }
    return Fault("bad_condition", file, record.line, f"{column}:{error.column}", details)


def _note_conditions(
    cells: Mapping[str, Any], file: str, record: Record, context: Context, faults: list[Fault]
) -> bool:
    """Note conditions that name sets there are not, or sets of another space, or that are never true."""
    before = len(faults)
    for column, when in cells.items():
        if not isinstance(when, When):
            continue
        for name, space in sets_named(when.condition):
            # Where it stands; a name may be the beginning of another one, but the row is short.
            place = (file, record.line, f"{column}:{record[column].find(name) + 1}")
            codes = context.sets.get(name)
            if codes is None:
                details = {"set": name, "known": nearest(name, context.sets)}
                faults.append(Fault("unknown_set", *place, details))
            elif any(key.space.name.lower() != space for key in codes.keys):
                faults.append(Fault("bad_row", *place, _other_space(name, space)))
        if len(faults) == before and triggers_of(when.condition, context.sets) == frozenset():
            problem = {"problem_en": "the condition is never true", "problem_zh": "条件永远不成立"}
            faults.append(Fault("bad_row", file, record.line, column, problem))
    return len(faults) > before


def _other_space(name: str, space: str) -> dict[str, str]:
    return {
        "problem_en": f"set {name} holds codes that are not of a {space}",
        "problem_zh": f"集合 {name} 中有不属于 {space} 的编码",
    }


def _note_dates(cells: Mapping[str, Any], file: str, record: Record, faults: list[Fault]) -> bool:
    start, until = cells["valid_from"], cells["valid_until"]
    if start is None or until is None or start <= until:
        return False
    dates = {"start": record["valid_from"], "until": record["valid_until"]}
    faults.append(Fault("dates_reversed", file, record.line, "valid_until", dates))
    return True


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
