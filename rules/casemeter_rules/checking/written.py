"""Examples that a pack writes itself, in ``examples.csv``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from casemeter_grouper.codes import normalise
from casemeter_grouper.pack.faults import Fault, nearest
from casemeter_grouper.pack.tables import Columns, Record, read_table
from casemeter_rules.checks import NUMBERS, VALUES
from casemeter_rules.codes import normalise_item
from casemeter_rules.examples import day_of
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Phase, Procedure, Stay
from casemeter_rules.kind import Example, Rule
from casemeter_rules.pack.load import EXAMPLES_FILE

COLUMNS: Final = Columns(
    ("rule", "expect"),
    (),
    (
        *("phase", "diagnoses", "procedures", "items", "fields", "department", "discharged", "tcm", "note"),
        *NUMBERS,
        *VALUES,
    ),
)
EXPECTS: Final = {"fires": True, "passes": False}
_USE: Final = re.compile(r"(?P<code>[^@*]+)(@(?P<day>\d{1,4}))?(\*(?P<quantity>\d{1,9}(\.\d{1,4})?))?\Z")
_NUMBER: Final = re.compile(r"\d{1,9}(\.\d+)?\Z")
_EIGHT, _NOON = 480, 720
_FORMS: Final = {
    "item": ("codes as code@day*quantity, | between them", "以 | 分隔的 编码@日*数量", "310100001@2*1.5"),
    "code": ("codes as code@day, | between them", "以 | 分隔的 编码@日", "I21.400|E11.900"),
    "field": ("fields as name=value, | between them", "以 | 分隔的 名称=值", "ways=1"),
    "number": ("a number", "数", "14"),
    "yes": ("yes or no", "yes 或 no", "yes"),
}


class Written(NamedTuple):
    """An example, the rule it is of, and its line."""

    rule: Rule
    example: Example
    line: int


class _Wrong(ValueError):
    """A cell that is not of its form: its column and the form."""

    def __init__(self, column: str, form: str) -> None:
        super().__init__(form)
        self.column = column
        self.form = form


def read_examples(folder: Path, rules: Mapping[str, Rule], faults: list[Fault]) -> Iterator[Written]:
    """Yield the examples that a pack writes itself; those with faults are noted and left out."""
    if not (folder / EXAMPLES_FILE).is_file():
        return
    named = _names(rules)
    for record in read_table(folder, EXAMPLES_FILE, COLUMNS, faults):
        choices = (("expect", tuple(EXPECTS)), ("phase", tuple(Phase)))
        wrong = [(name, known) for name, known in choices if record[name] and record[name] not in known]
        if wrong:
            name, known = wrong[0]
            details = {"value": record[name], "known": ", ".join(known)}
            faults.append(Fault("not_a_choice", EXAMPLES_FILE, record.line, name, details))
            continue
        rule = named.get(record["rule"])
        if rule is None:
            details = {"rule": record["rule"], "known": nearest(record["rule"], named)}
            faults.append(Fault("example_of_nothing", EXAMPLES_FILE, record.line, "rule", details))
            continue
        try:
            stay = _stay(record, day_of(rule))
        except _Wrong as error:
            english, chinese, example = _FORMS[error.form]
            cell = {"value": record[error.column][:60], "expected_en": english, "expected_zh": chinese}
            details = {**cell, "example": example}
            faults.append(Fault("bad_cell", EXAMPLES_FILE, record.line, error.column, details))
            continue
        phase = Phase(record["phase"]) if record["phase"] else None
        yield Written(rule, Example(EXPECTS[record["expect"]], stay, phase), record.line)


def _names(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """Return rules by id, by a condition's name, by kind and first code, and by kind where it has one."""
    found: dict[str, Rule] = {}
    twice: set[str] = set()
    for rule in rules.values():
        names = [rule.kind, rule.values.get("rule", "")]
        names += [f"{rule.kind}:{key.text}" for key in rule.triggers[:1]]
        for name in filter(None, names):
            if name in found:
                twice.add(name)
            found[name] = rule
    return {**{name: rule for name, rule in found.items() if name not in twice}, **rules}


def _stay(record: Record, day: int) -> Stay:
    """Return the stay of a row. Its days are counted from that of admission, which is 1."""
    start = day * MINUTES_PER_DAY
    first = 1
    uses = {column: _uses(record, column) for column in ("diagnoses", "procedures", "items")}
    last = max([first, *(at for used in uses.values() for _, at, _ in used if at)])
    # The last day is the one that the answer holds for.
    at_noon = {at: start + (at - last) * MINUTES_PER_DAY + _NOON for at in range(last + 1)}
    known: dict[str, Any] = {name: _number(record, name) for name in NUMBERS}
    known |= {name: record[name] or None for name in VALUES}
    return Stay(
        diagnoses=tuple(
            Diagnosis(
                code,
                f"encounter.diagnoses[{at}]",
                "other" if at else "principal",
                admission_condition=condition or 0,
            )
            for at, (code, condition, _) in enumerate(uses["diagnoses"])
        ),
        procedures=tuple(
            Procedure(code, f"encounter.procedures[{at}]", start=None if on is None else at_noon[on])
            for at, (code, on, _) in enumerate(uses["procedures"])
        ),
        items=None if record["items"] == "?" else tuple(_items(uses["items"], at_noon)),
        admission=start + (first - last) * MINUTES_PER_DAY + _EIGHT,
        discharge=start + _NOON + 1 if _yes(record, "discharged") else None,
        now=start + _NOON + 1,
        department=record["department"] or None,
        tcm=_yes(record, "tcm"),
        fields=_fields(record),
        **known,
    )


def _items(uses: list[tuple[str, int | None, int]], at_noon: Mapping[int, int]) -> Iterator[Item]:
    for at, (code, on, quantity) in enumerate(uses):
        place = f"encounter.charges.lines[{at}]"
        yield Item(code, place, id=f"L{at + 1}", minute=at_noon[1 if on is None else on], quantity=quantity)


def _uses(record: Record, column: str) -> list[tuple[str, int | None, int]]:
    """Return codes, what follows @ (a day; of a diagnosis its condition on admission), and quantities."""
    cell = record[column]
    if not cell or (column == "items" and cell == "?"):
        return []
    found = []
    for part in cell.split("|"):
        met = _USE.match(part.strip())
        if met is None or (met["quantity"] and column != "items") or met["day"] == "0":
            raise _Wrong(column, "item" if column == "items" else "code")
        code = normalise_item(met["code"]) if column == "items" else normalise(met["code"])
        quantity = round(float(met["quantity"] or 1) * 10_000)
        found.append((code, int(met["day"]) if met["day"] else None, quantity))
    return found


def _number(record: Record, column: str) -> float | None:
    if record[column] and not _NUMBER.match(record[column]):
        raise _Wrong(column, "number")
    return float(record[column]) if record[column] else None


def _yes(record: Record, column: str) -> bool | None:
    if record[column] not in ("", "yes", "no"):
        raise _Wrong(column, "yes")
    return record[column] == "yes" if record[column] else None


def _fields(record: Record) -> dict[str, str] | None:
    if not record["fields"]:
        return None
    parts = [part.partition("=") for part in record["fields"].split("|")]
    if not all(equals and name.strip() for name, equals, _ in parts):
        raise _Wrong("fields", "field")
    return {name.strip(): value.strip() for name, _, value in parts}
