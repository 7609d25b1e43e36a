"""Ways of forecasting on the same split of a made-up history: counts, the model, and gradient boosting.

    python benchmarks/forecast_ways.py [--cases 300000] [--history DIR]

All are asked for the same days of the newest stays: counts with back-off alone; with the running cost; the
model, which knows complications and age as well; and LightGBM, which chooses among the candidates of the
counts by all that is known, learned from the stays that the counts have not seen. LightGBM is tried on the
model's own odds, too. A library is worth its weight if it is better than the counts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray

from benchmark_fit import apart
from casemeter_grouper.forecast.fit import (
    Pack,
    Split,
    fit_days,
    one_day_of_each_bucket,
    opened,
    split,
    weighed,
)
from casemeter_grouper.forecast.forecaster import Forecaster, positions
from casemeter_grouper.forecast.histories import read_days
from casemeter_grouper.forecast.kernel import AGE, BUCKET, COST, COUNTED_STATES, GROUP, NO_COST, STATE
from casemeter_grouper.forecast.measured import measure
from casemeter_grouper.forecast.model import Header, Model
from casemeter_grouper.forecast.report import LEAST
from casemeter_grouper.forecast.stay_days import StayDays
from casemeter_grouper.forecast.wish import Wish
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.pack.sources import open_compiled
from common import machine
from forecast import LEVEL, PACK, SEED, described, generate_there
from forecast_days import numbering
from forecast_measures import SIGMAS, timed

CANDIDATES: Final = 10
"""Candidates of a day that LightGBM chooses among, the likeliest by the counts."""

AT_ONCE: Final = 20_000
ASKS: Final = 500
SETTINGS: Final[dict[str, Any]] = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 63,
    "min_data_in_leaf": 100,
    "num_threads": 1,
    "seed": 1,
    "deterministic": True,
    "verbosity": -1,
}
ROUNDS: Final = 200

Known = NDArray[np.int64]
Floats = NDArray[np.float64]


class Way(NamedTuple):
    """One way of forecasting.

    Attributes:
        name: of the way.
        loss: minus ln of what it gave the group that the stay of each day ended in.
        seconds: that the fit took, without the reading of the history.
        ask: seconds of one ask, one after the other.
    """

    name: str
    loss: Floats
    seconds: float
    ask: float


class Offered(NamedTuple):
    """The likeliest candidates of days, ``n x`` :data:`CANDIDATES`; 0 where there are fewer.

    Attributes:
        groups: their numbers.
        probabilities: by the forecast that offers them.
    """

    groups: NDArray[np.int32]
    probabilities: Floats


class Told(NamedTuple):
    """Days that calibrate, and days that test: all that is known, and what a forecast is told of it."""

    calibrated: tuple[Known, Known]
    tested: tuple[Known, Known]


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", type=int, default=300_000)
    parser.add_argument("--history", type=Path, help="folder of 'casemeter history generate', first recipe")
    wanted = parser.parse_args()
    print(f"{machine()}, lightgbm {lightgbm.__version__}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = build_cached(find_pack(PACK), folder)
        history = wanted.history or folder / "history"
        if wanted.history is None:
            apart(generate_there, wanted.cases, bundle, "first", history)
        print(described(history), flush=True)
        tell(compared(history, Pack.of(open_compiled(bundle)), folder))


def compared(history: Path, pack: Pack, folder: Path, rounds: int = ROUNDS) -> list[Way]:
    """Fit all ways on the older stays and ask them for the newest; the counts come first."""
    wish = Wish(Header("ways", "made up 虚构", "", "", "", pack.id, pack.sha256, LEVEL, demonstration=True))
    pick = one_day_of_each_bucket(wish.day_from, wish.seed)
    rows, read = read_days([history], pack.grouping, pack.complications, pick)
    parts = split(rows, wish)
    start = time.perf_counter()
    fit_days(rows, read.departments, pack, wish, folder / "ways.forecast")
    seconds = time.perf_counter() - start
    forecaster = Forecaster.open(folder / "ways.forecast")
    number = numbering(forecaster, read.departments, pack)
    calibrated, tested = number.known(parts.calibrated), number.known(parts.tested)
    hidden = [counts_only(forecaster, known) for known in (calibrated, tested)]
    counts = reweighed(forecaster, parts, hidden[0])
    cost = reweighed(forecaster, parts, with_cost(hidden[0], calibrated))
    ways = [
        asked("counts with back-off", counts, parts.tested, hidden[1], seconds),
        asked("counts and running cost", cost, parts.tested, with_cost(hidden[1], tested), seconds),
        asked("the model: with complications and age", forecaster, parts.tested, tested, seconds),
    ]
    for name, offering, told in (
        ("LightGBM on the counts", counts, Told((calibrated, hidden[0]), (tested, hidden[1]))),
        ("LightGBM on the model", forecaster, Told((calibrated, calibrated), (tested, tested))),
    ):
        ways.append(boosted(name, offering, parts, told, seconds, rounds))
    return ways


def counts_only(forecaster: Forecaster, known: Known) -> Known:
    """Return days on which neither cost nor age nor complications are told, other than by the group."""
    position = np.array([0, *positions(forecaster.codes.group_family)])
    found = known.copy()
    found[:, STATE] = COUNTED_STATES + position[known[:, GROUP]]
    found[:, AGE] = 0
    found[:, COST] = NO_COST
    return found


def with_cost(hidden: Known, known: Known) -> Known:
    """Return days on which the running cost is told again."""
    found = hidden.copy()
    found[:, COST] = known[:, COST]
    return found


def reweighed(forecaster: Forecaster, parts: Split, known: Known) -> Forecaster:
    """Return a forecast that is weighed for what is told."""
    model = Model.of(forecaster.file)
    plain = replace(model, arrays={**model.arrays, "weights": np.ones_like(model.arrays["weights"])})
    return opened(weighed(plain, opened(plain), parts.calibrated, known))


def offered(forecaster: Forecaster, known: Known) -> Offered:
    """Return the likeliest candidates of days."""
    groups, probabilities = np.zeros((len(known), CANDIDATES), np.int32), np.zeros((len(known), CANDIDATES))
    for first in range(0, len(known), AT_ONCE):
        said = forecaster.ask_all(known[first : first + AT_ONCE])
        width = min(CANDIDATES, said.groups.shape[1])
        groups[first : first + AT_ONCE, :width] = said.groups[:, :width]
        probabilities[first : first + AT_ONCE, :width] = said.probabilities[:, :width]
    return Offered(np.where(probabilities > 0, groups, 0), probabilities)


def asked(name: str, forecaster: Forecaster, rows: StayDays, known: Known, seconds: float) -> Way:
    """Ask a forecast."""
    some = [known[at : at + 1] for at in sample(known)]
    seconds_of_all = timed(lambda: [forecaster.ask_all(one) for one in some], time.perf_counter)
    return Way(name, losses(forecaster, rows, known), seconds, seconds_of_all / len(some))


def losses(forecaster: Forecaster, rows: StayDays, known: Known) -> Floats:
    """Return minus ln of what a forecast gives the group that each stay ended in."""
    return -np.log(np.maximum(measure(forecaster, rows, known).probability, LEAST))


def table(forecaster: Forecaster, known: Known, offered: Offered) -> Floats:
    """Return what is known of each candidate: of itself, and of the day.

    Args:
        forecaster: that offers them.
        known: the days.
        offered: their candidates.
    """
    family = np.array([0, *forecaster.codes.group_family])
    position = np.array([0, *positions(forecaster.codes.group_family)])
    there = offered.groups > 0
    planned = np.broadcast_to(known[:, GROUP, None], there.shape)
    by_family, cost = cost_scores(forecaster, known, family[offered.groups])
    own = [
        np.log(np.maximum(offered.probabilities, LEAST)),
        np.broadcast_to(np.arange(CANDIDATES), there.shape),
        offered.groups == planned,
        family[offered.groups] == family[planned],
        position[offered.groups],
        position[planned],
        by_family,
        cost,
    ]
    columns = [np.asarray(value, np.float64)[there] for value in own]
    for at in (*range(4, BUCKET + 1), STATE, AGE, BUCKET + 4):
        columns.append(np.broadcast_to(known[:, at, None], there.shape)[there].astype(np.float64))
    spent = np.log(np.maximum(known[:, COST], 1).astype(np.float64))
    columns.append(np.broadcast_to(spent[:, None], there.shape)[there])
    return np.stack(columns, axis=1)


def cost_scores(forecaster: Forecaster, known: Known, families: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return ln of the odds of each candidate's family, and of its running cost."""
    odds, cost = np.full(families.shape, np.log(LEAST)), np.zeros(families.shape)
    for first in range(0, len(known), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        listed, found, sizes = forecaster.scores(known[part])
        for column in range(families.shape[1]):
            same = (listed == families[part, column, None]) & (np.arange(listed.shape[1]) < sizes[:, None])
            there, place = same.any(axis=1), same.argmax(axis=1)
            rows = np.arange(len(place))
            odds[part, column] = np.where(there, found[rows, place, 0], odds[part, column])
            cost[part, column] = np.where(there, found[rows, place, 1], 0.0)
    return odds, cost


def boosted(name: str, forecaster: Forecaster, parts: Split, told: Told, seconds: float, rounds: int) -> Way:
    """Learn to choose among the candidates of a forecast, from stays that it has not counted; and choose.

    Args:
        name: of the way.
        forecaster: that offers the candidates.
        parts: the days.
        told: of these days.
        seconds: that the fit of the forecast took.
        rounds: trees.
    """
    start = time.perf_counter()
    some = offered(forecaster, told.calibrated[1])
    came = some.groups == parts.calibrated.final_group.astype(np.int32)[:, None] + 1
    data = lightgbm.Dataset(
        table(forecaster, told.calibrated[0], some), came[some.groups > 0].astype(np.float64)
    )
    booster = lightgbm.train(SETTINGS, data, rounds)
    took = time.perf_counter() - start
    known, less = told.tested
    found = offered(forecaster, less)
    probability = chosen(booster, forecaster, known, found)
    hit = (found.groups == parts.tested.final_group.astype(np.int32)[:, None] + 1) & (found.groups > 0)
    # A group beyond the candidates keeps what the forecast gives it.
    loss = np.where(
        hit.any(axis=1),
        -np.log(np.maximum((probability * hit).sum(axis=1), LEAST)),
        losses(forecaster, parts.tested, less),
    )
    places = sample(known)
    ask = timed(
        lambda: [
            chosen(booster, forecaster, known[at : at + 1], offered(forecaster, less[at : at + 1]))
            for at in places
        ],
        time.perf_counter,
    )
    return Way(name, loss, seconds + took, ask / len(places))


def chosen(booster: lightgbm.Booster, forecaster: Forecaster, known: Known, some: Offered) -> Floats:
    """Return the probabilities of candidates; together they have as much as the forecast gave them."""
    there = some.groups > 0
    said = np.zeros(there.shape)
    if there.any():
        said[there] = booster.predict(table(forecaster, known, some), num_threads=1)
    total = np.maximum(said.sum(axis=1, keepdims=True), LEAST)
    found: Floats = said / total * some.probabilities.sum(axis=1, keepdims=True)
    return found


def sample(known: Known) -> list[int]:
    """Return the places of some days."""
    places: list[int] = (
        np.random.default_rng(SEED).choice(len(known), min(ASKS, len(known)), replace=False).tolist()
    )
    return places


def tell(ways: list[Way]) -> None:
    """Say how good each way is, and whether the library is better than the counts, and than the model."""
    for way in ways:
        print(
            f"{way.name}: log loss {way.loss.mean():.4f}, fitted in {way.seconds:.0f} s, "
            f"one ask {way.ask * 1e6:.0f} µs",
            flush=True,
        )
    counts, model = ways[0], ways[2]
    for way in ways[1:]:
        print(verdict(way, counts))
    for way in ways[3:]:
        print(verdict(way, model))


def verdict(way: Way, other: Way) -> str:
    """Return which of two ways is better."""
    gain = other.loss - way.loss
    error = gain.std() / np.sqrt(len(gain))
    sure = abs(gain.mean()) > SIGMAS * error
    word = ("better than" if gain.mean() > 0 else "worse than") if sure else "as good as"
    return f"{way.name}: {word} {other.name}, log loss less by {gain.mean():.4f} ± {error:.4f}"


if __name__ == "__main__":
    main()
