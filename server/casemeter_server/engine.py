"""Everything that answers in one process, whichever listener brings the question in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.message import Message

from casemeter.v1 import keeping_pb2, living_pb2, service_pb2, terms_pb2
from casemeter_rules.alerting.policy import Policy
from casemeter_server.caller import Caller
from casemeter_server.calls import Call, StreamCall, by_name
from casemeter_server.config import Config
from casemeter_server.encounters.calls import EncounterCalls
from casemeter_server.encounters.living import Encounters
from casemeter_server.encounters.watching import Watching
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator
from casemeter_server.identity.rights import shipped_rights
from casemeter_server.kept_settings import KeptSettings
from casemeter_server.ledger.keeping import Keeper
from casemeter_server.meter_settings import MeterSettings
from casemeter_server.sealing.keys import open_key
from casemeter_server.sealing.service import Seals
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.rows import Access
from casemeter_server.store.store import Store, StoreUnavailable
from casemeter_server.terms import Terms

EVALUATE: Final = "Evaluate"

_log: Final = logging.getLogger("casemeter")


class Engine:
    """Answers every call of the contract, for whoever may make it.

    Attributes:
        evaluator: the present one; settings that change put another in its place.
        store: where things are kept; ``None``: nothing is.
        encounters: the open ones; ``None`` without a store.
        keeper: keeps the forecast of each day of the open encounters; ``None`` without a store.
        seals: seals pages; ``None`` without a store.
        calls: by name, rights and record of looks included; Evaluate is here too, for listeners that bring
            messages. One that brings bytes calls :meth:`may` and :meth:`record_look` itself.
    """

    def __init__(self, config: Config, snapshot: Snapshot, store: Store | None = None) -> None:
        """Take what is answered from.

        Args:
            config: what the administrator set.
            snapshot: the packs.
            store: opened; it is closed by whoever opened it.

        Raises:
            KeyFileError: the key of the seals cannot be used.
        """
        self._config = config
        self._rights = shipped_rights()
        self.evaluator = Evaluator(snapshot, config.zone, config.meter, config.alerts, config.facilities)
        self.store = store
        synonyms = tuple(synonym for book in snapshot.books for synonym in book.synonyms)
        self._terms = Terms(synonyms)
        calls: list[Call | StreamCall] = [
            Call(EVALUATE, service_pb2.EvaluateRequest, self._evaluate),
            Call("ListPacks", service_pb2.ListPacksRequest, self._list_packs),
            Call("SearchTerms", terms_pb2.SearchTermsRequest, self._search_terms),
        ]
        self.encounters: Encounters | None = None
        self.keeper: Keeper | None = None
        self.seals: Seals | None = None
        self._watching: Watching | None = None
        self._settings: KeptSettings | None = None
        if store is None:
            calls.extend(_without_store())
        else:
            self.encounters = Encounters(store)
            self.keeper = Keeper(store, self.encounters, self._present)
            stir = self.keeper.stir
            self._watching = Watching(store, self.encounters, self._present, stir)
            key = open_key(config.seal_key_file, make=True)
            self.seals = Seals(store, self.encounters, self._present, key)
            self._settings = KeptSettings(store, config.meter, config.alerts, self._apply_settings)
            living = EncounterCalls(store, self.encounters, self._watching, self._present, stir)
            calls.extend((*living.calls(), *self.seals.calls(), *self._settings.calls()))
        self.calls: Mapping[str, Call | StreamCall] = by_name(map(self._guarded, calls))

    def _present(self) -> Evaluator:
        return self.evaluator

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow what the store announces, for as long as the context lasts."""
        tasks: list[asyncio.Task[None]] = []
        if self._watching is not None and self._settings is not None and self.keeper is not None:
            await self._settings.take_up()
            works = (self._watching.run, self._settings.watch, self.keeper.run)
            tasks = [asyncio.create_task(work()) for work in works]
            for task in tasks:
                task.add_done_callback(_tell_end)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self.keeper is not None:
                await self.keeper.finish()

    def _apply_settings(self, meter: MeterSettings, alerts: Policy) -> None:
        """Answer by other settings from now on."""
        self.evaluator = replace(self.evaluator, settings=meter, alerts=alerts)
        if self._watching is not None:
            self._watching.stir()

    def may(self, caller: Caller, call: str, hospital: str = "") -> None:
        """Refuse a call that the caller may not make.

        Args:
            caller: who asks.
            call: name of the method.
            hospital: whose encounter it is about; empty: the caller's own.

        Raises:
            RequestError: the caller's role may not.
        """
        self._rights.check(caller, call, hospital or caller.hospital)

    def record_look(self, caller: Caller, call: str, encounter_id: str, hospital: str = "") -> bool | None:
        """Take up a look at a patient for the record, without waiting.

        Returns:
            Whether it was taken up; ``None``: there is nothing to record, or no store.
        """
        if self.store is None or not encounter_id or "\0" in encounter_id:
            return None
        return self.store.record(
            Access(
                datetime.now(UTC),
                caller.hospital,
                caller.user,
                caller.role,
                caller.department,
                call,
                encounter_id,
                hospital or caller.hospital,
            )
        )

    def _guarded(self, call: Call | StreamCall) -> Call | StreamCall:
        """Return a call with rights, the record of looks, and the store's failures told to the caller."""
        if isinstance(call, StreamCall):
            return replace(call, answer=self._guarded_stream(call))

        async def answer(request: Any, caller: Caller) -> Message:
            recorded = self._admit(call.name, request, caller)
            try:
                reply = await call.answer(request, caller)
            except StoreUnavailable:
                raise RequestError("STORE_UNAVAILABLE", {}) from None
            if recorded is not None and isinstance(reply, service_pb2.EvaluateResponse):
                reply.recorded = recorded
            return reply

        return replace(call, answer=answer)

    def _guarded_stream(self, call: StreamCall) -> Callable[[Any, Caller], AsyncIterator[Message]]:
        async def answer(request: Any, caller: Caller) -> AsyncIterator[Message]:
            self._admit(call.name, request, caller)
            try:
                async for reply in call.answer(request, caller):
                    yield reply
            except StoreUnavailable:
                raise RequestError("STORE_UNAVAILABLE", {}) from None

        return answer

    def _admit(self, name: str, request: Any, caller: Caller) -> bool | None:
        hospital: str = getattr(request, "hospital", "")
        self.may(caller, name, hospital)
        if not self._rights.calls[name].look:
            return None
        number: str = getattr(request, "encounter_id", "")
        if not number and "encounter" in request.DESCRIPTOR.fields_by_name:
            number = request.encounter.encounter_id
        return self.record_look(caller, name, number, hospital)

    async def _evaluate(
        self, request: service_pb2.EvaluateRequest, caller: Caller
    ) -> service_pb2.EvaluateResponse:
        # As bytes, for a plain request is answered in a fraction of the time that way.
        reply = self.evaluator.evaluate_bytes(request.SerializeToString(), caller)
        return service_pb2.EvaluateResponse.FromString(reply.data)

    async def _list_packs(
        self, _: service_pb2.ListPacksRequest, caller: Caller
    ) -> service_pb2.ListPacksResponse:
        packs = self.evaluator.snapshot.describe(caller.hospital)
        return service_pb2.ListPacksResponse(packs=packs)

    async def _search_terms(
        self, request: terms_pb2.SearchTermsRequest, _: Caller
    ) -> terms_pb2.SearchTermsResponse:
        # Beside the loop that answers orders.
        return await to_thread(self._terms.search, request)


