from casemeter.v1 import meter_pb2 as _meter_pb2
from casemeter.v1 import pack_pb2 as _pack_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ForecastAbsent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FORECAST_ABSENT_UNSPECIFIED: _ClassVar[ForecastAbsent]
    FORECAST_ABSENT_NO_MODEL: _ClassVar[ForecastAbsent]
    FORECAST_ABSENT_OTHER_VERSION: _ClassVar[ForecastAbsent]
    FORECAST_ABSENT_NEVER_SEEN: _ClassVar[ForecastAbsent]
    FORECAST_ABSENT_NO_GROUP: _ClassVar[ForecastAbsent]
    FORECAST_ABSENT_NO_DAY: _ClassVar[ForecastAbsent]
    FORECAST_ABSENT_DISCHARGED: _ClassVar[ForecastAbsent]

class ForecastProcedures(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FORECAST_PROCEDURES_UNSPECIFIED: _ClassVar[ForecastProcedures]
    FORECAST_PROCEDURES_NONE: _ClassVar[ForecastProcedures]
    FORECAST_PROCEDURES_PENDING: _ClassVar[ForecastProcedures]
    FORECAST_PROCEDURES_DONE: _ClassVar[ForecastProcedures]

class ForecastCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FORECAST_CAUSE_UNSPECIFIED: _ClassVar[ForecastCause]
    FORECAST_CAUSE_DAY: _ClassVar[ForecastCause]
    FORECAST_CAUSE_RECORDED: _ClassVar[ForecastCause]
    FORECAST_CAUSE_PLANNED: _ClassVar[ForecastCause]
    FORECAST_CAUSE_DEPARTMENT: _ClassVar[ForecastCause]
    FORECAST_CAUSE_COST: _ClassVar[ForecastCause]
    FORECAST_CAUSE_AGE: _ClassVar[ForecastCause]
    FORECAST_CAUSE_BUNDLE: _ClassVar[ForecastCause]
FORECAST_ABSENT_UNSPECIFIED: ForecastAbsent
FORECAST_ABSENT_NO_MODEL: ForecastAbsent
FORECAST_ABSENT_OTHER_VERSION: ForecastAbsent
FORECAST_ABSENT_NEVER_SEEN: ForecastAbsent
FORECAST_ABSENT_NO_GROUP: ForecastAbsent
FORECAST_ABSENT_NO_DAY: ForecastAbsent
FORECAST_ABSENT_DISCHARGED: ForecastAbsent
FORECAST_PROCEDURES_UNSPECIFIED: ForecastProcedures
FORECAST_PROCEDURES_NONE: ForecastProcedures
FORECAST_PROCEDURES_PENDING: ForecastProcedures
FORECAST_PROCEDURES_DONE: ForecastProcedures
FORECAST_CAUSE_UNSPECIFIED: ForecastCause
FORECAST_CAUSE_DAY: ForecastCause
FORECAST_CAUSE_RECORDED: ForecastCause
FORECAST_CAUSE_PLANNED: ForecastCause
FORECAST_CAUSE_DEPARTMENT: ForecastCause
FORECAST_CAUSE_COST: ForecastCause
FORECAST_CAUSE_AGE: ForecastCause
FORECAST_CAUSE_BUNDLE: ForecastCause

class Forecast(_message.Message):
    __slots__ = ("bundle", "absent", "groups", "elsewhere", "set_size", "level", "cost", "los_days", "multiple_of_benchmark", "basis", "moved", "demonstration", "cases")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    ELSEWHERE_FIELD_NUMBER: _ClassVar[int]
    SET_SIZE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    LOS_DAYS_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_OF_BENCHMARK_FIELD_NUMBER: _ClassVar[int]
    BASIS_FIELD_NUMBER: _ClassVar[int]
    MOVED_FIELD_NUMBER: _ClassVar[int]
    DEMONSTRATION_FIELD_NUMBER: _ClassVar[int]
    CASES_FIELD_NUMBER: _ClassVar[int]
    bundle: _pack_pb2.PackRef
    absent: ForecastAbsent
    groups: _containers.RepeatedCompositeFieldContainer[ForecastGroup]
    elsewhere: float
    set_size: int
    level: float
    cost: MoneyInterval
    los_days: DaysInterval
    multiple_of_benchmark: MultipleInterval
    basis: ForecastBasis
    moved: _containers.RepeatedCompositeFieldContainer[ForecastMove]
    demonstration: bool
    cases: int
    def __init__(self, bundle: _Optional[_Union[_pack_pb2.PackRef, _Mapping]] = ..., absent: _Optional[_Union[ForecastAbsent, str]] = ..., groups: _Optional[_Iterable[_Union[ForecastGroup, _Mapping]]] = ..., elsewhere: _Optional[float] = ..., set_size: _Optional[int] = ..., level: _Optional[float] = ..., cost: _Optional[_Union[MoneyInterval, _Mapping]] = ..., los_days: _Optional[_Union[DaysInterval, _Mapping]] = ..., multiple_of_benchmark: _Optional[_Union[MultipleInterval, _Mapping]] = ..., basis: _Optional[_Union[ForecastBasis, _Mapping]] = ..., moved: _Optional[_Iterable[_Union[ForecastMove, _Mapping]]] = ..., demonstration: _Optional[bool] = ..., cases: _Optional[int] = ...) -> None: ...

class ForecastGroup(_message.Message):
    __slots__ = ("code", "name", "probability", "probability_before", "payment_fen", "margin_fen", "band", "not_priced")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_BEFORE_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_FEN_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FEN_FIELD_NUMBER: _ClassVar[int]
    BAND_FIELD_NUMBER: _ClassVar[int]
    NOT_PRICED_FIELD_NUMBER: _ClassVar[int]
    code: str
    name: str
    probability: float
    probability_before: float
    payment_fen: int
    margin_fen: int
    band: str
    not_priced: _meter_pb2.NotPricedReason
    def __init__(self, code: _Optional[str] = ..., name: _Optional[str] = ..., probability: _Optional[float] = ..., probability_before: _Optional[float] = ..., payment_fen: _Optional[int] = ..., margin_fen: _Optional[int] = ..., band: _Optional[str] = ..., not_priced: _Optional[_Union[_meter_pb2.NotPricedReason, str]] = ...) -> None: ...

class MoneyInterval(_message.Message):
    __slots__ = ("low_fen", "middle_fen", "high_fen")
    LOW_FEN_FIELD_NUMBER: _ClassVar[int]
    MIDDLE_FEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FEN_FIELD_NUMBER: _ClassVar[int]
    low_fen: int
    middle_fen: int
    high_fen: int
    def __init__(self, low_fen: _Optional[int] = ..., middle_fen: _Optional[int] = ..., high_fen: _Optional[int] = ...) -> None: ...

class DaysInterval(_message.Message):
    __slots__ = ("low", "middle", "high")
    LOW_FIELD_NUMBER: _ClassVar[int]
    MIDDLE_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    low: int
    middle: int
    high: int
    def __init__(self, low: _Optional[int] = ..., middle: _Optional[int] = ..., high: _Optional[int] = ...) -> None: ...

class MultipleInterval(_message.Message):
    __slots__ = ("low", "middle", "high")
    LOW_FIELD_NUMBER: _ClassVar[int]
    MIDDLE_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    low: float
    middle: float
    high: float
    def __init__(self, low: _Optional[float] = ..., middle: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class ForecastBasis(_message.Message):
    __slots__ = ("bundle_sha256", "day", "principal", "group", "planned_group", "cost_fen", "age_years", "department", "major", "minor", "procedures")
    BUNDLE_SHA256_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    PLANNED_GROUP_FIELD_NUMBER: _ClassVar[int]
    COST_FEN_FIELD_NUMBER: _ClassVar[int]
    AGE_YEARS_FIELD_NUMBER: _ClassVar[int]
    DEPARTMENT_FIELD_NUMBER: _ClassVar[int]
    MAJOR_FIELD_NUMBER: _ClassVar[int]
    MINOR_FIELD_NUMBER: _ClassVar[int]
    PROCEDURES_FIELD_NUMBER: _ClassVar[int]
    bundle_sha256: str
    day: int
    principal: str
    group: str
    planned_group: str
    cost_fen: int
    age_years: int
    department: str
    major: int
    minor: int
    procedures: ForecastProcedures
    def __init__(self, bundle_sha256: _Optional[str] = ..., day: _Optional[int] = ..., principal: _Optional[str] = ..., group: _Optional[str] = ..., planned_group: _Optional[str] = ..., cost_fen: _Optional[int] = ..., age_years: _Optional[int] = ..., department: _Optional[str] = ..., major: _Optional[int] = ..., minor: _Optional[int] = ..., procedures: _Optional[_Union[ForecastProcedures, str]] = ...) -> None: ...

class ForecastMove(_message.Message):
    __slots__ = ("cause", "group", "before", "after")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    cause: ForecastCause
    group: str
    before: float
    after: float
    def __init__(self, cause: _Optional[_Union[ForecastCause, str]] = ..., group: _Optional[str] = ..., before: _Optional[float] = ..., after: _Optional[float] = ...) -> None: ...
