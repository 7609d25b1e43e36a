"""Forecasts that are made up in tests: their odds are plain functions of what is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.kernel import SHOWN
from casemeter_grouper.forecast.known import Absent, Answer, Candidate, Interval, Known
from casemeter_grouper.forecast.model import Codes, Header
from casemeter_server.forecast_shelf import shelf_by_scheme
from casemeter_server.loaded_scheme import LoadedScheme
from casemeter_server.snapshot import Snapshot

Answering = Callable[[Known], Answer | Absent]


class MadeForecaster(Forecaster):
    """Answers by a function instead of a bundle.

    Attributes:
        asked: what it was asked, in order.
    """

    def __init__(
        self, header: Header, answering: Answering, sha256: str = "f" * 64, groups: Sequence[str] = ()
    ) -> None:
        self.header, self.sha256, self.most_in_set = header, sha256, SHOWN
        # Of its lists of codes only the groups are asked for.
        lists: dict[str, Any] = {own.name: [] for own in fields(Codes)}
        self.codes = Codes(**{**lists, "groups": sorted(groups)})
        self.asked: list[Known] = []
        self._answering = answering

    def ask(self, known: Known) -> Answer | Absent:
        """Answer, and remember what was asked."""
        self.asked.append(known)
        return self._answering(known)

    def ask_numbers(self, known: Known) -> NDArray[np.float64]:
        """Answer as the kernel does."""
        answer = self.ask(known)
        if isinstance(answer, Absent):
            return np.empty(0)
        numbers = np.zeros(9 + 2 * SHOWN)
        numbers[:3] = len(answer.candidates), answer.set_size, answer.cases
        numbers[3:9] = *(answer.cost_fen or (0.0, 0.0, 0.0)), *answer.los_days
        for at, (group, probability) in enumerate(answer.candidates):
            numbers[9 + at] = self.codes.groups.index(group) + 1
            numbers[9 + SHOWN + at] = probability
        return numbers


def header_of(scheme: str, scheme_sha256: str, **more: Any) -> Header:
    """Who a made-up forecast is."""
    made = Header("made_up_forecast", "Made up 虚构", "1", "", "", scheme, scheme_sha256, 0.9, True)
    return replace(made, **more)


def answer_of(known: Known, odds: dict[str, float], **more: Any) -> Answer:
    """An answer with these odds; the cost is three times as high at the end as it is now."""
    listed = sorted(odds.items(), key=lambda item: (-item[1], item[0]))[:10]
    cost, rest = known.cost_fen, 1.0
    for _, probability in listed:
        rest -= probability  # in this order, as a bundle does
    values: dict[str, Any] = {
        "candidates": tuple(Candidate(group, probability) for group, probability in listed),
        "elsewhere": max(0.0, rest),
        "set_size": min(3, len(listed)),
        "cost_fen": None if cost is None else Interval(2.0 * cost, 3.0 * cost, 5.0 * cost),
        "los_days": Interval(float(known.day), known.day + 3.0, known.day + 9.0),
        "cases": 1234,
    }
    return Answer(**{**values, **more})


def with_forecast(
    snapshot: Snapshot, of: str, answering: Answering, /, *, sha256: str = "f" * 64, **more: Any
) -> tuple[Snapshot, MadeForecaster]:
    """A snapshot that also holds a made-up forecast for one of its schemes, and that forecast."""
    (loaded, *_) = snapshot.schemes.packs[of]
    groups = (
        {leaf.group for leaf in loaded.scheme.leaves if leaf} if isinstance(loaded, LoadedScheme) else set()
    )
    header = header_of(**{"scheme": of, "scheme_sha256": loaded.ref.bundle_sha256, **more})
    made = MadeForecaster(header, answering, sha256, sorted(groups))
    kept = [one for one in snapshot.forecasts if one.header.scheme != of]
    return replace(snapshot, forecasts=shelf_by_scheme([*kept, made])), made
