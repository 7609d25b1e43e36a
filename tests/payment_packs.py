"""Payment and benchmark packs for tests: written in a few lines, built and opened."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from casemeter_grouper.pack.build import build
from casemeter_grouper.payment.policy import Policy

REPOSITORY = Path(__file__).parents[1]

HEADER: Mapping[str, Any] = {
    "id": "tiny",
    "kind": "payment",
    "title": "Tiny",
    "scheme": "tiny",
    "method": "rate",
}
NORMAL = {
    "bands.csv": "band,from,from_inclusive,to,to_inclusive,fixed,per_multiple,divisor\nall,,,,,1,,standard\n"
}
RATE = {"prices.csv": "level,insurance,price_yuan,status\n,,5000,settled\n"}


def write_pack(folder: Path, tables: Mapping[str, str], extra: str = "", **header: Any) -> Path:
    """Write a payment pack; header values are written as TOML writes texts and numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {**HEADER, **header}
    lines = [
        f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}"
        for key, value in values.items()
    ]
    (folder / "payment.toml").write_text("\n".join([*lines, extra, ""]), "utf-8")
    for name, text in tables.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def opened(folder: Path) -> Policy:
    """Build the bundle of a pack beside it and open it."""
    target = folder.with_suffix(".bundle")
    build(folder, target)
    return Policy.open(target)


@cache
def importer() -> dict[str, Any]:
    """The functions of scripts/import_payment.py."""
    return runpy.run_path(str(REPOSITORY / "scripts" / "import_payment.py"))
