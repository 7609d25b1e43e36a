"""Complications of one case are counted as those of many are."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemeter_grouper.compiled.codes import UNKNOWN
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.forecast.complication_counts import complications_of
from casemeter_grouper.forecast.complications import Complications
from casemeter_grouper.history.reading.grouping import Ragged
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack


@cache
def opened(path: Path) -> tuple[CompiledScheme, Complications, tuple[str, ...]]:
    """A scheme, what counts by it, and its complications, for few of all codes are one."""
    scheme = CompiledScheme.open(path)
    classes, tables = scheme.program.diagnosis_class, scheme.program.complications
    counted = [code for code, at in scheme.diagnoses.number.items() if tables[classes[at]].max() >= 0]
    return (
        scheme,
        Complications(scheme),
        (*counted[::7], *list(scheme.diagnoses.number)[::97], "nobody knows"),
    )


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_one_case_is_counted_as_many_are(data: st.DataObject, default_bundle: Path) -> None:
    scheme, complications, codes = opened(default_bundle)
    case = data.draw(st.lists(st.sampled_from(codes), min_size=1, max_size=8))
    principal, *others = (scheme.diagnoses.number.get(code, UNKNOWN) for code in case)
    ragged = Ragged(np.array(others, np.int32), np.array([0, len(others)], np.int64))
    major, minor = complications(np.array([principal], np.int32), ragged)
    assert complications_of(scheme, case) == (int(major[0]), int(minor[0]))


@pytest.mark.parametrize(
    ("codes", "counts"),
    [
        (["I63.900"], (0, 0)),
        (["I63.900", "nobody knows"], (0, 0)),
        (["nobody knows", "J96.000"], (1, 0)),
        (["I63.900", "J96.000", "J18.903", "A41.900", "E11.900"], (2, 1)),
        # One that its principal diagnosis excludes, and one that is sent twice.
        (["J96.000", "J96.000", "J18.903"], (0, 1)),
        (["I63.900", "J96.000", "J96.000"], (2, 0)),
    ],
)
def test_counts_of_a_scheme(codes: list[str], counts: tuple[int, int], default_bundle: Path) -> None:
    assert complications_of(opened(default_bundle)[0], codes) == counts


def test_a_catalogue_knows_no_complications(bundles: Path) -> None:
    catalogue = CompiledCatalogue.open(build_cached(find_pack("demo_dip"), bundles))
    assert complications_of(catalogue, ["I63.900", "I46.000"]) == (0, 0)
