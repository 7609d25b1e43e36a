"""Settings of the doors: what a file may say, and that every fault of it is told at once."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from casemeter_server.doors.settings import DoorSettings, DoorSettingsError, read_door_settings

CASES = tomllib.loads((Path(__file__).parent / "data" / "doors_settings.toml").read_text("utf-8"))["case"]
PAGE = (Path(__file__).parents[1] / "docs" / "doors.md").read_text("utf-8")


def written(folder: Path, text: str) -> Path:
    (folder / "doors.toml").write_text(text, "utf-8")
    return folder / "doors.toml"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_fault_is_told_at_once(case: dict[str, Any], tmp_path: Path) -> None:
    path = written(tmp_path, case["text"])
    with pytest.raises(DoorSettingsError) as caught:
        read_door_settings(path)
    assert len(caught.value.faults) == len(case["says"])
    for fault, says in zip(caught.value.faults, case["says"], strict=True):
        assert fault.startswith(says)
    assert str(caught.value).startswith(f"{path}: ")


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert read_door_settings(written(tmp_path, "")) == DoorSettings()


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    settings = read_door_settings(written(tmp_path, example))
    assert settings.wait_ms == DoorSettings().wait_ms
    assert tomllib.loads(example).keys() == {"wait_ms", "nhsa", "settlement", "cds"}
