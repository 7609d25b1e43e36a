"""Which rules are in shadow: a small bundle, built from answers and from what an administrator set by hand.

A rule goes to shadow when the upper bound of its precision falls below the threshold, with enough answers.
The bound holds at every moment of looking (:mod:`casemeter_rules.alerting.bounds`), and each rule gets
``alpha / rules`` of the error, so the chance that any good rule ever goes to shadow, over all rules and
however often the bundle is built anew, is at most ``alpha``. A good rule is one each of whose answers,
given those before, is useful with a chance of at least the threshold. A rule that has gone stays until an
administrator sets it active; what is set by hand comes before everything learned and before the state in
the rule's own table.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from casemeter_grouper.compiled.bundle import BundleError, Reason, open_bundle, write
from casemeter_rules.alerting.answers import AnswerLine
from casemeter_rules.alerting.bounds import Boundary, upper_bound
from casemeter_rules.alerting.overrides import Reasons, shipped_reasons
from casemeter_rules.alerting.policy import Learning, Policy
from casemeter_rules.alerting.precision import Outcome, outcomes
from casemeter_rules.finding import Finding, RuleState

KIND: Final = "shadow"
ARRAY: Final = "entries"
VERSION: Final = 1

LEARNED: Final = "learned"
HAND: Final = "hand"


class Entry(NamedTuple):
    """The state of a rule from a day on.

    Attributes:
        rule: its id.
        state: active, shadow or off.
        valid_from: first day (``YYYY-MM-DD``).
        source: ``learned`` or ``hand``.
        useful: learned: useful answers when the bound fell below the threshold.
        useless: learned: useless ones.
        upper: learned: the bound.
        note: by hand: why.
    """

    rule: str
    state: RuleState
    valid_from: str
    source: str
    useful: int = 0
    useless: int = 0
    upper: float | None = None
    note: str = ""


class HandError(Exception):
    """A table of states set by hand that cannot be used; names every fault."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        super().__init__("\n".join(f"{path}: {fault}" for fault in faults))
        self.faults = faults


class TooManyRules(Exception):
    """Answers to more rules than the bound was shared among: it would no longer hold."""


@dataclass(frozen=True)
class Built:
    """What building a bundle brought.

    Attributes:
        sha256: content hash of the bundle.
        entries: all it holds.
    """

    sha256: str
    entries: tuple[Entry, ...]


class ShadowList:
    """States of rules by day. It never changes.

    Attributes:
        sha256: content hash of its bundle; empty: there is none.
        learning: by what its learned entries were learned.
        entries: sorted by rule, source and day.
    """

    def __init__(
        self, entries: Iterable[Entry] = (), sha256: str = "", learning: Learning | None = None
    ) -> None:
        self.sha256 = sha256
        self.learning = learning or Learning()
        self.entries = tuple(sorted(entries, key=_order))
        by_rule: dict[str, list[Entry]] = {}
        for entry in self.entries:
            by_rule.setdefault(entry.rule, []).append(entry)
        self._by_rule = {rule: _rising(rows) for rule, rows in by_rule.items()}

    @classmethod
    def open(cls, path: Path) -> ShadowList:
        """Open a bundle.

        Raises:
            BundleError: the file cannot be used.
        """
        bundle = open_bundle(path, KIND)
        if bundle.manifest.get("version") != VERSION:
            text = (
                f"written as version {bundle.manifest.get('version')}, this reads {VERSION}; build it again"
            )
            raise BundleError(path, Reason.OTHER_COMPILER, text)
        rows = orjson.loads(bundle.arrays[ARRAY].tobytes())
        entries = [Entry(**{**row, "state": RuleState(row["state"])}) for row in rows]
        return cls(entries, bundle.sha256, Learning(**bundle.manifest["learning"]))

    def state(self, rule: str, day: str) -> RuleState | None:
        """Return the state of a rule on a day (``YYYY-MM-DD``); ``None``: its own table's holds."""
        found = None
        for entry in self._by_rule.get(rule, ()):
            if entry.valid_from > day:
                break
            found = entry.state
        return found

    def states(self, day: str) -> Mapping[str, RuleState]:
        """Return the states that hold on a day, of every rule that has one."""
        found = {rule: self.state(rule, day) for rule in self._by_rule}
        return MappingProxyType({rule: state for rule, state in found.items() if state is not None})

    def applied(self, findings: Sequence[Finding], day: str) -> tuple[Finding, ...]:
        """Return findings with the states that hold on a day. None is left out, whatever its state."""
        if not self._by_rule:
            return tuple(findings)
        found = []
        for finding in findings:
            state = self.state(finding.rule, day)
            found.append(finding if state in (None, finding.state) else finding._replace(state=state))
        return tuple(found)


