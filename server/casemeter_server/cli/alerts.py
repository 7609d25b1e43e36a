"""``casemeter alerts``: how precise rules are by the answers to their alerts, and which go to shadow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from casemeter_rules.alerting.answers import AnswerLine, AnswersError, BadLine, answer_lines, read_answers
from casemeter_rules.alerting.policy import Policy
from casemeter_rules.alerting.precision import RulePrecision, precision_of
from casemeter_rules.alerting.settings import AlertSettingsError, read_policy
from casemeter_rules.alerting.shadow import HandError, TooManyRules, build_shadow
from casemeter_server.cli.language import Lang
from casemeter_server.cli.setup import ConfigFile, notes, teaching
from casemeter_server.cli.store import Url, store_url
from casemeter_server.config import read_config
from casemeter_server.store.store import Reading, Store

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
_ONE: Final = "name a file of answers, or a store with --store or --config; one of them"

T = TypeVar("T")

Settings = Annotated[
    Path | None, typer.Option("--settings", "-s", help="Alert settings (TOML); see docs/alerting.md.")
]
Answers = typer.Argument(
    metavar="ANSWERS", help="Answers to alerts: JSON lines or CSV; see docs/alerting.md."
)


@app.command()
def precision(
    answers: Annotated[Path | None, Answers] = None,
    store: Url = "",
    config: ConfigFile = None,
    settings: Settings = None,
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Show the precision of every rule that was answered, with its interval."""
    bad: list[BadLine] = []
    with teaching():
        policy = _policy(settings, config)
        if not answers and not store and not config:
            raise ValueError(_ONE)
        found = _with_answers(
            answers, store, config, policy, bad, lambda lines: precision_of(lines, policy.reasons)
        )
    table = Table(*_HEADINGS[lang], box=None, pad_edge=False)
    for rule in found.values():
        table.add_row(*_row(rule))
    Console(highlight=False, soft_wrap=True).print(table)
    _note_bad(list(map(str, bad)), lang)


@app.command()
def shadow(
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle to write.")],
    answers: Annotated[Path | None, typer.Option("--answers", "-a", help="Answers to alerts.")] = None,
    store: Url = "",
    config: ConfigFile = None,
    hand: Annotated[
        Path | None, typer.Option("--hand", help="States set by hand (TOML); they come before learned ones.")
    ] = None,
    settings: Settings = None,
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Build the list of rules that are in shadow or off; a server takes it as one of its packs."""
    bad: list[BadLine] = []
    with teaching():
        policy = _policy(settings, config)
        try:
            built = _with_answers(
                answers, store, config, policy, bad, lambda lines: build_shadow(output, lines, hand, policy)
            )
        except (HandError, TooManyRules) as error:
            raise ValueError(f"{error}") from None
    typer.echo(_MADE[lang].format(path=output, count=len(built.entries), sha256=built.sha256))
    for entry in built.entries:
        typer.echo(f"{entry.valid_from} {entry.state} {entry.rule} ({entry.source})")
    _note_bad(list(map(str, bad)), lang)


def _policy(settings: Path | None, config: Path | None) -> Policy:
    """Return the settings of a file, or those of the configuration, or those that come with the product."""
    try:
        if settings:
            return read_policy(settings)
    except AlertSettingsError as error:
        raise ValueError(f"{error}") from None
    return read_config(config).alerts if config else Policy()


def _with_answers(
    file: Path | None,
    store: str,
    config: Path | None,
    policy: Policy,
    bad: list[BadLine],
    work: Callable[[Iterable[AnswerLine]], T],
) -> T:
    """Do something with the answers of a file or of a store; with none, if neither is named."""
    if file and (store or config):
        raise ValueError(_ONE)
    try:
        if file:
            return work(read_answers(file, bad.append, policy.reasons))
        if not store and not config:
            return work(())
        opened = Store.open(store_url(store, config), make=False)
        try:
            return opened.read_now(lambda reading: work(_stored(reading, opened.shown, policy, bad)))
        finally:
            opened.close()
    except AnswersError as error:
        raise ValueError(f"{error}") from None


def _stored(reading: Reading, source: str, policy: Policy, bad: list[BadLine]) -> Iterable[AnswerLine]:
    """Yield the answers of a store, as those of a file."""
    values = ({**row._asdict(), "at": row.at.isoformat()} for row in reading.answers())
    return answer_lines(source, enumerate(values, 1), bad.append, policy.reasons)


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
