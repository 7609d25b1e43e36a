"""Fitting a forecast from histories: read, split by time, learn, weigh, calibrate, and test on the newest.

This module loads polars and scipy; nothing that serves calls imports it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.forecast import calibrate
from casemeter_grouper.forecast.complications import Complications
from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.histories import Picker, Read, read_days
from casemeter_grouper.forecast.kernel import BUCKET
from casemeter_grouper.forecast.learn import learn
from casemeter_grouper.forecast.measured import measure
from casemeter_grouper.forecast.model import Model
from casemeter_grouper.forecast.numbering import Numbering, codes_of
from casemeter_grouper.forecast.report import Report, report_of
from casemeter_grouper.forecast.stay_days import StayDays
from casemeter_grouper.forecast.weights import fit_weights
from casemeter_grouper.forecast.wish import Wish
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.history.reading.grouping import PackGrouping
from casemeter_grouper.history.settled import Choices
from casemeter_grouper.pack.progress import advance

FEWEST_STAYS = 1_000
"""Stays that a fit needs: with fewer nothing can be held back to calibrate and to test."""


MOST_WEIGHED = 20_000
"""Days of each bucket that weights are fitted to."""


class TooFewStaysError(ValueError):
    """A history that is too small to learn a forecast from."""


@dataclass(frozen=True, eq=False)
class Pack:
    """A pack whose groups are foretold.

    Attributes:
        grouping: groups stays by it.
        complications: what it knows of diagnoses as complications.
        chapters: MDC of each group; empty texts in a catalogue.
        divides: whether each group is a division of its ADRG, and not one for stays that it does not divide.
        id: of the pack.
        sha256: content hash of its bundle.
    """

    grouping: PackGrouping
    complications: Complications
    chapters: Sequence[str]
    divides: Sequence[bool]
    id: str
    sha256: str

    @classmethod
    def of(cls, pack: CompiledScheme | CompiledCatalogue) -> Pack:
        """Take an opened pack."""
        if isinstance(pack, CompiledScheme):
            grouping = PackGrouping(Grouper(pack))
            chapter = {leaf.group: leaf.mdc.name for leaf in reversed(pack.leaves) if leaf}
            chapters = [chapter[code] for code in grouping.groups]
            divided = {leaf.group for leaf in pack.leaves if leaf and leaf.row}
            divides = [code in divided for code in grouping.groups]
        else:
            grouping = PackGrouping(CatalogueGrouper(pack))
            chapters = [""] * len(grouping.groups)
            divides = [True] * len(grouping.groups)
        return cls(grouping, Complications(pack), chapters, divides, pack.header.id, pack.sha256)


class Split(NamedTuple):
    """Days of stays by when the stays ended: the oldest, the next, the newest."""

    learned: StayDays
    calibrated: StayDays
    tested: StayDays


class Fitted(NamedTuple):
    """What a fit found.

    Attributes:
        sha256: content hash of the bundle.
        read: what became of the history.
        report: how well the bundle does on the newest stays.
    """

    sha256: str
    read: Read
    report: Report


def one_day_of_each_bucket(day_from: Sequence[int], seed: int) -> Picker:
    """Return a picker of days: one of each bucket that a stay reaches."""

    def pick(length: NDArray[np.int32], block: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        chance = np.random.default_rng([seed, block])
        stays, days = [], []
        for first, after in zip(day_from, [*day_from[1:], np.iinfo(np.int32).max], strict=True):
            there = np.flatnonzero(length >= first)
            last = np.minimum(length[there], after - 1)
            stays.append(there)
            days.append((first + chance.random(len(there)) * (last - first + 1)).astype(np.int32))
        return np.concatenate(stays), np.concatenate(days)

    return pick


def fit(
    paths: Sequence[Path], pack: Pack, wish: Wish, target: Path, choices: Choices | None = None
) -> Fitted:
    """Fit a forecast and write its bundle; equal histories give equal files.

    Whoever watches (:mod:`casemeter_grouper.pack.progress`) is told how far it has come.

    Args:
        paths: folders of histories, and files of them.
        pack: whose groups are foretold.
        wish: what is asked for.
        target: the bundle; an existing one is replaced in one step.
        choices: how the files are to be read.

    Raises:
        HistoryError: some file cannot be read; all faults of all files.
        TooFewStaysError: too few stays can be learned from.
        OSError: the bundle cannot be written.
    """
    pick = one_day_of_each_bucket(wish.day_from, wish.seed)
    rows, read = read_days(paths, pack.grouping, pack.complications, pick, choices)
    header = replace(wish.header, demonstration=wish.header.demonstration or read.made_up)
    wish = replace(wish, header=header)
    sha256, report = fit_days(rows, read.departments, pack, wish, target)
    return Fitted(sha256, read, report)


def fit_days(
    rows: StayDays, departments: Sequence[str], pack: Pack, wish: Wish, target: Path
) -> tuple[str, Report]:
    """Fit a forecast from days of stays and write its bundle; see :func:`fit`."""
    parts = split(rows, wish)
    codes = codes_of(parts.learned, pack.grouping, pack.chapters, departments)
    numbering = Numbering(codes, pack.grouping, departments, wish.steps)
    model = learn(parts.learned, numbering, pack.divides, wish)
    model = replace(model, facts={**model.facts, **_days(parts)})
    known = numbering.known(parts.calibrated)
    model = weighed(model, opened(model), parts.calibrated, known)
    model = calibrated(model, opened(model), parts.calibrated, known)
    advance("testing", 0, 1)
    report = report_of(opened(model), parts.tested, numbering.known(parts.tested))
    model = replace(model, facts={**model.facts, "tested": report.to_json()})
    sha256 = model.write(target)
    advance("testing", 1, 1)
    return sha256, report


def split(rows: StayDays, wish: Wish) -> Split:
    """Split days by the discharge of their stays.

    Raises:
        TooFewStaysError: there are too few.
    """
    _, first = np.unique(rows.stay, return_index=True)
    if len(first) < FEWEST_STAYS:
        raise TooFewStaysError(
            f"{len(first):,} stays can be learned from; a forecast needs {FEWEST_STAYS:,} at least"
        )
    ends = np.sort(rows.discharge[first])
    shares = (wish.learned, wish.learned + wish.calibrated)
    bounds = [ends[min(int(len(ends) * share), len(ends) - 1)] for share in shares]
    part = np.searchsorted(bounds, rows.discharge, side="right")
    found = Split(*(rows.take(part == at) for at in range(3)))
    if not all(map(len, found)):
        raise TooFewStaysError(
            "the stays ended on too few days to be split by time into those that are learned from, "
            "those that calibrate and those that test"
        )
    return found


def weighed(model: Model, forecaster: Forecaster, rows: StayDays, known: NDArray[np.int64]) -> Model:
    """Return a model whose odds and costs weigh as they should.

    Args:
        model: that was learned.
        forecaster: the same, opened.
        rows: days of stays that were not learned from.
        known: the same days as the kernel takes them.
    """
    bucket = known[:, BUCKET]
    family = np.array([0, *model.codes.group_family], np.int32)
    weights = np.ones((len(model.steps.day_from), 2))
    for number in range(len(weights)):
        some = np.flatnonzero(bucket == number)[:MOST_WEIGHED]
        families, found, sizes = forecaster.scores(known[some])
        final = family[rows.final_group[some].astype(np.int32) + 1]
        there = np.arange(families.shape[1]) < sizes[:, None]
        weights[number] = fit_weights(found, there, there & (families == final[:, None]))
    return replace(model, arrays={**model.arrays, "weights": weights})


def calibrated(model: Model, forecaster: Forecaster, rows: StayDays, known: NDArray[np.int64]) -> Model:
    """Return a model whose sets and intervals hold the truth often enough.

    Args:
        model: that was learned.
        forecaster: the same, opened.
        rows: days of stays that were not learned from.
        known: the same days as the kernel takes them.
    """
    measured = measure(forecaster, rows, known)
    # The ends of a model that is calibrated anew reach as far as it was calibrated before.
    margins = calibrate.margins(measured, rows, known, model.steps, model.header.level)
    margins += model.arrays["margins"]
    chapter = model.arrays["group_chapter"][rows.planned.astype(np.int32) + 1]
    shape = model.arrays["levels"].shape
    levels = calibrate.set_levels(measured, known[:, BUCKET], chapter, shape, model.header.level)
    return replace(model, arrays={**model.arrays, "levels": levels, "margins": margins})


def opened(model: Model) -> Forecaster:
    """Return a model as it answers."""
    with tempfile.TemporaryDirectory(prefix="casemeter-forecast-") as folder:
        path = Path(folder) / "model"
        model.write(path)
        return Forecaster.open(path)


def _days(parts: Split) -> dict[str, Any]:
    """First and last day of discharge of what was learned from, calibrated with and tested with."""
    names = ("learned", "calibrated", "tested")
    return {
        f"{name}_discharges": first_and_last(part.discharge) for name, part in zip(names, parts, strict=True)
    }


def first_and_last(discharge: NDArray[Any]) -> list[str]:
    """Return the first and the last of days since 1970-01-01 (``YYYY-MM-DD``)."""
    epoch = date(1970, 1, 1)
    return [(epoch + timedelta(days=int(day))).isoformat() for day in (discharge.min(), discharge.max())]
