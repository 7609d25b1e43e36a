"""The server's configuration: what a file may say, and that every fault of it is told at once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from casemeter_rules.alerting.policy import Policy
from casemeter_server.config import Config, ConfigError, read_config
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.facilities import Facility
from casemeter_server.identity.settings import read_identity
from casemeter_server.meter_settings import HospitalSettings, Limits, MeterSettings
from identities import issuer, written_identity

CASES = tomllib.loads((Path(__file__).parent / "data" / "bad_configurations.toml").read_text("utf-8"))["case"]
DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "configuration.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CASEMETER_DATA", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


def written(folder: Path, text: str) -> Path:
    (folder / "casemeter.toml").write_text(text, "utf-8")
    return folder / "casemeter.toml"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_fault_is_told_at_once(case: dict[str, Any], tmp_path: Path) -> None:
    path = written(tmp_path, case["text"])
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert len(caught.value.faults) == len(case["says"])
    for fault, says in zip(caught.value.faults, case["says"], strict=True):
        assert fault.startswith(says)
    assert str(caught.value) == "\n".join(f"{path}: {fault}" for fault in caught.value.faults)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    (tmp_path / "gbk.toml").write_bytes("# 中文".encode("gbk"))
    for name in ("none.toml", "gbk.toml", "."):
        with pytest.raises(ConfigError, match="cannot be read: "):
            read_config(tmp_path / name)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert read_config(written(tmp_path, "")) == Config()


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (meter,) = re.findall(r"```toml\n(.*?)```", (DOCS / "meter.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "meter.toml").write_text(meter, "utf-8")
    (tmp_path / "alerts.toml").write_text("budget = 4\n", "utf-8")
    issuers = written_identity(tmp_path, issuer())
    (tmp_path / "doors.toml").write_text("wait_ms = 40\n", "utf-8")
    config = read_config(written(tmp_path, example))
    limits = Limits((0.8, 1.0), 0.95)
    hospital = HospitalSettings(
        level="三级",
        payment="harbin_2025",
        benchmark="harbin_2025_costs",
        money_for=frozenset(("office", "coder")),
        limits=limits,
        departments={"0301": replace(limits, target=0.9)},
    )
    assert config == Config(
        listen="0.0.0.0:50051",
        metrics="127.0.0.1:9464",
        workers=2,
        packs=("chs_drg_11", "packs/our_payment_2026", "packs/our_benchmark_2025"),
        default_pack="chs_drg_11",
        hospitals={"H001": "chs_drg_11"},
        meter=MeterSettings(hospital, {"H001": HospitalSettings(level="二级")}),
        alerts=Policy(budget=4),
        identity=read_identity(issuers),
        door_settings=DoorSettings(wait_ms=40),
        facilities={"H001": Facility(3, "眼科专科医院")},
        seal_key=tmp_path / "keys/seal.pem",
        time_zone="Asia/Shanghai",
        data=tmp_path / "data",
        stop_seconds=5,
    )
    assert tomllib.loads(example).keys() == {field.name for field in fields(Config)}
    # The page of the meter shows every key too.
    shown = tomllib.loads(meter)["hospital"].keys()
    assert shown == {field.name for field in fields(HospitalSettings)} - {"limits"} | {"thresholds", "target"}


def test_the_page_tells_every_key_and_its_default() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
    assert told.keys() == {field.name for field in fields(Config)}
    for key in ("listen", "metrics", "time_zone"):
        assert told[key] == f"`{getattr(Config(), key)}`"
    assert tomllib.loads(f"packs = {told['packs'].strip('`')}")["packs"] == list(Config().packs)
    assert float(told["stop_seconds"].strip("`")) == Config().stop_seconds


def test_packs_beside_the_file_are_found_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "packs" / "mine").mkdir(parents=True)
    (tmp_path / "old.bundle").touch()
    path = written(tmp_path, 'packs = ["packs/mine", "old.bundle", "chs_drg_11", "/else/where", "none"]')
    mine, old = str(tmp_path / "packs" / "mine"), str(tmp_path / "old.bundle")
    assert read_config(path).packs == (mine, old, "chs_drg_11", "/else/where", "none")


def test_the_zone_and_the_host() -> None:
    config = Config(listen="[::1]:50051", time_zone="Europe/Berlin")
    assert (config.host, config.zone) == ("[::1]", ZoneInfo("Europe/Berlin"))


def test_an_address_of_the_command_line() -> None:
    config = Config().changed("listen", "0.0.0.0:7").changed("metrics", "")
    assert (config.listen, config.metrics) == ("0.0.0.0:7", "")
    for key, address in (("listen", "nowhere"), ("metrics", "nowhere:x"), ("listen", "")):
        with pytest.raises(ConfigError, match=f"'{key}' is '{address}'"):
            Config().changed(key, address)


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"CASEMETER_DATA": "/a", "XDG_DATA_HOME": "/b"}, "/a"),
        ({"XDG_DATA_HOME": "/b"}, "/b/casemeter"),
        ({"HOME": "/c"}, "/c/.local/share/casemeter"),
    ],
)
def test_where_data_is_kept(variables: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Config().data == Path(folder)
