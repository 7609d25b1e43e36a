"""Tables of settled stays for tests, written in every way that hospitals write them."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from casemeter_grouper.history.reading.columns import PAGES, columns_of
from casemeter_grouper.history.settled import Choices, PackGrouping, SettledHistory, open_settled

Row = Mapping[str, str]


def csv_text(rows: Sequence[Row], *, delimiter: str = ",", titles: bool = False, newline: str = "\n") -> str:
    """Rows as CSV; every row has the same columns, named by codes or by their first titles."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=newline)
    shown = {column.code: column.titles[0] for column in columns_of(PAGES)} if titles else {}
    writer.writerow([shown.get(name, name) for name in rows[0]])
    writer.writerows(row.values() for row in rows)
    return text.getvalue()


def write_csv(path: Path, rows: Sequence[Row], *, delimiter: str = ",", titles: bool = False) -> Path:
    """Write rows as CSV in UTF-8, packed if the name says so."""
    data = csv_text(rows, delimiter=delimiter, titles=titles).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def write_parquet(path: Path, rows: Sequence[Row]) -> Path:
    """Write rows as Parquet with the types that their columns are of."""
    frame = pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String))
    typed: dict[str, pl.DataType] = {
        "money": pl.Decimal(18, 2),
        "integer": pl.Int32(),
        "number": pl.Float64(),
    }
    frame = frame.with_columns(
        pl.col(column.code).replace("", None).cast(typed[column.type])
        for column in columns_of(PAGES)
        if column.code in frame.columns and column.type in typed
    )
    frame.write_parquet(path)
    return path


def kept(history: SettledHistory) -> list[tuple[object, ...]]:
    """Everything that the chunks of a history say, by stay; groups and departments by name."""
    found: list[tuple[object, ...]] = []
    for chunk in history.chunks():
        names = [*history.departments, None]
        for at in range(len(chunk)):
            found.append(
                (
                    int(chunk.key[at]),
                    history.pack.groups[chunk.group[at]],
                    int(chunk.adrg[at]),
                    int(chunk.status[at]),
                    int(chunk.discharge[at]),
                    int(chunk.year[at]),
                    int(chunk.cost_fen[at]),
                    int(chunk.los_days[at]),
                    int(chunk.age_years[at]),
                    int(chunk.sex[at]),
                    names[chunk.department[at]],
                    tuple(chunk.fees_fen[at].tolist()),
                    int(chunk.principal[at]),
                    *(
                        tuple(lists.values[lists.at[at] : lists.at[at + 1]].tolist())
                        for lists in (chunk.others, chunk.procedures)
                    ),
                )
            )
    return found


def read(
    paths: Iterable[Path], pack: PackGrouping, choices: Choices | None = None
) -> tuple[list[tuple[object, ...]], SettledHistory]:
    """Read files to their end."""
    history = open_settled(paths, pack, choices)
    return kept(history), history