def _tell_end(task: asyncio.Task[None]) -> None:
    """Log that what follows the store has ended by a bug: nobody would be told of changes any more."""
    if not task.cancelled() and (failure := task.exception()):
        _log.error("%s ended: %s", task.get_coro(), type(failure).__name__)


@contextlib.asynccontextmanager
async def engine_of(config: Config, snapshot: Snapshot) -> AsyncIterator[Engine]:
    """Open the store and answer, for as long as the context lasts.

    Args:
        config: what the administrator set.
        snapshot: the packs.

    Raises:
        StoreError: the store cannot be used.
    """
    store = Store.open(config.store_url) if config.store_url else None
    try:
        engine = Engine(config, snapshot, store)
        async with engine.running():
            yield engine
    finally:
        if store is not None:
            await to_thread(store.close)


def _without_store() -> tuple[Call | StreamCall, ...]:
    """Return the calls that need a store, each of which says that there is none."""

    async def answer(_: Any, __: Caller) -> Message:
        raise RequestError("STORE_OFF", {})

    async def answers(request: Any, caller: Caller) -> AsyncIterator[Message]:
        yield await answer(request, caller)

    return (
        Call("RecordEvents", living_pb2.RecordEventsRequest, answer),
        Call("ReadEncounter", living_pb2.ReadEncounterRequest, answer),
        StreamCall("WatchEncounter", living_pb2.WatchEncounterRequest, answers),
        Call("AnswerFinding", living_pb2.AnswerFindingRequest, answer),
        Call("SealFrontPage", keeping_pb2.SealFrontPageRequest, answer),
        Call("GetSettings", keeping_pb2.GetSettingsRequest, answer),
        Call("PutSettings", keeping_pb2.PutSettingsRequest, answer),
    )
