"""Values as callers write them: moments, amounts and quantities."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Final, NamedTuple

_DAY: Final = r"(?P<year>\d{4})(?P<mark>[-/.]?)(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})"
_TIME: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.\d{1,9})?)?"
_ZONE: Final = r"(?P<offset>Z|[+-]\d{2}:?\d{2})?"
_WRITTEN: Final = re.compile(rf"{_DAY}(?:(?:T|\s+){_TIME}{_ZONE})?\Z", re.ASCII)
_COMPACT: Final = re.compile(
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
    r"(?:(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?(?:\d{3})?)?\Z",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(\.\d{1,12})?\Z", re.ASCII)
_EARLIEST_YEAR: Final = 1800
_FEN_PER_YUAN: Final = 100
_MOST_DIGITS: Final = 15

STILL_HERE: Final = 9999
"""The year of leaving that is sent for who has not left."""


class Moment(NamedTuple):
    """A moment of the hospital's local time.

    Attributes:
        at: with its zone, to the second.
        whole_day: only the day was told; ``at`` is its beginning.
    """

    at: datetime
    whole_day: bool


def read_moment(text: str, zone: tzinfo) -> Moment | None:
    """Return a moment; ``None``: the text is none."""
    found = _COMPACT.match(text) or _WRITTEN.match(text)
    if found is None or int(found["year"]) < _EARLIEST_YEAR:
        return None
    parts = found.groupdict()
    year, month, day = (int(parts[name]) for name in ("year", "month", "day"))
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=_zone_of(parts.get("offset"), zone))
        at.timestamp()  # a local time next to the last year may have none
    except (ValueError, OverflowError):
        return None
    return Moment(at, parts["hour"] is None)


def _zone_of(offset: str | None, zone: tzinfo) -> tzinfo:
    if not offset:
        return zone
    if offset == "Z":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def read_number(value: str) -> Decimal | None:
    """Return a decimal number; ``None``: the text is none, or has more digits than any amount."""
    return Decimal(value) if _NUMBER.match(value) else None


def number_text(value: Decimal) -> str:
    """Return a number as JSON numbers are read here: digits, never an exponent; empty: too long to be any."""
    return "" if abs(value.adjusted()) > _MOST_DIGITS else format(value, "f")


def fen_of(yuan: Decimal) -> int | None:
    """Return an amount in fen; ``None``: it is no whole number of fen."""
    fen = yuan * _FEN_PER_YUAN
    return int(fen) if fen == fen.to_integral_value() else None


def plain_text(value: Decimal) -> str:
    """Return a number without zeros at its end."""
    return format(value.normalize(), "f")
