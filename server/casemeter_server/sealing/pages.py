"""Pages as files: an encounter, a message 4101 or 4101A, a row of a table of front pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from casemeter_server.sealing.canonical import ContentError
from casemeter_server.sealing.content import Kind, Page, text_of


def read_page(path: Path, kind: Kind, row: int | None = None) -> Page:
    """Read a page.

    Args:
        path: the file.
        kind: what it holds.
        row: of a table: which one, the first below the header being 1; ``None``: its only one.

    Raises:
        ContentError: the file is not of that kind, or has no such row.
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    if kind is Kind.FRONT_PAGE:
        return _row(text_of(data), row)
    if row is not None:
        raise ContentError("rows are of tables only, and this is one page")
    return data


def _row(text: str, row: int | None) -> Mapping[str, str]:
    try:
        header, *rows = [cells for cells in csv.reader(io.StringIO(text, newline=""), strict=True) if cells]
    except (csv.Error, ValueError) as error:
        raise ContentError(f"not a table: {error}") from None
    if row is None and len(rows) != 1:
        raise ContentError(f"{len(rows)} rows; say which with --row")
    at = 1 if row is None else row
    if not 1 <= at <= len(rows):
        raise ContentError(f"no row {at}; there are {len(rows)}")
    cells = rows[at - 1]
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise ContentError(f"column '{twice}' stands twice")
    if len(cells) != len(header):
        raise ContentError(f"row {at} has {len(cells)} cells, the header {len(header)}")
    return dict(zip(header, cells, strict=True))
