"""Forecasts in words: candidates with their odds, what it will cost, what moved, and why there is none."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from casemeter.v1 import forecast_pb2, verdict_pb2
from casemeter_client.text import LANGUAGES, lines

VERDICTS = tomllib.loads((Path(__file__).parent / "data" / "forecast_texts.toml").read_text("utf-8"))[
    "verdict"
]
PHRASES = tomllib.loads((resources.files("casemeter_client") / "phrases.toml").read_text("utf-8"))
ENUMS = {
    "forecast_absent": forecast_pb2.ForecastAbsent,
    "forecast_cause": forecast_pb2.ForecastCause,
    "tie_cost": verdict_pb2.TieCost,
}
MARKS = {"zh": "〔演示数据〕", "en": "[demonstration figures]"}


def verdict_of(values: dict[str, Any]) -> verdict_pb2.Verdict:
    message = {key: value for key, value in values.items() if key != "name"}
    return json_format.ParseDict(message, verdict_pb2.Verdict())


def said(start: str, language: str = "en") -> list[str]:
    """The lines of the verdict whose name starts so."""
    (values,) = (values for values in VERDICTS if values["name"].startswith(start))
    return lines(verdict_of(values), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_forecasts_in_words(language: str, golden: Callable[[str, str], None]) -> None:
    texts = ["\n".join((f"# {values['name']}", *lines(verdict_of(values), language))) for values in VERDICTS]
    golden(f"forecast_texts_{language}.txt", "\n\n".join(texts) + "\n")


def test_the_verdicts_show_every_phrase() -> None:
    """A phrase that no golden file shows may hold a mistake."""
    text = "\n".join(line for values in VERDICTS for line in lines(verdict_of(values), "en"))
    for section in ("forecast", "forecast_cause"):
        for key, phrase in PHRASES[section].items():
            parts = [re.escape(part) for part in re.split(r"{\w+}", phrase["en"])]
            assert re.search(".*".join(parts), text), f"{section}.{key}"


@pytest.mark.parametrize("section", ENUMS)
def test_every_value_of_an_enumeration_has_its_phrase(section: str) -> None:
    # The value 0 of each means that there is nothing to say.
    assert PHRASES[section].keys() == {name for name, number in ENUMS[section].items() if number}


@pytest.mark.parametrize("reason", [name for name, number in forecast_pb2.ForecastAbsent.items() if number])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_for_no_forecast_is_said(reason: str, language: str) -> None:
    verdict = verdict_of({"status": "GROUP_STATUS_NOT_YET", "forecast": {"absent": reason}})
    assert PHRASES["forecast_absent"][reason][language] in lines(verdict, language)[1]
    assert len(lines(verdict, language)) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_hidden_money_is_never_shown(language: str) -> None:
    shown = "\n".join(said("money is hidden", language))
    assert "¥" not in shown
    assert "0.80" in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_of_made_up_stays_are_marked(language: str) -> None:
    first, *rest = said("a forecast with money", language)
    assert MARKS[language] not in first
    guesses = rest[1:]
    assert len(guesses) == 4
    assert all(MARKS[language] in line for line in guesses)


def test_a_move_that_rounding_hides_is_not_said() -> None:
    (moved,) = [line for line in said("a forecast with money") if "moved by" in line]
    assert "the running cost" not in moved


def test_nothing_uncertain_is_said_to_be_certain() -> None:
    (heading,) = [line for line in said("money is hidden") if "heading" in line]
    assert ">99%" in heading
    assert "100%" not in heading
    assert "0%" not in re.sub(r"\d+0%|>\d+%", "", heading)


def test_a_verdict_without_a_forecast_says_nothing_of_it() -> None:
    assert lines(verdict_of({"status": "GROUP_STATUS_NOT_YET"}), "en") == ["Not groupable yet: no diagnosis"]
