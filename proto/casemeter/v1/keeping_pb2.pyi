import datetime

from casemeter.v1 import encounter_pb2 as _encounter_pb2
from casemeter.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SealFrontPageRequest(_message.Message):
    __slots__ = ("encounter", "encounter_id", "hospital", "state_hash", "pack", "as_of")
    ENCOUNTER_FIELD_NUMBER: _ClassVar[int]
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    HOSPITAL_FIELD_NUMBER: _ClassVar[int]
    STATE_HASH_FIELD_NUMBER: _ClassVar[int]
    PACK_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    encounter: _encounter_pb2.Encounter
    encounter_id: str
    hospital: str
    state_hash: str
    pack: str
    as_of: _timestamp_pb2.Timestamp
    def __init__(self, encounter: _Optional[_Union[_encounter_pb2.Encounter, _Mapping]] = ..., encounter_id: _Optional[str] = ..., hospital: _Optional[str] = ..., state_hash: _Optional[str] = ..., pack: _Optional[str] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SealFrontPageResponse(_message.Message):
    __slots__ = ("seal", "verdict")
    SEAL_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    seal: str
    verdict: _verdict_pb2.Verdict
    def __init__(self, seal: _Optional[str] = ..., verdict: _Optional[_Union[_verdict_pb2.Verdict, _Mapping]] = ...) -> None: ...

class GetSettingsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class PutSettingsRequest(_message.Message):
    __slots__ = ("name", "content", "if_version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    IF_VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: str
    if_version: int
    def __init__(self, name: _Optional[str] = ..., content: _Optional[str] = ..., if_version: _Optional[int] = ...) -> None: ...

class Settings(_message.Message):
    __slots__ = ("name", "content", "version", "changed_by", "changed_at")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGED_BY_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: str
    version: int
    changed_by: str
    changed_at: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., content: _Optional[str] = ..., version: _Optional[int] = ..., changed_by: _Optional[str] = ..., changed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
