"""Widening clinical words by the words of standard names and the codes that mean the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from casemeter_grouper.pack.tables import Record

WORDS: Final = "diagnosis_words"
PREFIXES: Final = "diagnosis_prefixes"

Equivalents = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
"""By clinical word, in small letters: words of standard names, and beginnings of codes."""


def equivalents_of(records: Iterable[Record]) -> Equivalents:
    """Return the equivalents that a table lists."""
    return {
        record["word"].casefold(): (_parts(record["standard_words"]), _parts(record["icd10_prefixes"]))
        for record in records
    }


def widened(cells: dict[str, str], equivalents: Equivalents) -> bool:
    """Add the equivalents of a row's words to it; return whether there were any that it had not."""
    words, prefixes = list(_parts(cells.get(WORDS, ""))), list(_parts(cells.get(PREFIXES, "")))
    before = len(words) + len(prefixes)
    for word in tuple(words):
        more_words, more_prefixes = equivalents.get(word.casefold(), ((), ()))
        words += [each for each in more_words if each not in words]
        prefixes += [each for each in more_prefixes if each not in prefixes]
    if len(words) + len(prefixes) == before:
        return False
    cells[WORDS], cells[PREFIXES] = "|".join(words), "|".join(prefixes)
    return True


def _parts(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split("|") if part.strip())
