"""Cases for the fuzzers, and the one question they put to a scheme: do kernel and walker agree?"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

from casemeter_grouper import walker
from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.condition import Compare, InSet, OneOf, tests_of
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.scheme import CodeFacts, Scheme, Tree

_UNKNOWN = ("Q00.000x999", "99.9900x999")


def draw_cases(scheme: Scheme, count: int, chance: random.Random) -> list[Case]:
    """Draw cases that lean to the codes a scheme's sets hold and the numbers its conditions turn on."""
    pools: dict[str, list[Sequence[str]]] = {
        "dx": [scheme.diagnoses, _UNKNOWN[:1], *map(sorted, scheme.tables.complications.values())],
        "proc": [scheme.procedures, _UNKNOWN[1:]],
    }
    limits: dict[str, list[float]] = defaultdict(list)
    values: dict[str, list[str]] = defaultdict(list, sex=["M", "F"])
    for test in dict.fromkeys(test for when in scheme.tree.conditions() for test in tests_of(when)):
        match test:
            case InSet(slot, set_name):
                pools["dx" if slot.endswith("dx") else "proc"].append(sorted(scheme.tables.sets[set_name]))
            case Compare(fact, _, limit):
                limits[fact].append(limit)
            case OneOf(field, options):
                values[field] += options
    pools = {kind: [pool for pool in found if pool] for kind, found in pools.items()}

    def codes(kind: str, fewest: int) -> tuple[str, ...]:
        return tuple(
            chance.choice(chance.choice(pools[kind])) for _ in range(chance.randint(fewest, 4)) if pools[kind]
        )

    def number(name: str) -> float | None:
        near = chance.choice(limits[name] or [3.0]) + chance.choice((-1, 0, 0, 1, 20))
        return max(near, 0.0) if chance.random() < 0.8 else None

    def value(name: str) -> str | None:
        return chance.choice([*values[name], "other"]) if chance.random() < 0.8 else None

    return [
        Case(
            diagnoses=codes("dx", 1) or _UNKNOWN[:1],
            procedures=codes("proc", 0),
            sex=value("sex"),
            discharge_way=value("discharge_way"),
            department=value("department"),
            age_years=number("age_years"),
            age_days=number("age_days"),
            birth_weight_g=number("birth_weight_g"),
            los_days=number("los_days"),
            icu_hours=number("icu_hours"),
        )
        for _ in range(count)
    ]


Ends = list[tuple[str, ...]]
"""Where each case ends: MDC, rule and group; empty when it is in none."""


def by_kernel(compiled: CompiledScheme, cases: Sequence[Case]) -> Ends:
    """Group cases by the kernel."""
    leaves, _ = Grouper(compiled).run(compiled.encode(cases))
    return [_end(compiled.leaves[leaf]) for leaf in leaves]


def by_walker(tree: Tree, codes: CodeFacts, cases: Sequence[Case]) -> Ends:
    """Group cases by the reference walker."""
    return [_end(walker.group(tree, codes, case)[0]) for case in cases]


def _end(leaf: walker.Leaf | None) -> tuple[str, ...]:
    return (leaf.mdc.name, leaf.rule.name, leaf.group) if leaf else ()
