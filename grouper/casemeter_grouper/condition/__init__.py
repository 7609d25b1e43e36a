"""The condition language that schemes and rules are written in."""

from casemeter_grouper.condition.faults import ConditionError
from casemeter_grouper.condition.nodes import (
    And,
    Compare,
    Condition,
    Const,
    Flag,
    InSet,
    Measure,
    Not,
    OneOf,
    Or,
    Test,
    space_of,
    tests_of,
    text_of,
)
from casemeter_grouper.condition.parser import parse
from casemeter_grouper.condition.vocabulary import RULE, SCHEME, Vocabulary

__all__ = [
    "RULE",
    "SCHEME",
    "And",
    "Compare",
    "Condition",
    "ConditionError",
    "Const",
    "Flag",
    "InSet",
    "Measure",
    "Not",
    "OneOf",
    "Or",
    "Test",
    "Vocabulary",
    "parse",
    "space_of",
    "tests_of",
    "text_of",
]
