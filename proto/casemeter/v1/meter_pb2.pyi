from casemeter.v1 import charges_pb2 as _charges_pb2
from casemeter.v1 import encounter_pb2 as _encounter_pb2
from casemeter.v1 import pack_pb2 as _pack_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NotPricedReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOT_PRICED_REASON_UNSPECIFIED: _ClassVar[NotPricedReason]
    NOT_PRICED_REASON_NO_POLICY: _ClassVar[NotPricedReason]
    NOT_PRICED_REASON_POLICY_NOT_CHOSEN: _ClassVar[NotPricedReason]
    NOT_PRICED_REASON_POLICY_NOT_VALID: _ClassVar[NotPricedReason]
    NOT_PRICED_REASON_NO_GROUP: _ClassVar[NotPricedReason]
    NOT_PRICED_REASON_NO_WEIGHT: _ClassVar[NotPricedReason]
    NOT_PRICED_REASON_NO_PRICE: _ClassVar[NotPricedReason]
    NOT_PRICED_REASON_NO_BAND: _ClassVar[NotPricedReason]
    NOT_PRICED_REASON_NO_MEAN: _ClassVar[NotPricedReason]
    NOT_PRICED_REASON_OUTSIDE: _ClassVar[NotPricedReason]
    NOT_PRICED_REASON_NO_COEFFICIENT: _ClassVar[NotPricedReason]

class PriceStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRICE_STATUS_UNSPECIFIED: _ClassVar[PriceStatus]
    PRICE_STATUS_PROVISIONAL: _ClassVar[PriceStatus]
    PRICE_STATUS_SETTLED: _ClassVar[PriceStatus]

class SignalKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIGNAL_KIND_UNSPECIFIED: _ClassVar[SignalKind]
    SIGNAL_KIND_THRESHOLD: _ClassVar[SignalKind]
    SIGNAL_KIND_ABOVE_TARGET: _ClassVar[SignalKind]
    SIGNAL_KIND_HIGH_BAND: _ClassVar[SignalKind]
    SIGNAL_KIND_LOW_BAND: _ClassVar[SignalKind]
NOT_PRICED_REASON_UNSPECIFIED: NotPricedReason
NOT_PRICED_REASON_NO_POLICY: NotPricedReason
NOT_PRICED_REASON_POLICY_NOT_CHOSEN: NotPricedReason
NOT_PRICED_REASON_POLICY_NOT_VALID: NotPricedReason
NOT_PRICED_REASON_NO_GROUP: NotPricedReason
NOT_PRICED_REASON_NO_WEIGHT: NotPricedReason
NOT_PRICED_REASON_NO_PRICE: NotPricedReason
NOT_PRICED_REASON_NO_BAND: NotPricedReason
NOT_PRICED_REASON_NO_MEAN: NotPricedReason
NOT_PRICED_REASON_OUTSIDE: NotPricedReason
NOT_PRICED_REASON_NO_COEFFICIENT: NotPricedReason
PRICE_STATUS_UNSPECIFIED: PriceStatus
PRICE_STATUS_PROVISIONAL: PriceStatus
PRICE_STATUS_SETTLED: PriceStatus
SIGNAL_KIND_UNSPECIFIED: SignalKind
SIGNAL_KIND_THRESHOLD: SignalKind
SIGNAL_KIND_ABOVE_TARGET: SignalKind
SIGNAL_KIND_HIGH_BAND: SignalKind
SIGNAL_KIND_LOW_BAND: SignalKind

