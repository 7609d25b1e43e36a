"""Conditions of rules: their truth for a stay, the sets they wait for, and how to change them a little."""

from casemeter_rules.conditions.evaluate import Reading, decide
from casemeter_rules.conditions.mutate import Mutation, mutations
from casemeter_rules.conditions.truth import Decision, Truth
from casemeter_rules.conditions.watch import Watch, watches_of

__all__ = [
    "Decision",
    "Mutation",
    "Reading",
    "Truth",
    "Watch",
    "decide",
    "mutations",
    "watches_of",
]
