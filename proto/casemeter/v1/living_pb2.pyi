import datetime

from casemeter.v1 import charges_pb2 as _charges_pb2
from casemeter.v1 import encounter_pb2 as _encounter_pb2
from casemeter.v1 import error_pb2 as _error_pb2
from casemeter.v1 import finding_pb2 as _finding_pb2
from casemeter.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OutcomeSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_SOURCE_UNSPECIFIED: _ClassVar[OutcomeSource]
    OUTCOME_SOURCE_CODER: _ClassVar[OutcomeSource]
    OUTCOME_SOURCE_BUREAU: _ClassVar[OutcomeSource]
OUTCOME_SOURCE_UNSPECIFIED: OutcomeSource
OUTCOME_SOURCE_CODER: OutcomeSource
OUTCOME_SOURCE_BUREAU: OutcomeSource

class EncounterEvent(_message.Message):
    __slots__ = ("event_id", "time", "corrects", "facts", "diagnosis", "procedure", "order", "charge", "segment", "front_page", "settlement", "closing", "outcome")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    CORRECTS_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSIS_FIELD_NUMBER: _ClassVar[int]
    PROCEDURE_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    CHARGE_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    FRONT_PAGE_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_FIELD_NUMBER: _ClassVar[int]
    CLOSING_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    time: _timestamp_pb2.Timestamp
    corrects: str
    facts: StayFacts
    diagnosis: DiagnosisEvent
    procedure: ProcedureEvent
    order: OrderEvent
    charge: ChargeEvent
    segment: SegmentEvent
    front_page: FrontPageEvent
    settlement: SettlementEvent
    closing: ClosingEvent
    outcome: OutcomeEvent
    def __init__(self, event_id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., corrects: _Optional[str] = ..., facts: _Optional[_Union[StayFacts, _Mapping]] = ..., diagnosis: _Optional[_Union[DiagnosisEvent, _Mapping]] = ..., procedure: _Optional[_Union[ProcedureEvent, _Mapping]] = ..., order: _Optional[_Union[OrderEvent, _Mapping]] = ..., charge: _Optional[_Union[ChargeEvent, _Mapping]] = ..., segment: _Optional[_Union[SegmentEvent, _Mapping]] = ..., front_page: _Optional[_Union[FrontPageEvent, _Mapping]] = ..., settlement: _Optional[_Union[SettlementEvent, _Mapping]] = ..., closing: _Optional[_Union[ClosingEvent, _Mapping]] = ..., outcome: _Optional[_Union[OutcomeEvent, _Mapping]] = ...) -> None: ...

class StayFacts(_message.Message):
    __slots__ = ("values", "cleared")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    CLEARED_FIELD_NUMBER: _ClassVar[int]
    values: _encounter_pb2.Encounter
    cleared: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Union[_encounter_pb2.Encounter, _Mapping]] = ..., cleared: _Optional[_Iterable[str]] = ...) -> None: ...

