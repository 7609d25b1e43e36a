"""Rules and rows that no case can reach, and sets that nobody uses: what only a careful reader would find.

Each rule and row is asked for in turn. The cases that meet its own conditions are taken as regions and sent
through the scheme; when none arrives it is unreachable, and where they ended says why. The answers are exact
but for two things, which may hide an unreachable row and never invent one: the facts of a case are taken as
independent (an age of 3 years beside an age of 5 days), and a question that takes too much work is left open,
and named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from casemeter_grouper.condition import And, Condition, InSet, tests_of
from casemeter_grouper.condition.nodes import text_of
from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.header import FILE as HEADER_FILE
from casemeter_grouper.pack.load import LoadedPack
from casemeter_grouper.pack.passage import Passage, Step
from casemeter_grouper.pack.region import TooMuchWorkError
from casemeter_grouper.pack.tree import ROW_FILE, RULE_FILE
from casemeter_grouper.scheme import VALID_PROCEDURES

MAX_NAMED: Final = 5
"""So many takers are named."""

MAX_RULES_NAMED: Final = 2
"""So many rules of another MDC are named; where it has more takers, the MDC is."""

MAX_TEXT: Final = 200
"""So many characters of conditions are shown."""

_SETS_FILE: Final = "code_sets.csv"


def unreachable(pack: LoadedPack) -> list[Fault]:
    """Find the rules and rows that no case can reach, and the sets that no condition names.

    Returns:
        Warnings in the order of the tree, then of the sets. A rule that is unreachable is named once, and its
        rows are not.
    """
    faults: list[Fault] = []
    passage = Passage(pack.scheme)
    undecided: list[Step] = []
    lost: set[int] = set()
    for at, step in enumerate(passage.steps):
        if step.rule is None or step.rule_at in lost:
            continue
        try:
            takers = passage.takers(at, lost)
        except TooMuchWorkError:
            undecided.append(step)
            continue
        if takers is None:
            continue
        if takers:
            details: dict[str, object] = {"what": step.name, "takers": _takers_text(step, takers)}
            faults.append(_fault("taken_before", pack, step, details))
        else:
            why = _conflict_text(step, passage.conflict(at), passage)
            faults.append(_fault("never_true", pack, step, {"what": step.name, "why": why}))
        lost.add(at)
    if undecided:
        details = {"count": len(undecided), "what": undecided[0].name}
        faults.append(_fault("reach_undecided", pack, undecided[0], details))
    return faults + list(_unused_sets(pack))


def _fault(kind: str, pack: LoadedPack, step: Step, details: dict[str, object]) -> Fault:
    assert step.rule is not None
    if step.row is None:
        return Fault(kind, RULE_FILE, pack.places.rules[step.rule.name], "when", details)
    return Fault(kind, ROW_FILE, pack.places.rows[step.rule.name, step.row.seq], "when", details)


def _takers_text(step: Step, takers: list[Step]) -> str:
    """Name takers: a row of the same rule by its group, a rule by its name, many of another MDC by that."""
    of_mdc = Counter(taker.mdc.name for taker in takers)
    names: dict[str, None] = {}
    for taker in takers:
        mdc = taker.mdc.name
        if mdc == step.mdc.name:
            names[taker.row.group if taker.row else taker.name] = None
        else:
            names[mdc if of_mdc[mdc] > MAX_RULES_NAMED else f"{mdc}/{taker.name}"] = None
    named = list(names)
    return ", ".join(named if len(named) <= MAX_NAMED else [*named[:MAX_NAMED], "…"])


def _conflict_text(step: Step, conflict: Sequence[tuple[str, Condition]], passage: Passage) -> str:
    """Write the conditions that exclude each other; those of the MDC and the rule with the owner's name."""
    parts: list[str] = []
    for owner, links in groupby(conflict, key=lambda link: link[0]):
        items = [item for _, item in links]
        text = text_of(items[0] if len(items) == 1 else And(tuple(items)))
        tests = [test for item in items for test in tests_of(item)]
        empty = dict.fromkeys(
            test.set for test in tests if isinstance(test, InSet) and passage.is_empty(test)
        )
        text = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
        text += "".join(f" ({name} = ∅)" for name in empty)
        parts.append(text if owner == step.name else f"{text} [{owner}]")
    return " + ".join(parts)


def _unused_sets(pack: LoadedPack) -> Iterator[Fault]:
    used = {
        test.set
        for condition in pack.scheme.tree.conditions()
        for test in tests_of(condition)
        if isinstance(test, InSet)
    }
    rows = pack.tables[_SETS_FILE].by_key
    for name, codes in pack.scheme.tables.sets.items():
        if name in used or name == VALID_PROCEDURES:
            continue
        details = {"set": name, "count": len(codes)}
        if (name,) in rows:
            yield Fault("set_unused", _SETS_FILE, rows[name,][0].line, "set", details)
        else:
            yield Fault("set_unused", HEADER_FILE, 0, "empty_sets", details)
