"""Reading ``rules.toml``: who a rules pack is, and when it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.header_keys import COMMON_KEYS, Key, read_header_keys

FILE: Final = "rules.toml"
KIND: Final = "rules"
_KEYS: Mapping[str, Key] = {
    **COMMON_KEYS,
    "demonstration": Key((bool,), "true or false", "false"),
}


@dataclass(frozen=True, slots=True)
class Header:
    """Who a rules pack is.

    Attributes:
        valid_from: first day, ``YYYY-MM-DD``, or empty for always.
        valid_until: last day, or empty for open.
        demonstration: the rules are invented.
    """

    id: str
    title: str
    version: str
    valid_from: str
    valid_until: str
    demonstration: bool

    def to_json(self) -> dict[str, Any]:
        """Return the header as JSON values."""
        return asdict(self)


def read_header(folder: Path, faults: list[Fault]) -> Header | None:
    """Read the header of a rules pack, or note why it cannot be read and return ``None``."""
    file = read_header_keys(folder, FILE, KIND, _KEYS, faults)
    if file is None:
        return None
    texts = {name: file.text(name) for name in ("id", "title", "version", "valid_from", "valid_until")}
    return Header(**texts, demonstration=file.values.get("demonstration", False))
