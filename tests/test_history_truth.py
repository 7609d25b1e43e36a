"""The true probabilities are those with which stays really end: on small worlds, and on drawn histories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.history.build import Pack
from casemeter_grouper.history.charges import share_by
from casemeter_grouper.history.recipe import read_recipe
from casemeter_grouper.history.truth import Observation, Outlook, Truth
from casemeter_grouper.history.truth.observe import observe, stay_days
from casemeter_grouper.history.world import World
from casemeter_grouper.history.write import Order, generate, shards
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.sources import open_compiled
from small_histories import pack, small_caseload, small_world
from small_worlds import dip_world, draw, drg_world
from truth_by_hand import probabilities

DATA = Path(__file__).parent / "data"
SIGMAS = 5
SMALL_STAYS = 2_000
BY_HAND = 12
CASES, DAYS_SEEN = 2_000, 1_500
WORLDS = {"tiny_pack": drg_world, "tiny_dip": dip_world}


class Told(NamedTuple):
    """What was told of stays, and how they ended."""

    seen: Sequence[Observation]
    outlooks: Sequence[Outlook]
    ends: Sequence[str]
    days: NDArray[np.int64]
    costs: NDArray[np.int64]

    def table(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probability of every group, and 1 for the one it was, one row a stay."""
        groups = sorted({*self.ends, *(group for one in self.outlooks for group in one.groups)})
        place = {group: at for at, group in enumerate(groups)}
        told, was = np.zeros((2, len(self.ends), len(groups)))
        for row, (outlook, end) in enumerate(zip(self.outlooks, self.ends, strict=True)):
            told[row, [place[group] for group in outlook.groups]] = outlook.probabilities
            was[row, place[end]] = 1
        return told, was


def ends_of(compiled: Pack, pages: Sequence[Case], costs: Sequence[int]) -> list[str]:
    if isinstance(compiled, CompiledScheme):
        ends = map(Grouper(compiled).group, pages)
        return [end.leaf.group if end.leaf else "" for end in ends]
    grouped = map(CatalogueGrouper(compiled).group, pages, costs)
    return [end.group.code if end.group else "" for end in grouped]


@cache
def tiny(name: str, bundles: Path) -> Pack:
    return open_compiled(build_cached(DATA / name, bundles))


@pytest.fixture(scope="module", params=list(WORLDS))
def small(request: pytest.FixtureRequest, bundles: Path) -> Told:
    compiled, world = tiny(request.param, bundles), WORLDS[request.param]()
    stays = draw(world, SMALL_STAYS, seed=3)
    truth = Truth(world, compiled)
    return Told(
        [stay.seen for stay in stays],
        [truth.outlook(stay.seen) for stay in stays],
        ends_of(compiled, [stay.page for stay in stays], [stay.cost_fen for stay in stays]),
        np.array([stay.page.los_days for stay in stays]),
        np.array([stay.cost_fen for stay in stays]),
    )


class History(NamedTuple):
    """A small history of a shipped pack, and the days of its stays that are looked at."""

    world: World
    order: Order
    folder: Path
    rows: Sequence[int]


@pytest.fixture(
    scope="module", params=[("chs_drg_11", "first"), ("chs_drg_11", "second"), ("demo_dip", "first")]
)
def history(
    request: pytest.FixtureRequest, bundles: Path, tmp_path_factory: pytest.TempPathFactory
) -> History:
    name, recipe = request.param
    groups = tmp_path_factory.getbasetemp() / "small_caseload"
    folder = tmp_path_factory.mktemp("truth") / "made"
    order = Order(pack(name, bundles), read_recipe(recipe), small_caseload(groups), CASES, seed=4)
    generate(order, folder)
    rows = np.random.default_rng(1).choice(stay_days(folder, 0), DAYS_SEEN, replace=False)
    return History(small_world(name, recipe, bundles, groups), order, folder, rows.tolist())


