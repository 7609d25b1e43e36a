"""Watching encounters: whoever watches is told of every change, whichever process it was made in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from casemeter.v1 import forecast_pb2, living_pb2, service_pb2
from casemeter_server.caller import Caller
from casemeter_server.encounters.changes import tell_changes
from casemeter_server.encounters.living import Encounters, Key
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator
from casemeter_server.shown_alerts import history_of, shown_alerts
from casemeter_server.store.rows import ShownAlert
from casemeter_server.store.store import Store

LOOK_AGAIN_S: Final = 300.0
"""How long a verdict may stand without an event: days of stay and validity of packs go by the clock."""

DOOR: Final = "watch"


@dataclass(eq=False)
class _Watcher:
    """One call that watches.

    Attributes:
        stirred: set when there may be something new.
        shown: alerts that this call was shown, by alert_key; the record of them may not be there yet.
        forecast: what the forecast was asked with that this call was told last; ``None``: none was told.
    """

    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    shown: dict[str, ShownAlert] = field(default_factory=dict)
    forecast: forecast_pb2.ForecastBasis | None = None


class Watching:
    """Tells watchers of the changes that a store announces."""

    def __init__(
        self,
        store: Store,
        encounters: Encounters,
        evaluator: Callable[[], Evaluator],
        stir: Callable[[str, str], None],
    ) -> None:
        """Take what watching needs.

        Args:
            store: announces what was kept, by any process.
            encounters: their states.
            evaluator: gives the present one.
            stir: called with hospital and encounter when a watcher is shown a verdict; it must not wait.
        """
        self._store = store
        self._encounters = encounters
        self._evaluator = evaluator
        self._stir = stir
        self._watchers: dict[Key, set[_Watcher]] = {}

    async def run(self) -> None:
        """Pass on what the store announces, until cancelled."""
        async for key in self._store.announcements():
            # Without a number something may have been missed: everyone looks again.
            for watcher in self._watchers.get(key, ()) if key[1] else self._all():
                watcher.stirred.set()

    def stir(self) -> None:
        """Let everyone look again, for instance because packs or settings are others now."""
        for watcher in self._all():
            watcher.stirred.set()

    async def watch(
        self, request: living_pb2.WatchEncounterRequest, hospital: str, caller: Caller
    ) -> AsyncIterator[living_pb2.EncounterChange]:
        """Yield the verdict of an encounter, and again whenever it changes.

        Args:
            request: checked.
            hospital: of the encounter.
            caller: who watches; decides what is shown.

        Raises:
            RequestError: it cannot be evaluated for reasons that no event can mend, such as an unknown pack.
            StoreUnavailable: the store does not answer.
        """
        key = (hospital, request.encounter_id)
        with self._registered(key) as watcher:
            before: living_pb2.EncounterChange | None = None
            known = request.known_state
            while True:
                watcher.stirred.clear()
                change = await self._change(key, request, caller, watcher)
                if change is not None:
                    tell_changes(before, change)
                    if change.state_hash != known if before is None else _differs(before, change):
                        yield change
                        if change.verdict.forecast.HasField("basis"):
                            watcher.forecast = change.verdict.forecast.basis
                    before = change
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await watcher.stirred.wait()

    async def _change(
        self, key: Key, request: living_pb2.WatchEncounterRequest, caller: Caller, watcher: _Watcher
    ) -> living_pb2.EncounterChange | None:
        state = await self._encounters.state(*key)
        if state is None:
            return None
        change = living_pb2.EncounterChange(
            state_hash=state.state_hash, version=state.version, closed=state.closed
        )
        # Without a number the evaluator would draw one, which takes a call of the system.
        question = service_pb2.EvaluateRequest(
            call_id=DOOR, pack=request.pack, encounter=state.encounter, phase=request.phase
        )
        if watcher.forecast is not None:
            question.previous_forecast.CopyFrom(watcher.forecast)
        evaluator = self._evaluator()
        if evaluator.has_rules:
            recorded = await self._store.read(lambda reading: reading.alerts(*key))
            alerts = watcher.shown | {alert.alert_key: alert for alert in recorded}
            question.alert_context.CopyFrom(history_of(alerts.values()))
        try:
            change.verdict.CopyFrom(evaluator.evaluate(question, caller).verdict)
        except RequestError as error:
            if not error.error.faults:
                raise
            # Parts of the state contradict each other; an event that mends it may be on its way.
            change.error.CopyFrom(error.error)
            return change
        self._stir(*key)
        new = [
            alert
            for alert in shown_alerts(change.verdict, *key, caller, door=DOOR, state_hash=state.state_hash)
            if alert.alert_key not in watcher.shown
        ]
        watcher.shown.update((alert.alert_key, alert) for alert in new)
        self._store.record(*new)
        return change

    @contextmanager
    def _registered(self, key: Key) -> Iterator[_Watcher]:
        watcher = _Watcher()
        self._watchers.setdefault(key, set()).add(watcher)
        try:
            yield watcher
        finally:
            watchers = self._watchers[key]
            watchers.discard(watcher)
            if not watchers:
                del self._watchers[key]

    def _all(self) -> list[_Watcher]:
        return [watcher for watchers in self._watchers.values() for watcher in watchers]


def _differs(before: living_pb2.EncounterChange, change: living_pb2.EncounterChange) -> bool:
    """Whether a change says anything that the one before did not; the clock alone says nothing."""
    return (
        before.state_hash != change.state_hash
        or before.version != change.version
        or before.closed != change.closed
        or bool(change.changed or change.appeared or change.withdrawn)
    )
