"""Codes that could be added to a case, in classes that the scheme cannot tell apart there.

An added diagnosis is a secondary one: only the sets tested on any or on other diagnoses matter, its body
site, and whether it would stand as MCC or CC. An added procedure is one of several unless it is the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled.classes import NONE, fold
from casemeter_grouper.compiled.codes import Codes
from casemeter_grouper.compiled.graph import Layout
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.condition import InSet, tests_of

Numbers = NDArray[np.int32]


class Additions:
    """The known codes of one kind, by what they would change when added."""

    def __init__(self, codes: Codes, columns: Mapping[str, NDArray[Any]]) -> None:
        """Build the classes; ``columns`` have one row per code number, row 0 the unknown code."""
        self._codes = codes
        class_of, folded = fold(columns)
        self.class_of = class_of
        self.sizes = np.bincount(class_of[1:], minlength=int(class_of.max()) + 1)
        self._first = np.zeros(len(self.sizes), np.int32)
        self._first[class_of[:0:-1]] = np.arange(len(class_of) - 1, 0, -1)
        self._levels = folded.get("levels", np.full((len(self.sizes), 2), NONE, np.int32))
        plain = {name: column for name, column in folded.items() if name in ("masks", "sites")}
        self._effect, _ = fold(plain)
        # One list per exclusion table of the scheme, made when a case first asks for it.
        self._trials: dict[int, list[tuple[int, frozenset[int]]]] = {}

    def trials(self, exclusion: int) -> list[tuple[int, frozenset[int]]]:
        """Return one code number for every effect a code could have, and the classes that have it.

        Args:
            exclusion: exclusion table of the principal diagnosis, which decides what stands as MCC or CC.
        """
        if exclusion not in self._trials:
            self._trials[exclusion] = self._make_trials(exclusion)
        return self._trials[exclusion]

    def _make_trials(self, exclusion: int) -> list[tuple[int, frozenset[int]]]:
        counts = (self._levels != NONE) & (self._levels != exclusion)
        standing = counts @ np.array([2, 1])
        effect = self._effect * 4 + standing
        known = np.flatnonzero(self.sizes)
        order = known[np.argsort(effect[known], kind="stable")]
        bounds = np.flatnonzero(np.diff(effect[order])) + 1
        return [
            (int(self._first[classes].min()), frozenset(classes.tolist()))
            for classes in np.split(order, bounds)
        ]

    def class_of_code(self, code: str) -> int | None:
        """Class of a known code, or ``None``."""
        number = self._codes.number.get(code)
        return None if number is None else int(self.class_of[number])

    def codes_in(self, classes: frozenset[int]) -> list[str]:
        """Every known code of some classes, sorted."""
        inside = np.isin(self.class_of, list(classes)).tolist()
        return [code for code, number in self._codes.number.items() if inside[number]]


@dataclass(frozen=True, slots=True)
class Added:
    """The codes that one near miss would add: all known codes of some classes but those already recorded."""

    additions: Additions
    classes: frozenset[int]
    recorded: tuple[str, ...]

    def __len__(self) -> int:
        sizes = sum(int(self.additions.sizes[at]) for at in self.classes)
        return sizes - sum(self.additions.class_of_code(code) in self.classes for code in set(self.recorded))

    def __contains__(self, code: str) -> bool:
        return code not in self.recorded and self.additions.class_of_code(code) in self.classes

    def __iter__(self) -> Iterator[str]:
        return (code for code in self.additions.codes_in(self.classes) if code not in self.recorded)


def of_diagnoses(scheme: CompiledScheme) -> Additions:
    """Diagnoses as secondary diagnoses."""
    program = scheme.program
    masks = program.diagnosis_masks & _tested(
        scheme, ("any_dx", "other_dx"), Layout.of(scheme.tree).diagnosis_sets
    )
    of = program.diagnosis_class
    columns = {"masks": masks[of], "sites": program.sites[of], "levels": program.complications[of, :2]}
    return Additions(scheme.diagnoses, columns)


def of_procedures(scheme: CompiledScheme, *, as_main: bool) -> Additions:
    """Procedures as further ones, or as the one that is the main procedure too."""
    program = scheme.program
    slots = ("main_proc", "any_proc", "other_proc") if as_main else ("any_proc", "other_proc")
    masks = program.procedure_masks & _tested(scheme, slots, Layout.of(scheme.tree).procedure_sets)
    return Additions(scheme.procedures, {"masks": masks[program.procedure_class]})


def _tested(scheme: CompiledScheme, slots: tuple[str, ...], bits: Mapping[str, int]) -> NDArray[np.uint64]:
    """Mask of the sets that some condition tests in one of the slots."""
    width = max(1, -(-len(bits) // 64))
    mask = np.zeros(width, np.uint64)
    for condition in scheme.tree.conditions():
        for test in tests_of(condition):
            if isinstance(test, InSet) and test.slot in slots:
                mask[bits[test.set] // 64] |= np.uint64(1 << bits[test.set] % 64)
    return mask
