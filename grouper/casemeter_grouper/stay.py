"""The numbers of a stay that are counted by days: ages and length of stay."""

from __future__ import annotations

from datetime import date


def age_on(birth: date, day: date) -> tuple[int, int]:
    """Return completed years and completed days of age on a day; the day of birth is day 0.

    Raises:
        ValueError: the day lies before the birth.
    """
    days = (day - birth).days
    if days < 0:
        raise ValueError(f"{day} lies before the birth on {birth}")
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day)), days


def years_fit_days(years: int, days: int) -> bool:
    """Whether so many completed years and so many completed days can be one age.

    Generous: a year has 365 or 366 days, and senders that know only one of the two often estimate the other.
    """
    return 365 * years <= days < 366 * (years + 1)


def length_of_stay(admission: date, end: date) -> int:
    """Return the length of stay in days, admission and end on the same day counting 1.

    Source: national front page of the inpatient record (住院病案首页), 实际住院天数.
    """
    return max(1, (end - admission).days)
