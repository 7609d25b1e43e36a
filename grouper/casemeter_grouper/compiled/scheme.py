"""An opened bundle of a scheme: what the kernel runs, what the walker reads, and how a case is encoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.bundle import BundleFile, open_bundle
from casemeter_grouper.compiled.codes import UNKNOWN, Codes
from casemeter_grouper.compiled.compiler import KIND
from casemeter_grouper.compiled.graph import leaves_of
from casemeter_grouper.condition import InSet, parse
from casemeter_grouper.condition.nodes import DIAGNOSIS_SLOTS, FIELDS
from casemeter_grouper.kernel import ARRAYS, Batch, Mapped, Program
from casemeter_grouper.scheme import LEVELS, Header, Mdc, Row, Rule, Tree
from casemeter_grouper.walker import Leaf

NUMBERS: Final = ("age_years", "age_days", "birth_weight_g", "los_days", "icu_hours")
"""The numbers of a case in the order the kernel takes them."""


_NUMBERS: Final = slice(Case._fields.index(NUMBERS[0]), Case._fields.index(NUMBERS[-1]) + 1)


class CompiledScheme:
    """One compiled scheme, ready to answer. Immutable; any number of threads may use it.

    It also states the code facts that the walker asks for (see
    :class:`~casemeter_grouper.scheme.CodeFacts`), read from the kernel's own arrays.
    """

    def __init__(self, file: BundleFile) -> None:
        manifest, arrays = file.manifest, file.arrays
        self.path = file.path
        self.manifest: Mapping[str, Any] = manifest
        self.sha256 = file.sha256
        self.header = Header(**manifest["header"])
        self.names: Mapping[str, str] = manifest["names"]
        self.diagnoses = Codes("diagnosis", file)
        self.procedures = Codes("procedure", file)
        self._value_numbers: dict[str, dict[str | None, int]] = {field: {} for field in FIELDS}
        for at, (field, value) in enumerate(manifest["values"], 1):
            self._value_numbers[field][value] = at
        self.program = Program(*(arrays[name] for name in ARRAYS))
        self.mapped = Mapped(file.body, np.array([*map(file.place, ARRAYS), manifest["options"]], np.int64))
        self._tables: Sequence[str] = manifest["exclusion_tables"]
        self._sites: Sequence[str] = manifest["sites"]
        self._diagnosis_bit = {name: bit for bit, name in enumerate(manifest["diagnosis_sets"])}
        self._procedure_bit = {name: bit for bit, name in enumerate(manifest["procedure_sets"])}

    @classmethod
    def open(cls, path: Path) -> CompiledScheme:
        """Open and verify a bundle.

        Raises:
            BundleError: the bundle cannot be used.
        """
        return cls(open_bundle(path, KIND))

    @cached_property
    def tree(self) -> Tree:
        """The tree of the scheme, parsed."""
        tree = self.manifest["tree"]
        return Tree(tuple(_mdc(mdc) for mdc in tree["mdcs"]), tree["retry_each_procedure"])

    @cached_property
    def leaves(self) -> tuple[Leaf | None, ...]:
        """Every end a case can have, by the kernel's number; 0 is ungroupable."""
        return (None, *leaves_of(self.tree))

    def encode(self, cases: Iterable[Case]) -> Batch:
        """Encode cases for the kernel. Every case must have a diagnosis; unknown codes become 0."""
        diagnoses: list[int] = []
        procedures: list[int] = []
        diagnosis_at, procedure_at = [0], [0]
        numbers: list[float | None] = []
        values: list[int] = []
        diagnosis, procedure = self.diagnoses.number.get, self.procedures.number.get
        sex, way, department = (self._value_numbers[field].get for field in FIELDS)
        for case in cases:
            diagnoses += [diagnosis(code, UNKNOWN) for code in case.diagnoses]
            procedures += [procedure(code, UNKNOWN) for code in case.procedures]
            diagnosis_at.append(len(diagnoses))
            procedure_at.append(len(procedures))
            numbers += (case.age_years, case.age_days, case.birth_weight_g, case.los_days, case.icu_hours)
            values += (sex(case.sex, 0), way(case.discharge_way, 0), department(case.department, 0))
        return Batch(
            np.array(diagnoses, np.int32),
            np.array(diagnosis_at, np.int64),
            np.array(procedures, np.int32),
            np.array(procedure_at, np.int64),
            # A missing number is None here and becomes NaN.
            np.array(numbers, np.float64).reshape(-1, len(NUMBERS)),
            np.array(values, np.int32).reshape(-1, len(FIELDS)),
        )

    def encode_one(self, case: Case) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Encode one case as :func:`casemeter_grouper.kernel.run_one` takes it."""
        diagnosis, procedure = self.diagnoses.number.get, self.procedures.number.get
        sex, way, department = (self._value_numbers[field].get for field in FIELDS)
        codes = [
            len(case.diagnoses),
            sex(case.sex, 0),
            way(case.discharge_way, 0),
            department(case.department, 0),
        ]
        codes += [diagnosis(code, UNKNOWN) for code in case.diagnoses]
        codes += [procedure(code, UNKNOWN) for code in case.procedures]
        return np.array(codes, np.int32), np.array(case[_NUMBERS], np.float64)

    def value_numbers(self, field: str) -> Mapping[str | None, int]:
        """Numbers of the values of a field that the scheme tests; any other value is 0."""
        return self._value_numbers[field]

    def is_member(self, code: str, test: InSet) -> bool:
        """See :class:`~casemeter_grouper.scheme.CodeFacts`."""
        if test.slot in DIAGNOSIS_SLOTS:
            return _has(self.program.diagnosis_masks[self._class(code)], self._diagnosis_bit[test.set])
        at = self.program.procedure_class[self.procedures.number.get(code, UNKNOWN)]
        return _has(self.program.procedure_masks[at], self._procedure_bit[test.set])

    def complication_table(self, code: str, level: str) -> str | None:
        """See :class:`~casemeter_grouper.scheme.CodeFacts`."""
        return self._table(LEVELS.index(level), code)

    def exclusion_table(self, principal: str) -> str | None:
        """See :class:`~casemeter_grouper.scheme.CodeFacts`."""
        return self._table(len(LEVELS), principal)

    def sites(self, code: str) -> frozenset[str]:
        """See :class:`~casemeter_grouper.scheme.CodeFacts`."""
        mask = int(self.program.sites[self._class(code)])
        return frozenset(name for bit, name in enumerate(self._sites) if mask >> bit & 1)

    def members(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield every set that the scheme tests, with its members."""
        for bits, codes, of, masks in (
            (self._diagnosis_bit, self.diagnoses, self.program.diagnosis_class, self.program.diagnosis_masks),
            (
                self._procedure_bit,
                self.procedures,
                self.program.procedure_class,
                self.program.procedure_masks,
            ),
        ):
            listed = np.array(["", *codes.number], dtype=object)
            for name, bit in bits.items():
                inside = (masks[:, bit // 64] >> np.uint64(bit % 64) & np.uint64(1)).astype(bool)
                yield name, frozenset(listed[inside[of]])

    def _class(self, diagnosis: str) -> int:
        return int(self.program.diagnosis_class[self.diagnoses.number.get(diagnosis, UNKNOWN)])

    def _table(self, column: int, diagnosis: str) -> str | None:
        number = int(self.program.complications[self._class(diagnosis), column])
        return self._tables[number] if number >= 0 else None


def _has(mask: np.ndarray[Any, np.dtype[np.uint64]], bit: int) -> bool:
    return bool(int(mask[bit // 64]) >> bit % 64 & 1)


def _mdc(value: Mapping[str, Any]) -> Mdc:
    return Mdc(
        value["seq"],
        value["name"],
        parse(value["entry"]),
        value["entry"],
        tuple(
            Rule(
                rule["seq"],
                rule["name"],
                rule["adrg"],
                parse(rule["when"]),
                rule["when"],
                rule["otherwise"],
                tuple(Row(seq, group, parse(text), text) for seq, group, text in rule["rows"]),
            )
            for rule in value["rules"]
        ),
    )
