"""What a hospital sets for its meter: what a file may say, and that every fault of it is told at once."""

from __future__ import annotations

import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest

from casemeter_server import meter_settings
from casemeter_server.config import ConfigError, read_config
from casemeter_server.meter_settings import (
    HospitalSettings,
    Limits,
    MeterSettings,
    MeterSettingsError,
    read_meter_settings,
)

CASES = tomllib.loads((Path(__file__).parent / "data" / "bad_meter_settings.toml").read_text("utf-8"))["case"]


def written(folder: Path, text: str) -> Path:
    (folder / "meter.toml").write_text(text, "utf-8")
    return folder / "meter.toml"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_fault_is_told_at_once(case: dict[str, Any], tmp_path: Path) -> None:
    path = written(tmp_path, case["text"])
    with pytest.raises(MeterSettingsError) as caught:
        read_meter_settings(path)
    assert len(caught.value.faults) == len(case["says"])
    for fault, says in zip(caught.value.faults, case["says"], strict=True):
        assert fault.startswith(says)
    (tmp_path / "casemeter.toml").write_text('meter = "meter.toml"\npacks = []\n', "utf-8")
    with pytest.raises(ConfigError) as around:
        read_config(tmp_path / "casemeter.toml")
    assert len(around.value.faults) == 1 + len(case["says"])


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    assert read_meter_settings(written(tmp_path, "")) == MeterSettings()


def test_the_example_of_the_module_is_read(tmp_path: Path) -> None:
    assert meter_settings.__doc__
    example = textwrap.dedent(meter_settings.__doc__.partition("::\n")[2])
    own = HospitalSettings(
        level="三级",
        money_for=frozenset(("office", "coder")),
        limits=Limits((0.8, 1.0), 0.95),
        departments={"0301": Limits((0.8, 1.0), 0.9)},
    )
    settings = read_meter_settings(written(tmp_path, example))
    assert settings == MeterSettings(own, {"H001": HospitalSettings(level="二级")})
    assert settings.of("H001").level == "二级"
    assert settings.of("H999") == settings.of("") == own


def test_limits_are_the_departments_or_the_hospitals(tmp_path: Path) -> None:
    text = """
    [hospital]
    thresholds = [0.8]
    target = 1
    departments.A.target = 0.9
    departments.B.thresholds = []
    """
    settings = read_meter_settings(written(tmp_path, textwrap.dedent(text))).default
    assert settings.limits_of("") == settings.limits_of("C") == Limits((0.8,), 1.0)
    assert settings.limits_of("A") == Limits((0.8,), 0.9)
    assert settings.limits_of("B") == Limits((), 1.0)


@pytest.mark.parametrize(
    ("roles", "role", "sees"),
    [
        (None, "", True),
        (None, "physician", True),
        (["office"], "office", True),
        (["office"], "physician", False),
        (["office"], "", False),
        ([], "office", False),
    ],
)
def test_who_sees_money(roles: list[str] | None, role: str, sees: bool) -> None:
    settings = HospitalSettings(money_for=None if roles is None else frozenset(roles))
    assert settings.sees_money(role) is sees
