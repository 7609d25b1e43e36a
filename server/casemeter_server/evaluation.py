"""Evaluating one request: a visible pipeline of stages, each timed, nothing remembered between calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from os import urandom
from time import perf_counter_ns, time_ns
from typing import Any, Final, NamedTuple, TypeVar

from google.protobuf.message import DecodeError, Message

from casemeter.v1 import encounter_pb2, error_pb2, service_pb2, verdict_pb2
from casemeter_rules.alerting.policy import Policy
from casemeter_server.alternatives import check_alternatives
from casemeter_server.caller import Caller
from casemeter_server.care_facts import check_care_facts
from casemeter_server.charges import read_charges
from casemeter_server.errors import RequestError, fault, invalid
from casemeter_server.facilities import Facility
from casemeter_server.forecast_basis import check_basis
from casemeter_server.forecast_money import Pricing
from casemeter_server.forecast_plain import PlainForecast, known_plain
from casemeter_server.forecasting import Asked, fill_forecast, fits, forecaster_of
from casemeter_server.loaded import LoadedPack
from casemeter_server.meter import fill_meter, fill_payment
from casemeter_server.meter_settings import MeterSettings
from casemeter_server.metering import Metering
from casemeter_server.money import Money
from casemeter_server.money_stay import MoneyStay
from casemeter_server.plain.calendar import iso_day, offsets_of
from casemeter_server.plain.reader import PlainAnswer
from casemeter_server.plain.wire import content_field, first_text, number_field, tags
from casemeter_server.prepare import MAX_ID, Prepared, prepare
from casemeter_server.rules_stage import RulesStage
from casemeter_server.settling import Settled, Settling
from casemeter_server.shelf import holds_always, holds_on
from casemeter_server.snapshot import Snapshot
from casemeter_server.stay_facts import EARLIEST_AS_OF, LATEST, Faults, seconds_of, seconds_since
from casemeter_server.views import hide_money

_EARLIEST_AS_OF: Final = seconds_since(EARLIEST_AS_OF)

_VERDICT, _CALL_ID, _TIMINGS = tags(service_pb2.EvaluateResponse, "verdict", "call_id", "timings")
(_ENCOUNTER_ID,) = tags(encounter_pb2.Encounter, "encounter_id")
_GROUP_NS, _VERDICT_NS, _FORECAST_NS = tags(service_pb2.Timings, "group_ns", "verdict_ns", "forecast_ns")
_STATUS_NAMES: Final = {
    number: name.removeprefix("GROUP_STATUS_").lower() for name, number in verdict_pb2.GroupStatus.items()
}
_MAX_MONEY: Final = 4096
_M = TypeVar("_M", bound=Message)


class _Charged(NamedTuple):
    """What the charges of a plain request come to.

    Attributes:
        verdict: payment and meter, serialised.
        cost_fen: running cost.
        pricing: what prices where it is heading.
    """

    verdict: bytes
    cost_fen: int
    pricing: Pricing


class Reply(NamedTuple):
    """One answer as it goes over the wire, and what is counted of it.

    Attributes:
        data: an ``EvaluateResponse``, serialised.
        call_id: of the response.
        encounter_id: number of the stay; empty: not sent.
        pack: id of the pack that answered.
        status: how the case ends, in lower case.
        stages: nanoseconds by stage, in the order of :data:`~casemeter_server.metrics.STAGES` without the
            total; 0: there was no such stage.
    """

    data: bytes
    call_id: str
    encounter_id: str
    pack: str
    status: str
    stages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Answers requests from one snapshot.

    Attributes:
        snapshot: the packs.
        zone: the hospital's zone, by whose local days stays are counted.
        settings: what hospitals set for their meters.
        alerts: how findings are shown.
        facilities: hospitals, as rules ask of them.
    """

    snapshot: Snapshot
    zone: tzinfo
    settings: MeterSettings = field(default_factory=MeterSettings)
    alerts: Policy = field(default_factory=Policy)
    facilities: Mapping[str, Facility] = field(default_factory=dict)
    # A function of the above and of no patient, found once for each hospital, pack and day.
    _money: dict[tuple[str, str, str], Money] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _rules: RulesStage = field(init=False, repr=False, compare=False)
    _plain_forecasts: Mapping[LoadedPack[Any], tuple[PlainForecast, ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        quick = {
            loaded: tuple(
                PlainForecast(forecaster, loaded)
                for forecaster in self.snapshot.forecasts.packs.get(loaded.header.id, ())
                if fits(forecaster, loaded)
            )
            for loaded in self.snapshot.schemes
            if loaded.plain
        }
        object.__setattr__(self, "_plain_forecasts", quick)
        stage = RulesStage(self.snapshot, self.zone, self.alerts, self.facilities)
        object.__setattr__(self, "_rules", stage)

    @property
    def has_rules(self) -> bool:
        """Whether any pack of rules is loaded."""
        return self._rules.has_rules

    def evaluate_bytes(
        self, data: bytes, caller: Caller, *, in_time: Callable[[], bool] = lambda: True
    ) -> Reply:
        """Answer one request as it comes over the wire.

        A plain one goes the short way; any other is parsed and evaluated. Both ways say the same.

        Args:
            data: the request.
            caller: who asks.
            in_time: asked before the costly stages; false ends the call.

        Raises:
            RequestError: the request cannot be answered.
        """
        started = perf_counter_ns()
        found = self._answer_plain(data, caller)
        if found:
            return _plain_reply(data, *found, perf_counter_ns() - started)
        request = parse(service_pb2.EvaluateRequest(), data)
        decode_ns = perf_counter_ns() - started
        response = self.evaluate(request, caller, decode_ns=decode_ns, in_time=in_time)
        evaluated_at = perf_counter_ns()
        written = response.SerializeToString(deterministic=True)
        encode_ns = perf_counter_ns() - evaluated_at
        verdict, timings = response.verdict, response.timings
        stages = (
            *(timings.decode_ns, timings.case_ns, timings.group_ns, timings.verdict_ns),
            *(timings.meter_ns, timings.rules_ns, timings.forecast_ns),
            *(timings.explain_ns, timings.near_misses_ns, encode_ns),
        )
        number = request.encounter.encounter_id
        return Reply(
            written, response.call_id, number, verdict.pack.id, _STATUS_NAMES[verdict.status], stages
        )

    def _answer_plain(
        self, data: bytes, caller: Caller
    ) -> tuple[LoadedPack[Any], PlainAnswer, bytes, int] | None:
        """Answer a request the short way.

        Returns:
            The pack that answered, the answer, the whole verdict, and the nanoseconds of its forecast;
            ``None``: the request is not plain.
        """
        clock, offsets = time_ns() / 1e9, offsets_of(self.zone)
        pack = ""
        try:
            # The default pack reads first; it may turn out that the request names another.
            for named in (False, True):
                # Only reading tells the day whose version answers; today's most likely does.
                loaded = self.snapshot.pick(pack, caller.hospital, lambda: self._local_day(clock))
                if loaded.plain is None:
                    return None
                answer = loaded.plain.answer(data, clock, named, offsets)
                if not isinstance(answer, str):
                    break
                pack = answer
        except RequestError:
            return None
        if not isinstance(answer, PlainAnswer):
            return None
        if not (holds_always(loaded) or holds_on(loaded, iso_day(answer.day))):
            return None
        verdict, charged = answer.verdict, None
        if answer.charges is not None:
            charged = self._plain_money(data, caller, loaded, answer)
            if charged is None:
                return None
            verdict += charged.verdict
        if self._rules.has_rules:
            found = self._rules.plain(data, caller, loaded, answer, offsets)
            if found is None:
                return None
            verdict += found
        forecast_ns = 0
        if self.snapshot.forecasts.packs:
            ruled_at = perf_counter_ns()
            verdict += self._plain_forecast(loaded, answer, charged)
            forecast_ns = perf_counter_ns() - ruled_at
        return loaded, answer, verdict, forecast_ns

    def _plain_forecast(
        self, loaded: LoadedPack[Any], answer: PlainAnswer, charged: _Charged | None
    ) -> bytes:
        """Return where a plain request is heading, serialised. Where money is hidden, none has charges."""
        known = known_plain(loaded, answer, charged.cost_fen if charged else None)
        pricing, is_discharged = charged.pricing if charged else None, answer.stay.is_discharged
        if known is not None and not is_discharged:
            for quick in self._plain_forecasts.get(loaded, ()):
                if quick.holds_always or holds_on(quick.forecaster, iso_day(answer.day)):
                    written = quick.write(known, pricing)
                    if written is not None:
                        return written
        # Without an answer there is little to say, and the ordinary way says it.
        forecaster = forecaster_of(self.snapshot, loaded, iso_day(answer.day))
        verdict = verdict_pb2.Verdict()
        group = loaded.facts_of_leaf(answer.leaf)
        fill_forecast(verdict.forecast, Asked(loaded, forecaster, group, known, is_discharged, pricing))
        return verdict.SerializeToString(deterministic=True)

    def _plain_money(
        self, data: bytes, caller: Caller, loaded: LoadedPack[Any], answer: PlainAnswer
    ) -> _Charged | None:
        """Return payment and meter of a plain request; ``None`` if its charges are not plain."""
        money = self._money_on(caller.hospital, loaded, iso_day(answer.day))
        if answer.charges is None or not money.settings.sees_money(caller.role):
            return None
        reader = self.snapshot.plain_charges[money.policy.sha256 if money.policy else ""]
        ledger = reader.add_up(data, *answer.charges, answer.as_of)
        if ledger is None:
            return None
        verdict = verdict_pb2.Verdict()
        position = money.position(loaded.facts_of_leaf(answer.leaf), ledger.cost_fen, answer.stay)
        fill_payment(verdict.payment, money, position, answer.stay)
        fill_meter(verdict.meter, money, position, ledger, answer.stay)
        written = verdict.SerializeToString(deterministic=True)
        return _Charged(written, ledger.cost_fen, Pricing(money, answer.stay, position.not_priced))

    def evaluate(
        self,
        request: service_pb2.EvaluateRequest,
        caller: Caller,
        *,
        decode_ns: int = 0,
        in_time: Callable[[], bool] = lambda: True,
    ) -> service_pb2.EvaluateResponse:
        """Answer one request.

        Args:
            request: the request.
            caller: who asks.
            decode_ns: time already spent on reading the request, for the timings.
            in_time: asked before the costly stages; false ends the call.

        Raises:
            RequestError: the request cannot be answered.
        """
        started = perf_counter_ns()
        as_of = self._moment(request)
        encounter = request.encounter
        loaded = self.snapshot.pick(request.pack, caller.hospital, lambda: self._day(request, as_of))
        faults: Faults = []
        check_care_facts(request, faults)
        if request.HasField("previous_forecast"):
            check_basis(request.previous_forecast, "previous_forecast", faults)
        metering = self._metering(request, caller, loaded, as_of, faults)
        prepared = prepare(encounter, loaded.codes, as_of, self.zone, faults)
        prepared_at = perf_counter_ns()
        settled = metering.settling.settle(prepared, metering.cost_fen)
        outcome = settled.outcome
        grouped_at = perf_counter_ns()

        response = service_pb2.EvaluateResponse(call_id=request.call_id or urandom(16).hex())
        verdict = response.verdict
        loaded.fill(verdict, outcome, prepared)
        verdict.tie_cost = settled.tie_cost
        if request.HasField("as_of"):
            verdict.as_of.CopyFrom(request.as_of)
        else:
            verdict.as_of.seconds = int(as_of)
            verdict.as_of.nanos = round(as_of % 1 * 1e9)
        verdict.filled.extend(request.filled)
        filled_at = metered_at = perf_counter_ns()
        if metering.money or request.alternatives:
            metering.fill(verdict, outcome, prepared, encounter)
            metering.fill_alternatives(verdict, request.alternatives, encounter, lambda: _check_time(in_time))
            metered_at = perf_counter_ns()
        sees_money = self.settings.of(caller.hospital).sees_money(caller.role)
        if not sees_money:
            # Without charges, too: rivals of a catalogue have scores and costs.
            hide_money(verdict, request.alternatives)
        hidden_at = ruled_at = perf_counter_ns()
        if self._rules.has_rules:
            self._rules.fill(verdict, request, caller, prepared, as_of, self._day(request, as_of), metering)
            ruled_at = perf_counter_ns()
        forecast_at = ruled_at
        if self.snapshot.forecasts.packs or request.HasField("previous_forecast"):
            self._fill_forecast(verdict, request, metering, prepared, settled, as_of, sees_money=sees_money)
            forecast_at = perf_counter_ns()
        explained_at = forecast_at
        if request.explain and prepared.case.diagnoses:
            _check_time(in_time)
            loaded.explain(verdict, prepared.case, settled.cost_fen)
            explained_at = perf_counter_ns()
        missed_at = explained_at
        if request.near_misses and prepared.case.diagnoses:
            _check_time(in_time)
            cost = metering.settling.cost_of_edits(prepared, settled, metering.cost_fen)
            loaded.find_near_misses(verdict, prepared, cost)
            missed_at = perf_counter_ns()
        timings = response.timings
        timings.decode_ns = decode_ns
        timings.case_ns = prepared_at - started
        timings.group_ns = grouped_at - prepared_at
        timings.verdict_ns = filled_at - grouped_at
        timings.meter_ns = metered_at - filled_at
        timings.rules_ns = ruled_at - hidden_at
        timings.forecast_ns = forecast_at - ruled_at
        timings.explain_ns = explained_at - forecast_at
        timings.near_misses_ns = missed_at - explained_at
        return response

    def _fill_forecast(
        self,
        verdict: verdict_pb2.Verdict,
        request: service_pb2.EvaluateRequest,
        metering: Metering,
        prepared: Prepared,
        settled: Settled,
        as_of: float,
        *,
        sees_money: bool,
    ) -> None:
        loaded, money, pricing = metering.loaded, metering.money, None
        if money is not None:
            stay = MoneyStay.of(request.encounter, prepared)
            pricing = Pricing(money, stay, verdict.payment.absent)
        asked = Asked(
            loaded,
            forecaster_of(self.snapshot, loaded, self._day(request, as_of)),
            loaded.facts(settled.outcome),
            metering.settling.known(prepared, settled.recorded, metering.cost_fen),
            prepared.is_discharged,
            pricing,
            sees_money,
        )
        previous = request.previous_forecast if request.HasField("previous_forecast") else None
        fill_forecast(verdict.forecast, asked, previous)

    def _metering(
        self,
        request: service_pb2.EvaluateRequest,
        caller: Caller,
        loaded: LoadedPack[Any],
        as_of: float,
        faults: Faults,
    ) -> Metering:
        """Add up the charges, and choose what pays; without charges there is no money in the verdict."""
        encounter = request.encounter
        money = ledger = None
        if encounter.HasField("charges"):
            money = self._money_on(caller.hospital, loaded, self._day(request, as_of))
            ledger = read_charges(encounter, as_of, self.zone, money.in_scope(), faults)
        if request.alternatives:
            check_alternatives(request.alternatives, encounter, faults)
        forecaster = None
        if loaded.ties_by_cost and self.snapshot.forecasts.packs:
            found = forecaster_of(self.snapshot, loaded, self._day(request, as_of))
            forecaster = found if fits(found, loaded) else None
        return Metering(Settling(loaded, forecaster), money, ledger, as_of, self.zone)

    def _money_on(self, hospital: str, loaded: LoadedPack[Any], day: str) -> Money:
        key = (hospital, loaded.header.id, day)
        found = self._money.get(key)
        if found is None:
            if len(self._money) >= _MAX_MONEY:
                self._money.clear()
            found = Money.of(self.snapshot, self.settings.of(hospital), hospital, loaded.header.id, day)
            self._money[key] = found
        return found

    def _moment(self, request: service_pb2.EvaluateRequest) -> float:
        """Return as_of in seconds: the request's, or the server's clock."""
        faults: list[error_pb2.FieldFault] = []
        if len(request.call_id) > MAX_ID:
            faults.append(fault("call_id", "TOO_LONG", count=len(request.call_id), limit=MAX_ID))
        as_of: float | None = time_ns() / 1e9
        if request.HasField("as_of"):
            as_of = seconds_of(request.as_of, "as_of", faults)
            if as_of is not None and as_of < _EARLIEST_AS_OF:
                value = f"{request.as_of.seconds} s"
                faults.append(fault("as_of", "OUT_OF_RANGE", value=value, low=EARLIEST_AS_OF, high=LATEST))
        if faults or as_of is None:
            raise invalid(faults)
        return as_of

    def _day(self, request: service_pb2.EvaluateRequest, as_of: float) -> str:
        """Return the local day whose pack holds: that of discharge, or of as_of."""
        if request.encounter.HasField("discharge_time"):
            # A discharge out of range is noted where the stay is read.
            as_of = seconds_of(request.encounter.discharge_time, "", []) or as_of
        return self._local_day(as_of)

    def _local_day(self, moment: float) -> str:
        return datetime.fromtimestamp(moment, self.zone).date().isoformat()


def parse(message: _M, data: bytes) -> _M:
    """Parse a message.

    Raises:
        RequestError: the bytes are no such message.
    """
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise RequestError("MALFORMED_REQUEST", {}) from None
    return message


def _plain_reply(
    data: bytes,
    loaded: LoadedPack[Any],
    answer: PlainAnswer,
    verdict: bytes,
    forecast_ns: int,
    taken_ns: int,
) -> Reply:
    """Return the reply to a plain request: the envelope of its verdict, written as the messages are."""
    started = perf_counter_ns()
    call_id = answer.call_id or urandom(16).hex().encode()
    envelope = content_field(_VERDICT, verdict) + content_field(_CALL_ID, call_id)
    verdict_ns = perf_counter_ns() - started
    group_ns = taken_ns - forecast_ns
    timings = number_field(_GROUP_NS, group_ns) + number_field(_VERDICT_NS, verdict_ns)
    if forecast_ns:
        timings += number_field(_FORECAST_NS, forecast_ns)
    number = first_text(data, *answer.encounter, _ENCOUNTER_ID)
    stages = (0, 0, group_ns, verdict_ns, 0, 0, forecast_ns, 0, 0, 0)
    written = envelope + content_field(_TIMINGS, timings)
    return Reply(written, call_id.decode(), number, loaded.header.id, answer.status, stages)


def _check_time(in_time: Callable[[], bool]) -> None:
    if not in_time():
        raise RequestError("DEADLINE_EXCEEDED", {})
