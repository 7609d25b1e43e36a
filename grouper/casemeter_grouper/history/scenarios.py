"""Scenarios: what a stay truly is. One for each group of a caseload, with its codes and its procedures."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from casemeter_grouper.history.caseload import Volume
from casemeter_grouper.history.medicine import Block, block_of, kind_of_procedure
from casemeter_grouper.history.recipe import Recipe

_USUAL_ENDING: Final = "00"
_UNTREATED: Final = "BSZL"
_NEXT_OF: Final = "~"  # sorts behind every character of a code

Weighted = tuple[tuple[str, float], ...]
"""Codes with their probabilities."""


class Plan(NamedTuple):
    """Procedures that a stay may take, the main one first, and how probable that is."""

    procedures: tuple[str, ...]
    probability: float


class Scenario(NamedTuple):
    """What a stay truly is.

    Attributes:
        principals: codes of the principal diagnosis; the first is what a vague coder writes.
        plans: what may be done; the first is the group's own.
    """

    volume: Volume
    block: Block
    principals: Weighted
    plans: tuple[Plan, ...]

    @property
    def operates(self) -> bool:
        """Whether procedures belong to it."""
        return bool(self.plans[0].procedures)


def scenarios_of(
    volumes: Sequence[Volume], diagnoses: Sequence[str], procedures: frozenset[str], recipe: Recipe
) -> Iterator[Scenario]:
    """Yield the scenario of each group whose codes are known.

    Args:
        volumes: the groups.
        diagnoses: the known diagnoses, sorted.
        procedures: the known procedures.
        recipe: what is drawn how often.
    """
    seen = _Seen(volumes, procedures)
    core: Mapping[str, list[frozenset[str]]] = defaultdict(list)
    for volume in volumes:
        if not volume.kind:
            core[volume.principal].append(frozenset(volume.procedures))
    for volume in volumes:
        if not procedures.issuperset(volume.procedures):
            continue
        plans = _plans(volume, seen, recipe)
        if not plans:
            continue
        codes = [code for code in _beginning_with(volume.principal, diagnoses) if "*" not in code]
        if volume.kind:
            taken = frozenset(plans[0].procedures)
            codes = [code for code in codes if not _is_core(taken, core.get(code[:5], ()))]
        if codes:
            yield Scenario(volume, block_of(volume.principal), _weighted(codes, recipe), plans)


class _Seen:
    """Procedures seen with each category, and with each chapter, the most frequent first."""

    def __init__(self, volumes: Sequence[Volume], known: frozenset[str]) -> None:
        counts: Mapping[str, Counter[str]] = defaultdict(Counter)
        for volume in volumes:
            for code in known.intersection(volume.procedures):
                counts[volume.principal[:3]][code] += int(volume.cases)
                counts[volume.principal[:1]][code] += int(volume.cases)
        self._counts = counts

    def with_category(self, category: str) -> list[tuple[str, int]]:
        return _falling(self._counts.get(category, Counter()))

    def of_kind(self, category: str, kind: str) -> list[tuple[str, int]]:
        """Return those of a kind; of the chapter where the category has none."""
        for place in (category, category[:1]):
            found = [one for one in self.with_category(place) if kind_of_procedure(one[0]) == kind]
            if found:
                return found
        return []


def _falling(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _plans(volume: Volume, seen: _Seen, recipe: Recipe) -> tuple[Plan, ...]:
    """Return the plans of a group; none where no procedure of its kind is known."""
    category = volume.principal[:3]
    if volume.kind and volume.kind != _UNTREATED:
        own = seen.of_kind(category, volume.kind)[: recipe.count("procedure.most_of_kind")]
        if not own:
            return ()
        treated = 1 - recipe.number("procedure.without_operation")
        total = sum(count for _, count in own)
        plans = [Plan((code,), treated * count / total) for code, count in own]
        return (*plans, Plan((), 1 - treated))
    more = [one for one in seen.with_category(category) if one[0] not in volume.procedures]
    more = more[: recipe.count("procedure.most_more")]
    total = sum(count for _, count in more)
    one_more = recipe.number("procedure.one_more") if more else 0.0
    without = recipe.number("procedure.without_operation") if volume.procedures else 0.0
    plans = [Plan(volume.procedures, 1 - one_more - without)]
    plans += [Plan((*volume.procedures, code), one_more * count / total) for code, count in more]
    return (*plans, Plan((), without)) if without else tuple(plans)


def _beginning_with(prefix: str, codes: Sequence[str]) -> Sequence[str]:
    return codes[bisect_left(codes, prefix) : bisect_left(codes, prefix + _NEXT_OF)]


def _is_core(taken: frozenset[str], asked: Sequence[frozenset[str]]) -> bool:
    """Whether a core group of the same principal would take a stay; one without procedures asks for none."""
    return any(codes <= taken if codes else not taken for codes in asked)


def _weighted(codes: Sequence[str], recipe: Recipe) -> Weighted:
    """Return codes with their probabilities, those with the usual ending first."""
    codes = sorted(codes, key=lambda code: not code.endswith(_USUAL_ENDING))
    codes = codes[: recipe.count("diagnosis.most_codes")]
    usual = sum(code.endswith(_USUAL_ENDING) for code in codes)
    share = recipe.number("diagnosis.usual_ending_share")
    if usual in (0, len(codes)):
        return tuple((code, 1 / len(codes)) for code in codes)
    return tuple(
        (code, share / usual if code.endswith(_USUAL_ENDING) else (1 - share) / (len(codes) - usual))
        for code in codes
    )
