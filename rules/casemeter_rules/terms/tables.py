"""The tables that ship beside the code."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import cast

from casemeter_rules.terms.model import Space, Synonym


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a shipped table."""
    with (files(__package__) / "tables" / f"{name}.csv").open(encoding="utf-8") as lines:
        return tuple(csv.DictReader(lines))


@cache
def column(name: str, title: str) -> tuple[str, ...]:
    """Return one column of a shipped table."""
    return tuple(row[title] for row in rows(name))


@cache
def shipped_synonyms() -> tuple[Synonym, ...]:
    """Return the clinical words that ship: the standard words of each, alternatives apart."""
    return tuple(
        Synonym(row["word"], standard, cast("Space | None", row["space"] or None))
        for row in rows("words")
        for standard in row["standard"].split("|")
    )