def learn(
    lines: Iterable[AnswerLine], learning: Learning, reasons: Reasons | None = None
) -> tuple[Entry, ...]:
    """Return the rules that go to shadow by the answers, each from the day after the one that showed it.

    The answers of a rule are looked at one after the other, in the order of the lines. More lines at the
    end of the same file never take an entry back.

    Raises:
        TooManyRules: there are more rules than the bound is shared among.
    """
    known = reasons or shipped_reasons()
    each = learning.alpha / learning.rules
    boundary = Boundary(learning.threshold, each)
    counts: dict[str, tuple[int, int]] = {}
    gone: dict[str, Entry] = {}
    for line, outcome in outcomes(lines, known):
        if line.rule in gone or outcome not in (Outcome.USEFUL, Outcome.USELESS):
            continue
        useful, useless = counts.get(line.rule, (0, 0))
        useful, useless = useful + (outcome is Outcome.USEFUL), useless + (outcome is Outcome.USELESS)
        counts[line.rule] = useful, useless
        if len(counts) > learning.rules:
            raise TooManyRules(
                f"answers to more than {learning.rules} rules; set 'learning.rules' to the number of rules"
            )
        if useful + useless >= learning.min_answers and boundary.crossed(useful, useless):
            day = (line.at.date() + timedelta(days=1)).isoformat()
            upper = round(upper_bound(useful, useless, each), 6)
            gone[line.rule] = Entry(line.rule, RuleState.SHADOW, day, LEARNED, useful, useless, upper)
    return tuple(gone[rule] for rule in sorted(gone))


def read_hand(path: Path) -> tuple[Entry, ...]:
    """Read the states that an administrator set by hand: one ``[[rule]]`` for each change.

    ::

        [[rule]]
        id = "drug_sex:6f1c…"
        state = "active"      # active, shadow or off
        from = 2026-03-01
        note = "table mended" # may be left out

    Raises:
        HandError: with every fault of the file.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise HandError(path, [f"cannot be read: {error}"]) from None
    faults: list[str] = []
    rows = values.pop("rule", [])
    faults += [f"'{name}' is not known; known: rule" for name in values]
    if not isinstance(rows, list):
        faults.append("'rule' is no list; write [[rule]] before each entry")
        rows = []
    entries = [_hand(row, f"rule[{at}]", faults) for at, row in enumerate(rows)]
    seen: dict[tuple[str, str], int] = {}
    for at, entry in enumerate(entries):
        first = seen.setdefault((entry.rule, entry.valid_from), at)
        if first != at and entry.rule and entry.valid_from:
            faults.append(f"'rule[{at}]' and 'rule[{first}]' set the same rule from the same day")
    if faults:
        raise HandError(path, faults)
    return tuple(entries)


def build_shadow(target: Path, answers: Iterable[AnswerLine], hand: Path | None, policy: Policy) -> Built:
    """Build the bundle anew. The same rules learned and set give the same bytes, whatever else was answered.

    Args:
        target: the file; an existing one is replaced in one step.
        answers: of files or a store, in the order of time.
        hand: table of states set by hand; ``None``: there is none.
        policy: of the hospital.

    Raises:
        HandError: the table cannot be used.
        TooManyRules: there are more rules than the bound is shared among.
    """
    entries = list(read_hand(hand)) if hand else []
    entries += learn(answers, policy.learning, policy.reasons)
    made = write_shadow(target, entries, policy.learning)
    return Built(made, tuple(sorted(entries, key=_order)))


def write_shadow(target: Path, entries: Iterable[Entry], learning: Learning) -> str:
    """Write a bundle and return its content hash."""
    rows = [entry._asdict() for entry in sorted(entries, key=_order)]
    data = orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)
    manifest = {"kind": KIND, "version": VERSION, "learning": asdict(learning)}
    return write(target, manifest, {ARRAY: np.frombuffer(data, np.uint8)})


def _order(entry: Entry) -> tuple[str, bool, str]:
    return entry.rule, entry.source == HAND, entry.valid_from


def _rising(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Entries of a rule by day: once one was set by hand, what is learned no longer counts."""
    by_hand = [entry for entry in entries if entry.source == HAND]
    first = by_hand[0].valid_from if by_hand else "9999-99-99"
    learned = [entry for entry in entries if entry.source == LEARNED and entry.valid_from < first]
    return (*learned, *by_hand)


def _hand(row: object, place: str, faults: list[str]) -> Entry:
    table: dict[str, Any] = dict(row) if isinstance(row, dict) else {}
    if not isinstance(row, dict):
        faults.append(f"'{place}' is {row!r}; write a table")
        return Entry("", RuleState.ACTIVE, "", HAND)
    rule, state, day, note = (
        table.pop("id", ""),
        table.pop("state", ""),
        table.pop("from", ""),
        table.pop("note", ""),
    )
    if not isinstance(rule, str) or not rule:
        faults.append(f"'{place}.id' is {rule!r}; write the id of a rule")
        rule = ""
    if not isinstance(state, str) or state not in tuple(RuleState):
        faults.append(f"'{place}.state' is {state!r}; write one of {', '.join(RuleState)}")
        state = RuleState.ACTIVE
    if type(day) is not date:
        faults.append(f"'{place}.from' is {day!r}; write a day like 2026-03-01")
    if not isinstance(note, str):
        faults.append(f"'{place}.note' is {note!r}; write text")
        note = ""
    faults += [f"'{place}.{name}' is not known; known: id, state, from, note" for name in table]
    return Entry(rule, RuleState(state), day.isoformat() if type(day) is date else "", HAND, note=note)