class Payment(_message.Message):
    __slots__ = ("pack", "absent", "absent_text", "standard_fen", "payment_fen", "margin_fen", "points", "weight", "coefficient", "price_yuan", "price_status", "price_as_of", "band", "next_band", "special_cases", "demonstration", "upcoming", "additions")
    PACK_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    ABSENT_TEXT_FIELD_NUMBER: _ClassVar[int]
    STANDARD_FEN_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_FEN_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FEN_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    COEFFICIENT_FIELD_NUMBER: _ClassVar[int]
    PRICE_YUAN_FIELD_NUMBER: _ClassVar[int]
    PRICE_STATUS_FIELD_NUMBER: _ClassVar[int]
    PRICE_AS_OF_FIELD_NUMBER: _ClassVar[int]
    BAND_FIELD_NUMBER: _ClassVar[int]
    NEXT_BAND_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_CASES_FIELD_NUMBER: _ClassVar[int]
    DEMONSTRATION_FIELD_NUMBER: _ClassVar[int]
    UPCOMING_FIELD_NUMBER: _ClassVar[int]
    ADDITIONS_FIELD_NUMBER: _ClassVar[int]
    pack: _pack_pb2.PackRef
    absent: NotPricedReason
    absent_text: _containers.RepeatedScalarFieldContainer[str]
    standard_fen: int
    payment_fen: int
    margin_fen: int
    points: str
    weight: str
    coefficient: str
    price_yuan: str
    price_status: PriceStatus
    price_as_of: str
    band: Band
    next_band: Band
    special_cases: _containers.RepeatedCompositeFieldContainer[SpecialCase]
    demonstration: bool
    upcoming: UpcomingPayment
    additions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, pack: _Optional[_Union[_pack_pb2.PackRef, _Mapping]] = ..., absent: _Optional[_Union[NotPricedReason, str]] = ..., absent_text: _Optional[_Iterable[str]] = ..., standard_fen: _Optional[int] = ..., payment_fen: _Optional[int] = ..., margin_fen: _Optional[int] = ..., points: _Optional[str] = ..., weight: _Optional[str] = ..., coefficient: _Optional[str] = ..., price_yuan: _Optional[str] = ..., price_status: _Optional[_Union[PriceStatus, str]] = ..., price_as_of: _Optional[str] = ..., band: _Optional[_Union[Band, _Mapping]] = ..., next_band: _Optional[_Union[Band, _Mapping]] = ..., special_cases: _Optional[_Iterable[_Union[SpecialCase, _Mapping]]] = ..., demonstration: _Optional[bool] = ..., upcoming: _Optional[_Union[UpcomingPayment, _Mapping]] = ..., additions: _Optional[_Iterable[str]] = ...) -> None: ...

class Band(_message.Message):
    __slots__ = ("name", "from_fen", "to_fen", "from_multiple", "to_multiple", "doubt")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FROM_FEN_FIELD_NUMBER: _ClassVar[int]
    TO_FEN_FIELD_NUMBER: _ClassVar[int]
    FROM_MULTIPLE_FIELD_NUMBER: _ClassVar[int]
    TO_MULTIPLE_FIELD_NUMBER: _ClassVar[int]
    DOUBT_FIELD_NUMBER: _ClassVar[int]
    name: str
    from_fen: int
    to_fen: int
    from_multiple: float
    to_multiple: float
    doubt: str
    def __init__(self, name: _Optional[str] = ..., from_fen: _Optional[int] = ..., to_fen: _Optional[int] = ..., from_multiple: _Optional[float] = ..., to_multiple: _Optional[float] = ..., doubt: _Optional[str] = ...) -> None: ...

class SpecialCase(_message.Message):
    __slots__ = ("reason", "quota_share", "period")
    REASON_FIELD_NUMBER: _ClassVar[int]
    QUOTA_SHARE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    reason: _containers.RepeatedScalarFieldContainer[str]
    quota_share: float
    period: str
    def __init__(self, reason: _Optional[_Iterable[str]] = ..., quota_share: _Optional[float] = ..., period: _Optional[str] = ...) -> None: ...

class UpcomingPayment(_message.Message):
    __slots__ = ("pack", "valid_from", "standard_fen", "payment_fen")
    PACK_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    STANDARD_FEN_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_FEN_FIELD_NUMBER: _ClassVar[int]
    pack: _pack_pb2.PackRef
    valid_from: str
    standard_fen: int
    payment_fen: int
    def __init__(self, pack: _Optional[_Union[_pack_pb2.PackRef, _Mapping]] = ..., valid_from: _Optional[str] = ..., standard_fen: _Optional[int] = ..., payment_fen: _Optional[int] = ...) -> None: ...

