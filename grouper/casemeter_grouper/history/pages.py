"""Front pages of made-up stays as the coder wrote them, and the tables beside them, as frames.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.history.charges import Charges
from casemeter_grouper.history.course import KINDS, TO_THE_END, Course
from casemeter_grouper.history.draw import Stays
from casemeter_grouper.history.recipe import Recipe
from casemeter_grouper.history.world import Ints, World

MOST_OTHERS: Final = 40
"""Places for other diagnoses, and for other procedures, on the front page."""

_MONEY = pl.Decimal(18, 2)
_MALE, _FEMALE = "1", "2"  # RC001
_ON_ORDER = "1"  # RC019
_NO_CODE = -1

Items = Mapping[str, tuple[int, tuple[float, float]]]
"""Items of the front page: their category, from 0, and their share of it without and with procedures."""


class Coded(NamedTuple):
    """Codes as the coder wrote them, as numbers of the world's; one row for each stay, -1 behind the last.

    Attributes:
        principal: int32, ``n``.
        others: int32, ``n x 40``: other diagnoses.
        procedures: int32, ``n x`` the most of any plan: the main one first.
    """

    principal: Ints
    others: Ints
    procedures: Ints


def coded(world: World, stays: Stays) -> Coded:
    """Return what the coder wrote; see step 11 of the law."""
    vague = world.variant[world.variant_at[stays.scenario]]
    counts = np.diff(world.procedure_at)
    procedures = np.full((len(stays.days), max(1, int(counts.max()))), _NO_CODE, np.int32)
    taken = np.where(stays.no_procedure, 0, counts[stays.plan])
    for place in range(procedures.shape[1]):
        has = taken > place
        procedures[has, place] = world.procedure[world.procedure_at[stays.plan[has]] + place]
    return Coded(np.where(stays.vague, vague, stays.variant), _others(world, stays), procedures)


def _others(world: World, stays: Stays) -> Ints:
    of = np.repeat(np.arange(len(stays.days)), np.diff(stays.comorbid_at))[stays.comorbid_coded]
    codes = world.comorbid[stays.comorbid[stays.comorbid_coded]]
    starts = np.searchsorted(of, np.arange(len(stays.days)))
    place = np.arange(len(of)) - starts[of]
    # The front page has no more places; the law comes near so many never.
    fits = place < MOST_OTHERS
    others = np.full((len(stays.days), MOST_OTHERS), _NO_CODE, np.int32)
    others[of[fits], place[fits]] = codes[fits]
    return others


def items_of(recipe: Recipe) -> Items:
    """Return the items of the front page that a recipe fills, in the order of the page."""
    parts = [
        {
            item: (int(category) - 1, share)
            for category in recipe.profiles(f"charges.items.{part}")
            for item, share in recipe.items(f"charges.items.{part}.{category}").items()
        }
        for part in ("plain", "operated")
    ]
    return {
        item: (
            (parts[0].get(item) or parts[1][item])[0],
            (parts[0].get(item, (0, 0.0))[1], parts[1].get(item, (0, 0.0))[1]),
        )
        for item in sorted(parts[0] | parts[1])
    }


class Frames:
    """Makes the three tables of a shard."""

    def __init__(self, world: World, items: Items, record: str) -> None:
        """Arrange what every shard needs.

        Args:
            world: that the stays are drawn from.
            items: of :func:`items_of`.
            record: what the record numbers begin with.
        """
        self._world = world
        self._items = items
        self._record = record
        self._codes = pl.Series([*world.diagnoses, *world.procedures], dtype=pl.String)
        self._departments = pl.Series(list(world.departments), dtype=pl.String)

    def keys(self, first: int, count: int) -> pl.DataFrame:
        """Return A48 and A49 of stays.

        Args:
            first: number of the first stay of the history, from 0.
            count: how many.
        """
        numbers = pl.Series("A48", np.arange(first + 1, first + count + 1)).cast(pl.String).str.zfill(9)
        return pl.DataFrame(
            [
                (self._record + numbers).alias("A48"),
                pl.repeat(1, count, dtype=pl.Int32, eager=True).alias("A49"),
            ]
        )

    def pages(
        self, keys: pl.DataFrame, stays: Stays, charges: Charges, discharge: NDArray[np.int64]
    ) -> pl.DataFrame:
        """Return the front pages.

        Args:
            keys: of the stays.
            stays: as drawn.
            charges: of the same stays.
            discharge: day of the discharge of each, counted from 1970-01-01.
        """
        written = coded(self._world, stays)
        admission = discharge - stays.days
        newborn = stays.age_years == 0
        behind = len(self._world.diagnoses)
        procedures = np.where(written.procedures < 0, _NO_CODE, written.procedures + behind)
        columns = [
            pl.Series("A12C", np.where(stays.female, _FEMALE, _MALE)),
            _dates("A13", _births(admission, stays)),
            pl.Series("A14", stays.age_years),
            pl.Series("A16", np.where(newborn, stays.age_rest, _NO_CODE)).replace(_NO_CODE, None),
            _dates("B12", admission),
            _dates("B15", discharge),
            self._departments.gather(stays.department).alias("B16C"),
            pl.Series("B20", stays.days),
            pl.repeat(_ON_ORDER, len(keys), eager=True).alias("B34C"),
            self._texts("C03C", written.principal),
            *self._lists("C06x", written.others, 1),
            self._texts("C14x01C", procedures[:, 0]),
            *self._lists("C35x", procedures[:, 1:], 1),
            *self._money(stays, charges),
        ]
        return keys.hstack(columns)

    def days(self, keys: pl.DataFrame, charges: Charges) -> pl.DataFrame:
        """Return what was charged on each day."""
        columns = [pl.Series("day", charges.day)]
        columns += [
            pl.Series(f"c{category + 1:02}", np.ascontiguousarray(charges.fen[:, category]))
            for category in range(charges.fen.shape[1])
        ]
        return keys[charges.stay].hstack(columns)

    def course(self, keys: pl.DataFrame, course: Course) -> pl.DataFrame:
        """Return what was known from when."""
        kinds = pl.Series(list(KINDS), dtype=pl.String)
        columns = [
            pl.Series("from_day", course.from_day),
            pl.Series("until_day", course.until_day).replace(TO_THE_END, None),
            kinds.gather(course.kind).alias("kind"),
            self._codes.gather(course.code).alias("code"),
            pl.Series("position", course.position),
        ]
        return keys[course.stay].hstack(columns)

    def _texts(self, name: str, numbers: Ints) -> pl.Series:
        places = pl.Series(numbers, dtype=pl.Int32).replace(_NO_CODE, None).cast(pl.UInt32)
        return self._codes.gather(places).alias(name)

    def _lists(self, name: str, numbers: Ints, first: int) -> list[pl.Series]:
        return [
            self._texts(f"{name}{place + first:02}C", np.ascontiguousarray(numbers[:, place]))
            for place in range(numbers.shape[1])
        ]

    def _money(self, stays: Stays, charges: Charges) -> Sequence[pl.Series]:
        operated = (stays.operation_day > 0).astype(np.int64)
        left = charges.total.copy()
        parts: dict[str, NDArray[np.int64]] = {}
        for item, (category, shares) in self._items.items():
            part = (charges.total[:, category] * np.array(shares)[operated]).astype(np.int64)
            parts[item] = part
            left[:, category] -= part
        for item, (category, shares) in self._items.items():
            # What rounding left over goes to the first item that the category has there.
            takes = np.array(shares)[operated] > 0
            parts[item] += np.where(takes, left[:, category], 0)
            left[:, category] = np.where(takes, 0, left[:, category])
        return [_yuan("D01", stays.cost_fen), *(_yuan(item, part) for item, part in parts.items())]


def _yuan(name: str, fen: NDArray[np.int64]) -> pl.Series:
    return (pl.Series(name, fen) / 100).cast(_MONEY)


def _dates(name: str, days: NDArray[np.int64]) -> pl.Series:
    return pl.Series(name, days.astype(np.int32)).cast(pl.Date)


def _births(admission: NDArray[np.int64], stays: Stays) -> NDArray[np.int64]:
    """Return days of birth that make the drawn ages on admission."""
    on = admission.astype("datetime64[D]")
    months = on.astype("datetime64[M]")
    day = (on - months.astype("datetime64[D]")).astype(np.int64)
    month_then = months - 12 * stays.age_years.astype(np.int64)
    birthday = month_then.astype("datetime64[D]").astype(np.int64) + day
    # The 29th of February has no birthday in most years; a day more makes nobody younger.
    last = (month_then + 1).astype("datetime64[D]").astype(np.int64) - 1
    births: NDArray[np.int64] = np.minimum(birthday, last) - stays.age_rest
    return births


def first_day(until: date) -> date:
    """Return the first day of the three whole years that end on a day."""
    following = date.fromordinal(until.toordinal() + 1)
    if (following.month, following.day) == (2, 29):
        return date(following.year - 3, 3, 1)
    return following.replace(year=following.year - 3)
