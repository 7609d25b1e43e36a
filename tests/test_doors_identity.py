"""Who asks is proven on every route of the HTTP doors, and decides what may be asked and what is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from casemeter.v1 import finding_pb2, verdict_pb2
from casemeter_grouper.pack.build import build_cached
from casemeter_server.config import Config
from casemeter_server.doors.app import create_app
from casemeter_server.doors.cds.settings import CdsSettings
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.engine import Engine
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.identity.rights import Reach, shipped_rights
from casemeter_server.meter_settings import HospitalSettings, MeterSettings
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.store import Store
from door_apps import RULES, calling, snapshot_of, stored
from door_apps import Caller as Http
from doors_fuzzing import Sent, outcome, samples, stay
from doors_stays import Stay
from doors_ways import WAYS, headers_of, verdict_in
from identities import identity, issuer, signed, written_identity
from live import pricing

OPEN = {"/healthz", "/cds-services"}
"""Paths that ask nobody who they are: the state of the server, and what CDS clients discover of it."""

SAMPLES = {
    (sent.method, sent.path): sent for sent in samples() if b"3103" not in sent.body or "3103" in sent.path
}
ASKING = [sent for sent in SAMPLES.values() if sent.path not in OPEN]
NAMES = [f"{sent.method} {sent.path}" for sent in ASKING]
CDS = [sent for sent in ASKING if sent.door == "cds-services"]

BUREAU = "https://bureau.example"
ROLES = [role for role in shipped_rights().roles if role != "auditor"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("identity")


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[Store]:
    with stored(folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def engine(bundles: Path, folder: Path, store: Store) -> Engine:
    return Engine(Config(data=folder), snapshot_of(bundles), store)


@pytest.fixture(scope="module")
def http(engine: Engine, folder: Path) -> Iterator[Http]:
    known = identity(folder, issuer(roles=ROLES), issuer("ES256 bureau", iss=BUREAU, roles=["auditor"]))
    with calling(create_app(engine, Authenticator.of(known))) as client:
        yield client


def token(seconds: float = 60, name: str = "ES256 first", **claims: Any) -> str:
    return signed(name, **{"exp": int(time.time() + seconds), **claims})


def send(http: Http, sent: Sent, bearer: str = "", **headers: str) -> Any:
    told = {
        "content-type": sent.content_type,
        **{name.replace("_", "-"): one for name, one in headers.items()},
    }
    if bearer:
        told["authorization"] = bearer
    return http.request(sent.method, sent.path, content=sent.body, headers=told)


def check_refused(sent: Sent, reply: Any, status: int) -> None:
    assert reply.status_code == status
    _, refused = outcome(sent, reply)  # in the form of its door
    assert refused
    assert (reply.headers.get("www-authenticate") == "Bearer") == (status == 401)


def test_no_route_is_forgotten(engine: Engine) -> None:
    app: Starlette = create_app(engine, Authenticator())
    tried = {(sent.method, sent.path.partition("?")[0].replace("/casemeter", "/{id}")) for sent in ASKING}
    for route in app.routes:
        assert isinstance(route, Route)
        if route.path not in OPEN:
            for method in (route.methods or set()) - {"HEAD", "OPTIONS"}:
                assert (method, route.path) in tried, route.path


DECLARED = {"casemeter_hospital": "H001", "casemeter_role": "coder", "casemeter_user": "u1"}
STRANGERS: dict[str, Callable[[], str]] = {
    "nobody": lambda: "",
    "no bearer": lambda: "Basic dTpw",
    "no token": lambda: "Bearer x.y.z",
    "expired": lambda: f"Bearer {token(-5)}",
    "not yet": lambda: f"Bearer {token(nbf=int(time.time()) + 600)}",
    "another issuer": lambda: f"Bearer {token(iss='https://evil.example')}",
    "another key": lambda: f"Bearer {token(name='ES256 strange')}",
    "for another server": lambda: f"Bearer {token(aud='other')}",
    "of a role that it may not give": lambda: f"Bearer {token(role='auditor')}",
}


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("sent", ASKING, ids=NAMES)
def test_strangers_are_refused_in_the_form_of_the_door(http: Http, sent: Sent, who: str) -> None:
    bearer = STRANGERS[who]()
    reply = send(http, sent, bearer, **DECLARED)
    check_refused(sent, reply, 401)
    secret = bearer.partition(" ")[2]
    assert not secret or secret not in reply.text


def call_of(sent: Sent) -> str:
    """The call of the contract that a message amounts to; empty: anybody who is known may send it."""
    path = sent.path.partition("?")[0]
    if path.startswith("/v1/"):
        return path.removeprefix("/v1/")
    if sent.method == "GET":
        return ""
    return "AnswerFinding" if path.endswith(("/3103", "/feedback")) else "Evaluate"


@pytest.mark.parametrize("role", shipped_rights().roles)
@pytest.mark.parametrize("sent", ASKING, ids=NAMES)
def test_a_role_may_what_its_rights_say(http: Http, sent: Sent, role: str) -> None:
    """The role is that of the token, whatever else is declared."""
    name = call_of(sent)
    may = not name or shipped_rights().calls[name].reach[role] is not Reach.NONE
    if name == "WatchEncounter" and may:
        return  # it would not end
    made = token(role=role) if role in ROLES else token(name="ES256 bureau", iss=BUREAU, role=role)
    reply = send(http, sent, f"Bearer {made}", casemeter_role="coder" if not may else "administrator")
    if may:
        assert reply.status_code not in (401, 403)
    else:
        check_refused(sent, reply, 403)


def test_the_patients_of_another_hospital_are_none_of_ours(http: Http) -> None:
    sent = Sent("/v1/ReadEncounter", b'{"encounterId": "A1", "hospital": "H002"}')
    check_refused(sent, send(http, sent, f"Bearer {token(role='office')}"), 403)
    bureau = token(name="ES256 bureau", iss=BUREAU, role="auditor")
    assert send(http, sent, f"Bearer {bureau}").json()["error"]["reason"] == "UNKNOWN_ENCOUNTER"


# Without an identity file

ELSEWHERE = {
    "a name of another machine": ("127.0.0.1", {"host": "evil.example"}),
    "one that only begins so": ("127.0.0.1", {"host": "localhost.evil.example:8080"}),
    "another machine": ("10.0.0.7", {}),
}


@pytest.mark.parametrize("where", ELSEWHERE)
def test_what_is_declared_is_believed_on_this_machine_only(engine: Engine, where: str) -> None:
    """A page of the web may let its own name lead to this machine; its requests name it."""
    peer, headers = ELSEWHERE[where]
    with calling(create_app(engine, Authenticator()), peer) as http:
        for sent in ASKING:
            check_refused(sent, send(http, sent, **DECLARED, **headers), 401)


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:8080"])
def test_on_this_machine_it_is_believed(engine: Engine, host: str) -> None:
    with calling(create_app(engine, Authenticator())) as http:
        for sent in ASKING:
            if "Watch" not in sent.path:
                reply = send(http, sent, **DECLARED, host=host)
                assert reply.status_code != 401


# What is shown


@pytest.fixture(scope="module")
def priced(bundles: Path, default_bundle: Path, folder: Path, store: Store) -> Engine:
    snapshot = Snapshot.open([default_bundle, *pricing(bundles), build_cached(RULES, bundles)])
    meter = MeterSettings(HospitalSettings(money_for=frozenset({"office", "coder"})))
    return Engine(Config(data=folder, meter=meter), snapshot, store)


@pytest.mark.parametrize("name", WAYS)
def test_the_role_of_the_token_decides_what_is_shown(priced: Engine, folder: Path, name: str) -> None:
    way = WAYS[name]
    asked = Stay("A1", stay(), datetime(2026, 6, 5, 4, tzinfo=UTC))
    told: dict[str, verdict_pb2.Verdict] = {}
    app = create_app(priced, Authenticator.of(identity(folder, issuer(roles=ROLES))))
    with calling(app) as http:
        for number, role in enumerate(("physician", "coder", "office")):
            # Each role asks of another stay: what one was shown is not told to the next.
            encounter = stay()
            encounter.encounter_id = f"{name}{number}-1".replace(" ", "")
            # A child, for whom an order is placed that is for adults.
            encounter.birth_date = "2014-03-02"
            one = asked._replace(encounter=encounter)
            headers = {**headers_of(way, one), "casemeter-role": "office"}
            headers["authorization"] = f"Bearer {token(role=role)}"
            reply = http.post(way.path, content=way.compose(one), headers=headers)
            told[role] = verdict_in(way, reply)
    money = {role: verdict.payment.HasField("standard_fen") for role, verdict in told.items()}
    # Without the insurance nobody can say what is paid.
    is_paid = way.facts.carries("insurance_type")
    assert money == {"physician": False, "coder": is_paid, "office": is_paid}
    if is_paid:
        costs = {role: verdict.meter.HasField("cost_fen") for role, verdict in told.items()}
        assert costs == {"physician": False, "coder": True, "office": True}
    shown = {
        role: [finding_pb2.Presentation.Name(one.presentation) for one in verdict.findings]
        for role, verdict in told.items()
    }
    if way.facts.carries("orders.item"):
        assert "PRESENTATION_INTERRUPT" in shown["physician"]
        assert "PRESENTATION_INTERRUPT" not in shown["coder"] + shown["office"]


# Clients of CDS Hooks


@pytest.mark.parametrize("sent", CDS, ids=[sent.path for sent in CDS])
def test_clients_of_cds_hooks_prove_themselves_in_their_own_way(
    engine: Engine, folder: Path, sent: Sent
) -> None:
    """Tokens are for one URL and good once; those of other doors open nothing here, nor these the others."""
    clients = written_identity(folder, issuer(roles=ROLES))
    settings = DoorSettings(cds=CdsSettings(clients=clients))
    known = Authenticator.of(identity(folder, issuer(roles=ROLES)))
    number = iter(range(1_000))

    def made(**claims: Any) -> str:
        now = int(time.time())
        url = f"http://localhost{sent.path}"
        return f"Bearer {token(**{'aud': url, 'iat': now, 'jti': f'{next(number)}', **claims})}"

    with calling(create_app(engine, known, settings)) as http:
        good = made()
        assert send(http, sent, good).status_code in (200, 400)
        for bearer in ("", good, made(aud="casemeter"), made(jti=None), made(iat=None), made(exp=1)):
            check_refused(sent, send(http, sent, bearer, **DECLARED), 401)
        check_refused(sent, send(http, sent, made(role="administrator")), 403)
        packs = SAMPLES["POST", "/v1/ListPacks"]
        check_refused(packs, send(http, packs, made()), 401)
        assert http.get("/cds-services").status_code == 200
