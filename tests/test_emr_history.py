"""Histories of the EMR simulator: what is read, what is refused, and how they are moved."""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from casemeter_client.emr.history import (
    MAX_FAULTS,
    HistoryError,
    ending_today,
    moved,
    read_histories,
    renamed,
    shipped,
)

DATA = Path(__file__).parent / "data"
FAULTS = tomllib.loads((DATA / "emr_history_faults.toml").read_text("utf-8"))["file"]
SOUND = {
    "encounter_id": "E",
    "event": {
        "event_id": "1",
        "time": "2026-06-01T08:00:00Z",
        "facts": {
            "values": {
                "birth_date": "1958-03-02",
                "admission_time": "2026-06-01T07:00:00Z",
                "earlier_stays": {
                    "stays": [{"id": "1", "admission_date": "2026-01-01", "discharge_date": ""}]
                },
            }
        },
    },
}


def write(path: Path, *lines: Any) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def event(number: str, time: str, encounter: str = "E", **more: Any) -> dict[str, Any]:
    told = {"event_id": number, "time": time, "closing": {"closed": True}}
    return {"encounter_id": encounter, "event": told, **more}


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case["name"])
def test_every_fault_of_a_file_is_told_with_its_line(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(case["text"].replace("@", json.dumps(SOUND)), "utf-8")
    with pytest.raises(HistoryError) as caught:
        read_histories([path])
    assert len(caught.value.faults) == len(case["faults"]), caught.value
    for found, said in zip(caught.value.faults, case["faults"], strict=True):
        assert found.startswith(f"{path}:")
        assert said in found


def test_faults_of_several_files_are_told_at_once_and_counted(tmp_path: Path) -> None:
    bad = write(tmp_path / "a.jsonl", *([{}] * MAX_FAULTS))
    with pytest.raises(HistoryError) as caught:
        read_histories([bad, tmp_path / "none.jsonl", "nowhere"])
    told = str(caught.value).splitlines()
    assert len(told) == MAX_FAULTS + 1
    assert told[-1] == f"… and {MAX_FAULTS + 2} more"
    assert "stroke" in caught.value.faults[-1]
    assert "none.jsonl: cannot be read" in caught.value.faults[-2]


def test_a_file_may_be_compressed(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.jsonl", SOUND)
    packed = tmp_path / "b"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_histories([packed]) == read_histories([plain])
    packed.write_bytes(gzip.compress(plain.read_bytes())[:-9])
    with pytest.raises(HistoryError, match="cannot be read"):
        read_histories([packed])
    packed.write_bytes(b"\x1f\x8b no gzip")
    with pytest.raises(HistoryError, match="cannot be read"):
        read_histories([packed])


def test_bytes_that_are_no_text_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(SOUND).encode() + b"\r\n\xff\xfe\n")
    with pytest.raises(HistoryError) as caught:
        read_histories([path])
    (fault,) = caught.value.faults
    assert fault.startswith(f"{path}:2: is not JSON in UTF-8")


def test_several_files_are_played_in_one_order_of_time(tmp_path: Path) -> None:
    first = write(
        tmp_path / "a.jsonl", event("1", "2026-06-01T08:00:00Z"), event("2", "2026-06-03T08:00:00Z")
    )
    late = event("1", "2026-05-01T08:00:00Z", "F", at="2026-06-02T08:00:00+00:00")
    second = write(tmp_path / "b.jsonl", late)
    entries = read_histories([first, second])
    assert [(entry.encounter_id, entry.event.event_id) for entry in entries] == [
        ("E", "1"),
        ("F", "1"),
        ("E", "2"),
    ]
    assert entries[1].at == datetime(2026, 6, 2, 8, tzinfo=UTC)
    assert entries[1].event.time.ToDatetime(UTC) == datetime(2026, 5, 1, 8, tzinfo=UTC)


def test_a_history_is_moved_as_a_whole(tmp_path: Path) -> None:
    entries = read_histories([write(tmp_path / "a.jsonl", SOUND)])
    (entry,) = moved(entries, timedelta(days=30))
    values = entry.event.facts.values
    assert entry.at == datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert entry.event.time.ToDatetime(UTC) == entry.at
    assert values.admission_time.ToDatetime(UTC) == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert values.birth_date == "1958-04-01"
    assert values.earlier_stays.stays[0].admission_date == "2026-01-31"
    assert values.earlier_stays.stays[0].discharge_date == ""
    assert entries[0].event.facts.values.birth_date == "1958-03-02"


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (datetime(2026, 6, 1, 8, tzinfo=UTC), datetime(2026, 6, 1, 8, tzinfo=UTC)),
        (datetime(2026, 6, 11, 7, tzinfo=UTC), datetime(2026, 6, 10, 8, tzinfo=UTC)),
        (datetime(2026, 5, 30, 9, tzinfo=UTC), datetime(2026, 5, 30, 8, tzinfo=UTC)),
    ],
)
def test_a_history_that_ends_today(now: datetime, last: datetime, tmp_path: Path) -> None:
    entries = read_histories([write(tmp_path / "a.jsonl", SOUND)])
    assert ending_today(entries, now)[-1].at == last


def test_the_page_shows_what_can_be_played(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "emr_simulator.md").read_text("utf-8")
    path = tmp_path / "page.jsonl"
    path.write_text(page.partition("```json\n")[2].partition("```")[0], "utf-8")
    assert [entry.event.event_id for entry in read_histories([path])] == ["1", "2", "3"]
    table = page.partition("| name | what happens |\n")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == shipped()


@pytest.mark.parametrize("name", shipped())
def test_what_is_shipped_can_be_played_and_is_called_invented(name: str) -> None:
    entries = read_histories([name])
    assert len(entries) > 10
    assert all(entry.encounter_id.startswith("demo-") for entry in entries)
    assert {entry.encounter_id for entry in renamed(entries, "-7")} == {
        f"{entry.encounter_id}-7" for entry in entries
    }
