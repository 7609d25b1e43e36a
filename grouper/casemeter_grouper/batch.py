"""Grouping files of cases by a DRG scheme.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from casemeter_grouper.case_files import NO_CODE, CodeNumbers, Report, chunks, starts_of
from casemeter_grouper.compiled.scheme import NUMBERS
from casemeter_grouper.condition.nodes import FIELDS
from casemeter_grouper.grouping import Grouper, Status
from casemeter_grouper.kernel import Batch

COLUMNS: Final = ("case_id", *FIELDS, *NUMBERS, "diagnoses", "procedures")
"""The columns that are read; others are left alone."""

RESULT_COLUMNS: Final = ("case_id", "status", "mdc", "adrg", "group")
_RANGES: Final = {
    "age_years": (0, 150),
    "age_days": (0, 55_000),
    "birth_weight_g": (100, 15_000),
    "los_days": (1, 100_000),
    "icu_hours": (0, 100_000),
}
_VALUES: Final = {"sex": ("M", "F"), "discharge_way": ("1", "2", "3", "4", "5", "9")}


def group_file(
    grouper: Grouper,
    source: Path,
    *,
    clinical_diagnoses: bool = False,
    clinical_procedures: bool = False,
    report: Report,
    progress: Callable[[int], object] = bool,
) -> Iterator[pl.DataFrame]:
    """Group every case of a file, chunk by chunk.

    Args:
        grouper: the scheme to group by.
        source: CSV (gzip too) or Parquet with the columns :data:`COLUMNS`.
        clinical_diagnoses: the diagnoses are written in the clinical edition.
        clinical_procedures: likewise the procedures.
        report: filled as the file is read.
        progress: told how many rows were done.

    Yields:
        Frames with the columns :data:`RESULT_COLUMNS`, in the order of the file.

    Raises:
        CaseFileError: the file is missing, not of these kinds, or lacks columns.
    """
    translate = (
        CodeNumbers(grouper.scheme.diagnoses, clinical_diagnoses),
        CodeNumbers(grouper.scheme.procedures, clinical_procedures),
    )
    ends = _ends(grouper)
    for frame in chunks(source, COLUMNS):
        invalid = _check(frame, report)
        batch = _encode(frame, grouper, *translate)
        leaves, _ = grouper.run(batch)
        # The last two ends stand for what the kernel was never asked.
        leaves[frame["diagnoses"].is_null().to_numpy()] = len(ends) - 2
        leaves[invalid] = len(ends) - 1
        result = pl.concat([frame.select("case_id"), ends[leaves]], how="horizontal")
        report.add(result)
        progress(len(frame))
        yield result


def _ends(grouper: Grouper) -> pl.DataFrame:
    """One row per leaf of the kernel, then one for cases without a diagnosis, and one for invalid ones."""
    rows = [
        (str(grouper.status_of(at)), *((leaf.mdc.name, leaf.rule.adrg, leaf.group) if leaf else ("", "", "")))
        for at, leaf in enumerate(grouper.scheme.leaves)
    ]
    rows += [(str(status), "", "", "") for status in (Status.NOT_YET, Status.INVALID)]
    return pl.DataFrame(rows, schema=dict.fromkeys(RESULT_COLUMNS[1:], pl.String), orient="row")


def _check(frame: pl.DataFrame, report: Report) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which rows are invalid; note every value that makes them so."""
    problems: dict[str, tuple[pl.Expr, str]] = {}
    for name, (low, high) in _RANGES.items():
        number = pl.col(name).cast(pl.Float64, strict=False)
        # Null means that a filled cell is no number; NaN lies in no range.
        sound = number.is_between(low, high) & number.is_not_nan()
        problems[name] = (pl.col(name).is_not_null() & ~sound.fill_null(False), f"not {low} to {high}")
    for name, values in _VALUES.items():
        problems[name] = (~pl.col(name).is_in(values), f"not one of {', '.join(values)}")
    for name in ("diagnoses", "procedures"):
        problems[name] = (pl.col(name).str.contains(NO_CODE), "an empty code")
    years, days = (pl.col(name).cast(pl.Float64, strict=False) for name in ("age_years", "age_days"))
    # As casemeter_grouper.stay.years_fit_days has it.
    fits = (days >= 365 * years) & (days < 366 * (years + 1))
    problems["age_years"] = (
        problems["age_years"][0] | (~fits).fill_null(False),
        f"{problems['age_years'][1]}, or does not fit age_days",
    )
    return report.note(frame, problems)


def _encode(frame: pl.DataFrame, grouper: Grouper, diagnoses: CodeNumbers, procedures: CodeNumbers) -> Batch:
    # A case without a diagnosis is run with an unknown one and its answer is not used.
    diagnosis_lists = frame["diagnoses"].fill_null("?").str.split("|")
    procedure_lists = frame["procedures"].str.split("|")
    values = [
        frame[name].replace_strict(dict(grouper.scheme.value_numbers(name)), default=0, return_dtype=pl.Int32)
        for name in FIELDS
    ]
    numbers = frame.select(pl.col(name).cast(pl.Float64, strict=False).fill_null(np.nan) for name in NUMBERS)
    return Batch(
        diagnoses.of_lists(diagnosis_lists),
        starts_of(diagnosis_lists),
        procedures.of_lists(procedure_lists),
        starts_of(procedure_lists),
        np.ascontiguousarray(numbers.to_numpy()),
        np.ascontiguousarray(pl.DataFrame(values).to_numpy()),
    )
