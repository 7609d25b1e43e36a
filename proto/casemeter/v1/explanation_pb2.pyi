from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Edit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EDIT_UNSPECIFIED: _ClassVar[Edit]
    EDIT_DROP_DIAGNOSIS: _ClassVar[Edit]
    EDIT_DROP_PROCEDURE: _ClassVar[Edit]
    EDIT_PROMOTE_DIAGNOSIS: _ClassVar[Edit]
    EDIT_PROMOTE_PROCEDURE: _ClassVar[Edit]
    EDIT_ADD_DIAGNOSIS: _ClassVar[Edit]
    EDIT_ADD_PROCEDURE: _ClassVar[Edit]
EDIT_UNSPECIFIED: Edit
EDIT_DROP_DIAGNOSIS: Edit
EDIT_DROP_PROCEDURE: Edit
EDIT_PROMOTE_DIAGNOSIS: Edit
EDIT_PROMOTE_PROCEDURE: Edit
EDIT_ADD_DIAGNOSIS: Edit
EDIT_ADD_PROCEDURE: Edit

class Explanation(_message.Message):
    __slots__ = ("entered", "close", "matched", "rows", "complications", "provisional", "candidates")
    ENTERED_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COMPLICATIONS_FIELD_NUMBER: _ClassVar[int]
    PROVISIONAL_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    entered: _containers.RepeatedCompositeFieldContainer[EnteredMdc]
    close: _containers.RepeatedCompositeFieldContainer[CloseRule]
    matched: _containers.RepeatedCompositeFieldContainer[TestResult]
    rows: _containers.RepeatedCompositeFieldContainer[TriedRow]
    complications: _containers.RepeatedCompositeFieldContainer[Complication]
    provisional: _containers.RepeatedCompositeFieldContainer[TestResult]
    candidates: _containers.RepeatedCompositeFieldContainer[CatalogueCandidate]
    def __init__(self, entered: _Optional[_Iterable[_Union[EnteredMdc, _Mapping]]] = ..., close: _Optional[_Iterable[_Union[CloseRule, _Mapping]]] = ..., matched: _Optional[_Iterable[_Union[TestResult, _Mapping]]] = ..., rows: _Optional[_Iterable[_Union[TriedRow, _Mapping]]] = ..., complications: _Optional[_Iterable[_Union[Complication, _Mapping]]] = ..., provisional: _Optional[_Iterable[_Union[TestResult, _Mapping]]] = ..., candidates: _Optional[_Iterable[_Union[CatalogueCandidate, _Mapping]]] = ...) -> None: ...

class CatalogueCandidate(_message.Message):
    __slots__ = ("group", "name", "kind", "met", "missing", "chosen", "decided_by", "deciding_procedure", "kept_away_by")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MET_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDING_PROCEDURE_FIELD_NUMBER: _ClassVar[int]
    KEPT_AWAY_BY_FIELD_NUMBER: _ClassVar[int]
    group: str
    name: str
    kind: str
    met: _containers.RepeatedCompositeFieldContainer[CodeRef]
    missing: _containers.RepeatedCompositeFieldContainer[CodeRef]
    chosen: bool
    decided_by: str
    deciding_procedure: CodeRef
    kept_away_by: CodeRef
    def __init__(self, group: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[str] = ..., met: _Optional[_Iterable[_Union[CodeRef, _Mapping]]] = ..., missing: _Optional[_Iterable[_Union[CodeRef, _Mapping]]] = ..., chosen: _Optional[bool] = ..., decided_by: _Optional[str] = ..., deciding_procedure: _Optional[_Union[CodeRef, _Mapping]] = ..., kept_away_by: _Optional[_Union[CodeRef, _Mapping]] = ...) -> None: ...

