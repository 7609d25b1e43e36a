"""Writing what was fitted as a benchmark pack, whole or not at all."""

from __future__ import annotations

import csv
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from fractions import Fraction
from math import isqrt
from pathlib import Path
from typing import Any, NamedTuple

from casemeter_grouper.benchmark.categories import FRONT_PAGE, categories
from casemeter_grouper.benchmark.fitting.figures import Dropped, Figures, Fitted
from casemeter_grouper.benchmark.header import FILE as HEADER
from casemeter_grouper.benchmark.header import KIND
from casemeter_grouper.benchmark.load import (
    COST_BY_DAY,
    DROPPED,
    MEASURES,
    POLICY,
    STRUCTURE,
    UNMEASURED,
    load,
)
from casemeter_grouper.benchmark.spread import COST_COLUMNS, LOS_COLUMNS
from casemeter_grouper.payment.pricing import FEN
from casemeter_grouper.rounding import half_up


class Label(NamedTuple):
    """Who the pack is.

    Attributes:
        id: of the pack.
        scheme: id of the pack whose groups were measured.
        made_up: the stays are invented.
    """

    id: str
    scheme: str
    made_up: bool


def write_pack(folder: Path, fitted: Fitted, label: Label, policy: str, dropped: Sequence[Dropped]) -> None:
    """Write a benchmark pack and check it; it appears only when all of it is sound.

    Args:
        folder: must not exist yet.
        fitted: what was found.
        label: who the pack is.
        policy: text of the policy that was used.
        dropped: all that was not used, by the reader of the history too.

    Raises:
        FileExistsError: the folder is there already.
        PackError: what was found makes no sound pack; nothing is written.
        OSError: it cannot be written.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; name a folder that is not")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    partial.mkdir()
    try:
        (partial / HEADER).write_text(_header(fitted, label), "utf-8")
        (partial / POLICY).write_text(policy, "utf-8")
        _table(partial / MEASURES, _MEASURES, _measures(fitted))
        _table(partial / STRUCTURE, ("group_code", "category", "share"), _structure(fitted))
        _table(partial / COST_BY_DAY, _DAYS, _days(fitted))
        _table(partial / DROPPED, ("reason", "count", "example"), map(astuple, dropped))
        _table(partial / UNMEASURED, ("group_code", "cases", "adrg", "adrg_cases"), fitted.unmeasured)
        load(partial)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def decimal(value: Fraction, digits: int) -> str:
    """Write a number with so many decimals, half up."""
    whole, rest = divmod(half_up(value * 10**digits), 10**digits)
    return f"{whole}.{rest:0{digits}}" if digits else f"{whole}"


_MEASURES = (
    *("group_code", "basis", "cases", "own_cases", "set_aside", "mean_cost_yuan", "cv"),
    *(*COST_COLUMNS.values(), "mean_los_days", *LOS_COLUMNS.values()),
)
_DAYS = ("group_code", "day", "cases", "mean_cost_yuan", *COST_COLUMNS.values())


def _header(fitted: Fitted, label: Label) -> str:
    period = f"{fitted.first_year}–{fitted.last_year}"
    if fitted.first_year == fitted.last_year:
        period = f"{fitted.last_year}"
    invented = ", made up 虚构" if label.made_up else ""
    lines = (
        f'id = "{label.id}"',
        f'kind = "{KIND}"',
        f'title = "Settled stays {period}{invented}"',
        f'scheme = "{label.scheme}"',
        f'period = "{period}"',
        f'category_system = "{FRONT_PAGE}"',
        f"demonstration = {str(label.made_up).lower()}",
    )
    return "\n".join(lines) + "\n"


def _measures(fitted: Fitted) -> Iterator[tuple[Any, ...]]:
    for code, basis, own, found in fitted.measured:
        yield (
            *(code, basis, found.cases, own, found.set_aside, _yuan(found.mean_fen), _cv(found)),
            *map(_yuan, found.cost_fen),
            decimal(found.mean_los, 4),
            *(decimal(days, 1) for days in found.los),
        )


def _structure(fitted: Fitted) -> Iterator[tuple[Any, ...]]:
    for code, _, _, found in fitted.measured:
        for category, share in zip(categories(FRONT_PAGE), found.shares, strict=False):
            # Rounded down, so that the shares of a group never add up to more than 1.
            yield code, category, decimal(Fraction(int(share * 10**6), 10**6), 6)


def _days(fitted: Fitted) -> Iterator[tuple[Any, ...]]:
    for code, _, _, found in fitted.measured:
        for day, (still_in, mean, fen) in enumerate(found.days, 1):
            yield code, day, still_in, _yuan(mean), *map(_yuan, fen)


def _yuan(fen: Fraction) -> str:
    return decimal(fen / FEN, 4)


def _cv(found: Figures) -> str:
    """Write the root of a number, rounded down to six decimals."""
    square = found.cv_squared * 10**12
    return decimal(Fraction(isqrt(square.numerator // square.denominator), 10**6), 6)


def _table(path: Path, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
