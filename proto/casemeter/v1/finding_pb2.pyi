import datetime

from casemeter.v1 import pack_pb2 as _pack_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CarePhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CARE_PHASE_UNSPECIFIED: _ClassVar[CarePhase]
    CARE_PHASE_ADMISSION: _ClassVar[CarePhase]
    CARE_PHASE_ORDER: _ClassVar[CarePhase]
    CARE_PHASE_IN_STAY: _ClassVar[CarePhase]
    CARE_PHASE_DISCHARGE: _ClassVar[CarePhase]
    CARE_PHASE_FRONT_PAGE: _ClassVar[CarePhase]
    CARE_PHASE_SUBMISSION: _ClassVar[CarePhase]

class FindingTier(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINDING_TIER_UNSPECIFIED: _ClassVar[FindingTier]
    FINDING_TIER_HINT: _ClassVar[FindingTier]
    FINDING_TIER_WARN: _ClassVar[FindingTier]
    FINDING_TIER_STOP: _ClassVar[FindingTier]

class FindingClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINDING_CLASS_UNSPECIFIED: _ClassVar[FindingClass]
    FINDING_CLASS_ORDER: _ClassVar[FindingClass]
    FINDING_CLASS_COMPLETENESS: _ClassVar[FindingClass]
    FINDING_CLASS_VALIDITY: _ClassVar[FindingClass]
    FINDING_CLASS_GROUPING: _ClassVar[FindingClass]
    FINDING_CLASS_INTEGRITY: _ClassVar[FindingClass]

class Presentation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRESENTATION_UNSPECIFIED: _ClassVar[Presentation]
    PRESENTATION_INTERRUPT: _ClassVar[Presentation]
    PRESENTATION_INLINE: _ClassVar[Presentation]
    PRESENTATION_SILENT: _ClassVar[Presentation]

class PresentationReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRESENTATION_REASON_UNSPECIFIED: _ClassVar[PresentationReason]
    PRESENTATION_REASON_REPEAT_OF: _ClassVar[PresentationReason]
    PRESENTATION_REASON_ANSWERED: _ClassVar[PresentationReason]
    PRESENTATION_REASON_BUDGET: _ClassVar[PresentationReason]
    PRESENTATION_REASON_ROLE: _ClassVar[PresentationReason]
    PRESENTATION_REASON_SHADOW: _ClassVar[PresentationReason]
    PRESENTATION_REASON_UNKNOWN_HISTORY: _ClassVar[PresentationReason]
    PRESENTATION_REASON_TIER: _ClassVar[PresentationReason]

class AlertAnswer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALERT_ANSWER_UNSPECIFIED: _ClassVar[AlertAnswer]
    ALERT_ANSWER_ACCEPTED: _ClassVar[AlertAnswer]
    ALERT_ANSWER_OVERRIDDEN: _ClassVar[AlertAnswer]
    ALERT_ANSWER_IGNORED: _ClassVar[AlertAnswer]
    ALERT_ANSWER_CAUSE_GONE: _ClassVar[AlertAnswer]
CARE_PHASE_UNSPECIFIED: CarePhase
CARE_PHASE_ADMISSION: CarePhase
CARE_PHASE_ORDER: CarePhase
CARE_PHASE_IN_STAY: CarePhase
CARE_PHASE_DISCHARGE: CarePhase
CARE_PHASE_FRONT_PAGE: CarePhase
CARE_PHASE_SUBMISSION: CarePhase
FINDING_TIER_UNSPECIFIED: FindingTier
FINDING_TIER_HINT: FindingTier
FINDING_TIER_WARN: FindingTier
FINDING_TIER_STOP: FindingTier
FINDING_CLASS_UNSPECIFIED: FindingClass
FINDING_CLASS_ORDER: FindingClass
FINDING_CLASS_COMPLETENESS: FindingClass
FINDING_CLASS_VALIDITY: FindingClass
FINDING_CLASS_GROUPING: FindingClass
FINDING_CLASS_INTEGRITY: FindingClass
PRESENTATION_UNSPECIFIED: Presentation
PRESENTATION_INTERRUPT: Presentation
PRESENTATION_INLINE: Presentation
PRESENTATION_SILENT: Presentation
PRESENTATION_REASON_UNSPECIFIED: PresentationReason
PRESENTATION_REASON_REPEAT_OF: PresentationReason
PRESENTATION_REASON_ANSWERED: PresentationReason
PRESENTATION_REASON_BUDGET: PresentationReason
PRESENTATION_REASON_ROLE: PresentationReason
PRESENTATION_REASON_SHADOW: PresentationReason
PRESENTATION_REASON_UNKNOWN_HISTORY: PresentationReason
PRESENTATION_REASON_TIER: PresentationReason
ALERT_ANSWER_UNSPECIFIED: AlertAnswer
ALERT_ANSWER_ACCEPTED: AlertAnswer
ALERT_ANSWER_OVERRIDDEN: AlertAnswer
ALERT_ANSWER_IGNORED: AlertAnswer
ALERT_ANSWER_CAUSE_GONE: AlertAnswer

class Finding(_message.Message):
    __slots__ = ("rule", "pack", "official_type", "tier", "finding_class", "subclass", "fields", "codes", "evidence", "bases", "text_zh", "text_en", "resolve_zh", "resolve_en", "override_reasons", "presentation", "presentation_reason", "alert_key", "band", "repeat_of")
    RULE_FIELD_NUMBER: _ClassVar[int]
    PACK_FIELD_NUMBER: _ClassVar[int]
    OFFICIAL_TYPE_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    FINDING_CLASS_FIELD_NUMBER: _ClassVar[int]
    SUBCLASS_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    CODES_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    BASES_FIELD_NUMBER: _ClassVar[int]
    TEXT_ZH_FIELD_NUMBER: _ClassVar[int]
    TEXT_EN_FIELD_NUMBER: _ClassVar[int]
    RESOLVE_ZH_FIELD_NUMBER: _ClassVar[int]
    RESOLVE_EN_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_REASONS_FIELD_NUMBER: _ClassVar[int]
    PRESENTATION_FIELD_NUMBER: _ClassVar[int]
    PRESENTATION_REASON_FIELD_NUMBER: _ClassVar[int]
    ALERT_KEY_FIELD_NUMBER: _ClassVar[int]
    BAND_FIELD_NUMBER: _ClassVar[int]
    REPEAT_OF_FIELD_NUMBER: _ClassVar[int]
    rule: str
    pack: str
    official_type: str
    tier: FindingTier
    finding_class: FindingClass
    subclass: str
    fields: _containers.RepeatedScalarFieldContainer[str]
    codes: _containers.RepeatedScalarFieldContainer[str]
    evidence: _containers.RepeatedScalarFieldContainer[str]
    bases: _containers.RepeatedScalarFieldContainer[str]
    text_zh: str
    text_en: str
    resolve_zh: str
    resolve_en: str
    override_reasons: _containers.RepeatedScalarFieldContainer[str]
    presentation: Presentation
    presentation_reason: PresentationReason
    alert_key: str
    band: str
    repeat_of: _timestamp_pb2.Timestamp
    def __init__(self, rule: _Optional[str] = ..., pack: _Optional[str] = ..., official_type: _Optional[str] = ..., tier: _Optional[_Union[FindingTier, str]] = ..., finding_class: _Optional[_Union[FindingClass, str]] = ..., subclass: _Optional[str] = ..., fields: _Optional[_Iterable[str]] = ..., codes: _Optional[_Iterable[str]] = ..., evidence: _Optional[_Iterable[str]] = ..., bases: _Optional[_Iterable[str]] = ..., text_zh: _Optional[str] = ..., text_en: _Optional[str] = ..., resolve_zh: _Optional[str] = ..., resolve_en: _Optional[str] = ..., override_reasons: _Optional[_Iterable[str]] = ..., presentation: _Optional[_Union[Presentation, str]] = ..., presentation_reason: _Optional[_Union[PresentationReason, str]] = ..., alert_key: _Optional[str] = ..., band: _Optional[str] = ..., repeat_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AlertContext(_message.Message):
    __slots__ = ("history", "interruptions_this_hour")
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTIONS_THIS_HOUR_FIELD_NUMBER: _ClassVar[int]
    history: AlertHistory
    interruptions_this_hour: int
    def __init__(self, history: _Optional[_Union[AlertHistory, _Mapping]] = ..., interruptions_this_hour: _Optional[int] = ...) -> None: ...

class AlertHistory(_message.Message):
    __slots__ = ("alerts",)
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    alerts: _containers.RepeatedCompositeFieldContainer[EarlierAlert]
    def __init__(self, alerts: _Optional[_Iterable[_Union[EarlierAlert, _Mapping]]] = ...) -> None: ...

class EarlierAlert(_message.Message):
    __slots__ = ("alert_key", "presentation", "shown_at", "answer", "override_reason", "override_text", "rule")
    ALERT_KEY_FIELD_NUMBER: _ClassVar[int]
    PRESENTATION_FIELD_NUMBER: _ClassVar[int]
    SHOWN_AT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_REASON_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_TEXT_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    alert_key: str
    presentation: Presentation
    shown_at: _timestamp_pb2.Timestamp
    answer: AlertAnswer
    override_reason: str
    override_text: str
    rule: str
    def __init__(self, alert_key: _Optional[str] = ..., presentation: _Optional[_Union[Presentation, str]] = ..., shown_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., answer: _Optional[_Union[AlertAnswer, str]] = ..., override_reason: _Optional[str] = ..., override_text: _Optional[str] = ..., rule: _Optional[str] = ...) -> None: ...

class RulesReport(_message.Message):
    __slots__ = ("packs", "shadow_sha256", "phase", "undecided", "in_shadow", "history_known", "interruptions_known", "submission_refused", "left_out")
    PACKS_FIELD_NUMBER: _ClassVar[int]
    SHADOW_SHA256_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    UNDECIDED_FIELD_NUMBER: _ClassVar[int]
    IN_SHADOW_FIELD_NUMBER: _ClassVar[int]
    HISTORY_KNOWN_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTIONS_KNOWN_FIELD_NUMBER: _ClassVar[int]
    SUBMISSION_REFUSED_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    packs: _containers.RepeatedCompositeFieldContainer[_pack_pb2.PackRef]
    shadow_sha256: str
    phase: CarePhase
    undecided: _containers.RepeatedCompositeFieldContainer[UndecidedRules]
    in_shadow: int
    history_known: bool
    interruptions_known: bool
    submission_refused: bool
    left_out: int
    def __init__(self, packs: _Optional[_Iterable[_Union[_pack_pb2.PackRef, _Mapping]]] = ..., shadow_sha256: _Optional[str] = ..., phase: _Optional[_Union[CarePhase, str]] = ..., undecided: _Optional[_Iterable[_Union[UndecidedRules, _Mapping]]] = ..., in_shadow: _Optional[int] = ..., history_known: _Optional[bool] = ..., interruptions_known: _Optional[bool] = ..., submission_refused: _Optional[bool] = ..., left_out: _Optional[int] = ...) -> None: ...

class UndecidedRules(_message.Message):
    __slots__ = ("fact", "rules")
    FACT_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    fact: str
    rules: int
    def __init__(self, fact: _Optional[str] = ..., rules: _Optional[int] = ...) -> None: ...
