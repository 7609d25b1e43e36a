"""Recipes and caseloads that cannot be used: every fault is named, with its place."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from casemeter_grouper.history.build import built
from casemeter_grouper.history.caseload import read_caseload
from casemeter_grouper.history.medicine import block_of, check_profiles, comorbidities, kind_of_procedure
from casemeter_grouper.history.recipe import SHIPPED, RecipeError, read_recipe
from casemeter_server.cli.history import app
from small_histories import caseload_file, pack

DATA = Path(__file__).parent / "data" / "history_recipe_faults.toml"
FAULTS = tomllib.loads(DATA.read_text("utf-8"))["case"]
HEADER = "group_code,kind,cases,mean_cost_yuan,cv,mean_los_days\n"


def first_recipe() -> str:
    return resources.files("casemeter_grouper.history").joinpath(SHIPPED["first"]).read_text("utf-8")


def changed(change: dict[str, Any]) -> str:
    text = first_recipe()
    if "append" in change:
        return text + str(change["append"])
    old, new = change["replace"]
    assert text.count(old) == 1, old
    return text.replace(old, new)


@pytest.mark.parametrize("change", FAULTS, ids=[case["faults"][0][:40] for case in FAULTS])
def test_faults_of_a_recipe(change: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(changed(change), "utf-8")
    with pytest.raises(RecipeError) as told:
        check_profiles(read_recipe(str(path)))
    lines = [line.removeprefix(f"{path}: ") for line in told.value.faults]
    assert len(lines) == len(change["faults"])
    for fault in change["faults"]:
        assert [line for line in lines if line.startswith(fault)], lines


def test_an_empty_recipe_names_every_key(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("", "utf-8")
    with pytest.raises(RecipeError) as told:
        read_recipe(str(path))
    text = resources.files("casemeter_grouper.history").joinpath("recipe_keys.csv").read_text("utf-8")
    keys = [line.partition(",")[0].removesuffix(".*") for line in text.splitlines()[1:]]
    assert all(any(f"'{key}" in fault and "missing" in fault for fault in told.value.faults) for key in keys)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_are_sound(name: str) -> None:
    recipe = read_recipe(name)
    check_profiles(recipe)
    assert "made up" in recipe.title


def test_the_shipped_caseload_is_the_recipe_s() -> None:
    volumes = read_caseload().volumes
    assert len(volumes) == 4_444
    assert sum(one.cases for one in volumes) == 1_844_477
    mean = sum(one.cases * one.mean_cost_yuan for one in volumes) / 1_844_477
    days = sum(one.cases * one.mean_los_days for one in volumes) / 1_844_477
    assert (round(mean), round(days, 1)) == (5_497, 8.5)
    assert all(block_of(one.principal) for one in volumes)


def test_the_shipped_caseload_holds_the_figures_that_were_published(shared: Path) -> None:
    published = read_caseload(shared / "caseload" / "dip_group_volumes.csv")
    assert published.volumes == read_caseload().volumes


def test_the_tables_speak_of_codes_that_are_known(bundles: Path) -> None:
    known = pack("chs_drg_11", bundles).diagnoses.number
    assert [one.code for one in comorbidities() if one.code not in known] == []
    symptoms = {code for one in read_caseload().volumes for code in block_of(one.principal).symptoms}
    assert sorted(symptoms - known.keys()) == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("88.5500", "ZDXCZ"),
        ("45.2302", "ZDXCZ"),
        ("99.2503", "ZLXCZ"),
        ("51.2300", "SS"),
        ("13.7100x001", "SS"),
    ],
)
def test_kinds_of_procedures(code: str, kind: str) -> None:
    assert kind_of_procedure(code) == kind


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            "group_code,kind\nI63.9,core\n",
            [
                "column 'cases' is missing",
                "column 'mean_cost_yuan' is missing",
                "column 'cv' is missing",
                "column 'mean_los_days' is missing",
            ],
        ),
        (HEADER, ["there is no group"]),
        (HEADER + "I63.9,core,1,1,1,1\nI63.9,core,1,1,1,1\n", ["line 3: group 'I63.9' stands there twice"]),
        (HEADER + "I63,core,1,1,1,1\n", ["line 2: group_code 'I63' is not written as I63.9"]),
        (HEADER + "I63.9,composite,1,1,1,1\n", ["line 2: group_code 'I63.9' is not written as I63:SS"]),
        (HEADER + "I63.9,sore,1,1,1,1\n", ["line 2: kind 'sore' is neither core nor composite"]),
        (
            HEADER + "I63.9,core,0,-1,nan,\n",
            [
                "line 2: cases '0'",
                "line 2: mean_cost_yuan '-1'",
                "line 2: cv 'nan'",
                "line 2: mean_los_days ''",
            ],
        ),
        (
            HEADER + "I63.9,core\n",
            [
                "line 2: cases 'None'",
                "line 2: mean_cost_yuan 'None'",
                "line 2: cv 'None'",
                "line 2: mean_los_days 'None'",
            ],
        ),
    ],
)
def test_faults_of_a_caseload(text: str, faults: list[str], tmp_path: Path) -> None:
    path = tmp_path / "caseload.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(RecipeError) as told:
        read_caseload(path)
    assert len(told.value.faults) == len(faults)
    for line, fault in zip(told.value.faults, faults, strict=True):
        assert line.startswith(f"{path}: {fault}")


def test_a_caseload_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "caseload.csv"
    path.write_bytes("病种".encode("gbk"))
    with pytest.raises(RecipeError, match="not UTF-8"):
        read_caseload(path)


def test_a_caseload_that_the_pack_has_no_group_for(bundles: Path, tmp_path: Path) -> None:
    path = tmp_path / "caseload.csv"
    path.write_text(HEADER + "Q89.9,core,5,1000,0.5,3\n", "utf-8")
    with pytest.raises(RecipeError, match="no group of the caseload ends in a group of demo_dip"):
        built(pack("demo_dip", bundles), read_recipe("first"), read_caseload(path))


def test_what_is_left_out_is_counted(bundles: Path, tmp_path: Path) -> None:
    path = tmp_path / "caseload.csv"
    path.write_text(HEADER + "I63.9,core,30,1000,0.5,3\nZ99.8:01.9999,core,10,1000,0.5,3\n", "utf-8")
    made = built(pack("chs_drg_11", bundles), read_recipe("first"), read_caseload(path))
    assert (len(made.world.share), made.left_out) == (1, 1)
    assert made.left_out_share == pytest.approx(0.25)


def run(*arguments: object) -> Result:
    return CliRunner(env={"LC_ALL": "C"}).invoke(app, ["generate", *(str(part) for part in arguments)])


@pytest.fixture(autouse=True)
def data(bundles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands build their bundles where other tests do."""
    monkeypatch.setenv("CASEMETER_DATA", str(bundles.parent))


