"""``casemeter check``: front pages and settlement lists, checked before submission."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from casemeter.v1 import finding_pb2, service_pb2
from casemeter_server.caller import Caller
from casemeter_server.cli.language import Lang
from casemeter_server.cli.setup import ConfigFile, Packs, bundles, configuration, notes, teaching
from casemeter_server.config import Config
from casemeter_server.doors.settlement.files import check as check_page
from casemeter_server.doors.settlement.files import read_pages
from casemeter_server.doors.settlement.reply import INVALID, PASSED, Summary
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot

_CODER: Final = "coder"
_DEFAULT_PACKS: Final = ("chs_drg_11", "coding_quality")
"""What answers without a configuration: a scheme, and the rules on what is coded."""


class Format(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    JSON = "json"


def check(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="Messages 4101 or 4101A; tables in HQMS columns (CSV, xlsx)."),
    ],
    form: Annotated[Format, typer.Option("--format", help="How the report is printed.")] = Format.TEXT,
    pack: Packs = None,
    config: ConfigFile = None,
    hospital: Annotated[str, typer.Option(help="The hospital whose packs answer.")] = "",
    all_pages: Annotated[bool, typer.Option("--all", help="Print pages without findings, too.")] = False,
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Check pages as their submission would. Exit status 1 if one is refused or cannot be checked."""
    summary = Summary()
    replies: list[Mapping[str, Any]] = []
    with teaching():
        packs = pack or (None if config else _DEFAULT_PACKS)
        evaluator = _evaluator(configuration(config, packs))
        for reply in _replies(files, evaluator, Caller(hospital, _CODER), summary):
            summary.add(reply)
            if all_pages or reply["status"] != PASSED or reply["findings"] or reply["unknown"]:
                if form is Format.JSON:
                    replies.append(reply)
                else:
                    typer.echo("\n".join(_lines(reply, lang)))
    if form is Format.JSON:
        told = {"pages": replies, "summary": summary.written()}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        typer.echo("\n".join(_summary(summary, lang)))
    if not summary.is_clean:
        raise typer.Exit(1)


def _evaluator(settings: Config) -> Evaluator:
    snapshot = Snapshot.open(bundles(settings), settings.default_pack, settings.hospitals)
    return Evaluator(snapshot, settings.zone, settings.meter, settings.alerts, settings.facilities)


def _replies(
    files: list[Path], evaluator: Evaluator, caller: Caller, summary: Summary
) -> Iterator[dict[str, Any]]:
    def evaluate(request: service_pb2.EvaluateRequest) -> service_pb2.EvaluateResponse:
        return evaluator.evaluate(request, caller)

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, disable=not notes.is_terminal, transient=True) as bar:
        for file in files:
            try:
                read = read_pages(file.read_bytes(), evaluator.zone, finding_pb2.CARE_PHASE_SUBMISSION)
                summary.unknown_columns = tuple(dict.fromkeys((*summary.unknown_columns, *read.unknown)))
                task = bar.add_task(file.name, total=read.size)
                for page in read.pages:
                    yield {"file": str(file), **check_page(page, evaluate)}
                    bar.advance(task)
            except RequestError as error:
                raise ValueError(f"{file}: {error}") from None


@cache
def _words() -> dict[str, dict[str, str]]:
    return tomllib.loads((resources.files(__package__) / "check.toml").read_text("utf-8"))


def _say(key: str, lang: str, **values: object) -> str:
    return _words()[lang][key].format(**values)


def _lines(reply: Mapping[str, Any], lang: str) -> Iterator[str]:
    """Yield what is said of one page."""
    row = [_say("row", lang, row=reply["row"])] if "row" in reply else []
    which = " ".join([reply["file"], *row, reply["encounter_id"]]).rstrip()
    if reply["status"] == INVALID:
        yield f"{which}: {_say(INVALID, lang)}"
        error = reply["error"]
        for message in [fault["message"] for fault in error["faults"]] or [error["message"]]:
            yield f"  {message}"
        return
    group = reply["group"]
    told = _say("group", lang, **group) if group["code"] else _say("no_group", lang, **group)
    yield f"{which}: {_say(reply['status'], lang)}, {told.rstrip()}"
    for finding in reply["findings"]:
        places = ", ".join(finding["places"])
        yield f"  [{_say(finding['tier'], lang)}] {finding[f'text_{lang}']} ({places})"
        yield f"    {_say('resolve', lang, resolve=finding[f'resolve_{lang}'])}"
    for fault in reply["unknown"]:
        yield f"  {_say('unknown', lang, message=fault['message'])}"


def _summary(summary: Summary, lang: str) -> Iterator[str]:
    written = summary.written()
    yield _say("summary", lang, **{**written, **written["findings"]})
    if summary.unknown_columns:
        yield _say("columns", lang, columns=", ".join(summary.unknown_columns))
