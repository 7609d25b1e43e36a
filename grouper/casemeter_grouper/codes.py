"""The one normalisation of diagnosis and procedure codes, the same for every pack and every door."""

from __future__ import annotations

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_INVISIBLE = {0x3000: None, 0xFEFF: None, 0x200B: None, 0x200C: None, 0x200D: None, 0x2060: None}
_FOLD = str.maketrans({**_FULL_WIDTH, **_INVISIBLE})


def normalise(code: str) -> str:
    """Return the one written form of a code.

    Full-width characters are folded to half width, blanks and invisible characters are dropped, the first
    letter is made upper case and every later ``X`` lower case, as the insurance editions write their
    extension codes (``Ｉ63.900Ｘ001`` becomes ``I63.900x001``). The function is idempotent.
    """
    if not code.isascii():
        code = code.translate(_FOLD)
    code = "".join(code.split())
    return code[:1].upper() + code[1:].replace("X", "x")
