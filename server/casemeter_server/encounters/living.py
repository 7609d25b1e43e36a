"""Open encounters: events are kept, and the state that they come to is at hand."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from casemeter.v1 import error_pb2, living_pb2
from casemeter_server.encounters.fold import Fold
from casemeter_server.errors import RequestError, fault, invalid
from casemeter_server.store.rows import StoredEvent
from casemeter_server.store.store import Reading, Store, Writing

MAX_EVENTS_AT_HAND: Final = 200_000
"""Events that are kept in memory, of the encounters that were asked for last."""

_TRIES: Final = 8

Key = tuple[str, str]
"""Hospital, and its number of the encounter."""


class _Moved(Exception):
    """The encounter is not at the version that was looked at."""


class _AtHand:
    """One encounter in memory."""

    def __init__(self, encounter_id: str) -> None:
        self.lock = asyncio.Lock()
        self.fold = Fold(encounter_id)
        self.digests: dict[str, bytes] = {}
        self.version = 0
        self.state: living_pb2.EncounterState | None = None

    def knows(self, events: Iterable[StoredEvent]) -> bool:
        """Whether all of these events are kept, with the same content."""
        return all(self.digests.get(event.event_id) == event.digest for event in events)


class Encounters:
    """The open encounters of a store. What is at hand is a copy, brought up to date when it is asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._at_hand: OrderedDict[Key, _AtHand] = OrderedDict()
        self._events = 0

    async def state(self, hospital: str, encounter_id: str) -> living_pb2.EncounterState | None:
        """Return the present state of an encounter; ``None``: none is open under this number.

        The message is shared: it is not to be changed.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        at_hand = self._reach((hospital, encounter_id))
        async with at_hand.lock:
            return await self._refresh((hospital, encounter_id), at_hand)

    async def record(
        self,
        hospital: str,
        encounter_id: str,
        events: Sequence[living_pb2.EncounterEvent],
        if_state: str = "",
    ) -> living_pb2.RecordEventsResponse:
        """Keep checked events; all of them are kept when this returns.

        Raises:
            RequestError: the state is not the one that the sender acts on, or a number was taken by an event
                of another content.
            StoreUnavailable: the store does not answer; nothing was kept.
        """
        key = (hospital, encounter_id)
        at_hand = self._reach(key)
        stored = [_stored(event) for event in events]
        async with at_hand.lock:
            for _ in range(_TRIES):
                expected = -1
                if if_state:
                    state = await self._refresh(key, at_hand)
                    # A sender whose connection broke sends again what is kept: that is what it acted with.
                    if not at_hand.knows(stored):
                        require_state(if_state, state)
                    expected = at_hand.version
                try:
                    kept = await self._store.write(_recording(key, stored, expected, at_hand))
                except _Moved:
                    continue
                await self._take_up(key, at_hand, stored, events, kept)
                state = await self._refresh(key, at_hand, look=False)
                assert state is not None  # it is open now
                return living_pb2.RecordEventsResponse(
                    state_hash=state.state_hash,
                    version=at_hand.version,
                    opened=kept.opened,
                    known=[event.event_id for event, new in zip(events, kept.new, strict=True) if not new],
                )
        raise RequestError("STORE_UNAVAILABLE", {})

    async def act(
        self, hospital: str, encounter_id: str, state_hash: str, work: Callable[[Writing], int]
    ) -> int:
        """Keep something that is done on a state, unless the encounter has moved on; returns its version.

        Args:
            hospital: of the encounter.
            encounter_id: its number.
            state_hash: the state that is acted on.
            work: keeps it; returns the version.

        Raises:
            RequestError: no such encounter, or its state is another one by now.
            StoreUnavailable: the store does not answer; nothing was kept.
        """
        for _ in range(_TRIES):
            state = await self.state(hospital, encounter_id)
            if state is None:
                raise RequestError("UNKNOWN_ENCOUNTER", {})
            require_state(state_hash, state)
            version = state.version

            def guarded(writing: Writing, version: int = version) -> int:
                row, _ = writing.lock(hospital, encounter_id, datetime.now(UTC))
                if row.version != version:
                    raise _Moved
                return work(writing)

            try:
                return await self._store.write(guarded)
            except _Moved:
                continue
        raise RequestError("STORE_UNAVAILABLE", {})

    def _reach(self, key: Key) -> _AtHand:
        at_hand = self._at_hand.get(key)
        if at_hand is None:
            at_hand = self._at_hand[key] = _AtHand(key[1])
        self._at_hand.move_to_end(key)
        while self._events > MAX_EVENTS_AT_HAND and len(self._at_hand) > 1:
            old, dropped = next(iter(self._at_hand.items()))
            if dropped.lock.locked() or old == key:
                break
            del self._at_hand[old]
            self._events -= dropped.fold.events
        return at_hand

    async def _refresh(
        self, key: Key, at_hand: _AtHand, *, look: bool = True
    ) -> living_pb2.EncounterState | None:
        """Return the state with all events there are by now; without a look, with those at hand."""
        if look:
            version, events = await self._store.read(_since(key, at_hand.version))
            if version != at_hand.version:
                read = [living_pb2.EncounterEvent.FromString(event.data) for event in events]
                self._add(at_hand, events, read, version)
        if not at_hand.version:
            return None
        if at_hand.state is None:
            at_hand.state = at_hand.fold.state()
        at_hand.state.version = at_hand.version
        return at_hand.state

    def _add(
        self,
        at_hand: _AtHand,
        stored: Iterable[StoredEvent],
        events: Sequence[living_pb2.EncounterEvent],
        version: int,
    ) -> None:
        if events:
            at_hand.fold.add(events)
            at_hand.digests.update((event.event_id, event.digest) for event in stored)
            self._events += len(events)
            at_hand.state = None
        at_hand.version = version

    async def _take_up(
        self,
        key: Key,
        at_hand: _AtHand,
        stored: Sequence[StoredEvent],
        events: Sequence[living_pb2.EncounterEvent],
        kept: _Kept,
    ) -> None:
        """Take up what was just kept: directly if nobody else wrote in between, else from the store."""
        new = [at for at, is_new in enumerate(kept.new) if is_new]
        if new and at_hand.version == kept.version - 1:
            self._add(at_hand, [stored[at] for at in new], [events[at] for at in new], kept.version)
        else:
            await self._refresh(key, at_hand)


class _Kept(NamedTuple):
    """What became of events.

    Attributes:
        version: of the encounter with them.
        opened: whether they opened it.
        new: which of them were not known before.
    """

    version: int
    opened: bool
    new: list[bool]


def require_state(asked: str, state: living_pb2.EncounterState | None) -> None:
    """Refuse to act on a state that is gone.

    Raises:
        RequestError: the present state is another one, or there is none.
    """
    if state is None:
        raise RequestError("UNKNOWN_ENCOUNTER", {})
    if state.state_hash != asked:
        what = f"{state.events} events hold or held by now"
        raise RequestError("STALE_STATE", {"state": state.state_hash, "asked": asked[:64], "what": what})


def _stored(event: living_pb2.EncounterEvent) -> StoredEvent:
    data = event.SerializeToString(deterministic=True)
    return StoredEvent(event.event_id, hashlib.sha256(data).digest(), data)


def _since(key: Key, version: int) -> Callable[[Reading], tuple[int, list[StoredEvent]]]:
    def work(reading: Reading) -> tuple[int, list[StoredEvent]]:
        row = reading.encounter(*key)
        if row is None or row.version == version:
            return (row.version if row else 0), []
        return row.version, reading.events(*key, after=version)

    return work


def _recording(
    key: Key, stored: Sequence[StoredEvent], expected: int, at_hand: _AtHand
) -> Callable[[Writing], _Kept]:
    """Return what keeps events; ``expected`` is the version that they rest on, or -1."""
    version_at_hand = at_hand.version
    known_at_hand = {event.event_id: at_hand.digests.get(event.event_id) for event in stored}

    def work(writing: Writing) -> _Kept:
        now = datetime.now(UTC)
        row, opened = writing.lock(*key, now)
        if expected not in (-1, row.version):
            raise _Moved
        if row.version == version_at_hand:
            known = {number: digest for number, digest in known_at_hand.items() if digest is not None}
        else:
            known = dict(writing.known(*key, known_at_hand))
        before = set(known)
        new: list[bool] = []
        faults: list[error_pb2.FieldFault] = []
        for at, event in enumerate(stored):
            digest = known.setdefault(event.event_id, event.digest)
            if digest != event.digest:
                faults.append(fault(f"events[{at}].event_id", "EVENT_ID_TAKEN", value=event.event_id))
            new.append(event.event_id not in before)
            before.add(event.event_id)
        if faults:
            raise invalid(faults)
        fresh = [event for event, is_new in zip(stored, new, strict=True) if is_new]
        version = writing.add_events(row, fresh, now) if fresh else row.version
        return _Kept(version, opened, new)

    return work