class TestResult(_message.Message):
    __slots__ = ("test", "holds", "codes", "provisional")
    TEST_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    CODES_FIELD_NUMBER: _ClassVar[int]
    PROVISIONAL_FIELD_NUMBER: _ClassVar[int]
    test: str
    holds: bool
    codes: _containers.RepeatedCompositeFieldContainer[CodeRef]
    provisional: bool
    def __init__(self, test: _Optional[str] = ..., holds: _Optional[bool] = ..., codes: _Optional[_Iterable[_Union[CodeRef, _Mapping]]] = ..., provisional: _Optional[bool] = ...) -> None: ...

class CodeRef(_message.Message):
    __slots__ = ("code", "name")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    code: str
    name: str
    def __init__(self, code: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class EnteredMdc(_message.Message):
    __slots__ = ("mdc", "why")
    MDC_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    mdc: str
    why: _containers.RepeatedCompositeFieldContainer[TestResult]
    def __init__(self, mdc: _Optional[str] = ..., why: _Optional[_Iterable[_Union[TestResult, _Mapping]]] = ...) -> None: ...

class CloseRule(_message.Message):
    __slots__ = ("mdc", "rule", "adrg", "name", "met", "missed")
    MDC_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    ADRG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MET_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    mdc: str
    rule: str
    adrg: str
    name: str
    met: _containers.RepeatedCompositeFieldContainer[TestResult]
    missed: TestResult
    def __init__(self, mdc: _Optional[str] = ..., rule: _Optional[str] = ..., adrg: _Optional[str] = ..., name: _Optional[str] = ..., met: _Optional[_Iterable[_Union[TestResult, _Mapping]]] = ..., missed: _Optional[_Union[TestResult, _Mapping]] = ...) -> None: ...

class TriedRow(_message.Message):
    __slots__ = ("group", "condition", "holds", "tests")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    TESTS_FIELD_NUMBER: _ClassVar[int]
    group: str
    condition: str
    holds: bool
    tests: _containers.RepeatedCompositeFieldContainer[TestResult]
    def __init__(self, group: _Optional[str] = ..., condition: _Optional[str] = ..., holds: _Optional[bool] = ..., tests: _Optional[_Iterable[_Union[TestResult, _Mapping]]] = ...) -> None: ...

class Complication(_message.Message):
    __slots__ = ("code", "level", "exclusion_table", "counted")
    CODE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    EXCLUSION_TABLE_FIELD_NUMBER: _ClassVar[int]
    COUNTED_FIELD_NUMBER: _ClassVar[int]
    code: CodeRef
    level: str
    exclusion_table: str
    counted: bool
    def __init__(self, code: _Optional[_Union[CodeRef, _Mapping]] = ..., level: _Optional[str] = ..., exclusion_table: _Optional[str] = ..., counted: _Optional[bool] = ...) -> None: ...

class NearMisses(_message.Message):
    __slots__ = ("near_misses",)
    NEAR_MISSES_FIELD_NUMBER: _ClassVar[int]
    near_misses: _containers.RepeatedCompositeFieldContainer[NearMiss]
    def __init__(self, near_misses: _Optional[_Iterable[_Union[NearMiss, _Mapping]]] = ...) -> None: ...

class NearMiss(_message.Message):
    __slots__ = ("edit", "field", "code", "group", "group_name", "test", "code_count", "evidence")
    EDIT_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    CODE_COUNT_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    edit: Edit
    field: str
    code: CodeRef
    group: str
    group_name: str
    test: str
    code_count: int
    evidence: _containers.RepeatedCompositeFieldContainer[Evidence]
    def __init__(self, edit: _Optional[_Union[Edit, str]] = ..., field: _Optional[str] = ..., code: _Optional[_Union[CodeRef, _Mapping]] = ..., group: _Optional[str] = ..., group_name: _Optional[str] = ..., test: _Optional[str] = ..., code_count: _Optional[int] = ..., evidence: _Optional[_Iterable[_Union[Evidence, _Mapping]]] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("field", "code")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    field: str
    code: CodeRef
    def __init__(self, field: _Optional[str] = ..., code: _Optional[_Union[CodeRef, _Mapping]] = ...) -> None: ...
