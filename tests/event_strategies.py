"""Events of one encounter for Hypothesis: few parts and few moments, so that they meet each other often."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format
from hypothesis import strategies as st

from casemeter.v1.living_pb2 import EncounterEvent

_FIRST = 1_780_286_400  # 2026-06-01 12:00 in Shanghai
moments: st.SearchStrategy[Any] = st.integers(0, 6).map(
    lambda hour: f"2026-06-{1 + hour // 2:02}T0{hour}:00:00Z"
)
_ids = st.sampled_from(("a", "b", "c"))
_diagnoses = st.fixed_dictionaries(
    {"code": st.sampled_from(("I63.900", "I10.x00x002", "E11.900", "J18.903"))},
    optional={"state": st.sampled_from(("DIAGNOSIS_STATE_SUSPECTED", "DIAGNOSIS_STATE_CONFIRMED"))},
)
_procedures = st.fixed_dictionaries({"code": st.sampled_from(("39.7200", "88.4101"))})
_orders = st.fixed_dictionaries({"amountFen": st.integers(0, 10**6)}, optional={"placing": st.booleans()})
_lines = st.one_of(
    st.fixed_dictionaries({"amountFen": st.integers(1000, 10**6)}),
    st.fixed_dictionaries({"amountFen": st.integers(-900, -1), "reverses": _ids}),
)
_segments = st.fixed_dictionaries(
    {"startTime": moments}, optional={"department": st.sampled_from(("01", "02"))}
)
_settlements = st.just({"fromDate": "2026-06-01", "toDate": "2026-06-02"})
_values = st.fixed_dictionaries(
    {},
    optional={
        "sex": st.sampled_from(("SEX_MALE", "SEX_FEMALE")),
        "birthDate": st.sampled_from(("1958-03-02", "1960-01-01")),
        "admissionTime": st.just("2026-05-30T00:00:00Z"),
        "dischargeTime": st.just("2026-06-20T00:00:00Z"),
        "icuHours": st.sampled_from((0, 24)),
        "tcm": st.just(True),
        "charges": st.just({"categorySystem": "CATEGORY_SYSTEM_FRONT_PAGE"}),
    },
).filter(bool)
_facts = _values.map(lambda values: {"values": values}) | st.sampled_from(
    ({"cleared": ["sex"]}, {"cleared": ["birth_date"]}, {"cleared": ["discharge_time", "tcm"]})
)


def _entry(name: str, value: st.SearchStrategy[Any], *, position: bool = False) -> st.SearchStrategy[Any]:
    places = {"position": st.integers(0, 2)} if position else {}
    return st.fixed_dictionaries({"id": _ids}, optional={name: value, **places})


_procedure_events = st.fixed_dictionaries(
    {"id": _ids},
    optional={"procedure": _procedures, "position": st.integers(0, 2), "planned": st.booleans()},
)
_outcomes = st.fixed_dictionaries(
    {"source": st.sampled_from(("OUTCOME_SOURCE_CODER", "OUTCOME_SOURCE_BUREAU"))},
    optional={
        "outcome": st.fixed_dictionaries(
            {"group": st.sampled_from(("BR21", "BR23"))}, optional={"costFen": st.integers(0, 10**7)}
        )
    },
)

_contents = st.one_of(
    st.fixed_dictionaries({"facts": _facts}),
    st.fixed_dictionaries({"diagnosis": _entry("diagnosis", _diagnoses, position=True)}),
    st.fixed_dictionaries({"procedure": _procedure_events}),
    st.fixed_dictionaries({"order": _entry("order", _orders)}),
    st.fixed_dictionaries({"charge": _entry("line", _lines)}),
    st.fixed_dictionaries({"segment": _entry("segment", _segments)}),
    st.fixed_dictionaries(
        {
            "frontPage": st.fixed_dictionaries(
                {"name": st.sampled_from(("adm_way", "trt_type"))},
                optional={"value": st.sampled_from(("", "1", "2"))},
            )
        }
    ),
    st.fixed_dictionaries({"settlement": _entry("settlement", _settlements)}),
    st.fixed_dictionaries({"outcome": _outcomes}),
    st.fixed_dictionaries({"closing": st.fixed_dictionaries({"closed": st.booleans()})}),
)


@st.composite
def histories(draw: st.DrawFn, most: int = 14) -> list[EncounterEvent]:
    """Events with numbers of their own, some of which correct others that come before or after them."""
    contents = draw(st.lists(st.tuples(moments, _contents), min_size=1, max_size=most))
    numbers = [f"e{at}" for at in range(len(contents))]
    events: list[EncounterEvent] = []
    for at, (moment, content) in enumerate(contents):
        event = json_format.ParseDict({"eventId": numbers[at], "time": moment, **content}, EncounterEvent())
        if event.HasField("charge") and event.charge.line.reverses == event.charge.id:
            event.charge.line.reverses = "d"
        wrong = draw(st.sampled_from(("", "", "", *numbers)))
        if wrong != numbers[at]:
            event.corrects = wrong
        events.append(event)
    return events
