"""Damaged messages for every route of the doors, and what a reply to any of them must be."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from xml.sax.saxutils import escape

import httpx
from google.protobuf import json_format

from casemeter.v1 import encounter_pb2 as pb
from casemeter_client.emr.cds import feedback, hook_call
from casemeter_client.emr.nhsa import GO_ON, Answer, audit_message, feedback_message
from casemeter_client.emr.settlement import hqms_csv, settlement_message
from casemeter_server.errors import catalogue
from doors_stays import CHINA

NDJSON: Final = "application/x-ndjson"
JSON: Final = "application/json"
CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

AS_OF: Final = datetime(2026, 6, 5, 12, tzinfo=CHINA)

_RAW: Final = "\ue000{}\ue001"
"""Stands in a message for bytes that no writer of JSON would write."""

_TWICE: Final = "\ue002"
"""Ends a name that is the second of its kind."""


@dataclass(frozen=True)
class Sent:
    """A request of HTTP.

    Attributes:
        path: of the route, its query included.
        body: what is sent.
        content_type: as the header says.
        method: of HTTP.
        headers: others.
        how: what was done to it.
    """

    path: str
    body: bytes
    content_type: str = JSON
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    how: tuple[str, ...] = ()

    @property
    def door(self) -> str:
        """The door by its path."""
        first = self.path.partition("?")[0].split("/")[1]
        return {"v1": "JSON", "openapi.json": "JSON", "docs": "JSON"}.get(first, first)


class Broken(Exception):
    """A reply that no request may get."""


# Sound messages


def stay() -> pb.Encounter:
    """Return a stay that has something of everything."""
    encounter = pb.Encounter(
        encounter_id="A1-1",
        sex="SEX_FEMALE",
        birth_date="1958-03-02",
        insurance_type="310",
        person_key="P1",
        discharge_way="DISCHARGE_WAY_HOME",
        diagnoses=[
            {"code": "I63.900", "name": "脑梗死", "kind": 1, "phase": 4, "admission_condition": 1},
            {"code": "I10.x00x002", "kind": 1, "phase": 4, "admission_condition": 1},
        ],
        procedures=[{"code": "01.2400", "name": "开颅探查术"}],
        front_page={"fields": [{"name": "adm_way", "value": "2"}, {"name": "bld_cat", "value": "1"}]},
        charges={
            "category_system": 2,
            "lines": [
                {"id": "L1", "item": "T000400738", "category": "09", "amount_fen": 1250, "quantity": "1"},
                {"id": "L2", "item": "x", "category": "01", "amount_fen": 9900, "unit_price_fen": "9900"},
                {"id": "L3", "reverses": "L1", "category": "09", "amount_fen": -1250},
            ],
        },
        orders=[
            {"id": "O1", "item": "XN05BA12", "category": "09", "amount_fen": 100},
            {"id": "O2", "item": "XN05BA12", "category": "09", "amount_fen": 100, "placing": True},
        ],
        newborn={"birth_weight_g": 3200},
    )
    for name, at in (
        ("admission_time", "2026-06-01T08:00:00+08:00"),
        ("discharge_time", "2026-06-04T08:00:00+08:00"),
    ):
        getattr(encounter, name).FromJsonString(at)
    segment = encounter.segments.add(department="A03", intensive_care=True)
    segment.start_time.CopyFrom(encounter.admission_time)
    encounter.procedures[0].start_time.CopyFrom(encounter.admission_time)
    return encounter


def samples() -> Iterator[Sent]:
    """Yield sound messages: of each route at least one."""
    known = stay()
    without = pb.Encounter()
    without.CopyFrom(known)
    del without.orders[1]
    told = json_format.MessageToDict(known)
    yield from _calls(told)
    for infno, scene in (("3101", "5"), ("3102", "")):
        message = audit_message(known, infno, at=AS_OF, trig_scen=scene)
        yield Sent(f"/nhsa/{infno}", message)
        yield Sent("/nhsa", message)
    answers = [Answer("a1", GO_ON, "why"), Answer("a2", "2")]
    for path in ("/nhsa", "/nhsa/3103"):
        yield Sent(path, feedback_message(answers, at=AS_OF))
    for infno in ("4101", "4101A"):
        yield Sent(f"/settlement/{infno}", settlement_message(known, infno))
    bare = json.loads(settlement_message(known))["input"]
    yield Sent("/settlement/4101?submit=1", json.dumps(bare).encode())
    for titles, encoding in ((False, "utf-8"), (True, "gb18030")):
        yield Sent("/front-pages", hqms_csv([known, without], titles, encoding), CSV)
    yield Sent("/front-pages?submit=1", hqms_csv([known]), CSV, headers={"accept": NDJSON})
    yield Sent("/front-pages", _objects(), JSON)
    yield Sent("/front-pages", workbook(_rows()), XLSX)
    yield Sent("/cds-services", b"", method="GET")
    for hook, encounter in (
        ("patient-view", without),
        ("order-select", known),
        ("order-sign", known),
        ("encounter-discharge", without),
    ):
        yield Sent("/cds-services/casemeter", hook_call(hook, encounter)[1])
    reason = {"code": "other", "system": "http://casemeter.org/fhir/CodeSystem/override-reason"}
    for data in (feedback("a1", reason=reason, comment="why"), feedback("a2", accepted=["s1"])):
        yield Sent("/cds-services/casemeter/feedback", data)
    for path in ("/openapi.json", "/docs"):
        yield Sent(path, b"", method="GET")


def _calls(encounter: dict[str, Any]) -> Iterator[Sent]:
    """Yield a message for each call of the contract."""
    event = {"eventId": "1", "time": "2026-06-01T08:00:00Z", "facts": {"values": {"sex": "SEX_FEMALE"}}}
    charge = {"id": "L1", "line": {"amountFen": "100", "time": "2026-06-01T09:00:00Z"}}
    order = {"eventId": "2", "time": event["time"], "charge": charge, "corrects": "9"}
    bodies: Mapping[str, Any] = {
        "Evaluate": {"callId": "c", "encounter": encounter, "phase": "CARE_PHASE_ORDER"},
        "ListPacks": {},
        "SearchTerms": {"text": "脑梗", "limit": 5},
        "RecordEvents": {"encounterId": "A1", "events": [event, order]},
        "ReadEncounter": {"encounterId": "A1"},
        "WatchEncounter": {"encounterId": "none"},
        "AnswerFinding": {"encounterId": "A1", "alertKey": "k", "stateHash": "h", "answer": 1},
        "SealFrontPage": {"encounter": encounter},
        "GetSettings": {"name": "meter"},
        "PutSettings": {"name": "meter", "content": '[hospital]\nlevel = "二级"\n'},
    }
    for name, body in bodies.items():
        who = {"casemeter-role": _ROLES.get(name, "coder")}
        yield Sent(f"/v1/{name}", json.dumps(body).encode(), headers=who)
    lines = [json.dumps({"callId": str(at), "encounter": encounter}) for at in range(3)]
    yield Sent("/v1/EvaluateStream", "\n".join(lines).encode(), NDJSON)


def _rows() -> list[list[str]]:
    return [line.split(",") for line in hqms_csv([stay()]).decode().splitlines()]


def _objects() -> bytes:
    titles, *rows = _rows()
    return json.dumps([dict(zip(titles, row, strict=True)) for row in rows]).encode()


def workbook(rows: list[list[str]], blanks: int = 0) -> bytes:
    """Return rows as a small workbook; blanks in its sheet weigh little where they are packed."""
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
        for row in rows
    )
    sheet = f'<worksheet xmlns="{_SHEETS}/main">{" " * blanks}<sheetData>{cells}</sheetData></worksheet>'
    parts = {**_PARTS, "xl/worksheets/sheet1.xml": sheet}
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return found.getvalue()


_ROLES: Final = {
    "RecordEvents": "emr",
    "PutSettings": "administrator",
    "GetSettings": "administrator",
    # Who may not: a watch that is granted does not end.
    "WatchEncounter": "administrator",
}
_SHEETS: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PARTS: Final = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_SHEETS}/main" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="1" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}


# Damage

_ODD: Final[tuple[Any, ...]] = (
    *("", "-", " ", "null", "0", "-1", "1e400", "9" * 40, "0.001", "２", "NaN", "\x00", "a\x00b", "x" * 700),
    *("\ud800", "2026-02-30", "9999-12-31", "0001-01-01 00:00:00", "2026-06-01T00:00:00+99:99", "脑" * 300),
    *(None, True, False, 0, -1, 10**30, 1e308, 0.1, [], {}, [[]], [{}], [None], {"": ""}, [0] * 600),
    *("1970-01-01T00:00:00Z", "=1+1", "'; --", "../../x", "<script>", "1/13/24", "0.005", "1,000.00"),
)
_ODD_BYTES: Final = (
    *(
        b"1e999999999",
        b"1e-" + b"9" * 30,
        b"1e" + b"9" * 30,
        b"9" * 5_000,
        b"0." + b"1" * 5_000,
        b"NaN",
        b"-Infinity",
        b"01",
        b"tru",
        b'"\\ud800"',
    ),
    *(
        b'"\\u0000"',
        b"[" * 5_000,
        b'{"a":' * 5_000,
        b"\xff\xfe",
        b"/**/",
        b'"a\nb"',
        b"[" * 900 + b"]" * 900,
        b"",
        b"1E-400",
        b"--1",
    ),
)
_ENCODINGS: Final = ("gb18030", "utf-16", "utf-16-be", "utf-32", "latin-1", "utf-8-sig", "cp037")
_TYPES: Final = (
    *(JSON, NDJSON, CSV, XLSX, "", "text/html", "application/json; charset=gbk", "multipart/form-data"),
    *("application/x-www-form-urlencoded", "x" * 300, "application/grpc"),
)
_HEADERS: Final = (
    *(("casemeter-as-of", text) for text in ("", "now", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z")),
    *(("accept", text) for text in (NDJSON, "text/event-stream", "text/html")),
    *(("casemeter-verdict", "full"), ("casemeter-verdict", "none"), ("casemeter-role", "nobody")),
    *(("casemeter-hospital", "x" * 400), ("casemeter-user", "\x7f"), ("content-encoding", "gzip")),
    *(("casemeter-role", role) for role in ("coder", "office", "emr", "administrator", "auditor")),
)
_QUERIES: Final = ("submit=1", "submit=x&submit=1", "format=xlsx", "format=csv", "format=json", "format=%00")
_METHODS: Final = ("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
_MAX_BLANKS: Final = 40 << 20


def damaged(sent: Sent, chance: random.Random) -> Sent:
    """Return a message with one thing or several wrong with it; what is right is kept."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        how = chance.choice(_DAMAGES if sent.body else _OUTER)
        sent = how(sent, chance)
    return sent


