"""Rows that share a rule, and rows that say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from casemeter_rules.importing.rows import Row, id_of


def joined(rows: Iterable[Row]) -> list[Row]:
    """Return the rows, those that differ in nothing but the column they are joined in as one."""
    found: list[Row] = []
    first: dict[tuple[object, ...], Row] = {}
    for row in rows:
        if not row.join:
            found.append(row)
            continue
        rest = tuple(sorted((name, cell) for name, cell in row.cells.items() if name != row.join))
        known = first.setdefault((row.kind, *rest), row)
        if known is row:
            found.append(row)
        else:
            listed = known.cells[row.join].split("|")
            listed += [part for part in row.cells[row.join].split("|") if part not in listed]
            known.cells[row.join] = "|".join(listed)
    return found


def distinct(rows: Iterable[Row]) -> tuple[list[Row], int, Counter[str]]:
    """Return the rows without those that an earlier one says, the number of rules, and the repeated by file.

    Rows of one rule with another basis stay: the rule then has both.
    """
    found: list[Row] = []
    seen: set[tuple[str, str, str]] = set()
    rules: set[str] = set()
    repeated: Counter[str] = Counter()
    for row in rows:
        number = id_of(row)
        said = (number, row.cells["basis"], row.cells.get("state", ""))
        if number in rules:
            repeated[row.place[0]] += 1
        rules.add(number)
        if said not in seen:
            seen.add(said)
            found.append(row)
    return found, len(rules), repeated
