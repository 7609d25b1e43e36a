"""Explanations of readable cases, as a person would check them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from casemeter_grouper import explain as explaining
from casemeter_grouper import walker
from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme

CASES = tomllib.loads((Path(__file__).parent / "data" / "explained.toml").read_text("utf-8"))["case"]


@pytest.mark.parametrize("name", dict.fromkeys(entry["scheme"] for entry in CASES))
def test_explanations_of_readable_cases(
    name: str, compiled: Callable[[str], CompiledScheme], golden: Callable[[str, str], None]
) -> None:
    pages = [
        "\n".join([entry["title"], *page(compiled(name), case_of(entry))])
        for entry in CASES
        if entry["scheme"] == name
    ]
    golden(f"explained_{name}.txt", "\n\n".join(pages) + "\n")


def case_of(entry: dict[str, Any]) -> Case:
    facts = {key: value for key, value in entry.items() if key not in ("title", "scheme")}
    facts |= {key: tuple(facts[key]) for key in ("diagnoses", "procedures")}
    return Case(**facts | {"provisional": frozenset(facts.get("provisional", ()))})


def page(scheme: CompiledScheme, case: Case) -> Iterator[str]:
    """An explanation in lines, nothing left out."""
    leaf, facts = walker.group(scheme.tree, scheme, case)
    explanation = explaining.explain(scheme.tree, scheme, case)
    yield f"  diagnoses {' '.join(case.diagnoses)}, procedures {' '.join(case.procedures) or 'none'}"
    if facts.case != case:
        yield f"  grouped with {' '.join(facts.case.procedures)} as the only procedure"
    for entered in explanation.entered:
        yield from (f"  entered {entered.mdc.name}", *lines(entered.why))
    for close in explanation.close:
        yield f"  close: {close.rule.name} of {close.mdc.name}, which lacked"
        yield from (*lines([close.missed]), "    and met", *lines(close.met))
    if leaf:
        yield from (f"  matched {leaf.rule.name}", *lines(explanation.matched))
    for row in explanation.rows:
        yield f"  tried {row.row.group}: {'yes' if row.holds else 'no'}"
        yield from lines(row.tests)
    for one in explanation.complications:
        yield f"  {one.level} {one.code} {'counts' if one.counted else 'is excluded'}, table {one.table}"
    if explanation.provisional:
        yield from ("  may still change", *lines(explanation.provisional))
    group = leaf.group if leaf else "no group"
    yield f"  ends in {group} {scheme.names.get(group, '')}".rstrip()


def lines(results: Iterable[explaining.TestResult]) -> Iterator[str]:
    """Test results, one a line."""
    for result in results:
        codes = f": {' '.join(result.codes)}" if result.codes else ""
        may_change = " (may still change)" if result.provisional else ""
        yield f"    {'yes' if result.holds else 'no '} {result.text}{codes}{may_change}"
