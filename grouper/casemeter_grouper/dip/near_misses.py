"""Near misses: the single edits of a case that lead to another group of the catalogue.

The codes that could be added are read off the catalogue: only procedures that a group of the principal asks
for, and the first treatment of an untreated case, can move it; of the latter one of each kind stands for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np

from casemeter_grouper.case import Case
from casemeter_grouper.dip.catalogue import CatalogueGroup
from casemeter_grouper.dip.compiled import kernel_cost
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.dip.kernel import Batch
from casemeter_grouper.near_misses import Edit


@dataclass(frozen=True, slots=True)
class CatalogueNearMiss:
    """One way to another group.

    Attributes:
        edit: what is done.
        place: for dropped and promoted codes, the 0-based place of the code among those recorded.
        codes: for additions, every known code that does it, sorted.
        group: where the case would end.
    """

    edit: Edit
    place: int | None
    codes: tuple[str, ...]
    group: CatalogueGroup


@dataclass(frozen=True, slots=True)
class _Trial:
    """An edited case."""

    edit: Edit
    place: int | None
    codes: tuple[str, ...]
    principal: str
    procedures: Sequence[str]


class CatalogueNearMisses:
    """Finds near misses in one catalogue. Immutable; prepared once per catalogue."""

    def __init__(self, grouper: CatalogueGrouper) -> None:
        self._grouper = grouper
        self._catalogue = catalogue = grouper.compiled.catalogue
        self._asked = {
            principal: tuple(sorted({code for group in groups for code in group.procedures}))
            for principal, groups in catalogue.core.items()
        }
        self._by_kind: dict[str, list[str]] = {}
        for code, kind in sorted(catalogue.kinds.items()):
            self._by_kind.setdefault(kind, []).append(code)

    def find(self, case: Case, cost_fen: int | None) -> tuple[CatalogueNearMiss, ...]:
        """Return every single edit of a case that leads to a group other than its own, in a fixed order.

        Codes already recorded are not added again. A case without a diagnosis has no near miss, and a
        diagnosis that is added leads nowhere. The answer equals that of trying every edit with every known
        code.

        Args:
            case: codes are normalised.
            cost_fen: cost of the case so far in fen, or ``None``.

        Raises:
            ValueError: the cost is below 0.
        """
        cost = kernel_cost(cost_fen)
        if not case.diagnoses:
            return ()
        trials = list(self._trials(case))
        numbers = self._numbers(case, trials, cost)
        found: dict[tuple[Edit, int | None, int], list[str]] = {}
        for trial, number in zip(trials, numbers[1:], strict=True):
            if number not in (0, numbers[0]):
                found.setdefault((trial.edit, trial.place, number), []).extend(trial.codes)
        return tuple(
            CatalogueNearMiss(edit, place, tuple(sorted(codes)), group)
            for (edit, place, number), codes in found.items()
            if (group := self._grouper.compiled.groups[number])
        )

    def _trials(self, case: Case) -> Iterator[_Trial]:
        principal, procedures = case.diagnoses[0], case.procedures
        if len(case.diagnoses) > 1:
            yield _Trial(Edit.DROP_DIAGNOSIS, 0, (), case.diagnoses[1], procedures)
        for at in range(len(procedures)):
            yield _Trial(Edit.DROP_PROCEDURE, at, (), principal, _without(procedures, at))
        for at in range(1, len(case.diagnoses)):
            yield _Trial(Edit.PROMOTE_DIAGNOSIS, at, (), case.diagnoses[at], procedures)
        for at in range(1, len(procedures)):
            promoted = (procedures[at], *_without(procedures, at))
            yield _Trial(Edit.PROMOTE_PROCEDURE, at, (), principal, promoted)
        for codes in self._additions(case):
            yield _Trial(Edit.ADD_PROCEDURE, None, codes, principal, (*procedures, codes[0]))

    def _additions(self, case: Case) -> Iterator[tuple[str, ...]]:
        """Yield the procedures that could move the case, those that do the same together."""
        recorded = set(case.procedures)
        asked = self._asked.get(case.diagnoses[0][: self._catalogue.options.core_prefix], ())
        for code in asked:
            if code not in recorded:
                yield (code,)
        if recorded.isdisjoint(self._catalogue.kinds):
            others = recorded.union(asked)
            for codes in self._by_kind.values():
                if left := tuple(code for code in codes if code not in others):
                    yield left

    def _numbers(self, case: Case, trials: Sequence[_Trial], cost: int) -> list[int]:
        """Numbers of the groups of the case as sent and of every trial."""
        compiled = self._grouper.compiled
        diagnosis, procedure = compiled.diagnoses.number.get, compiled.procedures.number.get
        principals = [case.diagnoses[0], *(trial.principal for trial in trials)]
        procedures = [case.procedures, *(trial.procedures for trial in trials)]
        batch = Batch(
            np.array([diagnosis(code, 0) for code in principals], np.int32),
            np.array([procedure(code, 0) for code in chain.from_iterable(procedures)], np.int32),
            np.fromiter(accumulate(map(len, procedures), initial=0), np.int64),
            np.full(len(principals), cost, np.int64),
        )
        groups, _ = self._grouper.run(batch)
        numbers: list[int] = groups.tolist()
        return numbers


def _without(codes: Sequence[str], place: int) -> tuple[str, ...]:
    return (*codes[:place], *codes[place + 1 :])
