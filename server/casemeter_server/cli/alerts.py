"""``casemeter alerts``: how precise rules are by the answers to their alerts, and which go to shadow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from casemeter_rules.alerting.answers import AnswersError
from casemeter_rules.alerting.policy import Policy
from casemeter_rules.alerting.precision import RulePrecision, read_precision
from casemeter_rules.alerting.settings import AlertSettingsError, read_policy
from casemeter_rules.alerting.shadow import HandError, TooManyRules, build_shadow
from casemeter_server.cli.language import Lang
from casemeter_server.cli.setup import notes, teaching

app = typer.Typer(no_args_is_help=True, help="Read the answers to alerts; put rules in shadow.")

_HEADINGS: Final = {
    "en": ("rule", "precision", "95 % interval", "useful", "not useful", "excused", "ignored"),
    "zh": ("规则", "精确率", "95% 区间", "有用", "无用", "情有可原", "未答复"),
}
_MADE: Final = {
    "en": "{path}: {count} entries, sha256 {sha256}",
    "zh": "{path}：{count} 条，sha256 {sha256}",
}
_LEFT_OUT: Final = {"en": "{count} lines were not counted", "zh": "{count} 行未计入"}
_SHOWN_BAD: Final = 20

Settings = Annotated[
    Path | None, typer.Option("--settings", "-s", help="Alert settings (TOML); see docs/alerting.md.")
]
Answers = typer.Argument(
    metavar="ANSWERS", help="Answers to alerts: JSON lines or CSV; see docs/alerting.md."
)


@app.command()
def precision(
    answers: Annotated[Path, Answers],
    settings: Settings = None,
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Show the precision of every rule that was answered, with its interval."""
    with teaching():
        policy = _policy(settings)
        try:
            found, bad = read_precision(answers, policy.reasons)
        except AnswersError as error:
            raise ValueError(f"{error}") from None
    table = Table(*_HEADINGS[lang], box=None, pad_edge=False)
    for rule in found.values():
        table.add_row(*_row(rule))
    Console(highlight=False, soft_wrap=True).print(table)
    _note_bad(list(map(str, bad)), lang)


@app.command()
def shadow(
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle to write.")],
    answers: Annotated[Path | None, typer.Option("--answers", "-a", help="Answers to alerts.")] = None,
    hand: Annotated[
        Path | None, typer.Option("--hand", help="States set by hand (TOML); they come before learned ones.")
    ] = None,
    settings: Settings = None,
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Build the list of rules that are in shadow or off; a server takes it as one of its packs."""
    with teaching():
        try:
            built = build_shadow(output, answers, hand, _policy(settings))
        except (AnswersError, HandError, TooManyRules) as error:
            raise ValueError(f"{error}") from None
    typer.echo(_MADE[lang].format(path=output, count=len(built.entries), sha256=built.sha256))
    for entry in built.entries:
        typer.echo(f"{entry.valid_from} {entry.state} {entry.rule} ({entry.source})")
    _note_bad(list(map(str, built.bad)), lang)


def _policy(settings: Path | None) -> Policy:
    try:
        return read_policy(settings) if settings else Policy()
    except AlertSettingsError as error:
        raise ValueError(f"{error}") from None


def _row(rule: RulePrecision) -> tuple[str, ...]:
    precision, interval = rule.precision, rule.interval
    counts = (rule.useful, rule.useless, rule.excused, rule.ignored)
    return (
        rule.rule,
        "–" if precision is None else f"{precision:.2f}",
        "–" if interval is None else f"{interval.low:.2f}–{interval.high:.2f}",
        *map(str, counts),
    )


def _note_bad(bad: list[str], language: str) -> None:
    if not bad:
        return
    notes.print(_LEFT_OUT[language].format(count=len(bad)), style="yellow", markup=False)
    for line in bad[:_SHOWN_BAD]:
        notes.print(f"  {line}", style="yellow", markup=False)
