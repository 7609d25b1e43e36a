"""``casemeter benchmark``: what groups cost, measured by settled stays, and looking at it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from casemeter_grouper.benchmark.benchmark import Benchmark, GroupBenchmark
from casemeter_grouper.benchmark.categories import categories
from casemeter_grouper.benchmark.header import KIND
from casemeter_grouper.benchmark.load import OWN, read_benchmark
from casemeter_grouper.benchmark.spread import PERCENTS
from casemeter_grouper.pack.faults import nearest
from casemeter_grouper.pack.header_keys import is_id
from casemeter_grouper.pack.kinds import kind_of
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.cli.language import Lang, Language
from casemeter_server.cli.progress import progress_shown
from casemeter_server.cli.setup import bundles, configuration, notes, teaching

if TYPE_CHECKING:
    from casemeter_grouper.benchmark.fitting.figures import Dropped
    from casemeter_grouper.benchmark.fitting.history import FittedHistory

app = typer.Typer(no_args_is_help=True, help="Measure what groups cost by settled stays; look at it.")

_YEARS = re.compile(r"(\d{4})(?:-(\d{4}))?\Z", re.ASCII)
_FEN = 100


@app.command()
def fit(
    history: Annotated[
        list[Path], typer.Argument(metavar="HISTORY...", help="Folders of histories; Parquet or CSV files.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder that is not there yet.")
    ],
    lang: Lang,
    pack: Annotated[
        str, typer.Option("--pack", "-p", help="Pack folder, shipped pack or bundle; a DIP catalogue, too.")
    ] = "chs_drg_11",
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="How to measure; see docs/benchmark.md.")
    ] = None,
    pack_id: Annotated[
        str, typer.Option("--id", help="Id of the new pack. [default: benchmark_ and the pack's id]")
    ] = "",
    years: Annotated[
        str, typer.Option(help="Years of discharge, as 2026 or 2024-2026. [default: the last ones]")
    ] = "",
    regroup: Annotated[
        bool, typer.Option("--regroup", help="Group by the codes even where the settled group is given.")
    ] = False,
    clinical_diagnoses: Annotated[
        bool, typer.Option(help="The diagnoses are written in the clinical edition.")
    ] = False,
    clinical_procedures: Annotated[
        bool, typer.Option(help="The procedures are written in the clinical edition.")
    ] = False,
) -> None:
    """Measure the groups of a pack by settled stays, and write a benchmark pack."""
    # Loaded here: polars is needed by no other command of this module.
    from casemeter_grouper.benchmark.fitting.history import fit_history
    from casemeter_grouper.benchmark.fitting.policy import read_policy
    from casemeter_grouper.benchmark.fitting.write import Label, write_pack
    from casemeter_grouper.compiled.scheme import CompiledScheme
    from casemeter_grouper.dip.grouping import CatalogueGrouper
    from casemeter_grouper.grouping import Grouper
    from casemeter_grouper.history.settled import Choices, HistoryError, PackGrouping
    from casemeter_grouper.pack.sources import open_compiled

    with teaching():
        _check(output, pack_id, lang)
        measured_by, text = read_policy(policy)
        asked = _years(years, lang)
        (bundle,) = bundles(configuration(None, [pack]))
        opened = open_compiled(bundle)
        grouping = PackGrouping(
            Grouper(opened) if isinstance(opened, CompiledScheme) else CatalogueGrouper(opened)
        )
        choices = Choices(
            settled_groups=not regroup,
            clinical_diagnoses=clinical_diagnoses,
            clinical_procedures=clinical_procedures,
        )
        with progress_shown():
            try:
                found = fit_history(history, grouping, measured_by, asked, choices)
            except HistoryError as error:
                raise ValueError(str(error)) from None
        label = Label(pack_id or f"benchmark_{grouping.pack_id}"[:64], grouping.pack_id, found.made_up)
        write_pack(output, found.fitted, label, text, found.dropped)
    _summary(found, output, lang)


@app.command()
def show(
    pack: Annotated[str, typer.Argument(metavar="DIR", help="Folder of a benchmark, or a shipped one.")],
    group: Annotated[str, typer.Argument(help="Code of the group.")],
    lang: Lang,
    picture: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it, too, as an SVG.")] = None,
) -> None:
    """Show what a benchmark knows of one group."""
    from casemeter_server.benchmark_picture import draw

    with teaching():
        folder = find_pack(pack)
        kind = kind_of(folder).name
        if kind != KIND:
            raise ValueError(_say("not_a_benchmark", lang, path=folder, kind=kind))
        benchmark = read_benchmark(folder)
        found = benchmark.group(group)
        if found is None:
            near = nearest(group, (one.code for one in benchmark))
            raise ValueError(_say("no_group", lang, group=group, near=near))
        typer.echo("\n".join(_lines(benchmark, found, lang)))
        if picture is not None:
            title = "\n".join(_title(benchmark, found, lang))
            words = {key: _say(key, lang) for key in _sentences()}
            system = benchmark.header.category_system
            draw(found, categories(system) if system else {}, title, words, lang, picture)
            typer.echo(_say("drawn", lang, path=picture))


def _check(output: Path, pack_id: str, language: Language) -> None:
    """See that what was asked for can be written, before anything is read."""
    faults = []
    if output.exists():
        faults.append(_say("there", language, path=output))
    if pack_id and not is_id(pack_id):
        faults.append(_say("bad_id", language, id=pack_id))
    if faults:
        raise ValueError("\n".join(faults))


def _years(text: str, language: Language) -> tuple[int, int] | None:
    if not text:
        return None
    found = _YEARS.match(text)
    if found is None:
        raise ValueError(_say("bad_years", language, years=text))
    return int(found[1]), int(found[2] or found[1])


def _summary(found: FittedHistory, output: Path, language: Language) -> None:
    fitted = found.fitted
    years = ", ".join(
        _say("year", language, year=year, weight=weight) for year, weight in sorted(fitted.weights.items())
    )
    notes.print(_say("read", language, rows=found.pages.rows, kept=found.pages.kept, years=years))
    if found.dropped:
        notes.print(_table(found.dropped, language))
    else:
        notes.print(_say("none_dropped", language))
    if not found.has_days:
        notes.print(_say("no_charges", language))
    own = sum(one.basis == OWN for one in fitted.measured)
    done = {"own": own, "adrg": len(fitted.measured) - own, "few": len(fitted.unmeasured)}
    typer.echo(_say("done", language, path=output, **done))


def _table(dropped: Iterable[Dropped], language: Language) -> Table:
    from casemeter_grouper.history.reading.drops import reasons as of_reader

    own = tomllib.loads(
        resources.files("casemeter_grouper.benchmark.fitting").joinpath("reasons.toml").read_text("utf-8")
    )
    known = {**of_reader(), **own}
    table = Table(title=_say("dropped", language), title_justify="left")
    table.add_column(_say("count", language), justify="right")
    table.add_column(_say("why", language))
    table.add_column(_say("example", language))
    for one in dropped:
        table.add_row(f"{one.count:,}", known[one.reason][language], one.example)
    return table


def _title(benchmark: Benchmark, group: GroupBenchmark, language: Language) -> list[str]:
    """Say what is shown, and on a line of its own that the figures are invented where they are."""
    words = [f"{group.code} ({benchmark.header.id}, {benchmark.header.period})"]
    if group.cases is not None:
        words.append(_say("cases", language, cases=group.cases))
    if group.basis:
        words.append(_say(f"basis_{group.basis}", language))
    invented = [_say("invented", language)] if benchmark.header.demonstration else []
    return [", ".join(words), *invented]


def _lines(benchmark: Benchmark, group: GroupBenchmark, language: Language) -> Iterable[str]:
    def say(key: str) -> str:
        return _say(key, language)

    yield from _title(benchmark, group, language)
    median = {} if group.median_cost_fen is None else {50: group.median_cost_fen}
    costs = _spread({**group.cost_quantiles_fen, **median}, _yuan, language)
    cv = "" if group.cv is None else f", {say('cv')} {group.cv:.2f}"
    yield f"  {say('cost')}: {say('mean')} {_yuan(group.mean_cost_fen)}{cv}{costs}"
    if group.mean_los_days is not None:
        days = _spread(group.los_quantiles, "{:g}".format, language)
        yield f"  {say('los')}: {say('mean')} {group.mean_los_days:.1f}{days}"
    names = categories(benchmark.header.category_system) if group.structure else {}
    if names:
        yield f"  {say('structure')}:"
    for code, share in sorted(group.structure.items(), key=lambda item: -item[1]):
        name = names[code].name_zh if language is Language.ZH else names[code].name_en
        yield f"    {share:6.1%}  {name}"
    if group.cost_by_day:
        yield f"  {say('by_day')}:"
        curves = {say("mean"): group.cost_by_day} | {
            say("median") if percent == 50 else f"{percent} %": days
            for percent, days in group.cost_by_day_quantiles.items()
        }
        yield "    ".join(("       ", *(f"{name:>12}" for name in curves)))
        for day, of_day in enumerate(zip(*curves.values(), strict=True), 1):
            yield "    ".join((f"    {day:3}", *(f"{_yuan(fen):>12}" for fen in of_day)))


def _spread(values: Mapping[int, Any], write: Callable[[Any], str], language: Language) -> str:
    """Write quantiles behind a mean, nothing where none is known."""
    named = (
        f"{_say('median', language) if percent == 50 else f'{percent} %'} {write(values[percent])}"
        for percent in PERCENTS
        if percent in values
    )
    return "".join(f", {one}" for one in named)


def _yuan(fen: Fraction | int) -> str:
    return f"¥{float(fen) / _FEN:,.2f}"


@cache
def _sentences() -> dict[str, dict[str, str]]:
    text = resources.files("casemeter_server.cli").joinpath("benchmark.toml").read_text("utf-8")
    return tomllib.loads(text)


def _say(key: str, language: Language, **values: object) -> str:
    sentence = _sentences()[key][language]
    return sentence.format(**values) if values else sentence
