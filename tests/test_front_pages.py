"""Coding quality on generated front pages: every planted fault is found, clean pages raise no alarm."""

from __future__ import annotations

import random
import re
from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest

import front_pages
from casemeter_grouper.compiled.bundle import write
from casemeter_rules.compiled.book import Book, compile_rules
from casemeter_rules.engine import find
from casemeter_rules.facts import Phase
from casemeter_rules.finding import FindingClass

SEEDS: Final = 10
CLEAN: Final = 25
PACK: Final = Path(str(files("casemeter_rules") / "packs" / "coding_quality"))
CLASSES: Final = {FindingClass.COMPLETENESS, FindingClass.VALIDITY, FindingClass.GROUPING}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    path = tmp_path_factory.mktemp("coding") / "coding_quality.bundle"
    manifest, arrays, faults = compile_rules(PACK)
    assert not faults
    write(path, manifest, arrays)
    return Book.open(path)


@pytest.mark.parametrize(
    ("subclass", "what", "sort", "plant"),
    front_pages.PLANTS,
    ids=[f"{subclass}: {what}" for subclass, what, _, _ in front_pages.PLANTS],
)
def test_a_planted_fault_is_found(
    book: Book, subclass: str, what: str, sort: str, plant: front_pages.Plant
) -> None:
    for seed in range(SEEDS):
        page = front_pages.planted(plant, sort, random.Random(f"{what}{seed}"))
        found = [each for each in find([book], page, Phase.FRONT_PAGE).findings if each.subclass == subclass]
        assert found, seed
        for finding in found:
            assert finding.finding_class in CLASSES
            assert finding.bases and finding.fields and finding.evidence and finding.overrides
            for text in (finding.text_zh, finding.text_en, finding.resolve_zh, finding.resolve_en):
                assert text.strip() and "{" not in text


@pytest.mark.parametrize("sort", front_pages.SORTS)
def test_a_clean_page_raises_no_alarm(book: Book, sort: str) -> None:
    for seed in range(CLEAN):
        page = front_pages.clean_page(sort, random.Random(f"{sort}{seed}"))
        for phase in (Phase.DISCHARGE, Phase.FRONT_PAGE, Phase.SUBMISSION):
            found = find([book], page, phase).findings
            assert not [finding.text_en for finding in found], seed


def test_nothing_is_said_of_coding_while_orders_are_placed(book: Book) -> None:
    for subclass, _, sort, plant in front_pages.PLANTS:
        page = front_pages.planted(plant, sort, random.Random(subclass))
        for phase in (Phase.ADMISSION, Phase.ORDER, Phase.IN_STAY):
            assert not find([book], page, phase).findings


def test_what_is_not_known_is_undecided(book: Book) -> None:
    """A page of codes alone: no item, no fact of the patient, no charge."""
    for sort in front_pages.SORTS:
        page = front_pages.clean_page(sort, random.Random(sort))
        bare = page._replace(
            fields=None, items=None, sex=None, age_years=None, age_days=None, birth_weight_g=None,
            admission_weight_g=None, discharge_way=None, admission=None, discharge=None, segments=(),
            visit_kind=None, tcm=None,
        )  # fmt: skip
        report = find([book], bare, Phase.FRONT_PAGE)
        assert not [finding.text_en for finding in report.findings]
        assert {"medcasno", "D01", "adm_time", "tcm", "visit_kind"} <= report.undecided.keys()


def test_the_classes_hold_their_subclasses(book: Book) -> None:
    """At least 25 subclasses, over the three classes."""
    held: dict[FindingClass, set[str]] = {each: set() for each in CLASSES}
    for subclass, what, sort, plant in front_pages.PLANTS:
        page = front_pages.planted(plant, sort, random.Random(what))
        for finding in find([book], page, Phase.FRONT_PAGE).findings:
            if finding.subclass == subclass:
                held[finding.finding_class].add(subclass)
    assert all(len(subclasses) >= 8 for subclasses in held.values())
    assert len(set.union(*held.values())) >= 25


def test_a_page_is_drawn_from_its_seed() -> None:
    for sort in front_pages.SORTS:
        assert front_pages.clean_page(sort, random.Random(5)) == front_pages.clean_page(
            sort, random.Random(5)
        )


def test_the_page_names_every_subclass() -> None:
    page = (Path(__file__).parents[1] / "docs" / "coding_quality.md").read_text("utf-8")
    assert {subclass for subclass, *_ in front_pages.PLANTS} == set(re.findall(r"^\| `(\w+)` \|", page, re.M))
