"""The coding kinds, each by its cases; and the tables as they are published."""

from __future__ import annotations

import csv
import datetime
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from casemeter_grouper.compiled.bundle import write
from casemeter_grouper.pack.faults import PackError
from casemeter_rules.coding.groups import terms
from casemeter_rules.columns import CellError
from casemeter_rules.compiled.book import Book, compile_rules
from casemeter_rules.engine import Report, find
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Phase, Procedure, Segment, Stay
from casemeter_rules.kinds import kinds
from casemeter_rules.pack.load import load_rules
from front_pages import diagnosis, look_up, procedure

DATA: Final = tomllib.loads((Path(__file__).parent / "data" / "coding_kinds.toml").read_text("utf-8"))["kind"]
SHARED: Final = Path(__file__).parents[2] / "shared" / "coding"
CASES: Final = [(kind["name"], case) for kind in DATA for case in kind["cases"]]
_EPOCH: Final = datetime.datetime(1970, 1, 1)
_HEADER: Final = 'id = "cases"\nkind = "rules"\ntitle = "Cases"\n'


def _folder(path: Path, rows: list[str], name: str) -> Path:
    path.mkdir(parents=True)
    (path / "rules.toml").write_text(_HEADER, "utf-8")
    lines = [f"{rows[0]},basis", *(f"{row},用例" for row in rows[1:])]
    (path / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _book(folder: Path) -> Book:
    manifest, arrays, faults = compile_rules(folder)
    assert not faults
    write(folder / "rules.bundle", manifest, arrays)
    return Book.open(folder / "rules.bundle")


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Book]:
    root = tmp_path_factory.mktemp("kinds")
    return {kind["name"]: _book(_folder(root / kind["name"], kind["rows"], kind["name"])) for kind in DATA}


def _minute(text: str) -> int:
    return int((datetime.datetime.fromisoformat(text) - _EPOCH).total_seconds()) // 60


def _diagnosis(cell: str, at: int) -> Diagnosis:
    part, _, cell = cell.rpartition(":")
    cell, _, name = cell.partition("=")
    code, _, condition = cell.partition("@")
    further: dict[str, Any] = {"name": name, "admission_condition": int(condition or 0)}
    if part in ("external_cause", "pathology", "tcm_disease", "tcm_syndrome"):
        further["kind"] = part
    elif part in ("principal", "other"):
        further["role"] = part
    elif part == "aside":
        further |= {"role": "", "state": "suspected"}
    found = diagnosis(code, at, **further)
    if part in ("clinical", "nowhere"):
        return found._replace(code=f"?{code}", editions=("clinical",) if part == "clinical" else ())
    return found._replace(code=f"?{code}", editions=None) if part == "unlooked" else found


def _procedure(cell: str, at: int, admission: int) -> Procedure:
    part, _, cell = cell.rpartition(":")
    cell, _, name = cell.partition("=")
    code, _, hours = cell.partition("@")
    found = procedure(code, at, name=name)
    if hours:
        start, end = hours.split("..")
        found = found._replace(start=admission + int(start) * 60, end=admission + int(end) * 60)
    return found._replace(editions=("clinical",)) if part == "clinical" else found


def _segment(cell: str, at: int, admission: int) -> Segment:
    ward, hours = cell.split()
    start, end = (admission + int(hour) * 60 for hour in hours.split(".."))
    return Segment("A", ward == "icu", start, end, f"encounter.segments[{at}]")


def _stay(case: dict[str, Any], defaults: dict[str, str] | None) -> Stay:
    facts = {
        key: value
        for key, value in case.items()
        if key not in ("diagnoses", "procedures", "items", "segments", "finds", "undecided", "discharge")
    }
    admission = _minute("2026-01-01 08:00")
    if defaults is not None:
        facts["fields"] = {**defaults, **facts.get("fields", {})}
    stay = Stay(
        admission=admission,
        discharge=_minute(case["discharge"]) if "discharge" in case else None,
        now=admission + MINUTES_PER_DAY,
        diagnoses=tuple(_diagnosis(cell, at) for at, cell in enumerate(case.get("diagnoses", []))),
        procedures=tuple(
            _procedure(cell, at, admission) for at, cell in enumerate(case.get("procedures", []))
        ),
        segments=tuple(_segment(cell, at, admission) for at, cell in enumerate(case.get("segments", []))),
        **facts,
    )
    if "items" in case:
        items = [cell.split("=") for cell in case["items"]]
        stay = stay._replace(
            items=tuple(Item(code, f"lines[{at}]", name=name) for at, (code, name) in enumerate(items))
        )
    # What a case says of editions stands; of the rest the dictionaries are asked.
    said = {each.place: each.editions for each in stay.diagnoses if each.code.startswith("?")}
    looked = look_up(stay)
    return looked._replace(
        diagnoses=tuple(
            each._replace(editions=said[each.place]) if each.place in said else each
            for each in looked.diagnoses
        )
    )


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case}"[:80] for name, case in CASES])
def test_a_kind_finds_and_leaves(books: dict[str, Book], name: str, case: dict[str, Any]) -> None:
    defaults = next(kind.get("defaults") for kind in DATA if kind["name"] == name)
    report: Report = find([books[name]], _stay(case, defaults), Phase.FRONT_PAGE)
    assert {finding.subclass for finding in report.findings} == (
        {case["finds"]} if "finds" in case else set()
    )
    wanted = case.get("undecided", [])
    assert set(wanted) <= report.undecided.keys()
    if wanted:
        assert not report.findings
    for finding in report.findings:
        for text in (finding.text_zh, finding.text_en, finding.resolve_zh, finding.resolve_en):
            assert "{" not in text and "None" not in text


