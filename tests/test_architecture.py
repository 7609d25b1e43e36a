"""The rooms of the house keep to themselves; the contract and its pages say what the code says."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorSet

from casemeter_server.errors import MAX_FAULTS, catalogue

ROOT = Path(__file__).parents[1]
PROTOS = sorted((ROOT / "proto" / "casemeter" / "v1").glob("*.proto"))
ROOMS = {
    # folder: what of ours it may import
    "proto/casemeter": {"casemeter"},
    "grouper/casemeter_grouper": {"casemeter_grouper"},
    "rules/casemeter_rules": {"casemeter_rules", "casemeter_grouper"},
    "clients/casemeter_client": {"casemeter_client", "casemeter"},
    "server/casemeter_server": {
        *("casemeter_server", "casemeter_rules", "casemeter_grouper", "casemeter_client", "casemeter"),
    },
}
WIRE = {"grpc", "google"}


def imports(folder: Path) -> Iterator[tuple[str, str]]:
    """Every module imported anywhere in a folder, with the place where it is."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno} is relative"
                yield str(node.module), f"{path}:{node.lineno}"
            elif isinstance(node, ast.Import):
                for name in node.names:
                    yield name.name, f"{path}:{node.lineno}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    found = list(imports(ROOT / room))
    assert found or room.startswith("rules")
    for module, place in found:
        package = module.split(".")[0]
        if package.startswith("casemeter"):
            assert package in ROOMS[room], place


@pytest.mark.parametrize("room", ["grouper/casemeter_grouper", "rules/casemeter_rules"])
def test_what_groups_knows_no_wire(room: str) -> None:
    for module, place in imports(ROOT / room):
        assert module.split(".")[0] not in WIRE, place


def test_the_client_needs_grpc_and_protobuf_only() -> None:
    for module, place in imports(ROOT / "clients" / "casemeter_client"):
        package = module.split(".")[0]
        known = package in sys.stdlib_module_names or package in ("casemeter", "casemeter_client", "grpc")
        assert known or module.startswith("google.protobuf"), place


def test_the_contract_is_of_the_version_that_the_client_has() -> None:
    """The client is built by a file of its own, which must keep up."""
    whole, client = (
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))["project"]
        for folder in ("", "clients")
    )
    assert client["version"] == whole["version"]
    assert client["requires-python"] == whole["requires-python"]
    assert set(client["dependencies"]) <= set(whole["dependencies"])


def test_serving_loads_nothing_that_it_does_not_need() -> None:
    code = "import sys, casemeter_server.serving; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "casemeter_server.evaluation" in loaded
    assert not loaded & {"polars", "nicegui", "typer", "click", "rich", "casemeter_client"}


def run_protoc(*options: str) -> None:
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", *options]
    subprocess.run([*command, *map(str, PROTOS)], check=True)


def test_the_generated_code_is_that_of_the_schema(tmp_path: Path) -> None:
    run_protoc(f"--python_out={tmp_path}", f"--pyi_out={tmp_path}")
    made = {path.name: path.read_text("utf-8") for path in (tmp_path / "casemeter" / "v1").iterdir()}
    kept = {path.name: path.read_text("utf-8") for path in PROTOS[0].parent.glob("*_pb2*.py*")}
    assert made.keys() == kept.keys()
    assert len(made) == 2 * len(PROTOS)
    for name, text in made.items():
        assert kept[name] == text, f"{name} differs; scripts/generate writes it"


# Comments. The paths into a file's descriptor are those of google.protobuf.SourceCodeInfo.


def elements(schema: FileDescriptorSet) -> Iterator[tuple[str, str]]:
    """Every element of the contract, with the comment before it."""
    for file in schema.file:
        comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
        yield file.name, comments.get((12,), "")  # the syntax line comes first
        places: list[tuple[str, tuple[int, ...]]] = []
        for at, message in enumerate(file.message_type):
            places += _of_message(message, (4, at))
        for at, enum in enumerate(file.enum_type):
            places += _of_enum(enum, (5, at))
        for at, service in enumerate(file.service):
            places.append((service.name, (6, at)))
            places += [(method.name, (6, at, 2, place)) for place, method in enumerate(service.method)]
        for name, path in places:
            yield f"{file.name}: {name}", comments.get(path, "")


def _of_message(message: DescriptorProto, path: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield message.name, path
    for at, field in enumerate(message.field):
        yield f"{message.name}.{field.name}", (*path, 2, at)
    for at, choice in enumerate(message.oneof_decl):
        if not choice.name.startswith("_"):  # made by `optional`
            yield f"{message.name}.{choice.name}", (*path, 8, at)
    for at, inner in enumerate(message.nested_type):
        yield from _of_message(inner, (*path, 3, at))
    for at, enum in enumerate(message.enum_type):
        yield from _of_enum(enum, (*path, 4, at))


def _of_enum(enum: EnumDescriptorProto, path: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield enum.name, path
    for at, value in enumerate(enum.value):
        yield f"{enum.name}.{value.name}", (*path, 2, at)


def test_every_element_of_the_contract_has_a_comment(tmp_path: Path) -> None:
    target = tmp_path / "schema.bin"
    run_protoc(f"--descriptor_set_out={target}", "--include_source_info")
    found = dict(elements(FileDescriptorSet.FromString(target.read_bytes())))
    assert len(found) > 200
    for name in (
        "Encounter.birth_date",
        "Encounter.age_source",
        "Sex.SEX_MALE",
        "CaseMeterService",
        "Evaluate",
    ):
        assert any(element.endswith(f": {name}") for element in found), name
    for element, comment in found.items():
        text = " ".join(comment.split())
        assert text.endswith((".", "?", "`")), f"{element} has the comment '{text}'"


# Pages


def errors_page() -> str:
    """What docs/errors.md says of each reason."""
    lines: list[str] = []
    for part, title in (("request", "Reasons of a call"), ("field", "Reasons of a field")):
        lines += ["", f"## {title}"]
        for reason, entry in catalogue()[part].items():
            status = f" · `{entry['status']}`" if part == "request" else ""
            lines += ["", f"### {reason}{status}", "", f"{_quoted(entry['text'], part)}.", "", entry["mend"]]
    return "\n".join(lines) + "\n"


def _quoted(text: str, part: str) -> str:
    """A text with its places marked; that of a field is said of the field."""
    marked = text.replace("{", "*").replace("}", "*")
    return marked[0].upper() + marked[1:] if part == "request" else f"*field* {marked}"


def test_the_errors_page_tells_every_reason(request: pytest.FixtureRequest) -> None:
    path = ROOT / "docs" / "errors.md"
    written, mark, rest = path.read_text("utf-8").partition(' --update" writes it. -->\n')
    assert mark
    if request.config.getoption("--update"):
        path.write_text(written + mark + errors_page(), "utf-8")
        rest = errors_page()
    assert rest == errors_page(), "docs/errors.md differs; if errors.toml is right, --update writes it"


def test_every_reason_has_a_text_and_a_mend() -> None:
    for part, keys in (("request", {"status", "text", "mend"}), ("field", {"text", "mend"})):
        for reason, entry in catalogue()[part].items():
            assert reason == reason.upper()
            assert entry.keys() == keys
            assert entry["mend"].endswith(".")
            assert not entry["text"].endswith(".")
    assert f"up to {MAX_FAULTS} " in catalogue()["request"]["INVALID_REQUEST"]["mend"]
    contract = (ROOT / "proto" / "casemeter" / "v1" / "error.proto").read_text("utf-8")
    assert f"the first {MAX_FAULTS} of them" in contract
