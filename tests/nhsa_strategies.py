"""Encounters with the facts that the detail-audit messages carry and with others, for Hypothesis."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import strategies as st

from casemeter.v1.encounter_pb2 import Encounter

words = (
    st.text("abz甲乙丙０9 .,，/\"'\\{}[]-é", min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda text: text not in ("", "-"))
)
numbers = st.sampled_from(["", "1", "2", "3", "x-9"])
codes = st.sampled_from(["I63.900", "i10.x00", " E11.900 ".strip(), "G20.x00", "Z51.100"]) | words
_ADMITTED = 1_780_273_800  # 2026-06-01T08:30:00+08:00
_STAY = 4 * 86_400
_ITEMS = ("XN05BA12", "XG01AAB", "XG01AAA", "x")
moments: st.SearchStrategy[Any] = st.builds(
    dict, seconds=st.integers(946_684_800, 4_000_000_000), nanos=st.sampled_from([0, 5])
)
stages = st.integers(0, 4)
diagnoses = st.fixed_dictionaries(
    {"code": codes},
    optional={"name": words, "phase": stages, "kind": st.integers(0, 5), "state": st.integers(0, 3)},
)
procedures = st.fixed_dictionaries(
    {"code": codes}, optional={"name": words, "start_time": moments, "end_time": moments}
)
quantities = st.sampled_from(["1", "2.50", "0.5", "007", "12.0000"])
items = {
    "item": words,
    "name": words,
    "category": st.sampled_from(["01", "09", "14", "99"]),
    "quantity": quantities,
    "time": moments,
}
prices = st.sampled_from(["100", "1250", "99999", "12.5", "0100", "7.00"])
lines: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"id": numbers, "amount_fen": st.integers(0, 10**9)},
    optional={**items, "unit_price_fen": prices, "self_paid": st.booleans()},
)
orders = st.fixed_dictionaries(
    {"id": numbers, "amount_fen": st.integers(0, 10**9), "placing": st.booleans()}, optional=items
)


@st.composite
def charges(draw: st.DrawFn) -> dict[str, Any]:
    """Charges that a hospital may have: refunds name what they take back."""
    found = draw(st.lists(lines, max_size=4))
    undoable = [line for line in found if line["id"] and line["amount_fen"]]
    for line in draw(st.lists(st.sampled_from(undoable), max_size=2)) if undoable else ():
        back = draw(st.integers(1, line["amount_fen"]))
        found.append({"reverses": line["id"], "amount_fen": -back, "id": draw(numbers)})
    total = sum(line["amount_fen"] for line in found)
    said = draw(st.sampled_from([{}, {"total_fen": total}, {"total_fen": total + 1}]))
    return {"lines": found, "category_system": draw(st.integers(0, 2)), **said}


def sound(encounter: Encounter) -> Encounter:
    """The encounter with times in order, each number once, and items that rules know: it gets a verdict."""
    found = Encounter()
    found.CopyFrom(encounter)
    if found.HasField("admission_time"):
        found.admission_time.seconds = _ADMITTED
    if found.HasField("discharge_time"):
        found.discharge_time.seconds = _ADMITTED + _STAY
    if found.birth_date > "2026":
        found.ClearField("age_source")
    del found.segments[:]
    for procedure in found.procedures:
        procedure.ClearField("end_time")
        if procedure.HasField("start_time"):
            procedure.start_time.seconds = _ADMITTED + procedure.start_time.seconds % _STAY
    numbers: dict[str, str] = {}
    for at, line in enumerate(found.charges.lines):
        line.ClearField("unit_price_fen")
        if not line.reverses:
            numbers.setdefault(line.id, f"L{at}")
            line.id = f"L{at}"
    refunds = [line for line in found.charges.lines if line.reverses]
    for line in refunds:
        line.reverses, line.id = numbers[line.reverses], ""
    for at, order in enumerate(found.orders):
        order.id = f"O{at}"
    entries: list[Any] = [*found.charges.lines, *found.orders]
    for at, entry in enumerate(entries):
        entry.item = _ITEMS[at % len(_ITEMS)]
        if entry.HasField("time"):
            entry.time.seconds = _ADMITTED + entry.time.seconds % _STAY
    return found


def _encounter(fields: dict[str, Any]) -> Encounter:
    return Encounter(**fields)


encounters = st.fixed_dictionaries(
    {},
    optional={
        "encounter_id": words,
        "person_key": words,
        "sex": st.integers(0, 2),
        "birth_date": st.dates(min_value=date(1870, 1, 1)).map(str),
        "admission_time": moments,
        "discharge_time": moments,
        "discharge_way": stages,
        "insurance_type": st.sampled_from(["310", "390", "居民医保"]),
        "diagnoses": st.lists(diagnoses, max_size=5),
        "procedures": st.lists(procedures, max_size=4),
        "segments": st.lists(st.builds(dict, start_time=moments, department=words), max_size=2),
        "icu_hours": st.floats(0, 100),
        "facility": st.fixed_dictionaries({}, optional={"level": st.integers(1, 3), "kind": words}),
        "charges": charges(),
        "orders": st.lists(orders, max_size=3),
        "tcm": st.booleans(),
        "self_pay": st.booleans(),
    },
).map(_encounter)
