"""Which group a case is in where several of a catalogue match as well, and what a forecast is asked with.

The cost tells such groups apart. Of a stay that goes on, that is the cost it is heading for, where a forecast
knows one: the running cost of the first days is near to the cheapest group of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from casemeter.v1 import verdict_pb2
from casemeter_grouper.case import Case
from casemeter_grouper.forecast.complication_counts import complications_of
from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.known import Answer, Known, Procedures
from casemeter_server.loaded import LoadedPack
from casemeter_server.prepare import Prepared

_NO_TIE: Final = verdict_pb2.TIE_COST_UNSPECIFIED


class Settled(NamedTuple):
    """How a case ends.

    Attributes:
        outcome: of the pack.
        recorded: the outcome by the running cost, with which a forecast is asked.
        cost_fen: what tells groups apart; ``None``: unknown.
        tie_cost: which cost that was, a value of ``TieCost``.
    """

    outcome: Any
    recorded: Any
    cost_fen: int | None
    tie_cost: verdict_pb2.TieCost = _NO_TIE


@dataclass(frozen=True, slots=True)
class Settling:
    """Groups the cases of one request.

    Attributes:
        loaded: the pack that groups.
        forecaster: learned for exactly this pack; ``None``: there is none.
    """

    loaded: LoadedPack[Any]
    forecaster: Forecaster | None

    def settle(self, prepared: Prepared, cost_fen: int | None) -> Settled:
        """Group a case.

        Args:
            prepared: the case, and what is planned for it.
            cost_fen: running cost; ``None``: unknown.
        """
        loaded = self.loaded
        recorded = loaded.group(prepared.case, cost_fen)
        if not loaded.is_tied(recorded):
            return Settled(recorded, recorded, cost_fen)
        if cost_fen is None or not loaded.ties_by_cost:
            return Settled(recorded, recorded, cost_fen, verdict_pb2.TIE_COST_NONE)
        expected = self._expected(prepared, recorded, cost_fen)
        if expected is None:
            return Settled(recorded, recorded, cost_fen, verdict_pb2.TIE_COST_RUNNING)
        outcome = loaded.group(prepared.case, expected)
        return Settled(outcome, recorded, expected, verdict_pb2.TIE_COST_FORECAST)

    def cost_of_edits(self, prepared: Prepared, settled: Settled, cost_fen: int | None) -> int | None:
        """Return the cost by which edits of a settled case are told apart: one for all of them."""
        if not self.loaded.ties_by_cost or settled.tie_cost or cost_fen is None:
            return settled.cost_fen
        expected = self._expected(prepared, settled.recorded, cost_fen)
        return cost_fen if expected is None else expected

    def known(self, prepared: Prepared, recorded: Any, cost_fen: int | None) -> Known | None:
        """Return what a forecast is asked with; ``None``: the case has no group, or no day.

        Args:
            prepared: the case.
            recorded: how it ends by the running cost.
            cost_fen: running cost; ``None``: unknown.
        """
        case, facts = prepared.case, self.loaded.facts(recorded)
        if facts is None or prepared.day_of_stay is None:
            return None
        planned = tuple(code for code in prepared.planned if code not in case.procedures)
        major, minor = complications_of(self.loaded.codes, case.diagnoses)
        done = Procedures.DONE if case.procedures else Procedures.NONE
        return Known(
            day=prepared.day_of_stay,
            principal=case.diagnoses[0],
            group=facts.code,
            planned_group=self._planned_group(case, planned, cost_fen) or facts.code,
            cost_fen=cost_fen,
            age_years=None if case.age_years is None else int(case.age_years),
            department=case.department or "",
            major=major,
            minor=minor,
            procedures=Procedures.PENDING if planned else done,
        )

    def _planned_group(self, case: Case, planned: tuple[str, ...], cost_fen: int | None) -> str:
        """Return the group with the planned procedures done; empty: nothing is planned, or it is none.

        Those done come first, then those planned: so the forecast learned it. Where none is done yet, the
        first one planned is the main one, as it will be on the front page.
        """
        if not planned:
            return ""
        outcome = self.loaded.group(case._replace(procedures=case.procedures + planned), cost_fen)
        facts = self.loaded.facts(outcome)
        return facts.code if facts else ""

    def _expected(self, prepared: Prepared, recorded: Any, cost_fen: int) -> int | None:
        """Return the cost that an open stay is heading for, whole fen; ``None``: nothing tells it."""
        if self.forecaster is None or prepared.is_discharged:
            return None
        known = self.known(prepared, recorded, cost_fen)
        answer = self.forecaster.ask(known) if known else None
        if not isinstance(answer, Answer) or answer.cost_fen is None:
            return None
        return round(answer.cost_fen.middle)
