"""``casemeter identity``: keys, tokens, and why a token does not hold."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner, Result

from casemeter_server.cli.main import app
from casemeter_server.identity.making import to_pem
from identities import ISS, jwk_set, signed

SETTINGS = f'[[issuer]]\niss = "{ISS}"\nkeys = "keys.json"\naudience = "casemeter"\n'


def run(*arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(app, ["identity", *arguments], input=text)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("identity.toml").write_text(SETTINGS, "utf-8")
    return tmp_path


def test_from_a_key_to_a_caller() -> None:
    for name, algorithm in (("one.pem", "ES256"), ("two.pem", "EdDSA")):
        shown = run("keygen", name, "keys.json", "-a", algorithm)
        assert shown.exit_code == 0, shown.output
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
        keys = json.loads(Path("keys.json").read_text("utf-8"))["keys"]
        assert (keys[-1]["alg"], "d" in keys[-1]) == (algorithm, False)
        assert f"kid {keys[-1]['kid']}" in shown.output
    assert len(keys) == 2
    for name in ("one.pem", "two.pem"):
        made = run("token", name, "--iss", ISS, "--hospital", "H001", "--role", "coder", "--user", "u17")
        assert made.exit_code == 0, made.output
        for arguments, text in (([made.output.strip()], ""), (["-"], f"Bearer {made.output}")):
            shown = run("check", *arguments, text=text)
            assert shown.exit_code == 0, shown.output
            assert re.fullmatch(
                r"hospital H001 · role coder · user u17 · department not told · until 20\S+\+00:00\n",
                shown.output,
            )


def test_why_a_token_does_not_hold() -> None:
    run("keygen", "one.pem", "keys.json")
    for options, says in (
        (["--hospital", "H001", "--minutes", "0"], "has expired"),
        (["--hospital", "H001", "--audience", "other"], "for another audience"),
        (["--hospital", "H001", "--role", "auditor"], "a role that its issuer may not give"),
        ([], "no claim 'hospital'"),
    ):
        made = run("token", "one.pem", "--iss", ISS, *options)
        shown = run("check", made.output.strip())
        assert shown.exit_code == 1
        assert says in shown.output
    shown = run("check", signed())
    assert (shown.exit_code, "names a key that its issuer does not have" in shown.output) == (1, True)


def test_nothing_is_overwritten() -> None:
    Path("one.pem").write_text("mine", "utf-8")
    shown = run("keygen", "one.pem", "keys.json")
    assert (shown.exit_code, Path("one.pem").read_text("utf-8")) == (1, "mine")
    assert not Path("keys.json").exists()
    Path("keys.json").write_text(jwk_set("ES256 first")[:-3], "utf-8")
    shown = run("keygen", "two.pem", "keys.json")
    assert shown.exit_code == 1
    assert "keys.json is no JWK Set" in shown.output
    assert not Path("two.pem").exists()


@pytest.mark.parametrize(
    "text", ["", "mine", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_private_key_that_is_none(text: str) -> None:
    Path("one.pem").write_text(text, "utf-8")
    shown = run("token", "one.pem", "--iss", ISS)
    assert (shown.exit_code, "one.pem is no private key" in shown.output) == (1, True)
    Path("one.pem").write_bytes(to_pem(ec.generate_private_key(ec.SECP384R1())))
    shown = run("token", "one.pem", "--iss", ISS)
    assert (shown.exit_code, "neither an Ed25519 key nor one of the curve P-256" in shown.output) == (1, True)
    shown = run("token", "nowhere.pem", "--iss", ISS)
    assert (shown.exit_code, "nowhere.pem" in shown.output) == (1, True)


def test_an_identity_file_that_cannot_be_used() -> None:
    shown = run("check", "x.y.z")
    assert (shown.exit_code, "'keys': keys.json: cannot be read" in shown.output) == (1, True)
    shown = run("check", "x.y.z", "--identity", "nowhere.toml")
    assert (shown.exit_code, "nowhere.toml: cannot be read" in shown.output) == (1, True)
