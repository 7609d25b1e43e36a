"""Verdicts in words: the sentences themselves, and that there is one for everything a server may say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from casemeter.v1 import explanation_pb2, verdict_pb2
from casemeter_client.text import LANGUAGES, MAX_NEAR_MISSES, lines
from casemeter_grouper.condition.nodes import DIAGNOSIS_SLOTS, FIELDS, PROCEDURE_SLOTS

VERDICTS = tomllib.loads((Path(__file__).parent / "data" / "verdicts.toml").read_text("utf-8"))["verdict"]
PHRASES = tomllib.loads((resources.files("casemeter_client") / "phrases.toml").read_text("utf-8"))
ENUMS = {
    "status": verdict_pb2.GroupStatus,
    "reason": verdict_pb2.UngroupableReason,
    "change": verdict_pb2.CodeChange,
    "note": verdict_pb2.NoteKind,
    "edit": explanation_pb2.Edit,
}


def verdict_of(values: dict[str, Any]) -> verdict_pb2.Verdict:
    message = {key: value for key, value in values.items() if key != "name"}
    return json_format.ParseDict(message, verdict_pb2.Verdict())


@pytest.mark.parametrize("language", LANGUAGES)
def test_verdicts_in_words(language: str, golden: Callable[[str, str], None]) -> None:
    said = ["\n".join((f"# {values['name']}", *lines(verdict_of(values), language))) for values in VERDICTS]
    golden(f"verdicts_{language}.txt", "\n\n".join(said) + "\n")


def test_the_verdicts_show_every_phrase_of_a_line() -> None:
    """A phrase that no golden file shows may hold a mistake."""
    text = "\n".join(line for values in VERDICTS for line in lines(verdict_of(values), "en"))
    for key, phrase in PHRASES["line"].items():
        fixed = re.split(r"{\w+}", phrase["en"])
        longest = max(fixed, key=len)
        assert longest.strip() in text, key


@pytest.mark.parametrize("section", ENUMS)
def test_every_value_of_an_enumeration_has_its_phrase(section: str) -> None:
    # The value 0 of each is never sent, or means that there is nothing to say.
    values = {name for name, number in ENUMS[section].items() if number}
    assert PHRASES[section].keys() == values


def test_every_word_of_a_condition_has_its_phrase() -> None:
    numbers = {"age_years", "age_days", "birth_weight_g", "los_days", "icu_hours", "trauma_sites"}
    words = {*DIAGNOSIS_SLOTS, *PROCEDURE_SLOTS, *FIELDS, *numbers}
    words |= {"no_procedures", "mcc", "cc", "in", "and", "or", "not", "always", "never", "VALID_PROCEDURES"}
    assert PHRASES["word"].keys() == words


def test_every_phrase_is_in_both_languages_and_asks_for_the_same() -> None:
    for section, phrases in PHRASES.items():
        for key, phrase in phrases.items():
            assert phrase.keys() == set(LANGUAGES), f"{section}.{key}"
            asked = [sorted(re.findall(r"{(\w+)}", text)) for text in phrase.values()]
            assert asked[0] == asked[1], f"{section}.{key}"


def test_few_near_misses_are_shown_and_the_rest_counted() -> None:
    verdict = verdict_of(VERDICTS[0])
    shown = [line for line in lines(verdict, "en") if line.startswith("  ~ ")]
    edits = [miss.edit for miss in verdict.near_misses.near_misses]
    assert edits.count(explanation_pb2.EDIT_ADD_PROCEDURE) == 3
    assert len(edits) == MAX_NEAR_MISSES + 2 + 3
    assert shown[MAX_NEAR_MISSES:] == ["  ~ 2 more", "  ~ with another procedure: 3 other groups"]


def test_another_language_is_an_error() -> None:
    with pytest.raises(ValueError, match="language 'fr' is not one of zh, en"):
        lines(verdict_pb2.Verdict(), "fr")
