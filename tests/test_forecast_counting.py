"""Counting and smoothing by hand: what a context's odds are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemeter_grouper.forecast.backoff import Beside, Fit, Odds, Strength, smooth, smooth_buckets
from casemeter_grouper.forecast.counting import Counts, count
from casemeter_grouper.forecast.keys import LEVEL_SHIFT, PARTS, Parts, keys_of, masks_of, places_of
from casemeter_grouper.forecast.severity import count as count_groups
from casemeter_grouper.forecast.severity import shares

FAMILIES = 4
LEVELS = [["code", "family"], ["family"]]


def parts_of(**columns: list[int]) -> Parts:
    """Days with these parts; 0 where nothing is said."""
    size = len(next(iter(columns.values())))
    return Parts(*(np.array(columns.get(name, [0] * size), np.int32) for name in PARTS))


def counted(level: int, names: list[str], parts: Parts, final: list[int], stay: list[int]) -> Counts:
    return count(level, masks_of([names])[0], parts, np.array(final, np.int32), np.array(stay))


def odds_of(odds: Odds, key: int) -> dict[int, float]:
    """Candidates of one context."""
    (at,) = np.flatnonzero(odds.keys == key)
    some = slice(odds.at[at], odds.at[at + 1])
    return dict(zip(odds.family[some].tolist(), odds.probability[some].tolist(), strict=True))


def test_a_stay_counts_once_in_a_context() -> None:
    parts = parts_of(code=[7, 7, 7, 8], family=[2, 2, 2, 2])
    by_code = counted(0, ["code", "family"], parts, [2, 2, 3, 2], [0, 0, 1, 2])
    assert by_code.keys.tolist() == keys_of(0, masks_of([["code", "family"]])[0], parts)[[0, 3]].tolist()
    assert (by_code.at.tolist(), by_code.family.tolist()) == ([0, 2, 3], [2, 3, 2])
    assert by_code.counted.tolist() == [1, 1, 1]
    assert by_code.cases.tolist() == [2, 1]
    by_family = counted(1, ["family"], parts, [2, 2, 3, 2], [0, 0, 1, 2])
    assert by_family.counted.tolist() == [2, 1]
    assert by_family.keys[0] >> LEVEL_SHIFT == 1


def smoothed(
    parts: Parts, final: list[int], stay: list[int], fit: Fit, besides: list[Beside | None] | None = None
) -> list[Odds]:
    levels = [counted(at, names, parts, final, stay) for at, names in enumerate(LEVELS)]
    return smooth(levels, masks_of(LEVELS), besides or [None, None], parts, fit, FAMILIES)


def test_counts_are_smoothed_into_the_more_general_context() -> None:
    parts = parts_of(code=[1, 1, 1, 2], family=[1, 1, 1, 1])
    fit = Fit([Strength(0.5, 3.0), Strength(0.25, 1.0)], [0.0, 0.0])
    special, general = smoothed(parts, [1, 1, 2, 3], [0, 1, 2, 3], fit)
    # Four stays in three families: of each a quarter of a stay and one stay of strength go to an even share.
    share = (1 + 0.25 * 3) / (4 + 1) / FAMILIES
    first, second, third = 1.75 / 5 + share, 0.75 / 5 + share, 0.75 / 5 + share
    assert odds_of(general, int(general.keys[0])) == pytest.approx({1: first, 2: second, 3: third})
    assert general.rest.tolist() == pytest.approx([share])
    # The first code: three stays in two families.
    left = (3 + 0.5 * 2) / (3 + 3)
    assert odds_of(special, int(special.keys[0])) == pytest.approx(
        {1: 1.5 / 6 + left * first, 2: 0.5 / 6 + left * second, 3: left * third}
    )
    assert special.cases.tolist() == [3, 1]


def test_what_lies_beside_is_mixed_in() -> None:
    parts = parts_of(code=[1, 1, 1, 1], family=[1, 2, 2, 2])
    mask = masks_of([["code"]])[0]
    beside = Beside(mask, counted(0, ["code"], parts, [1, 2, 2, 2], [0, 1, 2, 3]))
    plain = Fit([Strength(0.0, 9.0), Strength(0.0, 1.0)], [0.0, 0.0])
    mixed = plain._replace(shares=[0.1, 0.0])
    without = smoothed(parts, [1, 2, 2, 2], [0, 1, 2, 3], plain)[0]
    with_it = smoothed(parts, [1, 2, 2, 2], [0, 1, 2, 3], mixed, [beside, None])[0]
    key = int(without.keys[0])
    # Most stays with that code ended in family 2: it is likelier for one that stands in family 1.
    assert odds_of(with_it, key)[2] > 2 * odds_of(without, key).get(2, 0.0)


@given(
    days=st.lists(
        st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, FAMILIES), st.integers(0, 2)),
        min_size=1,
        max_size=30,
    ),
    discount=st.floats(0, 0.99),
    strength=st.floats(0.01, 1000),
)
def test_all_odds_add_up(days: list[tuple[int, int, int, int]], discount: float, strength: float) -> None:
    code, family, final, bucket = (list(column) for column in zip(*days, strict=True))
    parts = parts_of(code=code, family=family, bucket=bucket)
    stay = list(range(len(days)))
    fit = Fit([Strength(discount, strength)] * 2, [0.0, 0.0])
    all_days = smoothed(parts, final, stay, fit)
    by_bucket = [[*names, "bucket"] for names in LEVELS]
    counts = [counted(at, names, parts, final, stay) for at, names in enumerate(by_bucket)]
    masks, all_masks = masks_of(by_bucket), masks_of(LEVELS)
    found = smooth_buckets(counts, masks, all_days, all_masks, parts, Strength(discount, strength), FAMILIES)
    for odds in (*all_days, *found):
        sums = np.add.reduceat(odds.probability, odds.at[:-1]) + odds.rest
        assert sums == pytest.approx(np.ones(len(sums)))
        assert (odds.probability > 0).all()
        assert (np.diff(odds.at) <= FAMILIES).all()


def test_places_of_keys() -> None:
    keys = np.array([3, 5, 9])
    assert places_of(keys, np.array([5, 4, 9, 3, 100])).tolist() == [1, -1, 2, 0, -1]
    assert places_of(keys[:0], np.array([5])).tolist() == [-1]


class TestShares:
    """Groups 1 and 2 are one family, 3 is alone, 4 is of the first one and only for what is not divided."""

    FAMILY = (1, 1, 2, 1)
    EXPECTED = (True, True, True, False)

    def found(
        self, final: list[int], state: list[int]
    ) -> tuple[list[int], np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
        size = len(final)
        same = np.zeros(size, np.int32)
        counts = count_groups(4, (1, 1), np.array(final, np.int32), np.array(state, np.int32), same, same)
        row, rows = shares(self.FAMILY, self.EXPECTED, counts)
        return row.tolist(), rows

    def test_a_group_that_is_alone_has_all(self) -> None:
        row, rows = self.found([1, 3], [0, 0])
        assert row[3] == 0
        assert (rows[0] == 1).all()

    def test_shares_of_a_family_add_up(self) -> None:
        row, rows = self.found([1, 1, 2, 3], [0, 1, 1, 2])
        assert rows[[row[1], row[2], row[4]]].sum(axis=0) == pytest.approx(np.ones(rows.shape[1]))

    def test_what_is_not_divided_is_expected_only_once_it_was_seen(self) -> None:
        row, rows = self.found([1, 2], [0, 0])
        assert (rows[row[4]] == 0).all()
        row, rows = self.found([1, 2, 4], [0, 0, 0])
        assert (rows[row[4]] > 0).all()

    def test_complications_tell(self) -> None:
        row, rows = self.found([1] * 500 + [2] * 500, [0] * 500 + [4] * 500)
        assert rows[row[1], 0] > 0.9
        assert rows[row[1], 4] < 0.1
        # A state that was never seen has the share of all.
        assert rows[row[1], 7] == pytest.approx(0.5)
