"""Every page that may be coded in a world: a principal diagnosis with the procedures of a plan, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled.codes import UNKNOWN
from casemeter_grouper.history.world import Ints, World


@dataclass(frozen=True, eq=False)
class Pages:
    """What a page may say of principal diagnosis and procedures, each such pair once.

    Attributes:
        lists: every list of procedures that a plan has; the first is empty.
        list_of: number of a list.
        plan_list: list of each plan.
        principal: diagnosis of each page.
        procedures: its list.
        number_at: place of the pages of each scenario in ``number``.
        number: page of each variant of a scenario with each of its plans, then with no procedures.
    """

    lists: Sequence[tuple[int, ...]]
    list_of: Mapping[tuple[int, ...], int]
    plan_list: Ints
    principal: Ints
    procedures: Ints
    number_at: NDArray[np.int64]
    number: Ints

    def flat(self, numbers: Sequence[int]) -> tuple[Ints, NDArray[np.int64]]:
        """Return the procedures of all pages, one page after the other, and where each page begins.

        Args:
            numbers: what to write for each procedure of the world.
        """
        written = np.array([*numbers, 0], np.int32)
        flat = [written[list(codes)] for codes in self.lists]
        sizes = np.array([len(codes) for codes in self.lists])[self.procedures]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return np.concatenate([flat[at] for at in self.procedures.tolist()]).astype(np.int32), starts


def pages_of(world: World) -> Pages:
    """Return every page that may be coded in a world."""
    list_of: dict[tuple[int, ...], int] = {(): 0}
    places = world.procedure_at.tolist()
    procedures = world.procedure.tolist()
    plan_list = [
        list_of.setdefault(tuple(procedures[start:end]), len(list_of)) for start, end in pairwise(places)
    ]
    page_of: dict[tuple[int, int], int] = {}
    number_at, number = [0], []
    variants, variant_at, plan_at = world.variant.tolist(), world.variant_at.tolist(), world.plan_at.tolist()
    for scenario in range(len(world.share)):
        lists = [*plan_list[plan_at[scenario] : plan_at[scenario + 1]], 0]
        for variant in variants[variant_at[scenario] : variant_at[scenario + 1]]:
            number += [page_of.setdefault((variant, listed), len(page_of)) for listed in lists]
        number_at.append(len(number))
    principal, listed = np.array(list(page_of), np.int32).reshape(-1, 2).T
    return Pages(
        tuple(list_of),
        list_of,
        np.array(plan_list, np.int32),
        np.ascontiguousarray(principal),
        np.ascontiguousarray(listed),
        np.array(number_at, np.int64),
        np.array(number, np.int32),
    )


def numbers_of(number: Mapping[str, int], codes: Sequence[str]) -> Ints:
    """Return the pack's number of each code of a world; codes the pack does not know become unknown."""
    return np.array([number.get(code, UNKNOWN) for code in codes], np.int32)
