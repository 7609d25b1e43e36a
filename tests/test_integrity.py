"""Integrity over time: cases as data, against the shipped pack, kind by kind."""

from __future__ import annotations

import csv
import datetime
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

import casemeter_rules
from casemeter_grouper.compiled.bundle import write
from casemeter_grouper.pack.dictionaries import shipped_dictionary
from casemeter_grouper.pack.faults import PackError
from casemeter_rules.columns import EPOCH
from casemeter_rules.compiled.book import Book, compile_rules
from casemeter_rules.engine import Report, find
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, EarlierStay, Item, Phase, Procedure, Stay
from casemeter_rules.finding import RuleState
from casemeter_rules.pack.load import load_rules
from casemeter_server.care import minutes_in

PACK = Path(casemeter_rules.__file__).parent / "packs" / "integrity"
DATA = tomllib.loads((Path(__file__).parent / "data" / "integrity.toml").read_text("utf-8"))
UNKNOWN = "unknown"

BookOf = Callable[[str], Book]


@pytest.fixture(scope="session")
def book_of(tmp_path_factory: pytest.TempPathFactory) -> BookOf:
    """Opens the rules of one kind of the shipped pack."""
    books: dict[str, Book] = {}

    def opened(kind: str) -> Book:
        if kind not in books:
            folder = tmp_path_factory.mktemp(kind)
            for file in ("rules.toml", "code_sets.csv", f"{kind}.csv"):
                shutil.copy(PACK / file, folder)
            manifest, arrays, faults = compile_rules(folder)
            assert not faults
            write(folder / "bundle", manifest, arrays)
            books[kind] = Book.open(folder / "bundle")
        return books[kind]

    return opened


def minute(moment: Any) -> int | None:
    if moment == UNKNOWN:
        return None
    since = moment - datetime.datetime.combine(EPOCH, datetime.time())
    return int(since.total_seconds()) // 60


def known(value: Any) -> Any:
    return None if value == UNKNOWN else value


def earlier_of(at: int, told: dict[str, Any]) -> EarlierStay:
    facts = {**DATA["earlier"], **told}
    return EarlierStay(
        place=f"encounter.earlier_stays.stays[{at}]",
        id=facts["id"],
        campus=facts["campus"],
        admission_day=(facts["admission"] - EPOCH).days,
        discharge_day=(facts["discharge"] - EPOCH).days,
        group=facts["group"],
        diagnoses=tuple(facts["diagnoses"]),
        procedures=tuple(facts["procedures"]),
        discharge_way=known(facts["discharge_way"]),
        readmission_planned=known(facts["readmission_planned"]),
        kind=facts["kind"],
    )


def item_of(at: int, told: list[Any]) -> Item:
    number, category, fen, *self_paid = told
    place = f"encounter.charges.lines[{at}]"
    return Item("", place, number, category=category, amount_fen=fen, self_paid=next(iter(self_paid), None))


def stay_of(case: dict[str, Any]) -> Stay:
    facts = {**DATA["stay"], **case.get("stay", {})}
    roles = ("principal", *["other"] * len(facts["diagnoses"]))
    admission, discharge = minute(facts["admission"]), minute(facts["discharge"])
    items = facts.get("items")
    earlier = case.get("earlier")
    return Stay(
        diagnoses=tuple(
            Diagnosis(code, f"encounter.diagnoses[{at}]", roles[at])
            for at, code in enumerate(facts["diagnoses"])
        ),
        procedures=tuple(
            Procedure(code, f"encounter.procedures[{at}]") for at, code in enumerate(facts["procedures"])
        ),
        items=None if items is None else tuple(item_of(at, told) for at, told in enumerate(items)),
        admission=admission,
        discharge=discharge,
        now=20_540 * MINUTES_PER_DAY if discharge is None else discharge,
        los_days=facts["los_days"],
        icu_hours=facts.get("icu_hours"),
        discharge_way=known(facts["discharge_way"]),
        visit_kind=facts["visit_kind"],
        insurance=known(facts["insurance"]),
        group=facts["group"],
        earlier=None if earlier is None else tuple(earlier_of(at, told) for at, told in enumerate(earlier)),
        campus=facts["campus"],
        person=facts["person"],
    )


