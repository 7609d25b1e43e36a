"""Prices as compiled code reads them: to the fen what the tariffs say, or nothing."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter_grouper.payment.tariff import Line, Piece, Segment, Tariff
from casemeter_server.plain.prices import UNKNOWN, Prices, paid

GROUPS = 3
fractions = st.fractions(-(10**6), 10**9, max_denominator=10**7)
numbers = st.integers(-(2**70), 2**70)
lines = st.one_of(
    st.none(),
    st.builds(Line.of, fractions, st.fractions(-3, 3, max_denominator=10**6)),
    st.builds(Line, numbers, numbers, st.integers(1, 2**70)),
)
costs = st.one_of(st.integers(0, 10**9), st.integers(0, 10**13))


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    starts = sorted({0, *draw(st.lists(st.integers(1, 10**9), max_size=4))})
    pieces = tuple(
        Piece(
            Segment(draw(st.sampled_from(("低", "正常", "high"))), start, None, ""), line, None, Fraction(1)
        )
        for start, line in zip(starts, draw(st.tuples(*[lines] * len(starts))), strict=True)
    )
    return Tariff(None, Fraction(1), Fraction(1), None, False, "", (), pieces)


@settings(max_examples=300, deadline=None)
@given(drawn=st.tuples(*[tariffs()] * GROUPS), cost=costs)
def test_a_kept_tariff_pays_what_the_tariff_pays(drawn: tuple[Tariff, ...], cost: int) -> None:
    prices = Prices.of(GROUPS)
    for group, tariff in enumerate(drawn, 1):
        prices = prices.paying(group, tariff)
    for group, tariff in enumerate(drawn, 1):
        reason, has_payment, payment, first, end = paid(prices.rows, group, cost)
        money, band = tariff.paid(cost)
        if reason != UNKNOWN:
            assert reason == 0
            assert (payment if has_payment else None, prices.bands[first:end].decode()) == (money, band)
            assert end - first <= prices.longest


@given(line=st.builds(Line.of, fractions, st.fractions(-3, 3, max_denominator=10**4)))
def test_ordinary_prices_are_always_told(line: Line) -> None:
    (piece,) = (Piece(Segment("b", 0, None, ""), line, None, Fraction(1)),)
    prices = Prices.of(1).paying(1, Tariff(None, Fraction(1), Fraction(1), None, False, "", (), (piece,)))
    assert paid(prices.rows, 1, 10**7)[0] == 0


@pytest.mark.parametrize(("payment", "band"), [(None, "b"), (0, ""), (-5, "b"), (123_456_789_012, "b")])
def test_the_price_at_one_cost(payment: int | None, band: str) -> None:
    prices = Prices.of(2).at_one_cost(2, 0, payment, band)
    reason, has_payment, found, first, end = paid(prices.rows, 2, 7)
    assert (reason, found if has_payment else None, prices.bands[first:end].decode()) == (0, payment, band)


def test_what_is_not_paid_and_what_is_not_known() -> None:
    prices = Prices.of(2).told(1, 5)
    assert [paid(prices.rows, group, 100)[0] for group in (1, 2)] == [5, UNKNOWN]
    assert [prices.knows(group) for group in (1, 2)] == [True, False]
    assert paid(Prices.of(2, 4).rows, 2, 100)[0] == 4
    assert paid(Prices.of(1).at_one_cost(1, 0, 3, "").rows, 1, -1)[0] == UNKNOWN
