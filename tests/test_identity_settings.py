"""Whose tokens are believed: what the files may say, and which listeners need them."""

from __future__ import annotations

import json
import re
import socket
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter_server.identity.keys import MAX_FILE_BYTES, KeysError, read_keys
from casemeter_server.identity.loopback import check_listener, is_loopback_listener, is_loopback_peer
from casemeter_server.identity.making import public_jwk
from casemeter_server.identity.rights import shipped_rights
from casemeter_server.identity.settings import Identity, IdentitySettingsError, Issuer, read_identity
from identities import jwk_set, key

FAULTS = tomllib.loads((Path(__file__).parent / "data" / "identity_faults.toml").read_text("utf-8"))
PAGE = (Path(__file__).parents[1] / "docs" / "identity.md").read_text("utf-8")


@pytest.mark.parametrize("case", FAULTS["settings"], ids=lambda case: case["name"])
def test_every_fault_of_an_identity_file_is_told_at_once(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(jwk_set("ES256 first"), "utf-8")
    (tmp_path / "empty.json").write_text(jwk_set(), "utf-8")
    path = tmp_path / "identity.toml"
    path.write_text(case["text"], "utf-8")
    with pytest.raises(IdentitySettingsError) as caught:
        read_identity(path)
    assert len(caught.value.faults) == len(case["says"]), caught.value.faults
    for fault, says in zip(caught.value.faults, case["says"], strict=True):
        assert fault.startswith(says)
    assert str(caught.value) == "\n".join(f"{path}: {fault}" for fault in caught.value.faults)


def test_an_identity_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    (tmp_path / "gbk.toml").write_bytes("# 中文".encode("gbk"))
    for name in ("none.toml", "gbk.toml", "."):
        with pytest.raises(IdentitySettingsError, match="cannot be read: "):
            read_identity(tmp_path / name)


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "keys").mkdir()
    for name in ("h001.json", "bureau.json"):
        (tmp_path / "keys" / name).write_text(jwk_set("ES256 first"), "utf-8")
    path = tmp_path / "identity.toml"
    path.write_text(text, "utf-8-sig")
    first = Issuer(
        *("https://sso.h001.example", tmp_path / "keys" / "h001.json", "casemeter", "H001"),
        frozenset({"physician", "pharmacist", "coder", "office", "emr", "administrator", "head_nurse"}),
        frozenset({"https://sso.h001.example/keys"}),
    )
    bureau = Issuer(
        "https://bureau.example", tmp_path / "keys" / "bureau.json", "casemeter", "", frozenset({"auditor"})
    )
    assert read_identity(path) == Identity({issuer.iss: issuer for issuer in (first, bureau)})


def test_roles_that_every_issuer_may_give() -> None:
    rights = shipped_rights()
    assert rights.common == {"physician", "pharmacist", "coder", "office", "emr"}
    assert [role for role in rights.roles if rights.reaches_others(role)] == ["auditor"]


# Key files


def spelt(entry: Any) -> Any:
    """A key of the data file."""
    if isinstance(entry, str):
        return public_jwk(key(entry.removeprefix("{jwk ").removesuffix("}")))
    if "jwk" in entry:
        return public_jwk(key(entry["jwk"])) | entry["with"]
    return entry | {"n": "_" * 170 + "w"} if entry.get("n") == "{1024 bits}" else entry


