"""The facts of a stay as rules see them: a plain value, made by whoever speaks with the EMR."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Phase(StrEnum):
    """The moments of care at which rules decide."""

    ADMISSION = "admission"
    ORDER = "order"
    IN_STAY = "in_stay"
    DISCHARGE = "discharge"
    FRONT_PAGE = "front_page"
    SUBMISSION = "submission"


class Diagnosis(NamedTuple):
    """One recorded diagnosis.

    Attributes:
        code: normalised, in the insurance edition; starts with ``?`` when no dictionary knows it.
        place: of it in the request, such as ``encounter.diagnoses[2]``.
        role: ``"principal"`` or ``"other"`` when it takes part in the case, else empty.
        name: as the physician wrote it; empty: not sent.
        kind: ``western``, ``tcm_disease``, ``tcm_syndrome``, ``pathology`` or ``external_cause``.
        phase: ``outpatient``, ``admission``, ``working`` or ``discharge``.
        state: ``confirmed``, ``suspected`` or ``ruled_out``.
        admission_condition: 1 to 4 as the front page codes it; 0: not told.
        sent: the code as sent.
        standard_name: the dictionary's name of the code; empty: not looked up, or it has none.
        editions: those of ``insurance`` and ``clinical`` that know the code as sent; ``None``: not looked up.
    """

    code: str
    place: str
    role: str = ""
    name: str = ""
    kind: str = "western"
    phase: str = "working"
    state: str = "confirmed"
    admission_condition: int = 0
    sent: str = ""
    standard_name: str = ""
    editions: tuple[str, ...] | None = None


class Procedure(NamedTuple):
    """One procedure that was done; the first of a stay is the main one.

    Attributes:
        code: as of a diagnosis.
        place: as of a diagnosis.
        name: as it was written; empty: not sent.
        start: minutes since 1970, local; ``None``: unknown.
        end: likewise.
        operator: the hospital's number of the operating physician; empty: not sent.
        sent: the code as sent.
        standard_name: as of a diagnosis.
        editions: as of a diagnosis.
    """

    code: str
    place: str
    name: str = ""
    start: int | None = None
    end: int | None = None
    operator: str = ""
    sent: str = ""
    standard_name: str = ""
    editions: tuple[str, ...] | None = None


class Item(NamedTuple):
    """A charge, or an order that is not charged yet. What was undone is not among them.

    Attributes:
        code: as sent, normalised; empty: not sent.
        place: of it in the request, such as ``encounter.charges.lines[3]``.
        id: the sender's number of it; empty: none.
        name: as sent; empty: not sent.
        minute: when it was given, in minutes since 1970, local; ``None``: unknown.
        quantity: in ten-thousandths; ``None``: unknown.
        amount_fen: what it is charged with, what was undone taken off.
        unit_price: in ten-thousandths of a fen; ``None``: unknown.
        category: as sent.
        ordered: it is an order, not a charge.
        placing: it is being ordered right now.
        self_paid: the patient pays it alone; ``None``: unknown.
    """

    code: str
    place: str
    id: str = ""
    name: str = ""
    minute: int | None = None
    quantity: int | None = None
    amount_fen: int = 0
    unit_price: int | None = None
    category: str = ""
    ordered: bool = False
    placing: bool = False
    self_paid: bool | None = None

    @property
    def day(self) -> int | None:
        """The local day it was given on, in days since 1970; ``None``: unknown."""
        return None if self.minute is None else self.minute // MINUTES_PER_DAY


class Segment(NamedTuple):
    """A time in one department, in minutes since 1970, local."""

    department: str
    intensive_care: bool
    start: int
    end: int | None
    place: str


class EarlierStay(NamedTuple):
    """An earlier stay of the same person, by the person key the hospital sends.

    Attributes:
        place: of it in the request.
        id: the hospital's number of it.
        campus: the hospital or campus; empty: not told.
        admission_day: in days since 1970, local.
        discharge_day: likewise.
        group: DRG or DIP group; empty: unknown.
        diagnoses: the principal one first.
        procedures: the main one first.
        discharge_way: ``"1"`` to ``"5"`` or ``"9"``; ``None``: unknown.
        readmission_planned: whether a return within 31 days was planned; ``None``: unknown.
        cost_fen: what it cost; ``None``: unknown.
        kind: ``inpatient`` or ``outpatient``.
    """

    place: str
    id: str = ""
    campus: str = ""
    admission_day: int = 0
    discharge_day: int = 0
    group: str = ""
    diagnoses: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    discharge_way: str | None = None
    readmission_planned: bool | None = None
    cost_fen: int | None = None
    kind: str = "inpatient"


MINUTES_PER_DAY = 1440


class Stay(NamedTuple):
    """One inpatient stay. ``None``, or empty where it says so, is unknown; nothing is ever filled in.

    Attributes:
        diagnoses: every recorded one, in the order of the request.
        procedures: the main one first.
        items: charges and orders; ``None``: the request holds neither.
        sex: ``"M"`` or ``"F"``.
        age_years: completed years on admission.
        age_days: completed days on admission.
        birth_weight_g: in grams.
        admission_weight_g: in grams.
        admission: minutes since 1970, local.
        discharge: likewise; ``None``: still in hospital.
        now: the moment the answer holds for, likewise.
        los_days: length of stay, the same day counting 1.
        icu_hours: in intensive care.
        discharge_way: code of the way of leaving.
        department: current or discharging one.
        segments: times in departments.
        visit_kind: ``inpatient``, ``day_surgery``, ``day_care`` or ``*_per_diem``.
        insurance: kind of insurance: ``employee``, ``resident``, ``work_injury``, ``maternity`` …
        facility_level: 1 to 3.
        facility_kind: such as ``眼科专科医院``; empty: a general hospital or unknown.
        tcm: whether it is a stay of Chinese medicine.
        diagnosis_edition: ``insurance``, ``clinical`` or empty: not declared.
        procedure_edition: likewise.
        group: the group the case is in; empty: none.
        weight: of that group; ``None``: unknown.
        fields: items of the settlement list by its names, as text; ``None``: not sent.
        prior_treatments: what was tried before, in words; ``None``: not sent.
        tests: names of screenings that were done (nutrition screening …); ``None``: not sent.
        earlier: earlier stays; ``None``: not sent.
        campus: where this stay is; empty: not told.
        person: whether the hospital sent a person key; earlier stays count only with one.
    """

    diagnoses: tuple[Diagnosis, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    items: tuple[Item, ...] | None = None
    sex: str | None = None
    age_years: float | None = None
    age_days: float | None = None
    birth_weight_g: float | None = None
    admission_weight_g: float | None = None
    admission: int | None = None
    discharge: int | None = None
    now: int = 0
    los_days: float | None = None
    icu_hours: float | None = None
    discharge_way: str | None = None
    department: str | None = None
    segments: tuple[Segment, ...] = ()
    visit_kind: str | None = None
    insurance: str | None = None
    facility_level: int | None = None
    facility_kind: str = ""
    tcm: bool | None = None
    diagnosis_edition: str = ""
    procedure_edition: str = ""
    group: str = ""
    weight: float | None = None
    fields: Mapping[str, str] | None = None
    prior_treatments: tuple[str, ...] | None = None
    tests: tuple[str, ...] | None = None
    earlier: tuple[EarlierStay, ...] | None = None
    campus: str = ""
    person: bool = False
