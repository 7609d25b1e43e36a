"""The door of CDS Hooks over HTTP: who may call, what comes back, and what is kept."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from google.protobuf import json_format
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.living_pb2 import EncounterState
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.verdict_pb2 import Verdict
from casemeter_client.emr.cds import cards, feedback, hook_call
from casemeter_server.caller import Caller
from casemeter_server.doors.app import create_app
from casemeter_server.doors.cds.settings import CdsSettings, CdsSettingsError, read_settings
from casemeter_server.doors.facts import project, read_facts
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.engine import Engine
from casemeter_server.identity.authenticator import Authenticator
from cds_reply import check_reply
from door_apps import AS_OF, calling, engine_of, snapshot_of, stored
from door_apps import Caller as Http

SERVICE = "/cds-services/casemeter"
HEADERS = {"casemeter-as-of": AS_OF}
ISSUER = "https://emr.h001.example"
CHILD = Encounter(
    encounter_id="E1",
    birth_date="2014-01-01",
    orders=[{"id": "O1", "item": "XN05BA12", "name": "丁片", "amount_fen": 100, "placing": True}],
)
"""An order that findings_rules stop: it is for adults."""


@contextmanager
def door_of(engine: Engine, settings: CdsSettings | None = None) -> Iterator[Http]:
    """A client of the application with this door."""
    app = create_app(engine, Authenticator(), DoorSettings(cds=settings or CdsSettings()))
    with calling(app) as http:
        yield http


@pytest.fixture(scope="module")
def engine(bundles: Path) -> Engine:
    return engine_of(snapshot_of(bundles))


@pytest.fixture(scope="module")
def http(engine: Engine) -> Iterator[Http]:
    with door_of(engine, CdsSettings(origins=("https://emr.example",))) as http:
        yield http


def send(http: Http, hook: str, stay: Encounter, **headers: str) -> Any:
    service, body = hook_call(hook, stay)
    assert SERVICE.endswith(service)
    return http.post(SERVICE, content=body, headers={**HEADERS, **headers})


def test_discovery(http: Http) -> None:
    reply = http.get("/cds-services")
    assert reply.status_code == 200
    assert len(reply.json()["services"]) == 4


def test_a_stop_on_an_order(http: Http) -> None:
    reply = send(http, "order-sign", CHILD)
    assert reply.status_code == 200
    assert check_reply(reply.json()) == []
    (card,) = cards(reply.content)
    assert card["indicator"] == "critical"
    assert card["uuid"]
    assert card["suggestions"][0]["actions"][0]["resourceId"] == "ServiceRequest/O1"
    assert card["selectionBehavior"] == "at-most-one"
    assert {"数据有误，将予更正", "遵会诊意见"} <= {reason["display"] for reason in card["overrideReasons"]}
    told = card["extension"]["org.casemeter.finding"]
    assert told["fields"] == ["context.draftOrders.entry[0].resource"]


@pytest.mark.parametrize("hook", ["patient-view", "encounter-discharge"])
def test_the_stay(http: Http, hook: str) -> None:
    stay = Encounter(encounter_id="E1", diagnoses=[{"code": "I63.900"}])
    reply = send(http, hook, stay)
    assert check_reply(reply.json()) == []
    assert cards(reply.content)[-1]["source"]["topic"]["code"] == "stay"


@pytest.mark.parametrize("hook", ["patient-view", "order-sign", "encounter-discharge"])
def test_the_verdict_is_that_of_the_contract(http: Http, engine: Engine, hook: str) -> None:
    stay = project(CHILD, read_facts("casemeter_server.doors.cds"))
    stay.orders[0].placing = hook == "order-sign"
    request = EvaluateRequest(encounter=stay)
    request.as_of.FromJsonString(AS_OF)
    if hook != "patient-view":
        request.phase = 4 if hook == "encounter-discharge" else 2  # type: ignore[assignment] # its numbers
    expected = engine.evaluator.evaluate(request, Caller(role="physician")).verdict
    reply = send(http, hook, stay, **{"casemeter-verdict": "full"}).json()
    assert check_reply(reply) == []
    verdict = json_format.Parse(reply["extension"]["org.casemeter.whole"], Verdict())
    assert verdict == expected


@pytest.mark.parametrize("is_open", [False, True])
def test_an_open_encounter_knows_what_a_call_lacks(bundles: Path, tmp_path: Path, is_open: bool) -> None:
    with stored(tmp_path) as store:
        engine = engine_of(snapshot_of(bundles), store)
        assert engine.encounters
        known = EncounterState(state_hash="h")
        known.encounter.diagnoses.add(code="I63.900")

        async def state(_hospital: str, number: str) -> EncounterState | None:
            assert number == "E1"
            return known if is_open else None

        vars(engine.encounters)["state"] = state  # the door and the desk ask nothing else of it
        body = json.loads(hook_call("patient-view", CHILD_AT_HOME)[1])
        del body["prefetch"]["conditions"]
        with door_of(engine) as http:
            reply = http.post(SERVICE, json=body, headers=HEADERS)
        store.write_now(lambda _: None)
        # What is not answered was not looked at, nor shown.
        looks = store.read_now(lambda reading: list(reading.accesses("", "E1")))
        assert (reply.status_code, len(looks)) == ((200, 1) if is_open else (412, 0))
        if is_open:
            filled = reply.json()["extension"]["org.casemeter.verdict"]["filled"]
            assert [fact["field"] for fact in filled] == ["encounter.diagnoses"]


def test_an_outpatient_is_no_business_of_ours(http: Http) -> None:
    body = json.loads(hook_call("patient-view", CHILD_AT_HOME)[1])
    body["prefetch"]["encounter"]["class"]["code"] = "AMB"
    reply = http.post(SERVICE, json=body)
    assert (reply.status_code, reply.json()) == (200, {"cards": []})


CHILD_AT_HOME = Encounter(encounter_id="E1", birth_date="2014-01-01")


@pytest.mark.parametrize(
    ("path", "change", "status", "codes"),
    [
        ("", lambda body: body["prefetch"].pop("conditions"), 412, ["required"]),
        ("", lambda body: body["context"].pop("userId"), 400, ["invalid", "required"]),
        ("", lambda body: body.update(hookInstance="7"), 400, ["invalid", "value"]),
        (
            "",
            lambda body: body["prefetch"]["patient"].update(birthDate="2014-02-31"),
            400,
            ["invalid", "value"],
        ),
        ("x", dict.copy, 404, ["not-found"]),
        ("x/feedback", dict.copy, 404, ["not-found"]),
        ("/feedback", dict.copy, 400, ["invalid", "required"]),
        ("/feedback", lambda body: body.update(FEEDBACK), 400, ["not-supported"]),
    ],
)
def test_errors_are_operation_outcomes(
    http: Http, path: str, change: Callable[[dict[str, Any]], object], status: int, codes: list[str]
) -> None:
    body = json.loads(hook_call("patient-view", CHILD_AT_HOME)[1])
    change(body)
    reply = http.post(SERVICE + path, json=body, headers=HEADERS)
    assert reply.status_code == status
    outcome = reply.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert [issue["code"] for issue in outcome["issue"]] == codes


FEEDBACK: dict[str, Any] = json.loads(feedback("c1"))


def test_places_of_errors_are_those_of_the_message(http: Http) -> None:
    stay = Encounter(encounter_id="E1", birth_date="2014-02-31")
    stay.charges.lines.add(id="L1", amount_fen=-5)
    outcome = send(http, "patient-view", stay).json()
    assert sorted(issue.get("expression", []) for issue in outcome["issue"]) == [
        [],
        ["prefetch.chargeItems.entry[0].resource.priceOverride.value"],
        ["prefetch.patient.birthDate"],
    ]


def test_what_is_no_json(http: Http) -> None:
    reply = http.post(SERVICE, content=b"{")
    assert (reply.status_code, reply.json()["issue"][0]["code"]) == (400, "structure")


def test_browsers_ask_first(http: Http) -> None:
    asked = {
        "origin": "https://emr.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    for path in ("/cds-services", SERVICE, f"{SERVICE}/feedback"):
        reply = http.request("OPTIONS", path, headers=asked)
        assert reply.status_code == 200
        assert reply.headers["access-control-allow-origin"] == "https://emr.example"
        assert {"GET", "POST", "OPTIONS"} <= set(reply.headers["access-control-allow-methods"].split(", "))
        allowed = reply.headers["access-control-allow-headers"].lower()
        assert "authorization" in allowed
        assert "content-type" in allowed
    other = http.request("OPTIONS", SERVICE, headers={**asked, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    refused = http.post(SERVICE, content=b"{", headers={"origin": "https://emr.example"})
    assert refused.headers["access-control-allow-origin"] == "https://emr.example"
    assert http.request("OPTIONS", SERVICE).headers["allow"] == "POST, OPTIONS"


def test_feedback_is_kept_once_it_is_told(bundles: Path, tmp_path: Path) -> None:
    with stored(tmp_path) as store, door_of(engine_of(snapshot_of(bundles), store)) as http:
        (card,) = cards(send(http, "order-sign", CHILD).content)
        store.write_now(lambda _: None)  # what was shown is written by now
        reason = card["overrideReasons"][0]
        told = feedback(card["uuid"], reason=reason, comment="会诊意见：病情需要，家属知情同意")
        reply = http.post(f"{SERVICE}/feedback", content=told)
        assert (reply.status_code, reply.json()) == (200, {})
        # It was answered: it does not interrupt again, and stands beside the work at most.
        again = cards(send(http, "order-sign", CHILD).content)
        assert [one["indicator"] for one in again] != ["critical"]
        unknown = http.post(f"{SERVICE}/feedback", content=feedback("c9"))
        assert unknown.status_code == 400
        assert unknown.json()["issue"][1]["expression"] == ["feedback[0].card"]


class Clients:
    """An EMR with a key of its own, and a door that believes it."""

    def __init__(self, folder: Path, algorithm: str) -> None:
        self._algorithm = algorithm
        self._key: Any
        if algorithm == "ES384":
            self._key = ec.generate_private_key(ec.SECP384R1())
            public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        else:
            self._key = rsa.generate_private_key(65537, 2048)
            public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        keys = [{**public, "kid": "k1", "alg": algorithm}]
        (folder / "keys.json").write_text(json.dumps({"keys": keys}), "utf-8")
        self.file = folder / "clients.toml"
        self.file.write_text(
            f'[[issuer]]\niss = "{ISSUER}"\nkeys = "keys.json"\naudience = "casemeter"\nhospital = "H001"\n'
            'roles = ["physician"]\njku = ["https://emr.h001.example/jwks"]\n',
            "utf-8",
        )
        self._numbers = itertools.count()

    def token(self, url: str, **changes: Any) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": url,
            "exp": now + 300,
            "iat": now,
            "jti": f"j{next(self._numbers)}",
            **changes,
        }
        told = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(told, self._key, self._algorithm, {"kid": "k1"})


@pytest.fixture(scope="module", params=["ES384", "RS384"])
def clients(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Clients:
    return Clients(tmp_path_factory.mktemp("clients"), request.param)


BASE = "https://drg.h001.example/casemeter"
URL = BASE + SERVICE
TOKENS: list[tuple[str, dict[str, Any], int]] = [
    ("for this URL", {}, 200),
    ("for several", {"aud": ["https://x.example", URL]}, 200),
    ("for the feedback", {"aud": f"{URL}/feedback"}, 401),
    ("for the server", {"aud": "casemeter"}, 401),
    ("of another", {"iss": "https://evil.example"}, 401),
    ("without a number", {"jti": None}, 401),
    ("without a beginning", {"iat": None}, 401),
    ("without an end", {"exp": None}, 401),
    ("past its end", {"exp": 1_700_000_000}, 401),
    ("of a role it may not give", {"role": "coder"}, 401),
]


@pytest.mark.parametrize(("changes", "status"), [one[1:] for one in TOKENS], ids=[one[0] for one in TOKENS])
def test_tokens(engine: Engine, clients: Clients, changes: dict[str, Any], status: int) -> None:
    with door_of(engine, CdsSettings(clients=clients.file, base=BASE)) as http:
        token = clients.token(URL, **changes)
        reply = send(http, "patient-view", CHILD_AT_HOME, authorization=f"Bearer {token}")
        assert reply.status_code == status
        if status == 401:
            assert reply.headers["www-authenticate"] == "Bearer"
            assert reply.json()["issue"][0]["code"] == "login"
            assert token not in reply.text
        else:
            replayed = send(http, "patient-view", CHILD_AT_HOME, authorization=f"Bearer {token}")
            assert replayed.status_code == 401


def test_a_look_is_that_of_the_person_whom_the_call_names(
    bundles: Path, tmp_path: Path, clients: Clients
) -> None:
    settings = CdsSettings(clients=clients.file, base=BASE)
    with stored(tmp_path) as store, door_of(engine_of(snapshot_of(bundles), store), settings) as http:
        for claims in ({}, {"sub": "u7"}):
            token = clients.token(URL, **claims)
            assert (
                send(http, "patient-view", CHILD_AT_HOME, authorization=f"Bearer {token}").status_code == 200
            )
        store.write_now(lambda _: None)  # what was looked at is written by now
        looks = store.read_now(lambda reading: list(reading.accesses("H001", "E1")))
        assert [look.user for look in looks] == ["Practitioner/1", "u7"]


def test_without_a_token_only_discovery(engine: Engine, clients: Clients) -> None:
    with door_of(engine, CdsSettings(clients=clients.file)) as http:
        assert http.get("/cds-services").status_code == 200
        assert send(http, "patient-view", CHILD_AT_HOME).status_code == 401
        assert http.post(f"{SERVICE}/feedback", content=feedback("c1")).status_code == 401
        # Without a base the URL is that of the request.
        token = clients.token(f"http://localhost{SERVICE}")
        reply = send(http, "patient-view", CHILD_AT_HOME, authorization=f"Bearer {token}")
        assert reply.status_code == 200


def test_settings(clients: Clients) -> None:
    table = {
        "language": "en",
        "base": "https://drg.h001.example/",
        "clients": "clients.toml",
        "origins": ["https://emr.example"],
        "links": [{"label": "DRG", "url": "https://drg.h001.example"}],
        "systems": {"item": ["https://h001.example/item"], "diagnosis": {"clinical": ["urn:oid:1.2"]}},
    }
    folder = clients.file.parent
    read = read_settings(table, folder)
    assert (read.language, read.base, read.clients) == (
        "en",
        "https://drg.h001.example",
        clients.file,
    )
    assert read.links == (("DRG", "https://drg.h001.example"),)
    assert read.systems.item[0] == "https://h001.example/item"
    assert read.systems.diagnosis["clinical"][0] == "urn:oid:1.2"
    assert read_settings({}, folder) == CdsSettings()


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"colour": "red"}, "'colour' is not known"),
        ({"language": "fr"}, "'language' is 'fr'"),
        ({"label": ""}, "'label' is empty"),
        ({"url": "h001"}, "'url' is 'h001'"),
        ({"base": 7}, "'base' is 7"),
        ({"origins": "x"}, "'origins' is 'x'"),
        ({"links": [{"label": "x", "url": "javascript:x"}]}, "'links' holds"),
        ({"systems": []}, "'systems' is no table"),
        ({"systems": {"x": []}}, "'systems.x' is not known"),
        ({"systems": {"diagnosis": {"who": []}}}, "'systems.diagnosis' is"),
        ({"systems": {"item": [7]}}, "'systems.item' is"),
        ({"clients": "nowhere.toml"}, "'clients': "),
    ],
)
def test_bad_settings(table: dict[str, Any], fault: str, tmp_path: Path) -> None:
    with pytest.raises(CdsSettingsError) as refused:
        read_settings(table, tmp_path)
    assert len(refused.value.faults) == 1
    assert fault in refused.value.faults[0]
