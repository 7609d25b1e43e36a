"""From the encounter of a request to the case that is grouped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from itertools import product
from typing import Any, Final, NamedTuple, Protocol

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1 import error_pb2, verdict_pb2
from casemeter_grouper.case import Case
from casemeter_grouper.codes import normalise
from casemeter_grouper.compiled.codes import Codes
from casemeter_server.errors import fault, invalid
from casemeter_server.stay_facts import Faults, StayFacts, stay_facts

MAX_ENTRIES: Final = 200
"""The most diagnoses, procedures, planned ones or segments of one encounter."""

MAX_CODE: Final = 40
MAX_ID: Final = 64
MAX_NAME: Final = 32
"""The longest code, number of a stay, and other identifier, in characters."""

PROVISIONAL: Final = frozenset(("los_days", "icu_hours", "discharge_way", "department"))
"""Facts of a stay that may change until the patient has left."""

SEX: Final[Mapping[int, str]] = {pb.SEX_MALE: "M", pb.SEX_FEMALE: "F"}
_WESTERN: Final = (pb.DIAGNOSIS_KIND_UNSPECIFIED, pb.DIAGNOSIS_KIND_WESTERN)
_CONFIRMED: Final = (pb.DIAGNOSIS_STATE_UNSPECIFIED, pb.DIAGNOSIS_STATE_CONFIRMED)
# Proto3 enumerations are open: a newer caller may send values this version does not know.
_ENCOUNTER_VALUES: Final = (
    ("sex", frozenset(pb.Sex.values())),
    ("discharge_way", frozenset(pb.DischargeWay.values())),
    ("diagnosis_edition", frozenset(pb.CodeEdition.values())),
    ("procedure_edition", frozenset(pb.CodeEdition.values())),
    ("visit_kind", frozenset(pb.VisitKind.values())),
)
_SOUND: Final = frozenset(product(*(known for _, known in _ENCOUNTER_VALUES)))
_DIAGNOSIS_VALUES: Final = (
    ("kind", frozenset(pb.DiagnosisKind.values())),
    ("phase", frozenset(pb.DiagnosisPhase.values())),
    ("state", frozenset(pb.DiagnosisState.values())),
    ("admission_condition", frozenset(pb.AdmissionCondition.values())),
)


def _phase_of(kind: int, phase: int, state: int) -> int:
    """The stage in which a diagnosis may take part in grouping; 0: in none. Their numbers are their order."""
    active = kind in _WESTERN and state in _CONFIRMED and phase != pb.DIAGNOSIS_PHASE_OUTPATIENT
    return (phase or pb.DIAGNOSIS_PHASE_WORKING) if active else 0


# By kind, phase, state and admission condition, for every combination of known values: one look-up checks a
# diagnosis and tells its stage.
_PHASE: Final = {form: _phase_of(*form[:3]) for form in product(*(known for _, known in _DIAGNOSIS_VALUES))}

UNUSABLE: Final = "?"
"""Put before a code that cannot be used, so that it equals no known code: an unmapped clinical code may be
written like an insurance code of another meaning."""


class KnownCodes(Protocol):
    """The codes a pack knows."""

    @property
    def diagnoses(self) -> Codes:
        """Its diagnoses."""

    @property
    def procedures(self) -> Codes:
        """Its procedures."""


class Prepared(NamedTuple):
    """A case made from an encounter, and what was done to make it.

    Attributes:
        diagnosis_places: place in the request of each diagnosis of the case.
        code_notes: codes not used as sent.
        left_aside: diagnoses that do not take part.
        phase: the stage whose diagnoses group.
        evidence: field by code, for codes recorded in the request that do not take part but may be so.
        day_of_stay: of discharge, or of today; the day of admission is 1. ``None``: unknown.
        planned: codes of the procedures that are planned, as they are used, the main one first.
    """

    case: Case
    diagnosis_places: list[int]
    code_notes: list[verdict_pb2.CodeNote]
    left_aside: list[verdict_pb2.LeftAside]
    phase: int
    evidence: Mapping[str, str]
    day_of_stay: int | None
    planned: tuple[str, ...] = ()

    @property
    def is_discharged(self) -> bool:
        """Whether the patient has left: nothing is provisional any more."""
        return not self.case.provisional


def prepare(
    encounter: pb.Encounter, scheme: KnownCodes, as_of: float, zone: tzinfo, faults: Faults | None = None
) -> Prepared:
    """Derive the case of an encounter.

    Args:
        encounter: as sent.
        scheme: the pack that will group it; its dictionary says which codes are known.
        as_of: the moment the answer holds for, in seconds since 1970.
        zone: the hospital's zone, by whose local days age and stay are counted.
        faults: what was found wrong with the encounter before.

    Raises:
        RequestError: fields are out of range or contradict each other; all of them are listed.
    """
    faults = [] if faults is None else faults
    entries, phases, procedure_codes, facts = check_case(encounter, as_of, zone, faults)
    if faults:
        raise invalid(faults)
    phase = max(phases, default=0)
    active = [at for at, own in enumerate(phases) if own == phase != 0]
    notes: list[verdict_pb2.CodeNote] = []
    clinical = encounter.diagnosis_edition == pb.CODE_EDITION_CLINICAL
    sent = [entries[at][0] for at in active]
    diagnoses = _codes(sent, active, clinical, scheme.diagnoses, "diagnoses", notes)
    clinical = encounter.procedure_edition == pb.CODE_EDITION_CLINICAL
    places = range(len(procedure_codes))
    procedures = _codes(procedure_codes, places, clinical, scheme.procedures, "procedures", notes)
    planned: tuple[str, ...] = ()
    if encounter.planned_procedures:
        sent = [procedure.code for procedure in encounter.planned_procedures]
        owner = "planned_procedures"
        planned = _codes(sent, range(len(sent)), clinical, scheme.procedures, owner, notes)
    case = Case(
        diagnoses=diagnoses,
        procedures=procedures,
        sex=SEX.get(encounter.sex),
        discharge_way=str(encounter.discharge_way) if encounter.discharge_way else None,
        department=facts.department,
        age_years=facts.age_years,
        age_days=facts.age_days,
        birth_weight_g=facts.birth_weight_g,
        los_days=facts.los_days,
        icu_hours=facts.icu_hours,
        provisional=frozenset() if encounter.HasField("discharge_time") else PROVISIONAL,
    )
    if len(active) == len(entries):
        return Prepared(case, active, notes, [], phase, {}, facts.day_of_stay, planned)
    aside = [_left_aside(at, form) for at, (_, form) in enumerate(entries) if at not in active]
    evidence = _evidence(entries, active, encounter.diagnosis_edition, scheme.diagnoses)
    return Prepared(case, active, notes, aside, phase, evidence, facts.day_of_stay, planned)


def check_case(
    encounter: pb.Encounter, as_of: float, zone: tzinfo, faults: Faults
) -> tuple[list[_Entry], list[int], list[str], StayFacts]:
    """Note everything wrong with what makes the case of an encounter.

    Returns:
        The diagnoses, and the stage in which each may take part; the codes of the procedures; the facts of
        the stay. They hold only if nothing is wrong.
    """
    _check_header(encounter, faults)
    entries, phases = _entries(encounter, faults)
    procedure_codes = [procedure.code for procedure in _bounded(encounter, "procedures", faults)]
    _check_codes(procedure_codes, "procedures", faults)
    if encounter.planned_procedures:
        planned = [procedure.code for procedure in _bounded(encounter, "planned_procedures", faults)]
        _check_codes(planned, "planned_procedures", faults)
    return entries, phases, procedure_codes, stay_facts(encounter, as_of, zone, faults)


def _check_header(encounter: pb.Encounter, faults: list[error_pb2.FieldFault]) -> None:
    """Note texts that are too long and values that no enumeration knows."""
    _check_length(encounter.encounter_id, MAX_ID, "encounter.encounter_id", faults)
    _check_length(encounter.insurance_type, MAX_NAME, "encounter.insurance_type", faults)
    values = (
        encounter.sex,
        encounter.discharge_way,
        encounter.diagnosis_edition,
        encounter.procedure_edition,
        encounter.visit_kind,
    )
    if values not in _SOUND:
        for value, (name, known) in zip(values, _ENCOUNTER_VALUES, strict=True):
            if value not in known:
                faults.append(fault(f"encounter.{name}", "UNKNOWN_VALUE", value=value))
    for at, segment in enumerate(_bounded(encounter, "segments", faults)):
        _check_length(segment.department, MAX_NAME, f"encounter.segments[{at}].department", faults)


def _check_length(text: str, limit: int, field: str, faults: list[error_pb2.FieldFault]) -> None:
    if len(text) > limit:
        faults.append(fault(field, "TOO_LONG", count=len(text), limit=limit))


def _bounded(encounter: pb.Encounter, name: str, faults: list[error_pb2.FieldFault]) -> Sequence[Any]:
    """Return the entries of a list, or none of them, noted, when they are too many to be read."""
    entries: Sequence[Any] = getattr(encounter, name)
    if len(entries) <= MAX_ENTRIES:
        return entries
    faults.append(fault(f"encounter.{name}", "TOO_MANY", count=len(entries), limit=MAX_ENTRIES))
    return ()


def _check_codes(codes: Sequence[str], owner: str, faults: list[error_pb2.FieldFault]) -> None:
    if not codes or (all(codes) and len(max(codes, key=len)) <= MAX_CODE):
        return
    for at, code in enumerate(codes):
        if not 0 < len(code) <= MAX_CODE:
            field = f"encounter.{owner}[{at}].code"
            if code:
                _check_length(code, MAX_CODE, field, faults)
            else:
                faults.append(fault(field, "REQUIRED"))


# The code of a diagnosis, and its kind, phase, state and admission condition.
_Entry = tuple[str, tuple[int, int, int, int]]


def _entries(encounter: pb.Encounter, faults: list[error_pb2.FieldFault]) -> tuple[list[_Entry], list[int]]:
    """Return the diagnoses, checked, and the stage in which each may take part (0: in none)."""
    diagnoses = _bounded(encounter, "diagnoses", faults)
    entries = [(d.code, (d.kind, d.phase, d.state, d.admission_condition)) for d in diagnoses]
    phases = [_PHASE.get(form, -1) for _, form in entries]
    if -1 in phases:
        for at, diagnosis in enumerate(diagnoses):
            for name, known in _DIAGNOSIS_VALUES:
                if (value := getattr(diagnosis, name)) not in known:
                    faults.append(fault(f"encounter.diagnoses[{at}].{name}", "UNKNOWN_VALUE", value=value))
    _check_codes([code for code, _ in entries], "diagnoses", faults)
    return entries, phases


def _left_aside(at: int, form: tuple[int, int, int, int]) -> verdict_pb2.LeftAside:
    """Say why a diagnosis takes no part."""
    kind, _, state, _ = form
    if kind not in _WESTERN:
        reason = verdict_pb2.LEFT_ASIDE_REASON_KIND
    elif state not in _CONFIRMED:
        reason = verdict_pb2.LEFT_ASIDE_REASON_STATE
    else:
        reason = verdict_pb2.LEFT_ASIDE_REASON_PHASE
    return verdict_pb2.LeftAside(field=f"encounter.diagnoses[{at}]", reason=reason)


def _codes(
    sent: Sequence[str],
    places: Sequence[int],
    clinical: bool,
    codes: Codes,
    owner: str,
    notes: list[verdict_pb2.CodeNote],
) -> tuple[str, ...]:
    """Return codes, each with its place in the request, as they are used; note what was done to them."""
    if not clinical and codes.number.keys() >= set(sent):
        return tuple(sent)
    return tuple(
        [_code(code, clinical, codes, f"{owner}[{at}]", notes) for at, code in zip(places, sent, strict=True)]
    )


def _code(sent: str, clinical: bool, codes: Codes, place: str, notes: list[verdict_pb2.CodeNote]) -> str:
    written = normalise(sent)
    used, change = look_up(written, clinical, codes)
    if used != sent or change != verdict_pb2.CODE_CHANGE_NORMALISED:
        notes.append(
            verdict_pb2.CodeNote(field=f"encounter.{place}.code", sent=sent, used=used, change=change)
        )
    # A code that cannot be used keeps its place: it meets no set, but it is still a diagnosis or a procedure.
    return used or UNUSABLE + written


def look_up(written: str, clinical: bool, codes: Codes) -> tuple[str, verdict_pb2.CodeChange]:
    """Return the code that a normalised one is used as (empty: it cannot be), and what was done to it."""
    if clinical:
        mapped = codes.map.get(written)
        if mapped is None:
            return "", verdict_pb2.CODE_CHANGE_UNMAPPED
        if mapped != written and mapped in codes.number:
            return mapped, verdict_pb2.CODE_CHANGE_MAPPED
        written = mapped
    if written not in codes.number:
        return "", verdict_pb2.CODE_CHANGE_UNKNOWN
    return written, verdict_pb2.CODE_CHANGE_NORMALISED


def _evidence(entries: Sequence[_Entry], active: list[int], edition: int, codes: Codes) -> dict[str, str]:
    """Codes of diagnoses that take no part but may hold all the same, with their place."""
    found: dict[str, str] = {}
    for at, (sent, (kind, _, state, _)) in enumerate(entries):
        if at not in active and kind in _WESTERN and state != pb.DIAGNOSIS_STATE_RULED_OUT:
            used, _ = look_up(normalise(sent), edition == pb.CODE_EDITION_CLINICAL, codes)
            if used:
                found.setdefault(used, f"encounter.diagnoses[{at}]")
    return found
