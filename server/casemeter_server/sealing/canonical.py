"""JSON in its one canonical form: RFC 8785, but that numbers are exact instead of rounded to a double."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

_LAST_PLAIN: Final = 21
"""Numbers of more digits before the point are written with an exponent, as RFC 8785 has it."""
_FIRST_PLAIN: Final = -6
"""So are those with as many zeros behind it."""


class ContentError(ValueError):
    """A page that cannot be bound, and why."""


def read(text: str) -> Any:
    """Read JSON; numbers come as :class:`~decimal.Decimal`, exactly as they are written.

    Raises:
        ContentError: it is no JSON, or says one name twice, so that two readers may read two pages.
    """
    try:
        return json.loads(
            text,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_no_number,
            object_pairs_hook=_once,
        )
    except ContentError:
        raise
    except (ValueError, RecursionError) as error:
        raise ContentError(f"not JSON: {error}") from None


def written(value: object) -> bytes:
    """Return the canonical form of a JSON value.

    Raises:
        ContentError: it holds something that JSON cannot say.
    """
    try:
        return _written(value).encode()
    except UnicodeEncodeError:
        raise ContentError("it holds half of a surrogate pair, which is no character") from None
    except RecursionError:
        raise ContentError("it is nested too deeply") from None


def _written(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float | Decimal):
        return _plain_number(_number(repr(value) if isinstance(value, float) else str(value)))
    if isinstance(value, Mapping):
        # RFC 8785 sorts by UTF-16, which differs from the order of characters beyond the first plane.
        names = sorted(value, key=lambda name: str(name).encode("utf-16-be"))
        return "{" + ",".join(f"{_written(str(name))}:{_written(value[name])}" for name in names) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(map(_written, value)) + "]"
    raise ContentError(f"it holds {type(value).__name__}, which JSON cannot say")


def _plain_number(number: Decimal) -> str:
    """Return a number as ECMAScript writes it, with as many digits as it has."""
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # it is finite
    all_digits = "".join(map(str, digits)).lstrip("0")
    kept = all_digits.rstrip("0")
    if not kept:
        return "0"
    point = len(all_digits) + exponent  # digits before the point
    if len(kept) <= point <= _LAST_PLAIN:
        text = kept + "0" * (point - len(kept))
    elif 0 < point <= _LAST_PLAIN:
        text = f"{kept[:point]}.{kept[point:]}"
    elif _FIRST_PLAIN < point <= 0:
        text = f"0.{'0' * -point}{kept}"
    else:
        text = f"{kept[0]}.{kept[1:]}".rstrip(".") + f"e{point - 1:+d}"
    return "-" + text if sign else text


def _number(token: str) -> Decimal:
    try:
        number = Decimal(token)
    except InvalidOperation:
        raise ContentError(f"the number {token[:40]} is too large") from None
    if not number.is_finite():
        raise ContentError(f"{token} is no number")
    return number


def _no_number(token: str) -> NoReturn:
    raise ContentError(f"{token} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ContentError(f"'{name[:40]}' stands twice in one object")
            seen.add(name)
    return found
