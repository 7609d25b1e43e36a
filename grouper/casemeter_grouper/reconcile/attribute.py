"""Why two groups of a stay differ: what, replaced alone, turns the one into the other."""

from __future__ import annotations

from itertools import combinations

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
    if part is Part.OTHERS:
        return Cause.COMPLICATION if _is_complication(before, after) else Cause.DIAGNOSIS
    return Cause.EXCLUSION if _is_exclusion(before, after) else Cause.DIAGNOSIS


def _is_complication(before: Reading, after: Reading) -> bool:
    """Whether other diagnoses lead within one ADRG to another group, and differ in those that count."""
    return _same_adrg(before, after) and _standing(before) != _standing(after)


def _is_exclusion(before: Reading, after: Reading) -> bool:
    """Whether a change of the principal diagnosis does nothing but exclude a code, or exclude it no more.

    Taken away where it counts, the code leaves no difference between the two.
    """
    if not _same_adrg(before, after):
        return False
    in_both = frozenset(before.case.diagnoses[1:]).intersection(after.case.diagnoses[1:])
    one, other = _standing(before), _standing(after)
    turned = {code for code, _ in one ^ other if code in in_both}
    if not turned:
        return False
    left = [
        _without(reading, turned & {code for code, _ in counted})
        for reading, counted in ((before, one), (after, other))
    ]
    return _place(left[0]).group == _place(left[1]).group


def _same_adrg(before: Reading, after: Reading) -> bool:
    adrg = _place(before).adrg
    return adrg != "" and adrg == _place(after).adrg


def _standing(reading: Reading) -> frozenset[tuple[str, str]]:
    return reading.version.standing(reading.case)


def _without(reading: Reading, codes: set[str]) -> Reading:
    principal, *others = reading.case.diagnoses
    left = (principal, *(code for code in others if code not in codes))
    return reading._replace(case=reading.case._replace(diagnoses=left))
