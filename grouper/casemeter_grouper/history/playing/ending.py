"""What the coder makes of a stay: the group that its front page ends in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.history.playing.events import Ending
from casemeter_grouper.history.playing.stay import Stay, day_of
from casemeter_grouper.stay import age_on, length_of_stay

_SEXES: Final[Mapping[int, str]] = {1: "M", 2: "F"}


class Endings:
    """A pack that front pages are grouped by."""

    def __init__(self, pack: CompiledScheme | CompiledCatalogue) -> None:
        self._pack = pack
        self._grouper = Grouper(pack) if isinstance(pack, CompiledScheme) else CatalogueGrouper(pack)

    def of(self, stay: Stay) -> Ending:
        """Return what the coder makes of a stay."""
        header = self._pack.header
        return Ending(self._group(stay), header.id, header.version)

    def name(self, code: str) -> str:
        """Return the name of a diagnosis or a procedure; empty: it has none."""
        return self._pack.diagnoses.name(code) or self._pack.procedures.name(code)

    def _group(self, stay: Stay) -> str:
        case = case_of(stay)
        if isinstance(self._grouper, Grouper):
            leaf = self._grouper.group(case).leaf
            return leaf.group if leaf else ""
        group = self._grouper.group(case, stay.cost_fen).group
        return group.code if group else ""


def case_of(stay: Stay) -> Case:
    """Return the case that the front page of a stay is."""
    admission, discharge = day_of(stay.admission), day_of(stay.discharge)
    years, days = stay.age_years, stay.age_days
    if stay.birth is not None:
        years, days = age_on(stay.birth, admission)
    return Case(
        diagnoses=stay.diagnoses,
        procedures=stay.procedures,
        sex=_SEXES.get(stay.sex),
        discharge_way=stay.discharge_way or None,
        department=stay.department or None,
        age_years=years,
        age_days=days,
        birth_weight_g=stay.birth_weight_g,
        los_days=length_of_stay(admission, discharge),
        # Of a stay whose departments are told, the server knows that none of them was intensive care.
        icu_hours=0.0 if stay.department else None,
    )
