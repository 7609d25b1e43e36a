from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PackRef(_message.Message):
    __slots__ = ("id", "version", "bundle_sha256", "demonstration")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_SHA256_FIELD_NUMBER: _ClassVar[int]
    DEMONSTRATION_FIELD_NUMBER: _ClassVar[int]
    id: str
    version: str
    bundle_sha256: str
    demonstration: bool
    def __init__(self, id: _Optional[str] = ..., version: _Optional[str] = ..., bundle_sha256: _Optional[str] = ..., demonstration: _Optional[bool] = ...) -> None: ...

class Pack(_message.Message):
    __slots__ = ("ref", "title", "valid_from", "valid_until", "diagnosis_system", "procedure_system", "mdc_count", "adrg_count", "group_count", "dictionary_sha256", "is_default", "kind", "scheme", "demonstration")
    REF_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSIS_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    PROCEDURE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    MDC_COUNT_FIELD_NUMBER: _ClassVar[int]
    ADRG_COUNT_FIELD_NUMBER: _ClassVar[int]
    GROUP_COUNT_FIELD_NUMBER: _ClassVar[int]
    DICTIONARY_SHA256_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    DEMONSTRATION_FIELD_NUMBER: _ClassVar[int]
    ref: PackRef
    title: str
    valid_from: str
    valid_until: str
    diagnosis_system: str
    procedure_system: str
    mdc_count: int
    adrg_count: int
    group_count: int
    dictionary_sha256: str
    is_default: bool
    kind: str
    scheme: str
    demonstration: bool
    def __init__(self, ref: _Optional[_Union[PackRef, _Mapping]] = ..., title: _Optional[str] = ..., valid_from: _Optional[str] = ..., valid_until: _Optional[str] = ..., diagnosis_system: _Optional[str] = ..., procedure_system: _Optional[str] = ..., mdc_count: _Optional[int] = ..., adrg_count: _Optional[int] = ..., group_count: _Optional[int] = ..., dictionary_sha256: _Optional[str] = ..., is_default: _Optional[bool] = ..., kind: _Optional[str] = ..., scheme: _Optional[str] = ..., demonstration: _Optional[bool] = ...) -> None: ...
