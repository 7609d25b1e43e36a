"""Terminology search: how often it finds what a coder would pick, and how long it takes.

Run: python benchmarks/terms.py [--rounds 5] [--misses]
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import cast

from casemeter_rules.terms import LONGEST, Mention, Space, State, TermIndex, shipped_synonyms
from common import machine

DATA = Path(__file__).parent.parent / "tests" / "data"
SETS = {
    "written before the search": DATA / "terms_phrases.csv",
    "written after it, never used to improve it": DATA / "terms_unseen.csv",
}


@dataclass(frozen=True)
class Phrase:
    """A row of a file of phrases.

    Attributes:
        text: what is typed.
        kind: the class of the phrase.
        wanted: for each thing said, the codes a coder may pick; a star stands for any ending.
        states: for each thing said, its state.
        space: the dictionary to search.
    """

    text: str
    kind: str
    wanted: tuple[tuple[str, ...], ...]
    states: tuple[State, ...]
    space: Space


def read_phrases(path: Path) -> tuple[Phrase, ...]:
    """Read a file of phrases."""
    found = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            wanted = tuple(tuple(part.split("|")) for part in row["codes"].split(" + "))
            states = tuple(cast("State", state) for state in row["state"].split(" + "))
            states = states * len(wanted) if len(states) == 1 else states
            found.append(Phrase(row["phrase"], row["class"], wanted, states, cast("Space", row["space"])))
    return tuple(found)


@cache
def names(space: Space) -> dict[str, str]:
    """Return the dictionary that ships: code to name."""
    folder = files("casemeter_grouper") / "packs" / "dictionary"
    file = folder / ("procedures.csv" if space == "procedure" else "diagnoses.csv")
    with file.open(encoding="utf-8") as lines:
        return {row["code"]: row["name"] for row in csv.DictReader(lines)}


def build() -> TermIndex:
    """Build the search over the dictionary and the synonyms that ship."""
    return TermIndex.build(names("diagnosis"), names("procedure"), shipped_synonyms())


@cache
def codes_of(wanted: str, space: Space) -> frozenset[str]:
    """Return the codes of the dictionary that a wanted code, or a prefix with a star, stands for."""
    known = names(space)
    if wanted in known:
        return frozenset([wanted])
    return frozenset(code for code in known if wanted.endswith("*") and code.startswith(wanted[:-1]))


def right(phrase: Phrase, mentions: Sequence[Mention], first: int) -> bool:
    """Whether everything wanted is among the first hits of a mention in its state, and nothing else said."""
    return len(mentions) <= len(phrase.wanted) and all(
        any(_says(mention, choices, state, phrase.space, first) for mention in mentions)
        for choices, state in zip(phrase.wanted, phrase.states, strict=True)
    )


def _says(mention: Mention, choices: tuple[str, ...], state: State, space: Space, first: int) -> bool:
    wanted = frozenset[str]().union(*(codes_of(choice, space) for choice in choices))
    return mention.state == state and any(hit.code in wanted for hit in mention.hits[:first])


def accuracy(index: TermIndex, phrases: Iterable[Phrase]) -> dict[str, tuple[int, int, int]]:
    """Return for each class the number of phrases, of those right at 1 and of those right at 5."""
    tally: dict[str, tuple[int, int, int]] = {}
    for phrase in phrases:
        mentions = index.search(phrase.text, phrase.space)
        count, one, five = tally.get(phrase.kind, (0, 0, 0))
        tally[phrase.kind] = count + 1, one + right(phrase, mentions, 1), five + right(phrase, mentions, 5)
    return tally


def _milliseconds(index: TermIndex, phrases: Iterable[Phrase], rounds: int) -> list[float]:
    taken = []
    for _ in range(rounds):
        for phrase in phrases:
            start = time.perf_counter()
            index.search(phrase.text, phrase.space)
            taken.append(1e3 * (time.perf_counter() - start))
    return sorted(taken)


def _print_misses(index: TermIndex, phrases: Iterable[Phrase]) -> None:
    for phrase in phrases:
        mentions = index.search(phrase.text, phrase.space)
        if not right(phrase, mentions, 1):
            found = "; ".join(map(_shown, mentions))
            print(f"  {phrase.kind}: {phrase.text} -> {found or 'nothing'}")


def _shown(mention: Mention) -> str:
    hits = ", ".join(f"{hit.code} {hit.name}" for hit in mention.hits[:3])
    return f"{mention.text} [{mention.state}] {hits}"


def main() -> None:
    """Print accuracy and time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--misses", action="store_true", help="print every phrase that is not right at 1")
    arguments = parser.parse_args()
    print(machine())
    start = time.perf_counter()
    index = build()
    took = time.perf_counter() - start
    sizes = f"{len(names('diagnosis')):,} diagnoses, {len(names('procedure')):,} procedures"
    print(f"{sizes}: built in {took:.1f} s")
    everything: list[Phrase] = []
    for title, path in SETS.items():
        phrases = read_phrases(path)
        everything += phrases
        print(f"\n{len(phrases)} phrases {title}\n{'':24}{'phrases':>8}{'at 1':>8}{'at 5':>8}")
        tally = accuracy(index, phrases)
        tally["all"] = cast("tuple[int, int, int]", tuple(map(sum, zip(*tally.values(), strict=True))))
        for kind, (count, one, five) in tally.items():
            print(f"{kind:24}{count:8}{one / count:8.1%}{five / count:8.1%}")
        if arguments.misses:
            _print_misses(index, phrases)
    taken = _milliseconds(index, everything, arguments.rounds)
    crowded = " ".join(list(names("diagnosis").values())[::701])[:LONGEST]
    start = time.perf_counter()
    index.search(crowded)
    longest = 1e3 * (time.perf_counter() - start)
    middle, p99 = statistics.median(taken), taken[int(0.99 * len(taken))]
    print(f"\n{len(taken):,} searches: median {middle:.2f} ms, p99 {p99:.2f} ms, most {taken[-1]:.2f} ms")
    print(f"a line of {LONGEST} characters full of names: {longest:.1f} ms")


if __name__ == "__main__":
    main()
