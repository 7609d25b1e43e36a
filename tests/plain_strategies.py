"""Requests that are plain, or just not, for Hypothesis: values in range and at its ends."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import strategies as st

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.service_pb2 import EvaluateRequest

_DAY = 86_400
_NOON = 1_780_286_400  # 2026-06-01 12:00 in Shanghai
_CODES = ("I63.900", "I64.x00", "I46.900", "E11.900", "J96.900", "S06.000", "S32.000", "I63.900x001")
_RARE_CODES = ("i63.900", "I63.9000", "I63.90", "Q99.999", "", "药", "I" * 40, "I" * 41)
_PROCEDURES = ("01.2400", "37.2100", "37.5100", "99.0400", "99.9999", "01.2500")


def _mostly(usual: st.SearchStrategy[Any], rare: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    # Neither the first nor the last number, which Hypothesis draws more often than others.
    return st.integers(0, 63).flatmap(lambda chance: rare if chance == 42 else usual)


def _time(low: int, high: int) -> st.SearchStrategy[Any]:
    """A moment between two days from noon on, now and then to the second of a midnight, or out of range."""
    near: st.SearchStrategy[Any] = st.builds(
        dict,
        seconds=st.integers(_NOON + low * _DAY, _NOON + high * _DAY)
        | st.builds(
            lambda day, second: _NOON - 12 * 3600 + day * _DAY + second,
            st.integers(low, high),
            st.integers(-1, 1),
        ),
        nanos=st.sampled_from((0, 0, 1, 500_000_000, 999_998_999, 999_999_000, 999_999_500, 999_999_999)),
    )
    seconds = st.sampled_from((-1, 0, 1, 946_684_799, 946_684_800, 4_102_444_800, 4_102_444_801))
    return _mostly(near, st.builds(dict, seconds=seconds))


def _enum(*usual: int) -> st.SearchStrategy[Any]:
    return _mostly(st.sampled_from(usual), st.integers(-1, 10))


_texts = _mostly(
    st.sampled_from(("", "A01", "ICU")), st.sampled_from(("x" * 32, "x" * 33, "心内科", "a\x00b"))
)
_diagnoses = st.fixed_dictionaries(
    {"code": _mostly(st.sampled_from(_CODES), st.sampled_from(_RARE_CODES))},
    optional={
        "kind": _enum(0, 1),
        "phase": _enum(0, 3),
        "state": _enum(0, 2),
        "admission_condition": _enum(0, 1, 2, 3, 4),
    },
)
_procedures = st.fixed_dictionaries(
    {"code": _mostly(st.sampled_from(_PROCEDURES), st.sampled_from(_RARE_CODES))},
    optional={"start_time": _time(-5, -4), "end_time": _time(-4, -3)},
)
_segments = st.one_of(
    st.just([]),
    *(
        st.tuples(
            *(
                st.fixed_dictionaries(
                    {"start_time": _time(-8 + 2 * at, -7 + 2 * at)},
                    optional={
                        "department": _texts,
                        "intensive_care": st.booleans(),
                        **({"end_time": _time(-7 + 2 * at, -6 + 2 * at)} if at < count - 1 else {}),
                    },
                )
                for at in range(count)
            )
        )
        for count in (1, 2)
    ),
)
_weights = _mostly(st.integers(100, 15_000), st.sampled_from((3, 19, 20, 99, 100, 15_000, 15_001, -1)))
_dates = _mostly(
    st.dates(date(1869, 12, 30), date(2026, 6, 3)).map(str),
    st.sampled_from(("2024-02-29", "2023-02-29", "20240229", "2024-2-29", "0000-01-01", "")),
)
_ages = st.fixed_dictionaries({}, optional={"years": _enum(0, 40, 150), "days": _enum(0, 364, 365, 14_800)})
_numbers = _mostly(st.sampled_from(("", "1", "2", "3", "4", "5")), st.sampled_from(("x" * 65, "药", "1")))
_quantities = _mostly(
    st.sampled_from(("", "1", "0.5", "2", "12.3456", "00000001.0")),
    st.sampled_from(
        ("two", "0", "0.0", "1.23456", ".5", "1.", "123456789", "99999999.9999", "-1", "１", "1e3")
    ),
)
_plain_lines = st.lists(
    st.fixed_dictionaries(
        {"amount_fen": _mostly(st.integers(0, 50_000), st.sampled_from((-1, 10**10, 10**10 + 1, 2**63 - 1)))},
        optional={
            "time": _time(-5, 3),
            "item": _mostly(st.sampled_from(("X1", "X2", "demo_meals")), _texts),
            "category": _mostly(st.sampled_from(("1", "3", "10", "01", "14", "99", "")), _texts),
            "quantity": _quantities,
            "unit_price_fen": _mostly(st.just(""), _quantities),
        },
    ),
    max_size=5,
)
_undone = st.lists(
    st.tuples(st.integers(0, 6), _mostly(st.integers(1, 20_000), st.sampled_from((0, -1, 10**10 + 1)))),
    max_size=3,
)


def _charges(
    system: int, lines: list[dict[str, Any]], ids: list[str], undone: list[tuple[int, int]], total: int
) -> dict[str, Any]:
    """Charges whose lines are numbered for the most part, some of them undone."""
    numbered = [
        {**line, "id": ids[at] if at < len(ids) else str(at)} if at % 3 else line
        for at, line in enumerate(lines)
    ]
    numbered += [{"reverses": str(place), "amount_fen": -amount} for place, amount in undone]
    made: dict[str, Any] = {"category_system": system, "lines": numbered}
    if total < 2:
        made["total_fen"] = min(2**63 - 1, total + sum(line["amount_fen"] for line in numbered))
    return made


_all_charges = st.builds(
    _charges, _enum(0, 1, 2), _plain_lines, st.lists(_numbers, max_size=2), _undone, st.integers(0, 5)
)
_encounters: st.SearchStrategy[Encounter] = st.builds(
    lambda fields, segments, how_old: Encounter(**fields, **how_old, segments=segments),
    st.fixed_dictionaries(
        {"diagnoses": st.lists(_diagnoses, min_size=1, max_size=3)},
        optional={
            "encounter_id": _texts,
            "sex": _enum(0, 1, 2),
            "admission_time": _time(-10, -8),
            "discharge_time": _time(-2, 0),
            "discharge_way": _enum(0, 1, 4, 5, 9),
            "insurance_type": _texts,
            "diagnosis_edition": _enum(0, 1),
            "procedure_edition": _enum(0, 1),
            "procedures": st.lists(_procedures, max_size=3),
            "charges": _all_charges,
            "discharge_ordered": _mostly(st.just(False), st.booleans()),
            "icu_hours": _mostly(st.sampled_from((0.0, 0.5, 100_000.0)), st.floats()),
            "newborn": st.fixed_dictionaries(
                {}, optional={"birth_weight_g": _weights, "admission_weight_g": _weights}
            ),
        },
    ),
    _segments,
    st.one_of(st.just({}), st.builds(dict, birth_date=_dates), st.builds(dict, age=_ages)),
)
plain_requests = st.builds(
    lambda fields, encounter: EvaluateRequest(encounter=encounter, **fields),
    st.fixed_dictionaries(
        {},
        optional={
            "call_id": _texts,
            "pack": _mostly(st.sampled_from(("", "tiny", "chs_drg_11")), _texts),
            "as_of": _time(0, 2),
            "explain": _mostly(st.just(False), st.booleans()),
        },
    ),
    _encounters,
)
