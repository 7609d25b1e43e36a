"""The kernel of DIP: cases joined to the groups of their principal diagnosis, in one compiled loop.

It works on whole numbers only, so what is nearer and what scores more is exact.
"""
# numba's decorators have no types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

NO_COST: Final = -1
"""Stands for a cost that is not known."""

MAX_COST_FEN: Final = 10**13
"""The largest cost the kernel takes. It is beyond every mean, and beyond all means none gets nearer."""

BY_COST, BY_SCORE, NO_TIE = 1, 2, 0

ARRAYS: Final = (
    *("diagnosis_core", "diagnosis_category", "procedure_kind", "core_at", "need_at", "need", "mains"),
    *("composite", "score", "mean"),
)
"""The arrays of a bundle that make :class:`Tables`, in its order."""


class Tables(NamedTuple):
    """A compiled catalogue as the kernel reads it.

    With ``D`` known diagnoses, ``P`` procedures, ``G`` groups, ``B`` principals of core groups, ``C``
    categories and ``K`` kinds, each numbered from 1; 0 is no such thing.

    Attributes:
        diagnosis_core: int32, ``D + 1``: principal of core groups.
        diagnosis_category: int32, ``D + 1``: category of composite groups.
        procedure_kind: int32, ``P + 1``: kind; 0: none.
        core_at: int32, ``B + 2``: principal ``b`` has the groups ``core_at[b]`` to ``core_at[b + 1] - 1``,
            those that ask for most procedures first, then by code.
        need_at: int32, ``G + 2``: group ``g`` asks for the procedures ``need[need_at[g]:need_at[g + 1]]``.
        need: int32: procedures, the main ones of a group first.
        mains: int32, ``G + 1``: how many are main ones.
        composite: int32, ``(C + 1) x (K + 1)``: group by category and kind; kind 0 is the untreated kind.
        score: int64, ``G + 1``: millionths of a point.
        mean: int64, ``G + 1``: millionths of a yuan; -1: not measured.
    """

    diagnosis_core: NDArray[np.int32]
    diagnosis_category: NDArray[np.int32]
    procedure_kind: NDArray[np.int32]
    core_at: NDArray[np.int32]
    need_at: NDArray[np.int32]
    need: NDArray[np.int32]
    mains: NDArray[np.int32]
    composite: NDArray[np.int32]
    score: NDArray[np.int64]
    mean: NDArray[np.int64]


class Mapped(NamedTuple):
    """A catalogue where it lies in the mapped bundle: one array instead of ten for each call to pass.

    Attributes:
        body: uint8, the mapped bytes.
        places: int64, one row for each array of :data:`ARRAYS` (first byte, rows, columns), then two rows of
            options: main procedure must match (0 or 1), fall back to untreated (0 or 1), the most groups of
            one principal; and what decides between equals, :data:`BY_COST`, :data:`BY_SCORE`, :data:`NO_TIE`.
    """

    body: NDArray[np.uint8]
    places: NDArray[np.int64]


class Batch(NamedTuple):
    """Encoded cases, ``n`` of them.

    Attributes:
        principals: int32, ``n``: number of the principal diagnosis.
        procedures: int32: numbers of the procedures of all cases, one case after the other.
        procedure_at: int64, ``n + 1`` places; case ``i`` has
            ``procedures[procedure_at[i]:procedure_at[i + 1]]``.
        costs: int64, ``n``: fen, 0 to :data:`MAX_COST_FEN`, or :data:`NO_COST`.
    """

    principals: NDArray[np.int32]
    procedures: NDArray[np.int32]
    procedure_at: NDArray[np.int64]
    costs: NDArray[np.int64]


@njit(cache=True, nogil=True)
def _part(mapped, number, item):  # type: ignore[no-untyped-def]
    start, rows, columns = mapped.places[number]
    return mapped.body[start : start + rows * columns * item]


@njit(cache=True, nogil=True)
def _tables(mapped):  # type: ignore[no-untyped-def]
    return Tables(
        _part(mapped, 0, 4).view(np.int32),
        _part(mapped, 1, 4).view(np.int32),
        _part(mapped, 2, 4).view(np.int32),
        _part(mapped, 3, 4).view(np.int32),
        _part(mapped, 4, 4).view(np.int32),
        _part(mapped, 5, 4).view(np.int32),
        _part(mapped, 6, 4).view(np.int32),
        _part(mapped, 7, 4).view(np.int32).reshape(mapped.places[7, 1], mapped.places[7, 2]),
        _part(mapped, 8, 8).view(np.int64),
        _part(mapped, 9, 8).view(np.int64),
    )


