"""Tokens: a table of good and bad ones, when they end, and what no bytes may ever do."""

from __future__ import annotations

import base64
import hmac
import json
import logging
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jwt import PyJWS
from jwt.algorithms import RSAAlgorithm

from casemeter_server.caller import Caller
from casemeter_server.errors import RequestError
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.identity.claims import caller_of
from casemeter_server.identity.declared import from_metadata
from casemeter_server.identity.keys import ALGORITHMS
from casemeter_server.identity.making import algorithm_of, public_jwk
from casemeter_server.identity.refusals import refusals, refused
from casemeter_server.identity.replay import ReplayGuard
from casemeter_server.identity.settings import Identity, Issuer
from casemeter_server.identity.tokens import LEEWAY_S, MAX_TOKEN, Verifier
from identities import CLAIMS, ISS, NOW, Clock, issuer, key, signed, verifier

CASES = tomllib.loads((Path(__file__).parent / "data" / "identity_tokens.toml").read_text("utf-8"))["case"]
ISSUERS = (
    issuer("ES256 first", "EdDSA second"),
    issuer(
        *("ES256 h002",),
        iss="https://sso.h002.example",
        hospital="H002",
        roles=["physician", "head_nurse"],
    ),
    issuer(
        *("ES256 bureau",),
        iss="https://bureau.example",
        roles=["auditor"],
        jku=["https://bureau.example/keys"],
    ),
)


