"""Final groups from a file: read and checked as a whole, then kept all together or not at all."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from io import StringIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from casemeter_server.ledger.outcomes import FILE
from casemeter_server.sealing.canonical import ContentError
from casemeter_server.sealing.content import text_of
from casemeter_server.store.reading import Reading
from casemeter_server.store.rows import ToldOutcome
from casemeter_server.store.store import Store, Writing

MAX_CODES: Final = 200
MAX_CODE: Final = 40
MAX_NAME: Final = 64
MAX_FEN: Final = 10_000_000_000_000
"""As in the contract's Outcome."""

SEPARATOR: Final = "|"


class RowFault(NamedTuple):
    """Something wrong with a row.

    Attributes:
        row: 1-based row; the header does not count.
        column: as the file names it.
        problem: what is wrong.
    """

    row: int
    column: str
    problem: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.column}: {self.problem}"


class SettleError(ValueError):
    """A file that was not taken; nothing of it is kept.

    Attributes:
        faults: everything wrong with its rows.
    """

    def __init__(self, message: str, faults: Sequence[RowFault] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


class Settled(NamedTuple):
    """What became of a file.

    Attributes:
        kept: final groups.
        passed_over: rows of stays that are not in the store.
    """

    kept: int
    passed_over: int = 0


def settle(store: Store, file: Path, source: str, hospital: str = "", *, pass_over: bool = False) -> Settled:
    """Keep the final groups of a file. A stay that was told before is told anew.

    Args:
        store: that holds the encounters.
        file: CSV (UTF-8 or GB 18030) or Parquet.
        source: ``coder`` or ``bureau``.
        hospital: of rows that name none.
        pass_over: whether rows of stays that are not in the store are passed over; else they are faults.

    Raises:
        SettleError: nothing was kept; says why, with every fault of every row.
        StoreError: the store does not answer; nothing was kept.
    """
    faults: list[RowFault] = []
    told = list(_told(file, source, hospital, datetime.now(UTC), faults))
    faults.extend(_twice(told))
    if not told:
        raise SettleError(f"{file}: there is no row")
    rows = {row: outcome for row, outcome in enumerate(told, 1) if outcome is not None}
    unknown = store.read_now(lambda reading: _unknown(reading, rows))
    if pass_over:
        rows = {row: outcome for row, outcome in rows.items() if row not in unknown}
    else:
        problem = "no encounter of this number is in the store"
        faults.extend(RowFault(row, "encounter", problem) for row in unknown)
    if faults:
        raise SettleError(f"{file}: {len(faults)} faults; nothing was kept", sorted(faults))

    def keep(writing: Writing) -> None:
        writing.put_outcomes(list(rows.values()))

    if rows:
        store.write_now(keep)
    return Settled(len(rows), len(unknown))


def _told(
    file: Path, source: str, hospital: str, at: datetime, faults: list[RowFault]
) -> Iterator[ToldOutcome | None]:
    """Yield what each row tells; ``None``: it has faults, which are noted."""
    titles, rows = _rows(file)
    columns = _columns(titles, file)
    for number, row in enumerate(rows, 1):
        yield _Row(number, row, columns, faults).told(source, hospital, at)


class _Row:
    """One row, whose faults are noted as it is read."""

    def __init__(
        self, number: int, cells: Mapping[str, str], columns: Mapping[str, str], faults: list[RowFault]
    ) -> None:
        self._number, self._cells, self._columns, self._faults = number, cells, columns, faults

    def told(self, source: str, hospital: str, at: datetime) -> ToldOutcome | None:
        before = len(self._faults)
        encounter, group = self._name("encounter", required=True), self._name("group", required=True)
        of = self._name("hospital") or hospital
        pack, version = self._name("pack"), self._name("pack_version")
        content: dict[str, Any] = {}
        for name in ("diagnoses", "procedures"):
            if codes := self._codes(name):
                content[name] = codes
        for name in ("cost", "payment"):
            amount = self._fen(name)
            if amount is not None:
                content[f"{name}_fen"] = amount
        if "procedures" in content and "diagnoses" not in content:
            self._note("procedures", "procedures without diagnoses; tell both, or neither")
        if len(self._faults) > before:
            return None
        text = orjson.dumps(content).decode()
        return ToldOutcome(of, encounter, source, at, FILE, group, pack, version, text)

    def _cell(self, name: str) -> str:
        return (self._cells.get(self._columns[name]) or "").strip() if name in self._columns else ""

    def _name(self, name: str, *, required: bool = False) -> str:
        text = self._cell(name)
        if required and not text:
            self._note(name, "is empty")
        elif len(text) > MAX_NAME or "\0" in text:
            self._note(name, f"has {len(text)} characters, or one that cannot be kept; at most {MAX_NAME}")
        return text

    def _codes(self, name: str) -> list[str]:
        text = self._cell(name)
        if not text:
            return []
        codes = [code.strip() for code in text.split(SEPARATOR)]
        if not all(codes):
            self._note(name, f"an empty code; write codes with {SEPARATOR} between them")
        elif max(map(len, codes)) > MAX_CODE:
            self._note(name, f"a code of more than {MAX_CODE} characters")
        elif len(codes) > MAX_CODES:
            self._note(name, f"{len(codes)} codes; at most {MAX_CODES}")
        elif "\0" in text:
            self._note(name, "a character that cannot be kept")
        return codes

    def _fen(self, name: str) -> int | None:
        text = self._cell(name).replace(",", "")
        if not text:
            return None
        try:
            fen = Decimal(text).scaleb(2)
            if not fen.is_finite() or fen != fen.to_integral_value() or not 0 <= fen <= MAX_FEN:
                raise InvalidOperation
        except InvalidOperation:
            limit = f"0 to {MAX_FEN // 100:,}"
            self._note(name, f"'{text[:20]}' is no amount in yuan with at most two decimals, {limit}")
            return None
        return int(fen)

    def _note(self, name: str, problem: str) -> None:
        self._faults.append(RowFault(self._number, self._columns[name], problem))


def _rows(file: Path) -> tuple[list[str], Iterator[Mapping[str, str]]]:
    """Return the titles and the rows of a file, as text."""
    if file.suffix == ".parquet":
        return _of_parquet(file)
    try:
        reader = csv.DictReader(StringIO(text_of(file.read_bytes()), newline=""), strict=True)
        titles = [title.strip() for title in reader.fieldnames or ()]
        reader.fieldnames = titles
    except (ContentError, csv.Error) as error:
        raise SettleError(f"{file}: cannot be read as CSV: {error}") from None
    return titles, _of_csv(file, reader)


def _of_csv(file: Path, reader: csv.DictReader[str]) -> Iterator[Mapping[str, str]]:
    try:
        for row in reader:
            if None in row or None in row.values():
                raise SettleError(
                    f"{file}: line {reader.line_num} has more or fewer cells than there are titles"
                )
            yield row
    except csv.Error as error:
        raise SettleError(f"{file}: line {reader.line_num}: {error}") from None


def _of_parquet(file: Path) -> tuple[list[str], Iterator[Mapping[str, str]]]:
    # Loaded only where it is needed.
    import polars as pl

    try:
        frame = pl.read_parquet(file)
        lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
        joined = [pl.col(name).cast(pl.List(pl.String)).list.join(SEPARATOR) for name in lists]
        frame = frame.with_columns(joined).cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise SettleError(f"{file}: cannot be read as Parquet: {error}") from None
    return frame.columns, frame.iter_rows(named=True)


@cache
def _known_columns() -> Mapping[str, Any]:
    return tomllib.loads(
        resources.files("casemeter_server.ledger").joinpath("settle.toml").read_text("utf-8")
    )


def _columns(titles: Sequence[str], file: Path) -> dict[str, str]:
    """Return the title of each known column that a file has; others are left alone."""
    found: dict[str, str] = {}
    problems = []
    for name, entry in _known_columns().items():
        own = [title for title in titles if title in entry["names"]]
        if len(own) > 1:
            problems.append(f"the columns {', '.join(own)} say the same; keep one")
        elif own:
            found[name] = own[0]
        elif entry.get("required"):
            problems.append(f"missing column {name} ({', '.join(entry['names'][1:])})")
    if len(set(titles)) < len(titles):
        problems.append("two columns have the same title")
    if problems:
        raise SettleError(f"{file}: {'; '.join(problems)}")
    return found


def _twice(told: Sequence[ToldOutcome | None]) -> Iterator[RowFault]:
    first: dict[tuple[str, str], int] = {}
    for row, outcome in enumerate(told, 1):
        if outcome is not None:
            before = first.setdefault((outcome.hospital, outcome.encounter), row)
            if before != row:
                yield RowFault(row, "encounter", f"the stay of row {before} again")


def _unknown(reading: Reading, rows: Mapping[int, ToldOutcome]) -> set[int]:
    return {
        row for row, outcome in rows.items() if reading.encounter(outcome.hospital, outcome.encounter) is None
    }
