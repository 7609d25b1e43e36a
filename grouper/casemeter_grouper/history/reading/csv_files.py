"""CSV files, in whatever encoding, read piece by piece."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.history.reading import encodings
from casemeter_grouper.history.reading.columns import known_titles
from casemeter_grouper.history.reading.csv_rows import find_rows
from casemeter_grouper.history.reading.rows import Rows

_DELIMITERS: Final = (",", ";", "\t")
_HEADER_BYTES: Final = 1 << 18


class _Found(NamedTuple):
    """Rows of a piece of text: their places in it, and which of them can be read."""

    data: bytes
    places: NDArray[np.int64]
    sound: NDArray[np.bool_]


class CsvSource:
    """A CSV file; see :class:`~casemeter_grouper.history.reading.rows.Source`.

    Args:
        path: of the file, packed by gzip or not.
        encoding: as Python names it.
    """

    def __init__(self, path: Path, encoding: str) -> None:
        self.path = path
        self.encoding = encoding
        with encodings.opened(path) as file:
            decoder = codecs.getincrementaldecoder(encoding)()
            start = decoder.decode(file.read(_HEADER_BYTES))
        self._delimiter, titles = _header(start)
        self.titles = tuple(titles)

    def types(self) -> Sequence[pl.DataType]:
        """See :class:`~.tables.Source`."""
        return [pl.String()] * len(self.titles)

    def rows(self, titles: Sequence[str]) -> Iterator[Rows]:
        """See :class:`~.tables.Source`."""
        done = -1
        for found in self._find():
            if done < 0 and len(found.places):
                found = _Found(found.data, found.places[1:], found.sound[1:])
                done = 0
            if len(found.places):
                yield self._read(found, titles, done + 1)
                done += len(found.places)

    def _find(self) -> Iterator[_Found]:
        rest = b""
        delimiter, width = ord(self._delimiter), len(self.titles)
        for text in self._texts():
            data = rest + text.encode()
            lines = data.count(b"\n") + 1
            places, sound = np.empty((lines, 2), np.int64), np.empty(lines, np.bool_)
            count, used = find_rows(np.frombuffer(data, np.uint8), delimiter, width, not text, places, sound)
            rest = data[used:]
            yield _Found(data, places[:count], sound[:count])

    def _texts(self) -> Iterator[str]:
        """Yield the text in pieces with line feeds at the ends of lines, then an empty one."""
        decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(self.encoding)(), translate=True)
        with encodings.opened(self.path) as file:
            while piece := file.read(encodings.PIECE):
                if text := decoder.decode(piece):
                    yield text
        if text := decoder.decode(b"", final=True):
            yield text
        yield ""

    def _read(self, found: _Found, titles: Sequence[str], first: int) -> Rows:
        # Titles may be empty, or stand there twice where nobody asks for them.
        wanted = {str(self.titles.index(title)): title for title in titles}
        header = self._delimiter.join(map(str, range(len(self.titles)))).encode()
        starts, ends = found.places[:, 0], found.places[:, 1]
        if found.sound.all() and (starts[1:] == ends[:-1] + 1).all():
            lines = [found.data[starts[0] : ends[-1]]]
        else:
            # Rows that cannot be read and empty lines stand between.
            lines = [found.data[start:end] for start, end in found.places[found.sound].tolist()]
        frame = pl.read_csv(
            b"\n".join((header, *lines)),
            separator=self._delimiter,
            infer_schema=False,
            columns=list(wanted),
            raise_if_empty=False,
        )
        numbers = np.arange(first, first + len(found.places))
        broken = tuple(numbers[~found.sound].tolist())
        return Rows(numbers[found.sound], frame.rename(wanted).select(titles), broken)


def _header(text: str) -> tuple[str, list[str]]:
    """Return the delimiter and the titles: those that most columns are known by."""
    headers = []
    for delimiter in _DELIMITERS:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            titles = [title.strip() for title in next((row for row in rows if row), [])]
        except csv.Error:
            # A quotation mark that is not closed, say: no header by this delimiter.
            titles = []
        headers.append((known_titles(titles), delimiter, titles))
    _, delimiter, titles = max(headers, key=lambda header: header[0])
    return delimiter, titles
