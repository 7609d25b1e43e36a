"""What a search is given and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["左", "右", "双", "单"]
Space = Literal["diagnosis", "procedure"]
State = Literal["confirmed", "suspected", "ruled_out", "history", "family_history", "post_procedure"]
How = Literal["exact", "synonym", "initials", "fuzzy"]


@dataclass(frozen=True, slots=True)
class Synonym:
    """A word that stands for standard words, anywhere in a text.

    Attributes:
        word: what is typed, ``心梗``.
        standard: the words of the dictionary, ``心肌梗死``, or a code of it.
        space: the dictionary the word belongs to; None for both.
    """

    word: str
    standard: str
    space: Space | None = None


@dataclass(frozen=True, slots=True)
class Qualifiers:
    """What a mention says beside the disease.

    Attributes:
        side: None where no side is said.
        stage: stage, grade or degree with its numerals as digits: ``4期``, ``3级``, ``t3n1m0``, ``晚期``;
            None where none is said.
    """

    side: Side | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A code that a mention may mean.

    Attributes:
        code: the code of the dictionary.
        name: its name in the dictionary.
        score: 0 to 100; 100 is the name itself.
        how: which way it was found.
    """

    code: str
    name: str
    score: float
    how: How


@dataclass(frozen=True, slots=True)
class Mention:
    """One thing said in a text.

    Attributes:
        text: the part of the text that says it.
        start: where that part begins in the text.
        end: where it ends.
        state: whether it is said to be there; only ``confirmed`` may be coded as a disease of this stay.
        qualifiers: side and stage.
        hits: codes, the best first; equal scores in the order of their codes.
    """

    text: str
    start: int
    end: int
    state: State
    qualifiers: Qualifiers
    hits: tuple[Hit, ...]