def _noted(sent: Sent, how: str, **changes: Any) -> Sent:
    return replace(sent, how=(*sent.how, how), **changes)


def _inside(sent: Sent, chance: random.Random) -> Sent:
    """Damage members of JSON, in a line of it where there are lines."""
    if sent.content_type in (CSV, XLSX):
        return _in_cells(sent, chance)
    lines = sent.body.split(b"\n") if sent.content_type == NDJSON else [sent.body]
    at = chance.randrange(len(lines))
    try:
        value = json.loads(lines[at])
    except (ValueError, RecursionError):
        return _in_bytes(sent, chance)
    raw: list[bytes] = []
    told = []
    try:
        for _ in range(chance.randint(1, 4)):
            told.append(_damage(value, chance, raw))
        data = json.dumps(value, ensure_ascii=chance.random() < 0.5).replace(_TWICE, "")
    except RecursionError:  # it was nested deeply before
        return _in_bytes(sent, chance)
    data = data.replace(json.dumps(_TWICE)[1:-1], "")
    lines[at] = _with_raw(data, raw)
    return _noted(sent, f"inside: {', '.join(told)}", body=b"\n".join(lines))


def _with_raw(text: str, raw: list[bytes]) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    for number, piece in enumerate(raw):
        mark = _RAW.format(number)
        for written in (json.dumps(mark), f'"{mark}"'):
            data = data.replace(written.encode(), piece)
    return data


