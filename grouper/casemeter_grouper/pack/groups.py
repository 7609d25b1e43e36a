"""The groups that a scheme can give."""

from __future__ import annotations

from casemeter_grouper.compiled.graph import leaves_of
from casemeter_grouper.condition import Const
from casemeter_grouper.scheme import Tree
from casemeter_grouper.walker import Leaf


def groups_of(tree: Tree) -> dict[str, Leaf]:
    """Return every group a case may be in, each with the first place that gives it, in the order of the tree.

    The ``otherwise`` of a rule counts unless a row of the rule always holds.
    """
    found: dict[str, Leaf] = {}
    for leaf in leaves_of(tree):
        if leaf.row or Const(True) not in (row.when for row in leaf.rule.rows):
            found.setdefault(leaf.group, leaf)
    return found
