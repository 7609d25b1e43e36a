"""Bundles of forecasts that were damaged: refused with a reason, or as good as new."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from casemeter_grouper.compiled.bundle import BundleError, Reason, open_bundle
from casemeter_grouper.compiled.bundle import write as write_bundle
from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.known import Known
from casemeter_grouper.forecast.model import KIND
from fuzz_bundles import MUTATIONS
from small_forecasts import fitted

TRIALS = 10
KNOWN = Known(3, "I63.900", "BR25", "BR25", 300_000, 70, "0303")


@pytest.fixture(scope="module")
def whole(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted("chs_drg_11", bundles, tmp_path_factory.mktemp("forecasts"))[0]


@pytest.mark.parametrize("mutation", dict.fromkeys(MUTATIONS), ids=lambda one: one.__name__.strip("_"))
def test_damage_is_found(
    mutation: Callable[[bytes, random.Random], bytes], whole: Path, tmp_path: Path
) -> None:
    data, right = whole.read_bytes(), Forecaster.open(whole).ask(KNOWN)
    for trial in range(TRIALS):
        path = tmp_path / f"{trial}.bundle"
        path.write_bytes(mutation(data, random.Random(f"{mutation.__name__} {trial}")))
        try:
            forecaster = Forecaster.open(path)
        except BundleError as error:
            assert error.reason in Reason
            continue
        assert forecaster.ask(KNOWN) == right


def test_a_bundle_of_another_kind_is_refused(whole: Path, tmp_path: Path) -> None:
    file = open_bundle(whole, KIND)
    write_bundle(tmp_path / "other.bundle", {**file.manifest, "kind": "benchmark"}, dict(file.arrays))
    with pytest.raises(BundleError) as raised:
        Forecaster.open(tmp_path / "other.bundle")
    assert raised.value.reason is Reason.WRONG_KIND


def test_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError) as raised:
        Forecaster.open(tmp_path / "none.bundle")
    assert raised.value.reason is Reason.MISSING
