"""Which encoding a text file is in: told by reading all of it, and refused where it cannot be told surely."""

from __future__ import annotations

import codecs
import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

from casemeter_grouper.history.reading.chinese import text_runs, utf8_runs
from casemeter_grouper.history.reading.faults import HistoryFault

PIECE: Final = 1 << 24
"""Bytes that are read at a time."""

# The longer marks first, for one of UTF-16 begins one of UTF-32.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_OTHERS: Final = ("big5", "shift_jis", "euc_jp", "koi8_r", "cp1252")
_GZIP: Final = b"\x1f\x8b"
_UTF8_CHARACTER: Final = re.compile(rb"[\xe2-\xef][\x80-\xbf]{2}")
_SHORT_UTF8: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]")
# Chinese text has less than this share of characters that are not usual; other encodings read as GB 18030
# have a third and more.
_ODD_SHARE: Final = 0.1
# Of runs that look like UTF-8, or like no Chinese at all. Of Chinese text in GBK few in a million do.
_STRANGE_SHARE: Final = 0.01


class Broken(NamedTuple):
    """Where a file stops to be in an encoding.

    Attributes:
        line: counted from 1.
        had_chinese: whether Chinese characters stand before.
    """

    line: int
    had_chinese: bool


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, packed by gzip or not."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
        file.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield cast("IO[bytes]", unpacked)
        else:
            yield file


def encoding_of(path: Path) -> tuple[str, HistoryFault | None]:
    """Return the encoding of a text file as Python names it, or the fault that it cannot be told.

    GB 2312 and GBK are parts of GB 18030.

    Raises:
        OSError: the file cannot be read.
        EOFError, zlib.error: it is packed by gzip, and damaged.
    """
    with opened(path) as file:
        first = file.read(4)
    marked = next((name for mark, name in _MARKS if first.startswith(mark)), "")
    if marked:
        broken = _decodes(path, marked)
        return marked, HistoryFault("encoding_broken", path, _details(marked, broken)) if broken else None
    for piece in _pieces(path):
        if b"\0" in piece:
            return "", HistoryFault("nul_characters", path)
        if b"\x1b" in piece:
            return "", HistoryFault("escape_characters", path)
    broken = _decodes(path, "utf-8")
    if broken is None:
        return "utf-8", _ambiguous(path)
    if broken.had_chinese:
        return "", HistoryFault("encoding_changes", path, _details("utf-8", broken))
    return "gb18030", _not_chinese(path)


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield a file in pieces of whole lines: no line feed is part of another character."""
    with opened(path) as file:
        while piece := file.read(PIECE):
            yield piece + file.readline()


def _details(encoding: str, broken: Broken) -> dict[str, object]:
    return {"encoding": encoding.removesuffix("-sig").upper(), "line": broken.line}


def _decodes(path: Path, encoding: str) -> Broken | None:
    """Return where a file stops to be in an encoding; ``None``: it is to its end."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, chinese = 1, False
    for piece in (*_pieces(path), b""):
        pending, _ = decoder.getstate()
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            before = (pending + piece)[: error.start]
            return Broken(lines + before.count(b"\n"), chinese or _UTF8_CHARACTER.search(before) is not None)
        lines += piece.count(b"\n")
        chinese = chinese or _UTF8_CHARACTER.search(piece) is not None
    return None


def _ambiguous(path: Path) -> HistoryFault | None:
    """The fault of a file whose few characters beyond ASCII are as good in GBK as in UTF-8."""
    short = False
    for piece in _pieces(path):
        if not piece.isascii():
            if _UTF8_CHARACTER.search(piece):
                return None
            short = short or _SHORT_UTF8.search(piece) is not None
    if short and _decodes(path, "gb18030") is None:
        return HistoryFault("encoding_ambiguous", path)
    return None


def _not_chinese(path: Path) -> HistoryFault | None:
    """The fault of a file that is not surely Chinese text in GB 18030."""
    decoder = codecs.getincrementaldecoder("gb18030")(errors="replace")
    usual, beyond, line, changes, whole = 0, 0, 1, 0, True
    for piece in (*_pieces(path), b""):
        utf8 = utf8_runs(piece)
        if len(utf8.strange) > _STRANGE_SHARE * utf8.number:
            changes = line + piece[: utf8.strange[0]].count(b"\n")
            break
        text = decoder.decode(piece, final=not piece)
        runs, its_beyond, its_usual = text_runs(text)
        if not changes and len(runs.strange) > _STRANGE_SHARE * runs.number:
            changes = line + text[: runs.strange[0]].count("\n")
        beyond, usual = beyond + its_beyond, usual + its_usual
        line += piece.count(b"\n")
        whole = whole and "\ufffd" not in text
    if beyond - usual > _ODD_SHARE * beyond:
        return HistoryFault("encoding_unknown", path, {"others": _could_be(path)})
    if changes:
        return HistoryFault("encoding_changes", path, _details("gb18030", Broken(changes, had_chinese=True)))
    if not whole and (broken := _decodes(path, "gb18030")):
        return HistoryFault("encoding_broken", path, _details("gb18030", broken))
    return None


def _could_be(path: Path) -> str:
    return ", ".join(name for name in _OTHERS if _decodes(path, name) is None) or "-"
