"""The settlement parameters of 44 cities: all load, and every row without a doubt pays as by hand."""

from __future__ import annotations

import csv
import gzip
import io
import shutil
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest

import payment_by_hand as by_hand
from casemeter_grouper.pack.kinds import check_pack
from casemeter_grouper.payment.policy import Policy
from casemeter_grouper.payment.stay import NotPriced, NotPricedReason, Stay
from casemeter_grouper.payment.tariff import Tariff
from payment_packs import importer, opened

DATA = Path(__file__).parent / "data"
EXAMPLES, WORKED = DATA / "payment_examples.csv", DATA / "payment_worked.csv"
DAY = "2024-06-30"


@pytest.fixture(scope="module")
def folders(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("cities")
    return {folder.name: folder for folder in importer()["import_cities"](shared / "payment", out)}


@pytest.fixture(scope="module")
def policies(folders: dict[str, Path]) -> dict[str, Policy]:
    return {name: opened(folder) for name, folder in folders.items()}


@pytest.fixture(scope="module")
def unweighted(folders: dict[str, Path], policies: dict[str, Policy]) -> dict[str, Policy]:
    """The policies, all of them paying whatever weight the scheme gives."""
    harbin = folders["haerbin_2022_哈尔滨"]
    copy = harbin.with_name("unweighted")
    shutil.copytree(harbin, copy, ignore=shutil.ignore_patterns("weights.csv"))
    return {**policies, harbin.name: opened(copy)}


@pytest.fixture(scope="module")
def dip(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Policy:
    out = tmp_path_factory.mktemp("dip")
    return opened(importer()["import_catalogue"](shared / "dip" / "pingdingshan_2025", out))


def priced(policy: Policy, stay: Stay) -> Tariff:
    tariff = policy.tariff(stay)
    assert isinstance(tariff, Tariff), tariff
    return tariff


def test_all_45_rows_of_cities_load_without_a_fault_but_one(folders: dict[str, Path]) -> None:
    faults = [(name, fault.kind) for name, folder in folders.items() for fault in check_pack(folder)]
    assert len(folders) == 45
    assert faults == [("bazhong_2023_巴中", "mean_cost_missing")]


def test_examples_are_what_the_formulas_give_by_hand(shared: Path, request: pytest.FixtureRequest) -> None:
    rows = list(by_hand.examples(shared / "payment"))
    if request.config.getoption("--update"):
        with EXAMPLES.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, by_hand.COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    assert by_hand.table(EXAMPLES) == rows


@pytest.mark.parametrize("file", [EXAMPLES, WORKED], ids=lambda path: path.stem)
def test_an_example_is_paid_to_the_fen(file: Path, unweighted: dict[str, Policy]) -> None:
    wrong = []
    for row in by_hand.table(file):
        policy = unweighted[f"{row['scheme']}_{row['city']}"]
        weight = Fraction(row["weight"])
        stay = Stay("G", DAY, weight, level=row["level"], insurance=row["insurance"])
        quote = priced(policy, stay).quote(int(Fraction(row["cost_yuan"]) * 100))
        if (quote.band, quote.payment_fen) != (row["band"], int(row["expected_fen"])):
            wrong.append((row, quote))
    assert not wrong


def test_every_row_without_a_doubt_has_its_six_examples(shared: Path) -> None:
    rows = [row for row in by_hand.table(shared / "payment" / "multiples.csv") if not row["doubt"]]
    without_mean = [row for row in rows if row["city"] == "巴中"]
    assert (len(rows), len(without_mean)) == (102, 4)
    assert len(by_hand.table(EXAMPLES)) == 6 * (len(rows) - len(without_mean))


def test_a_city_without_a_mean_has_no_price_and_says_why(policies: dict[str, Policy]) -> None:
    found = policies["bazhong_2023_巴中"].tariff(Stay("G", DAY, Fraction(1), level="三级", insurance="职工"))
    assert isinstance(found, NotPriced)
    assert found.reason is NotPricedReason.NO_MEAN


def test_a_doubtful_row_pays_and_shows_its_doubt(shared: Path, policies: dict[str, Policy]) -> None:
    doubtful = [row for row in by_hand.table(shared / "payment" / "multiples.csv") if row["doubt"]]
    levels = {
        (r["city"], r["scheme"]): r["hospital_levels"]
        for r in by_hand.table(shared / "payment" / "cities.csv")
    }
    for row in doubtful:
        level = row["level"] or levels[row["city"], row["scheme"]].split("|")[-1]
        stay = Stay("G", DAY, by_hand.weight_in(row), level=level, insurance="职工")
        tariff = priced(policies[f"{row['scheme']}_{row['city']}"], stay)
        assert {segment.doubt for segment in tariff.segments} == {row["doubt"]}
        assert {tariff.quote(cost).doubt for cost in (0, 10**6, 10**9)} == {row["doubt"]}
    assert len(doubtful) == 38


def test_yinchuan_has_the_five_bands_of_its_doubt(policies: dict[str, Policy]) -> None:
    tariff = priced(
        policies["yinchuan_2023_银川"], Stay("G", DAY, Fraction(1000), level="三甲", insurance="职工")
    )
    assert tariff.standard_fen == 282_000
    expected = [
        # multiple, band, payment in fen
        ("0.4", "very_low", 112_800),
        ("0.5", "low", 141_000),
        ("0.8", "normal", 282_000),
        ("1.4", "normal", 282_000),
        ("2", "high", 451_200),
        ("2.5", "high", 592_200),
        ("3", "very_high", 592_200),
    ]
    for multiple, band, fen in expected:
        quote = tariff.quote(int(282_000 * Fraction(multiple)))
        assert (quote.band, quote.payment_fen) == (band, fen)


@pytest.mark.parametrize("insurance", ["职工", "居民"])
@pytest.mark.parametrize("level", ["一级", "二级", "三级"])
def test_harbin_is_priced_whole(
    level: str, insurance: str, shared: Path, policies: dict[str, Policy]
) -> None:
    groups = {row["drg"] for row in by_hand.table(shared / "schemes" / "haerbin_2022" / "drg.csv")}
    weights = {
        row["drg"]: Decimal(row["weight"])
        for row in by_hand.table(shared / "payment" / "harbin_2022_weights.csv")
        if row["weight"]
    }
    [rate] = [
        Decimal(row["rate_yuan"])
        for row in by_hand.table(shared / "payment" / "harbin_2022_rates.csv")
        if (row["level"], row["insurance"]) == (level, insurance)
    ]
    policy = policies["haerbin_2022_哈尔滨"]
    high = Decimal(3 if level == "三级" else 2)
    unpriced = set()
    for group in sorted(groups):
        tariff = policy.tariff(Stay(group, DAY, level=level, insurance=insurance))
        if isinstance(tariff, NotPriced):
            assert tariff.reason is NotPricedReason.NO_WEIGHT
            unpriced.add(group)
            continue
        standard = weights[group] * rate * 100
        assert tariff.standard_fen == int(standard.quantize(Decimal(1), ROUND_HALF_UP))
        cost = int(standard * (high + 1))
        fen = standard * (Decimal("1.7") + Decimal("0.5") * (cost / standard - high))
        assert tariff.quote(cost).payment_fen == int(fen.quantize(Decimal(1), ROUND_HALF_UP))
        assert tariff.quote(int(standard)).payment_fen == tariff.standard_fen
        assert tariff.quote(100).payment_fen == 100
    assert unpriced == groups - set(weights)
    assert (len(groups), len(unpriced)) == (660 + 8, 8)


def test_a_group_meant_for_any_level_takes_its_own_rate(folders: dict[str, Path], tmp_path: Path) -> None:
    pack = tmp_path / "harbin"
    shutil.copytree(folders["haerbin_2022_哈尔滨"], pack)
    (pack / "price_levels.csv").write_text("group,level\nAE19,分级诊疗组\n", "utf-8")
    policy = opened(pack)
    tariff = priced(policy, Stay("AE19", DAY, level="三级", insurance="310"))
    assert (tariff.price_yuan, tariff.standard_fen) == (Fraction("11259.81"), 12_441_414)
    assert priced(policy, Stay("AF19", DAY, level="三级", insurance="310")).price_yuan == Fraction("11356.64")


def test_the_settled_score_of_every_dip_case(shared: Path, dip: Policy) -> None:
    folder = shared / "dip" / "pingdingshan_2025"
    scores = {row["group_code"]: Fraction(row["score"]) for row in by_hand.table(folder / "catalogue.csv")}
    means = {
        row["group_code"]: Fraction(row["mean_cost_yuan"]) for row in by_hand.table(folder / "measures.csv")
    }
    text = gzip.decompress((shared / "dip" / "cases.csv.gz").read_bytes()).decode("utf-8-sig")
    cases = list(csv.DictReader(io.StringIO(text)))
    settled = 0
    for case in cases:
        group = case["expected_group"]
        if not group:
            continue
        tariff = priced(dip, Stay(group, DAY, scores[group], means[group] * 100))
        quote = tariff.quote(int(Fraction(case["running_cost_yuan"]) * 100))
        assert str(quote.points) == str(Decimal(case["expected_settled_score"]).quantize(Decimal("0.000001")))
        assert (quote.payment_fen, tariff.standard_fen) == (None, None)
        settled += 1
    assert len(cases) == 5_000
    assert settled == sum(1 for case in cases if case["expected_settled_score"])


def test_the_command_line_of_the_importer(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["import_payment.py", str(shared / "payment"), str(tmp_path)]
    monkeypatch.setattr("sys.argv", [*arguments, "--dip", str(shared / "dip" / "pingdingshan_2025")])
    importer()["main"]()
    assert capsys.readouterr().out == f"46 packs in {tmp_path}\n"
    assert len(list(tmp_path.glob("*/payment.toml"))) == 46
