"""Whether a name that was written may be a name of its code."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Final

from rapidfuzz.distance import Indel

from casemeter_rules.coding.tables import rows
from casemeter_rules.terms.normal import fold, key
from casemeter_rules.terms.tables import shipped_synonyms
from casemeter_rules.terms.words import Words, same_words

_COMMON: Final = frozenset("的性和及与伴或其他未特指术后处部位")
"""Signs that most names have and that say little."""


@cache
def _words(space: str) -> Words:
    return Words(shipped_synonyms(), "procedure" if space == "procedure" else "diagnosis", {})


@cache
def _same() -> tuple[tuple[str, str], ...]:
    return tuple((row["word"], row["standard"]) for row in rows("same_names"))


def likeness(sent: str, standard: str, space: str) -> float:
    """Return how alike two names are, 0 to 1, in the best reading of the one that was written.

    A name that is part of the other is wholly alike: clinicians leave out, and add, side, stage and cause.
    """
    name = same_words(key(fold(standard)))
    text = fold(sent)
    texts = [text, *(text.replace(word, other) for word, other in _same() if word in text)]
    readings = [same_words(key(each)) for each in texts]
    readings += [reading.text for each in texts for reading in _words(space).readings(each)]
    return max((_alike(reading, name) for reading in readings if reading), default=0.0)


def _alike(one: str, other: str) -> float:
    shared = Counter(sign for sign in one if sign not in _COMMON) & Counter(other)
    shorter = min(sum(sign not in _COMMON for sign in text) for text in (one, other))
    share = shared.total() / shorter if shorter else 0.0
    return max(share, Indel.normalized_similarity(one, other))


def legible(text: str) -> bool:
    """Whether a text holds Chinese characters: initials and codes tell nothing of a name."""
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)
