"""``casemeter forecast``: learning where stays are heading, calibrating it anew, and looking at it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.model import Header
from casemeter_grouper.pack.header_keys import is_id
from casemeter_server.cli.language import Lang, Language
from casemeter_server.cli.progress import progress_shown
from casemeter_server.cli.setup import bundles, configuration, notes, teaching

if TYPE_CHECKING:
    from casemeter_grouper.forecast.fit import Fitted, Pack
    from casemeter_grouper.forecast.histories import Read
    from casemeter_grouper.history.settled import Choices

app = typer.Typer(no_args_is_help=True, help="Learn where stays are heading; look at what was learned.")

_LEVEL = 0.9
_SHOWN = ("log_loss", "first_right", "covered", "set_size", "abstained", "cost_covered", "days_covered")
_NUMBERS = ("log_loss", "set_size")

Histories = Annotated[
    list[Path], typer.Argument(metavar="HISTORY...", help="Folders of histories; Parquet or CSV files.")
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The bundle to write.")]
PackName = Annotated[
    str, typer.Option("--pack", "-p", help="Pack folder, shipped pack or bundle; a DIP catalogue, too.")
]
Regroup = Annotated[
    bool, typer.Option("--regroup", help="Group by the codes even where the settled group is given.")
]
Diagnoses = Annotated[bool, typer.Option(help="The diagnoses are written in the clinical edition.")]
Procedures = Annotated[bool, typer.Option(help="The procedures are written in the clinical edition.")]
Seed = Annotated[int, typer.Option(min=0, help="Equal seeds draw equal days of the stays.")]


@app.command()
def fit(
    history: Histories,
    output: Output,
    lang: Lang,
    pack: PackName = "chs_drg_11",
    forecast_id: Annotated[
        str, typer.Option("--id", help="Id of the forecast. [default: forecast_ and the pack's id]")
    ] = "",
    title: Annotated[str, typer.Option(help="Name for a reader.")] = "",
    version: Annotated[str, typer.Option(help="Version of the forecast.")] = "1",
    valid_from: Annotated[str, typer.Option("--from", metavar="DAY", help="First day it holds.")] = "",
    valid_until: Annotated[str, typer.Option("--until", metavar="DAY", help="Last day it holds.")] = "",
    most_in_set: Annotated[
        int, typer.Option(min=1, max=10, help="Sets of more groups are too wide to be told.")
    ] = 6,
    seed: Seed = 1,
    regroup: Regroup = False,
    clinical_diagnoses: Diagnoses = False,
    clinical_procedures: Procedures = False,
) -> None:
    """Learn a forecast from settled stays, and write its bundle.

    The oldest 70 % of the stays are learned from, the next 15 % calibrate, the newest 15 % test.
    """
    with teaching():
        _check(output, forecast_id, (valid_from, valid_until), lang)
        # Loaded here: polars, the loops and scipy are needed by no other command of this module.
        from casemeter_grouper.forecast.fit import fit as fit_forecast
        from casemeter_grouper.forecast.wish import Wish
        from casemeter_grouper.history.settled import HistoryError

        opened = _pack(pack)
        name = forecast_id or f"forecast_{opened.id}"[:64]
        header = Header(
            name, title, version, valid_from, valid_until, opened.id, opened.sha256, _LEVEL, False
        )
        wish = Wish(header, most_in_set, seed=seed)
        choices = _choices(regroup, clinical_diagnoses, clinical_procedures)
        with progress_shown():
            try:
                found = fit_forecast(history, opened, wish, output, choices)
            except HistoryError as error:
                raise ValueError(str(error)) from None
        _tell(found, output, lang)


@app.command()
def calibrate(
    forecast: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Bundle of a forecast.")],
    history: Histories,
    output: Output,
    lang: Lang,
    pack: PackName = "chs_drg_11",
    version: Annotated[
        str | None, typer.Option(help="Version of the new bundle. [default: as before]")
    ] = None,
    seed: Seed = 1,
    regroup: Regroup = False,
    clinical_diagnoses: Diagnoses = False,
    clinical_procedures: Procedures = False,
) -> None:
    """Calibrate a forecast by stays of another hospital, and write it as a new bundle.

    Its odds stay as they are. The oldest 70 % of the stays calibrate, the newest 30 % test.
    """
    with teaching():
        _check(output, "", ("", ""), lang)
        from casemeter_grouper.forecast.recalibrate import recalibrate
        from casemeter_grouper.history.settled import HistoryError

        choices = _choices(regroup, clinical_diagnoses, clinical_procedures)
        with progress_shown():
            try:
                found = recalibrate(
                    forecast, history, _pack(pack), output, choices, version=version, seed=seed
                )
            except HistoryError as error:
                raise ValueError(str(error)) from None
        _tell(found, output, lang)


@app.command()
def show(
    forecast: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Bundle of a forecast.")],
    lang: Lang,
) -> None:
    """Show what a forecast rests on, and how well it did on stays it had not seen."""
    with teaching():
        opened = Forecaster.open(forecast)
        typer.echo("\n".join(_lines(opened, forecast, lang)))
        facts = opened.manifest["facts"]
        tested = facts.get("calibrated_anew", facts)["tested"]
        notes.print(_tested(tested, opened.steps.day_from, lang))


def _check(output: Path, forecast_id: str, holds: tuple[str, str], language: Language) -> None:
    """See that what was asked for can be written, before anything is read."""
    faults = []
    if find_spec("scipy") is None:
        faults.append(_say("needs_scipy", language))
    if not output.parent.is_dir():
        faults.append(_say("no_folder", language, path=output.parent))
    if forecast_id and not is_id(forecast_id):
        faults.append(_say("bad_id", language, id=forecast_id))
    wrong = [day for day in holds if day and not _is_day(day)]
    faults += [_say("bad_day", language, day=day) for day in wrong]
    first, until = holds
    if first and until and not wrong and until < first:
        faults.append(_say("days_crossed", language, first=first, until=until))
    if faults:
        raise ValueError("\n".join(faults))


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _pack(name: str) -> Pack:
    from casemeter_grouper.forecast.fit import Pack
    from casemeter_grouper.pack.sources import open_compiled

    (bundle,) = bundles(configuration(None, [name]))
    return Pack.of(open_compiled(bundle))


def _choices(regroup: bool, clinical_diagnoses: bool, clinical_procedures: bool) -> Choices:
    from casemeter_grouper.history.settled import Choices

    return Choices(
        settled_groups=not regroup,
        clinical_diagnoses=clinical_diagnoses,
        clinical_procedures=clinical_procedures,
    )


def _tell(found: Fitted, output: Path, language: Language) -> None:
    pages = found.read.drops["pages"]
    notes.print(_say("read", language, rows=pages.rows, kept=pages.kept))
    dropped = list(_dropped(found.read, language))
    if dropped:
        table = Table(title=_say("dropped", language), title_justify="left")
        table.add_column(_say("count", language), justify="right")
        table.add_column(_say("table", language))
        table.add_column(_say("why", language))
        for count, name, why in dropped:
            table.add_row(f"{count:,}", _say(name, language), why)
        notes.print(table)
    else:
        notes.print(_say("none_dropped", language))
    forecaster = Forecaster.open(output)
    notes.print(_tested(found.report.to_json(), forecaster.steps.day_from, language))
    typer.echo(_line(forecaster, output, language))


def _dropped(read: Read, language: Language) -> Iterable[tuple[int, str, str]]:
    from casemeter_grouper.history.reading.drops import reasons

    known = reasons()
    for name, drops in read.drops.items():
        for reason, count in drops.dropped.items():
            yield count, name, known[reason][language]
    if read.no_charges:
        yield read.no_charges, "stays", _say("no_charges", language)
    if read.blind:
        yield read.blind, "days", _say("blind", language)


def _tested(tested: dict[str, Any], day_from: Sequence[int], language: Language) -> Table:
    table = Table(title=_say("tested", language), title_justify="left")
    table.add_column(_say("day", language))
    for name in ("asked", *_SHOWN):
        table.add_column(_say(name, language), justify="right")
    for first, after, figures in zip(day_from, [*day_from[1:], 0], tested["by_bucket"], strict=True):
        if figures:
            days = f"{first}–" if not after else str(first) if after == first + 1 else f"{first}–{after - 1}"
            table.add_row(days, *_cells(figures))
    table.add_row(_say("all", language), *_cells(tested["all_days"]))
    return table


def _cells(figures: dict[str, Any]) -> Iterable[str]:
    yield f"{figures['days']:,}"
    for name in _SHOWN:
        yield f"{figures[name]:.3f}" if name in _NUMBERS else f"{figures[name]:.1%}"


def _line(forecaster: Forecaster, path: Path, language: Language) -> str:
    header = forecaster.header
    invented = _say("invented", language) if header.demonstration else ""
    name = f"{header.id} {header.version}".rstrip()
    values = {"path": path, "id": name, "scheme": header.scheme, "sha256": forecaster.sha256}
    return _say("made", language, invented=invented, **values)


def _lines(forecaster: Forecaster, path: Path, language: Language) -> Iterable[str]:
    header, facts, codes = forecaster.header, forecaster.manifest["facts"], forecaster.codes
    yield _line(forecaster, path, language)
    if header.title:
        yield header.title
    if header.valid_from or header.valid_until:
        always = _say("always", language)
        first, last = header.valid_from or always, header.valid_until or always
        yield _say("holds", language, first=first, last=last)
    first, last = facts["learned_discharges"]
    yield _say("rests_on", language, stays=facts["stays"], first=first, last=last)
    if anew := facts.get("calibrated_anew"):
        first, last = anew["calibrated_discharges"]
        yield _say("anew", language, stays=anew["stays"], first=first, last=last)
    yield _say(
        "size",
        language,
        groups=len(codes.groups),
        principals=len(codes.principals),
        departments=len(codes.departments),
        contexts=len(forecaster.file.arrays["context_keys"]),
    )
    yield _say("levels", language, level=header.level, most=forecaster.most_in_set)


@cache
def _sentences() -> dict[str, dict[str, str]]:
    text = resources.files("casemeter_server.cli").joinpath("forecast.toml").read_text("utf-8")
    return tomllib.loads(text)


def _say(key: str, language: Language, **values: object) -> str:
    sentence = _sentences()[key][language]
    return sentence.format(**values) if values else sentence
