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
