"""Random small schemes, built without a pack, and cases for them.

They have few codes, and hold what real schemes hold seldom or never: conditions nested anyhow, more than 64
sets, sets without members, a set tested on diagnoses and on procedures, a code that is both MCC and CC, and
64 body sites.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from casemeter_grouper.case import Case
from casemeter_grouper.compiled import bundle
from casemeter_grouper.compiled.compiler import compile_scheme
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.condition import And, Compare, Condition, Const, Flag, InSet, Not, OneOf, Or, Test
from casemeter_grouper.condition.nodes import COMPARISONS, FIELDS, FLAGS, NUMBERS, SLOTS, text_of
from casemeter_grouper.scheme import (
    LEVELS,
    VALID_PROCEDURES,
    CodeTables,
    Header,
    Mdc,
    Row,
    Rule,
    Scheme,
    Tree,
)
from casemeter_grouper.walker import Leaf

DIAGNOSES: Final = tuple(f"A0{n}.000" for n in range(8))
PROCEDURES: Final = tuple(f"1{n}.0000" for n in range(6))
UNKNOWN: Final = "?00.000"
SITES: Final = tuple(f"site{n:02}" for n in range(64))
VALUES: Final = {
    "sex": ("M", "F"),
    "discharge_way": ("1", "2", "5"),
    "department": ("ICU", "D00", "elsewhere"),
}
BOUNDS: Final = {
    "age_years": (0.0, 1.0, 17.0),
    "age_days": (0.0, 28.0, 29.0),
    "birth_weight_g": (1500.0, 2499.0, 2500.0),
    "los_days": (1.0, 7.0, 8.0),
    "icu_hours": (0.0, 0.5, 96.0, 96.25),
    "trauma_sites": (0.0, 1.0, 2.0, 3.0, 64.0),
}
MAY_CHANGE: Final = (*VALUES, *(name for name in BOUNDS if name != "trauma_sites"))
FEW_SETS: Final = ("S_a", "S_b", "S_c", VALID_PROCEDURES)
MANY_SETS: Final = (*FEW_SETS, *(f"S{n:03}" for n in range(150)))


def single_tests(set_names: Sequence[str] = FEW_SETS) -> st.SearchStrategy[Test]:
    """Single tests of every kind."""
    compares = st.sampled_from(NUMBERS).flatmap(
        lambda name: st.builds(
            Compare, st.just(name), st.sampled_from(COMPARISONS), st.sampled_from(BOUNDS[name])
        )
    )
    values = st.sampled_from(FIELDS).flatmap(
        lambda name: st.builds(
            OneOf,
            st.just(name),
            st.lists(st.sampled_from(VALUES[name]), min_size=1, max_size=3, unique=True).map(tuple),
        )
    )
    in_sets = st.builds(InSet, st.sampled_from(SLOTS), st.sampled_from(set_names))
    return st.one_of(in_sets, in_sets, compares, values, st.builds(Flag, st.sampled_from(FLAGS)))


def conditions(set_names: Sequence[str] = FEW_SETS, leaves: int = 6) -> st.SearchStrategy[Condition]:
    """Conditions of any shape, such as the parser can make them."""

    def combined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        items = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.builds(Not, inner) | st.builds(And, items) | st.builds(Or, items)

    return st.recursive(
        single_tests(set_names) | st.builds(Const, st.booleans()), combined, max_leaves=leaves
    )


@st.composite
def code_tables(draw: st.DrawFn, set_names: Sequence[str] = FEW_SETS) -> CodeTables:
    """What a scheme says of the codes; each set is as likely empty as any other size."""
    codes = DIAGNOSES + PROCEDURES
    masks = st.integers(0, 2 ** len(codes) - 1) | st.just(0)
    exclusion_tables = st.dictionaries(
        st.sampled_from(DIAGNOSES), st.sampled_from(("t1", "t2", "t3")), max_size=5
    )
    sites = st.dictionaries(
        st.sampled_from(DIAGNOSES), st.sampled_from((1, 2, 3, 2**63, 2**64 - 1)) | st.integers(1, 2**64 - 1)
    )
    return CodeTables(
        sets={
            name: _chosen(codes, mask)
            for name, mask in zip(set_names, draw(st.tuples(*[masks] * len(set_names))), strict=True)
        },
        complications={level: draw(exclusion_tables) for level in LEVELS},
        exclusions=draw(exclusion_tables),
        trauma_sites={code: _chosen(SITES, mask) for code, mask in draw(sites).items()},
    )


def _chosen(names: Sequence[str], mask: int) -> frozenset[str]:
    return frozenset(name for at, name in enumerate(names) if mask >> at & 1)


SEEDS: Final = st.integers(0, 2**32 - 1)


def random_cases(seed: int, count: int) -> list[Case]:
    """Cases with any fact missing, unknown codes and repeated ones among them.

    They come from a seed and not from strategies, so that one example can hold many.
    """
    rng = random.Random(seed)
    return [_random_case(rng) for _ in range(count)]


def cases() -> st.SearchStrategy[Case]:
    """Single cases like those of :func:`random_cases`."""
    return SEEDS.map(lambda seed: _random_case(random.Random(seed)))


def _random_case(rng: random.Random) -> Case:
    choices = {name: (*values, values[-1] + 0.5) for name, values in BOUNDS.items()} | VALUES
    facts: dict[str, Any] = {
        name: rng.choice((None, *values)) for name, values in choices.items() if name in Case._fields
    }
    return Case(
        tuple(rng.choices((*DIAGNOSES, UNKNOWN), k=rng.randint(1, 5))),
        tuple(rng.choices((*PROCEDURES, UNKNOWN), k=rng.randint(0, 4))),
        provisional=frozenset(rng.sample(MAY_CHANGE, rng.randint(0, 3))),
        **facts,
    )


@st.composite
def schemes(draw: st.DrawFn, set_names: Sequence[str] = FEW_SETS) -> Scheme:
    """Whole schemes; where ``set_names`` are many, all of them are tested somewhere."""
    when = conditions(set_names)
    mdcs = [_mdc(draw, at, when) for at in range(draw(st.integers(1, 4)))]
    if len(set_names) > len(FEW_SETS):
        everything = Or(
            (
                *(InSet("other_dx", name) for name in set_names),
                *(InSet("other_proc", name) for name in set_names),
                *(OneOf("department", (f"D{n:02}",)) for n in range(70)),
            )
        )
        mdcs.append(one_rule_mdc(len(mdcs), everything))
    return scheme_of_mdcs(mdcs, draw(code_tables(set_names)), retry=draw(st.booleans()))


def scheme_of_mdcs(mdcs: Sequence[Mdc], tables: CodeTables, *, retry: bool = False) -> Scheme:
    """A scheme with nothing but a tree and tables."""
    return Scheme(
        header=Header("small", "A small scheme"),
        tree=Tree(tuple(mdcs), retry),
        tables=tables,
        diagnoses=DIAGNOSES,
        procedures=PROCEDURES,
        names={},
        weights={},
        code_names=({}, {}),
        code_maps=({}, {}),
        dictionary_sha256="",
    )


def _mdc(draw: st.DrawFn, at: int, when: st.SearchStrategy[Condition]) -> Mdc:
    rules = []
    for place in range(draw(st.integers(0, 3))):
        name = f"R{at}{place}" + draw(st.sampled_from(("", "", "QY")))
        rows = []
        for seq in range(draw(st.integers(0, 3))):
            condition = draw(when)
            # Few names, so that two rows may give one group.
            rows.append(Row(seq, f"G{draw(st.integers(0, 5))}", condition, text_of(condition)))
        condition = draw(when)
        otherwise = draw(st.sampled_from((None, name)))
        rules.append(Rule(place, name, name, condition, text_of(condition), otherwise, tuple(rows)))
    entry = draw(when)
    return Mdc(at, f"MDC{at}", entry, text_of(entry), tuple(rules))


def one_rule_mdc(at: int, entry: Condition) -> Mdc:
    """An MDC whose only rule takes every case that enters; the group is ``R`` and the number."""
    rule = Rule(0, f"R{at}", f"R{at}", Const(True), "always", f"R{at}", ())
    return Mdc(at, f"MDC{at}", entry, text_of(entry), (rule,))


def compiled_at(path: Path, scheme: Scheme) -> CompiledScheme:
    """Compile a scheme into a bundle and open it."""
    bundle.write(path, *compile_scheme(scheme))
    return CompiledScheme.open(path)


def place(leaf: Leaf | None) -> str:
    """Name of a leaf; a whole leaf holds its MDC, and a list of those is too much to be shown."""
    if leaf is None:
        return "nowhere"
    return f"{leaf.mdc.name} {leaf.rule.name} {leaf.row.seq if leaf.row else 'otherwise'} {leaf.group}"