def test_every_coding_kind_has_cases_of_each_sort() -> None:
    coding = {name for name, kind in kinds().items() if Phase.ORDER not in kind.phases}
    named = {kind["name"] for kind in DATA}
    assert len(named) >= 30 and named <= coding
    for kind in DATA:
        assert any("finds" in case for case in kind["cases"]), kind["name"]
        assert any("finds" not in case and "undecided" not in case for case in kind["cases"]), kind["name"]


def test_advice_is_even_handed() -> None:
    """Nothing says which coding pays more or asks to code more for its own sake."""
    for name in {kind["name"] for kind in DATA}:
        words = kinds()[name].words
        text = " ".join((words.zh, words.en, words.resolve_zh, words.resolve_en)).lower()
        assert not re.search(
            r"weight of the group|pay(s|ment)? more|higher|高套|入组|权重|分值|增收", text
        ), name


BAD: Final = (
    ("field", "field,check,limit", "poscode,length,six", "limit"),
    ("field", "field,check,limit", "age,range,old", "limit"),
    ("field", "field,check,limit", "age,time_order,adm_time", "limit"),
    ("field", "field,check,applies_to", "age,required,nobody", "applies_to"),
    ("field", "field,check", "age,guess", "check"),
    ("time_order", "chain,name", "adm_time,入院", "chain"),
    ("needs_other_diagnosis", "code_from,unless_to,needs_prefix", "O80,O08,Z37", "unless_to"),
    ("newborn_weight", "code_from", "P07.1", "min_g"),
    ("morphology", "code_from,behaviours", "C00,malignant", "behaviours"),
    ("untreated_complication", "diagnosis_prefixes,name,source", "I46,复苏,ICD", "procedure_prefixes"),
    ("unexplained_treatment", "diagnosis_prefixes,name,source", "I46,复苏,ICD", "procedure_prefixes"),
    ("field_needs_code", "field,name", "bld_amt,输血", "diagnosis_prefixes"),
    ("day_surgery", "check", "too_long", "most_hours"),
)


@pytest.mark.parametrize(("name", "header", "row", "column"), BAD)
def test_a_row_that_says_nothing_is_a_fault(
    tmp_path: Path, name: str, header: str, row: str, column: str
) -> None:
    with pytest.raises(PackError) as error:
        load_rules(_folder(tmp_path / "pack", [header, row], name))
    assert [(fault.file, fault.row, fault.column) for fault in error.value.faults] == [
        (f"{name}.csv", 2, column)
    ]


def _published(file: str, columns: dict[str, str]) -> Iterator[list[str]]:
    with (SHARED / file).open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            yield [row[column] for column in columns.values()]


PUBLISHED: Final = {
    "not_as_principal": ("not_as_principal.csv", "code_from code_to except_prefix reason applies_to basis"),
    "not_as_main_procedure": ("not_as_main_procedure.csv", "code_prefix reason basis"),
    "sex_diagnosis": ("sex_only_diagnoses.csv", "code_from code_to sex basis"),
    "sex_procedure": ("sex_only_procedures.csv", "code name sex basis"),
    "newborn_diagnosis": ("newborn_only.csv", "code_from code_to max_age_days basis"),
    "low_risk_death": ("low_risk_categories.csv", "category basis"),
    "field": ("settlement_list_checks.csv", "field field_name_zh=name check limit basis"),
    "needs_other_diagnosis": (
        "delivery_outcome.csv",
        "if_code_from=code_from if_code_to=code_to unless_code_from=unless_from unless_code_to=unless_to "
        "needs_prefix basis",
    ),
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared coding tables are not here")
def test_published_tables_fit_the_kinds(tmp_path: Path) -> None:
    """Rows as they are published, under the columns of the kinds, load without a fault."""
    (tmp_path / "rules.toml").write_text(_HEADER, "utf-8")
    counts = {}
    for kind, (file, named) in PUBLISHED.items():
        columns = {name.partition("=")[2] or name: name.partition("=")[0] for name in named.split()}
        rows = list(_published(file, columns))
        counts[kind] = len({tuple(row[:-1]) for row in rows})
        with (tmp_path / f"{kind}.csv").open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([list(columns), *rows])
    pack = load_rules(tmp_path)
    found = {kind: sum(rule.kind == kind for rule in pack.rules.values()) for kind in PUBLISHED}
    assert found == counts


def test_codes_are_negated_by_name_and_never_by_sign() -> None:
    assert terms("no_principal=S|T")[0].values == ("S", "T")
    with pytest.raises(CellError, match="no_principal="):
        terms("principal!=S|T")
