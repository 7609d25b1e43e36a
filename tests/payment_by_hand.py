"""The formulas of ../shared/payment/README.md as they read there, apart from the product's code.

`scripts/test --update -k examples` writes tests/data/payment_examples.csv anew from them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import NamedTuple

Row = dict[str, str]
COLUMNS = ("city", "scheme", "level", "insurance", "weight", "place", "cost_yuan", "band", "expected_fen")


def table(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


class City(NamedTuple):
    """What a row of multiples.csv is paid by, in a level and for an insurance; yuan."""

    name: str
    points: bool
    mean: Fraction | None
    points_per_weight: Fraction
    price: Fraction
    coefficient: Fraction


def city_of(payment: Path, row: Row, level: str, insurance: str) -> City:
    def own(name: str) -> list[Row]:
        return [
            found
            for found in table(payment / f"{name}.csv")
            if (found["city"], found["scheme"]) == (row["city"], row["scheme"])
        ]

    [city] = own("cities")
    points = city["payment_kind"] == "points"
    prices = [
        found.get("point_value_yuan") or found["rate_yuan"]
        for found in own("point_values" if points else "rates")
        if found.get("level", "") in ("", level) and found["insurance"] in ("", insurance)
    ]
    [price] = prices
    coefficients = [found["coefficient"] for found in own("hospital_coefficients") if found["level"] == level]
    return City(
        name=city["city"],
        points=points,
        mean=Fraction(city["mean_cost_yuan"]) if city["mean_cost_yuan"] else None,
        points_per_weight=Fraction(city["points_per_weight"] or 1),
        price=Fraction(price),
        coefficient=Fraction(coefficients[0]) if coefficients else Fraction(1),
    )


def divided_by(row: Row, city: City, w: Fraction) -> Fraction:
    """What the cost is divided by: where a mean is stated it measures, else the rate does."""
    base = city.price if city.mean is None else city.mean
    k = city.coefficient if row["multiple_divisor"] == "standard" else Fraction(1)
    return base * w * k


def paid(row: Row, city: City, w: Fraction, c: Fraction) -> tuple[str, Fraction]:
    """Return band and payment in yuan of a cost in yuan."""
    k, m, p = city.coefficient, city.mean, city.points_per_weight
    x = c / divided_by(row, city, w)
    low, high = Fraction(row["low_multiple"]), Fraction(row["high_multiple"])
    if x < low or (x == low and row["low_inclusive"] == "yes"):
        return "low", _word(row["low_pay"], city, w, c, high)
    if x > high or (x == high and row["high_inclusive"] == "yes"):
        return "high", _word(row["high_pay"], city, w, c, high)
    if city.points:
        assert m is not None
        return "normal", p * w * k * city.price
    return "normal", w * city.price * k


def _word(word: str, city: City, w: Fraction, c: Fraction, high: Fraction) -> Fraction:
    k, m, p = city.coefficient, city.mean, city.points_per_weight
    if word == "actual_cost":
        return c
    if not city.points:
        standard = w * city.price * k
        x = c / standard
        if word == "standard_plus_0.7_excess":
            return standard * (1 + Fraction("0.7") * (x - high))
        if word == "standard_x_1.7_plus_0.5_excess":
            return standard * (Fraction("1.7") + Fraction("0.5") * (x - high))
    assert m is not None
    unit = p * city.price if city.points else city.price  # the rate stands for p in a rate city
    if word in ("points_of_cost", "rate_of_cost"):
        return c / m * unit
    if word == "standard_plus_excess":
        return unit * (w * k + (c / (m * w) - high) * w)
    assert word == "cost_less_band"
    less = {"宜宾": (high - k) * w, "宁波": (high - k) * w, "丹东": (high - 1) * w}
    return unit * (c / m - less.get(city.name, (high - 1) * w * k))


def half_up(yuan: Fraction) -> int:
    """Whole fen, half up."""
    return floor(yuan * 100 + Fraction(1, 2))


def weight_in(row: Row) -> Fraction:
    """A weight of the row's range, as it could be published."""
    above, to = row["weight_from_exclusive"], row["weight_to_inclusive"]
    if above and to:
        return Fraction(to) - Fraction("0.1234")
    return Fraction(above) + Fraction("1.2345") if above else Fraction("0.8765")


def on_bound(row: Row, city: City, multiple: Fraction, near: Fraction) -> tuple[Fraction, int]:
    """A weight close to another one at which the bound is a whole number of fen, and that number.

    Seldom is there one with few decimals, so the weight is a fraction.
    """
    per_weight = divided_by(row, city, Fraction(1)) * multiple * 100
    fen = floor(per_weight * near)
    return fen / per_weight, fen


def examples(payment: Path) -> Iterator[Row]:
    """Yield six examples of every row without a doubt: both bounds, a fen below, on it, and a fen above."""
    levels = {(row["city"], row["scheme"]): row["hospital_levels"] for row in table(payment / "cities.csv")}
    means = {
        (row["city"], row["scheme"])
        for row in table(payment / "cities.csv")
        if row["payment_kind"] != "points" or row["mean_cost_yuan"]
    }
    for row in table(payment / "multiples.csv"):
        key = (row["city"], row["scheme"])
        if row["doubt"] or key not in means:
            continue
        level = row["level"] or levels[key].split("|")[-1]
        city = city_of(payment, row, level, "职工")
        for bound in ("low", "high"):
            weight, fen = on_bound(row, city, Fraction(row[f"{bound}_multiple"]), weight_in(row))
            for place, cost in (("below", fen - 1), ("on", fen), ("above", fen + 1)):
                band, yuan = paid(row, city, weight, Fraction(cost, 100))
                yield dict(
                    zip(
                        COLUMNS,
                        (
                            *(*key, level, "职工", str(weight), f"{place} {bound}"),
                            *(f"{cost // 100}.{cost % 100:02}", band, str(half_up(yuan))),
                        ),
                        strict=True,
                    )
                )
