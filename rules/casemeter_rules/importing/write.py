"""Writing a rules pack: wholly, or not at all."""

from __future__ import annotations

import csv
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from casemeter_rules.importing.report import ImportRefused
from casemeter_rules.importing.rows import Row
from casemeter_rules.kinds import kinds
from casemeter_rules.pack.header import FILE, KIND
from casemeter_rules.pack.load import load_rules
from casemeter_rules.pack.rows import COMMON


def write_pack(rows: Iterable[Row], target: Path, header: dict[str, str], *, replace: bool) -> None:
    """Write a pack beside its place, read it back, and move it there.

    Args:
        rows: of its tables.
        target: its folder.
        header: id, title, version and days of the pack.
        replace: whether a folder that is there already gives way.

    Raises:
        ImportRefused: the folder is there already.
        PackError: the pack cannot be read back; nothing was changed.
    """
    if target.exists() and not replace:
        raise ImportRefused(f"目标已存在：{target}", f"the target is there already: {target}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as working:
        made = Path(working) / "new"
        made.mkdir()
        (made / FILE).write_text(_header(header), "utf-8")
        for kind, table in sorted(_tables(rows).items()):
            _write_table(made / f"{kind}.csv", kind, table)
        load_rules(made)
        if target.exists():
            target.rename(Path(working) / "old")
            try:
                made.rename(target)
            except OSError:
                (Path(working) / "old").rename(target)
                raise
        else:
            made.rename(target)


def _header(header: dict[str, str]) -> str:
    lines = []
    for key, value in {"kind": KIND, **header}.items():
        if value:
            said = value if key.startswith("valid_") else json.dumps(value, ensure_ascii=False)
            lines.append(f"{key} = {said}\n")
    return "".join(lines)


def _tables(rows: Iterable[Row]) -> dict[str, list[Row]]:
    tables: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        tables[row.kind].append(row)
    return tables


def _write_table(path: Path, kind: str, rows: list[Row]) -> None:
    columns = [
        column.name
        for column in (*kinds()[kind].columns, *COMMON)
        if column.required or any(row.cells.get(column.name) for row in rows)
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([row.cells.get(column, "") for column in columns] for row in rows)
