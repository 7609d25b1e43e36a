"""Ages and lengths of stay, day by day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemeter_grouper.stay import age_on, length_of_stay, years_fit_days


@pytest.mark.parametrize(
    ("birth", "day", "years", "days"),
    [
        ("2026-03-01", "2026-03-01", 0, 0),
        ("2026-03-01", "2026-03-02", 0, 1),
        ("2026-02-01", "2026-03-01", 0, 28),
        ("2024-02-01", "2024-03-01", 0, 29),
        ("2025-03-02", "2026-03-01", 0, 364),
        ("2025-03-01", "2026-03-01", 1, 365),
        ("2023-03-01", "2024-02-29", 0, 365),
        ("2023-03-01", "2024-03-01", 1, 366),
        ("2008-03-02", "2026-03-01", 17, 6573),
        ("2008-03-01", "2026-03-01", 18, 6574),
        ("2024-12-31", "2025-01-01", 0, 1),
        # Born on a leap day: a year is complete on 1 March, in leap years on 29 February.
        ("2024-02-29", "2025-02-28", 0, 365),
        ("2024-02-29", "2025-03-01", 1, 366),
        ("2024-02-29", "2028-02-28", 3, 1460),
        ("2024-02-29", "2028-02-29", 4, 1461),
        # 1900 was no leap year.
        ("1896-02-29", "1900-02-28", 3, 1460),
        ("1896-02-29", "1900-03-01", 4, 1461),
        ("1912-07-15", "2026-07-14", 113, 41637),
    ],
)
def test_age_in_completed_years_and_days(birth: str, day: str, years: int, days: int) -> None:
    assert age_on(date.fromisoformat(birth), date.fromisoformat(day)) == (years, days)


def test_there_is_no_age_before_birth() -> None:
    with pytest.raises(ValueError, match="2026-03-01 lies before the birth on 2026-03-02"):
        age_on(date(2026, 3, 2), date(2026, 3, 1))


@pytest.mark.parametrize(
    ("years", "days", "fit"),
    [
        (0, 0, True),
        (0, 28, True),
        (0, 365, True),
        (0, 366, False),
        (1, 364, False),
        (1, 365, True),
        (1, 731, True),
        (1, 732, False),
        (17, 6204, False),
        (17, 6205, True),
        (17, 6587, True),
        (17, 6588, False),
        (60, 0, False),
        (60, 21900, True),
        (0, 21900, False),
    ],
)
def test_years_and_days_that_can_be_one_age(years: int, days: int, fit: bool) -> None:
    assert years_fit_days(years, days) is fit


BIRTHS = st.dates(date(1880, 1, 1), date(2100, 1, 1))


@given(BIRTHS, st.integers(0, 55_000))
def test_every_true_age_fits_itself(birth: date, days: int) -> None:
    years, counted = age_on(birth, birth + timedelta(days))
    assert counted == days
    assert years_fit_days(years, days)


@given(BIRTHS, st.integers(0, 150))
def test_an_age_turns_on_the_birthday_and_not_the_day_before(birth: date, years: int) -> None:
    year = birth.year + years
    is_leap_day = (birth.month, birth.day) == (2, 29)
    birthday = birth.replace(year=year) if not is_leap_day or _is_leap(year) else date(year, 3, 1)
    assert age_on(birth, birthday)[0] == years
    if years:
        assert age_on(birth, birthday - timedelta(1))[0] == years - 1


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@pytest.mark.parametrize(
    ("admission", "end", "days"),
    [
        ("2026-03-01", "2026-03-01", 1),
        ("2026-03-01", "2026-03-02", 1),
        ("2026-03-01", "2026-03-03", 2),
        ("2026-02-28", "2026-03-01", 1),
        ("2024-02-28", "2024-03-01", 2),
        ("2025-12-31", "2026-01-02", 2),
        ("2026-03-01", "2026-03-31", 30),
        ("2025-03-01", "2026-03-01", 365),
    ],
)
def test_length_of_stay(admission: str, end: str, days: int) -> None:
    assert length_of_stay(date.fromisoformat(admission), date.fromisoformat(end)) == days
