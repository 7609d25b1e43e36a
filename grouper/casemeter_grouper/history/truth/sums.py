"""The sum over everything hidden of one stay, in compiled loops.

A hidden course of the charges is one of: no operation, an operation still to come, an operation that was;
with a length of stay and a pace. With the running cost it gives the final cost, so every such course, an
atom, has one length of stay and one final cost, whatever scenario and severity it is of.
"""
# numba's decorators have no types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from casemeter_grouper.history.truth.normal import below, between, density
from casemeter_grouper.history.world import Floats, Ints

PLAIN, BEFORE, AFTER = 0, 1, 2
"""Courses: no operation, an operation on a later day, an operation by the end of the day."""

_FAR_OUT: Final = 9.0
"""Costs farther from the mean of their scenario, in its sigmas, are left out; so are days as improbable."""


class Law(NamedTuple):
    """What the loops read of a world, and what was worked out of it beforehand.

    The first are those of :class:`~casemeter_grouper.history.world.World`; then come :class:`Days`,
    :class:`Complications`, :class:`Pages` and :class:`Rows`.
    """

    share: Floats
    variant_at: Ints
    variant: Ints
    variant_p: Floats
    plan_at: Ints
    plan_p: Floats
    operates: NDArray[np.bool_]
    department: Ints
    surgical_p: Floats
    age_p: Floats
    female_p: Floats
    severity_p: Floats
    comorbid_p: Floats
    excluded: NDArray[np.bool_]
    cost_mu: Floats
    cost_sigma: Floats
    cost_lift: Floats
    cost_cap: Floats
    correlation: float
    tail_p: Floats
    ln_tail: Floats
    wrong_p: Floats
    impression_at: Ints
    impression: Ints
    impression_p: Floats
    coding_loss: float
    coding_vague: float
    coding_no_procedure: float
    days_at: NDArray[np.int64]
    threshold: Floats
    mcc: Ints
    cc: Ints
    exclusion: Ints
    plan_list: Ints
    page_at: NDArray[np.int64]
    page: Ints
    row_at: NDArray[np.int64]
    until_day: Floats
    until_cost: Floats


class Seen(NamedTuple):
    """One observation as the loops take it.

    Attributes:
        day: of the stay.
        principal: working principal diagnosis.
        band: age band.
        female: sex.
        department: its number.
        listed: list of the procedures; -1: none are known.
        known: ``L``, which comorbidities are known.
        known_p: probability that one that is there is known by now.
        uncorrected: probability that a wrong first diagnosis still stands.
        states: ``3 x N``: probability by course and length of stay of what is seen of the procedures.
        ln_final: ``3 x N x gammas``: ln of the final cost of each atom.
        pace_p: probability of each gamma.
    """

    day: int
    principal: int
    band: int
    female: bool
    department: int
    listed: int
    known: NDArray[np.bool_]
    known_p: float
    uncorrected: float
    states: Floats
    ln_final: Floats
    pace_p: Floats


@njit(cache=True, nogil=True)
def sum_up(law, seen, scenarios, ages, groups, found, atoms):  # type: ignore[no-untyped-def]
    """Sum over everything hidden.

    Args:
        law: a :class:`Law`.
        seen: a :class:`Seen`.
        scenarios: int32: those that may have the working diagnosis.
        ages: ``M`` probabilities of what the age leaves open.
        groups: group of each row by what the age leaves open and by complications, ``M x rows x 4``.
        found: takes the probability of each group together with what is seen.
        atoms: likewise of each atom, ``3 x N x gammas``.
    """
    variants = np.empty(_widest(law.variant_at))
    own = np.empty_like(atoms)
    coded = np.empty(law.mcc.shape[0])
    stand = np.empty(4)
    for s in scenarios:
        prior = law.share[s] * _visible(law, seen, s)
        plain, operated = _plans(law, seen, s)
        prior *= _principals(law, seen, s, variants)
        if prior * (plain + operated) <= 0:
            continue
        for z in range(law.severity_p.shape[1]):
            p = prior * law.severity_p[seen.band, z] * _comorbidities(law, seen, s, z, coded)
            if p <= 0:
                continue
            longest = _costs(law, seen, s, z, p * plain, p * operated, own)
            courses = own[:, seen.day : longest]
            atoms[:, seen.day : longest] += courses
            _spread(law, seen, s, courses, operated, variants, coded, stand, ages, groups, found)


