"""The world that histories are drawn from: every probability of the generator, as numbers.

A stay is drawn so, one hidden variable after the other; :mod:`casemeter_grouper.history.truth` sums over the
same ones. Nothing else is random in what a forecast may see.

1.  scenario ``s`` ~ ``share``: what the stay truly is, with the procedures it will take;
2.  variant of the principal diagnosis ~ ``variant_p``; plan ``j`` ~ ``plan_p``: the procedures, perhaps one
    more; a plan without procedures is a stay that is treated without operation;
3.  age band ~ ``age_p[s]``, years within it alike; in the first year of life there are newborns only, of 0 to
    28 days; sex ~ ``female_p[s]``; department: the surgical one of the scenario with
    ``surgical_p[operates]``, else the other;
4.  severity ``z`` ~ ``severity_p[age band]``;
5.  each comorbidity ``l`` is there with ``comorbid_p[l, age band, z, operates]``, independently, unless
    ``excluded[s, l]``;
6.  days ``n`` and final cost: ln of cost in fen is normal with ``cost_mu[s] + cost_lift[z]`` and
    ``cost_sigma[s]``; days are 1 + negative binomial with mean ``(mean_los[s] - 1) * los_lift[z]`` and
    ``dispersion``; a Gaussian copula with ``correlation`` (of its two normals) ties them; what lies above
    ``cost_cap[s]`` is drawn again, with its days; then the cost is multiplied by a tail factor ~ ``tail_p``;
7.  day of the operation: ``min(n, operation_day)`` ~ ``operation_day_p``; the order is known ``lead`` days
    before (not before day 1), the report ``lag`` days after (``lead_p``, ``lag_p``); a report that is not
    there by day ``n`` is there when the page is coded;
8.  the share of the cost up to the end of day ``d`` is ``S(d; n, operation day) ** gamma``, ``gamma`` ~
    ``pace_p``; S is the recipe's: with an operation ``first_share`` on day 1 and ``operation_share`` on its
    day, the rest evenly over the days; without, ``plain_first_share`` on day 1, the rest evenly over the
    other days; all of it on day 1 when ``n`` is 1;
9.  each comorbidity is known by the end of day ``d`` with
    ``1 - (1 - known_first) * (1 - known_later) ** (d - 1)``, independently, and when the page is coded;
10. the first principal diagnosis is wrong with ``wrong_p[s]``: an impression ~ ``impression_p``; it still
    stands at the end of day ``d`` with ``(1 - corrected) ** d``; when the page is coded it is right;
11. coding: each comorbidity is left out with ``coding_loss``; the principal diagnosis is written as variant 0
    with ``coding_vague``; all procedures are left out with ``coding_no_procedure``.

The final group is what the pack makes of the coded page. Days of stay count from 1. What is known on day
``d`` is known at its end, for stays with ``n >= d``. Where 7 and 8 speak of an operation, the plan has
procedures; where 3 and 5 speak of one, the scenario has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class World:
    """Every probability of the generator.

    There are ``S`` scenarios, ``A`` age bands, ``L`` comorbidities and ``Z`` severities.

    Ragged lists are given by places: entries of ``s`` are ``x[x_at[s]:x_at[s + 1]]``.

    Attributes:
        diagnoses: codes of diagnoses that the numbers below count, as the pack writes them.
        procedures: likewise of procedures.
        departments: names.
        share: ``S``, adds up to 1.
        variant_at, variant, variant_p: principal diagnoses of each scenario (numbers of diagnoses).
        plan_at, plan_p: plans of each scenario.
        procedure_at, procedure: procedures of each plan (places count over all plans), the main one first.
        operates: ``S``, whether the scenario has procedures.
        department: ``S x 2``: numbers of the other and the surgical department.
        surgical_p: 2, probability of the surgical one, by ``operates``.
        age_years: ``A x 2``: first and last completed year of each band.
        age_p: ``S x A``.
        female_p: ``S``.
        severity_p: ``A x Z``.
        comorbid: ``L``, numbers of diagnoses.
        comorbid_p: ``L x A x Z x 2``.
        excluded: ``S x L``, bool.
        cost_mu, cost_sigma: ``S``, of ln fen. cost_lift: ``Z``, keeps the mean of a scenario as published.
        cost_cap: ``S``, in ln fen: a multiple of the mean.
        mean_los: ``S``, days. los_lift: ``Z``.
        tail_p, tail_factor: as many as there are tails; the first factor is 1.
        operation_day, operation_day_p; lead_p, lag_p: by 0, 1, … days.
        pace_gamma, pace_p.
        impression_at, impression, impression_p: wrong first diagnoses of each scenario. wrong_p: ``S``.
        category_share: ``S x 10``, share of the cost in each front-page category, before noise; what a
            forecast may see does not depend on it.
    """

    diagnoses: tuple[str, ...]
    procedures: tuple[str, ...]
    departments: tuple[str, ...]
    share: Floats
    variant_at: Ints
    variant: Ints
    variant_p: Floats
    plan_at: Ints
    plan_p: Floats
    procedure_at: Ints
    procedure: Ints
    operates: NDArray[np.bool_]
    department: Ints
    surgical_p: Floats
    age_years: Ints
    age_p: Floats
    female_p: Floats
    severity_p: Floats
    comorbid: Ints
    comorbid_p: Floats
    excluded: NDArray[np.bool_]
    cost_mu: Floats
    cost_sigma: Floats
    cost_lift: Floats
    cost_cap: Floats
    mean_los: Floats
    los_lift: Floats
    dispersion: float
    correlation: float
    tail_p: Floats
    tail_factor: Floats
    operation_day: Ints
    operation_day_p: Floats
    lead_p: Floats
    lag_p: Floats
    first_share: float
    operation_share: float
    plain_first_share: float
    pace_gamma: Floats
    pace_p: Floats
    known_first: float
    known_later: float
    wrong_p: Floats
    impression_at: Ints
    impression: Ints
    impression_p: Floats
    corrected: float
    coding_loss: float
    coding_vague: float
    coding_no_procedure: float
    category_share: Floats
