"""Small forecasts for tests: a few thousand made-up stays of a few dozen groups, learned from once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from casemeter_grouper.forecast.fit import Fitted, Pack, fit
from casemeter_grouper.forecast.model import Header
from casemeter_grouper.forecast.wish import Wish
from casemeter_grouper.history.recipe import read_recipe
from casemeter_grouper.history.write import Order, generate
from small_histories import pack, small_caseload

STAYS = 6_000


@cache
def history(name: str, recipe: str, stays: int, seed: int, bundles: Path, folder: Path) -> Path:
    """Make up a history of the small caseload."""
    target = folder / f"{name}-{recipe}-{stays}-{seed}"
    caseload = small_caseload(folder / "caseload")
    generate(Order(pack(name, bundles), read_recipe(recipe), caseload, stays, seed), target)
    return target


@cache
def opened(name: str, bundles: Path) -> Pack:
    """Take a shipped pack as a fit does."""
    return Pack.of(pack(name, bundles))


def wish(of: Pack, **more: str) -> Wish:
    """Ask for a forecast of a pack."""
    values = {"title": "made up 虚构", "version": "1", "valid_from": "", "valid_until": "", **more}
    return Wish(
        Header(
            f"forecast_{of.id}",
            scheme=of.id,
            scheme_sha256=of.sha256,
            level=0.9,
            demonstration=False,
            **values,
        )
    )


@cache
def fitted(name: str, bundles: Path, folder: Path) -> tuple[Path, Fitted]:
    """Fit a forecast of a shipped pack."""
    of = opened(name, bundles)
    target = folder / f"{name}.bundle"
    return target, fit([history(name, "first", STAYS, 3, bundles, folder)], of, wish(of), target)