def _damage(value: Any, chance: random.Random, raw: list[bytes]) -> str:
    owner, key = _place(value, chance)
    if owner is None:
        return "nothing to damage"
    what = chance.randrange(9)
    if what == 0 and isinstance(owner, dict):
        del owner[key]
        return f"without {key}"
    if what == 1 and isinstance(owner, dict):
        name = chance.choice((f"{key}_", str(key).upper(), str(key)[:-1], "\x00", "脑", ""))
        owner[name] = owner.pop(key)
        return f"{key} as {name!r}"
    if what == 2 and isinstance(owner, dict):
        owner[f"{key}{_TWICE}"] = copy.deepcopy(chance.choice((owner[key], *_ODD)))
        return f"{key} twice"
    if what == 3:
        piece = chance.choice(_ODD_BYTES)
        owner[key] = _RAW.format(len(raw))
        raw.append(piece)
        return f"{key} is {piece[:12]!r}"
    if what == 4 and isinstance(owner, list):
        count = chance.choice((2, 30, 600))
        owner.extend(copy.deepcopy(owner[key]) for _ in range(count))
        return f"[{key}] {count} times more"
    if what == 5:
        other, place = _place(value, chance)
        owner[key] = copy.deepcopy(other[place])
        return f"{key} is what {place} is"
    if what == 6:
        depth = chance.choice((5, 40))
        for _ in range(depth):
            owner[key] = {"a": owner[key]} if chance.random() < 0.5 else [owner[key]]
        return f"{key} {depth} deeper"
    if what == 7 and isinstance(owner[key], str):
        owner[key] = json.dumps(owner[key]) if chance.random() < 0.5 else f" {owner[key]}\t"
        return f"{key} written otherwise"
    odd = copy.deepcopy(chance.choice(_ODD))
    owner[key] = odd
    return f"{key} is {str(odd)[:12]!r}"


