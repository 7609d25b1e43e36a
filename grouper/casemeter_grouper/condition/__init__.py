"""The condition language that schemes and rules are written in."""

from casemeter_grouper.condition.faults import ConditionError
from casemeter_grouper.condition.nodes import (
    And,
    Compare,
    Condition,
    Const,
    Flag,
    InSet,
    Not,
    OneOf,
    Or,
    Test,
    tests_of,
)
from casemeter_grouper.condition.parser import parse

__all__ = [
    "And",
    "Compare",
    "Condition",
    "ConditionError",
    "Const",
    "Flag",
    "InSet",
    "Not",
    "OneOf",
    "Or",
    "Test",
    "parse",
    "tests_of",
]
