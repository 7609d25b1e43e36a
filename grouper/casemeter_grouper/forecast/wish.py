"""What is asked of a fit."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

from casemeter_grouper.forecast.model import Header, Steps

FITTER: Final = 3
"""Changes whenever equal histories give another forecast: forecasts that are kept are then learned anew."""


def settings() -> Mapping[str, Any]:
    """Return how forecasts are learned."""
    return tomllib.loads(resources.files(__package__).joinpath("settings.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Wish:
    """What is asked of a fit.

    Attributes:
        header: who the forecast will be.
        most_in_set: the most groups of a set that is useful, 1 to 10.
        learned: share of the stays that are learned from, the oldest.
        calibrated: share that weights, levels and margins are taken from, the next; the newest are tested.
        seed: of the days that are drawn.
        settings: how it is learned.
    """

    header: Header
    most_in_set: int = 6
    learned: float = 0.7
    calibrated: float = 0.15
    seed: int = 1
    settings: Mapping[str, Any] = field(default_factory=settings)

    @property
    def day_from(self) -> list[int]:
        """First day of each bucket of days."""
        found: list[int] = self.settings["day_from"]
        return found

    @property
    def steps(self) -> Steps:
        """Steps of days and ages."""
        return Steps(self.day_from, self.age_from, self.settings["margin_from"])

    @property
    def age_from(self) -> list[int]:
        """First year of each age band."""
        found: list[int] = self.settings["age_from"]
        return found
