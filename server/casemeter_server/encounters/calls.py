"""The calls of the contract about open encounters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Final

from casemeter.v1 import finding_pb2, living_pb2, service_pb2
from casemeter_rules.alerting.alert import Answer as GivenAnswer
from casemeter_rules.alerting.alert import AnswerKind
from casemeter_rules.alerting.overrides import check_answer
from casemeter_server.caller import Caller
from casemeter_server.calls import Call, StreamCall
from casemeter_server.care_facts import MAX_VALUE
from casemeter_server.encounters.checks import check_events, check_kept, check_number
from casemeter_server.encounters.living import Encounters, require_state
from casemeter_server.encounters.watching import Watching
from casemeter_server.errors import RequestError, fault, invalid
from casemeter_server.evaluation import Evaluator
from casemeter_server.shown_alerts import ANSWER_NAMES, history_of
from casemeter_server.stay_facts import Faults
from casemeter_server.store.rows import Answer
from casemeter_server.store.store import Store, Writing

_PHASES: Final = frozenset(finding_pb2.CarePhase.values())


class EncounterCalls:
    """Answers the calls about open encounters."""

    def __init__(
        self,
        store: Store,
        encounters: Encounters,
        watching: Watching,
        evaluator: Callable[[], Evaluator],
        stir: Callable[[str, str], None],
    ) -> None:
        """Take what the calls need.

        Args:
            store: keeps the answers.
            encounters: the open ones of that store.
            watching: tells watchers.
            evaluator: gives the present one.
            stir: called with hospital and encounter when events of it were kept; it must not wait.
        """
        self._store = store
        self._encounters = encounters
        self._watching = watching
        self._evaluator = evaluator
        self._stir = stir

    def calls(self) -> tuple[Call | StreamCall, ...]:
        """Return the calls by the names of the contract."""
        return (
            Call("RecordEvents", living_pb2.RecordEventsRequest, self.record_events),
            Call("ReadEncounter", living_pb2.ReadEncounterRequest, self.read_encounter),
            StreamCall("WatchEncounter", living_pb2.WatchEncounterRequest, self.watch_encounter),
            Call("AnswerFinding", living_pb2.AnswerFindingRequest, self.answer_finding),
        )

    async def record_events(
        self, request: living_pb2.RecordEventsRequest, caller: Caller
    ) -> living_pb2.RecordEventsResponse:
        """Keep events of an encounter; they are kept when this returns."""
        check_events(request, self._evaluator().zone)
        hospital = request.hospital or caller.hospital
        number = request.encounter_id
        kept = await self._encounters.record(hospital, number, request.events, request.if_state)
        self._stir(hospital, number)
        return kept

    async def read_encounter(
        self, request: living_pb2.ReadEncounterRequest, caller: Caller
    ) -> living_pb2.EncounterState:
        """Tell the state of an encounter."""
        faults = _faults_of_stay(request)
        if faults:
            raise invalid(faults)
        state = await self._encounters.state(request.hospital or caller.hospital, request.encounter_id)
        if state is None:
            raise RequestError("UNKNOWN_ENCOUNTER", {})
        return state

    async def watch_encounter(
        self, request: living_pb2.WatchEncounterRequest, caller: Caller
    ) -> AsyncIterator[living_pb2.EncounterChange]:
        """Tell the verdict of an encounter, and again whenever it changes."""
        faults = _faults_of_stay(request)
        if request.phase not in _PHASES:
            faults.append(fault("phase", "UNKNOWN_VALUE", value=request.phase))
        if faults:
            raise invalid(faults)
        async for change in self._watching.watch(request, request.hospital or caller.hospital, caller):
            yield change

    async def answer_finding(
        self, request: living_pb2.AnswerFindingRequest, caller: Caller
    ) -> living_pb2.AnswerFindingResponse:
        """Keep the answer to a finding of the present verdict; one of a state that is gone is refused."""
        _check_answer_request(request)
        hospital = request.hospital or caller.hospital
        state = await self._encounters.state(hospital, request.encounter_id)
        require_state(request.state_hash, state)
        assert state is not None  # it would have been refused
        recorded = await self._store.read(lambda reading: reading.alerts(hospital, request.encounter_id))
        question = service_pb2.EvaluateRequest(
            pack=request.pack,
            encounter=state.encounter,
            phase=request.phase,
            alert_context=history_of(recorded),
        )
        verdict = self._evaluator().evaluate(question, caller).verdict
        finding = next((one for one in verdict.findings if one.alert_key == request.alert_key), None)
        if finding is None:
            raise RequestError("FINDING_GONE", {})
        _check_reason(request, finding)
        answer = Answer(
            hospital=hospital,
            encounter=request.encounter_id,
            rule=finding.rule,
            alert_key=finding.alert_key,
            at=datetime.now(UTC),
            answer=ANSWER_NAMES[request.answer],
            reason=request.override_reason,
            text=request.override_text,
            state_hash=request.state_hash,
            user=caller.user,
            role=caller.role,
            alert=next((row.id for row in recorded if row.alert_key == finding.alert_key), ""),
        )

        def keep(writing: Writing) -> int:
            return writing.add_answer(answer)

        version = await self._encounters.act(hospital, request.encounter_id, request.state_hash, keep)
        return living_pb2.AnswerFindingResponse(version=version)


def _faults_of_stay(
    request: living_pb2.ReadEncounterRequest
    | living_pb2.WatchEncounterRequest
    | living_pb2.AnswerFindingRequest,
) -> Faults:
    """Return what is wrong with the number of a stay and its hospital."""
    faults: Faults = []
    check_number(request.encounter_id, "encounter_id", faults)
    check_number(request.hospital, "hospital", faults, required=False)
    return faults


def _check_answer_request(request: living_pb2.AnswerFindingRequest) -> None:
    faults = _faults_of_stay(request)
    for name in ("state_hash", "alert_key"):
        check_number(getattr(request, name), name, faults)
    check_kept(request.override_text, "override_text", MAX_VALUE, faults)
    if not request.answer:
        faults.append(fault("answer", "REQUIRED"))
    elif request.answer not in ANSWER_NAMES:
        faults.append(fault("answer", "UNKNOWN_VALUE", value=request.answer))
    if request.phase not in _PHASES:
        faults.append(fault("phase", "UNKNOWN_VALUE", value=request.phase))
    if faults:
        raise invalid(faults)


def _check_reason(request: living_pb2.AnswerFindingRequest, finding: finding_pb2.Finding) -> None:
    """Refuse an answer that settles nothing: a reason missing or unfit, or worthless text."""
    faults: Faults = []
    if request.override_reason and request.override_reason not in finding.override_reasons:
        known = ", ".join(finding.override_reasons) or "none"
        value = request.override_reason[:64]
        faults.append(fault("override_reason", "NO_SUCH_REASON", value=value, known=known))
    else:
        kind = AnswerKind(ANSWER_NAMES[request.answer])
        answer = GivenAnswer(kind, request.override_reason, request.override_text)
        for found in check_answer(answer):
            if found.blocking:
                field = "override_reason" if found.code == "reason_missing" else "override_text"
                faults.append(fault(field, "ANSWER_SAYS_NOTHING", why=found.en))
    if faults:
        raise invalid(faults)
