"""Encounters of which the door of CDS Hooks can carry everything, for Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb

words = st.text("甲乙abcXYZ019()+-.,*_", min_size=1, max_size=12)
codes = st.sampled_from(["I63.900", "I10.x00x002", "E87.600", "J96.000", "38.1200", "x"]) | words
numbers = st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True)
seconds = st.integers(1_700_000_000, 1_800_000_000)
times: st.SearchStrategy[Any] = st.builds(dict, seconds=seconds, nanos=st.sampled_from([0, 5_000_000, 1]))
amounts = st.integers(0, 10_000_000_000)
quantities = st.integers(1, 10**12 - 1).map(
    lambda units: f"{units // 10_000}.{units % 10_000:04}".rstrip("0").rstrip(".")
)
prices = quantities


def values(enumeration: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(sorted(enumeration.values()))


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


diagnoses = st.builds(
    lambda code, more: pb.Diagnosis(code=code, **more),
    codes,
    optional(
        kind=values(pb.DiagnosisKind),
        phase=values(pb.DiagnosisPhase),
        state=values(pb.DiagnosisState),
        admission_condition=values(pb.AdmissionCondition),
        name=words,
    ),
)
procedures = st.builds(
    lambda code, more: pb.Procedure(code=code, **more),
    codes,
    optional(start_time=times, end_time=times, name=words),
)
segments = st.lists(
    st.builds(
        lambda start, more: pb.Segment(start_time=start, **more),
        times,
        optional(department=numbers, intensive_care=st.booleans(), end_time=times),
    ),
    max_size=3,
).map(lambda some: sorted(some, key=lambda one: (one.start_time.seconds, one.start_time.nanos)))
lines = st.builds(
    lambda amount, more: charges_pb2.ChargeLine(amount_fen=amount, **more),
    st.integers(-(10**10), 10**10),
    optional(
        id=numbers,
        time=times,
        item=codes,
        category=words,
        reverses=numbers,
        quantity=quantities,
        unit_price_fen=quantities,
        name=words,
        self_paid=st.booleans(),
    ),
)
charges = st.builds(
    lambda some, more: charges_pb2.Charges(lines=some, **more),
    st.lists(lines, max_size=3),
    optional(category_system=values(charges_pb2.CategorySystem)),
)
orders = st.builds(
    lambda amount, more: charges_pb2.Order(amount_fen=amount, **more),
    amounts,
    optional(item=codes, category=words, quantity=quantities, name=words, time=times),
)


@st.composite
def encounters(draw: st.DrawFn, *, placing: bool = False) -> pb.Encounter:
    """Encounters; orders that are being placed come after those placed before."""
    fields: dict[str, Any] = draw(
        optional(
            sex=values(pb.Sex),
            birth_date=st.dates().map(str),
            admission_time=times,
            discharge_time=times,
            discharge_way=values(pb.DischargeWay),
            insurance_type=words,
            icu_hours=st.floats(0, 100_000),
            visit_kind=values(pb.VisitKind),
            self_pay=st.booleans(),
            tcm=st.booleans(),
            discharge_ordered=st.booleans(),
            charges=charges,
            newborn=st.builds(
                lambda birth, more: pb.Newborn(birth_weight_g=birth, **more),
                st.integers(0, 20_000),
                optional(admission_weight_g=st.integers(0, 20_000)),
            ),
        )
    )
    some = draw(st.lists(orders, max_size=4))
    first_placed = draw(st.integers(0, len(some))) if placing else len(some)
    for at, order in enumerate(some):
        order.id = f"O{at}"
        order.placing = at >= first_placed
    encounter = pb.Encounter(
        encounter_id=draw(numbers),
        diagnoses=draw(st.lists(diagnoses, max_size=4)),
        procedures=draw(st.lists(procedures, max_size=3)),
        planned_procedures=draw(st.lists(procedures, max_size=2)),
        segments=draw(segments),
        orders=some,
        **fields,
    )
    if encounter.diagnoses:
        encounter.diagnosis_edition = draw(values(pb.CodeEdition))
    if encounter.procedures or encounter.planned_procedures:
        encounter.procedure_edition = draw(values(pb.CodeEdition))
    return encounter
