"""Reading ``benchmark.toml``: whose stays a benchmark was taken from, and when it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from casemeter_grouper.benchmark.categories import SYSTEMS
from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.header_keys import PACK_KEYS, Key, read_header_keys

FILE = "benchmark.toml"
KIND = "benchmark"
_KEYS: Mapping[str, Key] = {
    **PACK_KEYS,
    "period": Key((str,), "text", '"2025"'),
    "category_system": Key(
        (str,), f"one of: {', '.join(SYSTEMS)}", '"front_page"', fits=SYSTEMS.__contains__
    ),
}


@dataclass(frozen=True, slots=True)
class Header:
    """Who a benchmark is.

    Attributes:
        valid_from: first day, ``YYYY-MM-DD``, or empty for always.
        valid_until: last day, or empty for open.
        scheme: id of the scheme pack whose groups it measures.
        period: when the stays were settled, in words.
        category_system: system of the fee categories of its structures, or empty when it has none.
        demonstration: the figures are invented.
    """

    id: str
    title: str
    version: str
    valid_from: str
    valid_until: str
    scheme: str
    period: str
    category_system: str
    demonstration: bool

    def to_json(self) -> dict[str, Any]:
        """Return the header as JSON values."""
        return asdict(self)

    def holds_on(self, day: str) -> bool:
        """Whether the benchmark holds on a day (``YYYY-MM-DD``)."""
        return self.valid_from <= day and (not self.valid_until or day <= self.valid_until)


def read_header(folder: Path, faults: list[Fault]) -> Header | None:
    """Read the header of a benchmark pack, or note why it cannot be read and return ``None``."""
    file = read_header_keys(folder, FILE, KIND, _KEYS, faults)
    if file is None:
        return None
    texts = {
        name: file.text(name)
        for name in ("id", "title", "version", "valid_from", "valid_until", "scheme", "period")
    }
    return Header(
        **texts,
        category_system=file.text("category_system"),
        demonstration=file.values.get("demonstration", False),
    )
