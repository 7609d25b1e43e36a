"""Writes the demonstration packs of payment and benchmark anew: invented figures, by the rules below.

python scripts/make_demo_payment.py [PACKS]   (default: the shipped packs)

weight: 6 for a transplant (MDCA), else 1.6 after an operation (second letter A-J), 1.2 after an intervention
    (K-Q), 0.8 without (R-Z); plus 0.05 for each ADRG before it in its MDC, counted modulo 8; times 1.5, 1.2,
    0.9, 1 for the last digit 1, 3, 5, 9; rounded to 0.05.
mean cost: 7,600 yuan a weight. mean stay: 3 days and 4 a weight, at most 20. cv: 0.4, after an operation 0.3.
cases: 2,000 divided by the weight, rounded to 10. structure and cost by day: the same for every operation,
    for every intervention and for everything else.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from casemeter_grouper.pack.groups import groups_of
from casemeter_grouper.pack.load import load

PACKS = Path(__file__).parents[1] / "grouper" / "casemeter_grouper" / "packs"
SCHEME = "chs_drg_11"
COST_OF_A_WEIGHT = Decimal(7600)
SEVERITY = {"1": Decimal("1.5"), "3": Decimal("1.2"), "5": Decimal("0.9")}

KINDS = {
    # kind of group: weight, cv, share of each fee category of the front page, shares of days 1 and 2
    "operation": ("1.6", "0.3", "0.14 0.16 0.24 0.01 0.01 0.16 0.03 0.02 0.21 0.02", "0.12 0.40"),
    "intervention": ("1.2", "0.35", "0.14 0.20 0.20 0.01 0.01 0.16 0.03 0.01 0.22 0.02", "0.15 0.35"),
    "other": ("0.8", "0.4", "0.18 0.30 0.08 0.03 0.03 0.26 0.06 0.01 0.03 0.02", "0.22 0.12"),
}


def kind_of(group: str) -> str:
    """Return the kind of a group by the second letter of its code."""
    return "operation" if group[1] <= "J" else "intervention" if group[1] <= "Q" else "other"


def weights() -> dict[str, Decimal]:
    """Return the invented weight of every group of the scheme."""
    found: dict[str, Decimal] = {}
    adrgs: dict[str, None] = {}
    before: Counter[str] = Counter()
    for group in groups_of(load(PACKS / SCHEME).scheme.tree):
        mdc, adrg = group[0], group[:3]
        if adrg not in adrgs:
            adrgs[adrg] = None
            before[mdc] += 1
        weight = Decimal(6) if mdc == "A" else Decimal(KINDS[kind_of(group)][0])
        weight += Decimal("0.05") * ((before[mdc] - 1) % 8)
        weight *= SEVERITY.get(group[-1], Decimal(1))
        found[group] = rounded(weight, "0.05")
    return found


def rounded(value: Decimal, step: str) -> Decimal:
    """Return a value rounded half up to a step."""
    return (value / Decimal(step)).quantize(Decimal(1), ROUND_HALF_UP) * Decimal(step)


def write(path: Path, header: str, rows: Iterable[Sequence[object]]) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def days_of(weight: Decimal) -> Decimal:
    """Return the invented mean stay."""
    return min(rounded(3 + 4 * weight, "0.5"), Decimal(20))


def cost_by_day(group: str, weight: Decimal) -> list[Decimal]:
    """Return the invented cost up to each day: two days by their shares, the rest in equal parts."""
    mean, days = weight * COST_OF_A_WEIGHT, int(days_of(weight))
    first, second = map(Decimal, KINDS[kind_of(group)][3].split())
    each = (1 - first - second) / (days - 2)
    shares = [first, second, *[each] * (days - 2)]
    return [(mean * sum(shares[: day + 1])).quantize(Decimal("0.01"), ROUND_HALF_UP) for day in range(days)]


def main() -> None:
    """Write the tables that follow from a rule; the others are written by hand."""
    packs = Path(sys.argv[1]) if len(sys.argv) > 1 else PACKS
    paid = weights()
    payment, benchmark = packs / "demo_payment_chs_drg_11", packs / "demo_benchmark_chs_drg_11"
    write(payment / "weights.csv", "group,weight", paid.items())
    write(
        benchmark / "measures.csv",
        "group_code,mean_cost_yuan,mean_los_days,cv,cases",
        (
            (
                group,
                (weight * COST_OF_A_WEIGHT).quantize(Decimal("0.01")),
                days_of(weight),
                KINDS[kind_of(group)][1],
                rounded(Decimal(2000) / weight, "10"),
            )
            for group, weight in paid.items()
        ),
    )
    write(
        benchmark / "structure.csv",
        "group_code,category,share",
        (
            (group, category, share)
            for group in paid
            for category, share in enumerate(KINDS[kind_of(group)][2].split(), 1)
        ),
    )
    write(
        benchmark / "cost_by_day.csv",
        "group_code,day,mean_cost_yuan",
        (
            (group, day, cost)
            for group, weight in paid.items()
            for day, cost in enumerate(cost_by_day(group, weight), 1)
        ),
    )


if __name__ == "__main__":
    main()
