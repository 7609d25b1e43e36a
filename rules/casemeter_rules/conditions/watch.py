"""Which sets a condition waits for: it need not be tried for a stay that has a member of none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from casemeter_grouper.condition import And, Condition, Const, InSet, Measure, Not, Or, space_of
from casemeter_rules.conditions.truth import Truth, exactly


class Watch(NamedTuple):
    """A set, and the space its codes stand in: ``diagnosis``, ``procedure`` or ``item``."""

    space: str
    set: str


Watches = tuple[Watch, ...]


def _number_of(watches: Watches) -> float:
    return len(watches)


def watches_of(condition: Condition, cost: Callable[[Watches], float] = _number_of) -> Watches | None:
    """Return sets of which the stay must have a member before the condition can be true.

    A member is a code of the stay that is in the set: any diagnosis, procedure, charge or order.

    Args:
        condition: of the rule vocabulary.
        cost: of watching some sets, where there is a choice; the cheapest are taken, the first of equally
            cheap ones. Without it, as few as can be.

    Returns:
        The sets, in the order of the condition; none when it is never true; ``None`` when it may be true of a
        stay that has no member of any set.
    """
    return _watches(condition, True, cost)


def _watches(condition: Condition, wanted: bool, cost: Callable[[Watches], float]) -> Watches | None:
    match condition:
        case Const(value):
            return None if value is wanted else ()
        case Not(item):
            return _watches(item, not wanted, cost)
        case And(items) | Or(items):
            parts = [_watches(item, wanted, cost) for item in items]
            if isinstance(condition, And) is wanted:
                return min((part for part in parts if part is not None), key=cost, default=None)
            return _union(parts)
        case InSet(_, name) if wanted:
            return (Watch(space_of(condition), name),)
        case Measure(set=name) if _without_members(condition) is not wanted:
            return (Watch(space_of(condition), name),)
        case _:
            return None


def _union(parts: Iterable[Watches | None]) -> Watches | None:
    union: dict[Watch, None] = {}
    for part in parts:
        if part is None:
            return None
        union.update(dict.fromkeys(part))
    return tuple(union)


def _without_members(test: Measure) -> bool:
    """Truth of a measure when the stay has no member of its set."""
    return not test.kind.place and exactly(0).compared(test.op, test.value).truth is Truth.TRUE
