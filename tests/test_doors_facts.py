"""What each door can carry: the page says what the doors declare."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest

from casemeter_server.doors.facts import EVERYTHING, DoorFacts, every_path, read_facts
from casemeter_server.doors.nhsa.facts import FACTS
from casemeter_server.doors.settlement.door import facts_of

PAGE = Path(__file__).parents[1] / "docs" / "doors.md"
DOORS: dict[str, DoorFacts] = {
    "gRPC, JSON": EVERYTHING,
    "3101, 3102": FACTS,
    "4101": facts_of("4101"),
    "4101A": facts_of("4101A"),
    "HQMS": facts_of("hqms"),
    "CDS Hooks": read_facts("casemeter_server.doors.cds"),
}


def table() -> str:
    """Facts by doors; those of one message that the same doors carry stand in one row."""
    lines = [f"| fact | {' | '.join(DOORS)} |", "|---|" + "---|" * len(DOORS)]
    rows = [(path.rpartition("."), carried(path)) for path in every_path()]
    for (owner, marks), group in groupby(rows, lambda row: (row[0][0], row[1])):
        names = ", ".join(f"`{name}`" for (_, _, name), _ in group)
        place = f"`{owner}`: " if owner else ""
        lines.append(f"| {place}{names} | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"


def carried(path: str) -> tuple[str, ...]:
    return tuple("●" if door.carries(path) else "·" for door in DOORS.values())


def test_the_page_shows_what_each_door_can_carry(request: pytest.FixtureRequest) -> None:
    written, mark, rest = PAGE.read_text("utf-8").partition('--update" writes it. -->\n')
    assert mark
    made = "\n" + table()
    if request.config.getoption("--update"):
        PAGE.write_text(written + mark + made, "utf-8")
        rest = made
    assert rest == made, "docs/doors.md differs; if the facts are right, --update writes it"


def test_every_door_lacks_something_and_names_are_told_apart() -> None:
    assert len({door.name for door in DOORS.values()}) == len(DOORS)
    for name, door in DOORS.items():
        lacking = [path for path in every_path() if not door.carries(path)]
        assert bool(lacking) == (door is not EVERYTHING), name
