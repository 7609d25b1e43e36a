"""How characters sound: for words typed with a wrong character of the same sound, and for initials."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_MERGED = ((re.compile("^([zcs])h"), r"\1"), (re.compile("([aei]n)g$"), r"\1"))


class Sounds:
    """The sound of each character that a dictionary uses, and characters that look alike.

    Attributes:
        alike: a table for ``str.translate``: every character to the one that stands for its sound.
    """

    def __init__(
        self, signs: Iterable[str], readings: Mapping[str, str], lookalikes: Iterable[tuple[str, str]]
    ) -> None:
        """Learn the sounds of ``signs``; ``readings`` names those that medicine reads in its own way."""
        self._readings = dict(readings)
        self._syllables: dict[str, str] = {}
        first: dict[str, str] = {}
        self.alike: dict[int, str] = {}
        pairs = list(lookalikes)
        for sign in sorted({*signs, *(sign for pair in pairs for sign in pair)}):
            if "\u4e00" <= sign <= "\u9fff":
                self.alike[ord(sign)] = first.setdefault(self._sound(sign), sign)
        self._first = first
        for wrong, right in pairs:
            self.alike[ord(wrong)] = self.alike.get(ord(right), right)

    def _syllable(self, sign: str) -> str:
        known = self._syllables.get(sign)
        if known is None:
            known = self._readings.get(sign) or reading(sign)
            self._syllables[sign] = known
        return known

    def _sound(self, sign: str) -> str:
        sound = self._syllable(sign)
        for pattern, merged in _MERGED:
            sound = pattern.sub(merged, sound)
        return sound

    def same_sound(self, text: str) -> str:
        """Write a text with the character that stands for each sound."""
        return "".join(self._stand_in(sign) for sign in text)

    def _stand_in(self, sign: str) -> str:
        known = self.alike.get(ord(sign))
        if known is not None:
            return known
        if "\u4e00" <= sign <= "\u9fff":
            return self._first.get(pinyin_sound(sign), sign)
        return sign

    def initials(self, text: str) -> str:
        """Return the first letters of the sounds of a text; letters and digits stand for themselves."""
        return "".join(self._syllable(sign)[:1] if "\u4e00" <= sign <= "\u9fff" else sign for sign in text)


def reading(sign: str) -> str:
    """Return the first reading of a character."""
    # Its tables take 50 MB: only a process that searches for terms has them.
    from pypinyin import Style, pinyin

    return str(pinyin(sign, style=Style.NORMAL)[0][0])


def pinyin_sound(sign: str) -> str:
    """Return the merged sound of a character that no dictionary uses."""
    sound = reading(sign)
    for pattern, merged in _MERGED:
        sound = pattern.sub(merged, sound)
    return sound
