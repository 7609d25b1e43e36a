"""Short runs of the fuzzers, and that they notice what they are there to notice."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import pytest

import fuzz_bundles
import fuzz_packs
from common import Tally, TooSlow, machine, time_limit

RUNS = [
    (fuzz_packs, "tiny", 300),
    (fuzz_packs, "slice", 30),
    (fuzz_bundles, "tiny", 300),
    (fuzz_bundles, "slice", 100),
    (fuzz_bundles, "whole", 20),
]


@pytest.mark.parametrize(("fuzzer", "name", "number"), RUNS)
def test_damage_ends_in_an_error_or_the_right_answers(fuzzer: Any, name: str, number: int) -> None:
    tally = Tally()
    fuzzer.fuzz(name, number, 7, tally)
    assert not tally.failures
    assert tally.outcomes.total() == number
    assert len(tally.outcomes) > 1  # neither all errors nor all answers


@pytest.mark.parametrize("fuzzer", [fuzz_packs, fuzz_bundles])
def test_a_seed_always_gives_the_same_trials(fuzzer: Any) -> None:
    first, second, other = Tally(), Tally(), Tally()
    for tally, seed in ((first, 3), (second, 3), (other, 4)):
        fuzzer.fuzz("tiny", 60, seed, tally)
    assert first.outcomes == second.outcomes
    assert first.outcomes != other.outcomes


def crash(*_: object) -> None:
    raise RuntimeError("planted")


def hang(*_: object) -> None:
    time.sleep(30)


def wrong(_: object, cases: list[object]) -> list[tuple[str, ...]]:
    return [("MDCX", "XX1", "XX19")] * len(cases)


@pytest.mark.parametrize(
    ("fuzzer", "part", "planted", "noticed"),
    [
        (fuzz_packs, "load", crash, "CRASHED: tiny, seed 1, trial 0"),
        (fuzz_packs, "load", hang, "HUNG: tiny, seed 1, trial 0"),
        (fuzz_packs, "by_kernel", wrong, "DISAGREEMENT: tiny, seed 1"),
        (fuzz_bundles, "_outcome", crash, "CRASHED: tiny, seed 1, trial 0"),
        (fuzz_bundles, "_outcome", hang, "HUNG: tiny, seed 1, trial 0"),
        (fuzz_bundles, "_outcome", lambda *_: "WRONG", "tiny: WRONG: tiny, seed 1, trial 0"),
    ],
)
def test_the_fuzzers_notice_what_is_planted(
    fuzzer: ModuleType, part: str, planted: object, noticed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzzer, part, planted)
    if planted is hang:  # any other trial may be slow on a busy machine
        monkeypatch.setitem(fuzz_packs.LIMITS, "tiny", 0.5)
        monkeypatch.setattr(fuzz_bundles, "LIMIT", 0.5)
    tally = Tally()
    fuzzer.fuzz("tiny", 1 if "trial 0" in noticed else 30, 1, tally)
    assert any(failure.startswith(noticed) for failure in tally.failures)


def test_a_tally_shows_counts_then_failures() -> None:
    tally = Tally()
    tally.outcomes.update(["tiny: error"] * 1_200)
    tally.fail("CRASHED", "tiny, seed 1, trial 5: cut")
    assert list(tally.lines()) == [
        "   1,200  tiny: error",
        "       1  CRASHED",
        "CRASHED: tiny, seed 1, trial 5: cut",
    ]


def test_a_time_limit_ends_what_takes_longer_and_nothing_else() -> None:
    with time_limit(5):
        pass
    with pytest.raises(TooSlow), time_limit(0.05):
        time.sleep(2)


def test_the_machine_is_one_line() -> None:
    assert len(machine().splitlines()) == 1
    assert "Python 3." in machine()
    assert "numba" in machine()