@pytest.mark.parametrize("case", FAULTS["keys"], ids=lambda case: case["name"])
def test_a_key_file_is_read_or_refused(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    text = case.get("text") or json.dumps({"keys": [spelt(entry) for entry in case["entries"]]})
    path.write_text(text, "utf-8")
    if "kids" in case:
        assert len(read_keys(path)) == case["kids"]
        return
    with pytest.raises(KeysError) as caught:
        read_keys(path)
    assert str(caught.value).startswith(case["says"])


def test_a_key_file_that_is_large(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(jwk_set("ES256 first") + " " * MAX_FILE_BYTES, "utf-8")
    with pytest.raises(KeysError, match="is larger than"):
        read_keys(path)


members = st.none() | st.integers() | st.text(max_size=6) | st.lists(st.text(max_size=3), max_size=2)


@settings(deadline=None)
@given(
    st.binary(max_size=50)
    | st.dictionaries(st.text(max_size=3), members).map(lambda d: json.dumps(d).encode())
)
def test_no_key_file_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any_keys.json"
    path.write_bytes(data)
    with pytest.raises(KeysError):
        read_keys(path)


@settings(deadline=None)
@given(
    st.sampled_from(["EC", "OKP", "RSA"]),
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg", "use", "key_ops", "kid", "oth"]), members
    ),
)
def test_no_key_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, kind: str, changes: dict[str, Any]
) -> None:
    plain = {"kty": kind, "n": "AQAB", "e": "AQAB", "kid": "1"}
    if kind != "RSA":
        plain = public_jwk(key("ES256 first" if kind == "EC" else "EdDSA second"))
    path = tmp_path_factory.getbasetemp() / "any_key.json"
    path.write_text(json.dumps({"keys": [plain | changes]}), "utf-8")
    try:
        assert len(read_keys(path)) <= 1
    except KeysError as error:
        assert str(error).startswith("key 1 ")


# Listeners


ADDRESSES = {"good.example": ["127.0.0.1", "::1"], "mixed.example": ["127.0.0.1", "10.1.2.3"]}


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of ADDRESSES lead where it says; no other name is asked for outside."""
    real = socket.getaddrinfo

    def resolve(host: str, *rest: Any, **named: Any) -> list[Any]:
        if host in ADDRESSES:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in ADDRESSES[host]]
        if re.search("[g-zG-Z]", host) and host != "localhost":
            raise socket.gaierror("no such name")
        return list(real(host, *rest, **named))

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.usefixtures("resolver")
@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1:50051", True),
        ("127.0.0.2:50051", True),
        ("127.1:50051", True),
        ("[::1]:50051", True),
        ("::1:50051", True),
        ("[::ffff:127.0.0.1]:50051", True),
        ("localhost:50051", True),
        ("good.example:50051", True),
        ("unix:/run/casemeter.sock", True),
        ("unix-abstract:casemeter", True),
        ("0.0.0.0:50051", False),
        ("0:50051", False),
        ("[::]:50051", False),
        ("[::ffff:0.0.0.0]:50051", False),
        ("[::ffff:10.0.0.1]:50051", False),
        ("10.0.0.1:50051", False),
        ("128.0.0.1:50051", False),
        ("mixed.example:50051", False),
        ("nowhere.example:50051", False),
        (":50051", False),
        ("*:50051", False),
        ("dns:///localhost:50051", False),
        ("x" * 300 + ".example:50051", False),
        ("a..b:1", False),
    ],
)
def test_which_listeners_are_local(address: str, local: bool) -> None:
    assert is_loopback_listener(address) is local
    assert check_listener(address, configured=True) is local
    if local:
        assert check_listener(address, configured=False)
    else:
        with pytest.raises(ValueError, match="can be reached from other machines") as caught:
            check_listener(address, configured=False)
        assert str(caught.value).startswith(f"{address} ")
        assert "docs/identity.md" in str(caught.value)


@pytest.mark.parametrize(
    ("peer", "local"),
    [
        ("ipv4:127.0.0.1:4711", True),
        ("ipv6:[::1]:4711", True),
        ("ipv6:%5B::1%5D:4711", True),
        ("ipv6:[::ffff:127.0.0.1]:4711", True),
        ("ipv6:%5B::ffff:127.0.0.1%5D:4711", True),
        ("unix:", True),
        ("unix:/run/casemeter.sock", True),
        ("ipv4:10.0.0.1:4711", False),
        ("ipv6:[fe80::1%eth0]:4711", False),
        ("ipv6:[::ffff:10.0.0.1]:4711", False),
        ("ipv4:localhost:4711", False),
        ("ipv4:127.0.0.1", False),
        ("127.0.0.1:4711", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_which_peers_are_local(peer: str, local: bool) -> None:
    assert is_loopback_peer(peer) is local
