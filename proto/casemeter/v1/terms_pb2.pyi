from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TermSpace(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TERM_SPACE_UNSPECIFIED: _ClassVar[TermSpace]
    TERM_SPACE_DIAGNOSIS: _ClassVar[TermSpace]
    TERM_SPACE_PROCEDURE: _ClassVar[TermSpace]

class TermState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TERM_STATE_UNSPECIFIED: _ClassVar[TermState]
    TERM_STATE_CONFIRMED: _ClassVar[TermState]
    TERM_STATE_SUSPECTED: _ClassVar[TermState]
    TERM_STATE_RULED_OUT: _ClassVar[TermState]
    TERM_STATE_HISTORY: _ClassVar[TermState]
    TERM_STATE_POST_PROCEDURE: _ClassVar[TermState]
    TERM_STATE_FAMILY_HISTORY: _ClassVar[TermState]
TERM_SPACE_UNSPECIFIED: TermSpace
TERM_SPACE_DIAGNOSIS: TermSpace
TERM_SPACE_PROCEDURE: TermSpace
TERM_STATE_UNSPECIFIED: TermState
TERM_STATE_CONFIRMED: TermState
TERM_STATE_SUSPECTED: TermState
TERM_STATE_RULED_OUT: TermState
TERM_STATE_HISTORY: TermState
TERM_STATE_POST_PROCEDURE: TermState
TERM_STATE_FAMILY_HISTORY: TermState

class SearchTermsRequest(_message.Message):
    __slots__ = ("text", "space", "limit")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SPACE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    text: str
    space: TermSpace
    limit: int
    def __init__(self, text: _Optional[str] = ..., space: _Optional[_Union[TermSpace, str]] = ..., limit: _Optional[int] = ...) -> None: ...

class SearchTermsResponse(_message.Message):
    __slots__ = ("mentions",)
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    mentions: _containers.RepeatedCompositeFieldContainer[TermMention]
    def __init__(self, mentions: _Optional[_Iterable[_Union[TermMention, _Mapping]]] = ...) -> None: ...

class TermMention(_message.Message):
    __slots__ = ("text", "start", "end", "state", "qualifiers", "hits")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    QUALIFIERS_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    text: str
    start: int
    end: int
    state: TermState
    qualifiers: _containers.RepeatedScalarFieldContainer[str]
    hits: _containers.RepeatedCompositeFieldContainer[TermHit]
    def __init__(self, text: _Optional[str] = ..., start: _Optional[int] = ..., end: _Optional[int] = ..., state: _Optional[_Union[TermState, str]] = ..., qualifiers: _Optional[_Iterable[str]] = ..., hits: _Optional[_Iterable[_Union[TermHit, _Mapping]]] = ...) -> None: ...

class TermHit(_message.Message):
    __slots__ = ("code", "name", "score", "how")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    code: str
    name: str
    score: float
    how: str
    def __init__(self, code: _Optional[str] = ..., name: _Optional[str] = ..., score: _Optional[float] = ..., how: _Optional[str] = ...) -> None: ...
