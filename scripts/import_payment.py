"""Writes payment packs from the settlement parameters of cities: one folder for each city and scheme.

python scripts/import_payment.py PAYMENT OUT [--dip CATALOGUE]

PAYMENT holds cities.csv, point_values.csv, rates.csv, hospital_coefficients.csv, multiples.csv and the
weights and rates of one city (its README says what each column means); CATALOGUE is the folder of a DIP
catalogue, which gives one more pack: scores without a price. How each word of multiples.csv becomes bands
is in docs/payment.md.
"""

from __future__ import annotations

import argparse
import csv
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

Row = dict[str, str]

BAND_COLUMNS = (
    *(
        "band",
        "level",
        "insurance",
        "weight_from",
        "weight_to",
        "from",
        "from_inclusive",
        "to",
        "to_inclusive",
    ),
    *("fixed", "fixed_without_coefficient", "per_multiple", "divisor", "pay_divisor", "doubt"),
)
PRICE_COLUMNS = ("level", "insurance", "price_yuan", "valid_from", "valid_until", "status", "as_of")
AS_OF = "2024-07"
"""When the parameters were compiled."""

INSURANCES = {"职工": ["310"], "居民": ["390"]}
"""Names of the insurances in the tables, and the code that hospitals send for each (insutype)."""

WEIGHTS_OF = ("哈尔滨", "haerbin_2022")
"""The city whose weights and whole set of rates are in tables of their own."""

FIVE_BANDS_OF = "银川"
"""The city whose doubt names five bands; ``multiples.csv`` has room for two limits."""

EXCESS_AT_STANDARD = ("宜宾", "宁波")
"""Cities whose deduction is (H - k)·w, so that what is paid is standard_plus_excess by another name."""

LESS_WITHOUT_COEFFICIENT = ("丹东",)
"""Cities whose deduction is (H - 1)·w, without the coefficient."""