@njit(cache=True, nogil=True)
def _widest(at):  # type: ignore[no-untyped-def]
    most = 0
    for place in range(at.shape[0] - 1):
        most = max(most, at[place + 1] - at[place])
    return most


@njit(cache=True, nogil=True)
def _visible(law, seen, s):  # type: ignore[no-untyped-def]
    """Probability of age band, sex and department."""
    operates = int(law.operates[s])
    p = law.age_p[s, seen.band] * (law.female_p[s] if seen.female else 1 - law.female_p[s])
    department = 0.0
    if law.department[s, 1] == seen.department:
        department += law.surgical_p[operates]
    if law.department[s, 0] == seen.department:
        department += 1 - law.surgical_p[operates]
    return p * department


@njit(cache=True, nogil=True)
def _plans(law, seen, s):  # type: ignore[no-untyped-def]
    """Probability of the plans without and with procedures that what is seen of procedures allows."""
    plain, operated = 0.0, 0.0
    for j in range(law.plan_at[s], law.plan_at[s + 1]):
        if seen.listed >= 0 and law.plan_list[j] != seen.listed:
            continue
        if law.plan_list[j] == 0:
            plain += law.plan_p[j]
        else:
            operated += law.plan_p[j]
    return plain, operated


@njit(cache=True, nogil=True)
def _principals(law, seen, s, variants):  # type: ignore[no-untyped-def]
    """Return the probability of the working diagnosis; fill in that of each coded one, given it."""
    impression = 0.0
    for i in range(law.impression_at[s], law.impression_at[s + 1]):
        if law.impression[i] == seen.principal:
            impression += law.impression_p[i]
    wrong = law.wrong_p[s] * seen.uncorrected
    start, end = law.variant_at[s], law.variant_at[s + 1]
    total = 0.0
    for v in range(start, end):
        right = 1 - wrong if law.variant[v] == seen.principal else 0.0
        variants[v - start] = law.variant_p[v] * (right + wrong * impression)
        total += variants[v - start]
    if total > 0:
        for v in range(end - start):
            variants[v] *= (1 - law.coding_vague) / total
        variants[0] += law.coding_vague
    return total


@njit(cache=True, nogil=True)
def _comorbidities(law, seen, s, z, coded):  # type: ignore[no-untyped-def]
    """Return the probability of the known comorbidities; fill in that of each being coded, given them."""
    operates = int(law.operates[s])
    p = 1.0
    for c in range(coded.shape[0]):
        there = 0.0 if law.excluded[s, c] else law.comorbid_p[c, seen.band, z, operates]
        if seen.known[c]:
            p *= there * seen.known_p
            coded[c] = 1 - law.coding_loss
        else:
            unknown = 1 - there * seen.known_p
            p *= unknown
            coded[c] = there * (1 - seen.known_p) / unknown * (1 - law.coding_loss) if unknown > 0 else 0.0
        if p <= 0:
            return 0.0
    return p


@njit(cache=True, nogil=True)
def _costs(law, seen, s, z, plain, operated, own):  # type: ignore[no-untyped-def]
    """Fill in the probability of each atom of a scenario and severity, together with the running cost.

    Returns:
        The length of stay at which to stop; atoms from there on are not filled in.
    """
    at = s * law.cost_lift.shape[0] + z
    threshold = law.threshold[law.days_at[at] : law.days_at[at + 1]]
    mean, sigma = law.cost_mu[s] + law.cost_lift[z], law.cost_sigma[s]
    cap = (law.cost_cap[s] - mean) / sigma
    scale = 1 / (sigma * below(cap))
    across = 1 / math.sqrt(1 - law.correlation * law.correlation)
    along = law.correlation * across
    own[:, seen.day : threshold.shape[0]] = 0.0
    for course in range(3):
        prior = scale * (plain if course == PLAIN else operated)
        if prior <= 0:
            continue
        for n in range(seen.day, threshold.shape[0]):
            state = prior * seen.states[course, n]
            if state <= 0:
                continue
            low, high = threshold[n - 1] * across, threshold[n] * across
            for g in range(seen.pace_p.shape[0]):
                most = (seen.ln_final[course, n, g] - mean) / sigma
                p = 0.0
                for tail in range(law.tail_p.shape[0]):
                    x = most - law.ln_tail[tail] / sigma
                    if x > cap or abs(x) > _FAR_OUT:
                        continue
                    pull = along * x
                    if low - pull < _FAR_OUT and pull - high < _FAR_OUT:
                        p += law.tail_p[tail] * density(x) * between(low - pull, high - pull)
                own[course, n, g] = state * seen.pace_p[g] * p
    return threshold.shape[0]