@pytest.fixture(scope="module")
def told(history: History) -> Told:
    stays, seen = observe(history.world, history.folder, 0, history.rows)
    frame = pl.read_parquet(history.folder / "pages-00000.parquet")[stays]
    frame = frame.with_columns(
        age_days=(pl.col("B12") - pl.col("A13")).dt.total_days(), fen=pl.col("D01") * 100
    )
    pages = [page_of(row) for row in frame.iter_rows(named=True)]
    costs = [int(fen) for fen in frame["fen"]]
    truth = Truth(history.world, history.order.pack)
    return Told(
        seen,
        [truth.outlook(one) for one in seen],
        ends_of(history.order.pack, pages, costs),
        frame["B20"].to_numpy(),
        np.array(costs),
    )


def page_of(row: dict[str, Any]) -> Case:
    others = [row[name] for name in sorted(row) if name.startswith("C06x")]
    further = [row[name] for name in sorted(row) if name.startswith("C35x")]
    return Case(
        tuple(filter(None, (row["C03C"], *others))),
        tuple(filter(None, (row["C14x01C"], *further))),
        sex="F" if row["A12C"] == "2" else "M",
        discharge_way=row["B34C"],
        department=row["B16C"],
        age_years=row["A14"],
        age_days=row["age_days"],
        los_days=row["B20"],
    )


def check(told: Told) -> None:
    """Check everything that is true of true probabilities."""
    table, was = told.table()
    assert table.sum(axis=1) == pytest.approx(1)
    assert (table[was > 0] > 0).all()
    for of_kind in KINDS_OF_STAYS:
        cells: dict[Hashable, list[int]] = defaultdict(list)
        for row, seen in enumerate(told.seen):
            cells[of_kind(seen)].append(row)
        for kind, rows in cells.items():
            p, happened = table[rows], was[rows]
            variance = (p * (1 - p)).sum(axis=0)
            far = np.abs((happened - p).sum(axis=0)) > SIGMAS * np.sqrt(variance) + 1e-9
            # With few expected the sum is not near to normal.
            assert not (far & (variance > 4)).any(), kind
    reliability(table.reshape(-1), was.reshape(-1))
    # Each stay's log loss is its entropy in the mean.
    surprise = -np.log(np.where(was > 0, table, 1)).sum(axis=1)
    logs = np.log(np.where(table > 0, table, 1))
    entropy = -(table * logs).sum(axis=1)
    variance = (table * logs**2).sum(axis=1) - entropy**2
    assert abs((surprise - entropy).sum()) < SIGMAS * np.sqrt(variance.sum())


def reliability(p: NDArray[np.float64], happened: NDArray[np.float64]) -> None:
    """Of what is told with a probability, that share happens."""
    for low, high in pairwise(EDGES):
        part = (p > low) & (p <= high)
        variance = (p[part] * (1 - p[part])).sum()
        assert abs((happened - p)[part].sum()) <= SIGMAS * np.sqrt(variance) + 1, (low, high)


EDGES = (0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)

