"""Text that comes from tables and records, as it may stand in a card."""

from __future__ import annotations

import re
from typing import Final

_PUNCTUATION: Final = re.compile(r"[!#$&()*+.:<=>?@\[\\\]^_`{|}~-]")
_BLANKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters."""
    return _BLANKS.sub(" ", text).strip()


def escaped(text: str) -> str:
    """Return a text as Markdown that shows it as it is: no links, no markup, one line."""
    return _PUNCTUATION.sub(r"\\\g<0>", one_line(text))


def shortened(text: str, below: int) -> str:
    """Return one line that is shorter than a limit, with an ellipsis where it was cut."""
    line = one_line(text)
    return line if len(line) < below else line[: below - 2].rstrip() + "…"
