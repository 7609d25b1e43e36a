"""The rows of a table as text: CSV as hospitals export it, or the first sheet of a workbook."""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from casemeter_server.doors.settlement.text import encoding_of, plain_text, read_json
from casemeter_server.errors import RequestError

if TYPE_CHECKING:
    import polars as pl

_ZIP: Final = b"PK\x03\x04"
_OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0"
_DELIMITERS: Final = (",", "\t", ";")
MAX_UNPACKED: Final = 512 << 20
"""The most bytes that the parts of a workbook may come to: packed, very many fit into a small file."""

_PIECE: Final = 1 << 20
_LONG_DECIMALS: Final = re.compile(r"-?\d+\.\d{7,}\Z", re.ASCII)


class Row(NamedTuple):
    """A row below the titles.

    Attributes:
        number: in the file, the first line being 1.
        cells: as text.
        why: it cannot be read; empty: it can.
    """

    number: int
    cells: Sequence[str]
    why: str = ""


class Sheet(NamedTuple):
    """A table: its titles, the rows below them, and about how many these are."""

    titles: Sequence[str]
    rows: Iterator[Row]
    size: int


def read_sheet(data: bytes) -> Sheet:
    """Return the rows of a table that have something in them.

    Args:
        data: a workbook (xlsx), JSON objects by column, or CSV with commas, tabs or semicolons.

    Raises:
        RequestError: it is no table.
    """
    if data.startswith((_ZIP, _OLD_WORKBOOK)):
        return _workbook(data)
    encoding = encoding_of(data)
    with io.TextIOWrapper(io.BytesIO(data), encoding, newline="") as start:
        first = start.readline()
    if "\0" in first:
        raise RequestError("NOT_A_PAGE", {"why": "it is neither text nor a workbook"})
    if first.lstrip().startswith(("{", "[")):
        return _objects(data)
    delimiter = max(_DELIMITERS, key=first.count)
    rows = _lines(data, encoding, delimiter)
    titles = next(rows, Row(1, ()))
    if titles.why:
        raise RequestError("NOT_A_PAGE", {"why": f"its titles are not CSV: {titles.why}"})
    return Sheet(titles.cells, rows, data.count(b"\n"))


def _lines(data: bytes, encoding: str, delimiter: str) -> Iterator[Row]:
    with io.TextIOWrapper(io.BytesIO(data), encoding, newline="") as text:
        reader = csv.reader(text, delimiter=delimiter)
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(number, (), str(error))
                continue
            if any(cell.strip() for cell in cells):
                yield Row(number, cells)


def _objects(data: bytes) -> Sheet:
    """Return objects of JSON as rows; an object alone is one row."""
    found = read_json(data)
    listed = found if isinstance(found, list) else [found]
    titles: dict[str, None] = {}
    for one in listed:
        titles.update(dict.fromkeys(one if isinstance(one, dict) else ()))
    return Sheet(tuple(titles), _cells_of(listed, tuple(titles)), len(listed))


def _cells_of(listed: Sequence[Any], titles: Sequence[str]) -> Iterator[Row]:
    for number, one in enumerate(listed, 1):
        if not isinstance(one, dict):
            yield Row(number, (), "it is no JSON object")
            continue
        cells = [plain_text(one.get(title)) for title in titles]
        wrong = next((title for title, cell in zip(titles, cells, strict=True) if cell is None), None)
        if wrong is not None:
            yield Row(number, (), f"{wrong} is not text")
        else:
            yield Row(number, [cell or "" for cell in cells])


def _workbook(data: bytes) -> Sheet:
    if data.startswith(_ZIP):
        _check_parts(data)
    # Loaded here only: whoever sends CSV does not need it.
    import polars as pl

    try:
        frame = pl.read_excel(
            data,
            sheet_id=1,
            has_header=False,
            infer_schema_length=0,
            drop_empty_rows=False,
            drop_empty_cols=False,
            raise_if_empty=False,
        )
    except Exception:
        # The library has errors of many kinds, its own and those of others; whichever it is, it cannot read.
        raise _unreadable() from None
    rows = _filled(frame)
    return Sheet(next(rows, Row(1, ())).cells, rows, frame.height)


def _unreadable() -> RequestError:
    return RequestError("NOT_A_PAGE", {"why": "its first sheet cannot be read as a workbook"})


def _check_parts(data: bytes) -> None:
    """Refuse a workbook whose parts are larger than allowed, whatever they say, or cannot be unpacked."""
    size = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            for part in file.infolist():
                # Of a part that says it is smaller than it is, no more than it says would be unpacked.
                part.file_size = MAX_UNPACKED + 1
                part.CRC = None  # type: ignore[assignment]  # as the library has it for what it does not check
                with file.open(part) as unpacked:
                    while piece := unpacked.read(_PIECE):
                        size += len(piece)
                        if size > MAX_UNPACKED:
                            why = f"its parts come to more than {MAX_UNPACKED >> 20} MiB"
                            raise RequestError("NOT_A_PAGE", {"why": why})
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise _unreadable() from None


def _filled(frame: pl.DataFrame) -> Iterator[Row]:
    for at, row in enumerate(frame.iter_rows(), 1):
        cells = [_shown(cell or "") for cell in row]
        if any(cell.strip() for cell in cells):
            yield Row(at, cells)


def _shown(text: str) -> str:
    """Return a number of a workbook without what its binary fraction adds: 100.30000000000001 is 100.3."""
    return repr(round(float(text), 6)) if _LONG_DECIMALS.match(text) else text
