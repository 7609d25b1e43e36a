"""Groups of a pack by numbers, and grouping stays by it in batches, be it a DRG scheme or a DIP catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled.codes import Codes
from casemeter_grouper.compiled.scheme import NUMBERS
from casemeter_grouper.condition.nodes import FIELDS
from casemeter_grouper.dip import kernel as dip_kernel
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.grouping import Grouper, Status
from casemeter_grouper.kernel import Batch

STATUSES: Final = tuple(Status)
"""Statuses by the numbers that chunks have."""

NONE: Final = -1
"""Number of a group or an ADRG where there is none."""

Ints = NDArray[np.int32]


class Ragged(NamedTuple):
    """Lists of numbers, one after the other.

    Attributes:
        values: int32, the numbers of all lists.
        at: int64, ``n + 1`` places; list ``i`` is ``values[at[i]:at[i + 1]]``.
    """

    values: Ints
    at: NDArray[np.int64]


class Encoded(NamedTuple):
    """Stays as numbers, ``n`` of them.

    Attributes:
        principal: number of the principal diagnosis among the pack's codes; 0: unknown to it.
        others: of the other diagnoses, in the order of the page.
        procedures: of the procedures, the main one first.
        numbers: by name as in :data:`~casemeter_grouper.compiled.scheme.NUMBERS`, float64, NaN for missing;
            names that are not there are missing in all stays.
        values: by name as in :data:`~casemeter_grouper.condition.nodes.FIELDS`: numbers that
            :meth:`PackGrouping.value_numbers` gives.
        cost_fen: int64.
    """

    principal: Ints
    others: Ragged
    procedures: Ragged
    numbers: Mapping[str, NDArray[np.float64]]
    values: Mapping[str, Ints]
    cost_fen: NDArray[np.int64]


class Ends(NamedTuple):
    """How stays end: numbers of status, group and ADRG."""

    status: NDArray[np.uint8]
    group: Ints
    adrg: Ints


class PackGrouping:
    """A pack that stays are grouped by.

    Attributes:
        pack_id: of the pack's header.
        sha256: content hash of its bundle.
        groups: codes of all groups that a stay can end in, sorted.
        adrgs: likewise of the ADRGs; empty for a catalogue.
        adrg_of: ADRG of each group, :data:`NONE` where there is none.
        diagnoses: codes of diagnoses and their numbers.
        procedures: likewise of procedures.
    """

    def __init__(self, grouper: Grouper | CatalogueGrouper) -> None:
        ends: list[tuple[Status, str, str]]
        self._values: dict[str, Mapping[str | None, int]] = {}
        if isinstance(grouper, Grouper):
            scheme = grouper.scheme
            self.diagnoses: Codes = scheme.diagnoses
            self.procedures: Codes = scheme.procedures
            ends = [
                (grouper.status_of(at), leaf.group, leaf.rule.adrg) if leaf else (Status.UNGROUPABLE, "", "")
                for at, leaf in enumerate(scheme.leaves)
            ]
            header, self.sha256 = scheme.header, scheme.sha256
            self._values = {field: scheme.value_numbers(field) for field in FIELDS}
        else:
            compiled = grouper.compiled
            self.diagnoses, self.procedures = compiled.diagnoses, compiled.procedures
            ends = [
                (Status.GROUPED, group.code, "") if group else (Status.UNGROUPABLE, "", "")
                for group in compiled.groups
            ]
            header, self.sha256 = compiled.header, compiled.sha256
        self.pack_id = header.id
        self._grouper = grouper
        self.groups = _sorted(group for _, group, _ in ends)
        self.adrgs = _sorted(adrg for _, _, adrg in ends)
        self.group_number = {code: at for at, code in enumerate(self.groups)}
        adrg_number = {code: at for at, code in enumerate(self.adrgs)}
        self._status = np.array([STATUSES.index(status) for status, _, _ in ends], np.uint8)
        self._group = np.array([self.group_number.get(group, NONE) for _, group, _ in ends], np.int32)
        self._adrg = np.array([adrg_number.get(adrg, NONE) for _, _, adrg in ends], np.int32)
        self.adrg_of = np.full(len(self.groups), NONE, np.int32)
        self.adrg_of[self._group[self._group != NONE]] = self._adrg[self._group != NONE]

    def value_numbers(self, field: str) -> Mapping[str | None, int]:
        """Numbers of the values of a field that the pack tests; any other value is 0."""
        return self._values.get(field, {})

    def group(self, stays: Encoded) -> Ends:
        """Group stays."""
        if isinstance(self._grouper, Grouper):
            numbers, _ = self._grouper.run(_batch(stays))
        else:
            batch = dip_kernel.Batch(
                stays.principal, stays.procedures.values, stays.procedures.at, stays.cost_fen
            )
            numbers, _ = self._grouper.run(batch)
        return Ends(self._status[numbers], self._group[numbers], self._adrg[numbers])


def _sorted(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({code for code in codes if code}))


def _batch(stays: Encoded) -> Batch:
    count = len(stays.principal)
    # The principal diagnosis stands before the others of its stay.
    diagnosis_at = stays.others.at + np.arange(count + 1)
    diagnoses = np.empty(diagnosis_at[-1], np.int32)
    first = np.zeros(len(diagnoses), np.bool_)
    first[diagnosis_at[:-1]] = True
    diagnoses[first] = stays.principal
    diagnoses[~first] = stays.others.values
    missing = np.full(count, np.nan)
    numbers = np.stack([stays.numbers.get(name, missing) for name in NUMBERS], axis=1)
    untested = np.zeros(count, np.int32)
    values = np.stack([stays.values.get(name, untested) for name in FIELDS], axis=1)
    return Batch(
        diagnoses,
        diagnosis_at,
        stays.procedures.values,
        stays.procedures.at,
        np.ascontiguousarray(numbers),
        np.ascontiguousarray(values),
    )
