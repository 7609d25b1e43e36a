"""Pricing a stay: which rows hold, what is said when none does, dates, specials, charges, and exactness."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter_grouper.compiled.bundle import BundleError
from casemeter_grouper.pack.build import build
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.payment.formulas import Facts
from casemeter_grouper.payment.header import Method
from casemeter_grouper.payment.policy import Policy
from casemeter_grouper.payment.pricing import tariff_of
from casemeter_grouper.payment.rows import Band
from casemeter_grouper.payment.stay import NotPriced, NotPricedReason, Stay
from casemeter_grouper.payment.tariff import Tariff
from payment_by_hand import table
from payment_packs import NORMAL, RATE, opened, write_pack

TINY = Path(__file__).parent / "data" / "tiny_payment"
STAY = Stay("BR21", "2026-03-01", level="low", insurance="310", los_days=7)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    target = tmp_path_factory.mktemp("tiny") / "tiny.bundle"
    build(TINY, target)
    return Policy.open(target)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    target = tmp_path_factory.mktemp("demo") / "demo.bundle"
    build(find_pack("demo_payment_chs_drg_11"), target)
    return Policy.open(target)


def priced(policy: Policy, stay: Stay) -> Tariff:
    tariff = policy.tariff(stay)
    assert isinstance(tariff, Tariff), tariff
    return tariff


def reason(policy: Policy, stay: Stay) -> NotPricedReason:
    found = policy.tariff(stay)
    assert isinstance(found, NotPriced), found
    assert found.text_zh
    assert found.text_en
    return found.reason


def test_a_policy_says_who_it_is(tiny: Policy, demo: Policy) -> None:
    assert tiny.header.id == "tiny_payment"
    assert (tiny.header.valid_from, tiny.header.valid_until) == ("2026-01-01", "2026-12-31")
    assert (tiny.header.scheme, tiny.header.region, tiny.header.method) == ("tiny", "Nowhere", "points")
    assert tiny.levels == ("low", "high")
    assert (tiny.header.demonstration, demo.header.demonstration) == (False, True)


def test_a_tariff_by_hand(tiny: Policy) -> None:
    # weight 1.5, coefficient 0.9, 75 yuan a point: 1.5 * 100 * 0.9 = 135 points, 10,125 yuan.
    # multiples are of 8,000 * 1.5 * 0.9 = 10,800 yuan; above weight 1 the high band starts above 2.
    tariff = priced(tiny, STAY)
    assert (tariff.standard_fen, tariff.weight, tariff.coefficient) == (
        1_012_500,
        Fraction(3, 2),
        Fraction(9, 10),
    )
    assert (tariff.price_yuan, tariff.provisional, tariff.price_as_of) == (Fraction(75), False, "2026-08")
    assert [segment[:3] for segment in tariff.segments] == [
        ("low", 0, 539_999),
        ("normal", 540_000, 2_160_000),
        ("high", 2_160_001, None),
    ]
    quote = tariff.quote(540_000)
    assert (quote.payment_fen, quote.points, quote.multiple) == (
        1_012_500,
        Decimal("135.000000"),
        Fraction(1, 2),
    )
    # half of it a fen below: 539,999 / 1,080,000 * 135 points
    low = tariff.quote(539_999)
    assert (low.payment_fen, low.points, low.band) == (506_249, Decimal("67.499875"), "low")
    # three times: (3 - 1) * 135 points
    high = tariff.quote(3_240_000)
    assert (high.payment_fen, high.points, high.segment) == (2_025_000, Decimal("270.000000"), 2)
    assert tariff.next_band(0) == ("normal", 540_000)
    assert tariff.next_band(540_000) == ("high", 2_160_001)
    assert tariff.next_band(2_160_001) is None
    with pytest.raises(ValueError, match="below 0"):
        tariff.quote(-1)


@pytest.mark.parametrize(
    ("day", "insurance", "price", "provisional"),
    [
        ("2026-06-30", "310", 75, False),
        ("2026-07-01", "310", 80, True),
        ("2026-07-01", "worker", 80, True),
        ("2026-07-01", "390", 70, False),
    ],
)
def test_both_sides_of_a_date(day: str, insurance: str, price: int, provisional: bool, tiny: Policy) -> None:
    tariff = priced(tiny, STAY._replace(day=day, insurance=insurance))
    assert (tariff.price_yuan, tariff.provisional) == (Fraction(price), provisional)
    assert tariff.quote(1_000_000).payment_fen == 135 * price * 100


def test_the_most_specific_coefficient_holds(tiny: Policy) -> None:
    for level, hospital, expected in (("low", "H1", "0.9"), ("high", "H1", "1.2"), ("high", "H2", "1.1")):
        found = priced(tiny, STAY._replace(level=level, hospital=hospital)).coefficient
        assert found == Fraction(expected)


def test_additions_raise_coefficient_and_points(tiny: Policy) -> None:
    tariff = priced(tiny, STAY._replace(tcm=True))
    assert tariff.coefficient == Fraction("0.945")
    assert [row.reason_en for row in tariff.additions] == ["traditional medicine"]
    quote = tariff.quote(1_000_000)
    assert (quote.points, quote.payment_fen) == (Decimal("151.750000"), 1_138_125)  # 141.75 + 10 points
    assert tariff.standard_fen == 1_063_125  # round half up of 10,631.25 yuan, without what is on top


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"day": "2025-12-31"}, NotPricedReason.NOT_IN_FORCE),
        ({"day": "2027-01-01"}, NotPricedReason.NOT_IN_FORCE),
        ({"visit_kind": "day_surgery"}, NotPricedReason.OUTSIDE),
        ({"group": "BR29"}, NotPricedReason.NO_WEIGHT),
        ({"group": "BR29", "scheme_weight": Fraction(1)}, NotPricedReason.NO_WEIGHT),
        ({"level": "middle"}, NotPricedReason.NO_COEFFICIENT),
        ({"level": ""}, NotPricedReason.NO_COEFFICIENT),
    ],
)
def test_what_has_no_price_says_why(change: dict[str, Any], expected: NotPricedReason, tiny: Policy) -> None:
    assert reason(tiny, STAY._replace(**change)) is expected


def test_points_stand_without_a_price(tiny: Policy) -> None:
    tariff = priced(tiny, STAY._replace(insurance="children"))
    quote = tariff.quote(1_000_000)
    assert (quote.payment_fen, tariff.standard_fen, tariff.price_yuan) == (None, None, None)
    assert quote.points == 135


def test_a_rate_that_is_not_there_is_not_guessed(tmp_path: Path) -> None:
    prices = {"prices.csv": "level,insurance,price_yuan,status,valid_until\nhigh,,5000,settled,2026-06-30\n"}
    policy = opened(write_pack(tmp_path / "p", {**NORMAL, **prices}))
    stay = Stay("G", "2026-06-30", Fraction(1), level="high")
    assert priced(policy, stay).standard_fen == 500_000
    assert reason(policy, stay._replace(day="2026-07-01")) is NotPricedReason.NO_PRICE
    assert reason(policy, stay._replace(level="low")) is NotPricedReason.NO_PRICE
    assert reason(policy, stay._replace(scheme_weight=None)) is NotPricedReason.NO_WEIGHT
    assert reason(policy, stay._replace(scheme_weight=Fraction(0))) is NotPricedReason.NO_WEIGHT


def test_bands_of_another_level_are_not_taken(tmp_path: Path) -> None:
    bands = NORMAL["bands.csv"].replace("band,from", "band,level,from").replace("all,", "all,high,")
    policy = opened(write_pack(tmp_path / "p", {"bands.csv": bands, **RATE}))
    assert priced(policy, Stay("G", "2026-01-01", Fraction(1), level="high")).standard_fen == 500_000
    assert reason(policy, Stay("G", "2026-01-01", Fraction(1), level="low")) is NotPricedReason.NO_BAND


def test_a_band_of_the_groups_own_mean_needs_it(tmp_path: Path) -> None:
    bands = NORMAL["bands.csv"].replace("standard", "group_mean")
    policy = opened(write_pack(tmp_path / "p", {"bands.csv": bands}, method="score"))
    stay = Stay("G", "2026-01-01", Fraction(1))
    assert reason(policy, stay) is NotPricedReason.NO_MEAN
    assert priced(policy, stay._replace(group_mean=Fraction(5))).quote(7).multiple == Fraction(7, 5)


def test_a_score_with_the_standard_for_divisor_needs_a_price(tmp_path: Path) -> None:
    policy = opened(write_pack(tmp_path / "p", NORMAL, method="score"))
    assert reason(policy, Stay("G", "2026-01-01", Fraction(1))) is NotPricedReason.NO_PRICE


def test_a_local_twist_earns_its_multiple_and_a_fifth(tmp_path: Path) -> None:
    bands = (
        "band,from,from_inclusive,to,to_inclusive,fixed,per_multiple,divisor,pay_divisor\n"
        "cost,,,0.4,yes,,1,standard,cost\n"
        "twist,0.4,,0.8,,0.2,1,standard,\n"
        "normal,0.8,yes,,,1,,standard,\n"
    )
    policy = opened(write_pack(tmp_path / "p", {"bands.csv": bands, **RATE}))
    tariff = priced(policy, Stay("G", "2026-01-01", Fraction(2)))
    paid = [
        (tariff.quote(cost).band, tariff.quote(cost).payment_fen)
        for cost in (400_000, 400_001, 799_999, 800_000)
    ]
    assert paid == [("cost", 400_000), ("twist", 600_001), ("twist", 999_999), ("normal", 1_000_000)]


OUTSIDE = (
    "insurance,visit_kind,self_pay,department,group,days_below,days_above,reason_zh,reason_en\n"
    "resident,,,,,,,z1,an insurance\n"
    ",,yes,,,,,z2,self-pay\n"
    ",day_surgery|day_chemo,,,,,,z3,a visit\n"
    ",,,psychiatry|rehab,,,30,z4,per diem\n"
    ",,,,X1|X2,,,z5,a group\n"
    ",,,,,2,,z6,too short\n"
    ",,,,,,60,z7,too long\n"
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"insurance": "390"}, "an insurance"),
        ({"self_pay": True}, "self-pay"),
        ({"visit_kind": "day_chemo"}, "a visit"),
        ({"department": "rehab", "los_days": 31}, "per diem"),
        ({"department": "rehab", "los_days": 30}, None),
        ({"department": "surgery", "los_days": 31}, None),
        ({"group": "X2"}, "a group"),
        ({"los_days": 1}, "too short"),
        ({"los_days": 1, "is_open": True}, None),  # it may still last longer
        ({"los_days": 61, "is_open": True}, "too long"),
        ({"los_days": 2}, None),
        ({"los_days": 60}, None),
        ({"los_days": 61}, "too long"),
        ({"los_days": None}, None),
    ],
)
def test_what_takes_a_stay_out_of_group_payment(
    change: dict[str, Any], expected: str | None, tmp_path: Path
) -> None:
    tables = {**NORMAL, **RATE, "outside.csv": OUTSIDE}
    names = '[insurance]\n"resident" = ["390"]\n"worker" = ["310"]'
    policy = opened(write_pack(tmp_path / "p", tables, names))
    stay = Stay("G", "2026-01-01", Fraction(1), insurance="310", los_days=7)._replace(**change)
    found = policy.tariff(stay)
    if expected is None:
        assert isinstance(found, Tariff)
    else:
        assert isinstance(found, NotPriced)
        assert (found.reason, found.text_en) == (NotPricedReason.OUTSIDE, expected)
        assert found.text_zh.startswith("z")


SPECIAL = (
    "multiple_above,cost_above_yuan,days_above,icu_hours_above,quota_share,valid_from,valid_until,reason_zh,reason_en\n"
    "3,20000,,,0.05,2026-01-01,2026-06-30,z1,costly\n"
    ",,45,,,,,z2,long\n"
    ",,,240,0.01,,,z3,intensive\n"
)


@pytest.mark.parametrize(
    ("change", "cost", "expected"),
    [
        ({}, 2_000_001, ["costly"]),
        ({}, 2_000_000, []),
        ({"scheme_weight": Fraction(2)}, 3_000_000, []),
        ({"scheme_weight": Fraction(2)}, 3_000_001, ["costly"]),
        ({"day": "2026-07-01"}, 2_000_001, []),
        ({"day": "2026-06-30"}, 2_000_001, ["costly"]),
        ({"day": "2025-12-31"}, 2_000_001, []),
        ({"los_days": 46}, 2_000_001, ["costly", "long"]),
        ({"los_days": 45}, 0, []),
        ({"icu_hours": 240.5}, 0, ["intensive"]),
        ({"icu_hours": 240.0}, 0, []),
    ],
)
def test_special_cases_are_eligible(
    change: dict[str, Any], cost: int, expected: list[str], tmp_path: Path
) -> None:
    policy = opened(write_pack(tmp_path / "p", {**NORMAL, **RATE, "special_cases.csv": SPECIAL}))
    stay = Stay("G", "2026-01-01", Fraction(1), los_days=7)._replace(**change)
    found = policy.special_cases(stay, priced(policy, stay).quote(cost), cost)
    assert [row.reason_en for row in found] == expected
    assert {row.quota_share for row in found} <= {Fraction("0.05"), Fraction("0.01"), None}


def test_charges_out_of_scope_and_equivalents(tmp_path: Path) -> None:
    charges = "item,category,reason_zh,reason_en\nbed,,z,escort\n,12,z,canteen\nwig,9,z,cosmetic\n"
    equivalents = "item,equivalent_item,equivalent_name,note\na,b,B,half the price\n"
    tables = {**NORMAL, **RATE, "excluded_charges.csv": charges, "equivalents.csv": equivalents}
    policy = opened(write_pack(tmp_path / "p", tables))
    scopes = {
        (item, category): policy.in_scope(item, category)
        for item in ("bed", "wig", "")
        for category in ("9", "12", "")
    }
    out = {("bed", "9"), ("bed", "12"), ("bed", ""), ("wig", "12"), ("wig", "9"), ("", "12")}
    assert {scope for scope, within in scopes.items() if not within} == out
    exclusion = policy.exclusion("wig", "9")
    assert exclusion is not None
    assert exclusion.reason_en == "cosmetic"
    equivalent = policy.equivalent("a")
    assert equivalent is not None
    assert (equivalent.equivalent_item, equivalent.equivalent_name) == ("b", "B")
    assert policy.equivalent("b") is None


def test_a_demonstration_year_is_settled_and_the_next_is_an_estimate(demo: Policy) -> None:
    stay = Stay("BR23", "2025-12-31", level="三级", insurance="310", los_days=9)
    before, after = (priced(demo, stay._replace(day=day)) for day in ("2025-12-31", "2026-01-01"))
    assert (before.standard_fen, before.provisional) == (984_000, False)
    assert (after.standard_fen, after.provisional) == (960_000, True)
    assert priced(demo, stay._replace(level="", insurance="")).standard_fen == 936_000


def test_the_same_pack_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        build(TINY, tmp_path / f"{name}.bundle")
    assert (tmp_path / "a.bundle").read_bytes() == (tmp_path / "b.bundle").read_bytes()


def test_a_bundle_of_another_kind_is_refused(tmp_path: Path) -> None:
    build(TINY.with_name("tiny_benchmark"), tmp_path / "x.bundle")
    with pytest.raises(BundleError):
        Policy.open(tmp_path / "x.bundle")


def test_threads_see_equal_tariffs(tiny: Policy) -> None:
    stays = [
        STAY._replace(group=group, level=level) for group in ("BR21", "BR23") for level in ("low", "high")
    ] * 50
    alone = [priced(tiny, stay) for stay in stays]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(tiny.tariff, stays)) == alone


def band(
    start: Fraction | None, start_in: bool, end: Fraction | None, end_in: bool, pay: Sequence[Fraction]
) -> Band:
    pay_divisor = ("standard", "cost", "mean_x_weight", "mean_x_coefficient", "group_mean")[int(pay[3]) % 5]
    limits = (start, start_in or start is None, end, end_in)
    return Band("b", "", "", None, None, *limits, pay[0], pay[1], pay[2], "group_mean", pay_divisor, "")


DECIMALS = st.decimals("0.0001", "30", places=4).map(Fraction)
PAYS = st.tuples(*[st.decimals("-3", "3", places=3).map(Fraction)] * 3, st.integers(0, 4).map(Fraction))


@settings(max_examples=200, deadline=None)
@given(
    bounds=st.lists(DECIMALS, max_size=4, unique=True).map(sorted),
    closed=st.lists(st.booleans(), min_size=4, max_size=4),
    pays=st.lists(PAYS, min_size=5, max_size=5),
    figures=st.tuples(*[DECIMALS] * 6),
    method=st.sampled_from(list(Method)),
    costs=st.lists(st.integers(0, 10**8), min_size=1, max_size=20),
)
def test_bands_share_out_every_cost_and_pay_exactly(
    bounds: list[Fraction],
    closed: list[bool],
    pays: list[tuple[Fraction, ...]],
    figures: tuple[Fraction, ...],
    method: Method,
    costs: list[int],
) -> None:
    weight, coefficient, unit, price, mean, group_mean = figures
    if method is not Method.POINTS:
        unit = Fraction(1)
    mean, group_mean, price = mean * 10_000, group_mean * 10_000, price * 100
    edges = [None, *bounds, None]
    bands = [
        band(
            edges[at], at > 0 and not closed[at - 1], edges[at + 1], at < len(bounds) and closed[at], pays[at]
        )
        for at in range(len(bounds) + 1)
    ]
    facts = Facts(method, weight, coefficient, unit, price, mean, group_mean)
    tariff = tariff_of(facts, bands, None, ())
    segments = tariff.segments
    assert segments[0].from_fen == 0
    assert segments[-1].to_fen is None
    for before, after in pairwise(segments):
        assert before.to_fen is not None
        assert before.from_fen <= before.to_fen == after.from_fen - 1
    for cost in [
        *costs,
        *(segment.from_fen for segment in segments),
        *(s.to_fen for s in segments if s.to_fen),
    ]:
        quote, multiple = tariff.quote(cost), cost / group_mean
        [row] = [
            row
            for row in bands
            if (row.start is None or multiple > row.start or (row.start_inclusive and multiple == row.start))
            and (row.end is None or multiple < row.end or (row.end_inclusive and multiple == row.end))
        ]
        without = weight * unit * price
        standard = without * coefficient
        per = {
            "standard": standard * cost / (mean * weight * coefficient)
            if method is Method.POINTS
            else Fraction(cost),
            "cost": Fraction(cost),
            "mean_x_weight": without * cost / (mean * weight),
            "mean_x_coefficient": unit * price * coefficient * cost / (mean * coefficient),
            "group_mean": standard * cost / group_mean,
        }[row.pay_divisor]
        paid = row.fixed * standard + row.fixed_without_coefficient * without + row.per_multiple * per
        assert quote.payment_fen == floor(paid + Fraction(1, 2))
        assert quote.multiple == multiple
        if method is Method.RATE:
            assert quote.points is None
        else:
            assert quote.points == Decimal(floor(paid / price * 10**6 + Fraction(1, 2))).scaleb(-6)


def test_the_demonstration_of_dip_pays_the_scores_of_its_catalogue(tmp_path: Path) -> None:
    build(find_pack("demo_payment_dip"), tmp_path / "dip.bundle")
    policy = Policy.open(tmp_path / "dip.bundle")
    catalogue = find_pack(policy.header.scheme)
    means = {
        row["group_code"]: Fraction(row["mean_cost_yuan"]) * 100 for row in table(catalogue / "measures.csv")
    }
    rows = table(catalogue / "catalogue.csv")
    for row in rows:
        score, mean = Fraction(row["score"]), means[row["group_code"]]
        stay = Stay(row["group_code"], "2026-11-02", score, mean, level="二级", insurance="310")
        tariff = priced(policy, stay)
        assert tariff.provisional
        quotes = {
            share: tariff.quote(floor(mean * share)) for share in (Fraction(1, 4), Fraction(1), Fraction(3))
        }
        assert [quote.band for quote in quotes.values()] == ["low", "normal", "high"]
        assert quotes[Fraction(1)].payment_fen == tariff.standard_fen == floor(score * 800 + Fraction(1, 2))
    assert rows


def test_every_shipped_policy_pays_every_group_of_its_scheme(demo: Policy) -> None:
    weights = (find_pack("demo_payment_chs_drg_11") / "weights.csv").read_text("utf-8").splitlines()[1:]
    for line in weights:
        group, weight = line.split(",")
        tariff = priced(demo, Stay(group, "2026-11-02", level="三级", insurance="310", los_days=5))
        assert tariff.standard_fen == int(Decimal(weight) * 800_000)
    assert len(weights) == 628
    assert json.loads(json.dumps(demo.header.to_json()))["demonstration"] is True
