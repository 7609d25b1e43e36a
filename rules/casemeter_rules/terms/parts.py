"""The parts of a line: several diagnoses typed one after another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CJK = "\u3400-\u9fff"
_HARD = re.compile(
    r"(?:^|(?<=[\s，,；;、。]))[(（]?\d{1,2}(?:[.．、)）](?!\d)|(?<=\))\s)\s*"
    r"|[\u2460-\u2473]"
    r"|[，,；;。\r\n|、]"
    rf"|(?<=[{_CJK}a-zA-Z)）])[+＋/／](?=[{_CJK}a-zA-Z])"
)
_SOFT = re.compile(
    rf"[\s\u3000]+|[()（）\[\]【】]|(?<=[{_CJK}])(?:同时伴有|同时伴|并发|合并|伴有|伴|并|及|和|与|或|以及)(?=[{_CJK}a-zA-Z\d])"
)
_CARRIES = frozenset("、及和与或")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a line between two things that may part diagnoses.

    Attributes:
        start: where it begins.
        end: where it ends.
        hard: whether what stands before it always parts.
        carries: whether a state said before the part before holds for it too.
        enclosed: whether it stands in brackets.
        joined: whether a word such as 伴 joins it to the part before.
    """

    start: int
    end: int
    hard: bool
    carries: bool
    enclosed: bool
    joined: bool


def parts(text: str) -> list[Part]:
    """Return the parts of a line in their order; parts of blanks and signs only are left out."""
    cuts = sorted(
        [(found.start(), found.end(), True, found[0]) for found in _HARD.finditer(text)]
        + [(found.start(), found.end(), False, found[0]) for found in _SOFT.finditer(text)]
    )
    return list(_between(text, cuts))


def _between(text: str, cuts: list[tuple[int, int, bool, str]]) -> Iterator[Part]:
    start, hard, carries, joined, depth = 0, True, False, False, 0
    for first, last, is_hard, sign in [*cuts, (len(text), len(text), True, "")]:
        if first < start:
            continue
        if any(one.isalnum() or one in "?？" for one in text[start:first]):
            yield Part(start, first, hard, carries, depth > 0, joined)
            joined = sign.isalpha()
            hard, carries = is_hard, sign.strip() in _CARRIES and sign != ""
        else:
            hard = hard or is_hard
            carries = carries and not is_hard
        if sign and sign in "(（[【":
            depth += 1
        elif sign and sign in ")）]】":
            depth = max(0, depth - 1)
        start = max(start, last)
