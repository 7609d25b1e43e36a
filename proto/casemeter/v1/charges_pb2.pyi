import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CategorySystem(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CATEGORY_SYSTEM_UNSPECIFIED: _ClassVar[CategorySystem]
    CATEGORY_SYSTEM_FRONT_PAGE: _ClassVar[CategorySystem]
    CATEGORY_SYSTEM_SETTLEMENT_LIST: _ClassVar[CategorySystem]
CATEGORY_SYSTEM_UNSPECIFIED: CategorySystem
CATEGORY_SYSTEM_FRONT_PAGE: CategorySystem
CATEGORY_SYSTEM_SETTLEMENT_LIST: CategorySystem

class Charges(_message.Message):
    __slots__ = ("category_system", "lines", "daily_totals", "total_fen")
    CATEGORY_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    DAILY_TOTALS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FEN_FIELD_NUMBER: _ClassVar[int]
    category_system: CategorySystem
    lines: _containers.RepeatedCompositeFieldContainer[ChargeLine]
    daily_totals: _containers.RepeatedCompositeFieldContainer[DailyTotal]
    total_fen: int
    def __init__(self, category_system: _Optional[_Union[CategorySystem, str]] = ..., lines: _Optional[_Iterable[_Union[ChargeLine, _Mapping]]] = ..., daily_totals: _Optional[_Iterable[_Union[DailyTotal, _Mapping]]] = ..., total_fen: _Optional[int] = ...) -> None: ...

class ChargeLine(_message.Message):
    __slots__ = ("id", "time", "item", "category", "amount_fen", "reverses", "quantity", "unit_price_fen", "name", "self_paid")
    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FEN_FIELD_NUMBER: _ClassVar[int]
    REVERSES_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    UNIT_PRICE_FEN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SELF_PAID_FIELD_NUMBER: _ClassVar[int]
    id: str
    time: _timestamp_pb2.Timestamp
    item: str
    category: str
    amount_fen: int
    reverses: str
    quantity: str
    unit_price_fen: str
    name: str
    self_paid: bool
    def __init__(self, id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., item: _Optional[str] = ..., category: _Optional[str] = ..., amount_fen: _Optional[int] = ..., reverses: _Optional[str] = ..., quantity: _Optional[str] = ..., unit_price_fen: _Optional[str] = ..., name: _Optional[str] = ..., self_paid: _Optional[bool] = ...) -> None: ...

class DailyTotal(_message.Message):
    __slots__ = ("date", "category", "amount_fen")
    DATE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FEN_FIELD_NUMBER: _ClassVar[int]
    date: str
    category: str
    amount_fen: int
    def __init__(self, date: _Optional[str] = ..., category: _Optional[str] = ..., amount_fen: _Optional[int] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("id", "item", "category", "amount_fen", "placing", "quantity", "name", "time")
    ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FEN_FIELD_NUMBER: _ClassVar[int]
    PLACING_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    item: str
    category: str
    amount_fen: int
    placing: bool
    quantity: str
    name: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., item: _Optional[str] = ..., category: _Optional[str] = ..., amount_fen: _Optional[int] = ..., placing: _Optional[bool] = ..., quantity: _Optional[str] = ..., name: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
