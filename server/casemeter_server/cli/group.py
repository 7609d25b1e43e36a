"""``casemeter group``: a whole file of cases."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.pack.sources import open_compiled
from casemeter_server.cli.setup import bundles, configuration, notes, teaching

if TYPE_CHECKING:
    from casemeter_grouper.case_files import Report

_MAX_SHOWN = 10


def group(
    cases: Annotated[Path, typer.Argument(metavar="CASES", help="CSV (.gz too) or Parquet.")],
    pack: Annotated[
        str, typer.Option("--pack", "-p", help="Pack folder, shipped pack or bundle; a DIP catalogue, too.")
    ] = "chs_drg_11",
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="CSV (.gz too) or Parquet.")
    ] = Path("groups.csv"),
    faults: Annotated[
        Path | None, typer.Option(help="Write every value that makes a row invalid to this CSV.")
    ] = None,
    clinical_diagnoses: Annotated[
        bool, typer.Option(help="The diagnoses are written in the clinical edition.")
    ] = False,
    clinical_procedures: Annotated[
        bool, typer.Option(help="The procedures are written in the clinical edition.")
    ] = False,
) -> None:
    """Group every case of a file, in the order of the file.

    OUT has case_id, status, mdc, adrg and group; by a DIP catalogue case_id, status, group, kind, score and
    rivals, and running_cost_yuan is read where CASES has it.
    """
    # polars is loaded here only: no other command needs it.
    from casemeter_grouper import batch, case_files
    from casemeter_grouper.dip import batch as catalogue_batch

    with teaching():
        (bundle,) = bundles(configuration(None, [pack]))
        opened = open_compiled(bundle)
        read: Sequence[str]
        written: Sequence[str]
        if isinstance(opened, CompiledScheme):
            group_file = partial(batch.group_file, Grouper(opened))
            read, written = batch.COLUMNS, batch.RESULT_COLUMNS
        else:
            group_file = partial(catalogue_batch.group_file, CatalogueGrouper(opened))
            read, written = catalogue_batch.COLUMNS, catalogue_batch.RESULT_COLUMNS
        report = case_files.Report()
        columns = (TextColumn("grouping"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        try:
            with Progress(*columns, console=notes, disable=not notes.is_terminal) as bar:
                total = case_files.count_cases(cases, read) if notes.is_terminal else None
                task = bar.add_task("", total=total)
                frames = group_file(
                    cases,
                    clinical_diagnoses=clinical_diagnoses,
                    clinical_procedures=clinical_procedures,
                    report=report,
                    progress=lambda rows: bar.advance(task, rows),
                )
                case_files.write(frames, output, written)
        except case_files.CaseFileError as error:
            raise ValueError(str(error)) from None
        if faults is not None:
            with faults.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("row", "case_id", "column", "value", "problem"))
                writer.writerows(report.faults)
    _summary(report, faults)


def _summary(report: Report, faults: Path | None) -> None:
    counts = ", ".join(f"{count:,} {status}" for status, count in sorted(report.by_status.items()))
    notes.print(f"{report.cases:,} cases: {counts}", markup=False)
    for fault in report.faults[:_MAX_SHOWN]:
        notes.print(
            f"row {fault.row} ({fault.case_id}): {fault.column} '{fault.value}' is {fault.problem}",
            style="yellow",
            markup=False,
        )
    hidden = len(report.faults) - _MAX_SHOWN
    if hidden > 0:
        where = f"see {faults}" if faults else "name a file with --faults to see them all"
        notes.print(f"and {hidden:,} more values that make a row invalid; {where}", markup=False)
