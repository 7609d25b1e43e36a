"""A compiled catalogue: from a catalogue to manifest and arrays, and from an opened bundle back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.bundle import Arrays, BundleFile, open_bundle
from casemeter_grouper.compiled.codes import UNKNOWN, Codes
from casemeter_grouper.compiled.compiler import pack_texts
from casemeter_grouper.dip.catalogue import Catalogue, CatalogueGroup, GroupKind
from casemeter_grouper.dip.kernel import (
    ARRAYS,
    BY_COST,
    BY_SCORE,
    MAX_COST_FEN,
    NO_COST,
    NO_TIE,
    Batch,
    Mapped,
)
from casemeter_grouper.dip.options import COST, Options
from casemeter_grouper.scheme import Header

KIND: Final = "dip"

_NOT_MEASURED = np.iinfo(np.uint64).max  # -1 when read as a signed number


def compile_catalogue(catalogue: Catalogue) -> tuple[dict[str, Any], Arrays]:
    """Compile a catalogue.

    Returns:
        The manifest (JSON values only) and the arrays, as :func:`casemeter_grouper.compiled.bundle.write`
        takes them. Equal catalogues give equal manifests and arrays.
    """
    options = asdict(catalogue.options)
    options |= {key: str(value) for key, value in options.items() if isinstance(value, Decimal)}
    manifest: dict[str, Any] = {
        "kind": KIND,
        "header": asdict(catalogue.header),
        "options": options,
        "demonstration": catalogue.demonstration,
        "dictionary_sha256": catalogue.dictionary_sha256,
        "sources": dict(sorted(catalogue.sources.items())),
        "groups": [_to_row(group) for group in catalogue.groups],
    }
    arrays = _joins(catalogue) | _needs(catalogue)
    for name, codes, code_names, code_map in (
        ("diagnosis", catalogue.diagnoses, catalogue.code_names[0], catalogue.code_maps[0]),
        ("procedure", catalogue.procedures, catalogue.code_names[1], catalogue.code_maps[1]),
    ):
        arrays[f"{name}_codes"], arrays[f"{name}_code_at"] = pack_texts(codes)
        arrays[f"{name}_names"], arrays[f"{name}_name_at"] = pack_texts(
            [code_names.get(code, "") for code in codes]
        )
        pairs = sorted(code_map.items())
        arrays[f"{name}_map"], _ = pack_texts([f"{theirs}\t{ours}\n" for theirs, ours in pairs])
    return manifest, arrays


def _joins(catalogue: Catalogue) -> Arrays:
    """From codes to groups."""
    options = catalogue.options
    numbers = {group.code: number for number, group in enumerate(catalogue.groups, 1)}
    core = {principal: number for number, principal in enumerate(catalogue.core, 1)}
    categories = {
        principal: number
        for number, principal in enumerate(dict.fromkeys(key[0] for key in catalogue.composite), 1)
    }
    kinds = {kind: number for number, kind in enumerate(options.procedure_kinds, 1)}
    composite = np.zeros((len(categories) + 1, len(kinds) + 1), np.int32)
    for (principal, kind), group in catalogue.composite.items():
        composite[categories[principal], kinds.get(kind, 0)] = numbers[group.code]
    # The core groups come first, and those of one principal stand together.
    sizes = [0, *map(len, catalogue.core.values())]
    return {
        "diagnosis_core": _column(core.get(code[: options.core_prefix], 0) for code in catalogue.diagnoses),
        "diagnosis_category": _column(
            categories.get(code[: options.composite_prefix], 0) for code in catalogue.diagnoses
        ),
        "procedure_kind": _column(
            kinds.get(catalogue.kinds.get(code, ""), 0) for code in catalogue.procedures
        ),
        "core_at": np.cumsum([1, *sizes], dtype=np.int32),
        "composite": composite,
    }


def _needs(catalogue: Catalogue) -> Arrays:
    """What each group asks for, and what it weighs."""
    number = {code: at for at, code in enumerate(catalogue.procedures, 1)}
    asked = [[number[code] for code in group.procedures] for group in catalogue.groups]
    means = (_NOT_MEASURED if group.mean_cost is None else group.mean_cost for group in catalogue.groups)
    return {
        # One leading 0, for no array of the kernel may be empty.
        "need": _column(code for codes in asked for code in codes),
        "need_at": np.cumsum([1, 0, *map(len, asked)], dtype=np.int32),
        "mains": _column(len(group.main_procedures) for group in catalogue.groups),
        "score": np.array([0, *(group.score for group in catalogue.groups)], np.uint64),
        "mean": np.array([_NOT_MEASURED, *means], np.uint64),
    }


def _column(numbers: Iterable[int]) -> NDArray[np.int32]:
    """One number for each thing from 1 on; number 0 has 0."""
    return np.array([0, *numbers], np.int32)


def _to_row(group: CatalogueGroup) -> list[Any]:
    row = [getattr(group, name) for name in CatalogueGroup.__dataclass_fields__]
    return [
        str(part)
        if isinstance(part, Decimal | GroupKind)
        else list(part)
        if isinstance(part, tuple)
        else part
        for part in row
    ]


def _from_row(row: Sequence[Any]) -> CatalogueGroup:
    code, kind, principal, name, mains, others, procedure_kind, score, *measures, upper_multiple = row
    mean_cost, mean_los_days, cv, cases = measures
    return CatalogueGroup(
        code,
        GroupKind(kind),
        principal,
        name,
        tuple(mains),
        tuple(others),
        procedure_kind,
        score,
        mean_cost,
        mean_los_days,
        cv,
        cases,
        None if upper_multiple is None else Decimal(upper_multiple),
    )


class CompiledCatalogue:
    """One compiled catalogue, ready to answer. Immutable; any number of threads may use it.

    Attributes:
        groups: every group by the kernel's number; 0 is no group.
    """

    def __init__(self, file: BundleFile) -> None:
        manifest = file.manifest
        self.path = file.path
        self.manifest: Mapping[str, Any] = manifest
        self.sha256 = file.sha256
        self.header = Header(**manifest["header"])
        options = dict(manifest["options"])
        options |= {name: tuple(options[name]) for name in ("ties", "procedure_kinds")}
        options |= {name: Decimal(options[name]) for name in ("low_multiple", "high_multiple")}
        self.options = Options(**options)
        self.diagnoses = Codes("diagnosis", file)
        self.procedures = Codes("procedure", file)
        self.groups: tuple[CatalogueGroup | None, ...] = (None, *map(_from_row, manifest["groups"]))
        self.number: Mapping[str, int] = {group.code: at for at, group in enumerate(self.groups) if group}
        self._kinds = file.arrays["procedure_kind"]
        most = max(1, int(np.diff(file.arrays["core_at"]).max()))
        ties = [BY_COST if tie == COST else BY_SCORE for tie in self.options.ties]
        ties += [NO_TIE] * (3 - len(ties))  # a row of the places has three numbers
        last = [
            [self.options.main_procedure_must_match, self.options.fall_back_to_untreated, most],
            ties,
        ]
        self.mapped = Mapped(file.body, np.array([*map(file.place, ARRAYS), *last], np.int64))

    @classmethod
    def open(cls, path: Path) -> CompiledCatalogue:
        """Open and verify a bundle.

        Raises:
            BundleError: the bundle cannot be used.
        """
        return cls(open_bundle(path, KIND))

    @cached_property
    def catalogue(self) -> Catalogue:
        """The catalogue that was compiled, as the walker and explanations read it."""
        sides = (self.diagnoses, self.procedures)
        names = [{code: name for code in codes.number if (name := codes.name(code))} for codes in sides]
        kinds = self.options.procedure_kinds
        return Catalogue(
            header=self.header,
            options=self.options,
            groups=tuple(group for group in self.groups if group),
            kinds={
                code: kinds[kind - 1]
                for code, kind in zip(self.procedures.number, self._kinds[1:].tolist(), strict=True)
                if kind
            },
            diagnoses=tuple(self.diagnoses.number),
            procedures=tuple(self.procedures.number),
            code_names=(names[0], names[1]),
            code_maps=(self.diagnoses.map, self.procedures.map),
            dictionary_sha256=self.manifest["dictionary_sha256"],
            demonstration=self.manifest["demonstration"],
            sources=self.manifest["sources"],
        )

    def encode(self, cases: Sequence[Case], costs_fen: Sequence[int | None]) -> Batch:
        """Encode cases for the kernel. Every case must have a diagnosis; unknown codes become 0.

        Args:
            cases: codes are normalised.
            costs_fen: cost of each case in fen, at least 0, or ``None``.
        """
        diagnosis, procedure = self.diagnoses.number.get, self.procedures.number.get
        procedures = [[procedure(code, UNKNOWN) for code in case.procedures] for case in cases]
        return Batch(
            np.array([diagnosis(case.diagnoses[0], UNKNOWN) for case in cases], np.int32),
            np.array([code for codes in procedures for code in codes], np.int32),
            np.cumsum([0, *map(len, procedures)], dtype=np.int64),
            np.array([kernel_cost(cost) for cost in costs_fen], np.int64),
        )

    def encode_one(self, case: Case) -> NDArray[np.int32]:
        """Encode one case as :func:`casemeter_grouper.dip.kernel.run_one` takes it."""
        procedure = self.procedures.number.get
        codes = [self.diagnoses.number.get(case.diagnoses[0], UNKNOWN)]
        codes += [procedure(code, UNKNOWN) for code in case.procedures]
        return np.array(codes, np.int32)


def kernel_cost(cost_fen: int | None) -> int:
    """Return a cost as the kernel takes it.

    Raises:
        ValueError: the cost is below 0.
    """
    if cost_fen is None:
        return NO_COST
    if cost_fen < 0:
        raise ValueError(f"a cost is at least 0 fen, not {cost_fen}")
    return min(cost_fen, MAX_COST_FEN)
