"""Forecast bundles that are made up in tests: their odds are plain functions of what is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from casemeter_grouper.forecast.known import Absent, Answer, Candidate, Interval, Known
from casemeter_server.forecasters import Forecaster
from casemeter_server.snapshot import Snapshot


@dataclass(frozen=True)
class MadeHeader:
    """Who a made-up bundle is."""

    scheme: str
    scheme_sha256: str
    id: str = "made_up_forecast"
    title: str = "Made up 虚构"
    version: str = "1"
    valid_from: str = ""
    valid_until: str = ""
    level: float = 0.9
    demonstration: bool = True


@dataclass(frozen=True)
class MadeForecaster:
    """Answers by a function."""

    header: MadeHeader
    answer: Callable[[Known], Answer | Absent]
    sha256: str = "f" * 64
    asked: list[Known] = field(default_factory=list)

    def ask(self, known: Known) -> Answer | Absent:
        """Answer, and remember what was asked."""
        self.asked.append(known)
        return self.answer(known)


def answer_of(known: Known, odds: dict[str, float], **more: Any) -> Answer:
    """An answer with these odds; the cost is three times as high at the end as it is now."""
    listed = sorted(odds.items(), key=lambda item: (-item[1], item[0]))[:10]
    cost = known.cost_fen
    values: dict[str, Any] = {
        "candidates": tuple(Candidate(group, probability) for group, probability in listed),
        "elsewhere": 1 - sum(probability for _, probability in listed),
        "set_size": min(3, len(listed)),
        "cost_fen": None if cost is None else Interval(2.0 * cost, 3.0 * cost, 5.0 * cost),
        "los_days": Interval(float(known.day), known.day + 3.0, known.day + 9.0),
        "cases": 1234,
    }
    return Answer(**{**values, **more})


def with_forecast(
    snapshot: Snapshot, scheme: str, answer: Callable[[Known], Answer | Absent], **more: Any
) -> tuple[Snapshot, MadeForecaster]:
    """A snapshot that also holds a made-up forecast for one of its schemes, and that forecast."""
    (loaded, *_) = snapshot.schemes.packs[scheme]
    of_bundle = {name: more.pop(name) for name in ("sha256",) if name in more}
    header = replace(MadeHeader(scheme, loaded.ref.bundle_sha256), **more)
    made = MadeForecaster(header, answer, **of_bundle)
    held: Forecaster = made
    shelf = {name: versions for name, versions in snapshot.forecasts.packs.items() if name != scheme}
    return replace(snapshot, forecasts=type(snapshot.forecasts)({**shelf, scheme: (held,)})), made
