"""Phrases as physicians type them, and the codes a coder would pick for them."""

from __future__ import annotations

import csv
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

STATES = {"confirmed", "suspected", "ruled_out", "history", "family_history", "post_procedure"}
LEAST = {
    "shorthand": 50,
    "laterality_or_stage": 50,
    "typo": 50,
    "initials": 50,
    "state": 50,
    "several": 50,
    "procedure": 50,
    "colloquial": 50,
}


@dataclass(frozen=True)
class Phrase:
    """A row of terms_phrases.csv; ``wanted`` holds, for each thing said, the codes a coder may pick."""

    text: str
    kind: str
    wanted: tuple[tuple[str, ...], ...]
    states: tuple[str, ...]
    space: str


@cache
def phrases() -> tuple[Phrase, ...]:
    path = Path(__file__).parent / "data" / "terms_phrases.csv"
    found = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            wanted = tuple(tuple(part.split("|")) for part in row["codes"].split(" + "))
            states = tuple(row["state"].split(" + "))
            states = states * len(wanted) if len(states) == 1 else states
            found.append(Phrase(row["phrase"], row["class"], wanted, states, row["space"]))
    return tuple(found)


@cache
def names(space: str) -> dict[str, str]:
    file = (
        files("casemeter_grouper")
        / "packs"
        / "dictionary"
        / f"{'procedures' if space == 'procedure' else 'diagnoses'}.csv"
    )
    with file.open(encoding="utf-8") as lines:
        return {row["code"]: row["name"] for row in csv.DictReader(lines)}


def codes_of(wanted: str, space: str) -> list[str]:
    """The codes of the dictionary that a wanted code, or a prefix with a star, stands for."""
    known = names(space)
    if wanted in known:
        return [wanted]
    return [code for code in known if wanted.endswith("*") and code.startswith(wanted[:-1])]


def plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def test_enough_phrases_of_each_kind() -> None:
    counts = Counter(phrase.kind for phrase in phrases())
    assert counts.keys() == LEAST.keys()
    assert all(counts[kind] >= least for kind, least in LEAST.items()), counts
    assert counts.total() >= 520


def test_no_phrase_stands_twice() -> None:
    counts = Counter((plain(phrase.text), phrase.space) for phrase in phrases())
    assert [text for text, times in counts.items() if times > 1] == []


def test_phrases_are_well_formed() -> None:
    for phrase in phrases():
        assert phrase.space in {"diagnosis", "procedure"}, phrase
        assert set(phrase.states) <= STATES, phrase
        assert len(phrase.states) == len(phrase.wanted), phrase
        assert phrase.kind != "several" or len(phrase.wanted) > 1, phrase


def test_every_wanted_code_is_in_the_dictionary() -> None:
    unknown = {
        (phrase.text, choice)
        for phrase in phrases()
        for choices in phrase.wanted
        for choice in choices
        if not codes_of(choice, phrase.space)
    }
    assert unknown == set()


def test_no_phrase_is_part_of_what_it_should_find() -> None:
    given_away = {
        (phrase.text, code)
        for phrase in phrases()
        for choices in phrase.wanted
        for choice in choices
        for code in codes_of(choice, phrase.space)
        if plain(phrase.text) in plain(names(phrase.space)[code])
    }
    assert given_away == set()