def _place(value: Any, chance: random.Random) -> tuple[Any, Any]:
    """Return a place in a value; those deep inside are as likely as those outside."""
    owner, key = None, None
    here = value
    while isinstance(here, dict | list) and here and len(here) < 700:
        if owner is not None and chance.random() < 0.2:
            break
        owner = here
        key = chance.choice(list(here)) if isinstance(here, dict) else chance.randrange(len(here))
        here = owner[key]
    return owner, key


def _in_cells(sent: Sent, chance: random.Random) -> Sent:
    """Damage cells of a table, its titles among them; what was a workbook is one again."""
    packed = sent.body.startswith(b"PK")
    rows = (
        _rows()
        if packed
        else [line.split(",") for line in sent.body.decode("utf-8", "replace").split("\r\n")]
    )
    told = []
    for _ in range(chance.randint(1, 6)):
        row = chance.choice([row for row in rows if row])
        at = chance.randrange(len(row))
        what = chance.randrange(5)
        if what == 0:
            del row[at]
        elif what == 1:
            row.insert(at, chance.choice(("C03C", "A48", "x", "")))
        elif what == 2:
            row[at] = chance.choice(row)
        else:
            row[at] = str(chance.choice(_ODD)).encode("utf-8", "replace").decode()
        told.append(f"{what} at {at}")
        if not any(rows):
            break
    if packed:
        shown = [[escape(cell.replace("\0", "")) for cell in row] for row in rows]
        return _noted(sent, f"cells: {', '.join(told)}", body=workbook(shown))
    text = "\r\n".join(",".join(row) for row in rows)
    return _noted(sent, f"cells: {', '.join(told)}", body=text.encode())


def _in_bytes(sent: Sent, chance: random.Random) -> Sent:
    data = bytearray(sent.body)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        if chance.random() < 0.5 and at < len(data):
            data[at] = chance.randrange(256)
        else:
            data[at:at] = chance.choice(_ODD_BYTES)[:50]
    return _noted(sent, "other bytes", body=bytes(data))


def _cut(sent: Sent, chance: random.Random) -> Sent:
    begin = 0 if chance.random() < 0.7 else chance.randrange(len(sent.body) + 1)
    end = chance.randrange(len(sent.body) + 1)
    return _noted(sent, f"bytes {begin} to {end}", body=sent.body[begin:end])


