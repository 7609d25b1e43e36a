"""The calls that the README shows answer as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from casemeter_server.cli.main import app

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
REQUESTS = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
CALLS = re.findall(r"```console\n\$ casemeter (evaluate .*?)\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("request_json", "call"), [*zip(REQUESTS, CALLS, strict=True)])
def test_the_reply_is_as_shown(
    request_json: str, call: tuple[str, str], tmp_path: Path, bundles: Path
) -> None:
    json.loads(request_json)
    arguments, reply = call
    command, file, *options = arguments.split()
    (tmp_path / file).write_text(request_json, "utf-8")
    environment = {"CASEMETER_DATA": str(bundles.parent)}
    result = CliRunner(env=environment).invoke(app, [command, str(tmp_path / file), *options])
    assert result.stdout == reply
