"""What was fitted as a benchmark pack: written whole or not at all, sound, and the same from any chunks."""

from __future__ import annotations

import csv
import random
from fractions import Fraction
from pathlib import Path

import pytest

from casemeter_grouper.benchmark.benchmark import Benchmark
from casemeter_grouper.benchmark.fitting.figures import Dropped
from casemeter_grouper.benchmark.fitting.fit import fit
from casemeter_grouper.benchmark.fitting.policy import read_policy
from casemeter_grouper.benchmark.fitting.write import Label, decimal, write_pack
from casemeter_grouper.pack.build import build
from casemeter_grouper.pack.faults import PackError
from casemeter_grouper.pack.kinds import check_pack
from settled_stays import GROUPS, Stay, charge_chunk, charge_rows, stay_chunk

LABEL = Label("fitted", "tiny", made_up=True)
POLICY, POLICY_TEXT = read_policy(None)
EARLIER = (Dropped("cost_negative", 2, ""),)


def drawn(count: int) -> list[Stay]:
    """Stays of three groups, one of them far too dear, and two of IR29."""
    draw = random.Random(7)
    stays = []
    for number in range(count):
        group = draw.choice(GROUPS.codes[:3]) if number > 1 else "IR29"
        los = draw.randint(1, 9)
        charges = tuple((day, draw.randint(10_000, 90_000)) for day in range(1, los + 1))
        cost = sum(amount for _, amount in charges)
        fees = (cost // 7, cost // 3, cost - cost // 3 - cost // 7, *[0] * 7)
        stays.append(Stay(number, group, draw.randint(2024, 2026), cost, los, charges, fees))
    return [*stays, Stay(count, "BR21", 2025, 9_000_000)]


def written(folder: Path, stays: list[Stay], size: int) -> Path:
    """Fit stays in chunks of a size and write the pack."""
    rows = charge_rows(stays)
    found = fit(
        (stay_chunk(stays[at : at + size]) for at in range(0, len(stays), size)),
        (charge_chunk(rows[at : at + size]) for at in range(0, len(rows), size)),
        GROUPS,
        POLICY,
    )
    write_pack(folder, found, LABEL, POLICY_TEXT, (*EARLIER, *found.dropped))
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_fitted_pack_builds_and_opens(tmp_path: Path) -> None:
    folder = written(tmp_path / "pack", drawn(600), 600)
    assert check_pack(folder) == []
    build(folder, tmp_path / "x.bundle")
    benchmark = Benchmark.open(tmp_path / "x.bundle")
    header = benchmark.header
    assert (header.id, header.scheme, header.period) == ("fitted", "tiny", "2024–2026")
    assert header.demonstration
    assert "made up 虚构" in header.title
    rows = {row["group_code"]: row for row in table(folder / "measures.csv")}
    assert [one.code for one in benchmark] == ["BR21", "BR23", "BR25"] == list(rows)
    for group in benchmark:
        row = rows[group.code]
        assert group.mean_cost_fen == Fraction(row["mean_cost_yuan"]) * 100
        assert (group.basis, str(group.cases)) == ("own", row["cases"])
        assert list(group.cost_quantiles_fen) == [10, 25, 75, 90]
        assert list(group.los_quantiles) == [10, 25, 50, 75, 90]
        assert len(group.cost_by_day) == 9
        assert sum(group.structure.values()) == pytest.approx(1, abs=1e-5)
        assert all(len(days) == 9 for days in group.cost_by_day_quantiles.values())
        low, high = group.cost_by_day_quantiles[10], group.cost_by_day_quantiles[90]
        assert all(a < mean < b for a, mean, b in zip(low, group.cost_by_day, high, strict=True))
        # By the last day all have ended: the curve ends at the mean cost, to half a fen.
        assert abs(group.cost_by_day[-1] - group.mean_cost_fen) <= Fraction(1, 2)
    assert table(folder / "unmeasured.csv") == [
        {"group_code": "IR29", "cases": "2", "adrg": "IR2", "adrg_cases": "2"}
    ]
    dropped = table(folder / "dropped.csv")
    assert dropped == [
        {"reason": "cost_negative", "count": "2", "example": ""},
        {"reason": "cost_far_from_others", "count": "1", "example": "BR21 2025: 1"},
    ]
    assert (folder / "policy.toml").read_text("utf-8") == POLICY_TEXT


def test_a_pack_fitted_in_a_stream_is_that_fitted_at_once(tmp_path: Path) -> None:
    stays = drawn(600)
    at_once = written(tmp_path / "a", stays, 10_000)
    for size in (1, 7, 256):
        streamed = written(tmp_path / f"b{size}", stays[::-1], size)
        assert {path.name: path.read_bytes() for path in streamed.iterdir()} == {
            path.name: path.read_bytes() for path in at_once.iterdir()
        }


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    with pytest.raises(FileExistsError, match="name a folder that is not"):
        written(tmp_path / "pack", drawn(50), 50)
    assert list(tmp_path.iterdir()) == [tmp_path / "pack"]
    assert list((tmp_path / "pack").iterdir()) == []


def test_costs_that_are_no_plausible_money_make_no_pack(tmp_path: Path) -> None:
    stays = [Stay(at, "IR29", 2026, 3 + at) for at in range(9)]
    with pytest.raises(PackError) as raised:
        written(tmp_path / "pack", stays, 50)
    assert [fault.kind for fault in raised.value.faults] == ["wrong_currency_unit"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (Fraction(5, 2), 0, "3"),
        (Fraction(1, 3), 4, "0.3333"),
        (Fraction(2, 3), 4, "0.6667"),
        (Fraction(123_456_789, 20_000), 4, "6172.8395"),
        (Fraction(999_999, 100_000), 4, "10.0000"),
    ],
)
def test_decimals_are_rounded_half_up(value: Fraction, digits: int, text: str) -> None:
    assert decimal(value, digits) == text
