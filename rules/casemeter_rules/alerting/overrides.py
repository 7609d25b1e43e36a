"""Coded reasons for going on all the same, and whether an answer can be taken as it is."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final, NamedTuple

from casemeter_rules.alerting.alert import Answer, AnswerKind
from casemeter_rules.finding import Finding, FindingClass

_RUN: Final = 4
_KEYBOARD_SHARE: Final = 0.6
_MAX_UNIT: Final = 3
_MIN_REPEATS: Final = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason that may be given.

    Attributes:
        code: what is stored and counted.
        zh: what a clinician chooses.
        en: the same in English.
        classes: of findings that it fits.
        kinds: patterns of kinds of rules that it fits; empty: any.
        needs_text: free text must come with it.
        rule_wrong: it says that the rule was wrong.
        also: other codes for the same.
    """

    code: str
    zh: str
    en: str
    classes: frozenset[FindingClass]
    kinds: tuple[str, ...] = ()
    needs_text: bool = False
    rule_wrong: bool = False
    also: tuple[str, ...] = ()

    def fits(self, finding: Finding) -> bool:
        """Whether it may be given for a finding: its own list decides, or else its class and kind."""
        if finding.overrides:
            return not {self.code, *self.also}.isdisjoint(finding.overrides)
        return finding.finding_class in self.classes and (
            not self.kinds or any(fnmatchcase(finding.kind, pattern) for pattern in self.kinds)
        )


class AnswerFault(NamedTuple):
    """What is wrong with an answer.

    Attributes:
        code: stable name of the fault.
        zh: what is wrong.
        en: the same in English.
        blocking: the answer does not count; otherwise only its free text is worthless.
    """

    code: str
    zh: str
    en: str
    blocking: bool


@dataclass(frozen=True, slots=True)
class Reasons:
    """The reasons there are, and what makes free text worthless.

    Attributes:
        by_code: the reasons, each under all its codes.
        shortest: letters and digits that a text must have, a Chinese character counting two.
        longest: characters that a text may have.
        words: texts that say nothing.
        keyboard: rows of keys, both ways.
        labels: the reasons' own names, which are no text.
        sentences: what is said of each fault, in Chinese and English.
    """

    by_code: Mapping[str, Reason]
    shortest: int
    longest: int
    words: frozenset[str]
    keyboard: tuple[str, ...]
    labels: frozenset[str]
    sentences: Mapping[str, tuple[str, str]]

    def for_finding(self, finding: Finding) -> tuple[Reason, ...]:
        """Return the reasons that may be given for a finding, in the order of the table."""
        return tuple(reason for reason in dict.fromkeys(self.by_code.values()) if reason.fits(finding))


@cache
def shipped_reasons() -> Reasons:
    """Return the reasons that come with the product."""
    folder = resources.files("casemeter_rules.alerting")
    table = tomllib.loads(folder.joinpath("overrides.toml").read_text("utf-8"))
    reasons = {
        code: Reason(
            code,
            entry["zh"],
            entry["en"],
            frozenset(map(FindingClass, entry["classes"])),
            tuple(entry.get("kinds", ())),
            entry.get("needs_text", False),
            entry.get("rule_wrong", False),
            tuple(entry.get("also", ())),
        )
        for code, entry in table["reasons"].items()
    }
    text, rows = table["text"], table["text"]["keyboard"]
    return Reasons(
        MappingProxyType({name: one for one in reasons.values() for name in (one.code, *one.also)}),
        text["shortest"],
        text["longest"],
        frozenset(map(_bare, text["words"])),
        (*rows, *(row[::-1] for row in rows)),
        frozenset(_bare(name) for reason in reasons.values() for name in (reason.code, reason.zh, reason.en)),
        MappingProxyType({code: (entry["zh"], entry["en"]) for code, entry in table["faults"].items()}),
    )


def check_answer(
    answer: Answer, finding: Finding | None = None, reasons: Reasons | None = None
) -> tuple[AnswerFault, ...]:
    """Return what is wrong with an answer; empty: nothing. It never raises.

    Args:
        answer: what came back.
        finding: what it answers; ``None``: whether the reason fits is not asked.
        reasons: those there are; ``None``: those that come with the product.
    """
    known = reasons or shipped_reasons()
    reason = known.by_code.get(answer.reason)
    faults: list[AnswerFault] = []

    def add(code: str, *, blocking: bool) -> None:
        values = {
            "reason": answer.reason,
            "label_zh": reason.zh if reason else "",
            "label_en": reason.en if reason else "",
            "text": answer.text.strip(),
            "longest": known.longest,
        }
        zh, en = known.sentences[code]
        faults.append(AnswerFault(code, zh.format(**values), en.format(**values), blocking))

    if answer.kind is AnswerKind.OVERRIDDEN and not answer.reason:
        add("reason_missing", blocking=True)
    elif answer.reason and reason is None:
        add("unknown_reason", blocking=True)
    elif reason and finding and not reason.fits(finding):
        add("does_not_fit", blocking=True)
    needed = answer.kind is AnswerKind.OVERRIDDEN and reason is not None and reason.needs_text
    if answer.text.strip():
        junk = _junk(answer.text, known)
        if junk:
            add(junk, blocking=needed)
    elif needed:
        add("text_missing", blocking=True)
    return tuple(faults)


def holds(answer: Answer | None, finding: Finding, reasons: Reasons) -> bool:
    """Whether an answer settles a finding: it was accepted, or overridden with a reason that can be taken."""
    if answer is None or answer.kind not in (AnswerKind.ACCEPTED, AnswerKind.OVERRIDDEN):
        return False
    if answer.kind is AnswerKind.ACCEPTED:
        return True
    return not any(fault.blocking for fault in check_answer(answer, finding, reasons))


def _junk(text: str, reasons: Reasons) -> str:
    """Return the first fault of a free text; empty: it seems to say something."""
    if len(text) > reasons.longest:
        return "too_long"
    bare = _bare(text)
    if bare in reasons.words:
        return "empty_word"
    if bare in reasons.labels:
        return "copied_label"
    if _repeats(bare) or _repeats(re.sub(r"\s", "", text)):
        return "repeated"
    if _on_the_keyboard(bare, reasons.keyboard):
        return "keyboard"
    if not any(character.isalpha() for character in bare):
        return "no_words"
    if (
        sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in bare)
        < reasons.shortest
    ):
        return "too_short"
    return ""


def _bare(text: str) -> str:
    """Return letters and digits only, width and case folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


def _repeats(text: str) -> bool:
    """Whether a text is one short piece over and over."""
    return any(
        len(text) >= unit * _MIN_REPEATS and text == (text[:unit] * (len(text) // unit + 1))[: len(text)]
        for unit in range(1, _MAX_UNIT + 1)
    )


def _on_the_keyboard(bare: str, rows: tuple[str, ...]) -> bool:
    """Whether most of a text is runs of neighbouring keys."""
    covered = bytearray(len(bare))
    for start in range(len(bare) - _RUN + 1):
        if any(bare[start : start + _RUN] in row for row in rows):
            covered[start : start + _RUN] = b"\1" * _RUN
    return bool(bare) and sum(covered) / len(bare) >= _KEYBOARD_SHARE
