"""Conditions with one limit moved a little, to see whether the examples of a rule notice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from casemeter_grouper.condition import And, Compare, Condition, Measure, Not, Or, text_of
from casemeter_grouper.condition.nodes import DATES

_WITHOUT_EQUAL: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_BROKEN: Final = {"icu_hours"}
"""Numbers, beside measures that have decimals, that may lie between two whole ones."""


class Mutation(NamedTuple):
    """A condition with one test changed.

    Attributes:
        condition: the whole, changed.
        test: the test as it was.
        changed: the test as it is now.
    """

    condition: Condition
    test: Compare
    changed: Compare

    @property
    def text(self) -> str:
        """What was changed, such as ``quantity(S) > 3 → quantity(S) > 4``."""
        return f"{text_of(self.test)} → {text_of(self.changed)}"


def mutations(condition: Condition) -> Iterator[Mutation]:
    """Yield the condition with each limit moved by one step, and with each ``<`` for ``<=`` and the like.

    A step is one of the last digit written, and one day for dates and windows. Of two changes that say the
    same of whole numbers (``< 4`` and ``<= 3``) only one is made, and no limit is moved below 0.
    """
    match condition:
        case Compare():
            for changed in dict.fromkeys(_changed(condition)):
                yield Mutation(changed, condition, changed)
        case Not(item):
            for inner in mutations(item):
                yield inner._replace(condition=Not(inner.condition))
        case And(items) | Or(items):
            for at, item in enumerate(items):
                for inner in mutations(item):
                    new = (*items[:at], inner.condition, *items[at + 1 :])
                    yield inner._replace(condition=replace(condition, items=new))
        case _:
            return


def _changed(test: Compare) -> Iterator[Compare]:
    whole = _is_whole(test)
    if test.op in _WITHOUT_EQUAL:
        yield replace(test, op=_WITHOUT_EQUAL[test.op])
    step = _step(test.value)
    # For whole numbers '< 3' moved up says what '<= 3' says, and so on.
    if not (whole and test.op in ("<", ">=")):
        yield replace(test, value=float(Decimal(repr(test.value)) + step))
    if not (whole and test.op in (">", "<=")) and test.value >= step:
        yield replace(test, value=float(Decimal(repr(test.value)) - step))
    if isinstance(test, Measure) and test.days:
        yield replace(test, days=test.days + 1)
        if test.days > 1:
            yield replace(test, days=test.days - 1)


def _is_whole(test: Compare) -> bool:
    if isinstance(test, Measure):
        return test.kind.decimals == 0
    return test.number in DATES or test.number not in _BROKEN


def _step(value: float) -> Decimal:
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return Decimal(1).scaleb(min(0, int(exponent)))