def _in_another_encoding(sent: Sent, chance: random.Random) -> Sent:
    encoding = chance.choice(_ENCODINGS)
    text = sent.body.decode("utf-8", "replace")
    return _noted(sent, encoding, body=text.encode(encoding, "replace"))


def _other_bytes_altogether(sent: Sent, chance: random.Random) -> Sent:
    choices: tuple[Callable[[], bytes], ...] = (
        lambda: b"",
        lambda: chance.randbytes(chance.randrange(200)),
        lambda: b"PK\x03\x04" + chance.randbytes(60),
        lambda: b"\xd0\xcf\x11\xe0" + chance.randbytes(600),
        lambda: b"[" * 200_000,
        lambda: b'{"input":' * 50_000,
        lambda: b"," * 10_000 + b"\n" + b"x," * 10_000,
        lambda: b'"' * 5_001,
        lambda: _cut(Sent("", workbook(_rows())), chance).body,
        lambda: _in_bytes(Sent("", workbook(_rows())), chance).body,
        lambda: workbook(_rows(), chance.randrange(_MAX_BLANKS)),
        lambda: workbook([[chance.choice(("C03C", "A48", "")) for _ in range(5)] for _ in range(3)]),
        lambda: b"null",
        lambda: b" " * ((4 << 20) + 1),
    )
    at = chance.randrange(len(choices))
    return _noted(sent, f"other bytes altogether, {at}", body=choices[at]())


def _other_type(sent: Sent, chance: random.Random) -> Sent:
    return _noted(sent, "content type", content_type=chance.choice(_TYPES))


def _other_header(sent: Sent, chance: random.Random) -> Sent:
    name, value = chance.choice(_HEADERS)
    return _noted(sent, f"{name}: {value[:20]}", headers={**sent.headers, name: value})


def _other_query(sent: Sent, chance: random.Random) -> Sent:
    return _noted(sent, "query", path=f"{sent.path.partition('?')[0]}?{chance.choice(_QUERIES)}")


def _other_method(sent: Sent, chance: random.Random) -> Sent:
    return _noted(sent, "method", method=chance.choice(_METHODS))


def _other_path(sent: Sent, chance: random.Random) -> Sent:
    path = chance.choice((f"{sent.path}x", f"{sent.path}/", sent.path.upper(), "/cds-services/%00/feedback"))
    return _noted(sent, "path", path=path)


_OUTER: Final = (_other_type, _other_header, _other_query, _other_method, _other_path)
_DAMAGES: Final = (
    *(_inside,) * 24,
    *(_in_bytes, _cut, _in_another_encoding) * 2,
    *(_other_bytes_altogether, _other_header, *_OUTER),
)


# Replies


def outcome(sent: Sent, reply: httpx.Response) -> tuple[str, bool]:
    """Return what became of a message in a few words, and whether it was refused.

    Raises:
        Broken: the reply is one that no message may get.
    """
    if reply.status_code >= 500:
        raise Broken(f"{reply.status_code}: {reply.text[:200]}")
    if sent.method == "HEAD" or reply.status_code == 204:
        return "nothing told", reply.status_code >= 400
    if reply.headers.get("content-type", "").startswith("text/html"):
        return "a page", False
    check = _FORMS.get(sent.door, _contract)
    if reply.status_code in (404, 405) and _is_of_no_door(reply):
        check = _contract
    try:
        told, refused = check(reply)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise Broken(f"{reply.status_code}, no form of {sent.door}: {error!r}: {reply.text[:200]}") from None
    return f"{reply.status_code} {told}", refused


def _is_of_no_door(reply: httpx.Response) -> bool:
    reason = _strict(reply.content).get("error", {}).get("reason")
    return reason in ("NO_SUCH_PATH", "WRONG_METHOD")


def _strict(data: bytes) -> Any:
    def refuse(text: str) -> None:
        raise ValueError(f"{text} in a reply")

    return json.loads(data.decode(), parse_constant=refuse)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def _known(reason: str) -> str:
    _require(reason in catalogue()["request"], f"{reason} is no reason")
    _require(reason != "INTERNAL", "a bug")
    return reason


