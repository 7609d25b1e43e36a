"""Requests with arbitrary content, some of it sensible, for Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.service_pb2 import EvaluateRequest

numbers = st.integers(-(2**31), 2**31 - 1)
texts = st.text(max_size=50) | st.sampled_from(
    ["I63.900", "i６3.900", "S06.000", "01.2400", "1958-03-02", "tiny"]
)
this_year: st.SearchStrategy[Any] = st.builds(dict, seconds=st.integers(1_767_300_000, 1_798_000_000))
times: st.SearchStrategy[Any] = this_year | st.builds(
    dict, seconds=st.integers(-(2**63), 2**63 - 1), nanos=numbers
)
diagnoses = st.fixed_dictionaries(
    {"code": texts},
    optional=dict.fromkeys(("kind", "phase", "state", "admission_condition"), st.integers(0, 6) | numbers),
)
procedures = st.fixed_dictionaries({"code": texts}, optional={"start_time": times, "end_time": times})
segments = st.fixed_dictionaries(
    {},
    optional={"department": texts, "intensive_care": st.booleans(), "start_time": times, "end_time": times},
)
small = st.integers(0, 4) | numbers
newborns = st.fixed_dictionaries({}, optional={"birth_weight_g": numbers, "admission_weight_g": numbers})
amounts = st.integers(-1000, 100_000) | st.integers(-(2**63), 2**63 - 1)
ids = st.sampled_from(["", "1", "2", "3"]) | texts
categories = st.sampled_from(["", "1", "10", "01", "14"]) | texts
quantities = st.sampled_from(["", "1", "2.5", "0", "1e9", "9" * 40]) | texts
lines = st.fixed_dictionaries(
    {"amount_fen": amounts},
    optional={
        **dict.fromkeys(("id", "reverses"), ids),
        **dict.fromkeys(("quantity", "unit_price_fen"), quantities),
        "item": texts,
        "category": categories,
        "time": times,
    },
)
totals = st.fixed_dictionaries(
    {"date": st.sampled_from(["2026-06-01", "2026-13-01"]) | texts, "amount_fen": amounts},
    optional={"category": categories},
)
charges = st.fixed_dictionaries(
    {},
    optional={
        "category_system": st.integers(0, 2) | numbers,
        "lines": st.lists(lines, max_size=6),
        "daily_totals": st.lists(totals, max_size=3),
        "total_fen": amounts,
    },
)
orders = st.fixed_dictionaries(
    {"amount_fen": amounts},
    optional={"id": ids, "item": texts, "category": categories, "placing": st.booleans()},
)
places = st.integers(-1, 4)
changes = st.one_of(
    st.builds(dict),
    st.builds(dict, add_diagnosis=diagnoses),
    st.builds(dict, drop_diagnosis=places),
    st.builds(dict, promote_diagnosis=places),
    st.builds(dict, add_procedure=procedures),
    st.builds(dict, drop_procedure=places),
    st.builds(dict, promote_procedure=places),
    st.builds(dict, charge_order=orders),
)
alternatives = st.lists(
    st.fixed_dictionaries({"changes": st.lists(changes, max_size=3)}, optional={"id": texts}), max_size=3
)
encounters = st.fixed_dictionaries(
    {},
    optional={
        "encounter_id": texts,
        "sex": small,
        "admission_time": times,
        "discharge_time": times,
        "discharge_way": small,
        "insurance_type": texts,
        "diagnosis_edition": small,
        "procedure_edition": small,
        "diagnoses": st.lists(diagnoses, max_size=6),
        "procedures": st.lists(procedures, max_size=6),
        "segments": st.lists(segments, max_size=4),
        "icu_hours": st.floats() | st.floats(0, 1000),
        "newborn": newborns,
        "charges": charges,
        "orders": st.lists(orders, max_size=3),
        "visit_kind": st.integers(0, 6) | numbers,
        "self_pay": st.booleans(),
        "tcm": st.booleans(),
        "discharge_ordered": st.booleans(),
    },
)
ages = st.fixed_dictionaries({}, optional={"years": st.integers(0, 99) | numbers, "days": numbers})
requests = st.builds(
    lambda fields, encounter, birth_date, age, use_age: EvaluateRequest(
        **fields,
        encounter=Encounter(**encounter, **({"age": age} if use_age else {"birth_date": birth_date})),
    ),
    st.fixed_dictionaries(
        {"explain": st.booleans(), "near_misses": st.booleans()},
        optional={
            "call_id": texts,
            "alternatives": alternatives,
            "pack": st.just("tiny") | st.just("") | texts,
            "as_of": this_year | times,
        },
    ),
    encounters,
    texts | st.dates().map(str),
    ages,
    st.booleans(),
)
tails = st.just(b"") | st.binary(max_size=20)
