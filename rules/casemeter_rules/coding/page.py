"""The parts of the front page that diagnoses stand in."""

from __future__ import annotations

from collections.abc import Callable

from casemeter_rules.facts import Diagnosis, Stay
from casemeter_rules.kind import Hit, Sets, Undecided, Values


def on_page(stay: Stay, kind: str) -> list[Diagnosis]:
    """Return the confirmed diagnoses of a kind, those of an outpatient visit left out."""
    return [
        each
        for each in stay.diagnoses
        if each.kind == kind and each.state == "confirmed" and each.phase != "outpatient"
    ]


def unless_on_page(kind: str) -> Callable[[Stay, Values, Sets, Hit], Hit | Undecided | None]:
    """Return a confirmation that drops what was found when the page has a diagnosis of a kind."""

    def confirm(stay: Stay, _values: Values, _sets: Sets, hit: Hit) -> Hit | None:
        return None if on_page(stay, kind) else hit

    return confirm
