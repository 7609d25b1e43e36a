"""The phrases of ``phrases.toml``, said in one language."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from casemeter.v1 import explanation_pb2 as expl

LANGUAGES = ("zh", "en")


@cache
def _phrases() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(resources.files("casemeter_client").joinpath("phrases.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says phrases in one language.

    Attributes:
        language: one of :data:`LANGUAGES`.
    """

    language: str

    def say(self, section: str, key: str, **values: Any) -> str:
        """Return a phrase with its places filled in."""
        return _phrases()[section][key][self.language].format(**values).rstrip()

    def name(self, section: str, key: str) -> str:
        """Return the name of something; the key itself where the section has none, as for a local band."""
        return _phrases()[section].get(key, {}).get(self.language, key)

    def choose(self, texts: Iterable[str]) -> str:
        """Return the text in this language of a pair, Chinese then English; the other where it is empty."""
        chinese, english = (*texts, "", "")[:2]
        return (chinese or english) if self.language == "zh" else (english or chinese)

    def marked(self, text: str, demonstration: bool) -> str:
        """Return a text, marked where its figures are invented."""
        return self.say("money", "demonstration", text=text) if demonstration else text

    def joined(self, texts: Iterable[str]) -> str:
        """Return the texts that are not empty as one."""
        return ("；" if self.language == "zh" else "; ").join(filter(None, texts))

    def listed(self, texts: Iterable[str]) -> str:
        """Return texts as a list within one part of a text."""
        return ("，" if self.language == "zh" else ", ").join(texts)


def code_text(code: expl.CodeRef) -> str:
    """Return a code with its name, where it has one."""
    return f"{code.code} {code.name}".rstrip()


def yuan(fen: int) -> str:
    """Return a sum of money in yuan to the fen, such as ``¥12,345.60``."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}¥{whole:,}.{rest:02}"
