"""The policy of a benchmark: what a file may say, and every fault of it at once."""

from __future__ import annotations

import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from casemeter_grouper.benchmark.fitting.policy import Policy, PolicyError, policy_of, read_policy

CASES = tomllib.loads((Path(__file__).parent / "data" / "benchmark_policy_faults.toml").read_text("utf-8"))[
    "case"
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:30])
def test_every_fault_is_told_at_once(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(case["text"], "utf-8")
    with pytest.raises(PolicyError) as raised:
        read_policy(path)
    told = [fault.removeprefix(f"{path}: ") for fault in raised.value.faults]
    assert len(told) == len(case["faults"])
    for fault, expected in zip(told, case["faults"], strict=True):
        assert fault.startswith(expected)
    assert all(str(path) in line for line in str(raised.value).splitlines())


def test_what_a_file_does_not_say_is_as_in_the_shipped_policy(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("\ufeffleast_cases = 15\n[trimming]\nbelow = 0.5\n", "utf-8")
    policy, text = read_policy(path)
    assert policy == Policy((2, 3, 5), 15, 365, True, True, Fraction(1, 2), Fraction(3, 2))
    assert text.startswith("least_cases = 15")


def test_a_factor_is_taken_exactly() -> None:
    policy = policy_of("[trimming]\nbelow = 0.1\nabove = 3\n", "own.toml")
    assert (policy.below, policy.above) == (Fraction(1, 10), Fraction(3))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes('fallback = "none" # 无'.encode("gbk"))
    with pytest.raises(PolicyError, match="not UTF-8 at byte 20; save it as UTF-8"):
        read_policy(path)
    with pytest.raises(FileNotFoundError):
        read_policy(tmp_path / "missing.toml")