def named(case: dict[str, Any]) -> str:
    return f"{case['kind']}: {case['name']}"


def report_of(case: dict[str, Any], book_of: BookOf) -> Report:
    return find([book_of(case["kind"])], stay_of(case), Phase.SUBMISSION)


@pytest.mark.parametrize("case", DATA["case"], ids=named)
def test_case(case: dict[str, Any], book_of: BookOf) -> None:
    report = report_of(case, book_of)
    assert [list(finding.evidence) for finding in report.findings] == case.get("found", [])
    assert dict(report.undecided) == case.get("undecided", {})
    for language in ("zh", "en"):
        if language in case:
            assert case[language] in {getattr(finding, f"text_{language}") for finding in report.findings}


def test_findings_ask_and_never_accuse(book_of: BookOf) -> None:
    for case in DATA["case"]:
        for finding in report_of(case, book_of).findings:
            assert "请核对" in finding.text_zh and "please check" in finding.text_en
            assert not any(word in finding.text_zh for word in ("违规", "骗", "套取", "涉嫌"))
            assert "{" not in finding.text_zh + finding.text_en + finding.resolve_zh + finding.resolve_en
            assert finding.fields and finding.evidence


def test_a_stay_of_somebody_without_a_key_is_never_found(book_of: BookOf) -> None:
    asks_history = ("split_admission", "readmission", "frequent_stays")
    for case in DATA["case"]:
        if case["kind"] in asks_history:
            stay = stay_of(case)._replace(person=False)
            assert not find([book_of(case["kind"])], stay, Phase.SUBMISSION).findings


@pytest.mark.parametrize("case", DATA["case"], ids=named)
def test_the_order_of_the_history_changes_nothing(case: dict[str, Any], book_of: BookOf) -> None:
    stay = stay_of(case)
    if stay.earlier:
        book = book_of(case["kind"])
        backwards = stay._replace(earlier=stay.earlier[::-1])
        found = find([book], stay, Phase.SUBMISSION).findings
        assert [each.evidence for each in find([book], backwards, Phase.SUBMISSION).findings] == [
            each.evidence for each in found
        ]


@pytest.mark.parametrize(("zone", "found"), [("Asia/Shanghai", 0), ("UTC", 1)])
def test_days_are_those_of_the_hospital(zone: str, found: int, book_of: BookOf) -> None:
    # Half past midnight of the sixteenth day in Shanghai, the fifteenth in Greenwich.
    moment = datetime.datetime(2026, 3, 10, 16, 30, tzinfo=datetime.UTC)
    admission = minutes_in(ZoneInfo(zone))(Timestamp(seconds=int(moment.timestamp())))
    told = {"earlier": [{"discharge": datetime.date(2026, 2, 23)}]}
    stay = stay_of(told)._replace(admission=admission)
    assert len(find([book_of("split_admission")], stay, Phase.SUBMISSION).findings) == found


def test_only_a_number_that_a_national_rule_names_is_active() -> None:
    rules = load_rules(PACK).rules.values()
    active = [rule for rule in rules if rule.state is RuleState.ACTIVE]
    assert [(rule.kind, rule.values["within_days"]) for rule in active] == [("readmission", "31")]
    for rule in rules:
        working = all(basis.startswith("compiled:") for basis in rule.bases)
        assert working == (rule.state is RuleState.SHADOW)


def test_every_set_has_codes_of_the_dictionary() -> None:
    dictionary = shipped_dictionary()
    known = {"diagnosis": dictionary.diagnoses, "procedure": dictionary.procedures}
    with (PACK / "code_sets.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            assert any(code.startswith(row["code"]) for code in known[row["space"]]), row


def test_a_set_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    shutil.copytree(PACK, tmp_path / "pack")
    table = tmp_path / "pack" / "frequent_stays.csv"
    table.write_text(table.read_text("utf-8").replace("dialysis", "dialisys"), "utf-8")
    with pytest.raises(PackError) as caught:
        load_rules(tmp_path / "pack")
    (fault,) = caught.value.faults
    assert (fault.kind, fault.file, fault.column) == ("bad_row", "frequent_stays.csv", "exempt_sets")
    assert "dialisys" in str(fault.details["problem_en"])
