"""``casemeter history play``: made-up stays as a file that the EMR simulator plays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from casemeter_grouper.history.playing.stay import MAX_STAYS
from casemeter_server.cli.setup import bundles, configuration, notes, teaching

_USUAL_STAYS: Final = 20


def play(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that 'casemeter history generate' wrote.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="JSON Lines; compressed if it ends in .gz.")
    ] = Path("stays.jsonl"),
    stays: Annotated[int, typer.Option(min=1, max=MAX_STAYS, help="How many stays.")] = _USUAL_STAYS,
    from_stay: Annotated[int, typer.Option(min=1, help="The first of them, in the order of the tables.")] = 1,
    seed: Annotated[int, typer.Option(help="Draws the hours of the day.")] = 0,
    pack: Annotated[
        str, typer.Option("--pack", "-p", help="Pack that the coder groups by. [that of the history]")
    ] = "",
) -> None:
    """Write what an EMR would send of stays of a made-up history, event by event.

    Play it with: python -m casemeter_client.emr play OUT --watch --today
    """
    # Loaded here: with these comes polars, which few commands need.
    from casemeter_grouper.history.play import play as write
    from casemeter_grouper.history.playing.ending import Endings
    from casemeter_grouper.history.playing.tables import pack_of, read_stays
    from casemeter_grouper.pack.sources import open_compiled

    with teaching():
        (bundle,) = bundles(configuration(None, [pack or pack_of(folder)]))
        endings = Endings(open_compiled(bundle))
        columns = (TextColumn("stays"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=notes, disable=not notes.is_terminal, transient=True) as bar:
            task = bar.add_task("", total=stays)
            found = read_stays(folder, stays, from_stay)
            played = write(
                found, endings, output, seed=seed, progress=lambda done: bar.update(task, completed=done)
            )
        if not played.stays:
            raise ValueError(f"{folder}: the history has no stay number {from_stay:,}; nothing was written")
    notes.print(f"{output}: {played.stays:,} stays, {played.events:,} events; made up 虚构", markup=False)
