"""Final groups by a DIP catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casemeter_grouper.dip.catalogue import MICRO_YUAN_PER_FEN
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.dip.kernel import NO_COST, Batch, run_one
from casemeter_grouper.history.truth.outcomes import STATES, Complications, Rows
from casemeter_grouper.history.truth.pages import numbers_of, pages_of
from casemeter_grouper.history.world import Floats, Ints, World


class CatalogueOutcomes:
    """What a DIP catalogue makes of the pages of a world; see :class:`Outcomes`.

    Where the final cost decides between groups that match alike, a page has a row up to each cost at which
    the group changes.
    """

    def __init__(self, world: World, compiled: CompiledCatalogue) -> None:
        self.groups = tuple("" if group is None else group.code for group in compiled.groups)
        self.pages = pages_of(world)
        principals = numbers_of(compiled.diagnoses.number, world.diagnoses)[self.pages.principal]
        procedures, starts = self.pages.flat(
            numbers_of(compiled.procedures.number, world.procedures).tolist()
        )
        free = np.full(len(principals), NO_COST, np.int64)
        chosen, rivals = CatalogueGrouper(compiled).run(Batch(principals, procedures, starts, free))
        at, until, groups = [0], list[float](), list[int]()
        for page, group in enumerate(chosen.tolist()):
            if rivals[page]:
                codes = np.concatenate(
                    [principals[page : page + 1], procedures[starts[page] : starts[page + 1]]]
                )
                pieces = _by_cost(compiled, codes)
            else:
                pieces = [(np.inf, group)]
            until += [cost for cost, _ in pieces]
            groups += [number for _, number in pieces]
            at.append(len(groups))
        self.rows = Rows(np.array(at, np.int64), np.full(len(groups), np.inf), np.log(until))
        self._groups = np.repeat(np.array(groups, np.int32), len(STATES)).reshape(1, -1, len(STATES))
        none = np.full(len(world.comorbid), -1, np.int32)
        self.complications = Complications(none, none, np.full(len(world.diagnoses), -1, np.int32))

    def of(self, age_years: int, female: bool, department: int) -> tuple[Floats, Ints]:
        """See :class:`Outcomes`."""
        del age_years, female, department  # a catalogue looks at none of them
        return np.ones(1), self._groups


def _by_cost(compiled: CompiledCatalogue, codes: Ints) -> list[tuple[float, int]]:
    """Return the group of a page by its final cost: up to how many fen, and the number of the group."""
    matching: list[int] = run_one(compiled.mapped, codes, NO_COST).tolist()
    means = [
        group.mean_cost for at in matching if (group := compiled.groups[at]) and group.mean_cost is not None
    ]
    # The nearest mean changes half way between two means, and nowhere else.
    halves = {(one + other) / 2 / MICRO_YUAN_PER_FEN for one in means for other in means if one != other}
    return _joined(
        [(until, _group_below(compiled, codes, until, halves)) for until in [*sorted(halves), np.inf]]
    )


def _group_below(compiled: CompiledCatalogue, codes: Ints, until: float, halves: set[float]) -> int:
    """Return the group of a page with a cost in the piece that ends at ``until``."""
    start = max((half for half in halves if half < until), default=0.0)
    cost = int((start + until) / 2) if np.isfinite(until) else int(start) + 1
    return int(run_one(compiled.mapped, codes, cost)[0])


def _joined(pieces: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """Join neighbours that have the same group."""
    return [
        piece for at, piece in enumerate(pieces) if at + 1 == len(pieces) or pieces[at + 1][1] != piece[1]
    ]
