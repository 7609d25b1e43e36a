"""Who makes a call: what is declared, what is proven, and how long a proof is remembered."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter_server.caller import Caller
from casemeter_server.errors import RequestError
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.identity.claims import caller_of
from casemeter_server.identity.declared import MAX_NAME, MAX_USER, Declared, from_headers, from_metadata
from casemeter_server.identity.keys import KeysError
from casemeter_server.identity.tokens import Verified, Verifier
from identities import NOW, Clock, identity, issuer, jwk_set, signed

CODER = Caller("H001", "coder", "u17")


def ask(authenticator: Authenticator, token: str = "", **declared: str) -> Caller:
    """Ask from another machine, with a token."""
    items = [(f"casemeter-{name}", value) for name, value in declared.items()]
    if token:
        items.append(("authorization", f"Bearer {token}"))
    return authenticator.authenticate(from_metadata(items), listener_is_local=False, peer_is_local=False)


def rotate(folder: Path, *keys: str, text: str = "") -> None:
    """Put another key file in the place of the one there is."""
    (folder / "next.json").write_text(text or jwk_set(*keys), "utf-8")
    (folder / "next.json").replace(folder / "keys1.json")


class Counting(Verifier):
    """Counts what it verifies."""

    count = 0

    def verify(self, *arguments: Any, **named: Any) -> Verified:
        self.count += 1
        return super().verify(*arguments, **named)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counting(tmp_path: Path, clock: Clock) -> Counting:
    return Counting(identity(tmp_path, issuer("ES256 first", "EdDSA second")), clock, clock)


# What is declared


@pytest.mark.parametrize(
    ("listener", "peer", "known"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_the_declared_are_believed_on_loopback_only(listener: bool, peer: bool, known: bool) -> None:
    authenticator = Authenticator.of(None)
    items = {"casemeter-hospital": "H001", "casemeter-role": "emr", "user-agent": "x", "authorization": "y"}
    declared = from_metadata(items.items())
    if known:
        caller = authenticator.authenticate(declared, listener_is_local=listener, peer_is_local=peer)
        assert caller == Caller("H001", "emr")
    else:
        with pytest.raises(RequestError, match="not come from the server's own machine"):
            authenticator.authenticate(declared, listener_is_local=listener, peer_is_local=peer)


def test_headers_and_metadata_are_read_alike() -> None:
    items = {"casemeter-hospital": "H001", "casemeter-user": "u", "casemeter-department": "0301"}
    read = from_metadata([*items.items(), ("casemeter-rolle", "coder"), ("authorization", "Bearer x")])
    assert read == Declared("Bearer x", {"hospital": "H001", "user": "u", "department": "0301"})
    headers = from_headers([(key.title(), value) for key, value in items.items()])
    assert (headers.values, headers.host) == (read.values, "")
    assert from_metadata([("casemeter-role", b"coder"), ("casemeter-role", "emr")]).values == {"role": "emr"}
    twice = from_headers([("Authorization", "Bearer x"), ("authorization", "Bearer y"), ("Host", "h:80")])
    assert (twice.authorization, twice.host) == ("Bearer x, Bearer y", "h:80")


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("hospital", "哈" * MAX_NAME, True),
        ("hospital", "x" * (MAX_NAME + 1), False),
        ("user", "x" * MAX_USER, True),
        ("user", "x" * (MAX_USER + 1), False),
        ("role", "coder\n", False),
        ("department", "\x00", False),
        ("department", "内科 3", True),
    ],
)
def test_what_is_declared_is_a_name(name: str, value: str, good: bool) -> None:
    declared = from_metadata([(f"casemeter-{name}", value.encode())])
    authenticator = Authenticator()
    if good:
        caller = authenticator.authenticate(declared, listener_is_local=True, peer_is_local=True)
        assert getattr(caller, name) == value
    else:
        with pytest.raises(RequestError, match=f"'casemeter-{name}' is longer"):
            authenticator.authenticate(declared, listener_is_local=True, peer_is_local=True)


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1.example:80", "", "localhost, localhost"])
def test_a_page_of_the_web_is_no_local_caller(host: str) -> None:
    """Its name may lead to this machine; the browser sends that name along."""
    with pytest.raises(RequestError, match="by another name than localhost"):
        Authenticator().authenticate(
            from_headers([("host", host)]), listener_is_local=True, peer_is_local=True
        )


@pytest.mark.parametrize("host", ["localhost:8080", "LocalHost", "127.0.0.1:80", "[::1]", "[::1]:8080"])
def test_this_machine_is_called_by_its_own_names(host: str) -> None:
    declared = from_headers([("host", host)])
    assert Authenticator().authenticate(declared, listener_is_local=True, peer_is_local=True) == Caller()


# What is proven


def test_a_token_is_never_overridden(counting: Counting) -> None:
    authenticator = Authenticator(counting)
    declared = {"hospital": "H002", "role": "administrator", "user": "root", "department": "x" * 999}
    for _ in range(2):
        assert ask(authenticator, signed(), **declared) == CODER


def test_where_identity_is_configured_loopback_proves_nothing(counting: Counting) -> None:
    authenticator = Authenticator(counting)
    declared = from_metadata([("casemeter-hospital", "H001")])
    with pytest.raises(RequestError, match="has no token"):
        authenticator.authenticate(declared, listener_is_local=True, peer_is_local=True)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("Bearer {}", ""),
        ("bearer  {} ", ""),
        ("", "the call has no token"),
        ("{}", "not the word Bearer and one token"),
        ("Basic {}", "not the word Bearer and one token"),
        ("Bearer", "not the word Bearer and one token"),
        ("Bearer ", "not the word Bearer and one token"),
        ("Bearer {}, Bearer {}", "not the word Bearer and one token"),
        ("Bearer {} {}", "not the word Bearer and one token"),
        ("Bearer {},{}", "not the word Bearer and one token"),
    ],
)
def test_one_bearer_token(value: str, says: str, counting: Counting) -> None:
    declared = from_metadata([("authorization", value.replace("{}", signed()))])
    authenticator = Authenticator(counting)
    if not says:
        assert authenticator.authenticate(declared, listener_is_local=True, peer_is_local=True) == CODER
        return
    with pytest.raises(RequestError, match=says):
        authenticator.authenticate(declared, listener_is_local=True, peer_is_local=True)


# What is remembered


def test_a_signature_is_verified_once(counting: Counting) -> None:
    authenticator, token = Authenticator(counting), signed()
    assert ask(authenticator, token) is ask(authenticator, token)
    assert counting.count == 1


def test_as_many_are_remembered_as_there_is_room_for(counting: Counting) -> None:
    authenticator = Authenticator(counting, remember=2)
    first, second, third = (signed(jti=str(number)) for number in range(3))
    for token in (first, second, first, third, first, third):
        ask(authenticator, token)
    assert counting.count == 3
    ask(authenticator, second)
    assert counting.count == 4


def test_a_token_that_was_refused_is_not_remembered(counting: Counting) -> None:
    authenticator = Authenticator(counting)
    for token in (signed(role="administrator"), signed(aud="another")):
        for _ in range(2):
            with pytest.raises(RequestError):
                ask(authenticator, token)
    assert counting.count == 4


def test_expiry_is_exact_for_what_is_remembered(counting: Counting, clock: Clock) -> None:
    authenticator, token = Authenticator(counting), signed(exp=NOW + 10)
    ask(authenticator, token)
    clock.seconds = NOW + 9.999
    ask(authenticator, token)
    assert counting.count == 1
    clock.seconds = NOW + 10
    with pytest.raises(RequestError, match="has expired"):
        ask(authenticator, token)


def test_keys_are_exchanged_without_a_restart(
    counting: Counting, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    authenticator = Authenticator(counting)
    old, new = signed(), signed("EdDSA new")
    ask(authenticator, old)
    with pytest.raises(RequestError, match="does not have"):
        ask(authenticator, new)
    rotate(tmp_path, "EdDSA new")
    clock.seconds += 0.9  # the file is looked at once a second, and no more often
    ask(authenticator, old)
    clock.seconds += 0.1
    assert ask(authenticator, new) == CODER
    with pytest.raises(RequestError, match="does not have"):
        ask(authenticator, old)
    # And back again.
    rotate(tmp_path, "ES256 first", "EdDSA new")
    clock.seconds += 1
    assert ask(authenticator, old) == ask(authenticator, new) == CODER
    assert [record.message.partition(" was ")[2] for record in caplog.records] == [
        "read again; keys: 1",
        "read again; keys: 2",
    ]


@pytest.mark.parametrize("broken", ["half", "gone"])
def test_a_broken_file_changes_nothing_and_is_told_once(
    broken: str, counting: Counting, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authenticator = Authenticator(counting)
    ask(authenticator, signed())
    if broken == "half":
        rotate(tmp_path, text=jwk_set("EdDSA new")[:-9])
    else:
        (tmp_path / "keys1.json").unlink()
    for _ in range(3):
        clock.seconds += 5
        ask(authenticator, signed())
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "keys1.json" in record.message
    assert "hold on" in record.message
    # It is mended.
    rotate(tmp_path, "EdDSA new")
    clock.seconds += 1
    assert ask(authenticator, signed("EdDSA new")) == CODER
    with pytest.raises(RequestError, match="does not have"):
        ask(authenticator, signed())


def test_a_file_without_keys_ends_all_tokens(counting: Counting, clock: Clock, tmp_path: Path) -> None:
    authenticator = Authenticator(counting)
    ask(authenticator, signed())
    rotate(tmp_path)
    clock.seconds += 1
    with pytest.raises(RequestError, match="does not have"):
        ask(authenticator, signed())


def test_a_key_file_that_broke_before_the_start(tmp_path: Path) -> None:
    found = identity(tmp_path, issuer())
    (tmp_path / "keys1.json").unlink()
    with pytest.raises(KeysError, match=r"key file .*keys1.json cannot be read"):
        Authenticator.of(found)


KEYS = ("ES256 first", "EdDSA second", "EdDSA new")
steps = st.tuples(
    st.none() | st.sets(st.sampled_from(KEYS)),
    st.sampled_from([0.0, 0.4, 1.0, 20.0]),
    st.sampled_from(KEYS),
    st.sampled_from([15, 30]),
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return (tmp_path_factory.mktemp("identity") for _ in iter(int, 1))


@settings(deadline=None)
@given(st.lists(steps, max_size=12))
def test_memory_outlives_neither_expiry_nor_key(
    folders: Iterator[Path], history: list[tuple[set[str] | None, float, str, int]]
) -> None:
    """A caller is known by memory just when a server that knows nothing yet would know him."""
    folder, clock = next(folders), Clock()
    found = identity(folder, issuer(*KEYS))
    authenticator = Authenticator(Verifier(found, clock, clock), remember=2)
    tokens = {(key, exp): signed(key, exp=NOW + exp) for key in KEYS for exp in (15, 30)}
    rotated = NOW - 1.0
    for keys, passed, key, exp in history:
        if keys is not None:
            rotate(folder, *sorted(keys))
            rotated = clock.seconds
        clock.seconds += passed
        if clock.seconds - rotated < 1:
            continue  # the file need not have been looked at yet
        fresh = Verifier(found, clock, clock)
        try:
            expected: str | Caller = caller_of(fresh.verify(tokens[key, exp]))
        except RequestError as error:
            expected = str(error)
        try:
            known: str | Caller = ask(authenticator, tokens[key, exp])
        except RequestError as error:
            known = str(error)
        assert known == expected
