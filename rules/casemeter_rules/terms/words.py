"""Clinical words written as the words of the dictionary, and what may be passed over in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, product

from casemeter_rules.terms.model import Qualifiers, Side, Space, Synonym
from casemeter_rules.terms.normal import fold, key, number
from casemeter_rules.terms.tables import rows

READINGS = 4
_KINDS = ("side", "stage", "degree", "time", "noise")


def same_words(text: str) -> str:
    """Write a key with one word for those that mean the same: 梗塞 as 梗死, 癌 as 恶性肿瘤."""
    for word, standard in _SAME:
        text = text.replace(word, standard)
    return text


_SAME = tuple((key(fold(row["word"])), key(fold(row["standard"]))) for row in rows("same_words"))
_SIDES: dict[str, Side] = {"左": "左", "右": "右", "双": "双", "两": "双", "单": "单"}
_APART = re.compile(r"(?<=[a-z0-9])[\s\-_/]+(?=[a-z0-9])")
_QUALIFIERS = tuple(
    (kind, re.compile("|".join(row["pattern"] for row in rows("qualifiers") if row["kind"] == kind)))
    for kind in _KINDS
)


def qualifiers(text: str) -> Qualifiers:
    """Return the side and the stage that a folded text names first."""
    text = number(text)
    found = {kind: pattern.search(text) for kind, pattern in _QUALIFIERS}
    side, stage = found["side"], found["stage"]
    return Qualifiers(_SIDES[side[0][0]] if side else None, stage[0] if stage else None)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a text in the words of the dictionary.

    Attributes:
        text: the key of the text in those words.
        optional: for each character, whether a name need not have it.
        changed: whether a synonym was written in another word.
    """

    text: str
    optional: tuple[bool, ...]
    changed: bool

    @property
    def core(self) -> str:
        """The text without what is optional."""
        return "".join(sign for sign, skip in zip(self.text, self.optional, strict=True) if not skip)

    def kept(self, name: str) -> str:
        """The text without what is optional and not in a name."""
        return "".join(
            sign for sign, skip in zip(self.text, self.optional, strict=True) if not skip or sign in name
        )


class Words:
    """The synonyms of one dictionary."""

    def __init__(self, synonyms: Iterable[Synonym], space: Space, names: Mapping[str, str]) -> None:
        """Take the synonyms of ``space``; one that names a code stands for the name of the code."""
        self._standard: dict[str, tuple[str, ...]] = {}
        for synonym in synonyms:
            word = _spaced(fold(synonym.word))
            if not word or synonym.space not in (None, space):
                continue
            standard = key(fold(names.get(synonym.standard, synonym.standard)))
            known = self._standard.get(word, ())
            if standard not in known:
                self._standard[word] = (*known, standard)
        self._longest = max(map(len, self._standard), default=0)

    def items(self) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Return every word with its standard words."""
        return self._standard.items()

    def readings(self, text: str) -> tuple[Reading, ...]:
        """Return the readings of a folded text, at most a few: the longest word at each place wins."""
        text = _spaced(text)
        pieces: list[tuple[tuple[str, ...], bool]] = []
        plain = place = 0
        while place < len(text):
            word = self._word_at(text, place)
            if word is None:
                place += 1
                continue
            if plain < place:
                pieces.append(((text[plain:place],), False))
            pieces.append((self._standard[word], True))
            place = plain = place + len(word)
        if plain < len(text):
            pieces.append(((text[plain:],), False))
        pieces = [(tuple(one.replace(" ", "") for one in choices), is_word) for choices, is_word in pieces]
        pieces = [piece for piece in pieces if any(piece[0]) or piece[1]]
        marks = self._marks(pieces)
        found: dict[str, Reading] = {}
        for choice in islice(product(*(choices for choices, _ in pieces)), READINGS):
            reading = self._reading(choice, [is_word for _, is_word in pieces], marks)
            found.setdefault(reading.text, reading)
        return tuple(found.values())

    def _word_at(self, text: str, place: int) -> str | None:
        for end in range(min(len(text), place + self._longest), place + 1, -1):
            word = text[place:end]
            if word in self._standard and not _cuts_letters(text, place, end):
                return word
        return None

    @staticmethod
    def _marks(pieces: list[tuple[tuple[str, ...], bool]]) -> list[list[bool]]:
        marks = []
        for choices, is_word in pieces:
            text = choices[0]
            mark = [False] * len(text)
            if not is_word:
                for _, pattern in _QUALIFIERS:
                    for match in pattern.finditer(text):
                        mark[match.start() : match.end()] = [True] * len(match[0])
            marks.append(mark)
        return marks

    @staticmethod
    def _reading(choice: tuple[str, ...], is_word: list[bool], marks: list[list[bool]]) -> Reading:
        text, optional = "", list[bool]()
        for part, word, mark in zip(choice, is_word, marks, strict=True):
            if word or not any(mark):
                added = same_words(part)
                text += added
                optional += [False] * len(added)
                continue
            # Runs of one kind, so that the same words are written the same.
            start = 0
            for end in range(1, len(part) + 1):
                if end == len(part) or mark[end] != mark[start]:
                    added = same_words(part[start:end])
                    text += added
                    optional += [mark[start]] * len(added)
                    start = end
        joined = same_words(text)
        if joined != text:
            text, optional = joined, [all(optional)] * len(joined) if all(optional) else [False] * len(joined)
        if optional and all(optional):
            optional = [False] * len(text)
        return Reading(text, tuple(optional), any(is_word))


def _spaced(text: str) -> str:
    """Return the key of a folded text, with a blank where letters or figures stood apart."""
    return " ".join(filter(None, (key(part) for part in _APART.split(text))))


def _cuts_letters(text: str, start: int, end: int) -> bool:
    def ascii_letter(place: int) -> bool:
        return 0 <= place < len(text) and text[place].isascii() and text[place].isalpha()

    return (ascii_letter(start) and ascii_letter(start - 1)) or (ascii_letter(end - 1) and ascii_letter(end))


def only_qualifiers(text: str) -> bool:
    """Whether a folded text says nothing but a side, a stage, a time or the like."""
    text = key(text)
    covered = [False] * len(text)
    for _, pattern in _QUALIFIERS:
        for match in pattern.finditer(text):
            covered[match.start() : match.end()] = [True] * len(match[0])
    return all(covered)
