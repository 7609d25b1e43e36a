"""``casemeter pack``: checking, building, reading, comparing and folding packs."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from casemeter_grouper.compiled.bundle import BundleError
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.diff import CatalogueDiff
from casemeter_grouper.dip.diff import diff as diff_catalogues
from casemeter_grouper.dip.info import info as catalogue_info_of
from casemeter_grouper.dip.load import LoadedCatalogue
from casemeter_grouper.pack import fold as folding
from casemeter_grouper.pack.build import build as build_bundle
from casemeter_grouper.pack.diff import SchemeDiff
from casemeter_grouper.pack.diff import diff as diff_schemes
from casemeter_grouper.pack.diff_text import diff_lines
from casemeter_grouper.pack.faults import ERROR, Fault, PackError
from casemeter_grouper.pack.info import info as info_of
from casemeter_grouper.pack.kinds import check_pack
from casemeter_grouper.pack.load import LoadedPack
from casemeter_grouper.pack.pin import pin_pack
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.pack.sources import open_source, scheme_folder
from casemeter_grouper.pack.words import SaidError
from casemeter_grouper.scheme import Scheme
from casemeter_server.cli.language import Lang, Language
from casemeter_server.cli.progress import progress_shown

app = typer.Typer(no_args_is_help=True, help="Check, build, read, compare and fold packs.")

CATALOGUES = (LoadedCatalogue, CompiledCatalogue)
"""What is opened of a DIP catalogue."""

_STYLES = {"error": "bold red", "warning": "yellow"}

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Pack = Annotated[str, typer.Argument(metavar="DIR", help="Folder of a pack, or the name of a shipped one.")]
Source = Annotated[str, typer.Argument(help="Folder of a pack, name of a shipped one, or a bundle file.")]
NewFolder = Annotated[Path, typer.Argument(metavar="DST", help="Folder to write; it must not exist yet.")]


@app.command()
def check(pack: Pack, lang: Lang, as_json: AsJson = False) -> None:
    """Report everything that is wrong with a pack. Exit status 1 when it has errors."""
    with telling(lang):
        folder = find_pack(pack)
        faults = check_pack(folder)
    errors = sum(fault.severity == ERROR for fault in faults)
    warnings = len(faults) - errors
    if as_json:
        print_json({"errors": errors, "warnings": warnings, "faults": [fault_json(f, lang) for f in faults]})
    else:
        print_faults(faults, lang)
        summary = _say("checked", lang, path=folder, errors=errors, warnings=warnings)
        typer.echo(f"{summary}: {_say('no_build' if errors else 'builds', lang)}")
    raise typer.Exit(1 if errors else 0)


@app.command()
def build(
    pack: Pack,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The bundle to write.")],
    lang: Lang,
) -> None:
    """Compile a pack into a bundle."""
    with telling(lang):
        folder = find_pack(pack)
        try:
            with progress_shown():
                report = build_bundle(folder, output)
        except OSError as error:
            typer.echo(_say("not_written", lang, path=output, reason=error.strerror or error), err=True)
            raise typer.Exit(1) from None
    typer.echo(_say("built", lang, path=report.target, size=report.size_bytes, sha256=report.sha256))
    if report.faults:
        typer.echo(_say("warned", lang, warnings=len(report.faults)))


@app.command()
def info(source: Source, lang: Lang, as_json: AsJson = False) -> None:
    """Print the facts about a pack or a bundle."""
    with telling(lang):
        opened = open_source(source)
        facts = catalogue_info_of(opened) if isinstance(opened, CATALOGUES) else info_of(opened)
    if as_json:
        print_json(facts.to_dict())
    else:
        typer.echo("\n".join(facts.lines(lang)))


@app.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="Pack or bundle before.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Pack or bundle after.")],
    lang: Lang,
    as_json: AsJson = False,
    show_all: Annotated[bool, typer.Option("--all", help="Print every line of every part.")] = False,
) -> None:
    """Print what differs between two packs or bundles."""
    with telling(lang):
        before, after = open_source(first), open_source(second)
        found: SchemeDiff | CatalogueDiff
        if isinstance(before, CATALOGUES) and isinstance(after, CATALOGUES):
            found = diff_catalogues(before.catalogue, after.catalogue)
        elif isinstance(before, CATALOGUES) or isinstance(after, CATALOGUES):
            raise SaidError("not_comparable", first=first, second=second)
        else:
            found = diff_schemes(_scheme(before), _scheme(after))
    if as_json:
        print_json(found.to_dict())
        return
    names: dict[str, str] = {}
    for side in (before, after):
        for part in _code_names(side):
            names |= part
    for line in diff_lines(found, names, lang, limit=None if show_all else 20):
        typer.echo(line)


@app.command()
def fold(pack: Pack, target: NewFolder, lang: Lang) -> None:
    """Write a pack anew with its codes as prefixes and exceptions."""
    with telling(lang):
        _print_fold(folding.fold_pack(scheme_folder(pack), target), lang)


@app.command()
def unfold(pack: Pack, target: NewFolder, lang: Lang) -> None:
    """Write a pack anew with one code on each row."""
    with telling(lang):
        _print_fold(folding.unfold_pack(scheme_folder(pack), target), lang)


@app.command()
def pin(pack: Pack, lang: Lang) -> None:
    """Accept the dictionary that is here as the one a pack's prefixes are read against."""
    with telling(lang):
        folder = scheme_folder(pack)
        sha256 = pin_pack(folder)
    typer.echo(_say("pinned", lang, path=folder, sha256=sha256))


