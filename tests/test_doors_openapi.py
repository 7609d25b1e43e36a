"""The OpenAPI document: valid, complete, true to the contract; and its page for people."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_server.calls import METHODS
from casemeter_server.doors.contract_page import page_of
from casemeter_server.doors.openapi import COMMENTS, comments, document
from door_apps import AS_OF, client_of, engine_of, snapshot_of

ROOT = Path(__file__).parents[1]
FINDINGS = tomllib.loads((Path(__file__).parent / "data" / "findings.toml").read_text("utf-8"))["case"]


def written_comments(target: Path) -> dict[str, str]:
    """The comments of the schema, by the full names of what they are about."""
    protos = sorted((ROOT / "proto" / "casemeter" / "v1").glob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", "--include_source_info"]
    subprocess.run([*command, f"--descriptor_set_out={target}", *map(str, protos)], check=True)
    found: dict[str, str] = {}
    for file in FileDescriptorSet.FromString(target.read_bytes()).file:
        said = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
        for path, comment in said.items():
            if comment and len(path) in (2, 4) and path[0] in (4, 5, 6):  # others are of reserved numbers
                found[f"{file.package}.{name_of(file, path)}"] = " ".join(comment.split())
    return dict(sorted(found.items()))


def name_of(file: Any, path: tuple[int, ...]) -> str:
    """The name of what stands at a path of google.protobuf.SourceCodeInfo."""
    kind, at, *rest = path
    owner = {4: file.message_type, 5: file.enum_type, 6: file.service}[kind][at]
    if not rest:
        return str(owner.name)
    part, place = rest
    if kind == 5:  # values are named beside their enumeration, as in C
        return str(owner.value[place].name)
    parts = {4: {2: "field", 8: "oneof_decl"}, 6: {2: "method"}}[kind]
    return f"{owner.name}.{getattr(owner, parts[part])[place].name}"


def test_the_comments_are_those_of_the_schema(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = ROOT / "server" / "casemeter_server" / "doors" / COMMENTS
    made = written_comments(tmp_path / "schema.bin")
    text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    if request.config.getoption("--update"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text, f"{path.name} differs; if the schema is right, --update writes it"


def test_the_document_is_valid_and_has_every_call() -> None:
    found = document(METHODS)
    validate(found)
    assert found["paths"].keys() == {f"/v1/{name}" for name in METHODS}
    stream = found["paths"]["/v1/EvaluateStream"]["post"]
    assert stream["requestBody"]["content"].keys() == {"application/x-ndjson"}
    watch = found["paths"]["/v1/WatchEncounter"]["post"]["responses"]["200"]["content"]
    assert watch.keys() == {"application/x-ndjson", "text/event-stream"}
    encounter = found["components"]["schemas"]["Encounter"]
    assert (
        encounter["properties"]["birthDate"]["description"] == comments()["casemeter.v1.Encounter.birth_date"]
    )
    assert encounter["allOf"] == [{"not": {"required": ["birthDate", "age"]}}]


def test_what_is_said_fits_the_document(bundles: Path, default_bundle: Path) -> None:
    with client_of(engine_of(snapshot_of(bundles, [default_bundle]))) as client:
        found = client.get("/openapi.json").json()
        assert found == document(METHODS.keys() & client_calls(found))

        def check(name: str, value: Any) -> None:
            schema = {"$ref": f"#/components/schemas/{name}", "components": found["components"]}
            faults = [fault.message for fault in OAS31Validator(schema).iter_errors(value)]
            assert faults == []

        for case in FINDINGS:
            values = {"as_of": AS_OF, "pack": "tiny", "explain": True, **case.get("request", {})}
            request = json_format.MessageToDict(json_format.ParseDict(values, EvaluateRequest()))
            check("EvaluateRequest", request)
            check("EvaluateResponse", client.post("/v1/Evaluate", json=request).json())
        check("ListPacksResponse", client.post("/v1/ListPacks", json={}).json())
        refused = client.post("/v1/Evaluate", json={"encounter": {"diagnoses": [{}]}})
        check("Error", refused.json()["error"])
        with pytest.raises(AssertionError, match="Additional properties"):
            check("EvaluateRequest", {"encounters": {}})


def client_calls(found: dict[str, Any]) -> set[str]:
    return {path.removeprefix("/v1/") for path in found["paths"]}


class Page(HTMLParser):
    """Sections, links, and what a page would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.loads: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids |= {values["id"] or ""} if "id" in values else set()
        self.links |= {values["href"] or ""} if tag == "a" else set()
        if tag in ("script", "link", "img", "iframe"):
            self.loads.append(tag)
        if tag not in ("meta", "br", "!doctype"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_from_elsewhere(bundles: Path) -> None:
    with client_of(engine_of(snapshot_of(bundles))) as client:
        reply = client.get("/docs")
    assert reply.headers["content-type"].startswith("text/html")
    page = Page(reply.text)
    assert page.open == []
    assert page.loads == []
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= page.ids
    assert {link for link in page.links if not link.startswith("#")} == {"/openapi.json"}
    assert {"Encounter", "Verdict", "call-Evaluate"} <= page.ids
    assert "调用 Calls" in reply.text


def test_the_page_shows_markup_as_text() -> None:
    found = document(("Evaluate",))
    found["components"]["schemas"]["Verdict"]["description"] = "<script>alert(1)</script>"
    assert "<script>" not in page_of(found)
