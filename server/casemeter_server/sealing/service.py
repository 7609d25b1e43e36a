"""Sealing: a page is checked at the moment of submission, and sealed unless a stop refuses it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from casemeter.v1 import encounter_pb2, finding_pb2, keeping_pb2, pack_pb2, service_pb2, verdict_pb2
from casemeter_server.caller import Caller
from casemeter_server.calls import Call
from casemeter_server.encounters.checks import check_number
from casemeter_server.encounters.living import Encounters, require_state
from casemeter_server.errors import RequestError, fault, invalid
from casemeter_server.evaluation import Evaluator
from casemeter_server.ledger.asking import Asking
from casemeter_server.ledger.outcomes import sealed
from casemeter_server.sealing.canonical import ContentError
from casemeter_server.sealing.content import Content, Kind, Page, content_of
from casemeter_server.sealing.keys import SealKey
from casemeter_server.sealing.token import Seal, SealedPack, sign
from casemeter_server.shown_alerts import history_of
from casemeter_server.stay_facts import Faults
from casemeter_server.store.rows import Seal as StoredSeal
from casemeter_server.store.store import Store, StoreUnavailable, Writing


class Seals:
    """Checks pages and seals them. A seal is kept before anyone is given it."""

    def __init__(
        self,
        store: Store,
        encounters: Encounters,
        evaluator: Callable[[], Evaluator],
        key: SealKey,
    ) -> None:
        """Take what sealing needs.

        Args:
            store: keeps the seals. Without one nothing is sealed: a seal that exists is on record.
            encounters: the open ones of that store.
            evaluator: gives the present one.
            key: signs.
        """
        self._store = store
        self._encounters = encounters
        self._evaluator = evaluator
        self._key = key
        self._asking = Asking(evaluator)

    def calls(self) -> tuple[Call, ...]:
        """Return the calls by the names of the contract."""
        return (Call("SealFrontPage", keeping_pb2.SealFrontPageRequest, self.seal_front_page),)

    async def seal_front_page(
        self, request: keeping_pb2.SealFrontPageRequest, caller: Caller
    ) -> keeping_pb2.SealFrontPageResponse:
        """Check a page and seal it, unless a stop refuses it.

        Raises:
            RequestError: the request cannot be answered, or the state that the coder saw is gone.
            StoreUnavailable: the store does not answer; nothing was sealed.
        """
        _check(request)
        caller = replace(caller, hospital=request.hospital or caller.hospital)
        number = request.encounter_id or request.encounter.encounter_id
        page = request.encounter
        if request.encounter_id:
            state = await self._encounters.state(caller.hospital, number)
            require_state(request.state_hash, state)
            assert state is not None  # it would have been refused
            page = state.encounter
        verdict = await self._check_page(page, number, request, caller)
        seal = ""
        if not verdict.rules.submission_refused:
            content = bound_content(Kind.ENCOUNTER, page)
            seal = await self._give(content, verdict, caller, number, page, request.state_hash)
        return keeping_pb2.SealFrontPageResponse(seal=seal, verdict=verdict)

    async def seal(
        self,
        kind: Kind,
        page: Page,
        verdict: verdict_pb2.Verdict,
        caller: Caller,
        encounter: str = "",
        stay: encounter_pb2.Encounter | None = None,
    ) -> str:
        """Seal a page that a door had checked.

        Args:
            kind: what it is.
            page: as it came: the text of a message, or a row by its columns. A message that was read is
                bound as well as long as its reader keeps every digit of its numbers.
            verdict: on the page, at the moment of submission.
            caller: who had it checked.
            encounter: the hospital's number of the stay; empty: the page has none.
            stay: the page as it was checked, for the ledger; ``None``: not at hand.

        Returns:
            The seal; empty: stops refuse it.

        Raises:
            RequestError: the page cannot be bound, or the store does not answer: nothing was sealed.
            ValueError: the verdict is for another moment, at which stops refuse nothing.
        """
        if verdict.HasField("rules") and verdict.rules.phase != finding_pb2.CARE_PHASE_SUBMISSION:
            raise ValueError("the page was not checked at the moment of submission")
        if verdict.rules.submission_refused:
            return ""
        try:
            return await self._give(bound_content(kind, page), verdict, caller, encounter, stay)
        except StoreUnavailable:
            raise RequestError("STORE_UNAVAILABLE", {}) from None

    async def _check_page(
        self,
        page: encounter_pb2.Encounter,
        number: str,
        request: keeping_pb2.SealFrontPageRequest,
        caller: Caller,
    ) -> verdict_pb2.Verdict:
        """Return the verdict at submission; answers that were given to alerts of the stay count."""
        question = service_pb2.EvaluateRequest(
            pack=request.pack, encounter=page, phase=finding_pb2.CARE_PHASE_SUBMISSION
        )
        if request.HasField("as_of"):
            question.as_of.CopyFrom(request.as_of)
        if number:
            shown = await self._store.read(lambda reading: reading.alerts(caller.hospital, number))
            question.alert_context.CopyFrom(history_of(shown))
        return self._evaluator().evaluate(question, caller).verdict

    async def _give(
        self,
        content: Content,
        verdict: verdict_pb2.Verdict,
        caller: Caller,
        encounter: str,
        page: encounter_pb2.Encounter | None,
        state_hash: str = "",
    ) -> str:
        """Sign and keep a seal; of an open encounter, unless it has moved on in the meantime.

        The group that was sealed is the coder's, and is kept with it for the ledger.
        """
        said = _said(content, verdict, caller, encounter, state_hash)
        token = sign(said, self._key)
        stored = StoredSeal(
            id=said.id,
            hospital=said.hospital,
            encounter=encounter,
            at=said.at,
            user=said.user,
            content_sha256=content.sha256,
            token=token,
        )

        told = sealed(self._asking.asker, said.hospital, encounter, page, verdict, datetime.now(UTC))

        def keep(writing: Writing) -> int:
            writing.add_seal(stored)
            if told is not None:
                writing.put_outcomes([told])
            return 0

        if state_hash:
            await self._encounters.act(caller.hospital, encounter, state_hash, keep)
        else:
            await self._store.write(keep)
        return token


def packs_of(verdict: verdict_pb2.Verdict) -> tuple[SealedPack, ...]:
    """Return every pack that a verdict was made with."""
    refs = [verdict.pack, verdict.payment.pack, verdict.meter.benchmark.pack, *verdict.rules.packs]
    return tuple(_sealed(ref) for ref in refs if ref.id)


def _sealed(ref: pack_pb2.PackRef) -> SealedPack:
    return SealedPack(ref.id, ref.version, ref.bundle_sha256)


def _said(
    content: Content, verdict: verdict_pb2.Verdict, caller: Caller, encounter: str, state_hash: str
) -> Seal:
    return Seal(
        id=uuid4().hex,
        at=datetime.now(UTC).replace(microsecond=0),
        hospital=caller.hospital,
        encounter=encounter,
        user=caller.user,
        role=caller.role,
        content=content,
        group=verdict.group.code,
        packs=packs_of(verdict),
        shadow_sha256=verdict.rules.shadow_sha256,
        as_of=verdict.as_of.ToJsonString(),
        state_hash=state_hash,
    )


def _check(request: keeping_pb2.SealFrontPageRequest) -> None:
    faults: Faults = []
    page = request.WhichOneof("page")
    if page is None:
        faults.append(fault("encounter", "REQUIRED"))
    if page == "encounter_id":
        for name in ("encounter_id", "state_hash"):
            if not getattr(request, name):
                faults.append(fault(name, "REQUIRED"))
    elif request.state_hash:
        faults.append(fault("state_hash", "CONTRADICTION", other="encounter"))
    for name in ("encounter_id", "hospital", "state_hash"):
        check_number(getattr(request, name), name, faults, required=False)
    check_number(request.encounter.encounter_id, "encounter.encounter_id", faults, required=False)
    if faults:
        raise invalid(faults)


def bound_content(kind: Kind, page: Page) -> Content:
    """Return what a seal binds of a page.

    Raises:
        RequestError: the page cannot be bound.
    """
    try:
        return content_of(kind, page)
    except ContentError as error:
        raise invalid(
            [fault("encounter" if kind is Kind.ENCOUNTER else "input", "UNBOUND", why=error)]
        ) from None
