"""The page of the door of the national messages says what its tables say."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from casemeter_server.doors.nhsa.facts import FIELDS, table
from casemeter_server.doors.nhsa.settings import NhsaSettings

PAGE = Path(__file__).parents[1] / "docs" / "door_nhsa.md"
MARK = ' --update" writes it. -->\n'


def test_the_nhsa_page_tells_every_fact(request: pytest.FixtureRequest) -> None:
    before, mark, rest = PAGE.read_text("utf-8").partition(MARK)
    assert mark
    rows = "".join(f"| `{path}` | `{name}` |\n" for path, name in FIELDS.items())
    _, _, after = rest.partition("\n\nOf these")
    page = f"{before}{mark}\n| fact | field |\n|---|---|\n{rows}\nOf these{after}"
    if request.config.getoption("--update"):
        PAGE.write_text(page, "utf-8")
    assert PAGE.read_text("utf-8") == page, (
        "docs/door_nhsa.md differs; if facts.toml is right, --update writes it"
    )


def test_the_page_names_settings_and_scenes() -> None:
    text = PAGE.read_text("utf-8")
    for setting in fields(NhsaSettings):
        assert f"| `{setting.name}` |" in text
    scenes = next(line for line in text.splitlines() if line.startswith("| `trig_scen`"))
    _, told, outpatient, inpatient, _ = scenes.split("|")
    assert told
    for scene, what in table("codes.toml")["trig_scen"].items():
        words = (outpatient if what == "outpatient" else inpatient).replace(",", " ").split()
        assert scene in words