class Meter(_message.Message):
    __slots__ = ("cost_fen", "excluded_fen", "ordered_fen", "later_fen", "benchmark", "multiple_of_benchmark", "multiple_of_payment", "multiple", "day_of_stay", "structure", "signals", "target", "order_effects", "money_hidden", "category_system")
    COST_FEN_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_FEN_FIELD_NUMBER: _ClassVar[int]
    ORDERED_FEN_FIELD_NUMBER: _ClassVar[int]
    LATER_FEN_FIELD_NUMBER: _ClassVar[int]
    BENCHMARK_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_OF_BENCHMARK_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_OF_PAYMENT_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_FIELD_NUMBER: _ClassVar[int]
    DAY_OF_STAY_FIELD_NUMBER: _ClassVar[int]
    STRUCTURE_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ORDER_EFFECTS_FIELD_NUMBER: _ClassVar[int]
    MONEY_HIDDEN_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    cost_fen: int
    excluded_fen: int
    ordered_fen: int
    later_fen: int
    benchmark: Benchmark
    multiple_of_benchmark: float
    multiple_of_payment: float
    multiple: float
    day_of_stay: int
    structure: _containers.RepeatedCompositeFieldContainer[CategoryCost]
    signals: _containers.RepeatedCompositeFieldContainer[Signal]
    target: Target
    order_effects: _containers.RepeatedCompositeFieldContainer[OrderEffect]
    money_hidden: bool
    category_system: _charges_pb2.CategorySystem
    def __init__(self, cost_fen: _Optional[int] = ..., excluded_fen: _Optional[int] = ..., ordered_fen: _Optional[int] = ..., later_fen: _Optional[int] = ..., benchmark: _Optional[_Union[Benchmark, _Mapping]] = ..., multiple_of_benchmark: _Optional[float] = ..., multiple_of_payment: _Optional[float] = ..., multiple: _Optional[float] = ..., day_of_stay: _Optional[int] = ..., structure: _Optional[_Iterable[_Union[CategoryCost, _Mapping]]] = ..., signals: _Optional[_Iterable[_Union[Signal, _Mapping]]] = ..., target: _Optional[_Union[Target, _Mapping]] = ..., order_effects: _Optional[_Iterable[_Union[OrderEffect, _Mapping]]] = ..., money_hidden: _Optional[bool] = ..., category_system: _Optional[_Union[_charges_pb2.CategorySystem, str]] = ...) -> None: ...

class Benchmark(_message.Message):
    __slots__ = ("pack", "known", "mean_cost_fen", "cv", "mean_los_days", "cases", "cost_by_day_fen", "demonstration", "cost_by_day_low_fen", "cost_by_day_high_fen")
    PACK_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    MEAN_COST_FEN_FIELD_NUMBER: _ClassVar[int]
    CV_FIELD_NUMBER: _ClassVar[int]
    MEAN_LOS_DAYS_FIELD_NUMBER: _ClassVar[int]
    CASES_FIELD_NUMBER: _ClassVar[int]
    COST_BY_DAY_FEN_FIELD_NUMBER: _ClassVar[int]
    DEMONSTRATION_FIELD_NUMBER: _ClassVar[int]
    COST_BY_DAY_LOW_FEN_FIELD_NUMBER: _ClassVar[int]
    COST_BY_DAY_HIGH_FEN_FIELD_NUMBER: _ClassVar[int]
    pack: _pack_pb2.PackRef
    known: bool
    mean_cost_fen: int
    cv: float
    mean_los_days: float
    cases: int
    cost_by_day_fen: int
    demonstration: bool
    cost_by_day_low_fen: int
    cost_by_day_high_fen: int
    def __init__(self, pack: _Optional[_Union[_pack_pb2.PackRef, _Mapping]] = ..., known: _Optional[bool] = ..., mean_cost_fen: _Optional[int] = ..., cv: _Optional[float] = ..., mean_los_days: _Optional[float] = ..., cases: _Optional[int] = ..., cost_by_day_fen: _Optional[int] = ..., demonstration: _Optional[bool] = ..., cost_by_day_low_fen: _Optional[int] = ..., cost_by_day_high_fen: _Optional[int] = ...) -> None: ...

class CategoryCost(_message.Message):
    __slots__ = ("category", "amount_fen", "share", "benchmark_share")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FEN_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    BENCHMARK_SHARE_FIELD_NUMBER: _ClassVar[int]
    category: str
    amount_fen: int
    share: float
    benchmark_share: float
    def __init__(self, category: _Optional[str] = ..., amount_fen: _Optional[int] = ..., share: _Optional[float] = ..., benchmark_share: _Optional[float] = ...) -> None: ...

class Signal(_message.Message):
    __slots__ = ("kind", "limit", "multiple")
    KIND_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_FIELD_NUMBER: _ClassVar[int]
    kind: SignalKind
    limit: float
    multiple: float
    def __init__(self, kind: _Optional[_Union[SignalKind, str]] = ..., limit: _Optional[float] = ..., multiple: _Optional[float] = ...) -> None: ...

