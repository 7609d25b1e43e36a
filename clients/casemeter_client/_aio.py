"""The client for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

import grpc.aio

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.finding_pb2 import CARE_PHASE_UNSPECIFIED, AlertAnswer, AlertContext, CarePhase
from casemeter.v1.keeping_pb2 import SealFrontPageRequest, SealFrontPageResponse
from casemeter.v1.living_pb2 import (
    AnswerFindingRequest,
    AnswerFindingResponse,
    EncounterChange,
    EncounterEvent,
    EncounterState,
    ReadEncounterRequest,
    RecordEventsRequest,
    RecordEventsResponse,
    WatchEncounterRequest,
)
from casemeter.v1.pack_pb2 import Pack
from casemeter.v1.service_pb2 import (
    EvaluateRequest,
    EvaluateResponse,
    EvaluateStreamResponse,
    ListPacksRequest,
    ListPacksResponse,
)
from casemeter.v1.terms_pb2 import SearchTermsRequest, SearchTermsResponse, TermMention
from casemeter_client import _calls
from casemeter_client._errors import CaseMeterError, from_message, from_rpc
from casemeter_client._watch import AsyncWatch, Told


class AsyncClient:
    """Calls a CaseMeter server from one event loop. The methods are those of :class:`Client`."""

    def __init__(
        self,
        address: str,
        *,
        hospital: str = "",
        role: str = "",
        user: str = "",
        department: str = "",
        token: str | Callable[[], str] = "",
        timeout: float = _calls.DEFAULT_TIMEOUT_S,
    ) -> None:
        """Prepare a connection; the arguments are those of :class:`Client`."""
        self._channel = grpc.aio.insecure_channel(address, options=_calls.OPTIONS)
        self._identity = _calls.Identity(hospital, role, user, department, token)
        self._timeout = timeout
        self._evaluate = self._channel.unary_unary(
            _calls.EVALUATE, EvaluateRequest.SerializeToString, EvaluateResponse.FromString
        )
        self._stream = self._channel.stream_stream(
            _calls.EVALUATE_STREAM, EvaluateRequest.SerializeToString, EvaluateStreamResponse.FromString
        )
        self._packs = self._channel.unary_unary(
            _calls.LIST_PACKS, ListPacksRequest.SerializeToString, ListPacksResponse.FromString
        )
        self._terms = self._channel.unary_unary(
            _calls.SEARCH_TERMS, SearchTermsRequest.SerializeToString, SearchTermsResponse.FromString
        )
        self._record = self._channel.unary_unary(
            _calls.RECORD_EVENTS, RecordEventsRequest.SerializeToString, RecordEventsResponse.FromString
        )
        self._read = self._channel.unary_unary(
            _calls.READ_ENCOUNTER, ReadEncounterRequest.SerializeToString, EncounterState.FromString
        )
        self._watch = self._channel.unary_stream(
            _calls.WATCH_ENCOUNTER, WatchEncounterRequest.SerializeToString, EncounterChange.FromString
        )
        self._answer = self._channel.unary_unary(
            _calls.ANSWER_FINDING, AnswerFindingRequest.SerializeToString, AnswerFindingResponse.FromString
        )
        self._seal = self._channel.unary_unary(
            _calls.SEAL_FRONT_PAGE, SealFrontPageRequest.SerializeToString, SealFrontPageResponse.FromString
        )
        self._watches: WeakSet[AsyncWatch] = WeakSet()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; watches come to their end."""
        for watch in tuple(self._watches):
            await watch.aclose()
        await self._channel.close()

    async def evaluate(
        self,
        encounter: Encounter,
        *,
        pack: str = "",
        as_of: datetime | None = None,
        explain: bool = False,
        near_misses: bool = False,
        call_id: str = "",
        phase: CarePhase = CARE_PHASE_UNSPECIFIED,
        alerts: AlertContext | None = None,
        timeout: float | None = None,
    ) -> EvaluateResponse:
        """Evaluate one encounter; see :meth:`Client.evaluate`."""
        request = _calls.request(
            encounter,
            pack=pack,
            as_of=as_of,
            explain=explain,
            near_misses=near_misses,
            call_id=call_id,
            phase=phase,
            alerts=alerts,
        )
        return await self.send(request, timeout=timeout)

    async def send(self, request: EvaluateRequest, *, timeout: float | None = None) -> EvaluateResponse:
        """Send a request that is already put together; see :meth:`Client.evaluate`."""
        try:
            return await self._evaluate(
                request, timeout=timeout or self._timeout, metadata=self._identity.metadata()
            )
        except grpc.aio.AioRpcError as failure:
            raise from_rpc(failure) from None

    async def evaluate_stream(
        self,
        requests: Iterable[EvaluateRequest] | AsyncIterator[EvaluateRequest],
        *,
        timeout: float | None = None,
    ) -> AsyncIterator[EvaluateResponse | CaseMeterError]:
        """Evaluate requests as they come; see :meth:`Client.evaluate_stream`."""
        try:
            source = requests if isinstance(requests, AsyncIterator) else iter(requests)
            async for reply in self._stream(source, timeout=timeout, metadata=self._identity.metadata()):
                yield from_message(reply.error) if reply.HasField("error") else reply.response
        except grpc.aio.AioRpcError as failure:
            raise from_rpc(failure) from None

    async def packs(self, *, timeout: float | None = None) -> Sequence[Pack]:
        """Return the packs the server has loaded."""
        try:
            reply = await self._packs(
                ListPacksRequest(), timeout=timeout or self._timeout, metadata=self._identity.metadata()
            )
        except grpc.aio.AioRpcError as failure:
            raise from_rpc(failure) from None
        return list(reply.packs)

    async def search_terms(
        self, text: str, *, procedures: bool = False, limit: int = 10, timeout: float | None = None
    ) -> Sequence[TermMention]:
        """Find the codes of what a physician types.

        Args:
            text: a term, initials in pinyin, or several diagnoses in one line; up to 200 characters.
            procedures: whether procedures are looked for, not diagnoses.
            limit: the most codes for each part of the text.
            timeout: seconds for this call; ``None``: ten, for the first search of a server builds its index.

        Raises:
            CaseMeterError: there is no answer; the subclass says why.
        """
        request = _calls.search(text, procedures=procedures, limit=limit)
        try:
            reply = await self._terms(
                request, timeout=timeout or _calls.SEARCH_TIMEOUT_S, metadata=self._identity.metadata()
            )
        except grpc.RpcError as failure:
            raise from_rpc(failure) from None
        return list(reply.mentions)

    async def record(
        self,
        encounter_id: str,
        events: Iterable[EncounterEvent],
        *,
        if_state: str = "",
        hospital: str = "",
        timeout: float | None = None,
    ) -> RecordEventsResponse:
        """See :meth:`Client.record`."""
        request = RecordEventsRequest(
            encounter_id=encounter_id, events=events, if_state=if_state, hospital=hospital
        )
        reply: RecordEventsResponse = await self._call(self._record, request, timeout)
        return reply

    async def read_encounter(
        self, encounter_id: str, *, hospital: str = "", timeout: float | None = None
    ) -> EncounterState:
        """See :meth:`Client.read_encounter`."""
        request = ReadEncounterRequest(encounter_id=encounter_id, hospital=hospital)
        reply: EncounterState = await self._call(self._read, request, timeout)
        return reply

    def watch(
        self,
        encounter_id: str,
        *,
        known_state: str = "",
        phase: CarePhase = CARE_PHASE_UNSPECIFIED,
        pack: str = "",
        hospital: str = "",
        patience: float = _calls.WATCH_PATIENCE_S,
    ) -> AsyncWatch:
        """See :meth:`Client.watch`."""
        request = WatchEncounterRequest(
            encounter_id=encounter_id, known_state=known_state, phase=phase, pack=pack, hospital=hospital
        )
        watch = AsyncWatch(self._watch, Told(request, self._identity, patience))
        self._watches.add(watch)
        return watch

    async def answer(
        self,
        encounter_id: str,
        alert_key: str,
        answer: AlertAnswer,
        *,
        state_hash: str,
        reason: str = "",
        text: str = "",
        phase: CarePhase = CARE_PHASE_UNSPECIFIED,
        pack: str = "",
        hospital: str = "",
        timeout: float | None = None,
    ) -> int:
        """See :meth:`Client.answer`."""
        request = AnswerFindingRequest(
            encounter_id=encounter_id,
            alert_key=alert_key,
            answer=answer,
            state_hash=state_hash,
            override_reason=reason,
            override_text=text,
            phase=phase,
            pack=pack,
            hospital=hospital,
        )
        reply: AnswerFindingResponse = await self._call(self._answer, request, timeout)
        return reply.version

    async def seal(
        self,
        page: Encounter | str,
        *,
        state_hash: str = "",
        pack: str = "",
        as_of: datetime | None = None,
        hospital: str = "",
        timeout: float | None = None,
    ) -> SealFrontPageResponse:
        """See :meth:`Client.seal`."""
        request = _calls.seal(page, state_hash=state_hash, hospital=hospital, pack=pack, as_of=as_of)
        reply: SealFrontPageResponse = await self._call(self._seal, request, timeout)
        return reply

    async def _call(self, method: Any, request: Any, timeout: float | None) -> Any:
        try:
            return await method(request, timeout=timeout or self._timeout, metadata=self._identity.metadata())
        except grpc.RpcError as failure:
            raise from_rpc(failure) from None
