"""Words of the texts about packs, in two languages."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def _all() -> dict[str, Any]:
    return tomllib.loads(resources.files("casemeter_grouper.pack").joinpath("words.toml").read_text("utf-8"))


class SaidError(Exception):
    """An error whose sentence stands in ``words.toml``, in the table ``error``."""

    def __init__(self, kind: str, **values: object) -> None:
        self.kind = kind
        self.values = values
        super().__init__(self.text())

    def text(self, language: str = "en") -> str:
        """What went wrong and what to do, in English (``en``) or Chinese (``zh``)."""
        return word("error", self.kind, language, **self.values)


def word(section: str, key: str, language: str = "en", **values: object) -> str:
    """Return a word or sentence.

    Args:
        section: table of ``words.toml``, dots for tables inside tables.
        key: entry of the table.
        language: ``en`` or ``zh``.
        values: what stands in the braces of the sentence.
    """
    table = _all()
    for part in section.split("."):
        table = table[part]
    text: str = table[key][language]
    return text.format(**values) if values else text
