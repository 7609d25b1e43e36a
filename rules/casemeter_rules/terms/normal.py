"""The one written form of names and of what is typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_DIGITS = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8"}
_DIGITS |= dict(zip("一二三四五六壹贰叁肆伍陆", "123456123456", strict=True))
_NUMERAL = re.compile(
    r"(?<![a-z])(viii|vii|vi|iv|v|iii|ii|i|[一二三四五六壹贰叁肆伍陆])(?=[abc]?[期级度型类])"
)
_OTHER = re.compile(r"[^\w\n]|_")
_KEPT = {"Lu", "Ll", "Lo", "Nd", "Nl", "No", "Pd", "Ps", "Pe", "Po", "Sm", "Zs", "Lm", "Mn"}


def fold(text: str) -> str:
    """Fold width and case and drop what cannot be read: control characters, emoji, invisible marks."""
    text = unicodedata.normalize("NFKC", text).casefold()
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or _readable(sign))


def _readable(sign: str) -> bool:
    return unicodedata.category(sign) in _KEPT


def number(text: str) -> str:
    """Write the numerals of stages, grades and types as digits: ``iii期`` and ``叁期`` as ``3期``."""
    return _NUMERAL.sub(lambda found: _DIGITS[found[1]], text)


def key(text: str) -> str:
    """Return folded text without anything but letters, digits and characters; line ends are kept."""
    return _OTHER.sub("", number(text))


def keys(names: Sequence[str]) -> list[str]:
    """Return the key of every name, in one pass."""
    joined = "\n".join(" ".join(name.split()) for name in names)
    return key(unicodedata.normalize("NFKC", joined).casefold()).split("\n") if names else []
