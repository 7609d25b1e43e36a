"""Import of the national tables: every row becomes a rule or is reported, the pack is whole or not there."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from casemeter_grouper.pack.dictionaries import shipped_dictionary
from casemeter_grouper.pack.shipped import find_pack
from casemeter_rules.checking import check_rules
from casemeter_rules.finding import RuleState
from casemeter_rules.importing import ImportRefused, ImportReport, import_tables, info
from casemeter_rules.importing.info import holders
from casemeter_rules.importing.sources import sources
from casemeter_rules.kinds import kinds
from casemeter_rules.official import official_types
from casemeter_rules.pack.load import RulesPack, load_rules
from casemeter_rules.pack.rows import COMMON

WITHOUT_RULES: Final = {"rule_types_88.csv", "diagnosis_word_equivalents.csv"}
COUNTS: Final[Mapping[str, tuple[int, int, int, int]]] = {
    # file: read, written, of these in shadow, merged
    "delivery_outcome.csv": (1, 1, 0, 0),
    "diagnosis_word_equivalents.csv": (112, 0, 0, 0),
    "drug_age.csv": (228, 228, 224, 0),
    "drug_course_days.csv": (24, 24, 0, 0),
    "drug_facility_level.csv": (50, 50, 0, 0),
    "drug_indication.csv": (645, 644, 461, 1),
    "drug_insurance.csv": (10, 10, 0, 0),
    "drug_second_line.csv": (88, 88, 0, 0),
    "drug_sex.csv": (387, 387, 1, 0),
    "drug_visit_kind.csv": (34, 62, 0, 0),
    "grey_diagnoses.csv": (2828, 2828, 0, 0),
    "grey_procedures.csv": (2243, 2243, 0, 0),
    "item_age.csv": (25, 25, 0, 0),
    "item_course_days.csv": (9, 12, 0, 0),
    "item_exclusive_pairs.csv": (934, 934, 218, 0),
    "item_frequency.csv": (833, 833, 767, 24),
    "item_principal_secondary.csv": (302, 7, 0, 295),
    "item_sex.csv": (312, 312, 0, 0),
    "low_risk_categories.csv": (114, 114, 0, 0),
    "newborn_only.csv": (442, 442, 0, 0),
    "not_as_main_procedure.csv": (22, 22, 0, 0),
    "not_as_principal.csv": (22, 22, 0, 0),
    "procedure_needs_diagnosis.csv": (1433, 37, 0, 1396),
    "rule_types_88.csv": (88, 0, 0, 0),
    "settlement_list_checks.csv": (54, 53, 0, 1),
    "sex_only_diagnoses.csv": (138, 126, 0, 0),
    "sex_only_procedures.csv": (961, 961, 0, 0),
    "tcm_not_paid.csv": (122, 122, 0, 0),
}


def tables(folder: Path, **files: str | bytes) -> Path:
    """Write tables by the names of their files without the ending."""
    folder.mkdir()
    for name, text in files.items():
        data = text.encode() if isinstance(text, str) else text
        (folder / f"{name}.csv").write_bytes(data)
    return folder


def rows_of(pack: Path, kind: str) -> list[dict[str, str]]:
    """Return the rows of a table that was written."""
    with (pack / f"{kind}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def national(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ImportReport, Path]:
    """Every table of the shared folders: where it was written, what was done, the tables."""
    folder = tmp_path_factory.mktemp("national")
    source = folder / "tables"
    source.mkdir()
    for path in (*(shared / "rules").glob("*.csv"), *(shared / "coding").glob("*.csv")):
        shutil.copy(path, source)
    return folder / "pack", import_tables(source, folder / "pack"), source


@pytest.fixture(scope="module")
def pack(national: tuple[Path, ImportReport, Path]) -> RulesPack:
    """The pack of the national tables, read."""
    return load_rules(national[0])


def test_every_row_is_taken_but_those_that_no_stay_can_break(
    national: tuple[Path, ImportReport, Path],
) -> None:
    _, report, source = national
    assert Counter((fault.kind, fault.file) for fault in report.faults) == {
        ("bad_row", "sex_only_diagnoses.csv"): 12
    }
    assert all("disorders of sex development" in fault.line("en") for fault in report.faults)
    assert sum(each.not_taken for each in report.files) == 12
    assert {path.name for path in source.iterdir()} == {each.file for each in report.files} == set(sources())
    counted = {each.file: (each.read, each.written, each.shadow, each.merged) for each in report.files}
    assert counted == COUNTS
    for each in report.files:
        with (source / each.file).open(encoding="utf-8-sig", newline="") as file:
            assert each.read == sum(1 for _ in csv.DictReader(file))


def test_the_pack_holds_what_the_report_says(
    national: tuple[Path, ImportReport, Path], pack: RulesPack
) -> None:
    folder, report, _ = national
    assert len(pack.rules) == report.rules
    assert not pack.faults
    assert report.written == sum(len(rows_of(folder, path.stem)) for path in folder.glob("*.csv"))


def test_every_code_of_the_sources_is_in_the_pack(
    national: tuple[Path, ImportReport, Path], pack: RulesPack
) -> None:
    _, _, source = national
    codes = {key.text for rule in pack.rules.values() for key in rule.triggers}
    for name, source_of in sources().items():
        for target in source_of.targets:
            own = target.columns.get("codes")
            if own is None:
                continue
            with (source / name).open(encoding="utf-8-sig", newline="") as file:
                for row in csv.DictReader(file):
                    # The order of a pair may have changed.
                    assert codes.issuperset(row[own].split("|")) or row.get("b_code") in codes, (name, row)


def test_ranges_cover_as_many_codes_as_the_source_says(
    national: tuple[Path, ImportReport, Path], pack: RulesPack
) -> None:
    _, _, source = national
    names = {"not_as_principal.csv", "sex_only_diagnoses.csv", "newborn_only.csv"}
    said: dict[tuple[str, str, str], int] = {}
    for name in names:
        kind = sources()[name].targets[0].kind
        with (source / name).open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                said[kind, row["code_from"], row["code_to"]] = int(row["codes_in_dictionary"])
    known = shipped_dictionary().diagnoses
    for rule in pack.rules.values():
        if (
            expected := said.get(
                (rule.kind, rule.values.get("code_from", ""), rule.values.get("code_to", ""))
            )
        ) is not None:
            assert sum(key.text in known for key in rule.triggers) == expected, rule.values


def test_working_material_is_tried_in_shadow(pack: RulesPack) -> None:
    for rule in pack.rules.values():
        if all(basis.startswith("compiled:") for basis in rule.bases):
            assert rule.state is RuleState.SHADOW


def test_official_types_of_the_national_tables(
    national: tuple[Path, ImportReport, Path], shared: Path
) -> None:
    found = info(national[0])
    with_rules = {each.type.name for each in found.types_with_rules}
    with (shared / "rules" / "rule_types_88.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["name_zh"] for row in csv.DictReader(file)} == set(official_types())
    # 26 types by their bases; codes that are not settled on belong to one more.
    assert len(with_rules) == 27
    assert "疾病诊断编码异常" in with_rules
    by_name = {each.type.name: each for each in found.types}
    assert by_name["药品限适应症"].states == {RuleState.ACTIVE: 183, RuleState.SHADOW: 461}
    assert by_name["药品限适应症"].kinds == {"indication": 644}
    assert sum(sum(states.values()) for states in found.kinds.values()) == sum(
        sum(each.states.values()) for each in found.types
    ) + sum(found.without_type.values())


def test_kinds_that_hold_official_types() -> None:
    assert set(holders()) == set(official_types())
    for name, held in holders().items():
        assert set(held.kinds) <= set(kinds()), name
        missing = [kind.name for kind in kinds().values() if kind.official_type == name]
        assert set(missing) <= set(held.kinds), name
        assert held.kinds or (held.why_zh and held.why_en), name


def test_every_source_names_columns_that_there_are() -> None:
    for source in sources().values():
        known = {*source.columns.filled, *source.columns.optional}
        assert set(source.shadow) <= known
        for target in source.targets:
            columns = {column.name for column in (*kinds()[target.kind].columns, *COMMON)}
            named = {*target.columns, *target.constants, *target.values, *target.patterns, *target.otherwise}
            assert named <= columns, (source.file, named - columns)
            assert {*target.columns.values(), *target.when, *target.known} <= known, source.file
        assert source.targets or source.file in WITHOUT_RULES


def test_values_are_mapped(tmp_path: Path) -> None:
    source = tables(
        tmp_path / "in",
        item_exclusive_pairs="a_code,a_name,b_code,b_name,window,code_match,basis\n"
        "2,乙,1,甲,单日,exact,x\n1,甲,3,丙,单次就诊,exact,x\n1,甲,4,丁,6小时,prefix,x\n"
        "1,甲,5,戊,同一小时,,x\n1,甲,6,己,,exact,x\n",
        drug_insurance="drug_codes,insurance,basis\nA,工伤,药品限工伤保险\nB,工伤|生育,药品限生育保险\n",
        drug_facility_level="drug_name,drug_codes,level_min,exception,basis\n"
        "甲,A,3,眼科专科医院=2,x\n乙,B,3,首次处方,x\n丙,C,2,,x\n",
        item_course_days="item_code,max_days,min_interval_days,basis\n1,90,14,x\n2,30,,x\n",
        drug_visit_kind="drug_codes,visit_kinds,needs_nutrition_screening,basis\nA,inpatient,yes,x\nB,inpatient,,x\n",
        settlement_list_checks="field,field_name_zh,check,limit,state,basis\n"
        "nwb_bir_wt,体重,required,,active,x\npsn_no,编号,required,,active,x\n"
        "nwb_bir_wt,体重,digits_only,,disabled,x\n",
    )
    report = import_tables(source, tmp_path / "out")
    assert not report.faults
    pairs = rows_of(tmp_path / "out", "exclusive")
    assert [row["window"] for row in pairs] == ["day", "stay", "6h", "same_hour", "day"]
    assert [row["state"] for row in pairs] == ["", "", "", "", "shadow"]
    assert (pairs[0]["codes"], pairs[0]["name"], pairs[0]["b_codes"], pairs[0]["b_name"]) == (
        "1",
        "甲",
        "2",
        "乙",
    )
    assert [row["insurances"] for row in rows_of(tmp_path / "out", "insurance")] == [
        "work_injury",
        "work_injury|maternity",
    ]
    levels = rows_of(tmp_path / "out", "facility_level")
    assert [(row["kind_levels"], row["prescription"]) for row in levels] == [
        ("眼科专科医院=2", ""),
        ("", "first"),
        ("", ""),
    ]
    courses = rows_of(tmp_path / "out", "course")
    assert [(row["max_days"], row["min_interval_days"]) for row in courses] == [
        ("90", ""),
        ("", "14"),
        ("30", ""),
    ]
    assert [row["codes"] for row in rows_of(tmp_path / "out", "needs_test")] == ["A"]
    assert [row["codes"] for row in rows_of(tmp_path / "out", "visit_kind")] == ["A", "B"]
    fields = rows_of(tmp_path / "out", "field")
    assert [(row["applies_to"], row["state"]) for row in fields] == [("newborn", ""), ("", ""), ("", "off")]


def test_clinical_words_are_widened(tmp_path: Path) -> None:
    source = tables(
        tmp_path / "in",
        diagnosis_word_equivalents="word,standard_words,icd10_prefixes,basis\n乳腺癌,乳房恶性肿瘤,C50,x\nCOPD,慢阻肺,J44,x\n",
        drug_indication="drug_codes,code_match,diagnosis_name_pattern,icd10_prefixes,pattern_source,phrase,basis\n"
        "A,exact,乳腺癌|copd,,compiled,,药品限适应症\nB,prefix,疼痛,,derived,,药品限适应症\n"
        "C,exact,肺炎,,compiled,,compiled:list\n",
    )
    report = import_tables(source, tmp_path / "out")
    rows = rows_of(tmp_path / "out", "indication")
    assert rows[0]["diagnosis_words"] == "乳腺癌|copd|乳房恶性肿瘤|慢阻肺"
    assert rows[0]["diagnosis_prefixes"] == "C50|J44"
    assert [row["state"] for row in rows] == ["", "shadow", "shadow"]
    assert [each.widened for each in report.files if each.file == "drug_indication.csv"] == [1]


def test_rows_that_share_a_rule(tmp_path: Path) -> None:
    source = tables(
        tmp_path / "in",
        item_principal_secondary="item_code,item_name,incision_group,later_operation_rate,basis\n"
        "1,甲,胃肠,0.5,x\n2,乙,胃肠,0.5,x\n3,丙,肝胆,0.5,x\n1,甲,肝胆,0.5,x\n",
        item_frequency="item_code,item_name,max_quantity,quantity_unit,period_days,basis\n"
        "1,甲,1,次,1,compiled:x\n1,甲,1,次,1,医疗服务项目限定频次\n1,甲,1,次,1,医疗服务项目限定频次\n",
    )
    report = import_tables(source, tmp_path / "out")
    assert [row["codes"] for row in rows_of(tmp_path / "out", "incision")] == ["1|2", "3|1"]
    assert len(rows_of(tmp_path / "out", "frequency")) == 2
    assert [(each.read, each.written, each.merged) for each in report.files] == [(3, 2, 2), (4, 2, 2)]
    read = load_rules(tmp_path / "out")
    (frequency,) = (rule for rule in read.rules.values() if rule.kind == "frequency")
    assert frequency.bases == ("compiled:x", "医疗服务项目限定频次")
    assert frequency.state is RuleState.ACTIVE


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    text = "drug_name,drug_codes,when,basis\r\n丁香,T000700200,alone,中药饮片单方使用不予支付\r\n"
    source = tables(tmp_path / "in", tcm_not_paid=text.encode(encoding))
    report = import_tables(source, tmp_path / "out")
    assert not report.faults
    assert [row["name"] for row in rows_of(tmp_path / "out", "not_paid")] == ["丁香"]


def faulty() -> Iterator[tuple[str, str, str, int, str]]:
    """Yield broken tables: file, text, kind of fault, row, column."""
    pairs = "a_code,b_code,window,code_match,basis\n"
    yield "item_exclusive_pairs", f"{pairs}1,2,两天,exact,x\n", "not_a_choice", 2, "window"
    yield "item_exclusive_pairs", f"{pairs}1,2,单日,fuzzy,x\n", "not_a_choice", 2, "code_match"
    yield "item_exclusive_pairs", f"{pairs}1,,单日,exact,x\n", "empty_cell", 2, "b_code"
    yield "item_exclusive_pairs", f"{pairs}1,2,单日,exact\n", "ragged_row", 2, ""
    yield "item_exclusive_pairs", f"{pairs}1,2,单日,exact,\n", "empty_cell", 2, "basis"
    yield "item_exclusive_pairs", "a_code,window\n1,单日\n", "missing_column", 1, "b_code"
    yield "drug_sex", "drug_codes,sex,basis\nA,男,x\n", "bad_cell", 2, "sex"
    yield "drug_sex", f"drug_codes,sex,basis\n{'A' * 65},M,x\n", "bad_cell", 2, "drug_codes"
    yield "drug_insurance", "drug_codes,insurance,basis\nA,失业,x\n", "not_a_choice", 2, "insurance"
    yield (
        "drug_age",
        "drug_codes,age_min_years,age_max_years,basis\nA,十,,x\n",
        "bad_cell",
        2,
        "age_min_years",
    )
    yield "drug_age", "drug_codes,age_min_years,age_max_years,basis\nA,,,x\n", "bad_row", 2, "age_min_years"
    yield "drug_age", "drug_codes,age_min_years,age_max_years,basis\nA,9,3,x\n", "bad_row", 2, "age_max_years"
    indication = "drug_codes,code_match,diagnosis_name_pattern,icd10_prefixes,basis\n"
    yield "drug_indication", f"{indication}A,exact,肺.*炎,,x\n", "bad_cell", 2, "diagnosis_name_pattern"
    yield "drug_indication", f"{indication}A,exact,肺炎||感染,,x\n", "bad_cell", 2, "diagnosis_name_pattern"
    yield "drug_indication", f"{indication}A,exact,,,x\n", "bad_row", 2, "diagnosis_name_pattern"
    yield "drug_facility_level", "drug_codes,level_min,exception,basis\nA,4,,x\n", "bad_cell", 2, "level_min"
    yield (
        "drug_facility_level",
        "drug_codes,level_min,exception,basis\nA,2,无,x\n",
        "not_a_choice",
        2,
        "exception",
    )
    yield "drug_second_line", "drug_codes,line,basis\nA,1,x\n", "not_a_choice", 2, "line"
    yield "tcm_not_paid", "drug_codes,when,basis\nT,sometimes,x\n", "bad_cell", 2, "when"
    yield (
        "item_frequency",
        "item_code,max_quantity,period_days,basis\n1,一次,1,x\n",
        "bad_cell",
        2,
        "max_quantity",
    )
    yield (
        "item_principal_secondary",
        ("item_code,incision_group,later_operation_rate,basis\n1,胃肠,1.5,x\n"),
        "bad_cell",
        2,
        "later_operation_rate",
    )
    yield "settlement_list_checks", "field,check,limit,basis\nx,unlikely,,x\n", "bad_cell", 2, "check"
    yield "settlement_list_checks", "field,check,limit,basis\nx,length,six,x\n", "bad_row", 2, "limit"
    yield (
        "newborn_only",
        "code_from,code_to,max_age_days,basis\nP10,P15,-1,x\n",
        "bad_cell",
        2,
        "max_age_days",
    )
    yield (
        "delivery_outcome",
        ("if_code_from,if_code_to,needs_prefix,where,basis\nO80,O84,Z37,principal,x\n"),
        "not_a_choice",
        2,
        "where",
    )


@pytest.mark.parametrize(("name", "text", "kind", "row", "column"), list(faulty()))
def test_faults(name: str, text: str, kind: str, row: int, column: str, tmp_path: Path) -> None:
    good = "item_code,sex,basis\n1,M,x\n"
    report = import_tables(tables(tmp_path / "in", item_sex=good, **{name: text}), tmp_path / "out")
    assert (kind, f"{name}.csv", row, column) in {
        (each.kind, each.file, each.row, each.column) for each in report.not_taken
    }
    for each in report.not_taken:
        assert each.problem("zh") and each.problem("en") and each.mend("zh") and each.mend("en")
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["rules.toml", "sex.csv"]
    (own,) = (each for each in report.files if each.file == f"{name}.csv")
    assert own.written == 0
    assert own.not_taken == own.read


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    source = tables(
        tmp_path / "in",
        item_sex="item_code,sex,basis,note\n1,M,x,\n2,X,x,\n3,F,x,\n4,,x,\n",
        drug_sex="drug_codes,sex,basis\nA,Y,x\n",
        drug_price="drug_codes,price\nA,1\n",
    )
    report = import_tables(source, tmp_path / "out")
    assert sorted((each.kind, each.place) for each in report.faults) == [
        ("bad_cell", "drug_sex.csv:2:sex"),
        ("bad_cell", "item_sex.csv:3:sex"),
        ("empty_cell", "item_sex.csv:5:sex"),
        ("unknown_column", "item_sex.csv:1:note"),
        ("unknown_file", "drug_price.csv"),
    ]
    assert [(each.read, each.written, each.not_taken) for each in report.files] == [(1, 0, 1), (4, 2, 2)]
    assert [row["codes"] for row in rows_of(tmp_path / "out", "sex")] == ["1", "3"]


def test_unreadable_tables_are_named(tmp_path: Path) -> None:
    source = tables(
        tmp_path / "in",
        item_sex="item_code,sex,basis\n1,M,x\n",
        drug_sex=b"drug_codes,sex,basis\n\xff\xff,M,x\n",
        drug_age='drug_codes,basis\n"A,x\n',
        tcm_not_paid="drug_codes,when,basis\nT\0,alone,x\n",
    )
    report = import_tables(source, tmp_path / "out")
    assert {(each.kind, each.file) for each in report.not_taken} == {
        ("not_utf8", "drug_sex.csv"),
        ("not_csv", "drug_age.csv"),
        ("not_text", "tcm_not_paid.csv"),
    }


def test_nothing_half_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = tables(tmp_path / "in", item_sex="item_code,sex,basis\n1,M,x\n")
    bad = tables(tmp_path / "bad", item_sex="item_code,sex,basis\n1,Q,x\n")
    target = tmp_path / "packs" / "out"
    with pytest.raises(ImportRefused) as refused:
        import_tables(bad, target)
    assert [each.kind for each in refused.value.faults] == ["bad_cell"]
    assert refused.value.zh
    assert not target.exists()
    import_tables(good, target)
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    with pytest.raises(ImportRefused):
        import_tables(good, target)

    def fail(_: Path) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("casemeter_rules.importing.write.load_rules", fail)
    with pytest.raises(OSError, match="full"):
        import_tables(good, target, version="2", replace=True)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    import_tables(good, target, title="新", version="2", valid_from="2026-01-01", replace=True)
    header = load_rules(target).header
    assert (header.id, header.title, header.version, header.valid_from) == ("out", "新", "2", "2026-01-01")
    assert [path.name for path in target.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("target", ["two words", "a/..", ""])
def test_targets_that_cannot_be(target: str, tmp_path: Path) -> None:
    source = tables(tmp_path / "in", item_sex="item_code,sex,basis\n1,M,x\n")
    with pytest.raises(ImportRefused):
        import_tables(source, tmp_path / target)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused):
        import_tables(tmp_path / "nowhere", tmp_path / "out")


def test_shipped_orders() -> None:
    """The shipped pack has rows of many official types, each with its basis, and nothing wrong."""
    folder = find_pack("orders")
    assert not check_rules(folder)
    read = load_rules(folder)
    found = info(folder)
    assert 100 <= len(read.rules) <= 250
    assert len(found.types_with_rules) >= 15
    for rule in read.rules.values():
        assert rule.state is RuleState.ACTIVE
        assert rule.official_type
        assert set(rule.bases) <= set(official_types())