class Target(_message.Message):
    __slots__ = ("department", "multiple", "cost_fen")
    DEPARTMENT_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_FIELD_NUMBER: _ClassVar[int]
    COST_FEN_FIELD_NUMBER: _ClassVar[int]
    department: str
    multiple: float
    cost_fen: int
    def __init__(self, department: _Optional[str] = ..., multiple: _Optional[float] = ..., cost_fen: _Optional[int] = ...) -> None: ...

class OrderEffect(_message.Message):
    __slots__ = ("field", "after", "band_crossed", "equivalent_item", "equivalent_name", "excluded")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BAND_CROSSED_FIELD_NUMBER: _ClassVar[int]
    EQUIVALENT_ITEM_FIELD_NUMBER: _ClassVar[int]
    EQUIVALENT_NAME_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_FIELD_NUMBER: _ClassVar[int]
    field: str
    after: Standing
    band_crossed: bool
    equivalent_item: str
    equivalent_name: str
    excluded: bool
    def __init__(self, field: _Optional[str] = ..., after: _Optional[_Union[Standing, _Mapping]] = ..., band_crossed: _Optional[bool] = ..., equivalent_item: _Optional[str] = ..., equivalent_name: _Optional[str] = ..., excluded: _Optional[bool] = ...) -> None: ...

class Standing(_message.Message):
    __slots__ = ("group", "group_name", "cost_fen", "standard_fen", "payment_fen", "margin_fen", "multiple", "multiple_of_benchmark", "band", "not_priced")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    COST_FEN_FIELD_NUMBER: _ClassVar[int]
    STANDARD_FEN_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_FEN_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FEN_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_FIELD_NUMBER: _ClassVar[int]
    MULTIPLE_OF_BENCHMARK_FIELD_NUMBER: _ClassVar[int]
    BAND_FIELD_NUMBER: _ClassVar[int]
    NOT_PRICED_FIELD_NUMBER: _ClassVar[int]
    group: str
    group_name: str
    cost_fen: int
    standard_fen: int
    payment_fen: int
    margin_fen: int
    multiple: float
    multiple_of_benchmark: float
    band: str
    not_priced: NotPricedReason
    def __init__(self, group: _Optional[str] = ..., group_name: _Optional[str] = ..., cost_fen: _Optional[int] = ..., standard_fen: _Optional[int] = ..., payment_fen: _Optional[int] = ..., margin_fen: _Optional[int] = ..., multiple: _Optional[float] = ..., multiple_of_benchmark: _Optional[float] = ..., band: _Optional[str] = ..., not_priced: _Optional[_Union[NotPricedReason, str]] = ...) -> None: ...

class Alternative(_message.Message):
    __slots__ = ("id", "changes")
    ID_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    id: str
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    def __init__(self, id: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("add_diagnosis", "drop_diagnosis", "promote_diagnosis", "add_procedure", "drop_procedure", "promote_procedure", "charge_order")
    ADD_DIAGNOSIS_FIELD_NUMBER: _ClassVar[int]
    DROP_DIAGNOSIS_FIELD_NUMBER: _ClassVar[int]
    PROMOTE_DIAGNOSIS_FIELD_NUMBER: _ClassVar[int]
    ADD_PROCEDURE_FIELD_NUMBER: _ClassVar[int]
    DROP_PROCEDURE_FIELD_NUMBER: _ClassVar[int]
    PROMOTE_PROCEDURE_FIELD_NUMBER: _ClassVar[int]
    CHARGE_ORDER_FIELD_NUMBER: _ClassVar[int]
    add_diagnosis: _encounter_pb2.Diagnosis
    drop_diagnosis: int
    promote_diagnosis: int
    add_procedure: _encounter_pb2.Procedure
    drop_procedure: int
    promote_procedure: int
    charge_order: _charges_pb2.Order
    def __init__(self, add_diagnosis: _Optional[_Union[_encounter_pb2.Diagnosis, _Mapping]] = ..., drop_diagnosis: _Optional[int] = ..., promote_diagnosis: _Optional[int] = ..., add_procedure: _Optional[_Union[_encounter_pb2.Procedure, _Mapping]] = ..., drop_procedure: _Optional[int] = ..., promote_procedure: _Optional[int] = ..., charge_order: _Optional[_Union[_charges_pb2.Order, _Mapping]] = ...) -> None: ...

class AlternativeOutcome(_message.Message):
    __slots__ = ("id", "after")
    ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    id: str
    after: Standing
    def __init__(self, id: _Optional[str] = ..., after: _Optional[_Union[Standing, _Mapping]] = ...) -> None: ...
