"""Seals as tokens, their keys, and the command that verifies them: what holds, and what does not."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from casemeter_server.cli.main import app
from casemeter_server.sealing.content import Kind, content_of
from casemeter_server.sealing.keys import (
    KeyFileError,
    SealKey,
    make_key,
    open_key,
    public_jwks,
    public_pem,
    read_public,
)
from casemeter_server.sealing.pages import read_page
from casemeter_server.sealing.token import TYPE, Seal, SealedPack, SealError, Wrong, read_seal, sign
from casemeter_server.sealing.verify import verify

PAGES = Path(__file__).parent / "data" / "seal_pages"
MESSAGE = (PAGES / "4101.json").read_text("utf-8")
KEY = SealKey.of(ec.generate_private_key(ec.SECP256R1()))
OTHER = SealKey.of(ec.generate_private_key(ec.SECP256R1()))
KEYS = {KEY.kid: KEY.private.public_key()}
SEAL = Seal(
    id="5f0c",
    at=datetime(2026, 6, 5, 4, 0, 0, tzinfo=UTC),
    hospital="H001",
    encounter="0004711",
    user="coder7",
    role="coder",
    content=content_of(Kind.SETTLEMENT_LIST, MESSAGE),
    group="BR23",
    packs=(SealedPack("chs_drg_11", "1.1", "ab" * 32), SealedPack("coding_quality", "1", "cd" * 32)),
    shadow_sha256="",
    as_of="2026-06-05T04:00:00Z",
)
TOKEN = sign(SEAL, KEY)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def parts(token: str) -> list[Any]:
    """Header and claims of a token."""
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def forged(header: Mapping[str, Any] | None = None, claims: Mapping[str, Any] | None = None) -> str:
    """The seal with another header or other claims over the old signature."""
    own_header, own_claims = parts(TOKEN)
    head, body = own_header | (header or {}), own_claims | (claims or {})
    return ".".join([*(base64url(json.dumps(one).encode()) for one in (head, body)), TOKEN.split(".")[2]])


def signed(key: Any, algorithm: str, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """A token that is rightly signed, by whatever key."""
    payload = json.dumps(claims).encode()
    return jwt.PyJWS().encode(payload, key, algorithm, {"kid": KEY.kid, "typ": TYPE, **header})


def wrong_with(token: str) -> Wrong:
    with pytest.raises(SealError) as caught:
        read_seal(token, KEYS)
    return caught.value.wrong


def test_a_seal_says_what_it_was_given_for() -> None:
    assert read_seal(TOKEN, KEYS) == SEAL
    assert verify(TOKEN, MESSAGE, KEYS) == SEAL
    assert verify(TOKEN, json.dumps(json.loads(MESSAGE)["input"], indent=3), KEYS, "H001") == SEAL
    # Without a name of a user or a stay, too.
    bare = replace(SEAL, user="", encounter="", group="", packs=())
    assert read_seal(sign(bare, KEY), KEYS) == bare


def test_a_seal_says_nothing_of_the_patient() -> None:
    header, claims = parts(TOKEN)
    assert header == {"alg": "ES256", "kid": KEY.kid, "typ": TYPE}
    told = {"v", "jti", "iat", "hospital", "encounter", "user", "role", "page", "group", "packs"}
    assert claims.keys() == told | {"shadow_sha256", "as_of", "state_hash"}
    assert claims["page"] == {"kind": "settlement_list", "sha256": SEAL.content.sha256}
    assert not {"张三", "I63.900", "1958-03-02"} & set(str(claims))


def test_a_seal_does_not_expire() -> None:
    old = replace(SEAL, at=datetime(2001, 1, 1, tzinfo=UTC))
    assert verify(sign(old, KEY), MESSAGE, KEYS).at.year == 2001


CLAIMS = parts(TOKEN)[1]
OTHER_PAGE = {"kind": "settlement_list", "sha256": "0" * 64}
ES256, HS256 = "ES256", "HS256"
# Seals are another text at every run: they are named, so that the names of tests stay.
NONE = {
    "nothing": ("", Wrong.MALFORMED),
    "a word": ("seal", Wrong.MALFORMED),
    "empty parts": ("..", Wrong.MALFORMED),
    "four parts": ("a.b.c.d", Wrong.MALFORMED),
    "padded": (TOKEN + "=", Wrong.MALFORMED),
    "a line end": (TOKEN + "\n", Wrong.MALFORMED),
    "another alphabet": (TOKEN.replace(".", ".é", 1), Wrong.MALFORMED),
    "a list for a header": ("W10.W10.W10", Wrong.MALFORMED),
    "too long": (base64url(b"[" * 90_000) + ".W10.W10", Wrong.MALFORMED),
    "too deep": (base64url(b'{"typ":' + b"[" * 30_000) + ".W10.W10", Wrong.MALFORMED),
    "unsigned": (".".join(TOKEN.split(".")[:2]) + ".", Wrong.SIGNATURE),
    "header: of another type": (forged({"typ": "JWT"}), Wrong.MALFORMED),
    "header: algorithm none": (forged({"alg": "none"}), Wrong.SIGNATURE),
    "header: algorithm HS256": (forged({"alg": HS256}), Wrong.SIGNATURE),
    "header: algorithm ES384": (forged({"alg": "ES384"}), Wrong.SIGNATURE),
    "header: no algorithm": (forged({"alg": None}), Wrong.SIGNATURE),
    "header: another key": (forged({"kid": OTHER.kid}), Wrong.UNKNOWN_KEY),
    "header: a list of keys": (forged({"kid": [KEY.kid]}), Wrong.UNKNOWN_KEY),
    "header: no key": (forged({"kid": None}), Wrong.UNKNOWN_KEY),
    "by another key": (sign(SEAL, OTHER), Wrong.UNKNOWN_KEY),
    "by another key of that name": (sign(SEAL, SealKey(OTHER.private, KEY.kid)), Wrong.SIGNATURE),
    "claims: another hospital": (forged(claims={"hospital": "H002"}), Wrong.SIGNATURE),
    "claims: no packs": (forged(claims={"packs": []}), Wrong.SIGNATURE),
    "claims: another page": (forged(claims={"page": OTHER_PAGE}), Wrong.SIGNATURE),
    "signed, but no seal": (signed(KEY.private, ES256, {"typ": "JWT"}, CLAIMS), Wrong.MALFORMED),
    "signed, of a later version": (signed(KEY.private, ES256, {}, CLAIMS | {"v": 2}), Wrong.MALFORMED),
    "signed, and empty": (signed(KEY.private, ES256, {}, {}), Wrong.MALFORMED),
    "signed, without a page": (signed(KEY.private, ES256, {}, CLAIMS | {"page": "x"}), Wrong.MALFORMED),
    "signed, at no time": (signed(KEY.private, ES256, {}, CLAIMS | {"iat": 1e300}), Wrong.MALFORMED),
    # The public key as if it were a secret: what has fooled many a library.
    "the public key for a secret": (
        signed(base64url(public_pem(KEY).encode()), HS256, {}, CLAIMS),
        Wrong.SIGNATURE,
    ),
    "signed with none": (signed(None, "none", {}, CLAIMS), Wrong.SIGNATURE),
    "signed with EdDSA": (signed(ed25519.Ed25519PrivateKey.generate(), "EdDSA", {}, CLAIMS), Wrong.SIGNATURE),
}


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_seal_of_the_key(name: str) -> None:
    token, wrong = NONE[name]
    assert wrong_with(token) is wrong


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("AQgwz059-_.=+/ é\0"))
def test_no_character_of_a_seal_may_be_another_one(place: int, character: str) -> None:
    edited = TOKEN[:place] + character + TOKEN[place + 1 :]
    if edited != TOKEN:
        wrong_with(edited)
    wrong_with(TOKEN[:place])
    wrong_with(TOKEN[:place] + character + TOKEN[place:])


@given(st.text() | st.binary().map(base64url) | st.builds("{}.{}.{}".format, st.text(), st.text(), st.text()))
def test_anything_else_is_no_seal(text: str) -> None:
    wrong_with(text)


def test_other_packs_make_another_seal() -> None:
    packs = (SealedPack("chs_drg_11", "1.1", "ef" * 32),)
    assert read_seal(sign(replace(SEAL, packs=packs), KEY), KEYS).packs == packs
    assert parts(sign(replace(SEAL, packs=packs), KEY))[1] != parts(TOKEN)[1]


@pytest.mark.parametrize(
    ("page", "hospital", "wrong"),
    [
        (MESSAGE.replace("I63.900", "I63.901"), "", Wrong.CONTENT),
        (MESSAGE, "H002", Wrong.HOSPITAL),
        ('{"setlinfo": {}}', "", Wrong.CONTENT),
    ],
)
def test_a_seal_of_something_else(page: str, hospital: str, wrong: Wrong) -> None:
    with pytest.raises(SealError) as caught:
        verify(TOKEN, page, KEYS, hospital)
    assert caught.value.wrong is wrong


# Keys.


def test_a_key_is_made_for_its_owner_alone_and_never_again(tmp_path: Path) -> None:
    path = tmp_path / "data" / "seal_key.pem"
    made = open_key(path, make=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_key(path, make=True).kid == open_key(path).kid == made.kid
    with pytest.raises(FileExistsError):
        make_key(path)
    assert [file.name for file in path.parent.iterdir()] == ["seal_key.pem"]


def test_processes_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    found: list[str] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        found.append(open_key(tmp_path / "seal_key.pem", make=True).kid)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def said_only(value: object) -> str:
    """The name of a case: keys are others at every run."""
    return value if isinstance(value, str) else "file"


def private_pem(key: Any, password: bytes = b"") -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    return pem


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "cannot be read: No such file"),
        (b"", "no private key in PEM"),
        (public_pem(KEY).encode(), "no private key in PEM"),
        (private_pem(KEY.private, b"secret"), "without a password"),
        (private_pem(ed25519.Ed25519PrivateKey.generate()), "no key of the curve P-256"),
        (private_pem(ec.generate_private_key(ec.SECP384R1())), "no key of the curve P-256"),
    ],
    ids=said_only,
)
def test_private_keys_that_cannot_be_used(data: bytes | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(KeyFileError, match=says):
        open_key(path)


def test_public_keys_in_every_form(tmp_path: Path) -> None:
    rsa_pem = (
        rsa.generate_private_key(65537, 2048)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    keys = [json.loads(public_jwks(key))["keys"][0] for key in (KEY, OTHER)]
    two = public_pem(OTHER) + "\n# ours\n" + public_pem(KEY)
    forms = {
        "one.pem": (public_pem(KEY).encode(), {KEY.kid}),
        "two.pem": (two.encode() + rsa_pem, {KEY.kid, OTHER.kid}),
        "set.json": (json.dumps({"keys": [*keys, {"kty": "RSA"}]}).encode(), {KEY.kid, OTHER.kid}),
        "one.json": (json.dumps(keys[0]).encode(), {KEY.kid}),
        # A name of somebody's own does not make it another key.
        "renamed.json": (json.dumps({"keys": [keys[0] | {"kid": "1"}]}).encode(), {KEY.kid}),
    }
    for name, (data, kids) in forms.items():
        (tmp_path / name).write_bytes(data)
        found = read_public(tmp_path / name)
        assert found.keys() == kids
        assert read_seal(TOKEN, found) == SEAL


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "cannot be read: No such file"),
        (b"", "no public key of the curve P-256"),
        (b"key", "no public key of the curve P-256"),
        (b"-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----", "neither public keys"),
        (private_pem(KEY.private), "a private key; 'casemeter seal public' shows its public one"),
        (b'{"keys": []}', "no public key of the curve P-256"),
        (b'{"keys": 3}', "neither public keys"),
        (b'{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}', "neither public keys"),
        (b'{"keys": [{"kty": "EC", "crv": "P-256"}]}', "neither public keys"),
        (b'{"kty": "oct", "k": "AA"}', "no public key of the curve P-256"),
        (b"{", "neither public keys"),
    ],
    ids=said_only,
)
def test_public_keys_that_cannot_be_used(data: bytes | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(KeyFileError, match=says):
        read_public(path)


# The command.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "public.pem").write_text(public_pem(KEY), "utf-8")
    (tmp_path / "keys.json").write_text(public_jwks(KEY), "utf-8")
    (tmp_path / "page.json").write_text(MESSAGE, "utf-8")
    (tmp_path / "seal.txt").write_text(TOKEN + "\n", "utf-8")
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(folder)
    return lambda *arguments: CliRunner().invoke(app, ["seal", *map(str, arguments)])


VERIFY = ("--key", "public.pem", "--lang", "en")


def test_the_command_says_who_sealed_when_and_with_which_packs(run: Callable[..., Result]) -> None:
    said = [
        "The seal holds.",
        "sealed by coder7 (coder) of hospital H001 on 2026-06-05T04:00:00+00:00",
        "stay 0004711, group BR23, checked as of 2026-06-05T04:00:00Z",
        f"checked with chs_drg_11 1.1 (sha256 {'ab' * 32})",
        f"checked with coding_quality 1 (sha256 {'cd' * 32})",
        "seal 5f0c",
    ]
    for seal in ("seal.txt", TOKEN):
        for key in ("public.pem", "keys.json"):
            shown = run("verify", "page.json", "--seal", seal, "--key", key, "--lang", "en")
            assert (shown.exit_code, shown.output.splitlines()) == (0, said)
    shown = run("verify", "page.json", "--seal", TOKEN, "--key", "public.pem", "--lang", "zh")
    assert "签章有效。" in shown.output


def test_the_command_says_what_differs(run: Callable[..., Result], folder: Path) -> None:
    edited = json.loads(MESSAGE)
    del edited["input"]["setlinfo"]["gend"]
    edited["input"]["diseinfo"][0]["diag_code"] = "I63.901"
    edited["input"]["icuinfo"].append({"scs_cutd_ward_type": "1"})
    (folder / "edited.json").write_text(json.dumps(edited), "utf-8")
    shown = run("verify", "edited.json", "--seal", TOKEN, *VERIFY)
    assert (shown.exit_code, shown.output) == (1, "The page is not the one that was sealed.\n")
    shown = run("verify", "edited.json", "--seal", TOKEN, *VERIFY, "--sealed", "page.json")
    assert shown.exit_code == 1
    assert shown.output.splitlines()[1:] == [
        '  setlinfo.gend: "1" → absent',
        '  diseinfo[0].diag_code: "I63.900" → "I63.901"',
        '  icuinfo[0]: absent → {"scs_cutd_ward_type":"1"}',
    ]
    shown = run("verify", "edited.json", "--seal", TOKEN, *VERIFY, "--sealed", "edited.json")
    assert shown.output.splitlines()[1:] == ["edited.json is not the sealed page either."]


UNHELD = {
    "by another key": (("page.json", "--seal", sign(SEAL, OTHER)), "a key that is not among those given"),
    "forged": (("page.json", "--seal", forged(claims={"user": "x"})), "The signature is wrong"),
    "no seal": (("page.json", "--seal", "a.b.c"), "This is no seal."),
    "another hospital": (
        ("page.json", "--seal", TOKEN, "--hospital", "H002"),
        "The seal is of hospital H001, not of H002.",
    ),
    "no page": (("none.json", "--seal", TOKEN), "No such file"),
    "no file of a seal": (("page.json", "--seal", "none.txt"), "No such file"),
    "a row of no table": (("page.json", "--seal", TOKEN, "--row", "1"), "rows are of tables only"),
    "a page of another kind": (("public.pem", "--seal", TOKEN), "public.pem: not JSON"),
}


@pytest.mark.parametrize("name", UNHELD)
def test_seals_that_do_not_hold(name: str, run: Callable[..., Result]) -> None:
    arguments, says = UNHELD[name]
    shown = run("verify", *arguments, *VERIFY)
    assert shown.exit_code == 1
    assert says in shown.output


def test_rows_and_encounters(run: Callable[..., Result]) -> None:
    table, encounter = PAGES / "front_pages.csv", PAGES / "encounter.json"
    row = content_of(Kind.FRONT_PAGE, read_page(table, Kind.FRONT_PAGE, 3))
    of_row = sign(replace(SEAL, content=row), KEY)
    assert run("verify", table, "--row", 3, "--seal", of_row, *VERIFY).exit_code == 0
    shown = run("verify", table, "--row", 2, "--seal", of_row, *VERIFY, "--sealed", table, "--sealed-row", 3)
    assert shown.exit_code == 1
    assert '  A11: "李四" → "张三"' in shown.output
    assert "say which with --row" in run("verify", table, "--seal", of_row, *VERIFY).output
    whole = content_of(Kind.ENCOUNTER, encounter.read_bytes())
    assert run("verify", encounter, "--seal", sign(replace(SEAL, content=whole), KEY), *VERIFY).exit_code == 0


def test_making_and_showing_keys(run: Callable[..., Result], folder: Path) -> None:
    assert run("keygen", "-o", "own.pem").exit_code == 0
    again = run("keygen", "-o", "own.pem")
    assert (again.exit_code, again.output) == (1, "own.pem: there is such a file; it is left as it is\n")
    key = open_key(folder / "own.pem")
    assert run("public", "--key", "own.pem").output == public_pem(key)
    assert run("public", "--key", "own.pem", "--jwks").output == public_jwks(key)
    (folder / "casemeter.toml").write_text('seal_key = "own.pem"\n', "utf-8")
    assert run("public", "--config", "casemeter.toml").output == public_pem(key)
    (folder / "casemeter.toml").write_text('data = "data"\n', "utf-8")
    assert run("public", "--config", "casemeter.toml").exit_code == 1  # the server has made none yet


def test_verifying_loads_nothing_that_evaluates(folder: Path) -> None:
    arguments = ["seal", "verify", "page.json", "--seal", "seal.txt", "--key", "public.pem"]
    code = (
        "import sys; from casemeter_server.cli.main import app; "
        f"app({arguments}, standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder
    )
    loaded = set(done.stdout.split())
    assert "casemeter_server.sealing.verify" in loaded
    assert not loaded & {"numpy", "numba", "polars", "grpc", "sqlalchemy", "casemeter_server.evaluation"}