class DiagnosisEvent(_message.Message):
    __slots__ = ("id", "diagnosis", "position")
    ID_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSIS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    id: str
    diagnosis: _encounter_pb2.Diagnosis
    position: int
    def __init__(self, id: _Optional[str] = ..., diagnosis: _Optional[_Union[_encounter_pb2.Diagnosis, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class ProcedureEvent(_message.Message):
    __slots__ = ("id", "procedure", "position", "planned")
    ID_FIELD_NUMBER: _ClassVar[int]
    PROCEDURE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    PLANNED_FIELD_NUMBER: _ClassVar[int]
    id: str
    procedure: _encounter_pb2.Procedure
    position: int
    planned: bool
    def __init__(self, id: _Optional[str] = ..., procedure: _Optional[_Union[_encounter_pb2.Procedure, _Mapping]] = ..., position: _Optional[int] = ..., planned: _Optional[bool] = ...) -> None: ...

class OrderEvent(_message.Message):
    __slots__ = ("id", "order")
    ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    id: str
    order: _charges_pb2.Order
    def __init__(self, id: _Optional[str] = ..., order: _Optional[_Union[_charges_pb2.Order, _Mapping]] = ...) -> None: ...

class ChargeEvent(_message.Message):
    __slots__ = ("id", "line")
    ID_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    id: str
    line: _charges_pb2.ChargeLine
    def __init__(self, id: _Optional[str] = ..., line: _Optional[_Union[_charges_pb2.ChargeLine, _Mapping]] = ...) -> None: ...

class SegmentEvent(_message.Message):
    __slots__ = ("id", "segment")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    segment: _encounter_pb2.Segment
    def __init__(self, id: _Optional[str] = ..., segment: _Optional[_Union[_encounter_pb2.Segment, _Mapping]] = ...) -> None: ...

class FrontPageEvent(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class SettlementEvent(_message.Message):
    __slots__ = ("id", "settlement")
    ID_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    settlement: Settlement
    def __init__(self, id: _Optional[str] = ..., settlement: _Optional[_Union[Settlement, _Mapping]] = ...) -> None: ...

class Settlement(_message.Message):
    __slots__ = ("from_date", "to_date", "total_fen")
    FROM_DATE_FIELD_NUMBER: _ClassVar[int]
    TO_DATE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FEN_FIELD_NUMBER: _ClassVar[int]
    from_date: str
    to_date: str
    total_fen: int
    def __init__(self, from_date: _Optional[str] = ..., to_date: _Optional[str] = ..., total_fen: _Optional[int] = ...) -> None: ...

class ClosingEvent(_message.Message):
    __slots__ = ("closed",)
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    closed: bool
    def __init__(self, closed: _Optional[bool] = ...) -> None: ...

class OutcomeEvent(_message.Message):
    __slots__ = ("source", "outcome")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    source: OutcomeSource
    outcome: Outcome
    def __init__(self, source: _Optional[_Union[OutcomeSource, str]] = ..., outcome: _Optional[_Union[Outcome, _Mapping]] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("group", "pack", "pack_version", "diagnoses", "procedures", "cost_fen", "payment_fen")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    PACK_FIELD_NUMBER: _ClassVar[int]
    PACK_VERSION_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSES_FIELD_NUMBER: _ClassVar[int]
    PROCEDURES_FIELD_NUMBER: _ClassVar[int]
    COST_FEN_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_FEN_FIELD_NUMBER: _ClassVar[int]
    group: str
    pack: str
    pack_version: str
    diagnoses: _containers.RepeatedScalarFieldContainer[str]
    procedures: _containers.RepeatedScalarFieldContainer[str]
    cost_fen: int
    payment_fen: int
    def __init__(self, group: _Optional[str] = ..., pack: _Optional[str] = ..., pack_version: _Optional[str] = ..., diagnoses: _Optional[_Iterable[str]] = ..., procedures: _Optional[_Iterable[str]] = ..., cost_fen: _Optional[int] = ..., payment_fen: _Optional[int] = ...) -> None: ...

class EncounterState(_message.Message):
    __slots__ = ("encounter", "state_hash", "version", "settlements", "closed", "waiting", "events", "outcomes")
    ENCOUNTER_FIELD_NUMBER: _ClassVar[int]
    STATE_HASH_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENTS_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    encounter: _encounter_pb2.Encounter
    state_hash: str
    version: int
    settlements: _containers.RepeatedCompositeFieldContainer[Settlement]
    closed: bool
    waiting: _containers.RepeatedScalarFieldContainer[str]
    events: int
    outcomes: _containers.RepeatedCompositeFieldContainer[OutcomeEvent]
    def __init__(self, encounter: _Optional[_Union[_encounter_pb2.Encounter, _Mapping]] = ..., state_hash: _Optional[str] = ..., version: _Optional[int] = ..., settlements: _Optional[_Iterable[_Union[Settlement, _Mapping]]] = ..., closed: _Optional[bool] = ..., waiting: _Optional[_Iterable[str]] = ..., events: _Optional[int] = ..., outcomes: _Optional[_Iterable[_Union[OutcomeEvent, _Mapping]]] = ...) -> None: ...

class RecordEventsRequest(_message.Message):
    __slots__ = ("encounter_id", "hospital", "events", "if_state")
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    HOSPITAL_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    IF_STATE_FIELD_NUMBER: _ClassVar[int]
    encounter_id: str
    hospital: str
    events: _containers.RepeatedCompositeFieldContainer[EncounterEvent]
    if_state: str
    def __init__(self, encounter_id: _Optional[str] = ..., hospital: _Optional[str] = ..., events: _Optional[_Iterable[_Union[EncounterEvent, _Mapping]]] = ..., if_state: _Optional[str] = ...) -> None: ...

class RecordEventsResponse(_message.Message):
    __slots__ = ("state_hash", "version", "opened", "known")
    STATE_HASH_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    OPENED_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    state_hash: str
    version: int
    opened: bool
    known: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, state_hash: _Optional[str] = ..., version: _Optional[int] = ..., opened: _Optional[bool] = ..., known: _Optional[_Iterable[str]] = ...) -> None: ...

class ReadEncounterRequest(_message.Message):
    __slots__ = ("encounter_id", "hospital")
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    HOSPITAL_FIELD_NUMBER: _ClassVar[int]
    encounter_id: str
    hospital: str
    def __init__(self, encounter_id: _Optional[str] = ..., hospital: _Optional[str] = ...) -> None: ...

class WatchEncounterRequest(_message.Message):
    __slots__ = ("encounter_id", "hospital", "pack", "phase", "known_state")
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    HOSPITAL_FIELD_NUMBER: _ClassVar[int]
    PACK_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    KNOWN_STATE_FIELD_NUMBER: _ClassVar[int]
    encounter_id: str
    hospital: str
    pack: str
    phase: _finding_pb2.CarePhase
    known_state: str
    def __init__(self, encounter_id: _Optional[str] = ..., hospital: _Optional[str] = ..., pack: _Optional[str] = ..., phase: _Optional[_Union[_finding_pb2.CarePhase, str]] = ..., known_state: _Optional[str] = ...) -> None: ...

class EncounterChange(_message.Message):
    __slots__ = ("state_hash", "version", "verdict", "error", "changed", "appeared", "withdrawn", "closed")
    STATE_HASH_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    APPEARED_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    state_hash: str
    version: int
    verdict: _verdict_pb2.Verdict
    error: _error_pb2.Error
    changed: _containers.RepeatedScalarFieldContainer[str]
    appeared: _containers.RepeatedScalarFieldContainer[str]
    withdrawn: _containers.RepeatedCompositeFieldContainer[WithdrawnFinding]
    closed: bool
    def __init__(self, state_hash: _Optional[str] = ..., version: _Optional[int] = ..., verdict: _Optional[_Union[_verdict_pb2.Verdict, _Mapping]] = ..., error: _Optional[_Union[_error_pb2.Error, _Mapping]] = ..., changed: _Optional[_Iterable[str]] = ..., appeared: _Optional[_Iterable[str]] = ..., withdrawn: _Optional[_Iterable[_Union[WithdrawnFinding, _Mapping]]] = ..., closed: _Optional[bool] = ...) -> None: ...

class WithdrawnFinding(_message.Message):
    __slots__ = ("alert_key", "rule", "text_zh", "text_en")
    ALERT_KEY_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    TEXT_ZH_FIELD_NUMBER: _ClassVar[int]
    TEXT_EN_FIELD_NUMBER: _ClassVar[int]
    alert_key: str
    rule: str
    text_zh: str
    text_en: str
    def __init__(self, alert_key: _Optional[str] = ..., rule: _Optional[str] = ..., text_zh: _Optional[str] = ..., text_en: _Optional[str] = ...) -> None: ...

class AnswerFindingRequest(_message.Message):
    __slots__ = ("encounter_id", "hospital", "state_hash", "alert_key", "answer", "override_reason", "override_text", "phase", "pack")
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    HOSPITAL_FIELD_NUMBER: _ClassVar[int]
    STATE_HASH_FIELD_NUMBER: _ClassVar[int]
    ALERT_KEY_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_REASON_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_TEXT_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    PACK_FIELD_NUMBER: _ClassVar[int]
    encounter_id: str
    hospital: str
    state_hash: str
    alert_key: str
    answer: _finding_pb2.AlertAnswer
    override_reason: str
    override_text: str
    phase: _finding_pb2.CarePhase
    pack: str
    def __init__(self, encounter_id: _Optional[str] = ..., hospital: _Optional[str] = ..., state_hash: _Optional[str] = ..., alert_key: _Optional[str] = ..., answer: _Optional[_Union[_finding_pb2.AlertAnswer, str]] = ..., override_reason: _Optional[str] = ..., override_text: _Optional[str] = ..., phase: _Optional[_Union[_finding_pb2.CarePhase, str]] = ..., pack: _Optional[str] = ...) -> None: ...

class AnswerFindingResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: int
    def __init__(self, version: _Optional[int] = ...) -> None: ...