KINDS_OF_STAYS: Sequence[Callable[[Observation], Hashable]] = (
    lambda _: None,
    lambda seen: min(seen.day, 9),
    lambda seen: seen.principal,
    lambda seen: seen.others,
    lambda seen: (seen.procedures, seen.done),
    lambda seen: (seen.age_years // 20, seen.female),
    lambda seen: seen.department,
    lambda seen: round(2 * np.log(seen.cost_fen)),
    lambda seen: (min(seen.day, 4), seen.procedures, seen.done, round(np.log(seen.cost_fen))),
)


def test_small_worlds(small: Told) -> None:
    check(small)


def test_drawn_histories(told: Told) -> None:
    check(told)


def test_length_of_stay_and_final_cost_in_small_worlds(small: Told) -> None:
    check_intervals(small)


def test_length_of_stay_and_final_cost_in_drawn_histories(told: Told) -> None:
    check_intervals(told)


def check_intervals(told: Told) -> None:
    for values, intervals in (
        (told.days, [one.los_days for one in told.outlooks]),
        # Costs are whole fen, and the running cost was rounded too.
        (told.costs, [one.cost_fen for one in told.outlooks]),
    ):
        slack = 1e-4 * values
        for quantile, share in zip(np.array(intervals).T, (0.05, 0.5, 0.95), strict=True):
            error = SIGMAS * np.sqrt(share * (1 - share) / len(values))
            assert (values < quantile - slack).mean() <= share + error
            assert (values <= quantile + slack).mean() >= share - error
    for seen, outlook in zip(told.seen, told.outlooks, strict=True):
        assert seen.day <= outlook.los_days.low <= outlook.los_days.middle <= outlook.los_days.high
        assert seen.cost_fen * (1 - 1e-9) <= outlook.cost_fen.low <= outlook.cost_fen.middle


def test_what_is_read_from_the_tables_is_what_was_drawn(history: History) -> None:
    world = history.world
    (shard,) = shards(world, history.order.recipe, CASES, history.order.seed)
    stays = shard.stays
    place, seen = observe(world, history.folder, 0, history.rows)
    shares = np.array([world.first_share, world.operation_share, world.plain_first_share])
    for row, at, one in zip(history.rows, place.tolist(), seen, strict=True):
        assert shard.charges.stay[row] == at
        day = int(shard.charges.day[row])
        listed = slice(stays.comorbid_at[at], stays.comorbid_at[at + 1])
        plan = slice(world.procedure_at[stays.plan[at]], world.procedure_at[stays.plan[at] + 1])
        procedures = tuple(world.procedure[plan].tolist())
        known = stays.comorbid_day[listed] <= day
        gamma = float(world.pace_gamma[stays.gamma[at]])
        share = share_by(day, int(stays.days[at]), int(stays.operation_day[at]), shares, gamma)
        assert one == Observation(
            day,
            int(stays.variant[at] if day >= stays.corrected_day[at] else stays.impression[at]),
            tuple(sorted(world.comorbid[stays.comorbid[listed][known]].tolist())),
            procedures if day >= stays.ordered_day[at] else (),
            bool(procedures) and bool(day >= stays.reported_day[at]),
            one.cost_fen,
            int(stays.age_years[at]),
            bool(stays.female[at]),
            int(stays.department[at]),
        )
        assert one.cost_fen == pytest.approx(int(stays.cost_fen[at]) * share, abs=1)


def test_a_history_of_another_world_is_told(history: History) -> None:
    other = replace(history.world, diagnoses=tuple("?" for _ in history.world.diagnoses))
    with pytest.raises(ValueError, match="was not drawn from this world"):
        observe(other, history.folder, 0, history.rows[:5])


NOTHING_HIDDEN: dict[str, Any] = {
    "wrong_p": np.zeros(3),
    "known_first": 1.0,
    "coding_loss": 0.0,
    "coding_vague": 0.0,
    "coding_no_procedure": 0.0,
}
STROKE = Observation(3, 0, (), (0,), True, 800_000, 50, False, 1)


@pytest.mark.parametrize(
    ("seen", "group"),
    [
        (STROKE, "BQY"),
        (STROKE._replace(others=(4,)), "BB13"),
        (STROKE._replace(others=(5,)), "BB13"),
        # The exclusion table of I63.900 takes J96.900 away.
        (STROKE._replace(others=(6,)), "BQY"),
        (STROKE._replace(others=(5,), age_years=9), "BB11"),
        (STROKE._replace(principal=1, procedures=(2,), day=2), "AA19"),
    ],
)
def test_where_nothing_is_hidden_the_end_is_certain(seen: Observation, group: str, bundles: Path) -> None:
    groups, p = Truth(drg_world(**NOTHING_HIDDEN), tiny("tiny_pack", bundles)).probabilities(seen)
    assert groups[0] == group
    assert p[0] == pytest.approx(1, abs=1e-12)


def test_what_is_hidden_is_weighed_as_by_hand(bundles: Path) -> None:
    """A stroke of which all is known but E11.900 and J96.900, on day 1."""
    hidden = NOTHING_HIDDEN | {"known_first": 0.5, "coding_loss": 0.1, "severity_p": np.eye(3)[:, :2]}
    hidden["severity_p"][2] = [1, 0]
    world = drg_world(**hidden)
    seen = STROKE._replace(day=1, others=(), principal=0)
    groups, p = Truth(world, tiny("tiny_pack", bundles)).probabilities(seen)
    stands = []
    for comorbidity in (0, 1):
        there = world.comorbid_p[comorbidity, 2, 0, 1]
        stands.append(0.9 * there * 0.5 / (1 - there * 0.5))
    neither = (1 - stands[0]) * (1 - stands[1])
    assert dict(zip(groups, p.tolist(), strict=True)) == pytest.approx({"BB13": 1 - neither, "BQY": neither})


@pytest.mark.parametrize(
    "impossible",
    [
        STROKE._replace(day=0),
        STROKE._replace(day=10_000),
        STROKE._replace(cost_fen=0),
        STROKE._replace(cost_fen=10**15),
        STROKE._replace(age_years=91),
        STROKE._replace(principal=6),
        STROKE._replace(principal=99),
        STROKE._replace(others=(0,)),
        STROKE._replace(procedures=(1, 0)),
        STROKE._replace(principal=2),
        STROKE._replace(department=2),
    ],
)
def test_what_cannot_be_seen_is_told(impossible: Observation, bundles: Path) -> None:
    truth = Truth(drg_world(wrong_p=np.zeros(3)), tiny("tiny_pack", bundles))
    assert truth.probabilities(STROKE)
    with pytest.raises(ValueError, match="no stay of this world can look like"):
        truth.probabilities(impossible)


def test_a_comorbidity_that_matters_otherwise_is_told(bundles: Path) -> None:
    world = drg_world(comorbid=np.array([4, 7, 2], np.int32))
    with pytest.raises(ValueError, match=r"S06\.000 has a body site; S32\.000 has a body site"):
        Truth(world, tiny("tiny_pack", bundles))


def test_many_are_told_as_one_by_one(small: Told, bundles: Path) -> None:
    name = "tiny_dip" if "I20.0" in small.ends else "tiny_pack"
    truth = Truth(WORLDS[name](), tiny(name, bundles))
    done: list[int] = []
    many = list(truth.probabilities_of(small.seen[:20], done.append))
    assert sum(done) == 20
    for (groups, p), outlook in zip(many, small.outlooks, strict=False):
        assert groups == outlook.groups
        assert (p == outlook.probabilities).all()
        assert (np.diff(p) <= 0).all()
        assert len(set(groups)) == len(groups)


@pytest.mark.parametrize("name", list(WORLDS))
def test_everything_hidden_is_gone_through(name: str, bundles: Path) -> None:
    """The sum in products, by tables and indexes, is the one that goes through all one by one."""
    compiled, world = tiny(name, bundles), WORLDS[name](mean_los=np.array([3.0, 2.0, 1.5]))
    truth = Truth(world, compiled)
    if isinstance(compiled, CompiledScheme):
        scheme = Grouper(compiled)
    else:
        catalogue = CatalogueGrouper(compiled)

    def ending(page: Case, cost: float) -> str:
        if isinstance(compiled, CompiledScheme):
            leaf = scheme.group(page).leaf
            return leaf.group if leaf else ""
        group = catalogue.group(page, int(cost)).group
        return group.code if group else ""

    for stay in draw(world, BY_HAND, seed=8):
        groups, p = truth.probabilities(stay.seen)
        by_hand = probabilities(world, stay.seen, ending)
        assert dict(zip(groups, p.tolist(), strict=True)) == pytest.approx(by_hand, abs=1e-7), stay.seen
