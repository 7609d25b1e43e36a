"""Diseases as rows about orders name them: by words of their names, and by the beginnings of their codes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from casemeter_grouper.dictionary import Dictionary
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.columns import Cells, Column, codes, words
from casemeter_rules.kind import Context, Values
from casemeter_rules.orders import HISTORIES, parts, spoken

DISEASES: Final[tuple[Column, ...]] = (
    words("diagnosis_words"),
    codes("diagnosis_prefixes", Space.DIAGNOSIS, required=False, prefix=True),
)
"""Any of the words in a name, or any of the beginnings."""


def disease_codes(cells: Cells, context: Context) -> CodeSet:
    """Return the diagnoses that a row names."""
    named: set[Key] = set(cells["diagnosis_prefixes"])
    for word in cells["diagnosis_words"]:
        named |= _named(word, context.dictionary)
    return CodeSet(frozenset(named))


@lru_cache(maxsize=4096)
def _named(word: str, dictionary: Dictionary) -> frozenset[Key]:
    return frozenset(
        Key(Space.DIAGNOSIS, code)
        for code, name in dictionary.diagnoses.items()
        if word in name and not code.startswith(HISTORIES)
    )


def no_disease(cells: Cells) -> Iterator[tuple[str, str, str]]:
    """Say that a row names no disease, where it does not."""
    if not cells["diagnosis_words"] and not cells["diagnosis_prefixes"]:
        yield (
            "diagnosis_words",
            "no disease is named: fill diagnosis_words or diagnosis_prefixes",
            "没有写明疾病：请填写 diagnosis_words 或 diagnosis_prefixes",
        )


def diseases_said(values: Values) -> tuple[str, str]:
    """Return the diseases of a row in Chinese and English."""
    return spoken((*parts(values.get("diagnosis_words")), *parts(values.get("diagnosis_prefixes"))))
