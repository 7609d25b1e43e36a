"""The events of one stay, as an EMR would send them: lines of a file that the EMR simulator plays.

Events of a day come about in its course, so that at its end the server knows what the tables say of it. The
hour is drawn; everything else is as the tables have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from random import Random
from typing import Any, Final, NamedTuple

from casemeter_grouper.history.playing.stay import (
    DONE,
    OTHER,
    PLANNED,
    PRINCIPAL_NUMBER,
    Item,
    Stay,
    day_of,
    number_of,
    standing,
)

CHINA: Final = timezone(timedelta(hours=8))
"""Zone of made-up hospitals."""

MADE_UP: Final = "made up 虚构"

_SEXES: Final = {1: "SEX_MALE", 2: "SEX_FEMALE"}
_WAYS: Final = {
    "1": "DISCHARGE_WAY_HOME",
    "2": "DISCHARGE_WAY_TRANSFER",
    "3": "DISCHARGE_WAY_COMMUNITY",
    "4": "DISCHARGE_WAY_WITHOUT_ORDER",
    "5": "DISCHARGE_WAY_DEATH",
    "9": "DISCHARGE_WAY_OTHER",
}
_FRONT_PAGE: Final = "CATEGORY_SYSTEM_FRONT_PAGE"
_MORNING, _EVENING = time(7, 30), time(22, 0)
_LAST: Final = time(23, 59, 59)
_CLINICAL: Final = 0.7
"""Part of a day in which diagnoses and procedures are written; what the day costs is charged after it."""

Content = Mapping[str, Any]
"""What an event says, as proto JSON."""


class Ending(NamedTuple):
    """What the coder makes of a stay.

    Attributes:
        group: final group; empty: the page ends in none, and the coder says nothing.
        pack: id of the pack that it is a group of.
        version: of that pack.
    """

    group: str
    pack: str
    version: str


def lines_of(stay: Stay, ending: Ending, seed: int, name_of: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return the events of a stay in the order of their times.

    Args:
        stay: as the tables tell it.
        ending: what the coder makes of it.
        seed: hours are drawn from it, and from the number of the stay.
        name_of: gives the name of a diagnosis or procedure; empty: none.
    """
    told = sorted(_Telling(stay, seed, name_of).tell(ending), key=lambda one: one[0])
    return [
        {
            "encounter_id": stay.number,
            "event": {"event_id": f"{at:05}", "time": moment.isoformat(), **content},
        }
        for at, (moment, content) in enumerate(told, 1)
    ]


