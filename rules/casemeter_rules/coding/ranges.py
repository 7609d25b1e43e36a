"""Ranges of diagnosis codes, as codes are compared with their ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from casemeter_grouper.codes import normalise
from casemeter_rules.codes import Key, Space
from casemeter_rules.columns import Cells, Column, code_text
from casemeter_rules.common import WHOLE_CODE, codes_between
from casemeter_rules.kind import Context, Values

RANGE: Final[tuple[Column, ...]] = (
    code_text("code_from", Space.DIAGNOSIS),
    code_text("code_to", Space.DIAGNOSIS, required=False),
)
"""The columns of a range; an empty end is the beginning once more."""


def within(code: str, first: str, last: str) -> bool:
    """Whether a code lies in a range; as many first characters are compared as each end has."""
    first, last = normalise(first), normalise(last)
    low = code if len(first) >= WHOLE_CODE else code[: len(first)]
    high = code if len(last) >= WHOLE_CODE else code[: len(last)]
    return first <= low and high <= last


def range_triggers(cells: Cells, context: Context) -> Iterable[Key]:
    """Return the codes from ``code_from`` to ``code_to``."""
    first = cells["code_from"]
    if cells["code_to"] in ("", first) and len(first) >= WHOLE_CODE and "/" not in first:
        return [Key(Space.DIAGNOSIS, first)] if first in context.dictionary.diagnoses else []
    return codes_between(cells["code_from"], cells["code_to"] or cells["code_from"], context.dictionary)


def written(values: Values) -> str:
    """Return a range as it reads in a sentence."""
    first, last = values["code_from"], values.get("code_to", "")
    return first if last in ("", first) else f"{first}–{last}"
