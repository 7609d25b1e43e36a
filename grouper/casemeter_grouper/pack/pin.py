"""Pinning a pack to the dictionary its prefixes were written against, in the text of ``scheme.toml``."""

from __future__ import annotations

import re
import secrets
import tomllib
from collections.abc import Iterator
from pathlib import Path

from casemeter_grouper.pack.dictionaries import read_dictionary
from casemeter_grouper.pack.faults import ERROR, Fault, PackError
from casemeter_grouper.pack.header import FILE, read_header
from casemeter_grouper.pack.words import SaidError

KEY = "dictionary_sha256"
_PINNED = re.compile(rf"^(\s*{KEY}\s*=\s*)(?:\"[^\"\n]*\"|'[^'\n]*')", re.MULTILINE)


class PinError(SaidError):
    """A header that could not be edited. Nothing was written."""


def pin_pack(folder: Path) -> str:
    """Write the hash of the dictionary a pack is read against into its header, and return the hash.

    Comments and layout of the header are kept.

    Raises:
        PackError: the header or a dictionary has errors.
        PinError: the header cannot be written.
    """
    faults: list[Fault] = []
    read_header(folder, faults)
    pin = read_dictionary(folder, faults).sha256
    if any(fault.severity == ERROR for fault in faults):
        raise PackError(faults)
    path = folder / FILE
    text = path.read_bytes().decode()
    if (pinned := pinned_text(text, pin)) != text:
        partial = path.with_name(f".{FILE}.{secrets.token_hex(4)}")
        try:
            partial.write_bytes(pinned.encode())
            partial.replace(path)
        except OSError as error:
            raise PinError("not_written", path=path, reason=error) from error
        finally:
            partial.unlink(missing_ok=True)
    return pin


def pinned_text(text: str, pin: str) -> str:
    """Return the text of a header with the pin replaced, or added after the code systems.

    Raises:
        PinError: the text is laid out in a way that cannot be edited.
    """
    wanted = {**_values(text), KEY: pin}
    for candidate in _candidates(text, pin):
        try:
            if _values(candidate) == wanted:
                return candidate
        except tomllib.TOMLDecodeError:
            continue
    raise PinError("not_pinned", line=f'{KEY} = "{pin}"')


def _values(text: str) -> dict[str, object]:
    return tomllib.loads(text.removeprefix("\ufeff"))


def _candidates(text: str, pin: str) -> Iterator[str]:
    """Yield edits, the best first; one may land inside a longer value, so each must be read back."""
    yield _PINNED.sub(rf'\g<1>"{pin}"', text, count=1)
    end = "\r\n" if "\r\n" in text else "\n"
    line = f'{KEY} = "{pin}"{end}'
    lines = text.splitlines(keepends=True)
    for key in ("code_system_procedure", "title", "id"):
        for at, own in enumerate(lines, 1):
            if own.startswith(key):
                before = "".join(lines[:at])
                yield before + ("" if before.endswith(end) else end) + line + "".join(lines[at:])
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    yield mark + line + text.removeprefix("\ufeff")
