"""Days and dates in compiled code."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from functools import cache
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

_DAY: Final = 86_400
# No zone known has kept an offset for less than a week since 1970.
_STEP: Final = 3 * _DAY
_LAST: Final = int(datetime(2100, 1, 2, tzinfo=UTC).timestamp())


@cache
def offsets_of(zone: tzinfo) -> NDArray[np.int64]:
    """Return when a zone changes its offset from UTC, from 1970 to 2100.

    Returns:
        int64, one row for each offset, in the order of time: the second since 1970 from which it holds, and
        the offset in seconds.
    """
    rows = [(0, _offset(zone, 0))]
    for second in range(_STEP, _LAST + _STEP, _STEP):
        offset = _offset(zone, second)
        if offset != rows[-1][1]:
            before, after = second - _STEP, second
            while after - before > 1:
                middle = (before + after) // 2
                if _offset(zone, middle) == offset:
                    after = middle
                else:
                    before = middle
            rows.append((after, offset))
    return np.array(rows, np.int64)


def _offset(zone: tzinfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    assert offset is not None
    # Whole seconds: so are the offsets of every zone.
    return round(offset.total_seconds())


def day_number(day: date) -> int:
    """Return the days from 1970-01-01 to a date."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def iso_day(number: int) -> str:
    """Return ``YYYY-MM-DD`` of a number of days since 1970-01-01."""
    return date.fromordinal(number + date(1970, 1, 1).toordinal()).isoformat()


@njit(cache=True, nogil=True)
def local_day(moment, offsets):  # type: ignore[no-untyped-def]
    """Return the local day of a moment in seconds since 1970, as days since 1970-01-01."""
    second = int(np.floor(moment))
    row = offsets.shape[0] - 1
    while row > 0 and second < offsets[row, 0]:
        row -= 1
    return (second + offsets[row, 1]) // _DAY


# Between dates and days: the year begins in March, so that the leap day is its last; an era is the 400 years,
# or 146,097 days, after which the calendar repeats; 719,468 days lie between 0000-03-01 and 1970-01-01.
# See Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".


@njit(cache=True, nogil=True)
def day_of(year, month, day):  # type: ignore[no-untyped-def]
    """Return the days from 1970-01-01 to a date of the Gregorian calendar."""
    year -= month <= 2
    era = year // 400
    of_era = year - 400 * era
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


@njit(cache=True, nogil=True)
def date_of(days):  # type: ignore[no-untyped-def]
    """Return year, month and day of a number of days since 1970-01-01."""
    days += 719_468
    era = days // 146_097
    rest = days - era * 146_097
    of_era = (rest - rest // 1460 + rest // 36_524 - rest // 146_096) // 365
    of_year = rest - (365 * of_era + of_era // 4 - of_era // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return of_era + 400 * era + (month <= 2), month, day


@njit(cache=True, nogil=True)
def _digits(data, at, count):  # type: ignore[no-untyped-def]
    """Return the number that so many digits write; below 0: they are not all digits."""
    number = 0
    for place in range(at, at + count):
        digit = int(data[place]) - 48
        if not 0 <= digit <= 9:
            return -1
        number = 10 * number + digit
    return number


@njit(cache=True, nogil=True)
def read_date(data, at, end):  # type: ignore[no-untyped-def]
    """Read a date written ``YYYY-MM-DD``; return its year, month and day; month 0: it is none."""
    hyphen = 45
    if end - at != 10 or data[at + 4] != hyphen or data[at + 7] != hyphen:
        return 0, 0, 0
    year, month, day = _digits(data, at, 4), _digits(data, at + 5, 2), _digits(data, at + 8, 2)
    if year < 1 or not 1 <= month <= 12 or day < 1:
        return 0, 0, 0
    # A day beyond the end of its month comes back as another date.
    return (year, month, day) if date_of(day_of(year, month, day)) == (year, month, day) else (0, 0, 0)
