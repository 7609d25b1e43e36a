"""A seal from a server to whoever submits: over gRPC and by the door, verified as the page tells."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from typer.testing import CliRunner

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.keeping_pb2 import SealFrontPageRequest, SealFrontPageResponse
from casemeter_server.cli.main import app
from casemeter_server.config import Config
from casemeter_server.doors.app import create_app
from casemeter_server.engine import Engine
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.store import Store
from door_apps import AS_OF, calling, snapshot_of
from live import SERVICE, live

DATA = Path(__file__).parent / "data"
PAGE = (Path(__file__).parents[1] / "docs" / "seal.md").read_text("utf-8")
MESSAGE = json.loads((DATA / "seal_pages" / "4101.json").read_text("utf-8"))
MESSAGE["input"]["setlinfo"]["certno"] = "11010119900101123X"  # JavaScript rounds numbers of 18 digits
HEADERS = {"casemeter-hospital": "H001", "casemeter-role": "coder", "casemeter-user": "coder7"}


@pytest.fixture(scope="module")
def snapshot(bundles: Path) -> Snapshot:
    return snapshot_of(bundles)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "casemeter.toml").write_text('data = "data"\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verify(folder: Path, page: Any, seal: str, *more: str) -> tuple[int, str]:
    """Verify with the commands that the page names."""
    public = CliRunner().invoke(app, ["seal", "public", "--config", "casemeter.toml"])
    assert public.exit_code == 0, public.output
    (folder / "seal_public.pem").write_text(public.stdout, "utf-8")
    (folder / "seal.txt").write_text(seal, "utf-8")
    (folder / "page.json").write_text(json.dumps(page), "utf-8")
    arguments = [
        "seal",
        "verify",
        "page.json",
        "--seal",
        "seal.txt",
        "--key",
        "seal_public.pem",
        "--lang",
        "en",
    ]
    shown = CliRunner().invoke(app, [*arguments, "--hospital", "H001", *more])
    return shown.exit_code, shown.output


def test_over_grpc(folder: Path, snapshot: Snapshot) -> None:
    page = {"encounter_id": "E1", "sex": "SEX_MALE", "diagnoses": [{"code": "I63.900"}]}
    request = SealFrontPageRequest(pack="tiny", encounter=json_format.ParseDict(page, Encounter()))
    request.as_of.FromJsonString(AS_OF)
    with live(snapshot, data=folder / "data") as server, grpc.insecure_channel(server.address) as channel:
        call = channel.unary_unary(
            f"{SERVICE}SealFrontPage",
            SealFrontPageRequest.SerializeToString,
            SealFrontPageResponse.FromString,
        )
        reply = call(request, metadata=tuple(HEADERS.items()), timeout=20)
        physician = {**HEADERS, "casemeter-role": "physician"}
        with pytest.raises(grpc.RpcError) as caught:
            call(request, metadata=tuple(physician.items()), timeout=20)
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    status, said = verify(folder, page, reply.seal)
    assert status == 0
    assert "sealed by coder7 (coder) of hospital H001 on " in said
    assert "stay E1, group BR1, checked as of 2026-06-05T04:00:00Z" in said
    page["sex"] = "SEX_FEMALE"
    assert verify(folder, page, reply.seal)[0] == 1


@pytest.fixture
def sealed(folder: Path, snapshot: Snapshot) -> str:
    """The seal that the door of settlement lists gives to the message."""
    config = Config(data=folder / "data")
    store = Store.open(config.store_url)
    try:
        engine = Engine(config, snapshot, store)
        assert engine.seals
        with calling(create_app(engine, Authenticator())) as client:
            headers = {**HEADERS, "content-type": "application/json", "casemeter-as-of": AS_OF}
            path = "/settlement/4101?submit=1"
            reply = client.post(path, content=json.dumps(MESSAGE), headers=headers).json()
    finally:
        store.close()
    assert reply["infcode"] == 0, reply
    seal: str = reply["output"]["seal"]
    return seal


def test_by_the_door(folder: Path, sealed: str) -> None:
    status, said = verify(folder, MESSAGE, sealed)
    assert status == 0
    assert "sealed by coder7 (coder) of hospital H001 on " in said
    assert "checked with findings_rules 1 " in said
    assert verify(folder, MESSAGE["input"], sealed)[0] == 0
    edited = json.loads(json.dumps(MESSAGE))
    edited["input"]["setlinfo"]["a_field_of_this_hospital"] = "y"
    assert verify(folder, edited, sealed) == (1, "The page is not the one that was sealed.\n")


@pytest.mark.skipif(shutil.which("node") is None, reason="the program of the page is in JavaScript")
def test_the_program_of_the_page(folder: Path, sealed: str) -> None:
    """Another hand's reading of the page comes to the same."""
    (program,) = re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)
    (folder / "verify.mjs").write_text(program, "utf-8")
    assert verify(folder, MESSAGE, sealed)[0] == 0

    def run(page: Any, seal: str = sealed) -> tuple[int, str]:
        (folder / "page.json").write_text(json.dumps(page), "utf-8")
        (folder / "other.txt").write_text(seal, "utf-8")
        command = ["node", "verify.mjs", "page.json", "other.txt", "seal_public.pem"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout

    status, said = run(MESSAGE)
    assert (status, "user: 'coder7'" in said) == (0, True), said
    edited = json.loads(json.dumps(MESSAGE))
    edited["input"]["diseinfo"][0]["diag_code"] = "I63.901"
    assert run(edited) == (1, "the seal does not hold\n")
    assert run(MESSAGE, sealed[:-10] + "A" * 10)[0] == 1
