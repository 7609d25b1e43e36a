"""Why a stay ended in another group: cases by hand, planted mismatches, and any two readings."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from itertools import combinations, cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.decompiler import scheme_of
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.reconcile.attribute import attribute
from casemeter_grouper.reconcile.causes import SAME, Attribution, Cause, Part, Why
from casemeter_grouper.reconcile.readings import NOTHING_LATE, Between, Late, Reading
from casemeter_grouper.reconcile.versions import SchemeVersion, Version, Versions
from draws import draw_cases
from mismatches import DRG_CAUSES, Planter
from small_schemes import cases, compiled_at, schemes

DATA = Path(__file__).parent / "data"
CASES = tomllib.loads((DATA / "reconcile.toml").read_text("utf-8"))["case"]
EDITS = {
    "tiny_pack": ("complications.csv", "E11.900,CC,1,\n"),
    "tiny_dip": ("catalogue.csv", "I20.0:36.0700_88.5600,core,I20.0,Unstable angina,36.0700,88.5600,,3400\n"),
}
USUAL = Case(sex="M", age_years=60.0, los_days=1.0, icu_hours=5.0)
LISTS = ("diagnoses", "procedures")


@pytest.fixture(scope="module")
def versions(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Versions:
    """Each tiny pack, and its edited copy."""
    built = []
    for name, (file, row) in EDITS.items():
        target = tmp_path_factory.mktemp(name) / "edited"
        shutil.copytree(DATA / name, target)
        for path, gone, put in (
            (target / file, row, ""),
            (target / "scheme.toml", 'version = "1"', 'version = "2"'),
            (target / "measures.csv", "I20.0:36.0700_88.5600,34000,7,0.4,40,3\n", ""),
        ):
            if path.exists():
                text = path.read_text("utf-8")
                assert gone in text
                path.write_text(text.replace(gone, put), "utf-8")
        built += [build_cached(folder, bundles) for folder in (DATA / name, target)]
    return Versions.open(built)


def reading(values: dict[str, Any], version: Version, usual: Reading | None = None) -> Reading:
    """A reading with some facts; others are as usual."""
    facts: dict[str, Any] = {name: tuple(value) if name in LISTS else value for name, value in values.items()}
    before = usual or Reading(USUAL, version)
    cost = facts.pop("cost_fen", before.cost_fen)
    return Reading(before.case._replace(**facts), version, cost)


def placed(one: Reading) -> str:
    return one.version.place(one.case, one.cost_fen).group


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_cases(case: dict[str, Any], versions: Versions) -> None:
    pack = {"tiny_dip": "tiny_dip"}.get(case.get("pack", ""), "tiny")
    old, new = (versions.named(pack, version, "") for version in ("1", "2"))
    assert old and new
    edited = case.get("edited", "")
    before = reading(case["before"], new if edited == "before" else old)
    after = reading(case["after"], new if edited == "after" else old, before)
    late = NOTHING_LATE
    if "late" in case:
        true = reading(case["late"], old, before)
        late = Late(before.case, true.case, before.cost_fen, true.cost_fen)
    assert [placed(before), placed(after)] == case["groups"]
    told, final = case.get("told", case["groups"])
    why = Why(case["why"]) if "why" in case else None
    assert attribute(before, told, after, final, late) == Attribution(
        tuple(map(Cause, case["causes"])), tuple(map(Part, case["parts"])), tuple(case.get("also", ())), why
    )


def test_every_cause_that_regrouping_can_find_has_a_case() -> None:
    found = {cause for case in CASES for cause in case["causes"]}
    assert found == set(Cause) - {Cause.ODDS}


@pytest.fixture(scope="module")
def shipped(default_bundle: Path) -> tuple[SchemeVersion, list[Case]]:
    """The shipped scheme, and cases of it."""
    scheme = CompiledScheme.open(default_bundle)
    return SchemeVersion(scheme), draw_cases(scheme_of(scheme), 2_000, seed=7)


@pytest.mark.parametrize("cause", [cause for cause in DRG_CAUSES if cause is not Cause.PACK])
def test_planted_mismatches_of_the_shipped_scheme(
    shipped: tuple[SchemeVersion, list[Case]], cause: Cause
) -> None:
    """A few of each cause; benchmarks/reconcile.py plants hundreds, and versions of the pack, too."""
    version, drawn_cases = shipped
    planter, drawn = Planter(version, version, seed=3), cycle(drawn_cases)
    found = []
    for _ in range(12):
        planted = planter.plant(cause, drawn)
        before, after = planted.groups
        assert before != after
        found.append(attribute(planted.before, before, planted.after, after, planted.late).causes)
    assert sum(causes == (cause,) for causes in found) >= 11, found


SMALL = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], SchemeVersion]:
    folder = tmp_path_factory.mktemp("small")
    return lambda scheme: SchemeVersion(compiled_at(folder / "small.bundle", scheme))


@SMALL
@given(schemes(), cases(), cases(), cases(), cases())
def test_any_two_readings(
    small: Callable[[Any], SchemeVersion], scheme: Any, old: Case, new: Case, known: Case, true: Case
) -> None:
    version = small(scheme)
    before, after, late = Reading(old, version), Reading(new, version), Late(known, true)
    between = Between(before, after, late)
    assert between.mixed(frozenset()) == before
    assert between.mixed(frozenset(between.parts)) == after
    stood, final = placed(before), placed(after)
    found = attribute(before, stood, after, final, late)
    if stood == final:
        assert found == SAME
        return
    assert found.causes and Cause.UNEXPLAINED not in found.causes
    assert placed(between.mixed(frozenset(found.parts))) == final
    for size in range(1, len(found.parts)):
        for fewer in combinations(between.parts, size):
            assert placed(between.mixed(frozenset(fewer))) != final, "a smaller combination is enough"
    for other in found.also:
        assert placed(between.mixed(frozenset((other,)))) == final
    # What is mixed has codes of the two readings, and of nobody else's.
    for parts in (frozenset(found.parts), frozenset(between.parts[:1])):
        mixed = between.mixed(parts).case
        for kind in LISTS:
            assert set(getattr(mixed, kind)) <= {*getattr(old, kind), *getattr(new, kind)}


def test_versions_are_found_by_hash_and_by_name(versions: Versions, bundles: Path) -> None:
    first, second = versions.named("tiny", "1", ""), versions.named("tiny", "2", "")
    assert first and second
    assert versions.by_hash(first.sha256) is first
    assert versions.by_hash("f" * 64) is None
    assert versions.named("tiny", "3", "") is None
    assert versions.named("elsewhere", "", "2026-05-05") is None
    # Both hold on that day: only what grouped so far can tell which is meant.
    assert versions.named("tiny", "", "2026-05-05") is None
    assert versions.named("tiny", "", "2026-05-05", second) is second
    assert versions.named("tiny", "", "2025-05-05", second) is None
    again = build_cached(DATA / "tiny_pack", bundles)
    assert len(list(Versions.open([again]))) == 1


def test_packs_that_do_not_group_and_twice_the_same_version_are_refused(
    bundles: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="kind 'payment' and groups no cases"):
        Versions.open([build_cached(DATA / "tiny_rate", bundles)])
    shutil.copytree(DATA / "tiny_pack", tmp_path / "copy")
    (tmp_path / "copy" / "weights.csv").write_text("drg,weight,rate\n", "utf-8")
    other = tmp_path / "copy" / "complications.csv"
    other.write_text(other.read_text("utf-8").replace("E11.900,CC,1,\n", ""), "utf-8")
    shutil.copy(DATA / "tiny_pack" / "weights.csv", tmp_path / "copy")
    with pytest.raises(ValueError, match="two packs say that they are 'tiny' version '1'"):
        Versions.open([build_cached(folder, bundles) for folder in (DATA / "tiny_pack", tmp_path / "copy")])