def _contract(reply: httpx.Response) -> tuple[str, bool]:
    if not reply.headers.get("content-type", "").startswith(JSON):
        lines = [line.removeprefix(b"data: ") for line in reply.content.splitlines()]
        values = [_strict(line) for line in lines if line and not line.startswith((b":", b"event:"))]
        for value in values:
            if "error" in value:
                _known(value["error"]["reason"])
        return "lines", False
    value = _strict(reply.content)
    if reply.status_code == 200:
        _require(isinstance(value, dict) and "error" not in value, "an error with status 200")
        return "answered", False
    error = value["error"]
    _require(bool(error["message"]) and error["code"] > 0, "an error that says nothing")
    for fault in error.get("faults", ()):
        place = fault.get("field", "")
        _require(fault["message"].startswith(place), "a fault without its place")
    return _known(error["reason"]), True


def _enveloped(value: Any) -> bool:
    """Check an envelope of the national interface; return whether it says that something went wrong."""
    failed = bool(value["infcode"] == -1)
    _require(type(value["infcode"]) is int and value["infcode"] in (0, -1), "infcode")
    _require(isinstance(value["err_msg"], str) and len(value["err_msg"]) <= 200, "err_msg")
    _require(bool(value["err_msg"]) == failed, "err_msg and infcode")
    for name, size in (("refmsg_time", 17), ("respond_time", 17)):
        _require(len(value[name]) == size and value[name].isdigit(), name)
    _require(len(value["inf_refmsgid"]) <= 30, "inf_refmsgid")
    return failed


def _audit(reply: httpx.Response) -> tuple[str, bool]:
    value = _strict(reply.content)
    failed = _enveloped(value)
    _require(failed or reply.status_code == 200, "a status of failure and an envelope of success")
    if not failed and "result" not in value["output"]:
        return "kept", False
    found = value["output"]["result"]
    _require(isinstance(found, list) and (not failed or not found), "result")
    return ("refused" if failed else "answered"), failed


def _check(reply: httpx.Response) -> tuple[str, bool]:
    value = _strict(reply.content)
    if "infcode" in value:
        failed = _enveloped(value)
        value = value["output"]
        _require(failed == (value["status"] == "invalid"), "status and infcode")
    return _checked(value)


def _checked(value: Any) -> tuple[str, bool]:
    status = value["status"]
    _require(status in ("passed", "refused", "invalid"), "status")
    if status == "invalid":
        _require(bool(value["error"]["message"]), "an error that says nothing")
        return _known(value["error"]["reason"]), True
    _require(isinstance(value["findings"], list), "findings")
    return status, False


def _pages(reply: httpx.Response) -> tuple[str, bool]:
    if reply.headers["content-type"].startswith(NDJSON):
        *pages, last = map(_strict, reply.content.splitlines())
        for page in pages:
            _checked(page)
        return ("pages", False) if "summary" in last else _checked(last)
    value = _strict(reply.content)
    if "summary" not in value:
        _require(reply.status_code >= 400, "a refusal with status 200")
        return _checked(value)
    counted = [_checked(page)[1] for page in value["pages"]]
    _require(value["summary"]["invalid"] == sum(counted), "summary")
    return "pages", False


def _cds(reply: httpx.Response) -> tuple[str, bool]:
    value = _strict(reply.content)
    if reply.status_code == 200:
        _require(isinstance(value.get("cards", value.get("services", [])), list), "cards")
        return "answered", False
    _require(value["resourceType"] == "OperationOutcome", "an OperationOutcome")
    _require(all(issue["details"]["text"] and issue["code"] for issue in value["issue"]), "issue")
    return _known(value["issue"][0]["details"]["coding"][0]["code"]), True


_FORMS: Final[Mapping[str, Callable[[httpx.Response], tuple[str, bool]]]] = {
    "JSON": _contract,
    "nhsa": _audit,
    "settlement": _check,
    "front-pages": _pages,
    "cds-services": _cds,
}
