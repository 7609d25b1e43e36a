import datetime

from casemeter.v1 import encounter_pb2 as _encounter_pb2
from casemeter.v1 import error_pb2 as _error_pb2
from casemeter.v1 import finding_pb2 as _finding_pb2
from casemeter.v1 import forecast_pb2 as _forecast_pb2
from casemeter.v1 import keeping_pb2 as _keeping_pb2
from casemeter.v1 import living_pb2 as _living_pb2
from casemeter.v1 import meter_pb2 as _meter_pb2
from casemeter.v1 import pack_pb2 as _pack_pb2
from casemeter.v1 import terms_pb2 as _terms_pb2
from casemeter.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EvaluateRequest(_message.Message):
    __slots__ = ("call_id", "pack", "as_of", "encounter", "explain", "near_misses", "alternatives", "phase", "alert_context", "filled", "previous_forecast")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    PACK_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    NEAR_MISSES_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    ALERT_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    FILLED_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FORECAST_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    pack: str
    as_of: _timestamp_pb2.Timestamp
    encounter: _encounter_pb2.Encounter
    explain: bool
    near_misses: bool
    alternatives: _containers.RepeatedCompositeFieldContainer[_meter_pb2.Alternative]
    phase: _finding_pb2.CarePhase
    alert_context: _finding_pb2.AlertContext
    filled: _containers.RepeatedCompositeFieldContainer[_verdict_pb2.FilledFact]
    previous_forecast: _forecast_pb2.ForecastBasis
    def __init__(self, call_id: _Optional[str] = ..., pack: _Optional[str] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., encounter: _Optional[_Union[_encounter_pb2.Encounter, _Mapping]] = ..., explain: _Optional[bool] = ..., near_misses: _Optional[bool] = ..., alternatives: _Optional[_Iterable[_Union[_meter_pb2.Alternative, _Mapping]]] = ..., phase: _Optional[_Union[_finding_pb2.CarePhase, str]] = ..., alert_context: _Optional[_Union[_finding_pb2.AlertContext, _Mapping]] = ..., filled: _Optional[_Iterable[_Union[_verdict_pb2.FilledFact, _Mapping]]] = ..., previous_forecast: _Optional[_Union[_forecast_pb2.ForecastBasis, _Mapping]] = ...) -> None: ...

class EvaluateResponse(_message.Message):
    __slots__ = ("verdict", "call_id", "timings", "recorded")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    verdict: _verdict_pb2.Verdict
    call_id: str
    timings: Timings
    recorded: bool
    def __init__(self, verdict: _Optional[_Union[_verdict_pb2.Verdict, _Mapping]] = ..., call_id: _Optional[str] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ..., recorded: _Optional[bool] = ...) -> None: ...

class Timings(_message.Message):
    __slots__ = ("decode_ns", "case_ns", "group_ns", "explain_ns", "near_misses_ns", "verdict_ns", "meter_ns", "rules_ns", "forecast_ns")
    DECODE_NS_FIELD_NUMBER: _ClassVar[int]
    CASE_NS_FIELD_NUMBER: _ClassVar[int]
    GROUP_NS_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_NS_FIELD_NUMBER: _ClassVar[int]
    NEAR_MISSES_NS_FIELD_NUMBER: _ClassVar[int]
    VERDICT_NS_FIELD_NUMBER: _ClassVar[int]
    METER_NS_FIELD_NUMBER: _ClassVar[int]
    RULES_NS_FIELD_NUMBER: _ClassVar[int]
    FORECAST_NS_FIELD_NUMBER: _ClassVar[int]
    decode_ns: int
    case_ns: int
    group_ns: int
    explain_ns: int
    near_misses_ns: int
    verdict_ns: int
    meter_ns: int
    rules_ns: int
    forecast_ns: int
    def __init__(self, decode_ns: _Optional[int] = ..., case_ns: _Optional[int] = ..., group_ns: _Optional[int] = ..., explain_ns: _Optional[int] = ..., near_misses_ns: _Optional[int] = ..., verdict_ns: _Optional[int] = ..., meter_ns: _Optional[int] = ..., rules_ns: _Optional[int] = ..., forecast_ns: _Optional[int] = ...) -> None: ...

class EvaluateStreamResponse(_message.Message):
    __slots__ = ("response", "error", "call_id")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    response: EvaluateResponse
    error: _error_pb2.Error
    call_id: str
    def __init__(self, response: _Optional[_Union[EvaluateResponse, _Mapping]] = ..., error: _Optional[_Union[_error_pb2.Error, _Mapping]] = ..., call_id: _Optional[str] = ...) -> None: ...

class ListPacksRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPacksResponse(_message.Message):
    __slots__ = ("packs",)
    PACKS_FIELD_NUMBER: _ClassVar[int]
    packs: _containers.RepeatedCompositeFieldContainer[_pack_pb2.Pack]
    def __init__(self, packs: _Optional[_Iterable[_Union[_pack_pb2.Pack, _Mapping]]] = ...) -> None: ...
