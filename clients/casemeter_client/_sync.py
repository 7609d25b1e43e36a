"""The client for ordinary code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

import grpc

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


class Client:
    """Calls a CaseMeter server. May be used by several threads at once."""

    def __init__(
        self,
        address: str,
        *,
        hospital: str = "",
        role: str = "",
        timeout: float = _calls.DEFAULT_TIMEOUT_S,
    ) -> None:
        """Prepare a connection; it is made by the first call.

        Args:
            address: host and port, such as ``127.0.0.1:50051``.
            hospital: the caller's hospital, which decides the packs and the limits of the meter.
            role: the caller's role, which decides whether money is shown.
            timeout: seconds a call may take, its retries included.
        """
        self._channel = grpc.insecure_channel(address, options=_calls.OPTIONS)
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def evaluate(
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
        """Evaluate one encounter.

        Args:
            encounter: what is known of the stay.
            pack: id of the pack; empty: the hospital's default.
            as_of: the moment the answer is to hold for, with an offset; ``None``: the server's clock.
            explain: whether to explain the way through the scheme.
            near_misses: whether to look for single edits that lead to another group.
            call_id: the caller's number for the call; empty: the server makes one.
            phase: the moment of care that rules decide for; unspecified: told by the encounter.
            alerts: what was alerted before; ``None``: unknown.
            timeout: seconds for this call; ``None``: the client's.

        Raises:
            CaseMeterError: there is no answer; the subclass says why.
        """
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
        return self.send(request, timeout=timeout)

    def send(self, request: EvaluateRequest, *, timeout: float | None = None) -> EvaluateResponse:
        """Send a request that is already put together; see :meth:`evaluate`."""
        try:
            return self._evaluate(request, timeout=timeout or self._timeout, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise from_rpc(failure) from None

    def evaluate_stream(
        self, requests: Iterable[EvaluateRequest], *, timeout: float | None = None
    ) -> Iterator[EvaluateResponse | CaseMeterError]:
        """Evaluate requests as they come; yields, in their order, an answer or the error of each.

        Args:
            requests: the requests; taken as the server asks for them.
            timeout: seconds for the whole stream; ``None``: no limit.

        Raises:
            CaseMeterError: the stream itself broke.
        """
        try:
            for reply in self._stream(iter(requests), timeout=timeout, metadata=self._metadata):
                yield from_message(reply.error) if reply.HasField("error") else reply.response
        except grpc.RpcError as failure:
            raise from_rpc(failure) from None

    def packs(self, *, timeout: float | None = None) -> Sequence[Pack]:
        """Return the packs the server has loaded."""
        try:
            reply = self._packs(ListPacksRequest(), timeout=timeout or self._timeout, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise from_rpc(failure) from None
        return list(reply.packs)

    def search_terms(
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
            reply = self._terms(request, timeout=timeout or _calls.SEARCH_TIMEOUT_S, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise from_rpc(failure) from None
        return list(reply.mentions)
