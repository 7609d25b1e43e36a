"""Moments on the front page, and chains of them that must follow each other."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from casemeter_rules.coding.fields import Entry, entries, has_none
from casemeter_rules.coding.tables import aliases
from casemeter_rules.columns import CellError
from casemeter_rules.facts import MINUTES_PER_DAY, Stay
from casemeter_rules.kind import Hit, Undecided

_FORMS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y%m%d%H%M%S")
_DAYS: Final = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d")
_EPOCH: Final = datetime.datetime(1970, 1, 1)
_STEP: Final = re.compile(r"\s*(<=|<)\s*")
_NAME: Final = re.compile(r"[A-Za-z]\w{1,63}\Z", re.ASCII)


class Moment(NamedTuple):
    """A moment: minutes since 1970, local; ``whole_day``: only the day is known."""

    minute: int
    whole_day: bool


class Chain(NamedTuple):
    """Items that are moments, and whether each step from one to the next may be of no length."""

    fields: tuple[str, ...]
    may_be_equal: tuple[bool, ...]


@lru_cache(maxsize=1024)
def chain(text: str) -> Chain:
    """Read ``adm_time <= oprn_oprt_begntime < dscg_time``.

    Raises:
        CellError: it is not written so.
    """
    pieces = _STEP.split(text.strip())
    names = pieces[::2]
    if len(names) < 2 or not all(_NAME.match(name) for name in names):
        raise CellError("items with < or <= between them", "以 < 或 <= 连接的项目", "adm_time <= dscg_time")
    fields = tuple(aliases().get(name) or aliases().get(name.lower(), name.lower()) for name in names)
    return Chain(fields, tuple(step == "<=" for step in pieces[1::2]))


def moment(entry: Entry) -> Moment | None:
    """Return the moment that is written in an item; ``None``: it is none."""
    if entry.minute is not None:
        return Moment(entry.minute, False)
    text = entry.text.removesuffix("Z")
    for form in _FORMS:
        found = _read(text, form)
        if found is not None:
            return Moment(int((found - _EPOCH).total_seconds()) // 60, False)
    for form in _DAYS:
        found = _read(text, form)
        if found is not None:
            return Moment((found - _EPOCH).days * MINUTES_PER_DAY, True)
    return None


def _read(text: str, form: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(text, form)
    except ValueError:
        return None


def out_of_order(stay: Stay, wanted: Chain) -> Iterator[Hit | Undecided]:
    """Return where two moments that are known, neighbours in the chain, do not follow each other."""
    written = [entries(stay, field) for field in wanted.fields]
    for field, found in zip(wanted.fields, written, strict=True):
        if not found and not has_none(stay, field):
            yield Undecided(field)
    rows = max(map(len, written), default=0)
    told: set[tuple[str, str]] = set()
    for row in range(rows):
        # An item that a page has once stands for every row of those that it has several times.
        line = [
            (at, found[row] if len(found) > 1 else found[0])
            for at, found in enumerate(written)
            if row < len(found) or len(found) == 1
        ]
        known = [(at, entry, when) for at, entry in line if (when := moment(entry)) is not None]
        for (first, one, before), (last, other, after) in pairwise(known):
            equal = all(wanted.may_be_equal[first:last])
            if _follows(before, after, equal) or (one.place, other.place) in told:
                continue
            told.add((one.place, other.place))
            yield Hit((one.place, other.place), values={"earlier": one.text, "later": other.text})


def _follows(before: Moment, after: Moment, equal: bool) -> bool:
    if before.whole_day or after.whole_day:
        # Within one day nothing is known of the order.
        return before.minute // MINUTES_PER_DAY <= after.minute // MINUTES_PER_DAY
    return before.minute <= after.minute if equal else before.minute < after.minute
