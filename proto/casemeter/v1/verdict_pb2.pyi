import datetime

from casemeter.v1 import encounter_pb2 as _encounter_pb2
from casemeter.v1 import explanation_pb2 as _explanation_pb2
from casemeter.v1 import finding_pb2 as _finding_pb2
from casemeter.v1 import forecast_pb2 as _forecast_pb2
from casemeter.v1 import meter_pb2 as _meter_pb2
from casemeter.v1 import pack_pb2 as _pack_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TieCost(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIE_COST_UNSPECIFIED: _ClassVar[TieCost]
    TIE_COST_RUNNING: _ClassVar[TieCost]
    TIE_COST_FORECAST: _ClassVar[TieCost]
    TIE_COST_NONE: _ClassVar[TieCost]

class FactSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FACT_SOURCE_UNSPECIFIED: _ClassVar[FactSource]
    FACT_SOURCE_OPEN_ENCOUNTER: _ClassVar[FactSource]

class GroupStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GROUP_STATUS_UNSPECIFIED: _ClassVar[GroupStatus]
    GROUP_STATUS_GROUPED: _ClassVar[GroupStatus]
    GROUP_STATUS_UNDIVIDED: _ClassVar[GroupStatus]
    GROUP_STATUS_AMBIGUOUS: _ClassVar[GroupStatus]
    GROUP_STATUS_UNGROUPABLE: _ClassVar[GroupStatus]
    GROUP_STATUS_NOT_YET: _ClassVar[GroupStatus]

class UngroupableReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNGROUPABLE_REASON_UNSPECIFIED: _ClassVar[UngroupableReason]
    UNGROUPABLE_REASON_PRINCIPAL_UNKNOWN: _ClassVar[UngroupableReason]
    UNGROUPABLE_REASON_NO_MDC: _ClassVar[UngroupableReason]
    UNGROUPABLE_REASON_SEX_CONFLICT: _ClassVar[UngroupableReason]
    UNGROUPABLE_REASON_ENTRY_NOT_MET: _ClassVar[UngroupableReason]
    UNGROUPABLE_REASON_FACT_MISSING: _ClassVar[UngroupableReason]
    UNGROUPABLE_REASON_NO_RULE: _ClassVar[UngroupableReason]

class CodeChange(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CODE_CHANGE_UNSPECIFIED: _ClassVar[CodeChange]
    CODE_CHANGE_NORMALISED: _ClassVar[CodeChange]
    CODE_CHANGE_MAPPED: _ClassVar[CodeChange]
    CODE_CHANGE_UNMAPPED: _ClassVar[CodeChange]
    CODE_CHANGE_UNKNOWN: _ClassVar[CodeChange]

class LeftAsideReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEFT_ASIDE_REASON_UNSPECIFIED: _ClassVar[LeftAsideReason]
    LEFT_ASIDE_REASON_KIND: _ClassVar[LeftAsideReason]
    LEFT_ASIDE_REASON_STATE: _ClassVar[LeftAsideReason]
    LEFT_ASIDE_REASON_PHASE: _ClassVar[LeftAsideReason]

class NoteKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTE_KIND_UNSPECIFIED: _ClassVar[NoteKind]
    NOTE_KIND_MAIN_PROCEDURE_NOT_TAKEN: _ClassVar[NoteKind]
    NOTE_KIND_GROUPED_BY_ONE_PROCEDURE: _ClassVar[NoteKind]
TIE_COST_UNSPECIFIED: TieCost
TIE_COST_RUNNING: TieCost
TIE_COST_FORECAST: TieCost
TIE_COST_NONE: TieCost
FACT_SOURCE_UNSPECIFIED: FactSource
FACT_SOURCE_OPEN_ENCOUNTER: FactSource
GROUP_STATUS_UNSPECIFIED: GroupStatus
GROUP_STATUS_GROUPED: GroupStatus
GROUP_STATUS_UNDIVIDED: GroupStatus
GROUP_STATUS_AMBIGUOUS: GroupStatus
GROUP_STATUS_UNGROUPABLE: GroupStatus
GROUP_STATUS_NOT_YET: GroupStatus
UNGROUPABLE_REASON_UNSPECIFIED: UngroupableReason
UNGROUPABLE_REASON_PRINCIPAL_UNKNOWN: UngroupableReason
UNGROUPABLE_REASON_NO_MDC: UngroupableReason
UNGROUPABLE_REASON_SEX_CONFLICT: UngroupableReason
UNGROUPABLE_REASON_ENTRY_NOT_MET: UngroupableReason
UNGROUPABLE_REASON_FACT_MISSING: UngroupableReason
UNGROUPABLE_REASON_NO_RULE: UngroupableReason
CODE_CHANGE_UNSPECIFIED: CodeChange
CODE_CHANGE_NORMALISED: CodeChange
CODE_CHANGE_MAPPED: CodeChange
CODE_CHANGE_UNMAPPED: CodeChange
CODE_CHANGE_UNKNOWN: CodeChange
LEFT_ASIDE_REASON_UNSPECIFIED: LeftAsideReason
LEFT_ASIDE_REASON_KIND: LeftAsideReason
LEFT_ASIDE_REASON_STATE: LeftAsideReason
LEFT_ASIDE_REASON_PHASE: LeftAsideReason
NOTE_KIND_UNSPECIFIED: NoteKind
NOTE_KIND_MAIN_PROCEDURE_NOT_TAKEN: NoteKind
NOTE_KIND_GROUPED_BY_ONE_PROCEDURE: NoteKind

class Verdict(_message.Message):
    __slots__ = ("status", "group", "ungroupable_reason", "failed_tests", "pack", "as_of", "facts", "code_notes", "left_aside", "notes", "explanation", "near_misses", "payment", "meter", "alternatives", "rivals", "findings", "rules", "forecast", "tie_cost", "filled")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    UNGROUPABLE_REASON_FIELD_NUMBER: _ClassVar[int]
    FAILED_TESTS_FIELD_NUMBER: _ClassVar[int]
    PACK_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    CODE_NOTES_FIELD_NUMBER: _ClassVar[int]
    LEFT_ASIDE_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    NEAR_MISSES_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_FIELD_NUMBER: _ClassVar[int]
    METER_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    RIVALS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    TIE_COST_FIELD_NUMBER: _ClassVar[int]
    FILLED_FIELD_NUMBER: _ClassVar[int]
    status: GroupStatus
    group: Group
    ungroupable_reason: UngroupableReason
    failed_tests: _containers.RepeatedScalarFieldContainer[str]
    pack: _pack_pb2.PackRef
    as_of: _timestamp_pb2.Timestamp
    facts: DerivedFacts
    code_notes: _containers.RepeatedCompositeFieldContainer[CodeNote]
    left_aside: _containers.RepeatedCompositeFieldContainer[LeftAside]
    notes: _containers.RepeatedCompositeFieldContainer[Note]
    explanation: _explanation_pb2.Explanation
    near_misses: _explanation_pb2.NearMisses
    payment: _meter_pb2.Payment
    meter: _meter_pb2.Meter
    alternatives: _containers.RepeatedCompositeFieldContainer[_meter_pb2.AlternativeOutcome]
    rivals: _containers.RepeatedCompositeFieldContainer[Rival]
    findings: _containers.RepeatedCompositeFieldContainer[_finding_pb2.Finding]
    rules: _finding_pb2.RulesReport
    forecast: _forecast_pb2.Forecast
    tie_cost: TieCost
    filled: _containers.RepeatedCompositeFieldContainer[FilledFact]
    def __init__(self, status: _Optional[_Union[GroupStatus, str]] = ..., group: _Optional[_Union[Group, _Mapping]] = ..., ungroupable_reason: _Optional[_Union[UngroupableReason, str]] = ..., failed_tests: _Optional[_Iterable[str]] = ..., pack: _Optional[_Union[_pack_pb2.PackRef, _Mapping]] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., facts: _Optional[_Union[DerivedFacts, _Mapping]] = ..., code_notes: _Optional[_Iterable[_Union[CodeNote, _Mapping]]] = ..., left_aside: _Optional[_Iterable[_Union[LeftAside, _Mapping]]] = ..., notes: _Optional[_Iterable[_Union[Note, _Mapping]]] = ..., explanation: _Optional[_Union[_explanation_pb2.Explanation, _Mapping]] = ..., near_misses: _Optional[_Union[_explanation_pb2.NearMisses, _Mapping]] = ..., payment: _Optional[_Union[_meter_pb2.Payment, _Mapping]] = ..., meter: _Optional[_Union[_meter_pb2.Meter, _Mapping]] = ..., alternatives: _Optional[_Iterable[_Union[_meter_pb2.AlternativeOutcome, _Mapping]]] = ..., rivals: _Optional[_Iterable[_Union[Rival, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[_finding_pb2.Finding, _Mapping]]] = ..., rules: _Optional[_Union[_finding_pb2.RulesReport, _Mapping]] = ..., forecast: _Optional[_Union[_forecast_pb2.Forecast, _Mapping]] = ..., tie_cost: _Optional[_Union[TieCost, str]] = ..., filled: _Optional[_Iterable[_Union[FilledFact, _Mapping]]] = ...) -> None: ...

class FilledFact(_message.Message):
    __slots__ = ("field", "source", "state_hash")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    STATE_HASH_FIELD_NUMBER: _ClassVar[int]
    field: str
    source: FactSource
    state_hash: str
    def __init__(self, field: _Optional[str] = ..., source: _Optional[_Union[FactSource, str]] = ..., state_hash: _Optional[str] = ...) -> None: ...

class Group(_message.Message):
    __slots__ = ("code", "name", "mdc", "adrg", "rule", "catalogue_kind")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MDC_FIELD_NUMBER: _ClassVar[int]
    ADRG_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_KIND_FIELD_NUMBER: _ClassVar[int]
    code: str
    name: str
    mdc: str
    adrg: str
    rule: str
    catalogue_kind: str
    def __init__(self, code: _Optional[str] = ..., name: _Optional[str] = ..., mdc: _Optional[str] = ..., adrg: _Optional[str] = ..., rule: _Optional[str] = ..., catalogue_kind: _Optional[str] = ...) -> None: ...

class Rival(_message.Message):
    __slots__ = ("code", "name", "score", "mean_cost_fen")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    MEAN_COST_FEN_FIELD_NUMBER: _ClassVar[int]
    code: str
    name: str
    score: str
    mean_cost_fen: int
    def __init__(self, code: _Optional[str] = ..., name: _Optional[str] = ..., score: _Optional[str] = ..., mean_cost_fen: _Optional[int] = ...) -> None: ...

class DerivedFacts(_message.Message):
    __slots__ = ("age_years", "age_days", "los_days", "icu_hours", "birth_weight_g", "department", "diagnosis_phase", "provisional")
    AGE_YEARS_FIELD_NUMBER: _ClassVar[int]
    AGE_DAYS_FIELD_NUMBER: _ClassVar[int]
    LOS_DAYS_FIELD_NUMBER: _ClassVar[int]
    ICU_HOURS_FIELD_NUMBER: _ClassVar[int]
    BIRTH_WEIGHT_G_FIELD_NUMBER: _ClassVar[int]
    DEPARTMENT_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSIS_PHASE_FIELD_NUMBER: _ClassVar[int]
    PROVISIONAL_FIELD_NUMBER: _ClassVar[int]
    age_years: int
    age_days: int
    los_days: int
    icu_hours: float
    birth_weight_g: int
    department: str
    diagnosis_phase: _encounter_pb2.DiagnosisPhase
    provisional: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, age_years: _Optional[int] = ..., age_days: _Optional[int] = ..., los_days: _Optional[int] = ..., icu_hours: _Optional[float] = ..., birth_weight_g: _Optional[int] = ..., department: _Optional[str] = ..., diagnosis_phase: _Optional[_Union[_encounter_pb2.DiagnosisPhase, str]] = ..., provisional: _Optional[_Iterable[str]] = ...) -> None: ...

class CodeNote(_message.Message):
    __slots__ = ("field", "sent", "used", "change")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    field: str
    sent: str
    used: str
    change: CodeChange
    def __init__(self, field: _Optional[str] = ..., sent: _Optional[str] = ..., used: _Optional[str] = ..., change: _Optional[_Union[CodeChange, str]] = ...) -> None: ...

class LeftAside(_message.Message):
    __slots__ = ("field", "reason")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    field: str
    reason: LeftAsideReason
    def __init__(self, field: _Optional[str] = ..., reason: _Optional[_Union[LeftAsideReason, str]] = ...) -> None: ...

class Note(_message.Message):
    __slots__ = ("kind", "code")
    KIND_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    kind: NoteKind
    code: str
    def __init__(self, kind: _Optional[_Union[NoteKind, str]] = ..., code: _Optional[str] = ...) -> None: ...
