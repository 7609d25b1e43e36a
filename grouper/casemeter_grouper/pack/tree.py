"""Reading the tree of a scheme: ``mdc.csv``, ``adrg.csv`` and ``drg.csv``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from casemeter_grouper.condition import Condition, ConditionError, InSet, parse, tests_of
from casemeter_grouper.pack.faults import Fault, is_lost, nearest
from casemeter_grouper.pack.tables import Columns, Record, read_table, whole_number
from casemeter_grouper.scheme import Mdc, Row, Rule, Tree

MDC_FILE, RULE_FILE, ROW_FILE = "mdc.csv", "adrg.csv", "drg.csv"
NEXT = "next"

_MDC = Columns(("seq", "mdc", "entry"))
_RULE = Columns(("mdc", "seq", "rule", "adrg", "when", "otherwise"))
_ROW = Columns(("rule", "seq", "drg", "when"))


@dataclass
class Places:
    """Where the parts of a tree stand in their files, for faults found later.

    Keys are the MDC's name, the rule's name, and the rule's name with the row's ``seq``.
    """

    mdcs: dict[str, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    rows: dict[tuple[str, int], int] = field(default_factory=dict)


class _Conditions:
    """Parses conditions, each text once, and notes sets that do not exist."""

    def __init__(self, sets: Collection[str] | None, faults: list[Fault]) -> None:
        self._sets = sets
        self._faults = faults
        self._parsed: dict[str, Condition | ConditionError] = {}

    def read(self, record: Record, column: str, file: str) -> Condition | None:
        text = record[column]
        if text not in self._parsed:
            try:
                self._parsed[text] = parse(text)
            except ConditionError as error:
                self._parsed[text] = error
        found = self._parsed[text]
        if isinstance(found, ConditionError):
            details = {
                "problem": found.problem,
                "mend": found.mend,
                "problem_zh": found.say("problem", "zh"),
                "mend_zh": found.say("mend", "zh"),
                "text": text[:200],
            }
            self._faults.append(
                Fault("bad_condition", file, record.line, f"{column}:{found.column}", details)
            )
            return None
        sets = self._sets
        if sets is None:
            return found
        named = (test.set for test in tests_of(found) if isinstance(test, InSet))
        unknown = dict.fromkeys(name for name in named if name not in sets)
        for name in unknown:
            details = {"set": name, "known": nearest(name, sets)}
            self._faults.append(Fault("unknown_set", file, record.line, column, details))
        return None if unknown else found


class _Order:
    """Notes a ``seq`` that stands twice under one owner."""

    def __init__(self, file: str, faults: list[Fault]) -> None:
        self._file = file
        self._faults = faults
        self._first: dict[tuple[str, int], int] = {}

    def take(self, owner: str, record: Record) -> int | None:
        seq = whole_number(record, "seq", self._file, self._faults)
        if seq is None:
            return None
        first = self._first.setdefault((owner, seq), record.line)
        if first != record.line:
            details = {"seq": seq, "owner": owner, "first": first}
            self._faults.append(Fault("order_twice", self._file, record.line, "seq", details))
            return None
        return seq


def read_tree(
    folder: Path, sets: Collection[str] | None, retry_each_procedure: bool, faults: list[Fault]
) -> tuple[Tree, Places]:
    """Read the three tables of the tree.

    Args:
        folder: the pack.
        sets: names of the sets that conditions may speak of; ``None`` when they could not be read, and
            then no name is called unknown.
        retry_each_procedure: the option of the same name.
        faults: where every fault is noted; after an error the tree is incomplete.
    """
    conditions = _Conditions(sets, faults)
    places = Places()
    rows = _read_rows(folder, conditions, places, faults)
    rules = _read_rules(folder, conditions, rows, places, faults)
    mdcs: list[Mdc] = []
    order = _Order(MDC_FILE, faults)
    for record in read_table(folder, MDC_FILE, _MDC, faults):
        name = record["mdc"]
        seq, entry = order.take("mdc.csv", record), conditions.read(record, "entry", MDC_FILE)
        if _stands_twice("mdc_twice", MDC_FILE, record, "mdc", places.mdcs, faults):
            continue
        if seq is not None and entry is not None:
            own = tuple(sorted(rules(name), key=lambda rule: rule.seq))
            mdcs.append(Mdc(seq, name, entry, record["entry"], own))
    for name, line in places.rules.items() if not is_lost(MDC_FILE, faults) else ():
        owner = rules.owner[name]
        if owner not in places.mdcs:
            details = {"name": owner, "known": nearest(owner, places.mdcs)}
            faults.append(Fault("rule_of_no_mdc", RULE_FILE, line, "mdc", details))
    return Tree(tuple(sorted(mdcs, key=lambda mdc: mdc.seq)), retry_each_procedure), places


def _stands_twice(
    kind: str, file: str, record: Record, column: str, lines: dict[str, int], faults: list[Fault]
) -> bool:
    first = lines.setdefault(record[column], record.line)
    if first == record.line:
        return False
    faults.append(Fault(kind, file, record.line, column, {"name": record[column], "first": first}))
    return True


@dataclass
class _Rules:
    by_mdc: Mapping[str, list[Rule]]
    owner: Mapping[str, str]

    def __call__(self, mdc: str) -> list[Rule]:
        return self.by_mdc.get(mdc, [])


def _read_rules(
    folder: Path,
    conditions: _Conditions,
    rows: Callable[[str], tuple[Row, ...]],
    places: Places,
    faults: list[Fault],
) -> _Rules:
    by_mdc: dict[str, list[Rule]] = defaultdict(list)
    owner: dict[str, str] = {}
    order = _Order(RULE_FILE, faults)
    for record in read_table(folder, RULE_FILE, _RULE, faults):
        seq, when = order.take(record["mdc"], record), conditions.read(record, "when", RULE_FILE)
        if _stands_twice("rule_twice", RULE_FILE, record, "rule", places.rules, faults):
            continue
        name = record["rule"]
        owner[name] = record["mdc"]
        if seq is not None and when is not None:
            otherwise = None if record["otherwise"] == NEXT else record["otherwise"]
            by_mdc[record["mdc"]].append(
                Rule(seq, name, record["adrg"], when, record["when"], otherwise, rows(name))
            )
    for (name, _), line in places.rows.items() if not is_lost(RULE_FILE, faults) else ():
        if name not in places.rules:
            details = {"name": name, "known": nearest(name, places.rules)}
            faults.append(Fault("row_of_no_rule", ROW_FILE, line, "rule", details))
    return _Rules(by_mdc, owner)


def _read_rows(
    folder: Path, conditions: _Conditions, places: Places, faults: list[Fault]
) -> Callable[[str], tuple[Row, ...]]:
    by_rule: dict[str, list[Row]] = defaultdict(list)
    order = _Order(ROW_FILE, faults)
    for record in read_table(folder, ROW_FILE, _ROW, faults):
        rule = record["rule"]
        seq, when = order.take(rule, record), conditions.read(record, "when", ROW_FILE)
        if seq is not None and when is not None:
            places.rows[rule, seq] = record.line
            by_rule[rule].append(Row(seq, record["drg"], when, record["when"]))
    return lambda rule: tuple(sorted(by_rule.get(rule, ()), key=lambda row: row.seq))
