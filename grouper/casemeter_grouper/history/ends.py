"""Which codes of a scenario end in a group of the pack, as the kernel says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.history.recipe import Recipe
from casemeter_grouper.history.scenarios import Scenario


def grouped_principals(
    pack: CompiledScheme | CompiledCatalogue, scenarios: Sequence[Scenario], recipe: Recipe
) -> Iterator[Scenario]:
    """Yield scenarios with those principal diagnoses only that end in a group of the pack.

    A diagnosis stays if every age and sex that the scenario has leads to a group, with its own procedures.
    A scheme must have a group without procedures, too, for a coder may leave them out; a catalogue need not.
    """
    is_scheme = isinstance(pack, CompiledScheme)
    years = recipe.numbers("age.years")
    cases: list[Case] = []
    of: list[tuple[int, int]] = []
    for number, scenario in enumerate(scenarios):
        bands = np.flatnonzero(recipe.numbers(f"age.shares.{scenario.block.ages}"))
        ages = {int(years[band, 0]) for band in (bands[0], bands[-1])} if is_scheme else {0}
        sexes = [sex for sex, p in (("F", scenario.block.female), ("M", 1 - scenario.block.female)) if p]
        own = scenario.plans[0].procedures
        treatments = {own, ()} if is_scheme else {own}
        for place, (code, _) in enumerate(scenario.principals):
            for age, sex, procedures in product(
                sorted(ages), sexes if is_scheme else "F", sorted(treatments)
            ):
                cases.append(Case((code,), procedures, sex, age_years=age, age_days=366 * age))
                of.append((number, place))
    ends = _ends(pack, cases)
    bad = {of[at] for at in np.flatnonzero(ends == 0)}
    for number, scenario in enumerate(scenarios):
        good = [one for place, one in enumerate(scenario.principals) if (number, place) not in bad]
        total = sum(p for _, p in good)
        if good:
            yield scenario._replace(principals=tuple((code, p / total) for code, p in good))


def _ends(pack: CompiledScheme | CompiledCatalogue, cases: Sequence[Case]) -> NDArray[np.int32]:
    if isinstance(pack, CompiledScheme):
        return Grouper(pack).run(pack.encode(cases))[0]
    return CatalogueGrouper(pack).run(pack.encode(cases, [None] * len(cases)))[0]
