"""What is written in the cells of settlement lists and front pages: moments, days, numbers, amounts."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

_DAY: Final = r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|(\d{2})(\d{2}))"
_CLOCK: Final = r"(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?|(\d{2})(\d{2})(\d{2}))?"
_MOMENT: Final = re.compile(_DAY + _CLOCK + r"\Z", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,12}(\.\d{1,12})?\Z", re.ASCII)
_DURATION: Final = re.compile(r"(\d{1,5})/(\d{1,2})/(\d{1,2})\Z", re.ASCII)
_MAX_AMOUNT: Final = 24
_MINUTES_PER_DAY: Final = 1440


class Cell(NamedTuple):
    """What is written somewhere, exactly as sent, and the place in the message."""

    text: str
    place: str

    @property
    def value(self) -> str:
        """What is written, without blanks around it; empty where that says that there is nothing."""
        text = self.text.strip()
        return "" if text in nothing() else text


NO_CELL: Final = Cell("", "")
"""What is not on a page."""


class When(NamedTuple):
    """A moment as it is written; ``clock`` is ``None`` where only the day is."""

    day: date
    clock: time | None

    def at(self, clock: time, zone: tzinfo) -> Timestamp:
        """Return the moment; of a day alone that of a clock time on it."""
        moment = datetime.combine(self.day, self.clock or clock, zone)
        return Timestamp(seconds=int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()))


@cache
def codes(name: str) -> Mapping[str, str]:
    """Return what the codes of an item mean: names in the contract by what is written."""
    with resources.files(__package__).joinpath("values.csv").open(encoding="utf-8") as lines:
        return {row["written"]: row["meaning"] for row in csv.DictReader(lines) if row["item"] == name}


@cache
def nothing() -> frozenset[str]:
    """Return what is written to say that there is nothing."""
    return frozenset(codes("nothing"))


def when(text: str) -> When | None:
    """Read a day or a moment; ``None``: it is neither."""
    found = _MOMENT.match(text)
    if found is None:
        return None
    numbers = [int(each) for each in found.groups() if each is not None]
    try:
        day = date(*numbers[:3])
        clock = time.fromisoformat(":".join(f"{each:02}" for each in numbers[3:])) if numbers[3:] else None
    except ValueError:
        return None
    return When(day, clock)


def number(text: str) -> Decimal | None:
    """Read a number of 0 or more; ``None``: it is none."""
    return Decimal(text) if _NUMBER.match(text) else None


def fen(text: str) -> int | None:
    """Read an amount in yuan; ``None``: it is none, or not of whole fen."""
    plain = text.replace(",", "")
    if len(plain) > _MAX_AMOUNT:
        return None
    try:
        amount = Decimal(plain) * 100
    except InvalidOperation:
        return None
    if not amount.is_finite() or abs(amount) > 10**15 or amount != int(amount):
        return None
    return int(amount)


def minutes(text: str) -> int | None:
    """Read days, hours and minutes written ``1/13/24``; ``None``: it is not written so."""
    found = _DURATION.match(text)
    if found is None:
        return None
    days, hours, rest = map(int, found.groups())
    return days * _MINUTES_PER_DAY + hours * 60 + rest
