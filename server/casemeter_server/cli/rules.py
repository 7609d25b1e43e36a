"""``casemeter rules``: checking rules packs, what they hold, and importing the national tables."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from casemeter_grouper.pack.faults import ERROR, Fault
from casemeter_grouper.pack.kinds import kind_of
from casemeter_grouper.pack.shipped import find_pack
from casemeter_rules.finding import RuleState
from casemeter_rules.pack.header import KIND
from casemeter_server.cli.language import Lang, Language
from casemeter_server.cli.pack import (
    AsJson,
    Pack,
    fault_json,
    print_faults,
    print_json,
    telling,
)

app = typer.Typer(no_args_is_help=True, help="Check, read and import packs of rules.")

_SHOWN = 200
"""How many faults are printed where not all are asked for."""


@app.command()
def check(
    pack: Pack,
    lang: Lang,
    as_json: AsJson = False,
    show_all: Annotated[bool, typer.Option("--all", help="Print every fault.")] = False,
) -> None:
    """Report what is wrong with a rules pack, and try its examples. Exit status 1 when it has errors."""
    from casemeter_rules.checking import check_rules

    with telling(lang):
        folder = _rules_pack(pack, lang)
        with _bar() as bar:
            task = bar.add_task(_say("checking", lang), total=None)
            faults = check_rules(folder, lambda done, of: bar.update(task, completed=done, total=of))
    errors = sum(fault.severity == ERROR for fault in faults)
    warnings = len(faults) - errors
    if as_json:
        print_json(
            {"errors": errors, "warnings": warnings, "faults": [fault_json(each, lang) for each in faults]}
        )
    else:
        _print_some(faults, lang, show_all)
        summary = _say("checked", lang, path=folder, errors=errors, warnings=warnings)
        typer.echo(f"{summary}: {_say('no_build' if errors else 'builds', lang)}")
    raise typer.Exit(1 if errors else 0)


@app.command()
def info(pack: Pack, lang: Lang, as_json: AsJson = False) -> None:
    """Print how many rules a pack holds, by kind and by official type, and their states."""
    from casemeter_rules.importing import info as info_of

    with telling(lang):
        facts = info_of(_rules_pack(pack, lang))
    types = {each.type.name: each.states for each in facts.types}
    if as_json:
        print_json(
            {
                "id": facts.id,
                "kinds": {kind: _states(states) for kind, states in facts.kinds.items()},
                "types": {name: _states(states) for name, states in types.items()},
                "without_type": _states(facts.without_type),
            }
        )
        return
    with_rules = {name: states for name, states in types.items() if states}
    if facts.without_type:
        with_rules[_say("no_type", lang)] = facts.without_type
    console = _console()
    console.print(_table("kind", facts.kinds, lang))
    console.print(_table("official_type", with_rules, lang))
    count = len(facts.types_with_rules)
    typer.echo(_say("types", lang, count=count, of=len(facts.types)))


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="Folder of the national tables.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The pack to write.")],
    lang: Lang,
    title: Annotated[str, typer.Option(help="Title of the pack.")] = "",
    version: Annotated[str, typer.Option(help="Version of the pack.")] = "",
    valid_from: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="First day it holds.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace a pack that is there.")] = False,
    show_all: Annotated[bool, typer.Option("--all", help="Print every fault.")] = False,
) -> None:
    """Write a rules pack from the national tables. Exit status 1 when nothing was written."""
    from casemeter_rules.importing import ImportRefused, import_tables

    try:
        with _bar() as bar:
            bar.add_task(_say("importing", lang), total=None)
            report = import_tables(
                source, output, title=title, version=version, valid_from=valid_from, replace=replace
            )
    except ImportRefused as error:
        _print_some(list(error.faults), lang, show_all, err=True)
        typer.echo(error.zh if lang is Language.ZH else error.en, err=True)
        raise typer.Exit(1) from None
    _print_some(list(report.faults), lang, show_all)
    columns = ("read", "written", "shadow", "merged", "not_taken")
    table = Table(_say("file", lang), *(_say(column, lang) for column in columns), box=None)
    for each in report.files:
        table.add_row(each.file, *(str(getattr(each, column)) for column in columns))
    _console().print(table)
    typer.echo(_say("imported", lang, path=output, rules=report.rules))


def _rules_pack(name: str, language: Language) -> Path:
    """Return the folder of a rules pack; one without a header is taken for one, and its faults say so."""
    folder = find_pack(name)
    kind = kind_of(folder)
    if kind.name != KIND and (folder / kind.header).is_file():
        typer.echo(_say("not_rules", language, path=folder, kind=kind.name), err=True)
        raise typer.Exit(1)
    return folder


def _table(title: str, rows: Mapping[str, Mapping[RuleState, int]], language: Language) -> Table:
    table = Table(_say(title, language), box=None)
    for state in RuleState:
        table.add_column(_say(state, language), justify="right")
    for name, states in rows.items():
        table.add_row(name, *(str(states.get(state, 0)) for state in RuleState))
    sums = (sum(states.get(state, 0) for states in rows.values()) for state in RuleState)
    table.add_row(_say("total", language), *map(str, sums))
    return table


def _states(states: Mapping[RuleState, int]) -> dict[str, int]:
    return {state.value: states.get(state, 0) for state in RuleState}


def _print_some(faults: list[Fault], language: Language, show_all: bool, err: bool = False) -> None:
    shown = faults if show_all else faults[:_SHOWN]
    print_faults(shown, language, err)
    if len(shown) < len(faults):
        typer.echo(_say("more", language, count=len(faults) - len(shown)), err=err)


def _bar() -> Progress:
    """A bar on the error stream, where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False)


@cache
def _sentences() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files("casemeter_server.cli").joinpath("rules.toml").read_text("utf-8"))


def _say(key: str, language: Language, **values: object) -> str:
    return _sentences()[key][language].format(**values)
