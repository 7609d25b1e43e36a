"""Grouping a case by a catalogue: how it ends, why it ends in no group, and what else matches as well."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.case import Case
from casemeter_grouper.dip.catalogue import CatalogueGroup
from casemeter_grouper.dip.compiled import CompiledCatalogue, kernel_cost
from casemeter_grouper.dip.kernel import Batch, run, run_one
from casemeter_grouper.grouping import Status, Ungroupable


@dataclass(frozen=True, slots=True)
class CatalogueOutcome:
    """How one case ends.

    Attributes:
        group: the group; ``None`` when it is in none.
        number: the kernel's number of the group; 0 when it is in none.
        reason: why it is ungroupable; set for that status only.
        rivals: the other groups that match by as many procedures, in the order of the catalogue. Only cost,
            score or code tells them from the group, so before discharge the case may end in any of them.
    """

    status: Status
    group: CatalogueGroup | None = None
    number: int = 0
    reason: Ungroupable | None = None
    rivals: tuple[CatalogueGroup, ...] = ()


NOT_YET: Final = CatalogueOutcome(Status.NOT_YET)
_UNKNOWN: Final = CatalogueOutcome(Status.UNGROUPABLE, reason=Ungroupable.PRINCIPAL_UNKNOWN)
_NO_GROUP: Final = CatalogueOutcome(Status.UNGROUPABLE, reason=Ungroupable.NO_RULE)


class CatalogueGrouper:
    """Answers from one compiled catalogue. Holds no state of any case."""

    def __init__(self, compiled: CompiledCatalogue) -> None:
        self.compiled = compiled
        self._ends = tuple(
            CatalogueOutcome(Status.GROUPED, group, number) if group else _NO_GROUP
            for number, group in enumerate(compiled.groups)
        )

    def run(self, batch: Batch) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Group encoded cases; see :func:`casemeter_grouper.dip.kernel.run` for what is returned."""
        count = len(batch.principals)
        groups, rivals = np.empty(count, np.int32), np.empty(count, np.int32)
        run(self.compiled.mapped, batch, groups, rivals)
        return groups, rivals

    def group(self, case: Case, cost_fen: int | None) -> CatalogueOutcome:
        """Group one case.

        Args:
            case: codes are normalised.
            cost_fen: cost of the case so far in fen, or ``None``: what cost would decide, score decides.

        Raises:
            ValueError: the cost is below 0.
        """
        cost = kernel_cost(cost_fen)
        if not case.diagnoses:
            return NOT_YET
        number, rivals = self._run_one(self.compiled.encode_one(case), cost)
        if number == 0 and case.diagnoses[0] not in self.compiled.diagnoses.number:
            return _UNKNOWN
        end = self._ends[number]
        return replace(end, rivals=rivals) if rivals else end

    def rivals_of(self, codes: NDArray[np.int32], cost: int) -> tuple[CatalogueGroup, ...]:
        """Return the rivals of the group of one encoded case, in the order of the catalogue.

        Args:
            codes: as :func:`casemeter_grouper.dip.kernel.run_one` takes them.
            cost: likewise.
        """
        return self._run_one(codes, cost)[1]

    def _run_one(self, codes: NDArray[np.int32], cost: int) -> tuple[int, tuple[CatalogueGroup, ...]]:
        """Return the number of the group, 0 for none, and its rivals."""
        numbers: list[int] = run_one(self.compiled.mapped, codes, cost).tolist()
        if not numbers:
            return 0, ()
        groups = self.compiled.groups
        return numbers[0], tuple(group for other in sorted(numbers[1:]) if (group := groups[other]))
