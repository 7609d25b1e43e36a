"""What can be wrong with the text of a condition, in words."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

_SHOWN = 40
"""How many characters of a word an error repeats."""


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    text = resources.files("casemeter_grouper.condition").joinpath("faults.toml").read_text("utf-8")
    return tomllib.loads(text)


class ConditionError(ValueError):
    """A condition that cannot be read.

    Attributes:
        column: 1-based place in the text where it stops making sense.
    """

    def __init__(self, column: int, problem: str, mend: str, found: str = "", **details: object) -> None:
        """Name the fault: ``problem`` and ``mend`` are keys of ``faults.toml``, ``found`` the word read."""
        self.column = column
        self._problem = problem
        self._mend = mend
        self._found = found
        self._details = details
        super().__init__(f"column {column}: {self.problem}; {self.mend}")

    @property
    def problem(self) -> str:
        """What is wrong there, in English."""
        return self.say("problem", "en")

    @property
    def mend(self) -> str:
        """What would be right, in English."""
        return self.say("mend", "en")

    def say(self, part: str, language: str) -> str:
        """Return the ``problem`` or the ``mend`` in English (``en``) or Chinese (``zh``)."""
        key = self._problem if part == "problem" else self._mend
        cut = self._found if len(self._found) <= _SHOWN else self._found[: _SHOWN - 1] + "…"
        quote = "'{}'" if language == "en" else "“{}”"
        found = quote.format(cut) if cut else _words()["word"]["end"][language]
        return _words()[part][key][language].format(found=found, **self._details)
