"""What the simulated EMR shows of events, and of where a stay is heading."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format

from casemeter.v1.living_pb2 import EncounterChange, EncounterEvent
from casemeter_client import forecast_text
from casemeter_client._phrases import Speaker
from casemeter_client.emr.screen import Screen

OPERATION = {"code": "51.2300", "name": "腹腔镜下胆囊切除术"}


@pytest.mark.parametrize(
    ("event", "zh", "en"),
    [
        (
            {"procedure": {"id": "p1", "procedure": OPERATION, "planned": True}},
            "手术操作 51.2300 腹腔镜下胆囊切除术，拟行",
            "procedure 51.2300 腹腔镜下胆囊切除术, planned",
        ),
        (
            {"procedure": {"id": "p1", "procedure": OPERATION}},
            "手术操作 51.2300 腹腔镜下胆囊切除术",
            "procedure 51.2300 腹腔镜下胆囊切除术",
        ),
        (
            {"procedure": {"id": "p1", "planned": True}},
            "手术操作 p1，撤销",
            "procedure p1, taken back",
        ),
        (
            {"outcome": {"source": "OUTCOME_SOURCE_CODER", "outcome": {"group": "HC29"}}},
            "最终分组 编码员 HC29",
            "final group coder HC29",
        ),
        (
            {"outcome": {"source": "OUTCOME_SOURCE_BUREAU"}},
            "最终分组 医保局，撤销",
            "final group bureau, taken back",
        ),
    ],
)
def test_what_happened_in_a_few_words(event: dict[str, Any], zh: str, en: str) -> None:
    said = json_format.ParseDict({"event_id": "1", **event}, EncounterEvent())
    assert [Screen("zh").event(said), Screen("en").event(said)] == [zh, en]


def change(groups: dict[str, float], set_size: int = 0, **more: Any) -> EncounterChange:
    found = [{"code": code, "probability": share} for code, share in groups.items()]
    forecast = {"groups": found, "set_size": set_size, "level": 0.9, **more}
    return json_format.ParseDict({"verdict": {"forecast": forecast}}, EncounterChange())


@pytest.mark.parametrize(
    ("before", "after", "is_told"),
    [
        (change({}), change({"BR23": 0.622}), True),
        (change({}), change({"BR23": 0.97}, 1), True),
        (
            change({"BR23": 0.6}, 1),
            change({"BR23": 0.6, "BR25": 0.35}, 2),
            True,
        ),
        (
            change({"BR23": 0.6, "BR25": 0.35}, 2),
            change({"BR25": 0.6, "BR23": 0.35}, 2),
            True,
        ),
        (
            change({"BR23": 0.6}),
            change({"BR21": 0.6}, demonstration=True),
            True,
        ),
        # Odds alone are no news, nor is the order within the set, nor that there is nothing to say.
        (change({"BR23": 0.6, "BR25": 0.35}, 2), change({"BR23": 0.5, "BR25": 0.45}, 2), False),
        (
            change({"A": 0.5, "B": 0.3, "C": 0.1}, 3),
            change({"A": 0.5, "C": 0.3, "B": 0.1}, 3),
            False,
        ),
        (change({"BR23": 0.6}), change({}), False),
    ],
)
def test_where_a_stay_is_heading_is_told_when_it_changes(
    before: EncounterChange, after: EncounterChange, is_told: bool
) -> None:
    lines = Screen("en").change(after, before)
    heading = next(forecast_text.lines(after.verdict, Speaker("en")), "")
    assert [line for line in lines if line.startswith("↗")] == ([f"↗ {heading}"] if is_told else [])
