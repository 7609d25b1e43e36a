"""``casemeter history``: histories of stays, made up."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from casemeter_server.cli.history_play import play
from casemeter_server.cli.setup import bundles, configuration, notes, teaching

app = typer.Typer(no_args_is_help=True, help="Histories of stays, made up for trying.")


@app.callback()
def history() -> None:
    """Histories of stays, made up for trying."""


app.command()(play)


@app.command()
def generate(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder that is not there yet.")
    ],
    pack: Annotated[
        str, typer.Option("--pack", "-p", help="Pack folder, shipped pack or bundle; a DIP catalogue, too.")
    ] = "chs_drg_11",
    cases: Annotated[int, typer.Option(help="Number of stays.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Equal seeds make equal tables.")] = 0,
    recipe: Annotated[str, typer.Option(help="TOML file; or first, or second.")] = "first",
    caseload: Annotated[
        Path | None, typer.Option(help="CSV of groups with cases, cost and days; see docs/history.md.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of discharge.")
    ] = None,
    days: Annotated[bool, typer.Option(help="Write what was charged on each day, too.")] = True,
) -> None:
    """Make up three years of stays: front pages, charges by day, and what was known when.

    No patient is in them. docs/history.md says how they are drawn.
    """
    # Loaded here: polars and the loops are needed by no other command.
    from casemeter_grouper.history.caseload import read_caseload
    from casemeter_grouper.history.recipe import read_recipe
    from casemeter_grouper.history.write import DEFAULT_UNTIL, Order, check, generate
    from casemeter_grouper.pack.sources import open_compiled

    with teaching():
        told = (read_recipe(recipe), read_caseload(caseload))
        last = until.date() if until else DEFAULT_UNTIL
        check(cases, seed, last, output)
        (bundle,) = bundles(configuration(None, [pack]))
        order = Order(open_compiled(bundle), *told, cases, seed, last, days)
        columns = (TextColumn("making up"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=notes, disable=not notes.is_terminal) as bar:
            task = bar.add_task("", total=cases)
            made = generate(order, output, lambda count: bar.advance(task, count))
    notes.print(f"{made.cases:,} stays, made up, are in {output}", markup=False)
    if made.left_out:
        notes.print(
            f"{made.left_out:,} groups of the caseload, {made.left_out_share:.1%} of its stays, are left "
            f"out: {order.pack.header.id} has no group for them, or does not know their codes",
            markup=False,
        )
