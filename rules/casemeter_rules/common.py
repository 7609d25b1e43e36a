"""What tables of several kinds share: the columns that name items, and ranges of codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from casemeter_grouper.dictionary import Dictionary
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.columns import Cells, Column, choice, codes
from casemeter_rules.kind import Context, Values

ITEM_CODES: Final[tuple[Column, ...]] = (
    codes("codes", Space.ITEM),
    choice("match", ("exact", "prefix"), required=False),
)
"""The codes of drugs, items or supplies; ``match`` says whether they are whole codes (empty: they are)."""

DISORDERS_OF_SEX_DEVELOPMENT: Final = CodeSet(
    frozenset(
        Key(Space.DIAGNOSIS, prefix, prefix=True)
        # E34.5 androgen resistance; E25 adrenogenital disorders; Q56 indeterminate sex; Q96-Q99 chromosomes.
        for prefix in ("E25", "E34.5", "Q56", "Q96", "Q97", "Q98", "Q99")
    )
)
"""Diagnoses with which a sex that does not fit is no contradiction (ICD-10 categories)."""


def item_triggers(cells: Cells, _: Context) -> Iterable[Key]:
    """Return the keys of :data:`ITEM_CODES`."""
    prefix = cells["match"] == "prefix"
    return [key._replace(prefix=prefix) for key in cells["codes"]]


def codes_between(first: str, last: str, dictionary: Dictionary, without: str = "") -> Iterator[Key]:
    """Return the diagnosis codes of a range, both ends included.

    As many first characters are compared as each end has (``V01`` to ``Y98``); an end of seven or more is a
    whole code; ends with ``/`` are of morphology codes and cover only such.

    Args:
        first: where it begins.
        last: where it ends.
        dictionary: that says which codes there are.
        without: codes that begin so are left out; empty: none.
    """
    if "/" in first:
        yield from _morphology(first, last)
        return
    for code in dictionary.diagnoses:
        if "/" in code or (without and code.startswith(without)):
            continue
        if _cut(code, first) >= first and _cut(code, last) <= last:
            yield Key(Space.DIAGNOSIS, code)


def _cut(code: str, end: str) -> str:
    return code if len(end) >= WHOLE_CODE else code[: len(end)]


WHOLE_CODE: Final = 7


def _morphology(first: str, last: str) -> Iterator[Key]:
    """Return the beginnings ``M8000/`` of the morphology codes of a range."""
    for number in range(int(first[1:5]), int(last[1:5]) + 1):
        yield Key(Space.DIAGNOSIS, f"{first[0]}{number:04d}/", prefix=True)


TEN_THOUSANDTHS: Final = 10_000
"""Quantities are counted in these."""


def limit_band(column: str) -> Callable[[Values, float], str]:
    """Return the band of a measured number: how many times the limit of a column it is, rounded down."""

    def band(values: Values, measured: float) -> str:
        limit = float(values[column])
        return f"{int(measured / limit)}x" if limit else ""

    return band
