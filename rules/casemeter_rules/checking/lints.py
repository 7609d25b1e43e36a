"""What rows say of each other, of the dictionaries and of their dates."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from casemeter_grouper.dictionary import Dictionary
from casemeter_grouper.pack.faults import Fault
from casemeter_rules.checks import (
    Among,
    Apart,
    Between,
    Check,
    DaysWithin,
    Excludes,
    Needs,
    QuantityWithin,
)
from casemeter_rules.codes import Key, Space
from casemeter_rules.columns import EPOCH
from casemeter_rules.finding import RuleState
from casemeter_rules.kind import Kind, Rule
from casemeter_rules.pack.header import Header

_FIRST, _LAST = -(2**31), 2**31 - 1
_MOST_PAIRS: Final = 64
_MOST_CODES: Final = 5
"""Unknown codes that are named of one row."""


def lints(
    folder: Path,
    rules: Iterable[Rule],
    kinds: Mapping[str, Kind],
    header: Header,
    dictionary: Dictionary,
    today: int,
) -> Iterator[Fault]:
    """Yield what is odd about the rows of a pack taken together.

    Args:
        folder: of the pack.
        rules: of the pack.
        kinds: by name.
        header: of the pack.
        dictionary: that it is read against.
        today: in days since 1970.
    """
    in_order = sorted(rules, key=lambda rule: rule.place)
    yield from _empty_columns(folder, in_order, kinds)
    said = _Said(kinds)
    span = (_day(header.valid_from, _FIRST), _day(header.valid_until, _LAST))
    for rule in in_order:
        yield from said.faults(rule)
        yield from _expired(rule, span, today)
        yield from _unknown_codes(rule, dictionary)


def _empty_columns(folder: Path, rules: Iterable[Rule], kinds: Mapping[str, Kind]) -> Iterator[Fault]:
    filled: dict[str, set[str]] = defaultdict(set)
    for rule in rules:
        filled[rule.kind].update(rule.values)
    for name, columns in filled.items():
        file = f"{name}.csv"
        with (folder / file).open(encoding="utf-8-sig", newline="") as table:
            header = {cell.strip() for cell in next(csv.reader(table))}
        for column in kinds[name].columns:
            if column.name in header and column.name not in columns:
                yield Fault("column_empty", file, 1, column.name, {"column": column.name})


class _Limit(NamedTuple):
    """What a row said of a code."""

    said: str
    rule: Rule


class _Said:
    """Names rows that say another limit of the same codes than an earlier row does, or the same pair."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        self._limits: dict[Hashable, list[_Limit]] = defaultdict(list)

    def faults(self, rule: Rule) -> Iterator[Fault]:
        if rule.state is RuleState.OFF or self._kinds[rule.kind].confirm is not None:
            return
        noted = False
        for subject, said, kind in _subjects(rule):
            for other in self._limits[subject]:
                if noted or other.rule.id == rule.id or other.said == said or not _meet(other.rule, rule):
                    continue
                noted = True
                file, line = rule.place
                details = {"first": other.rule.place[1], "other": other.said, "said": said}
                yield Fault(kind, file, line, details=details)
            if not any(other.said == said for other in self._limits[subject]):
                self._limits[subject].append(_Limit(said, rule))


def _meet(one: Rule, other: Rule) -> bool:
    return one.valid_from <= other.valid_until and other.valid_from <= one.valid_until


def _subjects(rule: Rule) -> Iterator[tuple[Hashable, str, str]]:
    """Yield what a rule says a limit of, the limit, and the fault of saying another one."""
    for check in rule.checks:
        if isinstance(check, Excludes):
            if len(rule.triggers) * len(check.codes.keys) <= _MOST_PAIRS:
                for one in rule.triggers:
                    for other in check.codes.keys:
                        pair = (rule.kind, "pair", frozenset((one, other)), check.slot, check.window)
                        yield pair, rule.id, "repeated_row"
            continue
        limit = _limit(check)
        if limit is not None:
            about, said = limit
            for key in rule.triggers:
                yield (rule.kind, about, rule.values.get("unit", ""), key), said, "contradicts"


def _limit(check: Check) -> tuple[Hashable, str] | None:
    match check:
        case Between(fact, low, high):
            return fact, f"{low:g}..{high:g}"
        case Among(fact, values):
            return fact, "|".join(sorted(values))
        case QuantityWithin(most, period):
            return ("quantity", period), f"{most / 10_000:g}"
        case DaysWithin(most):
            return "days", str(most)
        case Apart(days):
            return "apart", str(days)
        case _:
            return None


def _expired(rule: Rule, pack: tuple[int, int], today: int) -> Iterator[Fault]:
    start, until = rule.valid_from, rule.valid_until
    if until < today or until < pack[0] or start > pack[1]:
        file, line = rule.place
        column = "valid_from" if start > pack[1] else "valid_until"
        yield Fault("expired", file, line, column, {"dates": f"{_date(start)}..{_date(until)}"})


def _day(text: str, absent: int) -> int:
    return (date.fromisoformat(text) - EPOCH).days if text else absent


def _date(day: int) -> str:
    return "" if day in (_FIRST, _LAST) else (EPOCH + timedelta(days=day)).isoformat()


@lru_cache(maxsize=4)
def _beginnings(dictionary: Dictionary) -> Mapping[Space, frozenset[str]]:
    return {
        space: frozenset(code[:length] for code in codes for length in range(1, len(code) + 1))
        for space, codes in (
            (Space.DIAGNOSIS, dictionary.diagnoses),
            (Space.PROCEDURE, dictionary.procedures),
        )
    }


def _unknown_codes(rule: Rule, dictionary: Dictionary) -> Iterator[Fault]:
    known = {Space.DIAGNOSIS: dictionary.diagnoses, Space.PROCEDURE: dictionary.procedures}
    sets = (check.codes.keys for check in rule.checks if isinstance(check, Needs | Excludes))
    file, line = rule.place
    columns = _columns(rule)
    noted = 0
    for key in _named(columns, (rule.triggers, *sets)):
        if key.prefix and key.text not in _beginnings(dictionary)[key.space]:
            yield Fault("prefix_of_nothing", file, line, columns[key.text], {"prefix": key.text})
        elif not key.prefix and key.text not in known[key.space]:
            yield Fault("unknown_code", file, line, columns[key.text], {"code": key.text})
        else:
            continue
        noted += 1
        if noted == _MOST_CODES:
            return


def _columns(rule: Rule) -> Mapping[str, str]:
    """Return the first column of a row that lists each text."""
    found: dict[str, str] = {}
    for column, cell in rule.values.items():
        for part in cell.upper().split("|"):
            found.setdefault(part, column)
    return found


def _named(columns: Mapping[str, str], groups: Iterable[Iterable[Key]]) -> Iterator[Key]:
    """Yield the keys that a row writes itself, in order; what it takes from a range or a set is known."""
    for keys in groups:
        yield from sorted(
            key for key in keys if key.text in columns and key.space is not Space.ITEM and "/" not in key.text
        )
