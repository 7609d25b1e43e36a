"""What moved the odds between two forecasts: the causes, made one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from casemeter.v1 import forecast_pb2 as pb
from casemeter_grouper.forecast.known import Absent, Answer, Known, Procedures


class Step(NamedTuple):
    """What one cause did.

    Attributes:
        cause: a value of ``ForecastCause``.
        before: probability by group before it; a group that was not listed had next to none, and counts as 0.
        after: likewise after it.
    """

    cause: pb.ForecastCause
    before: Mapping[str, float]
    after: Mapping[str, float]

    def move(self, group: str) -> float:
        """Return how far a group was moved."""
        return self.after.get(group, 0.0) - self.before.get(group, 0.0)

    def most_moved(self) -> str:
        """Return the group that was moved most; of equal ones, by code. Empty: none was."""
        groups = sorted(self.before.keys() | self.after.keys())
        group = max(groups, key=lambda code: abs(self.move(code)), default="")
        return group if group and self.move(group) else ""


def odds_of(answer: Answer) -> dict[str, float]:
    """Return the probability of each group that is listed."""
    return {candidate.group: candidate.probability for candidate in answer.candidates}


def steps(
    ask: Callable[[Known], Answer | Absent], before: Known, now: Known, answer: Answer
) -> tuple[Step, ...]:
    """Return what each cause did, in the order of ``ForecastCause``; together they lead from then to now.

    A stay between the two that no settled stay ever stood like has no odds: its cause tells nothing, and the
    next one takes its part. Where the earlier stay itself has none, nothing is told.

    Args:
        ask: the bundle that answered both times.
        before: what was known then.
        now: what is known now.
        answer: to what is known now.
    """
    then = ask(before)
    if isinstance(then, Absent):
        return ()
    odds, made = odds_of(then), []
    for cause, known in _changes(before, now):
        found = answer if known == now else ask(known)
        if not isinstance(found, Absent):
            made.append(Step(cause, odds, odds := odds_of(found)))
    return tuple(made)


def _recorded(known: Known, now: Known) -> Known:
    # Where nothing was planned, the planned group goes along with the group as recorded.
    planned = now.group if known.planned_group == known.group else known.planned_group
    procedures, pending = known.procedures, Procedures.PENDING
    was_done = now.procedures is Procedures.DONE and planned == now.planned_group
    if now.procedures is not pending and (procedures is not pending or was_done):
        # A plan that was carried out is recorded; one that came or was dropped is the next cause.
        procedures = now.procedures
    return known._replace(
        principal=now.principal,
        group=now.group,
        planned_group=planned,
        major=now.major,
        minor=now.minor,
        procedures=procedures,
    )


def _planned(known: Known, now: Known) -> Known:
    return known._replace(planned_group=now.planned_group, procedures=now.procedures)


_CAUSES: Final[tuple[tuple[pb.ForecastCause, Callable[[Known, Known], Known]], ...]] = (
    (pb.FORECAST_CAUSE_DAY, lambda known, now: known._replace(day=now.day)),
    (pb.FORECAST_CAUSE_RECORDED, _recorded),
    (pb.FORECAST_CAUSE_PLANNED, _planned),
    (pb.FORECAST_CAUSE_DEPARTMENT, lambda known, now: known._replace(department=now.department)),
    (pb.FORECAST_CAUSE_COST, lambda known, now: known._replace(cost_fen=now.cost_fen)),
    (pb.FORECAST_CAUSE_AGE, lambda known, now: known._replace(age_years=now.age_years)),
)


def _changes(before: Known, now: Known) -> Iterator[tuple[pb.ForecastCause, Known]]:
    """Yield each cause that changed something, and what was known once it had."""
    known = before
    for cause, change in _CAUSES:
        changed = change(known, now)
        if changed != known:
            known = changed
            yield cause, known
