"""Grouping files of cases by a DIP catalogue.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.case_files import NO_CODE, CodeNumbers, Report, chunks, starts_of
from casemeter_grouper.dip.catalogue import MILLIONTHS, CatalogueGroup
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.dip.kernel import NO_COST, Batch
from casemeter_grouper.grouping import Status

COLUMNS: Final = ("case_id", "diagnoses", "procedures")
"""The columns that must be there; others are left alone."""

COST_COLUMN: Final = "running_cost_yuan"
OPTIONAL: Final = (COST_COLUMN,)
"""Cost so far; it may be missing, in a row or altogether."""

RESULT_COLUMNS: Final = ("case_id", "status", "group", "kind", "score", "rivals")

_COST = r"^\d{1,11}(\.\d{1,2})?$"


def group_file(
    grouper: CatalogueGrouper,
    source: Path,
    *,
    clinical_diagnoses: bool = False,
    clinical_procedures: bool = False,
    report: Report,
    progress: Callable[[int], object] = bool,
) -> Iterator[pl.DataFrame]:
    """Group every case of a file, chunk by chunk.

    Args:
        grouper: the catalogue to group by.
        source: CSV (gzip too) or Parquet with the columns :data:`COLUMNS`, and :data:`COST_COLUMN` if known.
        clinical_diagnoses: the diagnoses are written in the clinical edition.
        clinical_procedures: likewise the procedures.
        report: filled as the file is read.
        progress: told how many rows were done.

    Yields:
        Frames with the columns :data:`RESULT_COLUMNS`, in the order of the file; rivals are group codes with
        ``|`` between them.

    Raises:
        CaseFileError: the file is missing, not of these kinds, or lacks columns.
    """
    compiled = grouper.compiled
    diagnoses = CodeNumbers(compiled.diagnoses, clinical_diagnoses)
    procedures = CodeNumbers(compiled.procedures, clinical_procedures)
    ends = _ends(compiled.groups)
    for frame in chunks(source, COLUMNS, OPTIONAL):
        invalid = _check(frame, report)
        batch = _encode(frame, invalid, diagnoses, procedures)
        groups, rivals = grouper.run(batch)
        # The last two ends stand for what the kernel was never asked.
        groups[frame["diagnoses"].is_null().to_numpy()] = len(ends) - 2
        groups[invalid] = len(ends) - 1
        rivals[groups >= len(ends) - 2] = 0
        names = pl.Series("rivals", _rivals(grouper, batch, rivals), dtype=pl.String)
        result = pl.concat([frame.select("case_id"), ends[groups]], how="horizontal").with_columns(names)
        report.add(result)
        progress(len(frame))
        yield result


def _ends(groups: tuple[CatalogueGroup | None, ...]) -> pl.DataFrame:
    """One row per group of the kernel, then one for cases without a diagnosis, and one for invalid ones."""
    rows = [
        (str(Status.GROUPED), group.code, str(group.kind), score_text(group.score))
        if group
        else (str(Status.UNGROUPABLE), "", "", "")
        for group in groups
    ]
    rows += [(str(status), "", "", "") for status in (Status.NOT_YET, Status.INVALID)]
    return pl.DataFrame(rows, schema=dict.fromkeys(RESULT_COLUMNS[1:-1], pl.String), orient="row")


def score_text(score: int) -> str:
    """Return millionths as a decimal number with six decimals."""
    return f"{score // MILLIONTHS}.{score % MILLIONTHS:06d}"


def _check(frame: pl.DataFrame, report: Report) -> NDArray[np.bool_]:
    """Return which rows are invalid; note every value that makes them so."""
    problems = {
        name: (pl.col(name).str.contains(NO_CODE), "an empty code") for name in ("diagnoses", "procedures")
    }
    sound = pl.col(COST_COLUMN).str.contains(_COST)
    problems[COST_COLUMN] = (~sound, "not an amount of yuan with two decimals at most")
    return report.note(frame, problems)


def _encode(
    frame: pl.DataFrame, invalid: NDArray[np.bool_], diagnoses: CodeNumbers, procedures: CodeNumbers
) -> Batch:
    # A case without a diagnosis is run with an unknown one; its answer is not used.
    principals = frame["diagnoses"].fill_null("?").str.split("|").list.first()
    lists = frame["procedures"].str.split("|")
    costs = frame[COST_COLUMN].set(pl.Series(invalid), None)
    # Decimal yuan of two digits are whole fen.
    fen = costs.cast(pl.Decimal(18, 2)) * 100
    return Batch(
        diagnoses.of(principals),
        procedures.of_lists(lists),
        starts_of(lists),
        np.array(fen.cast(pl.Int64).fill_null(NO_COST), np.int64),
    )


def _rivals(grouper: CatalogueGrouper, batch: Batch, counts: NDArray[np.int32]) -> list[str]:
    """Codes of the rivals of each case; the few that have some are grouped once more, one by one."""
    names = [""] * len(counts)
    for at in np.flatnonzero(counts).tolist():
        procedures = batch.procedures[batch.procedure_at[at] : batch.procedure_at[at + 1]]
        codes = np.concatenate([batch.principals[at : at + 1], procedures])
        names[at] = "|".join(rival.code for rival in grouper.rivals_of(codes, int(batch.costs[at])))
    return names
