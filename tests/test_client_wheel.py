"""The client is built and imported alone: grpcio and protobuf are all it needs."""

from __future__ import annotations

import email
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

USE = """
import sys
from importlib.abc import MetaPathFinder

REFUSED = ("casemeter_grouper", "casemeter_server", "casemeter_rules", "google.rpc", "google.api",
           "google.type", "grpc_status", "grpc_health", "grpc_reflection", "numpy", "numba", "polars")

class Refuse(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.startswith(REFUSED):
            raise ImportError(f"{name} must not be needed")

sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[1])

import casemeter.v1.service_pb2
import casemeter_client
from casemeter_client import AsyncClient, Client, ConnectionFailed, Encounter, Verdict
from casemeter_client.emr.__main__ import main
from casemeter_client.text import lines

for module in (casemeter_client, casemeter.v1.service_pb2):
    assert module.__file__.startswith(sys.argv[1]), module.__file__
assert lines(Verdict(status="GROUP_STATUS_NOT_YET"), "en") == ["Not groupable yet: no diagnosis"]
assert main(["play", "stroke", "--address", "127.0.0.1:1", "--door", "cds"]) == 1
with Client("127.0.0.1:1") as client:
    try:
        client.evaluate(Encounter(diagnoses=[{"code": "I63.900"}]))
    except ConnectionFailed:
        print("works alone")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT / "clients")], check=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_the_client_and_the_contract_only(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        facts = email.message_from_bytes(archive.read(metadata))
    folders = {name.rpartition("/")[0] for name in names if ".dist-info" not in name}
    own = {"casemeter_client", "casemeter_client/emr", "casemeter_client/emr/histories"}
    assert folders == {*own, "casemeter", "casemeter/v1"}
    assert {
        "casemeter_client/py.typed",
        "casemeter_client/phrases.toml",
        "casemeter_client/emr/screen.toml",
        "casemeter_client/emr/histories/stroke.jsonl",
        "casemeter/v1/service_pb2.pyi",
    } <= set(names)
    needed = [line.split(">=")[0] for line in facts.get_all("Requires-Dist", [])]
    assert sorted(needed) == ["grpcio", "protobuf"]


def test_the_wheel_works_alone(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-W", "error", "-c", USE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "works alone\n"), done.stderr
    assert done.stderr.startswith("no door of HTTP answers at 127.0.0.1:1")
    assert done.stderr.count("\n") == 1
