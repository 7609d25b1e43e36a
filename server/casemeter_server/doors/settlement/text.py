"""The text of a message, whichever way it is encoded, and the JSON in it."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, Final

import orjson

from casemeter_server.errors import RequestError

_MARKED: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
_PIECE: Final = 1 << 20


def encoding_of(data: bytes) -> str:
    """Return the encoding: UTF-8 with a mark or without, UTF-16 with a mark, or GB18030, which holds GBK.

    Raises:
        RequestError: it is none of them.
    """
    marked = next((name for mark, name in _MARKED if data.startswith(mark)), None)
    # What can be read as UTF-8 is seldom anything else.
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        if _is_in(data, encoding):
            return encoding
    raise RequestError("NOT_A_PAGE", {"why": "its text is neither UTF-8 nor GB18030"})


def text_of(data: bytes) -> str:
    """Return the text of a message.

    Raises:
        RequestError: it is none.
    """
    return data.decode(encoding_of(data))


def read_json(data: bytes) -> Any:
    """Return what a JSON text holds, its numbers as they are written.

    Raises:
        RequestError: it is no JSON.
    """
    text = text_of(data)
    try:
        if _HALF.search(text):
            # Half a character has no place in any text; this reader knows which halves belong together.
            orjson.loads(text)
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except json.JSONDecodeError as error:
        details = {"why": error.msg, "line": error.lineno, "column": error.colno}
        raise RequestError("NOT_JSON", details) from None
    except RecursionError:
        raise RequestError("NOT_A_PAGE", {"why": "it is nested too deeply"}) from None


def plain_text(value: Any) -> str | None:
    """Return a value of JSON as text, nothing as empty text; ``None``: it is no single value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else None


def _is_in(data: bytes, encoding: str) -> bool:
    """Whether data can be read so; piece by piece, for files may be large."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for at in range(0, len(data), _PIECE):
            decoder.decode(data[at : at + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True
