"""Fitting a benchmark: settled stays in, the figures of every group out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.benchmark.fitting.collect import Curves, Stays, collect, curves_of
from casemeter_grouper.benchmark.fitting.figures import (
    Dropped,
    Figures,
    Fitted,
    Measured,
    Unmeasured,
)
from casemeter_grouper.benchmark.fitting.measure import Cases, cases_of, measure
from casemeter_grouper.benchmark.fitting.policy import Policy
from casemeter_grouper.benchmark.load import ADRG, OWN

if TYPE_CHECKING:
    # At run time it would load polars, and nothing here needs it.
    from casemeter_grouper.history.settled import SettledChunk
    from casemeter_grouper.history.settled_days import DayChunk


class Groups(NamedTuple):
    """The groups of a pack.

    Attributes:
        codes: by number.
        adrgs: codes of the ADRGs by number; empty for a catalogue.
        adrg_of: number of the ADRG of each group; -1: none.
    """

    codes: tuple[str, ...]
    adrgs: tuple[str, ...]
    adrg_of: NDArray[np.int32]


class NothingToFitError(ValueError):
    """There is no stay to measure."""


def fit(
    chunks: Iterable[SettledChunk],
    charges: Iterable[DayChunk] | None,
    groups: Groups,
    policy: Policy,
    years: tuple[int, int] | None = None,
) -> Fitted:
    """Measure the groups of a pack by settled stays.

    The stays and charges may come in any order and in chunks of any size: the figures are the same.

    Args:
        chunks: the stays; read once.
        charges: what they were charged by day, read once after the stays; ``None``: not known.
        groups: of the pack that grouped the stays.
        policy: how to measure.
        years: first and last calendar year of discharge; ``None``: as many as the policy has weights, up to
            the last that has a stay.

    Raises:
        NothingToFitError: no stay is in the years.
        RepeatedStayError: two stays have one key.
        ValueError: the years are more than the policy has weights, or turned round.
    """
    weights = policy.year_weights
    if years is not None and not 0 <= years[1] - years[0] < len(weights):
        raise ValueError(
            f"{years[0]} to {years[1]} must be 1 to {len(weights)} years, the earlier one first: "
            f"the policy has {len(weights)} weights"
        )
    stays = collect(chunks)
    if not len(stays):
        raise NothingToFitError("the history has no stay that can be measured")
    last = years[1] if years else int(stays.year.max())
    first = years[0] if years else last - len(weights) + 1
    # The newest year has the last weight, however many years are asked for.
    year = stays.year.astype(np.int64) - (last - len(weights) + 1)
    year[(stays.year < first) | (stays.year > last)] = -1
    if not (year >= 0).any():
        raise NothingToFitError(f"the history has no stay that was discharged from {first} to {last}")
    unused: Counter[str] = Counter(stay_outside_years=int((year < 0).sum()))
    unused["stay_in_no_group"] = int(((year >= 0) & (stays.group < 0)).sum())
    unused["fees_not_the_cost"] = int(((year >= 0) & ~stays.fees_add_up).sum())
    curves = None
    if charges is not None:
        curves, not_added = curves_of(stays, charges)
        unused += not_added
        unused["charges_not_the_cost"] = int(((year >= 0) & ~curves.known).sum())
    own = cases_of(stays, stays.group, len(groups.codes), year, policy)
    measured, unmeasured = _groups(stays, curves, own, year, groups, policy)
    return Fitted(
        first_year=first,
        last_year=last,
        weights={last - len(weights) + 1 + int(at): weights[at] for at in np.unique(year[year >= 0])},
        stays=len(stays),
        measured=measured,
        unmeasured=unmeasured,
        dropped=(*_trimmed(own, groups, last), *(Dropped(*item, "") for item in sorted((+unused).items()))),
    )


def _groups(
    stays: Stays,
    curves: Curves | None,
    own: Cases,
    year: NDArray[np.int64],
    groups: Groups,
    policy: Policy,
) -> tuple[tuple[Measured, ...], tuple[Unmeasured, ...]]:
    numbers = range(len(groups.codes))
    enough = [number for number in numbers if own.count(number) >= policy.least_cases]
    few = [number for number in numbers if own.count(number) < policy.least_cases]
    of_own = measure(stays, curves, own, enough, policy)
    of_adrg: dict[int, Figures] = {}
    adrg_cases: dict[int, int] = {}
    if policy.falls_back and groups.adrgs:
        whole = cases_of(stays, stays.adrg, len(groups.adrgs), year, policy)
        asked = sorted({int(groups.adrg_of[number]) for number in few} - {-1})
        adrg_cases = {adrg: whole.count(adrg) for adrg in asked}
        able = [adrg for adrg in asked if adrg_cases[adrg] >= policy.least_cases]
        of_adrg = measure(stays, curves, whole, able, policy)
    measured, unmeasured = [], []
    for number, code in enumerate(groups.codes):
        adrg, cases = int(groups.adrg_of[number]), own.count(number)
        if number in of_own:
            measured.append(Measured(code, OWN, cases, of_own[number]))
        elif adrg in of_adrg:
            measured.append(Measured(code, ADRG, cases, of_adrg[adrg]))
        else:
            name = groups.adrgs[adrg] if adrg >= 0 else ""
            unmeasured.append(Unmeasured(code, cases, name, adrg_cases.get(adrg, 0)))
    return tuple(sorted(measured)), tuple(sorted(unmeasured))


def _trimmed(cases: Cases, groups: Groups, last: int) -> list[Dropped]:
    """Return how many cases were set aside for their cost; the example is where the most were."""
    count = int(cases.set_aside.sum())
    if not count:
        return []
    unit, year = divmod(int(cases.set_aside.argmax()), cases.years)
    where = f"{groups.codes[unit]} {last - cases.years + 1 + year}: {cases.set_aside[unit, year]}"
    return [Dropped("cost_far_from_others", count, where)]