def read(path: Path) -> list[Row]:
    """Return the rows of a table."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write a table; cells that a row lacks stay empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def low_pay(word: str) -> Row:
    """Return what a low case is paid: fixed parts, part per multiple and what the multiple is of."""
    if word == "actual_cost":
        return {"per_multiple": "1", "pay_divisor": "cost"}
    if word in ("points_of_cost", "rate_of_cost"):
        return {"per_multiple": "1", "pay_divisor": "mean_x_weight"}
    if word == "score_x_multiple":
        return {"per_multiple": "1", "pay_divisor": "standard"}
    raise ValueError(f"low_pay '{word}' is not known")


def high_pay(word: str, limit: str, city: str) -> Row:
    """Return what a high case above a limit is paid; see :func:`low_pay`."""
    high = Decimal(limit)
    if word == "actual_cost":
        return low_pay(word)
    if word == "standard_plus_excess" or (word == "cost_less_band" and city in EXCESS_AT_STANDARD):
        excess = {"fixed": "1", "fixed_without_coefficient": str(-high)}
        return {**excess, "per_multiple": "1", "pay_divisor": "mean_x_weight"}
    if word == "cost_less_band":
        part = "fixed_without_coefficient" if city in LESS_WITHOUT_COEFFICIENT else "fixed"
        return {part: str(1 - high), "per_multiple": "1", "pay_divisor": "mean_x_weight"}
    shares = {
        "standard_plus_0.7_excess": ("1", "0.7"),
        "standard_x_1.7_plus_0.5_excess": ("1.7", "0.5"),
    }
    if word in shares:
        base, share = map(Decimal, shares[word])
        return {"fixed": str(base - share * high), "per_multiple": str(share), "pay_divisor": "standard"}
    if word == "score_x_multiple_less_0.4":
        return {"fixed": "-0.4", "per_multiple": "1", "pay_divisor": "standard"}
    raise ValueError(f"high_pay '{word}' is not known")


def bands_of(row: Row, divisor: str) -> list[Row]:
    """Return the bands of one row of multiples.csv."""
    low, high = row["low_multiple"], row["high_multiple"]
    at_low, at_high = row["low_inclusive"] == "yes", row["high_inclusive"] == "yes"
    pieces: list[Row] = [
        span("low", "", False, low, at_low) | low_pay(row["low_pay"]),
        span("normal", low, not at_low, high, not at_high) | {"fixed": "1"},
        span("high", high, at_high, "", False) | high_pay(row["high_pay"], high, row["city"]),
    ]
    if row["city"] == FIVE_BANDS_OF:
        pieces[0] = span("low", "0.4", False, low, at_low) | low_pay(row["low_pay"])
        pieces[2] = span("high", high, at_high, "2.5", True) | high_pay(row["high_pay"], high, row["city"])
        pieces.insert(0, span("very_low", "", False, "0.4", True) | low_pay("actual_cost"))
        pieces.append(span("very_high", "2.5", False, "", False) | {"fixed": "2.1"})
    same = {
        "level": row["level"],
        "weight_from": row["weight_from_exclusive"],
        "weight_to": row["weight_to_inclusive"],
        "divisor": divisor,
        "doubt": row["doubt"],
    }
    return [same | piece for piece in pieces]


def span(band: str, start: str, start_in: bool, end: str, end_in: bool) -> Row:
    """Return the limits of a band."""
    yes = {True: "yes", False: ""}
    return {
        "band": band,
        "from": start,
        "from_inclusive": yes[start_in],
        "to": end,
        "to_inclusive": yes[end_in],
    }


def divisor_of(row: Row, city: Row) -> str:
    """Return the divisor of a row in the words of a pack: where a mean is stated, the mean measures."""
    if row["multiple_divisor"] == "standard" and city["mean_cost_yuan"]:
        return "mean_x_weight_x_coefficient"
    return row["multiple_divisor"]


def header_of(city: Row, levels: Sequence[str], *, scheme: str, title: str) -> str:
    """Return the text of payment.toml."""
    lines = [
        f'id = "{scheme}_{city["city"]}"',
        'kind = "payment"',
        f'title = "{title}"',
        'version = "1"',
        f'scheme = "{scheme}"',
        f'region = "{city["city"]}"',
        f'method = "{city["payment_kind"]}"',
    ]
    for key in ("mean_cost_yuan", "points_per_weight"):
        if city[key]:
            lines.append(f"{key} = {city[key]}")
    lines += [f"levels = {quoted(levels)}", "demonstration = false", "", "[insurance]"]
    lines += [f'"{name}" = {quoted(codes)}' for name, codes in INSURANCES.items()]
    return "\n".join(lines) + "\n"


def quoted(words: Iterable[str]) -> str:
    """Return a list of texts in TOML."""
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def import_cities(payment: Path, out: Path) -> list[Path]:
    """Write the pack of every row of cities.csv, and return their folders."""
    tables = {
        name: read(payment / f"{name}.csv")
        for name in ("cities", "point_values", "rates", "hospital_coefficients", "multiples")
    }
    folders = []
    for city in tables["cities"]:
        key = (city["city"], city["scheme"])
        own = {
            name: [row for row in rows if (row["city"], row["scheme"]) == key]
            for name, rows in tables.items()
        }
        folder = out / f"{city['scheme']}_{city['city']}"
        folder.mkdir(parents=True, exist_ok=True)
        prices = [
            {
                "level": row.get("level", ""),
                "insurance": row["insurance"],
                "price_yuan": row.get("point_value_yuan") or row["rate_yuan"],
                "status": "provisional",
                "as_of": AS_OF,
            }
            for row in own["point_values"] + own["rates"]
        ]
        if key == WEIGHTS_OF:
            prices = [
                {**row, "price_yuan": row["rate_yuan"], "status": "settled"}
                for row in read(payment / "harbin_2022_rates.csv")
            ]
            for row in prices:
                del row["rate_yuan"]
            weights = read(payment / "harbin_2022_weights.csv")
            write(
                folder / "weights.csv",
                ("group", "weight"),
                ({"group": row["drg"], "weight": row["weight"]} for row in weights),
            )
        coefficients = own["hospital_coefficients"]
        bands = [band for row in own["multiples"] for band in bands_of(row, divisor_of(row, city))]
        levels = city["hospital_levels"].split("|")
        levels += [row["level"] for row in (*prices, *coefficients, *bands) if row["level"]]
        title = f"{city['city']} {city['scheme']}"
        text = header_of(city, list(dict.fromkeys(levels)), scheme=city["scheme"], title=title)
        (folder / "payment.toml").write_text(text, "utf-8")
        write(folder / "prices.csv", PRICE_COLUMNS, prices)
        write(folder / "bands.csv", BAND_COLUMNS, bands)
        if coefficients:
            kept = ({name: row[name] for name in ("level", "coefficient")} for row in coefficients)
            write(folder / "coefficients.csv", ("level", "coefficient"), kept)
        folders.append(folder)
    return folders


def import_catalogue(catalogue: Path, out: Path) -> Path:
    """Write the pack of a DIP catalogue: its own scores, no price, multiples of the group's mean."""
    scheme = tomllib.loads((catalogue / "scheme.toml").read_text("utf-8"), parse_float=str)
    low, high = scheme["low_multiple"], scheme["high_multiple"]
    city = {
        "city": re.sub(r"_\d+$", "", scheme["id"]),
        "payment_kind": "score",
        "mean_cost_yuan": "",
        "points_per_weight": "",
    }
    folder = out / f"{scheme['id']}_payment"
    folder.mkdir(parents=True, exist_ok=True)
    text = header_of(city, (), scheme=scheme["id"], title=f"{scheme['title']}, payment")
    (folder / "payment.toml").write_text(text, "utf-8")
    mean = {"divisor": "group_mean", "per_multiple": "1"}
    write(
        folder / "bands.csv",
        BAND_COLUMNS,
        [
            span("low", "", False, low, True) | mean,
            span("normal", low, False, high, True) | {"divisor": "group_mean", "fixed": "1"},
            span("high", high, False, "", False) | mean | {"fixed": str(1 - Decimal(high))},
        ],
    )
    return folder


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("payment", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dip", type=Path, help="folder of a DIP catalogue")
    options = parser.parse_args()
    folders = import_cities(options.payment, options.out)
    if options.dip:
        folders.append(import_catalogue(options.dip, options.out))
    print(f"{len(folders)} packs in {options.out}")


if __name__ == "__main__":
    main()
