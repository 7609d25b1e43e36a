"""What a hospital's patients are like by block of diagnoses: ages, sex, departments, first impressions."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

from casemeter_grouper.history.recipe import Recipe, RecipeError


class Block(NamedTuple):
    """One block of diagnoses, as a row of ``blocks.csv`` has it.

    Attributes:
        first, last: categories of three characters.
        ages: profile of ages.
        female: probability of the female sex.
        department, surgical: codes of departments (诊疗科目代码).
        symptoms: codes of symptoms that may be written before the diagnosis is clear.
        planned: admissions are planned.
        charges: profile of fee categories.
    """

    first: str
    last: str
    ages: str
    female: float
    department: str
    surgical: str
    symptoms: tuple[str, ...]
    planned: bool
    charges: str


class Comorbidity(NamedTuple):
    """One comorbidity, as a row of ``comorbidities.csv`` has it.

    Attributes:
        weight: how frequent beside the others.
        level: minor or major.
        ages: profile of ages.
        only: spans of principal diagnoses that it is seen with; empty: all.
        never: spans of principal diagnoses that it is not written beside.
    """

    code: str
    weight: float
    level: str
    ages: str
    only: tuple[str, ...]
    never: tuple[str, ...]


def block_of(code: str) -> Block:
    """Return the block of a diagnosis: the first that holds it."""
    category = code[:3]
    return next(block for block in _blocks() if block.first <= category <= block.last)


@cache
def comorbidities() -> tuple[Comorbidity, ...]:
    """Return every comorbidity, in the order of the table."""
    return tuple(
        Comorbidity(
            row["code"],
            float(row["weight"]),
            row["level"],
            row["ages"],
            *(tuple(row[name].split("|")) if row[name] else () for name in ("only", "never")),
        )
        for row in _rows("comorbidities.csv")
    )


def is_in(code: str, spans: tuple[str, ...]) -> bool:
    """Whether the category of a diagnosis lies in one of some spans, as ``"I20-I25"``."""
    return any(first <= code[:3] <= last for first, _, last in (span.partition("-") for span in spans))


@cache
def kind_of_procedure(code: str) -> str:
    """Return the kind that a procedure is taken for: by its rubric, for no official table is public."""
    rubric = code[:4]
    return next((kind for first, last, kind in _kinds() if first <= rubric <= last), "")


def check_profiles(recipe: Recipe) -> None:
    """See that a recipe has every profile that the tables name.

    Raises:
        RecipeError: some are missing; all are named.
    """
    wanted = {
        "age.shares": {block.ages for block in _blocks()},
        "charges.shares": {"operated", *(block.charges for block in _blocks())},
        "comorbidity.by_age": {one.ages for one in comorbidities()},
    }
    missing = [f"{key}.{name}" for key, names in wanted.items() for name in names - recipe.profiles(key)]
    if missing:
        raise RecipeError(
            [f"the recipe has no '{key}', which the tables beside it name" for key in sorted(missing)]
        )


@cache
def _blocks() -> tuple[Block, ...]:
    return tuple(
        Block(
            row["from"],
            row["to"],
            row["ages"],
            float(row["female"]),
            row["department"],
            row["surgical"],
            tuple(row["symptoms"].split("|")),
            row["admission"] == "planned",
            row["charges"],
        )
        for row in _rows("blocks.csv")
    )


@cache
def _kinds() -> tuple[tuple[str, str, str], ...]:
    return tuple((row["from"], row["to"], row["kind"]) for row in _rows("procedure_kinds.csv"))


def _rows(name: str) -> Iterator[Mapping[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    yield from csv.DictReader(text.splitlines())