@pytest.fixture(scope="module")
def believing(tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    return verifier(tmp_path_factory.mktemp("identity"), *ISSUERS)


def part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def spelt(value: Any) -> Any:
    """A value of the data file: what stands in braces is made here."""
    made: dict[str, Callable[[], Any]] = {
        "{ES256 first}": lambda: public_jwk(key("ES256 first"))["kid"],
        "{jwk ES256 stranger}": lambda: public_jwk(key("ES256 stranger")),
        "{7000}": lambda: "x" * 7000,
        "{5500}": lambda: "x" * 5500,
        "{deep}": lambda: '{"a":' * 1000 + "[" * 500,
        "{digits}": lambda: '{"exp":' + "9" * 5000 + "}",
    }
    return made[value]() if isinstance(value, str) and value in made else value


def changed(around: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: spelt(value) for name, value in {**around, **changes}.items()}
    return {name: value for name, value in values.items() if value != "-"}


def made(case: Mapping[str, Any]) -> str:
    """The token of a case."""
    private = key(case.get("key", "ES256 first"))
    own = str(algorithm_of(private))
    plain = {"alg": own, "kid": public_jwk(private)["kid"], "typ": "JWT"}
    header = changed(plain, case.get("header", {}))
    times = {name: NOW + seconds for name, seconds in case.get("times", {}).items()}
    claims = changed(CLAIMS, {**case.get("claims", {}), **times})
    payload = spelt(case["payload"]).encode() if "payload" in case else json.dumps(claims).encode()
    start = part(json.dumps(header).encode()) + b"." + part(payload)
    signs = PyJWS().get_algorithm_by_name(own)
    match case.get("sign"):
        case "none":
            signature = b""
        case "hmac":
            pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            signature = hmac.digest(pem, start, "sha256")
        case "other":
            signature = signs.sign(start + b"x", private)
        case "flip":
            good = signs.sign(start, private)
            signature = good[:-1] + bytes([good[-1] ^ 1])
        case how:
            assert how is None
            signature = signs.sign(start, private)
    token = (start + b"." + part(signature)).decode()
    return str(case.get("raw", "{token}")).replace("{token}", token)


def reason(error: RequestError) -> str:
    """What is said of a caller who is not known."""
    assert error.error.reason == "UNAUTHENTICATED"
    return error.error.message.partition(": ")[2]


def limits(case: Mapping[str, Any]) -> dict[str, object]:
    known = {"NOT_YET": LEEWAY_S, "TOO_LONG": MAX_TOKEN}
    return {"name": case.get("claim"), "limit": known.get(case["refused"])}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_token_says_who_it_is_or_is_refused(case: dict[str, Any], believing: Verifier) -> None:
    token = made(case)
    if "says" in case:
        hospital, role, user, department = case["says"]
        assert caller_of(believing.verify(token)) == Caller(hospital, role, user, department)
        return
    with pytest.raises(RequestError) as caught:
        caller_of(believing.verify(token))
    assert reason(caught.value) == reason(refused(case["refused"], **limits(case)))


def test_every_refusal_of_a_token_has_a_case() -> None:
    elsewhere = {"NO_TOKEN", "NOT_LOCAL", "HOST", "DECLARED", "NOT_BEARER", "REPLAYED", "TOO_MANY"}
    assert {case["refused"] for case in CASES if "refused" in case} == refusals().keys() - elsewhere


def test_a_refusal_quotes_nothing_of_the_token(believing: Verifier, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "s3cr3t"
    for claims in (
        {"iss": secret},
        {"aud": secret},
        {"role": secret},
        {"hospital": secret + "\n"},
        {"sub": {secret: secret}},
        {"exp": secret},
    ):
        with pytest.raises(RequestError) as caught:
            caller_of(believing.verify(signed(**claims)))
        assert secret not in str(caught.value) + str(caught.value.error)
    good = believing.verify(signed(sub=secret))
    assert secret not in repr(good) + caplog.text
    assert secret not in repr(from_metadata([("authorization", secret)]))


def test_only_pairs_of_keys_sign() -> None:
    assert not [name for name in ALGORITHMS if name.startswith("HS") or name == "none"]
    assert len(ALGORITHMS) == 10


def test_each_algorithm_of_an_rsa_key(tmp_path: Path) -> None:
    """An RSA key without `alg` goes with each of its algorithms, one with it with this one only."""
    private = rsa.generate_private_key(65537, 2048)
    public = json.loads(RSAAlgorithm.to_jwk(private.public_key()))
    entries = [{**public, "kid": "any"}, {**public, "kid": "one", "alg": "PS256", "use": "sig"}]
    del entries[0]["key_ops"]
    (tmp_path / "keys.json").write_text(json.dumps({"keys": entries}), "utf-8")
    roles = frozenset(["coder"])
    checks = Verifier(Identity({ISS: Issuer(ISS, tmp_path / "keys.json", "casemeter", "", roles)}), Clock())
    payload = json.dumps(CLAIMS).encode()
    for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
        for kid in ("any", "one"):
            token = PyJWS().encode(payload, private, algorithm, {"kid": kid})
            if kid == "any" or algorithm == "PS256":
                assert checks.verify(token).claims == CLAIMS
            else:
                with pytest.raises(RequestError, match="does not go with its key"):
                    checks.verify(token)


def test_a_door_with_claims_of_its_own(believing: Verifier) -> None:
    """CDS Hooks: it is for the address called, some claims must be there, the user comes from elsewhere."""
    url = "https://meter.example/cds-services"
    claims: dict[str, Any] = {"sub": None, "role": None, "aud": url, "iat": NOW}
    wanted = ("iat", "jti")
    verified = believing.verify(signed(**claims, jti="1"), [url, url + "/"], wanted)
    assert caller_of(verified, "Practitioner/1") == Caller("H001", "physician", "Practitioner/1")
    assert (verified.expires, verified.issuer.iss) == (NOW + 300, ISS)
    for more, says in (({}, "has no claim 'jti'"), ({"jti": ""}, "has no claim 'jti'")):
        with pytest.raises(RequestError, match=says):
            believing.verify(signed(**claims, **more), [url], wanted)
    with pytest.raises(RequestError, match="another audience"):
        believing.verify(signed(**claims, jti="1"), [url + "/casemeter"], wanted)
    with pytest.raises(RequestError, match="another audience"):
        believing.verify(signed(**claims, jti="1"))


def test_a_token_is_used_once_while_it_lives() -> None:
    clock = Clock()
    guard = ReplayGuard(clock, limit=3)
    guard.check(ISS, "a", NOW + 10)
    guard.check("https://other.example", "a", NOW + 20)
    with pytest.raises(RequestError, match="used before"):
        guard.check(ISS, "a", NOW + 30)
    guard.check(ISS, "b", NOW + 20)
    with pytest.raises(RequestError, match="too many"):
        guard.check(ISS, "c", NOW + 30)
    clock.seconds = NOW + 9.9
    with pytest.raises(RequestError, match="used before"):
        guard.check(ISS, "a", NOW + 30)
    clock.seconds = NOW + 10
    guard.check(ISS, "c", NOW + 30)
    for jti, says in ((None, "no claim 'jti'"), ("", "no claim 'jti'"), (7, "claim 'jti' cannot")):
        with pytest.raises(RequestError, match=says):
            guard.check(ISS, jti, NOW + 30)
    # One that is refused leaves nothing behind; halves of characters are told apart, too.
    clock.seconds = NOW + 100
    for jti in ("\ud800", "\ud801", '","'):
        guard.check(ISS, jti, NOW + 200)


words = st.text(st.sampled_from("eyJ0.-_=A \x00é令"), max_size=60)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200).map(lambda data: data.decode("latin-1")),
        words,
        st.text(max_size=100).map("Bearer {}".format),
        words.map("Bearer {}".format),
    )
)
@example("Bearer " + "." * (MAX_TOKEN - 1))
@example("bearer\t" + "x")
def test_no_bytes_raise_anything_else(believing: Verifier, text: str) -> None:
    checks = Authenticator(believing)
    with pytest.raises(RequestError) as caught:
        checks.authenticate(
            from_metadata([("authorization", text)]), listener_is_local=True, peer_is_local=True
        )
    assert caught.value.error.reason == "UNAUTHENTICATED"


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "jku", "crit", "b64"]), values, max_size=4),
    st.dictionaries(st.sampled_from([*CLAIMS, "nbf", "iat", "department"]), values, max_size=4),
)
def test_signed_nonsense_is_refused_or_somebody(
    believing: Verifier, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    token = made({"header": header, "claims": claims})
    try:
        caller = caller_of(believing.verify(token))
    except RequestError as error:
        assert error.error.reason == "UNAUTHENTICATED"
    else:
        assert caller.hospital
        assert caller.user
        assert caller.role in believing.verify(token).issuer.roles
