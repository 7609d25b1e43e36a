"""The tree of a scheme as one decision graph: a flat program of tests.

Every node is one test with two targets; a target is a later node or a leaf. The whole scheme, all its MDCs,
rules and rows, is one such program, and following it from the root is grouping a case.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from casemeter_grouper.condition import (
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
from casemeter_grouper.condition.nodes import DIAGNOSIS_SLOTS, FLAGS, NUMBERS, SLOTS
from casemeter_grouper.scheme import Tree
from casemeter_grouper.walker import Leaf

BIT: Final = 0
"""A node that tests one bit of the case."""

RANGE: Final = 1
"""A node that tests whether a number of the case lies in a closed interval."""

UNGROUPABLE: Final = -1
"""The target of a case that no rule takes: leaf 0."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each test finds its bit.

    The bits of a case are words of 64: the set masks of the six slots, then the values of the fields, then
    the flags.

    Attributes:
        diagnosis_sets: bit by set, in the masks of diagnoses.
        procedure_sets: bit by set, in the masks of procedures.
        value_tests: bit by ``OneOf`` test, in the masks of field values.
    """

    diagnosis_sets: Mapping[str, int]
    procedure_sets: Mapping[str, int]
    value_tests: Mapping[OneOf, int]

    @classmethod
    def of(cls, tree: Tree) -> Layout:
        """Lay out the sets and values that a tree tests."""
        diagnosis, procedure = tree.sets_used
        tests = (test for condition in tree.conditions() for test in tests_of(condition))
        values = dict.fromkeys(test for test in tests if isinstance(test, OneOf))
        return cls(
            {name: bit for bit, name in enumerate(diagnosis)},
            {name: bit for bit, name in enumerate(procedure)},
            {test: bit for bit, test in enumerate(values)},
        )

    @property
    def widths(self) -> tuple[int, int, int]:
        """Words of a diagnosis mask, of a procedure mask and of a value mask; each at least 1."""
        sizes = (len(self.diagnosis_sets), len(self.procedure_sets), len(self.value_tests))
        return tuple(max(1, -(-size // 64)) for size in sizes)  # type: ignore[return-value]

    def bit(self, test: InSet | OneOf | Flag) -> int:
        """Place of a test's bit among all bits of a case."""
        diagnosis, procedure, value = self.widths
        starts = [diagnosis * i for i in range(3)] + [3 * diagnosis + procedure * i for i in range(3)]
        values_at = 3 * (diagnosis + procedure)
        match test:
            case InSet(slot, name):
                sets = self.diagnosis_sets if slot in DIAGNOSIS_SLOTS else self.procedure_sets
                return starts[SLOTS.index(slot)] * 64 + sets[name]
            case OneOf():
                return values_at * 64 + self.value_tests[test]
            case Flag(name):
                return (values_at + value) * 64 + FLAGS.index(name)


@dataclass(frozen=True, slots=True)
class Node:
    """One test of the program. ``arg`` is a bit (:data:`BIT`) or a number's index (:data:`RANGE`)."""

    kind: int
    arg: int
    low: float
    high: float
    on_true: int
    on_false: int


@dataclass(frozen=True)
class Graph:
    """A program: its nodes in an order in which every target lies ahead, its root, and its leaves.

    A negative target ``t`` is leaf ``-t - 1``; leaf 0, not in :attr:`leaves`, is "ungroupable".
    """

    nodes: tuple[Node, ...]
    tests: tuple[Test, ...]
    root: int
    leaves: tuple[Leaf, ...]


def leaves_of(tree: Tree) -> tuple[Leaf, ...]:
    """Every end a case can have, in the order of the tree; the n-th is leaf ``n + 1`` of the program."""
    found: list[Leaf] = []
    for mdc in tree.mdcs:
        for rule in mdc.rules:
            found += [Leaf(mdc, rule, row) for row in rule.rows]
            if rule.otherwise is not None:
                found.append(Leaf(mdc, rule, None))
    return tuple(found)


def compile_tree(tree: Tree, layout: Layout) -> Graph:
    """Compile a tree, from its end to its beginning so that every target is known when it is needed."""
    builder = _Builder(layout)
    leaves = leaves_of(tree)
    number = {(leaf.rule.name, leaf.row.seq if leaf.row else None): -2 - at for at, leaf in enumerate(leaves)}
    after_mdc = UNGROUPABLE
    for mdc in reversed(tree.mdcs):
        after_rule = after_mdc
        for rule in reversed(mdc.rules):
            target = after_rule if rule.otherwise is None else number[rule.name, None]
            for row in reversed(rule.rows):
                target = builder.emit(row.when, number[rule.name, row.seq], target)
            after_rule = builder.emit(rule.when, target, after_rule)
        after_mdc = builder.emit(mdc.entry, after_rule, after_mdc)
    return builder.graph(after_mdc, leaves)


def interval(test: Compare) -> tuple[float, float]:
    """The closed interval of numbers for which a comparison is true."""
    match test.op:
        case "<":
            return -math.inf, math.nextafter(test.value, -math.inf)
        case "<=":
            return -math.inf, test.value
        case ">":
            return math.nextafter(test.value, math.inf), math.inf
        case ">=":
            return test.value, math.inf
        case _:
            return test.value, test.value


class _Builder:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._nodes: dict[Node, int] = {}
        self._tests: list[Test] = []

    def emit(self, condition: Condition, on_true: int, on_false: int) -> int:
        """Return the target that decides a condition and goes on to one of two targets."""
        if on_true == on_false:
            return on_true
        match condition:
            case Const(value):
                return on_true if value else on_false
            case Not(item):
                return self.emit(item, on_false, on_true)
            case And(items):
                for item in reversed(items):
                    on_true = self.emit(item, on_true, on_false)
                return on_true
            case Or(items):
                for item in reversed(items):
                    on_false = self.emit(item, on_true, on_false)
                return on_false
            case Compare(number):
                low, high = interval(condition)
                return self._add(Node(RANGE, NUMBERS.index(number), low, high, on_true, on_false), condition)
            case _:
                return self._add(Node(BIT, self._layout.bit(condition), 0, 0, on_true, on_false), condition)

    def _add(self, node: Node, test: Test) -> int:
        at = self._nodes.setdefault(node, len(self._nodes))
        if at == len(self._tests):
            self._tests.append(test)
        return at

    def graph(self, root: int, leaves: tuple[Leaf, ...]) -> Graph:
        """Turn the program round, so that targets lie ahead."""
        last = len(self._nodes) - 1

        def ahead(target: int) -> int:
            return target if target < 0 else last - target

        nodes = [
            Node(n.kind, n.arg, n.low, n.high, ahead(n.on_true), ahead(n.on_false))
            for n in reversed(self._nodes)
        ]
        return Graph(tuple(nodes), tuple(reversed(self._tests)), ahead(root), leaves)
