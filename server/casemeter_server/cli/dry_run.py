"""``casemeter dry-run``: a new pack tried on the stored encounters of a day; nothing stored is changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from google.protobuf.timestamp_pb2 import Timestamp
from rich.progress import Progress

from casemeter_server.cli.language import Lang
from casemeter_server.cli.setup import ConfigFile, bundles, configuration, notes, teaching
from casemeter_server.config import Config
from casemeter_server.dry_run.compare import compare
from casemeter_server.dry_run.packs import trial
from casemeter_server.dry_run.report import Report
from casemeter_server.dry_run.stored import changed, opened, stays
from casemeter_server.evaluation import Evaluator
from casemeter_server.kept_settings import kept_settings
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.reading import Reading

_LISTED: Final = 10
"""Stays of one move, as far as the text lists them."""


class Format(StrEnum):
    """How the report is printed."""

    TEXT = "text"
    JSON = "json"


class Phase(StrEnum):
    """Moments of care, as the contract names them."""

    ADMISSION = "admission"
    IN_STAY = "in_stay"
    DISCHARGE = "discharge"
    FRONT_PAGE = "front_page"
    SUBMISSION = "submission"


def dry_run(
    pack: Annotated[str, typer.Option("--pack", "-p", help="The new pack: folder, shipped pack or bundle.")],
    lang: Lang,
    day: Annotated[
        str, typer.Option(help="Day whose encounters are tried, as YYYY-MM-DD. [default: today]")
    ] = "",
    config: ConfigFile = None,
    replaces: Annotated[
        str,
        typer.Option(help="Id of the pack whose place it takes. [default: of the same id, or for the same]"),
    ] = "",
    hospital: Annotated[str, typer.Option(help="Encounters of this hospital only.")] = "",
    role: Annotated[
        str, typer.Option(help="Role of the clinician whose interruptions are counted.")
    ] = "physician",
    phase: Annotated[
        Phase | None,
        typer.Option(help="Moment of care that rules decide for. [default: told by each encounter]"),
    ] = None,
    as_of: Annotated[str, typer.Option(help="Moment of all answers, with offset. [default: now]")] = "",
    form: Annotated[Format, typer.Option("--format", help="How the report is printed.")] = Format.TEXT,
    show_all: Annotated[bool, typer.Option("--all", help="List every stay that moves.")] = False,
) -> None:
    """Try a new pack on stored encounters: which cases move, what it costs, which alerts come and go.

    They are those that got events on a day, as they are known now. The store is read, and not changed.
    """
    with teaching():
        settings = configuration(config, None)
        first = _day(day, settings.zone)
        moment = _moment(as_of)
        if not settings.store_url:
            raise ValueError("the configuration has no store, so there are no encounters to try")
        with opened(settings.store_url) as reading:
            both = trial(_present(settings, reading), _new(settings, pack), replaces)
            since, until = (
                datetime.combine(one, time(), settings.zone) for one in (first, first + timedelta(days=1))
            )
            rows = changed(reading, since, until, hospital)
            with _bar(len(rows)) as tell:
                found = compare(
                    stays(reading, rows, moment, phase or ""),
                    both.before,
                    both.after,
                    role,
                    tell=tell,
                )
    shown = Timestamp()
    shown.FromDatetime(moment)
    report = Report(found, both.new, both.replaced, first.isoformat(), shown.ToJsonString(), role)
    if form is Format.JSON:
        typer.echo(json.dumps(report.to_dict(), ensure_ascii=False, indent=2))
    else:
        typer.echo("\n".join(report.lines(lang, None if show_all else _LISTED)))


def _present(settings: Config, reading: Reading) -> Evaluator:
    """Return what answers by the present packs, and by the settings that hold now."""
    snapshot = Snapshot.open(bundles(settings), settings.default_pack, settings.hospitals)
    if not snapshot.default:
        raise ValueError("no pack of the configuration groups cases")
    meter, alerts = kept_settings(reading, settings.meter, settings.alerts)
    return Evaluator(snapshot, settings.zone, meter, alerts, settings.facilities)


def _new(settings: Config, pack: str) -> Snapshot:
    return Snapshot.open(bundles(replace(settings, packs=(pack,))))


def _day(text: str, zone: ZoneInfo) -> date:
    if not text:
        return datetime.now(zone).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a day; write it as YYYY-MM-DD") from None


def _moment(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a moment; write it like 2026-06-05T12:00:00+08:00") from None
    if moment.tzinfo is None:
        raise ValueError(f"'{text}' has no offset; write it like 2026-06-05T12:00:00+08:00")
    return moment.astimezone(UTC)


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], Any]]:
    """Show how many stays are done; nothing where nobody would see it."""
    with Progress(console=notes, disable=not notes.is_terminal, transient=True) as bar:
        task = bar.add_task("stays", total=total)
        yield lambda done: bar.update(task, completed=done)