@njit(cache=True, nogil=True)
def _first_treatment(tables, procedures):  # type: ignore[no-untyped-def]
    for procedure in procedures:
        if tables.procedure_kind[procedure] != 0:
            return procedure
    return np.int32(0)


@njit(cache=True, nogil=True)
def _matches(tables, group, procedures, first, must_match):  # type: ignore[no-untyped-def]
    start, end = tables.need_at[group], tables.need_at[group + 1]
    if start == end:
        return first == 0
    for place in range(start, end):
        found = False
        for procedure in procedures:
            if procedure == tables.need[place]:
                found = True
                break
        if not found:
            return False
    if not must_match:
        return True
    end_of_mains = start + tables.mains[group]
    return bool(np.any(tables.need[start:end_of_mains] == first))


@njit(cache=True, nogil=True)
def _is_better(tables, ties, cost, group, than):  # type: ignore[no-untyped-def]
    """Whether a group goes before another of a smaller number, and so of a smaller code."""
    for tie in ties:
        if tie == BY_SCORE and tables.score[group] != tables.score[than]:
            return tables.score[group] > tables.score[than]
        if tie == BY_COST and cost != NO_COST:
            one, other = tables.mean[group], tables.mean[than]
            if one < 0 or other < 0:
                if (one < 0) != (other < 0):
                    return other < 0
                continue
            near, far = abs(cost * 10_000 - one), abs(cost * 10_000 - other)
            if near != far:
                return near < far
    return False


@njit(cache=True, nogil=True)
def _group(tables, places, principal, procedures, cost, matched):  # type: ignore[no-untyped-def]
    """Fill ``matched`` with the chosen group and then its rivals; return how many there are."""
    options, ties = places[len(ARRAYS)], places[len(ARRAYS) + 1]
    first = _first_treatment(tables, procedures)
    core = tables.diagnosis_core[principal]
    count = 0
    most = 0
    for group in range(tables.core_at[core], tables.core_at[core + 1]):
        asked = tables.need_at[group + 1] - tables.need_at[group]
        if asked < most:
            break
        if _matches(tables, group, procedures, first, options[0] != 0):
            most = asked
            matched[count] = group
            if count and _is_better(tables, ties, cost, group, matched[0]):
                matched[count] = matched[0]
                matched[0] = group
            count += 1
    if count == 0:
        category = tables.diagnosis_category[principal]
        group = tables.composite[category, tables.procedure_kind[first]]
        if group == 0 and options[1] != 0:
            group = tables.composite[category, 0]
        if group != 0:
            matched[0] = group
            count = 1
    return count


@njit(cache=True, nogil=True)
def run_one(mapped, codes, cost):  # type: ignore[no-untyped-def]
    """Group one case.

    Args:
        mapped: a :class:`Mapped` catalogue.
        codes: int32: the number of the principal diagnosis, then those of the procedures.
        cost: fen, 0 to :data:`MAX_COST_FEN`, or :data:`NO_COST`.

    Returns:
        int32: the number of the group, then those of its rivals in no order; empty: in no group.
    """
    matched = np.empty(mapped.places[len(ARRAYS), 2], np.int32)
    count = _group(_tables(mapped), mapped.places, codes[0], codes[1:], cost, matched)
    return matched[:count]


@njit(cache=True, nogil=True)
def run(mapped, batch, groups, rivals):  # type: ignore[no-untyped-def]
    """Group a batch of cases.

    Args:
        mapped: a :class:`Mapped` catalogue.
        batch: a :class:`Batch`.
        groups: int32 of length ``n``, filled with the number of the group; 0: in no group.
        rivals: int32 of length ``n``, filled with the number of its rivals.
    """
    tables = _tables(mapped)
    matched = np.empty(mapped.places[len(ARRAYS), 2], np.int32)
    for case in range(groups.shape[0]):
        procedures = batch.procedures[batch.procedure_at[case] : batch.procedure_at[case + 1]]
        count = _group(tables, mapped.places, batch.principals[case], procedures, batch.costs[case], matched)
        groups[case] = matched[0] if count else 0
        rivals[case] = max(count - 1, 0)
