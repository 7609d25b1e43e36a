"""Messages 3101 and 3102 for tests, in the shapes that a table names."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf import json_format

from casemeter.v1.encounter_pb2 import Encounter

DATA = Path(__file__).parent / "data"
ZONE = ZoneInfo("Asia/Shanghai")
_TIME = "%Y-%m-%d %H:%M:%S"


def base_message() -> dict[str, Any]:
    """The message that all shapes are made of."""
    message: dict[str, Any] = json.loads((DATA / "nhsa_message.json").read_text("utf-8"))
    return message


def base_encounter() -> Encounter:
    """What it says."""
    return json_format.Parse((DATA / "nhsa_encounter.json").read_text("utf-8"), Encounter())


def edited(message: Mapping[str, Any], edits: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The message with edits made: names are changed after all else, inner ones first."""
    found = copy.deepcopy(dict(message))
    for edit in sorted(edits, key=lambda edit: (_stage(edit), -edit["at"].count("."))):
        *way, name = edit["at"].split(".")
        for owner in list(_owners(found, way)):
            _edit(owner, name, edit)
    return found


def written(message: Mapping[str, Any], encoding: str = "utf-8") -> bytes:
    """The bytes of a message."""
    if encoding == "ascii":
        return json.dumps(message).encode()
    return json.dumps(message, ensure_ascii=False).encode(encoding)


def _stage(edit: Mapping[str, Any]) -> int:
    return 2 if "text" in edit else 1 if "rename" in edit else 0


def _owners(owner: Any, way: list[str]) -> Iterator[dict[str, Any]]:
    if isinstance(owner, list):
        for one in owner:
            yield from _owners(one, way)
    elif isinstance(owner, dict):
        if way:
            yield from _owners(owner.get(way[0]), way[1:])
        else:
            yield owner


def _edit(owner: dict[str, Any], name: str, edit: Mapping[str, Any]) -> None:
    if "value" in edit:
        owner[name] = None if edit["value"] == "null" else copy.deepcopy(edit["value"])
        return
    value = owner.pop(name, None)
    if value is None or "absent" in edit:
        return
    if "rename" in edit:
        name = edit["rename"]
    elif "only" in edit:
        (value,) = value
    elif "numbers" in edit:
        value = int(value) if value.isdecimal() else float(Decimal(value))
    elif "flags" in edit:
        value = value == "1"
    elif "times" in edit:
        value = datetime.strptime(value, _TIME).strftime(edit["times"])
    elif "text" in edit:
        value = json.dumps(value, ensure_ascii=False)
    owner[name] = value
