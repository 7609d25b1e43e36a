"""Calibrating a forecast anew by stays of another hospital.

Its odds stay as they are; its sets and intervals reach as far as those stays need.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from casemeter_grouper.forecast.fit import (
    FEWEST_STAYS,
    Fitted,
    Pack,
    TooFewStaysError,
    calibrated,
    first_and_last,
    one_day_of_each_bucket,
    opened,
)
from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.histories import read_days
from casemeter_grouper.forecast.model import Model
from casemeter_grouper.forecast.numbering import Numbering
from casemeter_grouper.forecast.report import report_of
from casemeter_grouper.history.settled import Choices

CALIBRATED = 0.7
"""Share of the stays that levels and margins are taken from, the oldest; the rest are for the test."""


class OtherPackError(ValueError):
    """A forecast that was learned for another pack, or for another version of it."""


def recalibrate(
    source: Path,
    paths: Sequence[Path],
    pack: Pack,
    target: Path,
    choices: Choices | None = None,
    *,
    version: str | None = None,
    seed: int = 1,
) -> Fitted:
    """Calibrate a forecast anew and write its bundle.

    Args:
        source: bundle of the forecast.
        paths: folders of histories, and files of them.
        pack: that the forecast was learned for.
        target: the new bundle; an existing one is replaced in one step.
        choices: how the files are to be read.
        version: of the new bundle; ``None``: as before.
        seed: of the days that are drawn.

    Raises:
        BundleError: the bundle cannot be used.
        OtherPackError: it was learned for another pack.
        HistoryError: some file cannot be read; all faults of all files.
        TooFewStaysError: too few stays can be used.
        OSError: the bundle cannot be written.
    """
    forecaster = Forecaster.open(source)
    header = forecaster.header
    if header.scheme_sha256 != pack.sha256:
        raise OtherPackError(
            f"{source} was learned for pack {header.scheme} (bundle {header.scheme_sha256[:12]}), "
            f"not for this {pack.id} (bundle {pack.sha256[:12]}); fit it again"
        )
    model = Model.of(forecaster.file)
    pick = one_day_of_each_bucket(model.steps.day_from, seed)
    rows, read = read_days(paths, pack.grouping, pack.complications, pick, choices)
    numbering = Numbering(model.codes, pack.grouping, read.departments, model.steps)
    _, first = np.unique(rows.stay, return_index=True)
    if len(first) < FEWEST_STAYS:
        raise TooFewStaysError(
            f"{len(first):,} stays can be used; calibrating needs {FEWEST_STAYS:,} at least"
        )
    bound = np.sort(rows.discharge[first])[int(len(first) * CALIBRATED)]
    old, new = rows.take(rows.discharge < bound), rows.take(rows.discharge >= bound)
    model = calibrated(model, forecaster, old, numbering.known(old))
    report = report_of(opened(model), new, numbering.known(new))
    facts = {
        "stays": len(first),
        "calibrated_discharges": first_and_last(old.discharge),
        "tested_discharges": first_and_last(new.discharge),
        "tested": report.to_json(),
    }
    made_up = header.demonstration or read.made_up
    header = replace(header, demonstration=made_up, version=header.version if version is None else version)
    model = replace(model, header=header, facts={**model.facts, "calibrated_anew": facts})
    return Fitted(model.write(target), read, report)
