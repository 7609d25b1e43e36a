"""``casemeter ledger``: what was foretold of each stay day by day, and what it came to."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from casemeter_grouper.compiled.bundle import kind_of
from casemeter_grouper.compiled.compiler import KIND as DRG
from casemeter_grouper.dip.compiled import KIND as DIP
from casemeter_grouper.reconcile.versions import Versions
from casemeter_server.cli.language import Lang
from casemeter_server.cli.setup import ConfigFile, Packs, bundles, configuration, notes, teaching
from casemeter_server.cli.store import Url, store_url
from casemeter_server.config import Config
from casemeter_server.dry_run.stored import opened
from casemeter_server.ledger.picture import draw
from casemeter_server.ledger.reconciling import held_stays
from casemeter_server.ledger.report import lines
from casemeter_server.ledger.settle import SettleError
from casemeter_server.ledger.settle import settle as settle_file
from casemeter_server.ledger.tally import tally_of
from casemeter_server.store.store import Store

app = typer.Typer(no_args_is_help=True, help="Hold forecasts against final groups.")

_FIRST: Final = "0001-01-01"
_LAST: Final = "9999-12-31"
_SHOWN: Final = 50
"""Faults of a file, as far as they are listed."""

Hospital = Annotated[str, typer.Option(help="Of this hospital only.")]


class Source(StrEnum):
    """Who puts a stay in its final group."""

    CODER = "coder"
    BUREAU = "bureau"


@app.command()
def report(
    pack: Packs = None,
    store: Url = "",
    config: ConfigFile = None,
    since: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="First day.")] = "",
    until: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Last day.")] = "",
    hospital: Hospital = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Markdown file. [default: the screen]")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Picture to draw, an SVG file.")] = None,
    examples: Annotated[bool, typer.Option("--examples", help="Name a few stays for each cause.")] = False,
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Report how right the forecasts were, day by day, and why those that were not were not.

    Name every version of a pack that grouped in that time with --pack. The store is read, and not changed.
    """
    with teaching():
        settings = configuration(config, pack)
        first, last = _day(since, _FIRST), _day(until, _LAST)
        if last < first:
            raise ValueError(f"the last day {last} comes before the first one {first}")
        versions = Versions.open(_grouping(settings) if pack is None else bundles(settings))
        with opened(store_url(store, config)) as reading:
            total = reading.count_forecast_days(first, last, hospital)
            with _bar(_say("holding", lang), total) as tell:
                stays = held_stays(reading, versions, settings.zone, first, last, hospital, tell)
                tally = tally_of(stays)
        period = (since or "…", until or "…") if since or until else None
        text = "\n".join(lines(tally, lang, period, examples=examples)) + "\n"
        if picture is not None:
            draw(tally, picture, lang)
        if output is None:
            typer.echo(text, nl=False)
        else:
            _write(output, text)
            typer.echo(_say("written", lang, path=output, stays=tally.stays, days=tally.days))
    if not tally.days:
        notes.print(_say("nothing", lang), style="yellow", markup=False)


@app.command()
def settle(
    file: Annotated[Path, typer.Argument(help="Final groups: CSV or Parquet; see docs/ledger.md.")],
    store: Url = "",
    config: ConfigFile = None,
    source: Annotated[Source, typer.Option(help="Who put the stays there.")] = Source.BUREAU,
    hospital: Annotated[str, typer.Option(help="The hospital of rows that name none.")] = "",
    pass_over: Annotated[
        bool, typer.Option("--pass-over-unknown", help="Pass over stays that are not in the store.")
    ] = False,
    show_all: Annotated[bool, typer.Option("--all", help="Print every fault.")] = False,
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Take final groups from a file, all of them or none. Exit status 1 if nothing was kept."""
    with teaching():
        kept = Store.open(store_url(store, config), make=False)
        try:
            done = settle_file(kept, file, source, hospital, pass_over=pass_over)
        except SettleError as error:
            shown = error.faults if show_all else error.faults[:_SHOWN]
            for fault in shown:
                notes.print(str(fault), style="red", markup=False)
            if len(shown) < len(error.faults):
                notes.print(_say("more", lang, count=len(error.faults) - len(shown)), markup=False)
            raise
        finally:
            kept.close()
    typer.echo(_say("settled", lang, file=file, kept=done.kept))
    if done.passed_over:
        typer.echo(_say("passed_over", lang, count=done.passed_over))


def _grouping(settings: Config) -> list[Path]:
    """Return the bundles of a configuration that group cases."""
    return [path for path in bundles(settings) if kind_of(path) in (DRG, DIP)]


def _day(text: str, default: str) -> str:
    try:
        return date.fromisoformat(text or default).isoformat()
    except ValueError:
        raise ValueError(f"'{text}' is not a day; write it as YYYY-MM-DD") from None


def _write(target: Path, text: str) -> None:
    partial = target.with_name(f".{target.name}.partial")
    try:
        partial.write_text(text, "utf-8")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[int], Any]]:
    """Show how many days are done; nothing where nobody would see it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, disable=not notes.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.advance(task, done)


@cache
def _sentences() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files("casemeter_server.cli").joinpath("ledger.toml").read_text("utf-8"))


def _say(key: str, language: str, **values: object) -> str:
    return _sentences()[key][language].format(**values)
