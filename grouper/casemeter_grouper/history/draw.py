"""Drawing stays from a world: one compiled loop over the law of :mod:`casemeter_grouper.history.world`."""
# numba's decorators have no types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from casemeter_grouper.history.world import Floats, Ints, World

MOST_DAYS: Final = 1_000
"""The longest stay. With the means of any caseload the law comes near it never."""

LEAST_COST_FEN: Final = 100
NO_DAY: Final = 0
"""Stands for a day that never comes: of an operation where there is none."""

NOBODY: Final = -1
"""Stands for a first impression where the first diagnosis is right."""

_AFTER: Final = MOST_DAYS + 1
_NEWBORN_DAYS = 29


class Stays(NamedTuple):
    """Stays as drawn, ``n`` of them, with everything that is hidden.

    Attributes:
        scenario, plan, band, severity: numbers of the world's. Plans count over all scenarios.
        variant: number of the true principal diagnosis.
        age_years: completed years on admission.
        age_rest: days that have passed since the last birthday, 0 to 364; of newborns their age in days.
        female: bool.
        department: number of the department.
        days: length of stay, at least 1.
        cost_fen: final cost.
        tail: number of the tail factor.
        operation_day: ``NO_DAY`` where the plan has no procedures.
        ordered_day, reported_day: of the operation; the report may come after the last day.
        gamma: number of the pace.
        impression: number of the wrong first diagnosis, or ``NOBODY``.
        corrected_day: first day at whose end the principal diagnosis is right; it may lie after the last day.
        vague, no_procedure: bool, what the coder did.
        comorbid_at: ``n + 1`` places.
        comorbid: numbers of the world's comorbidities.
        comorbid_day: first day at whose end it is known; it may lie after the last day.
        comorbid_coded: bool, the coder wrote it.
    """

    scenario: Ints
    plan: Ints
    band: Ints
    severity: Ints
    variant: Ints
    age_years: Ints
    age_rest: Ints
    female: NDArray[np.bool_]
    department: Ints
    days: Ints
    cost_fen: NDArray[np.int64]
    tail: Ints
    operation_day: Ints
    ordered_day: Ints
    reported_day: Ints
    gamma: Ints
    impression: Ints
    corrected_day: Ints
    vague: NDArray[np.bool_]
    no_procedure: NDArray[np.bool_]
    comorbid_at: NDArray[np.int64]
    comorbid: Ints
    comorbid_day: Ints
    comorbid_coded: NDArray[np.bool_]


class Odds(NamedTuple):
    """A world as the loop reads it; sums of probabilities where one of several is drawn."""

    share: Floats
    variant_at: Ints
    variant: Ints
    variant_p: Floats
    plan_at: Ints
    plan_p: Floats
    procedure_at: Ints
    operates: NDArray[np.bool_]
    department: Ints
    surgical_p: Floats
    age_years: Ints
    age_p: Floats
    female_p: Floats
    severity_p: Floats
    comorbid_p: Floats
    excluded: NDArray[np.bool_]
    cost_mu: Floats
    cost_sigma: Floats
    cost_lift: Floats
    cost_cap: Floats
    mean_los: Floats
    los_lift: Floats
    tail_p: Floats
    tail_factor: Floats
    operation_day: Ints
    operation_day_p: Floats
    lead_p: Floats
    lag_p: Floats
    pace_p: Floats
    wrong_p: Floats
    impression_at: Ints
    impression: Ints
    impression_p: Floats
    rates: Floats


_RATES = ("dispersion", "correlation", "known_first", "known_later", "corrected")
_CODING = ("coding_loss", "coding_vague", "coding_no_procedure")


def odds_of(world: World) -> Odds:
    """Return a world as the loop reads it."""
    values = {name: getattr(world, name) for name in Odds._fields if name != "rates"}
    for name in (
        *("share", "age_p", "severity_p", "tail_p", "operation_day_p", "lead_p", "lag_p", "pace_p"),
    ):
        values[name] = np.cumsum(values[name], axis=-1)
    for name in ("variant", "plan", "impression"):
        values[f"{name}_p"] = _sums(values[f"{name}_p"], values[f"{name}_at"])
    rates = [getattr(world, name) for name in (*_RATES, *_CODING)]
    return Odds(**values, rates=np.array(rates, np.float64))