@njit(cache=True, nogil=True)
def _spread(law, seen, s, own, operated, variants, coded, stand, ages, groups, found):  # type: ignore[no-untyped-def]
    """Spread the atoms of a scenario and severity over the groups that they end in."""
    plans = law.plan_at[s + 1] - law.plan_at[s]
    totals = own[PLAIN].sum(), own[BEFORE:].sum()
    for v in range(law.variant_at[s + 1] - law.variant_at[s]):
        p = variants[v]
        if p <= 0:
            continue
        _standing(law, law.exclusion[law.variant[law.variant_at[s] + v]], coded, stand)
        first = law.page_at[s] + v * (plans + 1)
        for operates in range(2):
            if totals[operates] <= 0:
                continue
            start, end = (BEFORE, AFTER + 1) if operates else (PLAIN, PLAIN + 1)
            courses = own[start:end], seen.ln_final[start:end, seen.day :], seen.day, totals[operates]
            left_out = p * law.coding_no_procedure if operates else p
            _end(law, courses, law.page[first + plans], left_out, stand, ages, groups, found)
            if not operates:
                continue
            for j in range(plans):
                listed = law.plan_list[law.plan_at[s] + j]
                if listed == 0 or (seen.listed >= 0 and listed != seen.listed):
                    continue
                share = (p - left_out) * law.plan_p[law.plan_at[s] + j] / operated
                _end(law, courses, law.page[first + j], share, stand, ages, groups, found)


@njit(cache=True, nogil=True)
def _standing(law, exclusion, coded, stand):  # type: ignore[no-untyped-def]
    """Fill in the probability that an MCC stands on the page, and that a CC does, in the order of STATES."""
    no_mcc, no_cc, neither = 1.0, 1.0, 1.0
    for c in range(coded.shape[0]):
        is_mcc = law.mcc[c] >= 0 and law.mcc[c] != exclusion
        is_cc = law.cc[c] >= 0 and law.cc[c] != exclusion
        absent = 1 - coded[c]
        if is_mcc:
            no_mcc *= absent
        if is_cc:
            no_cc *= absent
        if is_mcc or is_cc:
            neither *= absent
    stand[0] = neither
    stand[1] = no_mcc - neither
    stand[2] = no_cc - neither
    stand[3] = 1 - no_mcc - no_cc + neither


@njit(cache=True, nogil=True)
def _end(law, courses, page, share, stand, ages, groups, found):  # type: ignore[no-untyped-def]
    """Add a share of the atoms of some courses, which all have one page, to the groups they end in."""
    own, ln_final, day, total = courses
    start, end = law.row_at[page], law.row_at[page + 1]
    if end == start + 1:
        _add(start, total * share, stand, ages, groups, found)
        return
    for course in range(own.shape[0]):
        for n in range(own.shape[1]):
            for g in range(own.shape[2]):
                if own[course, n, g] <= 0:
                    continue
                row = start
                while day + n > law.until_day[row] or ln_final[course, n, g] > law.until_cost[row]:
                    row += 1
                _add(row, own[course, n, g] * share, stand, ages, groups, found)


@njit(cache=True, nogil=True)
def _add(row, p, stand, ages, groups, found):  # type: ignore[no-untyped-def]
    for age in range(ages.shape[0]):
        for state in range(stand.shape[0]):
            found[groups[age, row, state]] += p * ages[age] * stand[state]
