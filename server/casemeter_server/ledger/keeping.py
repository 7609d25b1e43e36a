"""Keeping the last forecast of each day of an open encounter, well behind whoever waits for a reply.

A stay is asked about once some time has passed since it was stirred: an event was acknowledged, a door
answered about it, or a watcher looked. So a stay that gets a hundred events a minute is asked about once in
that minute. What a day came to is asked as of its end if the next day has begun by then, with the events that
were kept on it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as clock
from typing import Final, NamedTuple

from casemeter.v1 import forecast_pb2, living_pb2
from casemeter_server.encounters.fold import Fold
from casemeter_server.encounters.living import Encounters
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator
from casemeter_server.ledger.asking import Asker, Asking
from casemeter_server.ledger.content import kept_of, written
from casemeter_server.store.rows import ForecastDay
from casemeter_server.store.store import Store, StoreUnavailable

WAIT_S: Final = 60.0
"""How long a stay that was stirred waits to be asked about."""

MOST: Final = 10_000
"""Stays that may wait at once. With more, the day is not kept, and counted as dropped."""

LAST_S: Final = 3.0
"""How long those that wait may hold up the end of a process."""

_SHARE: Final = 0.1
"""The most of a process's time that keeping takes."""

_NOTHING_TO_KEEP: Final = (
    forecast_pb2.FORECAST_ABSENT_NO_MODEL,
    forecast_pb2.FORECAST_ABSENT_OTHER_VERSION,
    forecast_pb2.FORECAST_ABSENT_NO_DAY,
    forecast_pb2.FORECAST_ABSENT_DISCHARGED,
)
"""Nobody was there to foretell, no day it could be kept for, or nothing left to foretell."""

_log: Final = logging.getLogger("casemeter")


class _Day(NamedTuple):
    """A stay on a day of the hospital's calendar."""

    hospital: str
    encounter: str
    day: date


class Keeper:
    """Keeps what the stirred encounters of a process come to on each day."""

    def __init__(
        self,
        store: Store,
        encounters: Encounters,
        evaluator: Callable[[], Evaluator],
        *,
        wait_s: float = WAIT_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take what keeping needs.

        Args:
            store: keeps the days.
            encounters: its open ones.
            evaluator: gives the present one.
            wait_s: how long a stay that was stirred waits.
            now: the clock by which days are told.
        """
        self._store = store
        self._encounters = encounters
        self._evaluator = evaluator
        self._wait_s = wait_s
        self._now = now
        # In the order in which they are due.
        self._due: dict[_Day, float] = {}
        self._woken = asyncio.Event()
        self._asking = Asking(evaluator)

    def stir(self, hospital: str, encounter: str) -> None:
        """Have a stay asked about soon; never waits. Where nothing foretells, it does nothing."""
        evaluator = self._evaluator()
        if not evaluator.snapshot.forecasts.packs:
            return
        day = _Day(hospital, encounter, self._now().astimezone(evaluator.zone).date())
        if day in self._due:
            return
        if len(self._due) >= MOST:
            self._store.drop(1)
            return
        self._due[day] = time.monotonic() + self._wait_s
        self._woken.set()

    async def run(self) -> None:
        """Ask about stirred stays as they are due, until cancelled."""
        while True:
            if not self._due:
                self._woken.clear()
                await self._woken.wait()
            day, due = next(iter(self._due.items()))
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            del self._due[day]
            started = time.monotonic()
            await self._keep(day)
            await asyncio.sleep((time.monotonic() - started) * (1 / _SHARE - 1))

    async def finish(self, within_s: float = LAST_S) -> None:
        """Ask about what is waiting, for the end of a process; what takes longer is dropped, and counted."""
        until = time.monotonic() + within_s
        while self._due and time.monotonic() < until:
            day = next(iter(self._due))
            del self._due[day]
            await self._keep(day)
        self._store.drop(len(self._due))
        self._due.clear()

    async def _keep(self, day: _Day) -> None:
        """Hand what a stay comes to on a day to the store."""
        try:
            at = self._now()
            end = end_of(day.day, self._evaluator().zone)
            if at < end:
                state = await self._encounters.state(day.hospital, day.encounter)
            else:
                at, state = end - timedelta(seconds=1), await self._state_before(day, end)
            if state is None:
                return
            row = day_of(self._asking.asker, day.hospital, day.encounter, state, at)
            if row is not None:
                self._store.record(row)
        except StoreUnavailable:
            self._store.drop(1)
        except Exception as failure:
            # Whatever it is, it is of one stay: the others are to be kept all the same.
            self._store.drop(1)
            _log.error("a forecast of a day was not kept: %s", type(failure).__name__)

    async def _state_before(self, day: _Day, end: datetime) -> living_pb2.EncounterState | None:
        """Return the state that an encounter had at the end of a day."""
        arrivals = await self._store.read(lambda reading: reading.arrivals(day.hospital, day.encounter))
        fold = Fold(day.encounter)
        fold.add(
            living_pb2.EncounterEvent.FromString(event.data) for kept_at, event in arrivals if kept_at < end
        )
        return fold.state() if fold.events else None


def end_of(day: date, zone: tzinfo) -> datetime:
    """Return the moment at which a local day is over."""
    return datetime.combine(day + timedelta(days=1), clock(), zone)


def day_of(
    asker: Asker, hospital: str, encounter: str, state: living_pb2.EncounterState, at: datetime
) -> ForecastDay | None:
    """Return what is kept of a stay as it is known at a moment; ``None``: there is nothing to keep."""
    try:
        asked = asker.ask(hospital, state.encounter, at)
    except RequestError:
        # Parts of the state contradict each other, or no pack answers: nobody was told a forecast either.
        return None
    verdict, forecast = asked.verdict, asked.verdict.forecast
    if not verdict.HasField("forecast") or forecast.absent in _NOTHING_TO_KEEP or not asked.day_of_stay:
        return None
    return ForecastDay(
        hospital=hospital,
        encounter=encounter,
        day=at.astimezone(asker.of.zone).date().isoformat(),
        at=at,
        day_of_stay=asked.day_of_stay,
        state_hash=state.state_hash,
        pack=verdict.pack.id,
        pack_version=verdict.pack.version,
        pack_sha256=verdict.pack.bundle_sha256,
        bundle_sha256=forecast.bundle.bundle_sha256,
        group=asked.group,
        planned_group=forecast.basis.planned_group,
        content=written(kept_of(forecast, asked.case, asked.planned, asked.cost_fen)),
    )
