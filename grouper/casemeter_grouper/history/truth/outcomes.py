"""From the hidden outcome of a stay to its final group, by the kernel of the pack.

A page, with its principal diagnosis and procedures, has a few rows. A stay takes the first row of its page
that has at least its days and at least its final cost; the row tells the group by the complications that
stand on the page.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.history.truth.pages import Pages
from casemeter_grouper.history.world import Floats, Ints

STATES: Final = ((False, False), (False, True), (True, False), (True, True))
"""Whether an MCC stands on a page, and whether a CC does."""


class Complications(NamedTuple):
    """Which comorbidity is which complication; -1 stands for none.

    Attributes:
        mcc: exclusion table of each comorbidity of the world as an MCC.
        cc: likewise as a CC.
        principal: exclusion table of each diagnosis of the world as the principal one.
    """

    mcc: Ints
    cc: Ints
    principal: Ints


class Rows(NamedTuple):
    """The rows of all pages.

    Attributes:
        at: int64: page ``i`` has the rows ``at[i]`` to ``at[i + 1] - 1``.
        until_day: up to this length of stay.
        until_cost: up to this final cost, ln of fen.
    """

    at: NDArray[np.int64]
    until_day: Floats
    until_cost: Floats


class Outcomes(Protocol):
    """What a pack makes of the pages of a world.

    Attributes:
        groups: codes of the groups, empty for a stay in no group; numbers below count them.
    """

    groups: tuple[str, ...]
    pages: Pages
    rows: Rows
    complications: Complications

    def of(self, age_years: int, female: bool, department: int) -> tuple[Floats, Ints]:
        """Return the groups of stays of one age, sex and department.

        Returns:
            ``M`` probabilities of what the age in years leaves open; and for each the groups of every row by
            :data:`STATES`, ``M x rows x 4``.
        """
