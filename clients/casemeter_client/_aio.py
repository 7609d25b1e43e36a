"""The client for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

import grpc.aio

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.finding_pb2 import CARE_PHASE_UNSPECIFIED, AlertContext, CarePhase
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


class AsyncClient:
    """Calls a CaseMeter server from one event loop. The methods are those of :class:`Client`."""

    def __init__(
        self,
        address: str,
        *,
        hospital: str = "",
        role: str = "",
        timeout: float = _calls.DEFAULT_TIMEOUT_S,
    ) -> None:
        """Prepare a connection; the arguments are those of :class:`Client`."""
        self._channel = grpc.aio.insecure_channel(address, options=_calls.OPTIONS)
        self._metadata = _calls.metadata(hospital, role)
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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
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
            return await self._evaluate(request, timeout=timeout or self._timeout, metadata=self._metadata)
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
            async for reply in self._stream(source, timeout=timeout, metadata=self._metadata):
                yield from_message(reply.error) if reply.HasField("error") else reply.response
        except grpc.aio.AioRpcError as failure:
            raise from_rpc(failure) from None

    async def packs(self, *, timeout: float | None = None) -> Sequence[Pack]:
        """Return the packs the server has loaded."""
        try:
            reply = await self._packs(
                ListPacksRequest(), timeout=timeout or self._timeout, metadata=self._metadata
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
                request, timeout=timeout or _calls.SEARCH_TIMEOUT_S, metadata=self._metadata
            )
        except grpc.RpcError as failure:
            raise from_rpc(failure) from None
        return list(reply.mentions)
