"""Fitting a benchmark from the files of a history.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from casemeter_grouper.benchmark.fitting.figures import Dropped, Fitted
from casemeter_grouper.benchmark.fitting.fit import Groups, fit
from casemeter_grouper.benchmark.fitting.policy import Policy
from casemeter_grouper.history.reading.drops import Drops
from casemeter_grouper.history.settled import (
    Choices,
    HistoryError,
    PackGrouping,
    SettledChunk,
    SettledHistory,
    open_settled,
)
from casemeter_grouper.history.settled_days import BesidePages, DayChunk, read_days
from casemeter_grouper.pack.progress import advance

READING, CHARGES = "reading stays", "adding charges"
"""What is being done, as watchers are told."""

_ABOUT = "history.json"


class FittedHistory(NamedTuple):
    """What was found in a history.

    Attributes:
        fitted: the figures.
        pages: what became of the rows of front pages.
        dropped: what was not used, by the reader too.
        has_days: whether the history has charges by day.
        made_up: the history says that it is invented.
    """

    fitted: Fitted
    pages: Drops
    dropped: tuple[Dropped, ...]
    has_days: bool
    made_up: bool


def fit_history(
    paths: Sequence[Path],
    pack: PackGrouping,
    policy: Policy,
    years: tuple[int, int] | None = None,
    choices: Choices | None = None,
) -> FittedHistory:
    """Measure the groups of a pack by the stays of a history.

    Whoever watches (:mod:`casemeter_grouper.pack.progress`) is told how far it has come.

    Args:
        paths: folders of histories, and files of them.
        pack: groups the stays.
        policy: how to measure.
        years: first and last calendar year of discharge; see :func:`~.fit.fit`.
        choices: how the files are to be read.

    Raises:
        HistoryError: some file cannot be read; all faults of all files.
        NothingToFitError: no stay can be measured.
        ValueError: the years do not fit the policy.
    """
    pages = open_settled(paths, pack, choices)
    charges = _charges(paths, pages)
    counted = _Counted(pages, charges)
    groups = Groups(pack.groups, pack.adrgs, pack.adrg_of)
    fitted = fit(counted.stays(), counted.charges() if charges else None, groups, policy, years)
    dropped = _dropped(pages.drops) + (_dropped(charges.drops) if charges else ())
    return FittedHistory(
        fitted, pages.drops, (*dropped, *fitted.dropped), charges is not None, is_made_up(paths)
    )


def is_made_up(paths: Sequence[Path]) -> bool:
    """Whether one of the histories, or of those that the files lie in, says that it is invented."""
    for path in paths:
        about = (path if path.is_dir() else path.parent) / _ABOUT
        try:
            told = json.loads(about.read_text("utf-8"))
        except (OSError, ValueError):
            continue  # a hospital's own files have none
        if isinstance(told, dict) and told.get("made_up"):
            return True
    return False


def _charges(paths: Sequence[Path], pages: SettledHistory) -> BesidePages[DayChunk] | None:
    try:
        return read_days(paths, with_hospital=pages.with_hospital)
    except HistoryError as error:
        if all(fault.kind == "no_files" for fault in error.faults):
            return None
        raise


class _Counted:
    """The chunks of a history, told to whoever watches."""

    def __init__(self, pages: SettledHistory, charges: BesidePages[DayChunk] | None) -> None:
        self._pages, self._charges = pages, charges
        self._days = 0

    def stays(self) -> Iterator[SettledChunk]:
        for chunk in self._pages.chunks(_teller(READING, lambda: self._pages.rows)):
            self._days += int(chunk.los_days.sum())
            yield chunk

    def charges(self) -> Iterator[DayChunk]:
        if self._charges is not None:
            # Most histories have one row for each day of each stay; how many there are is not known before.
            yield from self._charges.chunks(_teller(CHARGES, lambda: self._days))


def _teller(what: str, total: Callable[[], int]) -> Callable[[int], None]:
    done = 0

    def tell(rows: int) -> None:
        nonlocal done
        done += rows
        advance(what, done, max(done, total()))

    return tell


def _dropped(drops: Drops) -> tuple[Dropped, ...]:
    """What a reader dropped; its examples name patients and are left out."""
    return tuple(Dropped(reason, count, "") for reason, count in drops.dropped.items())