@cache
def _sentences() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files("casemeter_server.cli").joinpath("pack.toml").read_text("utf-8"))


def _say(key: str, language: Language, **values: object) -> str:
    return _sentences()[key][language].format(**values)


@contextmanager
def telling(language: Language) -> Iterator[None]:
    """Turn an expected error into its text and exit status 1."""
    try:
        yield
    except PackError as error:
        print_faults([fault for fault in error.faults if fault.severity == ERROR], language, err=True)
        raise typer.Exit(1) from None
    except SaidError as error:
        typer.echo(error.text(language), err=True)
        raise typer.Exit(1) from None
    except BundleError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def print_faults(faults: Sequence[Fault], language: Language, err: bool = False) -> None:
    """Print faults, one on a line."""
    console = Console(stderr=err, soft_wrap=True, highlight=False)
    for fault in faults:
        line = Text(fault.line(language))
        start = len(fault.place) + 2
        line.stylize(_STYLES[fault.severity], start, start + len(fault.severity))
        console.print(line)


def fault_json(fault: Fault, language: Language) -> dict[str, object]:
    """Return a fault as JSON values."""
    return {
        "kind": fault.kind,
        "severity": fault.severity,
        "file": fault.file,
        "row": fault.row,
        "column": fault.column,
        "problem": fault.problem(language),
        "mend": fault.mend(language),
    }


def print_json(value: object) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _print_fold(report: folding.FoldReport, language: Language) -> None:
    for file, (before, after) in report.rows.items():
        typer.echo(_say("rewritten", language, file=file, before=before, after=after))
    typer.echo(_say("written", language, path=report.target))


def _scheme(source: LoadedPack | CompiledScheme) -> Scheme | CompiledScheme:
    return source if isinstance(source, CompiledScheme) else source.scheme


def _code_names(
    side: LoadedPack | LoadedCatalogue | CompiledScheme | CompiledCatalogue,
) -> tuple[dict[str, str], ...]:
    if isinstance(side, CompiledScheme):
        return tuple(
            {code: codes.name(code) for code in codes.number} for codes in (side.diagnoses, side.procedures)
        )
    read = side.catalogue if isinstance(side, CATALOGUES) else side.scheme
    return tuple(dict(names) for names in read.code_names)
