"""Pages as files: an encounter, a message 4101 or 4101A, a row of a table of front pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from casemeter_server.sealing.canonical import ContentError
from casemeter_server.sealing.content import Kind, Page


def read_page(path: Path, kind: Kind, row: int | None = None) -> Page:
    """Read a page.

    Args:
        path: the file.
        kind: what it holds.
        row: of a table: which one, by the number that its check gave it; ``None``: its only one.

    Raises:
        ContentError: the file is not of that kind, or has no such row.
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    if kind is Kind.FRONT_PAGE:
        return _row(data, row)
    if row is not None:
        raise ContentError("rows are of tables only, and this is one page")
    return data


def _row(data: bytes, number: int | None) -> Mapping[str, str]:
    # Tables are read as the door reads them; other pages need not wait for what that takes.
    from casemeter_server.doors.settlement.sheet import read_sheet
    from casemeter_server.errors import RequestError

    try:
        sheet = read_sheet(data)
        rows = {row.number: row for row in sheet.rows}
    except RequestError as error:
        raise ContentError(f"{error}") from None
    if number is None and len(rows) != 1:
        raise ContentError(f"{len(rows)} rows; say which with --row")
    found = next(iter(rows.values())) if number is None else rows.get(number)
    if found is None:
        raise ContentError(f"no row {number}; rows are {min(rows, default=0)} to {max(rows, default=0)}")
    if found.why:
        raise ContentError(f"row {found.number} cannot be read: {found.why}")
    # By their titles, both as they are written: as the door has them sealed.
    return dict(zip(sheet.titles, found.cells, strict=False))
