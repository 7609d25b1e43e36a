"""The door of settlement lists and front pages over HTTP, and the command that checks files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from casemeter.v1 import encounter_pb2, service_pb2, verdict_pb2
from casemeter.v1.encounter_pb2 import Encounter
from casemeter_client.emr.settlement import hqms_csv, settlement_message
from casemeter_grouper.pack.build import build_cached
from casemeter_server.caller import Caller
from casemeter_server.cli.main import app as command
from casemeter_server.doors.app import create_app
from casemeter_server.doors.desk import Desk
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.doors.settlement import door
from casemeter_server.doors.settlement.lists import read_settlement
from casemeter_server.engine import Engine
from casemeter_server.errors import RequestError
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.sealing.content import Kind, Page, content_of
from casemeter_server.snapshot import Snapshot
from door_apps import Caller as HttpCaller
from door_apps import calling, engine_of
from live import tiny_bundle
from settlement_stays import FULL
from test_hqms import PAGE

RULES = Path(__file__).parent / "data" / "settlement_rules"
TINY = Path(__file__).parent / "data" / "tiny_pack"
AS_OF = "2026-07-01T00:00:00+08:00"
Sealed = list[tuple[Kind, str, str]]


@pytest.fixture(scope="module")
def engine(bundles: Path) -> Engine:
    return engine_of(Snapshot.open([tiny_bundle(bundles), build_cached(RULES, bundles)]))


@pytest.fixture
def sealed() -> Sealed:
    return []


@pytest.fixture
def client(engine: Engine, sealed: Sealed) -> Iterator[HttpCaller]:
    async def seal(
        kind: Kind,
        page: Page,
        verdict: verdict_pb2.Verdict,
        caller: Caller,
        encounter: str = "",
        stay: encounter_pb2.Encounter | None = None,
    ) -> str:
        assert verdict.rules.phase and caller.role == "coder"
        assert stay is not None and stay.diagnoses
        sealed.append((kind, encounter, content_of(kind, page).sha256))
        return "the seal"

    app = create_app(engine, Authenticator())
    # The door with a seal of its own comes before the one that the application has.
    routes = door.routes(
        Desk(engine), DoorSettings(settlement={"max_megabytes": 1}), engine.evaluator.zone, seal
    )
    app.router.routes[:0] = routes
    with calling(app) as caller:
        yield caller


def post(client: HttpCaller, path: str, data: bytes, role: str = "coder", **headers: str) -> httpx.Response:
    sent = {"content-type": "application/json", "casemeter-as-of": AS_OF, "casemeter-role": role}
    return client.post(path, content=data, headers={**sent, **headers})


def without(encounter: Encounter, name: str) -> Encounter:
    """The stay with an item that is known to be empty."""
    changed = Encounter()
    changed.CopyFrom(encounter)
    for field in changed.front_page.fields:
        if field.name == name:
            field.value = ""
    if name not in [field.name for field in changed.front_page.fields]:
        changed.front_page.fields.add(name=name)
    return changed


@pytest.mark.parametrize("infno", ["4101", "4101A"])
def test_the_verdict_is_that_of_the_encounter(client: HttpCaller, engine: Engine, infno: str) -> None:
    data = settlement_message(FULL, infno)
    reply = post(client, f"/settlement/{infno}", data).json()
    assert reply["infcode"] == 0
    checked = read_settlement(data, engine.evaluator.zone)
    request = service_pb2.EvaluateRequest()
    request.CopyFrom(checked.question.request)
    request.as_of.FromJsonString(AS_OF)
    verdict = engine.evaluator.evaluate(request, Caller(role="coder")).verdict
    output = reply["output"]
    assert output["status"] == "passed"
    assert output["group"]["code"] == verdict.group.code
    assert len(output["findings"]) == len(verdict.findings) > 0


def test_a_stop_refuses_and_comes_first(client: HttpCaller, sealed: Sealed) -> None:
    reply = post(client, "/settlement/4101?submit=1", settlement_message(without(FULL, "medcasno"))).json()
    assert reply["infcode"] == 0
    output = reply["output"]
    assert output["status"] == "refused"
    assert [one["tier"] for one in output["findings"]] == ["stop", "hint"]
    stop = output["findings"][0]
    assert stop["places"] == ["setlinfo.medcasno"]
    assert stop["text_zh"] and stop["text_en"] and stop["resolve_zh"] and stop["resolve_en"]
    assert "seal" not in output and not sealed


def test_what_passes_at_submission_is_sealed_for_a_coder(client: HttpCaller, sealed: Sealed) -> None:
    data = settlement_message(FULL)
    assert post(client, "/settlement/4101?submit=1", data).json()["output"]["seal"] == "the seal"
    assert sealed == [(Kind.SETTLEMENT_LIST, "M1-2", content_of(Kind.SETTLEMENT_LIST, data).sha256)]
    assert "seal" not in post(client, "/settlement/4101", data).json()["output"]
    assert "seal" not in post(client, "/settlement/4101?submit=1", data, role="physician").json()["output"]
    assert len(sealed) == 1


def test_a_row_is_sealed_as_it_is_written(client: HttpCaller, sealed: Sealed) -> None:
    data = hqms_csv([PAGE], titles=True)
    lines = post(
        client,
        "/front-pages?submit=1",
        data,
        **{"content-type": "text/csv", "accept": "application/x-ndjson"},
    )
    page, summary = map(json.loads, lines.text.splitlines())
    assert page["seal"] == "the seal"
    titles, cells = (line.split(",") for line in data.decode().splitlines())
    row = dict(zip(titles, cells, strict=True))
    assert sealed == [(Kind.FRONT_PAGE, "M1-2", content_of(Kind.FRONT_PAGE, row).sha256)]
    assert summary["summary"]["passed"] == 1


@pytest.mark.parametrize(
    ("body", "status", "places"),
    [
        (b'{"infno":"4101","input":{"setlinfo":{"adm_time":"soon"}}}', 200, ["setlinfo.adm_time"]),
        (b'{"setlinfo":{"adm_time":"soon"}}', 400, ["setlinfo.adm_time"]),
        (
            b'{"setlinfo":{"adm_time":"2026-06-02 08:00","dscg_time":"2026-06-01 08:00"}}',
            400,
            ["setlinfo.dscg_time"],
        ),
        (b'{"infno":"4101"}', 400, []),
        (b"{", 400, []),
    ],
)
def test_what_cannot_be_checked(client: HttpCaller, body: bytes, status: int, places: list[str]) -> None:
    reply = post(client, "/settlement/4101", body)
    assert reply.status_code == status
    told = reply.json()
    told = told.get("output", told)
    assert told["status"] == "invalid"
    assert [fault["place"] for fault in told["error"]["faults"]] == places
    if b"infno" in body:
        assert reply.json()["infcode"] == -1
        assert 0 < len(reply.json()["err_msg"]) <= 200


def batch() -> bytes:
    """Four pages: sound, refused by a stop, impossible to read, sound."""
    header, *rows = hqms_csv([PAGE, without(PAGE, "medcasno"), PAGE, PAGE]).decode().splitlines()
    at = header.split(",").index("B12")
    cells = rows[2].split(",")
    cells[at] = "soon"
    rows[2] = ",".join(cells)
    return "\n".join([header + ",自填", *(row + ",1" for row in rows)]).encode()


SUMMARY: dict[str, Any] = {"pages": 4, "passed": 2, "refused": 1, "invalid": 1, "unknown_columns": ["自填"]}


def test_a_batch_tells_every_page_and_a_sum(client: HttpCaller) -> None:
    told = post(client, "/front-pages", batch(), **{"content-type": "text/csv"}).json()
    assert {name: told["summary"][name] for name in SUMMARY} == SUMMARY
    lines = post(client, "/front-pages?format=csv", batch(), accept="application/x-ndjson").text.splitlines()
    *pages, last = map(json.loads, lines)
    assert last["summary"] == told["summary"]
    assert [(one["row"], one["status"]) for one in pages] == [
        *((2, "passed"), (3, "refused"), (4, "invalid"), (5, "passed")),
    ]
    assert pages[1]["findings"][0]["places"] == ["A48 病案号"]
    assert pages[2]["error"]["faults"][0]["place"] == "B12 入院时间"


def three_days() -> bytes:
    """Three pages, the second of a day on which no pack holds."""
    late = Encounter()
    late.CopyFrom(PAGE)
    late.admission_time.seconds += 3 * 365 * 86_400
    late.discharge_time.seconds += 3 * 365 * 86_400
    return hqms_csv([PAGE, late, PAGE])


def test_a_day_without_a_pack_stops_no_other_page(client: HttpCaller, checking: Any) -> None:
    told = post(client, "/front-pages?format=csv", three_days()).json()
    assert (told["summary"]["passed"], told["summary"]["invalid"]) == (2, 1)
    (invalid,) = (page for page in told["pages"] if page["status"] == "invalid")
    assert (invalid["row"], invalid["error"]["reason"]) == (3, "PACK_NOT_VALID")
    status, text = checking(three_days())
    assert status == 1
    assert "3 pages: 2 passed, 0 refused, 1 cannot be checked" in text


class Failing(Desk):
    """A desk that answers once, and then may not."""

    async def answer(self, *args: Any, **kwargs: Any) -> Any:
        self.answered = getattr(self, "answered", 0) + 1
        if self.answered > 1:
            raise RequestError("STORE_UNAVAILABLE", {})
        return await super().answer(*args, **kwargs)


def test_lines_end_with_what_ends_them(engine: Engine) -> None:
    app = create_app(engine, Authenticator())
    app.router.routes[:0] = door.routes(Failing(engine), DoorSettings(), engine.evaluator.zone)
    with calling(app) as caller:
        reply = post(caller, "/front-pages?format=csv", hqms_csv([PAGE] * 3), accept="application/x-ndjson")
    first, last = map(json.loads, reply.text.splitlines())
    assert first["status"] == "passed"
    assert last["error"]["reason"] == "STORE_UNAVAILABLE"


@pytest.mark.parametrize(
    ("path", "kind", "body", "reason"),
    [
        ("/front-pages", "image/png", b"C03C\n1\n", "WRONG_CONTENT_TYPE"),
        ("/front-pages?format=pdf", "text/csv", b"C03C\n1\n", "WRONG_CONTENT_TYPE"),
        ("/front-pages", "text/csv", b"A48\n1\n", "NOT_A_PAGE"),
        ("/front-pages", "text/csv", b"x" * (2 << 20), "TOO_LARGE"),
    ],
)
def test_what_is_no_batch(client: HttpCaller, path: str, kind: str, body: bytes, reason: str) -> None:
    reply = post(client, path, body, **{"content-type": kind})
    assert reply.status_code >= 400
    assert reply.json()["error"]["reason"] == reason


@pytest.fixture
def checking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundles: Path) -> Any:
    monkeypatch.setenv("CASEMETER_DATA", str(bundles.parent / "checking"))

    def check(data: bytes, *options: str) -> tuple[int, str]:
        path = tmp_path / "pages"
        path.write_bytes(data)
        packs = ["--pack", str(TINY), "--pack", str(RULES)]
        result = CliRunner().invoke(command, ["check", str(path), *packs, "--lang", "en", *options])
        return result.exit_code, result.stdout

    return check


def test_the_command_passes_a_list(checking: Any) -> None:
    status, text = checking(settlement_message(FULL))
    assert status == 0
    assert "M1-2: passed, group" in text
    assert "1 pages: 1 passed, 0 refused, 0 cannot be checked" in text


def test_the_command_refuses_a_batch(checking: Any) -> None:
    status, text = checking(batch())
    assert status == 1
    assert "row 3" in text and "[stop] medcasno is not filled in (A48 病案号)" in text
    assert "row 4" in text and "cannot be checked" in text
    assert "columns that are not known: 自填" in text
    status, text = checking(batch(), "--format", "json")
    assert status == 1
    assert {name: json.loads(text)["summary"][name] for name in SUMMARY} == SUMMARY


def test_the_command_says_what_a_file_is_not(checking: Any) -> None:
    status, text = checking(b"A48\n1\n")
    assert (status, text) == (1, "")
