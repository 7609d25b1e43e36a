"""A forecast that is fitted on a small made-up history: what it says, and that two readings of it agree."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemeter_grouper.compiled.bundle import kind_of
from casemeter_grouper.forecast.fit import Fitted, TooFewStaysError, fit
from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.keys import LEVEL_SHIFT, PARTS, SHIFTS
from casemeter_grouper.forecast.known import Absent, Answer, Known, Procedures
from casemeter_grouper.forecast.recalibrate import OtherPackError, recalibrate
from casemeter_grouper.forecast.walker import Walker
from casemeter_grouper.history.settled import HistoryError
from small_forecasts import STAYS, fitted, history, opened, wish

PACKS = ("chs_drg_11", "demo_dip")
EVERYWHERE = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forecasts")


@pytest.fixture(scope="module")
def drg(bundles: Path, folder: Path) -> tuple[Path, Fitted]:
    return fitted("chs_drg_11", bundles, folder)


@pytest.fixture(scope="module")
def forecaster(drg: tuple[Path, Fitted]) -> Forecaster:
    return Forecaster.open(drg[0])


@pytest.fixture(scope="module", params=PACKS)
def either(request: pytest.FixtureRequest, bundles: Path, folder: Path) -> tuple[Forecaster, Walker]:
    forecaster = Forecaster.open(fitted(request.param, bundles, folder)[0])
    return forecaster, Walker(forecaster)


def some_known(draw: st.DrawFn, forecaster: Forecaster) -> Known:
    """What may be known: much of it such as no stay ever was."""
    codes = forecaster.codes
    group = st.sampled_from([*codes.groups, "no such group", ""])
    recorded = draw(group)
    counts = st.none() | st.integers(0, 5)
    return Known(
        draw(st.integers(1, 60) | st.sampled_from([100_000])),
        draw(st.sampled_from([*codes.principals, "I63.9x9", "I6", "", "汉"])),
        recorded,
        draw(st.just(recorded) | group),
        draw(st.none() | st.integers(-(10**10), 10**13) | st.integers(100, 10**7)),
        draw(st.none() | st.integers(0, 150)),
        draw(st.sampled_from([*codes.departments, "no such department", ""])),
        draw(counts),
        draw(counts),
        draw(st.none() | st.sampled_from(Procedures)),
    )


@EVERYWHERE
@given(data=st.data())
def test_kernel_and_walker_say_the_same(data: st.DataObject, either: tuple[Forecaster, Walker]) -> None:
    forecaster, walker = either
    known = data.draw(st.composite(some_known)(forecaster))
    assert forecaster.ask(known) == walker.ask(known)


@EVERYWHERE
@given(data=st.data())
def test_every_answer_is_sound(data: st.DataObject, either: tuple[Forecaster, Walker]) -> None:
    forecaster, _ = either
    known = data.draw(st.composite(some_known)(forecaster))
    answer = forecaster.ask(known)
    if isinstance(answer, Absent):
        return
    odds = [candidate.probability for candidate in answer.candidates]
    assert odds == sorted(odds, reverse=True)
    assert min(odds) >= 0
    assert sum(odds) + answer.elsewhere == pytest.approx(1)
    assert len({candidate.group for candidate in answer.candidates}) == len(odds) <= 10
    assert 0 <= answer.set_size <= min(len(odds), forecaster.most_in_set)
    if answer.set_size:
        assert sum(odds[: answer.set_size]) >= forecaster.header.level - 1e-12
    assert answer.cases > 0
    assert known.day <= answer.los_days.low <= answer.los_days.middle <= answer.los_days.high
    if known.cost_fen is None:
        assert answer.cost_fen is None
    else:
        assert answer.cost_fen is not None
        assert known.cost_fen <= answer.cost_fen.low <= answer.cost_fen.middle <= answer.cost_fen.high


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(Known(2, "I63.900", "nothing", "nothing", 500_000), id="no group of the pack"),
        pytest.param(Known(2, "I63.900", "", "", 500_000), id="no group at all"),
        # No stay of the small caseload has to do with the ADRG of lung transplants.
        pytest.param(Known(2, "I63.900", "AA19", "AA19", 500_000), id="an ADRG that nobody stood in"),
    ],
)
def test_what_was_never_seen_is_said_to_be(forecaster: Forecaster, known: Known) -> None:
    assert forecaster.ask(known) is Absent.NEVER_SEEN


def test_a_group_that_was_not_seen_is_answered_by_its_adrg(forecaster: Forecaster) -> None:
    seen = _families(forecaster)
    assert 0 < len(seen) < len(forecaster.codes.families)
    for at, family in enumerate(forecaster.codes.group_family):
        group = forecaster.codes.groups[at]
        answer = forecaster.ask(Known(1, "", group, group))
        assert isinstance(answer, Answer) == (family in seen)


def _families(forecaster: Forecaster) -> set[int]:
    """Families that any stay stood in: those of the contexts that name nothing else."""
    masks, keys = (forecaster.file.arrays[name] for name in ("context_masks", "context_keys"))
    alone = [level for level, mask in enumerate(masks.tolist()) if sum(mask) == mask[PARTS["family"]]]
    return {
        int(key) >> SHIFTS[PARTS["family"]] & 0x7FFF for key in keys.tolist() if key >> LEVEL_SHIFT in alone
    }


def test_a_day_before_the_first_is_refused(forecaster: Forecaster) -> None:
    with pytest.raises(ValueError, match="there is no day 0"):
        forecaster.ask(Known(0, "I63.900", "BR25", "BR25"))


def test_what_the_bundle_says_of_itself(drg: tuple[Path, Fitted], forecaster: Forecaster) -> None:
    path, found = drg
    assert kind_of(path) == "forecast"
    assert forecaster.sha256 == found.sha256
    assert (forecaster.header.scheme, forecaster.header.level) == ("chs_drg_11", 0.9)
    assert forecaster.header.demonstration, "the history says that it is made up"
    facts = forecaster.manifest["facts"]
    assert facts["stays"] == pytest.approx(0.7 * STAYS, rel=0.02)
    assert facts["tested"] == found.report.to_json()
    days = [facts[f"{part}_discharges"] for part in ("learned", "calibrated", "tested")]
    assert all(date.fromisoformat(first) <= date.fromisoformat(last) for first, last in days)
    assert days[0][1] < days[1][0] <= days[1][1] < days[2][0]


def test_it_does_well_on_stays_it_has_not_seen(drg: tuple[Path, Fitted]) -> None:
    report = drg[1].report
    assert report.all_days.log_loss < 0.45
    assert report.all_days.first_right > 0.88
    assert report.all_days.covered > 0.9
    assert report.all_days.set_size < 2
    assert 0.85 < report.all_days.cost_covered < 0.96
    assert 0.85 < report.all_days.days_covered < 0.98
    first, *_, last = [figures for figures in report.by_bucket if figures and figures.days > 100]
    assert last.log_loss < first.log_loss
    assert last.cost_width < first.cost_width


def test_equal_histories_give_equal_bundles(
    drg: tuple[Path, Fitted], bundles: Path, folder: Path, tmp_path: Path
) -> None:
    of = opened("chs_drg_11", bundles)
    copy = tmp_path / "elsewhere"
    shutil.copytree(history("chs_drg_11", "first", STAYS, 3, bundles, folder), copy)
    again = fit([copy], of, wish(of), tmp_path / "again.bundle")
    assert again.sha256 == drg[1].sha256
    assert (tmp_path / "again.bundle").read_bytes() == drg[0].read_bytes()


def test_a_forecast_is_calibrated_anew(
    drg: tuple[Path, Fitted], forecaster: Forecaster, bundles: Path, folder: Path, tmp_path: Path
) -> None:
    of = opened("chs_drg_11", bundles)
    other = history("chs_drg_11", "second", 3_000, 5, bundles, folder)
    found = recalibrate(drg[0], [other], of, tmp_path / "anew.bundle", version="2")
    anew = Forecaster.open(tmp_path / "anew.bundle")
    assert anew.sha256 == found.sha256
    assert asdict(anew.header) == {**asdict(forecaster.header), "version": "2"}
    changed = {
        name
        for name, array in anew.file.arrays.items()
        if array.tobytes() != forecaster.file.arrays[name].tobytes()
    }
    assert changed <= {"levels", "margins"}
    assert "margins" in changed
    known = Known(2, "I63.900", "BR25", "BR25", 300_000)
    before, after = forecaster.ask(known), anew.ask(known)
    assert isinstance(before, Answer)
    assert isinstance(after, Answer)
    assert before.candidates == after.candidates
    assert found.report.all_days.cost_covered > 0.85
    assert found.report.all_days.covered > 0.88


def test_a_forecast_of_another_pack_is_not_calibrated(
    drg: tuple[Path, Fitted], bundles: Path, folder: Path, tmp_path: Path
) -> None:
    other = opened("demo_dip", bundles)
    with pytest.raises(OtherPackError, match=r"learned for pack chs_drg_11 .* not for this demo_dip"):
        recalibrate(drg[0], [folder], other, tmp_path / "anew.bundle")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stays", [1, 900])
def test_too_few_stays_are_refused(stays: int, bundles: Path, folder: Path, tmp_path: Path) -> None:
    of = opened("chs_drg_11", bundles)
    small = history("chs_drg_11", "first", stays, 7, bundles, folder)
    with pytest.raises(TooFewStaysError, match=r"stays can be learned from; a forecast needs 1,000"):
        fit([small], of, wish(of), tmp_path / "forecast.bundle")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("table", ["pages", "days", "course"])
def test_a_history_without_a_table_is_refused(
    table: str, bundles: Path, folder: Path, tmp_path: Path
) -> None:
    of = opened("chs_drg_11", bundles)
    shutil.copytree(history("chs_drg_11", "first", 900, 7, bundles, folder), tmp_path / "history")
    for path in (tmp_path / "history").glob(f"{table}-*"):
        path.unlink()
    with pytest.raises(HistoryError):
        fit([tmp_path / "history"], of, wish(of), tmp_path / "forecast.bundle")
    assert not (tmp_path / "forecast.bundle").exists()
