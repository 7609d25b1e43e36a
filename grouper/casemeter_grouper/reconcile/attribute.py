"""Why two groups of a stay differ: what, replaced alone, turns the one into the other."""

from __future__ import annotations

from itertools import combinations

from casemeter_grouper.case import Case
from casemeter_grouper.reconcile.causes import SAME, Attribution, Cause, Part, Why, unexplained
from casemeter_grouper.reconcile.readings import FACTS, NOTHING_LATE, Between, Late, Reading
from casemeter_grouper.reconcile.versions import Place

_CAUSES = {
    Part.LATE: Cause.LATE,
    Part.PROCEDURES: Cause.PROCEDURE,
    Part.COST: Cause.COST,
    Part.PACK: Cause.PACK,
    **dict.fromkeys(FACTS, Cause.FACT),
}


def attribute(
    before: Reading, recorded: str, after: Reading, final: str, late: Late = NOTHING_LATE
) -> Attribution:
    """Find why a stay ended in another group than it stood in.

    Parts of the earlier reading are replaced by those of the later one, and the stay is grouped again: first
    each part alone, then two together, and so on, until the final group comes out.

    Args:
        before: the stay as it stood.
        recorded: its group then; empty: none.
        after: the stay as it is in the end.
        final: its group in the end; empty: none.
        late: what had come about by then and came to be known later.
    """
    if recorded == final:
        return SAME
    if _place(after).group != final:
        return unexplained(Why.FINAL_CODES)
    if _place(before).group != recorded:
        return unexplained(Why.RECORDED_CODES)
    between = Between(before, after, late)
    for size in range(1, len(between.parts) + 1):
        found = [
            parts
            for parts in combinations(between.parts, size)
            if _place(between.mixed(frozenset(parts))).group == final
        ]
        if found:
            parts = found[0]
            causes = {_cause(part, frozenset(parts), between) for part in parts}
            also = tuple(one for (one,) in found[1:]) if size == 1 else ()
            return Attribution(tuple(cause for cause in Cause if cause in causes), parts, also)
    return unexplained(Why.NO_DIFFERENCE)


def _place(reading: Reading) -> Place:
    cost = reading.cost_fen
    return reading.version.place(reading.case, None if cost is None or cost < 0 else cost)


def _cause(part: Part, parts: frozenset[Part], between: Between) -> Cause:
    """Return what a part of a combination is called, from what it does as the last of them."""
    if part in _CAUSES:
        return _CAUSES[part]
    before, after = between.mixed(parts - {part}), between.mixed(parts)
    if not before.case.diagnoses or not after.case.diagnoses:
        return Cause.DIAGNOSIS
    old = before.case.diagnoses[0]
    if part is Part.OTHERS:
        # Were those counted that counted before, nothing would have moved.
        return Cause.COMPLICATION if _undone(before, after, before.case, old) else Cause.DIAGNOSIS
    # Did the principal diagnosis exclude what the one before it did, nothing would have moved.
    return Cause.EXCLUSION if _undone(before, after, after.case, old) else Cause.DIAGNOSIS


def _undone(before: Reading, after: Reading, counted: Case, principal: str) -> bool:
    """Whether a later reading ends where the earlier one does, if other complications count in it.

    Args:
        before: the earlier one.
        after: the later one.
        counted: the case whose other diagnoses count.
        principal: the diagnosis that excludes some of these.
    """
    standing = after.version.standing(counted, principal)
    placed = after.version.place_counting(after.case, standing)
    return placed is not None and placed.group == _place(before).group
