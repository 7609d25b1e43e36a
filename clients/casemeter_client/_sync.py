"""The client for ordinary code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from weakref import WeakSet

import grpc

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
from casemeter_client._watch import Told, Watch


class Client:
    """Calls a CaseMeter server. May be used by several threads at once."""

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
        """Prepare a connection; it is made by the first call.

        Args:
            address: host and port, such as ``127.0.0.1:50051``.
            hospital: the caller's hospital, which decides the packs and the limits of the meter.
            role: the caller's role, which decides what may be called and whether money is shown.
            user: the caller; looks at patients are recorded under it.
            department: the caller's department.
            token: a JSON Web Token that proves all of these where the server asks for one, or a function that
                returns the one to use now; it is called for every call.
            timeout: seconds a call may take, its retries included.
        """
        self._channel = grpc.insecure_channel(address, options=_calls.OPTIONS)
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
        self._watches: WeakSet[Watch] = WeakSet()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; watches come to their end."""
        for watch in tuple(self._watches):
            watch.close()
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
            return self._evaluate(
                request, timeout=timeout or self._timeout, metadata=self._identity.metadata()
            )
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
            for reply in self._stream(iter(requests), timeout=timeout, metadata=self._identity.metadata()):
                yield from_message(reply.error) if reply.HasField("error") else reply.response
        except grpc.RpcError as failure:
            raise from_rpc(failure) from None

    def packs(self, *, timeout: float | None = None) -> Sequence[Pack]:
        """Return the packs the server has loaded."""
        try:
            reply = self._packs(
                ListPacksRequest(), timeout=timeout or self._timeout, metadata=self._identity.metadata()
            )
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
            reply = self._terms(
                request, timeout=timeout or _calls.SEARCH_TIMEOUT_S, metadata=self._identity.metadata()
            )
        except grpc.RpcError as failure:
            raise from_rpc(failure) from None
        return list(reply.mentions)

    def record(
        self,
        encounter_id: str,
        events: Iterable[EncounterEvent],
        *,
        if_state: str = "",
        hospital: str = "",
        timeout: float | None = None,
    ) -> RecordEventsResponse:
        """Keep events of an encounter; they survive the end of any process once this returns.

        A call that got no answer may be made again with the same events: they are known by their numbers. The
        client does so by itself when the connection breaks.

        Args:
            encounter_id: the hospital's number of the stay; its first event opens it.
            events: in any order; 1 to 1,000. All of them are kept, or none.
            if_state: state_hash that the sender acts on; empty: not asked. Where a connection broke, the
                answer may be STALE_STATE though these very events are what changed the state: read it then.
            hospital: of the encounter; empty: the caller's own.
            timeout: seconds for this call; ``None``: the client's.

        Raises:
            CaseMeterError: nothing is known to be kept; the subclass says why.
        """
        request = RecordEventsRequest(
            encounter_id=encounter_id, events=events, if_state=if_state, hospital=hospital
        )
        reply: RecordEventsResponse = self._call(self._record, request, timeout)
        return reply

    def read_encounter(
        self, encounter_id: str, *, hospital: str = "", timeout: float | None = None
    ) -> EncounterState:
        """Return what the events of an encounter come to.

        Args:
            encounter_id: the hospital's number of the stay.
            hospital: of the encounter; empty: the caller's own.
            timeout: seconds for this call; ``None``: the client's.

        Raises:
            CaseMeterError: there is no answer; the subclass says why.
        """
        request = ReadEncounterRequest(encounter_id=encounter_id, hospital=hospital)
        reply: EncounterState = self._call(self._read, request, timeout)
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
    ) -> Watch:
        """Watch an encounter: yields its present verdict, and again whenever it changes, without an end.

        When the connection breaks, it is made anew by itself, and the first change after that is told
        against the last one before: nothing that changed, appeared or was withdrawn in between is missed.
        Several changes of that time come as one. Close the watch to end it, from any thread; it is a context
        manager::

            with client.watch("E1") as changes:
                for change in changes:
                    ...

        Args:
            encounter_id: the hospital's number of the stay; it need not be open yet.
            known_state: state_hash that the caller knows; nothing is said of it again.
            phase: the moment of care that rules decide for; unspecified: told by the encounter.
            pack: id of the pack; empty: the hospital's default.
            hospital: of the encounter; empty: the caller's own.
            patience: seconds to look for a server again after a connection broke, before it is an error.
        """
        request = WatchEncounterRequest(
            encounter_id=encounter_id, known_state=known_state, phase=phase, pack=pack, hospital=hospital
        )
        watch = Watch(self._watch, Told(request, self._identity, patience))
        self._watches.add(watch)
        return watch

    def answer(
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
        """Answer a finding of an open encounter; return the version of the encounter with the answer.

        It is not repeated by itself, for each answer that is kept counts. After :class:`ConnectionFailed` or
        :class:`DeadlineExceeded` it may have been kept; a watcher sees the version move.

        Args:
            encounter_id: the hospital's number of the stay.
            alert_key: of the finding.
            answer: accepted, overridden …
            state_hash: of the change that the finding was shown with; an answer to a state that is gone is
                refused.
            reason: code of the reason for going on all the same, one of the finding's.
            text: what is added in words.
            phase: as the finding was shown; unspecified: told by the encounter.
            pack: as the finding was shown; empty: the hospital's default.
            hospital: of the encounter; empty: the caller's own.
            timeout: seconds for this call; ``None``: the client's.

        Raises:
            CaseMeterError: it is not known to be kept; the subclass says why.
        """
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
        reply: AnswerFindingResponse = self._call(self._answer, request, timeout)
        return reply.version

    def seal(
        self,
        page: Encounter | str,
        *,
        state_hash: str = "",
        pack: str = "",
        as_of: datetime | None = None,
        hospital: str = "",
        timeout: float | None = None,
    ) -> SealFrontPageResponse:
        """Check a front page at the moment of submission and seal it, unless a stop refuses it.

        It is not repeated by itself: each seal that is given is on record.

        Args:
            page: the page, or the number of the open encounter that it is.
            state_hash: of the open encounter, as the coder saw it; one that has moved on is not sealed.
            pack: id of the pack; empty: the hospital's default.
            as_of: the moment the check holds for, with an offset; ``None``: the server's clock.
            hospital: of the page; empty: the caller's own.
            timeout: seconds for this call; ``None``: the client's.

        Returns:
            The seal, empty when stops refuse it, and the verdict of the check.

        Raises:
            CaseMeterError: there is no answer; the subclass says why.
        """
        request = _calls.seal(page, state_hash=state_hash, hospital=hospital, pack=pack, as_of=as_of)
        reply: SealFrontPageResponse = self._call(self._seal, request, timeout)
        return reply

    def _call(self, method: Any, request: Any, timeout: float | None) -> Any:
        try:
            return method(request, timeout=timeout or self._timeout, metadata=self._identity.metadata())
        except grpc.RpcError as failure:
            raise from_rpc(failure) from None