def test_the_command_makes_a_history(tmp_path: Path) -> None:
    load = caseload_file(tmp_path)
    result = run(
        "--pack", "demo_dip", "--cases", 50, "--seed", 3, "--caseload", load, "-o", tmp_path / "made"
    )
    assert result.exit_code == 0, result.output
    assert "50 stays, made up, are in" in result.output
    assert "groups of the caseload" in result.output
    names = {path.name for path in (tmp_path / "made").iterdir()}
    assert names == {"history.json", "pages-00000.parquet", "days-00000.parquet", "course-00000.parquet"}
    again = run("--pack", "demo_dip", "-o", tmp_path / "made")
    assert again.exit_code == 1
    assert "is there already" in again.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pack", "demo_dipp"), "did you mean: demo_dip"),
        (("--recipe", "third"), "there is no recipe 'third': name a file, or one of: first, second"),
        (("--cases", 0, "--seed", -1), "make 1 to 100,000,000"),
        (("--caseload", "nowhere.csv"), "nowhere.csv"),
        (("--until", "1990-01-01"), "name a day from 2000-01-01"),
    ],
)
def test_the_command_teaches(arguments: tuple[object, ...], said: str, tmp_path: Path) -> None:
    result = run(*arguments, "-o", tmp_path / "made")
    assert result.exit_code == 1
    assert said in result.output
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["demo_benchmark_chs_drg_11"])
def test_a_pack_that_groups_nothing(name: str, tmp_path: Path) -> None:
    result = run("--pack", name, "--cases", 5, "-o", tmp_path / "made")
    assert result.exit_code == 1
    assert name in result.output or "bundle" in result.output