def draw(odds: Odds, count: int, seed: np.random.SeedSequence) -> Stays:
    """Draw stays. Equal seeds give equal stays.

    Args:
        odds: of :func:`odds_of`.
        count: how many.
        seed: of these stays alone.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    most = odds.excluded.shape[1]
    columns = np.zeros((count, len(_COLUMNS)), np.int64)
    comorbid_at = np.zeros(count + 1, np.int64)
    lists = np.empty((count * most, 3), np.int32)
    _draw(odds, generator, columns, comorbid_at, lists)
    lists = lists[: comorbid_at[-1]]
    whole: dict[str, NDArray[Any]] = {
        name: column.astype(np.bool_ if name in _FLAGS else np.int64 if name == "cost_fen" else np.int32)
        for name, column in zip(_COLUMNS, columns.T, strict=True)
    }
    return Stays(
        **whole,
        comorbid_at=comorbid_at,
        comorbid=lists[:, 0].copy(),
        comorbid_day=lists[:, 1].copy(),
        comorbid_coded=lists[:, 2].astype(np.bool_),
    )


_COLUMNS: Final = Stays._fields[: Stays._fields.index("comorbid_at")]
_FLAGS: Final = ("female", "vague", "no_procedure")


def _sums(parts: Floats, at: Ints) -> Floats:
    """Return sums of probabilities within each list."""
    sums = np.cumsum(parts)
    before = np.concatenate([[0.0], sums])[at[:-1]]
    result: Floats = sums - np.repeat(before, np.diff(at))
    return result


@njit(cache=True, nogil=True)
def _pick(sums, start, end, at):  # type: ignore[no-untyped-def]
    """Return the place in ``start`` to ``end - 1`` whose sum first lies above ``at``."""
    low, high = start, end - 1
    while low < high:
        middle = (low + high) >> 1
        if sums[middle] > at:
            high = middle
        else:
            low = middle + 1
    return low


@njit(cache=True, nogil=True)
def _days_after_first(mean, dispersion, at):  # type: ignore[no-untyped-def]
    """Return the quantile of a negative binomial of that mean and dispersion."""
    failure = mean / (mean + dispersion)
    part = (1.0 - failure) ** dispersion
    total = part
    days = 0
    while total <= at and days < MOST_DAYS - 1:
        part *= failure * (days + dispersion) / (days + 1)
        total += part
        days += 1
    return days


@njit(cache=True, nogil=True)
def _first_day(generator, chance):  # type: ignore[no-untyped-def]
    """Return the first day on which something of that daily chance comes; far away: never."""
    if chance >= 1.0:
        return 1
    if chance <= 0.0:
        return _AFTER
    return min(_AFTER, 1 + int(math.log(1.0 - generator.random()) / math.log(1.0 - chance)))


@njit(cache=True, nogil=True)
def _draw(odds, generator, columns, comorbid_at, lists):  # type: ignore[no-untyped-def]
    dispersion, correlation, known_first, known_later, corrected = odds.rates[:5]
    loss, vague, no_procedure = odds.rates[5:]
    most = odds.excluded.shape[1]
    rest = math.sqrt(1.0 - correlation * correlation)
    listed = 0
    for stay in range(columns.shape[0]):
        row = columns[stay]
        s = _pick(odds.share, 0, odds.share.shape[0], generator.random())
        variant = _pick(odds.variant_p, odds.variant_at[s], odds.variant_at[s + 1], generator.random())
        plan = _pick(odds.plan_p, odds.plan_at[s], odds.plan_at[s + 1], generator.random())
        band = _pick(odds.age_p[s], 0, odds.age_p.shape[1], generator.random())
        first, last = odds.age_years[band]
        years = first + int(generator.random() * (last + 1 - first))
        operates = 1 if odds.operates[s] else 0
        z = _pick(odds.severity_p[band], 0, odds.severity_p.shape[1], generator.random())
        row[0], row[1], row[2], row[3], row[4] = s, plan, band, z, odds.variant[variant]
        row[5] = years
        row[6] = int(generator.random() * (_NEWBORN_DAYS if years == 0 else 365))
        row[7] = generator.random() < odds.female_p[s]
        row[8] = odds.department[s, 1 if generator.random() < odds.surgical_p[operates] else 0]

        # Drawn again, and not set to the cap: many stays of one cost would be known by it to the fen.
        of_cost, log_cost = 0.0, math.inf
        while log_cost > odds.cost_cap[s]:
            of_cost = generator.standard_normal()
            log_cost = odds.cost_mu[s] + odds.cost_lift[z] + odds.cost_sigma[s] * of_cost
        of_days = correlation * of_cost + rest * generator.standard_normal()
        at = 0.5 * math.erfc(-of_days / math.sqrt(2.0))
        days = 1 + _days_after_first((odds.mean_los[s] - 1.0) * odds.los_lift[z], dispersion, at)
        tail = _pick(odds.tail_p, 0, odds.tail_p.shape[0], generator.random())
        cost = math.exp(log_cost) * odds.tail_factor[tail]
        row[9], row[10], row[11] = days, max(LEAST_COST_FEN, int(cost + 0.5)), tail

        if odds.procedure_at[plan + 1] > odds.procedure_at[plan]:
            place = _pick(odds.operation_day_p, 0, odds.operation_day_p.shape[0], generator.random())
            operation = min(days, odds.operation_day[place])
            row[12] = operation
            row[13] = max(1, operation - _pick(odds.lead_p, 0, odds.lead_p.shape[0], generator.random()))
            row[14] = operation + _pick(odds.lag_p, 0, odds.lag_p.shape[0], generator.random())
        row[15] = _pick(odds.pace_p, 0, odds.pace_p.shape[0], generator.random())

        row[16], row[17] = NOBODY, 1
        if generator.random() < odds.wrong_p[s]:
            start, end = odds.impression_at[s], odds.impression_at[s + 1]
            row[16] = odds.impression[_pick(odds.impression_p, start, end, generator.random())]
            row[17] = _first_day(generator, corrected)
        row[18] = generator.random() < vague
        row[19] = generator.random() < no_procedure

        for one in range(most):
            if odds.excluded[s, one]:
                continue
            if generator.random() < odds.comorbid_p[one, band, z, operates]:
                lists[listed, 0] = one
                known = 1
                if generator.random() >= known_first:
                    known = min(_AFTER, 1 + _first_day(generator, known_later))
                lists[listed, 1] = known
                lists[listed, 2] = generator.random() >= loss
                listed += 1
        comorbid_at[stay + 1] = listed
