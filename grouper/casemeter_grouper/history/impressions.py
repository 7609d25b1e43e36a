"""First impressions that turn out wrong: symptoms, and diagnoses that are near."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence

from casemeter_grouper.history.recipe import Recipe
from casemeter_grouper.history.scenarios import Scenario, Weighted


class Impressions:
    """Draws first impressions from the scenarios of a caseload."""

    def __init__(self, scenarios: Sequence[Scenario], known: Container[str], recipe: Recipe) -> None:
        """Arrange the scenarios by category.

        Args:
            scenarios: all of them; a neighbour is weighted by its cases.
            known: the known diagnoses.
            recipe: how far neighbours lie, and how often a symptom is written.
        """
        self._known = known
        self._reach = recipe.count("impression.reach")
        self._most = recipe.count("impression.most_neighbours")
        self._symptom_share = recipe.number("impression.symptom_share")
        self._by_category: Mapping[str, list[Scenario]] = defaultdict(list)
        for scenario in scenarios:
            self._by_category[scenario.volume.principal[:3]].append(scenario)

    def of(self, scenario: Scenario) -> Weighted:
        """Return the wrong first diagnoses of a scenario with their probabilities; there may be none."""
        symptoms = [code for code in scenario.block.symptoms if code in self._known]
        symptoms = [code for code in symptoms if code[:3] != scenario.volume.principal[:3]]
        near = sorted(self._neighbours(scenario).items(), key=lambda one: (-one[1], one[0]))[: self._most]
        total = sum(cases for _, cases in near)
        share = self._symptom_share
        if not symptoms or not near:
            share = 1.0 if symptoms else 0.0
        return (
            *((code, share / len(symptoms)) for code in symptoms if share),
            *((code, (1 - share) * cases / total) for code, cases in near if share < 1),
        )

    def _neighbours(self, scenario: Scenario) -> dict[str, float]:
        """Return the first codes of scenarios of near categories and like patients, with their cases."""
        own = {code for code, _ in scenario.principals}
        near: dict[str, float] = {}
        for category in self._categories_near(scenario.volume.principal[:3]):
            for other in self._by_category.get(category, ()):
                code = other.principals[0][0]
                same_age = (other.block.ages == "newborn") == (scenario.block.ages == "newborn")
                same_sex = abs(other.block.female - scenario.block.female) < 1 / 2
                if code not in own and same_age and same_sex:
                    near[code] = near.get(code, 0.0) + other.volume.cases
        return near

    def _categories_near(self, category: str) -> Iterator[str]:
        """Yield the categories of the same letter whose numbers are not far away."""
        if not category[1:].isdigit():
            yield category
            return
        number = int(category[1:])
        for other in range(max(0, number - self._reach), min(99, number + self._reach) + 1):
            yield f"{category[0]}{other:02}"
