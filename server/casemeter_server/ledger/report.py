"""The report of the ledger, as Markdown, in either language."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from casemeter_server.ledger.tally import BANDS, LAST_DAY, Causes, CauseTally, DayTally, Share, Tally

_NONE = "–"


def lines(
    tally: Tally, language: str, period: tuple[str, str] | None = None, *, examples: bool = False
) -> Iterator[str]:
    """Yield the lines of a report.

    Args:
        tally: what is reported.
        language: ``en`` or ``zh``.
        period: first and last day; ``None``: all.
        examples: whether stays are named.
    """
    say = _Said(language)
    yield say("title")
    yield ""
    yield say("period", since=period[0], until=period[1]) if period else say("open_period")
    yield from _counts(tally, say)
    yield from _by_day(tally, say)
    yield from _calibration(tally, say)
    yield from _causes(tally, say, examples=examples)
    yield from _settling(tally, say, examples=examples)


def name_of(causes: Causes, language: str) -> str:
    """Return the name of a combination of causes."""
    return " + ".join(texts()["cause"][cause][language] for cause in causes)


@cache
def texts() -> Mapping[str, Any]:
    """Return what the report and its picture say."""
    return tomllib.loads(
        resources.files("casemeter_server.ledger").joinpath("report.toml").read_text("utf-8")
    )


class _Said:
    """What a report says in one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        text: str = texts()[key][self.language]
        return text.format(**values)

    def head(self, key: str, *more: str) -> Iterator[str]:
        titles = [*texts()[key][self.language], *more]
        yield ""
        yield _row(titles)
        yield _row(["---", *["---:"] * (len(titles) - 1 - len(more)), *["---"] * len(more)])


def _counts(tally: Tally, say: _Said) -> Iterator[str]:
    held = tally.stays - tally.waiting
    yield from ("", say("counts"))
    yield from say.head("counts_head")
    rows = (
        ("kept", tally.stays, tally.days),
        ("coded", tally.coded, None),
        ("settled", tally.settled, None),
        ("held", held, tally.days - tally.waiting_days),
        ("waiting", tally.waiting, tally.waiting_days),
    )
    for key, stays, days in rows:
        yield _row([say(key), f"{stays:,}", "" if days is None else f"{days:,}"])


def _by_day(tally: Tally, say: _Said) -> Iterator[str]:
    yield from ("", say("by_day"), "", say("by_day_note"))
    yield from say.head("by_day_head")
    for day, of_day in sorted(tally.by_day.items()):
        yield _day_row(f"{day}+" if day == LAST_DAY else str(day), of_day)
    yield _day_row(say("all"), tally.whole)


def _day_row(name: str, tally: DayTally) -> str:
    size = tally.mean_size
    return _row(
        [
            name,
            f"{tally.days:,}",
            *(_percent(share) for share in (tally.recorded, tally.top, tally.coder, tally.in_set)),
            _percent(Share(tally.days, tally.abstained)),
            _NONE if size is None else f"{size:.2f}",
        ]
    )


def _calibration(tally: Tally, say: _Said) -> Iterator[str]:
    yield from ("", say("calibration"))
    yield from say.head("calibration_head")
    for at, band in enumerate(tally.bands):
        if band.was.of:
            bounds = f"{BANDS[at]:.0%} – {BANDS[at + 1]:.0%}"
            yield _row([bounds, f"{band.was.of:,}", f"{band.said / band.was.of:.1%}", _percent(band.was)])
    if tally.levels:
        levels = ", ".join(f"{level:.0%}" for level in sorted(tally.levels))
        cost, length = (
            say("share", share=_percent(share), of=share.of) if share.of else say("nothing")
            for share in (tally.cost, tally.length)
        )
        yield from ("", say("intervals", levels=levels, cost=cost, length=length))


def _causes(tally: Tally, say: _Said, *, examples: bool) -> Iterator[str]:
    yield from ("", say("causes"), "", say("causes_note"))
    yield from say.head("causes_head", *([say("examples")] if examples else []))
    total = sum(one.days for one in tally.causes.values())
    for causes, one in ordered(tally.causes):
        row = [name_of(causes, say.language), f"{one.days:,}", f"{one.stays:,}", f"{one.days / total:.1%}"]
        yield _row([*row, _named(one)] if examples else row)
    yield from _unexplained(tally.whys, say)


def _settling(tally: Tally, say: _Said, *, examples: bool) -> Iterator[str]:
    differing = sum(one.stays for one in tally.settling.values())
    both = differing + tally.agreed
    if not both:
        return
    yield from ("", say("settling"), "", say("settling_note", both=both, agreed=tally.agreed))
    if not differing:
        return
    yield from say.head("settling_head", *([say("examples")] if examples else []))
    for causes, one in ordered(tally.settling):
        row = [name_of(causes, say.language), f"{one.stays:,}", f"{one.stays / differing:.1%}"]
        yield _row([*row, _named(one)] if examples else row)
    yield from _unexplained(tally.settling_whys, say)


def ordered(causes: Mapping[Causes, CauseTally]) -> list[tuple[Causes, CauseTally]]:
    """Return causes by how many days have them, the most first; of equal ones, by name."""
    return sorted(causes.items(), key=lambda entry: (-entry[1].days, entry[0]))


def _unexplained(whys: Counter[str], say: _Said) -> Iterator[str]:
    if whys:
        told = [
            f"{texts()['why'][why][say.language]} {count:,}"
            for why, count in sorted(whys.items(), key=lambda entry: (-entry[1], entry[0]))
        ]
        yield from ("", say("whys", list="; ".join(told)))


def _named(tally: CauseTally) -> str:
    return ", ".join(
        f"{hospital}/{encounter}" if hospital else encounter for hospital, encounter in tally.first
    )


def _percent(share: Share) -> str:
    found = share.share
    return _NONE if found is None else f"{found:.1%}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
