import datetime

from casemeter.v1 import charges_pb2 as _charges_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Sex(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEX_UNSPECIFIED: _ClassVar[Sex]
    SEX_MALE: _ClassVar[Sex]
    SEX_FEMALE: _ClassVar[Sex]

class DischargeWay(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DISCHARGE_WAY_UNSPECIFIED: _ClassVar[DischargeWay]
    DISCHARGE_WAY_HOME: _ClassVar[DischargeWay]
    DISCHARGE_WAY_TRANSFER: _ClassVar[DischargeWay]
    DISCHARGE_WAY_COMMUNITY: _ClassVar[DischargeWay]
    DISCHARGE_WAY_WITHOUT_ORDER: _ClassVar[DischargeWay]
    DISCHARGE_WAY_DEATH: _ClassVar[DischargeWay]
    DISCHARGE_WAY_OTHER: _ClassVar[DischargeWay]

class VisitKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VISIT_KIND_UNSPECIFIED: _ClassVar[VisitKind]
    VISIT_KIND_INPATIENT: _ClassVar[VisitKind]
    VISIT_KIND_DAY_SURGERY: _ClassVar[VisitKind]
    VISIT_KIND_DAY_CARE: _ClassVar[VisitKind]
    VISIT_KIND_PSYCHIATRIC_PER_DIEM: _ClassVar[VisitKind]
    VISIT_KIND_REHABILITATION_PER_DIEM: _ClassVar[VisitKind]
    VISIT_KIND_LONG_TERM_PER_DIEM: _ClassVar[VisitKind]

class CodeEdition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CODE_EDITION_UNSPECIFIED: _ClassVar[CodeEdition]
    CODE_EDITION_INSURANCE: _ClassVar[CodeEdition]
    CODE_EDITION_CLINICAL: _ClassVar[CodeEdition]

class DiagnosisKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIAGNOSIS_KIND_UNSPECIFIED: _ClassVar[DiagnosisKind]
    DIAGNOSIS_KIND_WESTERN: _ClassVar[DiagnosisKind]
    DIAGNOSIS_KIND_TCM_DISEASE: _ClassVar[DiagnosisKind]
    DIAGNOSIS_KIND_TCM_SYNDROME: _ClassVar[DiagnosisKind]
    DIAGNOSIS_KIND_PATHOLOGY: _ClassVar[DiagnosisKind]
    DIAGNOSIS_KIND_EXTERNAL_CAUSE: _ClassVar[DiagnosisKind]

class DiagnosisPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIAGNOSIS_PHASE_UNSPECIFIED: _ClassVar[DiagnosisPhase]
    DIAGNOSIS_PHASE_OUTPATIENT: _ClassVar[DiagnosisPhase]
    DIAGNOSIS_PHASE_ADMISSION: _ClassVar[DiagnosisPhase]
    DIAGNOSIS_PHASE_WORKING: _ClassVar[DiagnosisPhase]
    DIAGNOSIS_PHASE_DISCHARGE: _ClassVar[DiagnosisPhase]

class DiagnosisState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIAGNOSIS_STATE_UNSPECIFIED: _ClassVar[DiagnosisState]
    DIAGNOSIS_STATE_SUSPECTED: _ClassVar[DiagnosisState]
    DIAGNOSIS_STATE_CONFIRMED: _ClassVar[DiagnosisState]
    DIAGNOSIS_STATE_RULED_OUT: _ClassVar[DiagnosisState]

class AdmissionCondition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ADMISSION_CONDITION_UNSPECIFIED: _ClassVar[AdmissionCondition]
    ADMISSION_CONDITION_PRESENT: _ClassVar[AdmissionCondition]
    ADMISSION_CONDITION_UNDETERMINED: _ClassVar[AdmissionCondition]
    ADMISSION_CONDITION_UNKNOWN: _ClassVar[AdmissionCondition]
    ADMISSION_CONDITION_ABSENT: _ClassVar[AdmissionCondition]
SEX_UNSPECIFIED: Sex
SEX_MALE: Sex
SEX_FEMALE: Sex
DISCHARGE_WAY_UNSPECIFIED: DischargeWay
DISCHARGE_WAY_HOME: DischargeWay
DISCHARGE_WAY_TRANSFER: DischargeWay
DISCHARGE_WAY_COMMUNITY: DischargeWay
DISCHARGE_WAY_WITHOUT_ORDER: DischargeWay
DISCHARGE_WAY_DEATH: DischargeWay
DISCHARGE_WAY_OTHER: DischargeWay
VISIT_KIND_UNSPECIFIED: VisitKind
VISIT_KIND_INPATIENT: VisitKind
VISIT_KIND_DAY_SURGERY: VisitKind
VISIT_KIND_DAY_CARE: VisitKind
VISIT_KIND_PSYCHIATRIC_PER_DIEM: VisitKind
VISIT_KIND_REHABILITATION_PER_DIEM: VisitKind
VISIT_KIND_LONG_TERM_PER_DIEM: VisitKind
CODE_EDITION_UNSPECIFIED: CodeEdition
CODE_EDITION_INSURANCE: CodeEdition
CODE_EDITION_CLINICAL: CodeEdition
DIAGNOSIS_KIND_UNSPECIFIED: DiagnosisKind
DIAGNOSIS_KIND_WESTERN: DiagnosisKind
DIAGNOSIS_KIND_TCM_DISEASE: DiagnosisKind
DIAGNOSIS_KIND_TCM_SYNDROME: DiagnosisKind
DIAGNOSIS_KIND_PATHOLOGY: DiagnosisKind
DIAGNOSIS_KIND_EXTERNAL_CAUSE: DiagnosisKind
DIAGNOSIS_PHASE_UNSPECIFIED: DiagnosisPhase
DIAGNOSIS_PHASE_OUTPATIENT: DiagnosisPhase
DIAGNOSIS_PHASE_ADMISSION: DiagnosisPhase
DIAGNOSIS_PHASE_WORKING: DiagnosisPhase
DIAGNOSIS_PHASE_DISCHARGE: DiagnosisPhase
DIAGNOSIS_STATE_UNSPECIFIED: DiagnosisState
DIAGNOSIS_STATE_SUSPECTED: DiagnosisState
DIAGNOSIS_STATE_CONFIRMED: DiagnosisState
DIAGNOSIS_STATE_RULED_OUT: DiagnosisState
ADMISSION_CONDITION_UNSPECIFIED: AdmissionCondition
ADMISSION_CONDITION_PRESENT: AdmissionCondition
ADMISSION_CONDITION_UNDETERMINED: AdmissionCondition
ADMISSION_CONDITION_UNKNOWN: AdmissionCondition
ADMISSION_CONDITION_ABSENT: AdmissionCondition

class Encounter(_message.Message):
    __slots__ = ("encounter_id", "sex", "birth_date", "age", "admission_time", "discharge_time", "discharge_way", "insurance_type", "diagnosis_edition", "procedure_edition", "diagnoses", "procedures", "segments", "icu_hours", "newborn", "planned_procedures", "charges", "orders", "visit_kind", "self_pay", "tcm", "discharge_ordered", "person_key", "earlier_stays", "front_page", "facility", "prior_treatments", "screenings")
    ENCOUNTER_ID_FIELD_NUMBER: _ClassVar[int]
    SEX_FIELD_NUMBER: _ClassVar[int]
    BIRTH_DATE_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_TIME_FIELD_NUMBER: _ClassVar[int]
    DISCHARGE_TIME_FIELD_NUMBER: _ClassVar[int]
    DISCHARGE_WAY_FIELD_NUMBER: _ClassVar[int]
    INSURANCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSIS_EDITION_FIELD_NUMBER: _ClassVar[int]
    PROCEDURE_EDITION_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSES_FIELD_NUMBER: _ClassVar[int]
    PROCEDURES_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    ICU_HOURS_FIELD_NUMBER: _ClassVar[int]
    NEWBORN_FIELD_NUMBER: _ClassVar[int]
    PLANNED_PROCEDURES_FIELD_NUMBER: _ClassVar[int]
    CHARGES_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    VISIT_KIND_FIELD_NUMBER: _ClassVar[int]
    SELF_PAY_FIELD_NUMBER: _ClassVar[int]
    TCM_FIELD_NUMBER: _ClassVar[int]
    DISCHARGE_ORDERED_FIELD_NUMBER: _ClassVar[int]
    PERSON_KEY_FIELD_NUMBER: _ClassVar[int]
    EARLIER_STAYS_FIELD_NUMBER: _ClassVar[int]
    FRONT_PAGE_FIELD_NUMBER: _ClassVar[int]
    FACILITY_FIELD_NUMBER: _ClassVar[int]
    PRIOR_TREATMENTS_FIELD_NUMBER: _ClassVar[int]
    SCREENINGS_FIELD_NUMBER: _ClassVar[int]
    encounter_id: str
    sex: Sex
    birth_date: str
    age: Age
    admission_time: _timestamp_pb2.Timestamp
    discharge_time: _timestamp_pb2.Timestamp
    discharge_way: DischargeWay
    insurance_type: str
    diagnosis_edition: CodeEdition
    procedure_edition: CodeEdition
    diagnoses: _containers.RepeatedCompositeFieldContainer[Diagnosis]
    procedures: _containers.RepeatedCompositeFieldContainer[Procedure]
    segments: _containers.RepeatedCompositeFieldContainer[Segment]
    icu_hours: float
    newborn: Newborn
    planned_procedures: _containers.RepeatedCompositeFieldContainer[Procedure]
    charges: _charges_pb2.Charges
    orders: _containers.RepeatedCompositeFieldContainer[_charges_pb2.Order]
    visit_kind: VisitKind
    self_pay: bool
    tcm: bool
    discharge_ordered: bool
    person_key: str
    earlier_stays: EarlierStays
    front_page: FrontPage
    facility: Facility
    prior_treatments: Words
    screenings: Words
    def __init__(self, encounter_id: _Optional[str] = ..., sex: _Optional[_Union[Sex, str]] = ..., birth_date: _Optional[str] = ..., age: _Optional[_Union[Age, _Mapping]] = ..., admission_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., discharge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., discharge_way: _Optional[_Union[DischargeWay, str]] = ..., insurance_type: _Optional[str] = ..., diagnosis_edition: _Optional[_Union[CodeEdition, str]] = ..., procedure_edition: _Optional[_Union[CodeEdition, str]] = ..., diagnoses: _Optional[_Iterable[_Union[Diagnosis, _Mapping]]] = ..., procedures: _Optional[_Iterable[_Union[Procedure, _Mapping]]] = ..., segments: _Optional[_Iterable[_Union[Segment, _Mapping]]] = ..., icu_hours: _Optional[float] = ..., newborn: _Optional[_Union[Newborn, _Mapping]] = ..., planned_procedures: _Optional[_Iterable[_Union[Procedure, _Mapping]]] = ..., charges: _Optional[_Union[_charges_pb2.Charges, _Mapping]] = ..., orders: _Optional[_Iterable[_Union[_charges_pb2.Order, _Mapping]]] = ..., visit_kind: _Optional[_Union[VisitKind, str]] = ..., self_pay: _Optional[bool] = ..., tcm: _Optional[bool] = ..., discharge_ordered: _Optional[bool] = ..., person_key: _Optional[str] = ..., earlier_stays: _Optional[_Union[EarlierStays, _Mapping]] = ..., front_page: _Optional[_Union[FrontPage, _Mapping]] = ..., facility: _Optional[_Union[Facility, _Mapping]] = ..., prior_treatments: _Optional[_Union[Words, _Mapping]] = ..., screenings: _Optional[_Union[Words, _Mapping]] = ...) -> None: ...

class Words(_message.Message):
    __slots__ = ("words",)
    WORDS_FIELD_NUMBER: _ClassVar[int]
    words: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, words: _Optional[_Iterable[str]] = ...) -> None: ...

class Facility(_message.Message):
    __slots__ = ("level", "kind", "campus")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CAMPUS_FIELD_NUMBER: _ClassVar[int]
    level: int
    kind: str
    campus: str
    def __init__(self, level: _Optional[int] = ..., kind: _Optional[str] = ..., campus: _Optional[str] = ...) -> None: ...

class FrontPage(_message.Message):
    __slots__ = ("fields",)
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedCompositeFieldContainer[FrontPageField]
    def __init__(self, fields: _Optional[_Iterable[_Union[FrontPageField, _Mapping]]] = ...) -> None: ...

class FrontPageField(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class EarlierStays(_message.Message):
    __slots__ = ("stays",)
    STAYS_FIELD_NUMBER: _ClassVar[int]
    stays: _containers.RepeatedCompositeFieldContainer[EarlierStay]
    def __init__(self, stays: _Optional[_Iterable[_Union[EarlierStay, _Mapping]]] = ...) -> None: ...

class EarlierStay(_message.Message):
    __slots__ = ("id", "campus", "admission_date", "discharge_date", "group", "diagnoses", "procedures", "discharge_way", "readmission_planned", "cost_fen", "outpatient")
    ID_FIELD_NUMBER: _ClassVar[int]
    CAMPUS_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_DATE_FIELD_NUMBER: _ClassVar[int]
    DISCHARGE_DATE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSES_FIELD_NUMBER: _ClassVar[int]
    PROCEDURES_FIELD_NUMBER: _ClassVar[int]
    DISCHARGE_WAY_FIELD_NUMBER: _ClassVar[int]
    READMISSION_PLANNED_FIELD_NUMBER: _ClassVar[int]
    COST_FEN_FIELD_NUMBER: _ClassVar[int]
    OUTPATIENT_FIELD_NUMBER: _ClassVar[int]
    id: str
    campus: str
    admission_date: str
    discharge_date: str
    group: str
    diagnoses: _containers.RepeatedScalarFieldContainer[str]
    procedures: _containers.RepeatedScalarFieldContainer[str]
    discharge_way: DischargeWay
    readmission_planned: bool
    cost_fen: int
    outpatient: bool
    def __init__(self, id: _Optional[str] = ..., campus: _Optional[str] = ..., admission_date: _Optional[str] = ..., discharge_date: _Optional[str] = ..., group: _Optional[str] = ..., diagnoses: _Optional[_Iterable[str]] = ..., procedures: _Optional[_Iterable[str]] = ..., discharge_way: _Optional[_Union[DischargeWay, str]] = ..., readmission_planned: _Optional[bool] = ..., cost_fen: _Optional[int] = ..., outpatient: _Optional[bool] = ...) -> None: ...

class Age(_message.Message):
    __slots__ = ("years", "days")
    YEARS_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    years: int
    days: int
    def __init__(self, years: _Optional[int] = ..., days: _Optional[int] = ...) -> None: ...

class Diagnosis(_message.Message):
    __slots__ = ("code", "kind", "phase", "state", "admission_condition", "name")
    CODE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_CONDITION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    code: str
    kind: DiagnosisKind
    phase: DiagnosisPhase
    state: DiagnosisState
    admission_condition: AdmissionCondition
    name: str
    def __init__(self, code: _Optional[str] = ..., kind: _Optional[_Union[DiagnosisKind, str]] = ..., phase: _Optional[_Union[DiagnosisPhase, str]] = ..., state: _Optional[_Union[DiagnosisState, str]] = ..., admission_condition: _Optional[_Union[AdmissionCondition, str]] = ..., name: _Optional[str] = ...) -> None: ...

class Procedure(_message.Message):
    __slots__ = ("code", "start_time", "end_time", "name")
    CODE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    code: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    name: str
    def __init__(self, code: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., name: _Optional[str] = ...) -> None: ...

class Segment(_message.Message):
    __slots__ = ("department", "intensive_care", "start_time", "end_time")
    DEPARTMENT_FIELD_NUMBER: _ClassVar[int]
    INTENSIVE_CARE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    department: str
    intensive_care: bool
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, department: _Optional[str] = ..., intensive_care: _Optional[bool] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Newborn(_message.Message):
    __slots__ = ("birth_weight_g", "admission_weight_g")
    BIRTH_WEIGHT_G_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_WEIGHT_G_FIELD_NUMBER: _ClassVar[int]
    birth_weight_g: int
    admission_weight_g: int
    def __init__(self, birth_weight_g: _Optional[int] = ..., admission_weight_g: _Optional[int] = ...) -> None: ...
