"""Every kept day of every stay held against its final group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, tzinfo
from itertools import groupby
from typing import NamedTuple

from casemeter.v1 import living_pb2
from casemeter_grouper.reconcile.attribute import attribute
from casemeter_grouper.reconcile.causes import SAME, Attribution, Cause, Why, unexplained
from casemeter_grouper.reconcile.readings import Reading
from casemeter_grouper.reconcile.versions import Version, Versions
from casemeter_server.encounters.fold import Fold
from casemeter_server.ledger.content import Ends, Kept, read
from casemeter_server.ledger.finals import Usual, coded, discharge_day, settled, version_of
from casemeter_server.ledger.lateness import late_on
from casemeter_server.ledger.outcomes import BUREAU, CODER, Arrived, FinalGroup, finals_of
from casemeter_server.store.reading import Reading as StoreReading
from casemeter_server.store.rows import ForecastDay


class HeldDay(NamedTuple):
    """A day held against the final group.

    Attributes:
        day_of_stay: the day of admission is 1.
        kept: its forecast.
        recorded_right: whether the group as recorded was the final one.
        top_right: whether the likeliest candidate was; ``None``: there was none.
        coder_right: the same against the coder's group; ``None``: it was not told, or there was no candidate.
        in_set: whether the set held it; ``None``: there was no set.
        cost_held: whether the cost interval held the final cost; ``None``: one of them is not known.
        days_held: likewise for the length of stay.
        why: of a day that told another group, why; of others, no cause.
    """

    day_of_stay: int
    kept: Kept
    recorded_right: bool
    top_right: bool | None
    coder_right: bool | None
    in_set: bool | None
    cost_held: bool | None
    days_held: bool | None
    why: Attribution


class HeldStay(NamedTuple):
    """A stay held against its final group.

    Attributes:
        hospital: of the stay.
        encounter: its number.
        coder: the coder's group; empty: not told.
        bureau: the bureau's group; empty: not told.
        days: as they were kept; empty: no final group was told yet.
        kept_days: how many there are.
        settling: why the bureau's group differs from the coder's; ``None``: one of them was not told.
    """

    hospital: str
    encounter: str
    coder: str
    bureau: str
    days: tuple[HeldDay, ...]
    kept_days: int
    settling: Attribution | None


def held_stays(
    reading: StoreReading,
    versions: Versions,
    zone: tzinfo,
    since: str,
    until: str,
    hospital: str = "",
    tell: Callable[[int], object] = bool,
) -> Iterator[HeldStay]:
    """Yield the stays that have kept days, one after the other.

    Args:
        reading: the store.
        versions: of packs that are at hand.
        zone: the hospitals'.
        since: first day, as ``YYYY-MM-DD``.
        until: last day.
        hospital: of this one only; empty: of all.
        tell: told how many days were held.
    """
    rows = reading.forecast_days(since, until, hospital)
    for (of, encounter), days in groupby(rows, lambda row: (row.hospital, row.encounter)):
        kept = list(days)
        yield _Stay(reading, versions, zone, of, encounter).held(kept)
        tell(len(kept))


class _Stay:
    """A stay with all that is known of it."""

    def __init__(
        self, reading: StoreReading, versions: Versions, zone: tzinfo, hospital: str, encounter: str
    ) -> None:
        self._versions, self._zone = versions, zone
        self._hospital, self._encounter = hospital, encounter
        arrivals = reading.arrivals(hospital, encounter)
        self._arrived: Arrived = [
            (kept_at, living_pb2.EncounterEvent.FromString(event.data)) for kept_at, event in arrivals
        ]
        fold = Fold(encounter)
        fold.add(event for _, event in self._arrived)
        self._state = fold.state()
        self._finals = finals_of(reading.outcomes(hospital, encounter), self._arrived, self._state)

    def held(self, rows: list[ForecastDay]) -> HeldStay:
        coder, bureau = self._finals.get(CODER), self._finals.get(BUREAU)
        final = bureau or coder
        codes = coder.group if coder else ""
        days: tuple[HeldDay, ...] = ()
        settling = None
        if final is not None:
            usual = Usual(rows[-1].pack, self._versions.by_hash(rows[-1].pack_sha256))
            day = discharge_day(self._state.encounter, self._zone)
            first = self._read(coder or final, usual, day)
            last = first
            if bureau and coder:
                last = self._settled(bureau, first, usual, day)
                settling = self._compared(coder, first, bureau, last)
            days = tuple(self._day(row, final, codes, last) for row in rows)
        return HeldStay(
            self._hospital,
            self._encounter,
            codes,
            bureau.group if bureau else "",
            days,
            len(rows),
            settling,
        )

    def _read(self, final: FinalGroup, usual: Usual, day: str) -> Reading | Why:
        version = version_of(final, self._versions, usual, day)
        return Why.NO_PACK if version is None else coded(final, version, self._state, self._zone)

    def _settled(self, bureau: FinalGroup, before: Reading | Why, usual: Usual, day: str) -> Reading | Why:
        if not isinstance(before, Reading):
            return self._read(bureau, usual, day)
        # What the bureau does not tell is as the coder had it.
        version: Version | None = before.version
        if bureau.pack or bureau.pack_version:
            of_coder = Usual(before.version.header.id, before.version)
            version = version_of(bureau, self._versions, of_coder, day)
        return Why.NO_PACK if version is None else settled(bureau, version, before)

    def _compared(
        self, coder: FinalGroup, first: Reading | Why, bureau: FinalGroup, last: Reading | Why
    ) -> Attribution:
        if coder.group == bureau.group:
            return SAME
        for one in (first, last):
            if not isinstance(one, Reading):
                return unexplained(one)
        assert isinstance(first, Reading)
        assert isinstance(last, Reading)
        return attribute(first, coder.group, last, bureau.group)

    def _day(self, row: ForecastDay, final: FinalGroup, coder: str, last: Reading | Why) -> HeldDay:
        kept = read(row.content)
        top = kept.candidates[0][0] if kept.candidates else None
        told = row.group if top is None else top
        in_set = None
        if kept.set_size:
            in_set = final.group in [code for code, _ in kept.candidates[: kept.set_size]]
        cost = days = None
        if isinstance(last, Reading):
            cost, days = last.cost_fen, last.case.los_days
        return HeldDay(
            row.day_of_stay,
            kept,
            row.group == final.group,
            None if top is None else top == final.group,
            None if top is None or not coder else top == coder,
            in_set,
            _within(kept.cost_fen, cost),
            _within(kept.los_days, days),
            SAME if told == final.group else self._why(row, kept, final, last),
        )

    def _why(self, row: ForecastDay, kept: Kept, final: FinalGroup, last: Reading | Why) -> Attribution:
        if final.group in (row.group, row.planned_group):
            return Attribution((Cause.ODDS,))
        if not isinstance(last, Reading):
            return unexplained(last)
        version = self._versions.by_hash(row.pack_sha256)
        if version is None:
            return unexplained(Why.NO_PACK)
        day = date.fromisoformat(row.day)
        late = late_on(self._encounter, self._arrived, day, version, self._zone)
        before = Reading(kept.case, version, kept.running_fen)
        return attribute(before, row.group, last, final.group, late)


def _within(interval: Ends | None, value: float | None) -> bool | None:
    if interval is None or value is None:
        return None
    return interval[0] <= value <= interval[2]