class _Telling:
    """One stay while it is told."""

    def __init__(self, stay: Stay, seed: int, name_of: Callable[[str], str]) -> None:
        self._stay = stay
        self._random = Random(f"{seed} {stay.number}")
        self._name_of = name_of
        self._admission = self._moment(stay.admission, 8, 12)
        is_last_day = (day_of(stay.discharge) - day_of(stay.admission)).days < stay.days
        self._discharge = self._moment(stay.discharge, *((15, 17) if is_last_day else (9, 11)))

    def tell(self, ending: Ending) -> Iterator[tuple[datetime, Content]]:
        """Yield every event with its moment; of the same moment, in their order."""
        yield from ((self._admission, content) for content in self._admitted())
        known: dict[str, Item] = {}
        for day in range(1, self._stay.days + 1):
            begin, middle, end = self._window(day)
            now = standing(self._stay.course, day)
            yield from self._spread(begin, middle, list(self._changes(known, now)))
            known = now
            yield from self._charged(day, middle, end)
        way = _WAYS.get(self._stay.discharge_way)
        left = {"discharge_time": self._discharge.isoformat()} | ({"discharge_way": way} if way else {})
        yield self._discharge, {"facts": {"values": left}}
        yield from self._documented_late(known)
        yield from self._coded(known, ending)

    def _admitted(self) -> Iterator[Content]:
        stay = self._stay
        values: dict[str, Any] = {"admission_time": self._admission.isoformat()}
        if stay.sex in _SEXES:
            values["sex"] = _SEXES[stay.sex]
        if stay.birth is not None:
            values["birth_date"] = stay.birth.isoformat()
        elif stay.age_years is not None:
            age = {"years": stay.age_years}
            values["age"] = age if stay.age_days is None else age | {"days": stay.age_days}
        if stay.birth_weight_g is not None:
            values["newborn"] = {"birth_weight_g": stay.birth_weight_g}
        yield {"facts": {"values": values | {"charges": {"category_system": _FRONT_PAGE}}}}
        if stay.department:
            segment = {"department": stay.department, "start_time": self._admission.isoformat()}
            yield {"segment": {"id": "s1", "segment": segment}}

    def _changes(self, before: Mapping[str, Item], now: Mapping[str, Item]) -> Iterator[Content]:
        """Yield what is to be said of diagnoses and procedures; the principal diagnosis comes first."""
        for number in sorted({*before, *now}, key=lambda number: (number != PRINCIPAL_NUMBER, number)):
            item = now.get(number)
            if item != before.get(number):
                yield self._said(number, item)

    def _said(self, number: str, item: Item | None) -> Content:
        """Return what is said of a diagnosis or a procedure; ``None``: it was removed."""
        kind = "diagnosis" if number.startswith("d") else "procedure"
        content: dict[str, Any] = {"id": number}
        if item is not None:
            content |= {kind: self._named(item.code), "position": item.position}
            if item.kind == PLANNED:
                content["planned"] = True
        return {kind: content}

    def _named(self, code: str) -> dict[str, str]:
        name = self._name_of(code)
        return {"code": code, "name": name} if name else {"code": code}

    def _charged(self, day: int, begin: datetime, end: datetime) -> Iterator[tuple[datetime, Content]]:
        """Yield what a day costs: one line for each category."""
        amounts = [(category, fen) for category, fen in enumerate(self._stay.charges.get(day, ()), 1) if fen]
        for moment, (category, fen) in zip(self._draws(begin, end, len(amounts)), amounts, strict=True):
            line = {
                "time": moment.isoformat(),
                "category": str(category),
                "amount_fen": fen,
                "name": MADE_UP,
            }
            yield moment, {"charge": {"id": f"c{day}-{category}", "line": line}}

    def _documented_late(self, known: dict[str, Item]) -> Iterator[tuple[datetime, Content]]:
        """Yield what the page has and nobody had written before the discharge; it is known then."""
        page = self._page()
        late = {number: item for number, item in page.items() if not _is_known(known.get(number), item)}
        begin = _at(day_of(self._discharge) + timedelta(days=1), _MORNING)
        said = [self._said(number, item) for number, item in sorted(late.items())]
        yield from self._spread(begin, begin + timedelta(hours=12), said)
        known.update(late)

    def _page(self) -> dict[str, Item]:
        """Return the other diagnoses and the procedures of the page, as the EMR numbers them."""
        others, done = self._stay.diagnoses[1:], self._stay.procedures
        found = {number_of(OTHER, code): Item(code, at, OTHER) for at, code in enumerate(others, 1)}
        return found | {number_of(DONE, code): Item(code, at, DONE) for at, code in enumerate(done)}

    def _coded(self, known: Mapping[str, Item], ending: Ending) -> Iterator[tuple[datetime, Content]]:
        """Yield the front page: its diagnoses, what the coder changes of the procedures, group, closing."""
        stay = self._stay
        day = day_of(self._discharge) + timedelta(days=self._random.randint(2, 4))
        moment = self._draws(_at(day, time(9, 0)), _at(day, time(16, 0)), 1)[0]
        for at, code in enumerate(stay.diagnoses):
            diagnosis = {**self._named(code), "phase": "DIAGNOSIS_PHASE_DISCHARGE"}
            yield moment, {"diagnosis": {"id": f"f{at + 1}", "diagnosis": diagnosis, "position": at}}
        page = {number: item for number, item in self._page().items() if item.kind == DONE}
        procedures = {number: item for number, item in known.items() if item.kind in (PLANNED, DONE)}
        yield from ((moment, content) for content in self._changes(procedures, page))
        if ending.group:
            outcome: dict[str, Any] = {"group": ending.group, "pack": ending.pack, "cost_fen": stay.cost_fen}
            outcome |= {"pack_version": ending.version, "diagnoses": list(stay.diagnoses)}
            outcome |= {"procedures": list(stay.procedures)} if stay.procedures else {}
            said = {"source": "OUTCOME_SOURCE_CODER", "outcome": outcome}
            yield moment + timedelta(minutes=10), {"outcome": said}
        yield moment + timedelta(minutes=20), {"closing": {"closed": True}}

    def _window(self, day: int) -> tuple[datetime, datetime, datetime]:
        """Return when a day begins, when what it costs is charged first, and when it ends."""
        on = day_of(self._admission) + timedelta(days=day - 1)
        begin = self._admission if day == 1 else _at(on, _MORNING)
        end = _at(on, _EVENING)
        if on == day_of(self._discharge):
            end = self._discharge
        elif end <= begin:
            end = _at(on, _LAST)
        if end < begin:  # who leaves before the morning
            begin = _at(on, time(0, 0))
        return begin, begin + _CLINICAL * (end - begin), end

    def _spread(
        self, begin: datetime, end: datetime, contents: Sequence[Content]
    ) -> Iterable[tuple[datetime, Content]]:
        return zip(self._draws(begin, end, len(contents)), contents, strict=True)

    def _draws(self, begin: datetime, end: datetime, count: int) -> list[datetime]:
        """Draw moments, in their order, to the second."""
        span = end - begin
        drawn = (begin + self._random.random() * span for _ in range(count))
        return sorted(max(begin, one.replace(microsecond=0)) for one in drawn)

    def _moment(self, when: date | datetime, first_hour: int, last_hour: int) -> datetime:
        """Return a moment; the hour is drawn where the tables have the day only."""
        if isinstance(when, datetime) and when.time() != time(0, 0):
            return when.replace(tzinfo=CHINA)
        day = day_of(when)
        return self._draws(_at(day, time(first_hour, 0)), _at(day, time(last_hour, 0)), 1)[0]


def _is_known(known: Item | None, item: Item) -> bool:
    """Whether a diagnosis or a procedure was written, wherever it stands in its list; planned is not done."""
    return known is not None and known.kind == item.kind


def _at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, CHINA)
