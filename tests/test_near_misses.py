"""Near misses are what trying every edit with every known code finds, no more and no less."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from casemeter_grouper.additions import Added
from casemeter_grouper.case import Case
from casemeter_grouper.compiled.codes import Codes
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.condition import parse
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.kernel import Batch
from casemeter_grouper.near_misses import Edit, NearMiss, NearMisses
from casemeter_grouper.scheme import LEVELS, VALID_PROCEDURES, CodeTables, Scheme
from casemeter_grouper.walker import Facts
from shared_cases import SCHEMES, read
from small_schemes import SEEDS, UNKNOWN, compiled_at, one_rule_mdc, random_cases, scheme_of_mdcs, schemes

CASES_PER_SCHEME = 77  # 1,001 in all


class One(NamedTuple):
    """One edit of a case: of the code at a place, or adding a code."""

    edit: Edit
    place: int | None
    code: str = ""


def edited(case: Case, one: One) -> Case:
    """The case after an edit."""
    is_procedure = one.edit.endswith("procedure")
    codes = case.procedures if is_procedure else case.diagnoses
    if one.place is None:
        codes = (*codes, one.code)
    else:
        others = codes[: one.place] + codes[one.place + 1 :]
        codes = others if one.edit.startswith("drop") else (codes[one.place], *others)
    return case._replace(procedures=codes) if is_procedure else case._replace(diagnoses=codes)


def edits_of_recorded_codes(case: Case) -> Iterator[One]:
    for at in range(len(case.diagnoses)):
        if len(case.diagnoses) > 1:
            yield One(Edit.DROP_DIAGNOSIS, at)
        if at:
            yield One(Edit.PROMOTE_DIAGNOSIS, at)
    for at in range(len(case.procedures)):
        yield One(Edit.DROP_PROCEDURE, at)
        if at:
            yield One(Edit.PROMOTE_PROCEDURE, at)


def single_edits(miss: NearMiss) -> Iterator[One]:
    """Every single edit that a near miss stands for."""
    if miss.added is None:
        yield One(miss.edit, miss.place)
    else:
        for code in miss.added:
            yield One(miss.edit, None, code)


class Groups:
    """Groups of a scheme as numbers, from 0; none is -1."""

    def __init__(self, compiled: CompiledScheme) -> None:
        self.grouper = Grouper(compiled)
        names = [leaf.group if leaf else "" for leaf in compiled.leaves]
        self.number = {name: at for at, name in enumerate(dict.fromkeys(names), -1)}
        self._of_leaf = np.array([self.number[name] for name in names])

    def of(self, batch: Batch) -> NDArray[np.int64]:
        leaves, _ = self.grouper.run(batch)
        return self._of_leaf[leaves]

    def with_each_added(self, case: Case, edit: Edit) -> NDArray[np.int64]:
        """Group with each known code added, by its number; -1 where it is recorded or changes nothing."""
        compiled = self.grouper.scheme
        codes = compiled.procedures if edit is Edit.ADD_PROCEDURE else compiled.diagnoses
        count = len(codes.number)
        sent = compiled.encode((case,))
        diagnoses = np.repeat(sent.diagnoses[np.newaxis], count, axis=0)
        procedures = np.repeat(sent.procedures[np.newaxis], count, axis=0)
        each = np.arange(1, count + 1, dtype=np.int32)
        if edit is Edit.ADD_PROCEDURE:
            procedures = np.column_stack([procedures, each])
        else:
            diagnoses = np.column_stack([diagnoses, each])
        starts = np.arange(count + 1)
        groups = self.of(
            Batch(
                diagnoses.reshape(-1),
                starts * diagnoses.shape[1],
                procedures.reshape(-1),
                starts * procedures.shape[1],
                np.repeat(sent.numbers, count, axis=0),
                np.repeat(sent.values, count, axis=0),
            )
        )
        groups[groups == self.of(sent)] = -1
        groups = np.concatenate([[-1], groups])
        groups[[codes.number.get(code, 0) for code in (*case.diagnoses, *case.procedures)]] = -1
        return groups


def numbers_of(added: Added, codes: Codes) -> NDArray[np.int64]:
    """Numbers of all codes of an addition, without spelling them."""
    chosen = np.zeros(len(added.additions.sizes), bool)
    chosen[list(added.classes)] = True
    recorded = [codes.number.get(code, 0) for code in added.recorded]
    return np.setdiff1d(np.flatnonzero(chosen[added.additions.class_of]), [0, *recorded])


VARIANTS: tuple[Callable[[Case], Case], ...] = (
    lambda case: case,
    lambda case: case,
    lambda case: case._replace(procedures=()),
    lambda case: case._replace(diagnoses=case.diagnoses[:1]),
    lambda case: case._replace(
        diagnoses=(*case.diagnoses, UNKNOWN), procedures=(UNKNOWN, *case.procedures[1:])
    ),
)


def sample(shared: Path, name: str) -> list[Case]:
    found = [expected.case for expected in read(shared, name)]
    step = len(found) // CASES_PER_SCHEME
    chosen = found[::step][:CASES_PER_SCHEME]
    return [VARIANTS[at % len(VARIANTS)](case) for at, case in enumerate(chosen)]


@pytest.mark.parametrize("name", SCHEMES)
def test_real_schemes(name: str, shared: Path, compiled: Callable[[str], CompiledScheme]) -> None:
    scheme = compiled(name)
    groups = Groups(scheme)
    near_misses = NearMisses(groups.grouper)
    cases = sample(shared, name)
    assert len(cases) == CASES_PER_SCHEME
    for case in cases:
        misses = near_misses.find(case)
        assert of_recorded_codes(misses) == recorded_by_trial(groups, case)
        for edit, codes in ((Edit.ADD_DIAGNOSIS, scheme.diagnoses), (Edit.ADD_PROCEDURE, scheme.procedures)):
            found = np.full(len(codes.number) + 1, -1)
            for miss in misses:
                if miss.edit is edit and miss.added:
                    numbers = numbers_of(miss.added, codes)
                    assert len(numbers) == len(miss.added)
                    assert (found[numbers] == -1).all(), "a code is in two near misses"
                    found[numbers] = groups.number[miss.leaf.group]
            np.testing.assert_array_equal(found, groups.with_each_added(case, edit))


def of_recorded_codes(misses: tuple[NearMiss, ...]) -> dict[One, str]:
    return {One(miss.edit, miss.place): miss.leaf.group for miss in misses if miss.added is None}


def recorded_by_trial(groups: Groups, case: Case) -> dict[One, str]:
    return by_trial(groups.grouper, case, edits_of_recorded_codes(case))


def by_trial(grouper: Grouper, case: Case, edits: Iterable[One]) -> dict[One, str]:
    """The edits that lead to another group, each tried."""
    own = grouper.group(case).leaf
    ends = ((one, grouper.group(edited(case, one)).leaf) for one in edits)
    return {one: leaf.group for one, leaf in ends if leaf and (own is None or leaf.group != own.group)}


@settings(max_examples=100, deadline=None)
@given(schemes(), SEEDS)
def test_small_schemes(bundles: Path, scheme: Scheme, seed: int) -> None:
    grouper = Grouper(compiled_at(bundles / "near.bundle", scheme))
    near_misses = NearMisses(grouper)
    for case in random_cases(seed, 10):
        diagnoses = set(scheme.diagnoses).difference(case.diagnoses)
        procedures = set(scheme.procedures).difference(case.procedures)
        additions = [
            *(One(Edit.ADD_DIAGNOSIS, None, code) for code in diagnoses),
            *(One(Edit.ADD_PROCEDURE, None, code) for code in procedures),
        ]
        misses = near_misses.find(case)
        found = [(one, miss.leaf.group) for miss in misses for one in single_edits(miss)]
        assert len(dict(found)) == len(found), "an edit is in two near misses"
        assert dict(found) == by_trial(grouper, case, [*edits_of_recorded_codes(case), *additions])
        for miss in misses:
            assert miss.added is None or len(miss.added) == len(list(miss.added))
            assert_turns(grouper.scheme, case, miss)


def assert_turns(scheme: CompiledScheme, case: Case, miss: NearMiss) -> None:
    """The deciding test is answered otherwise after the edit, by every code that is named."""
    if miss.test is None:
        assert scheme.tree.retry_each_procedure
        return
    before = Facts(case, scheme).test(miss.test)
    for one in islice(single_edits(miss), 20):
        assert Facts(edited(case, one), scheme).test(miss.test) is not before


@pytest.mark.parametrize("name", ["beijing_2022", "changzhou_2022", "foshan_2022", "zhejiang_2022"])
def test_the_deciding_test_turns(name: str, shared: Path, compiled: Callable[[str], CompiledScheme]) -> None:
    scheme = compiled(name)
    near_misses = NearMisses(Grouper(scheme))
    for case in sample(shared, name)[::4]:
        for miss in near_misses.find(case):
            assert_turns(scheme, case, miss)


@pytest.mark.parametrize("name", ["chs_drg_11", "zhejiang_2022"])
def test_codes_of_an_addition_are_counted_found_and_listed_alike(
    name: str, shared: Path, compiled: Callable[[str], CompiledScheme]
) -> None:
    scheme = compiled(name)
    near_misses = NearMisses(Grouper(scheme))
    for case in sample(shared, name)[:8]:
        for miss in near_misses.find(case):
            if miss.added is None:
                continue
            codes = scheme.procedures if miss.edit is Edit.ADD_PROCEDURE else scheme.diagnoses
            listed = list(miss.added)
            assert listed == sorted(set(listed))
            assert len(miss.added) == len(listed) > 0
            assert [code for code in codes.number if code in miss.added] == listed
            assert not any(code in miss.added for code in (*case.diagnoses, *case.procedures, UNKNOWN, ""))


def test_none_where_no_edit_leads_elsewhere(shared: Path, compiled: Callable[[str], CompiledScheme]) -> None:
    groups = Groups(compiled("chs_drg_11"))
    near_misses = NearMisses(groups.grouper)
    alone = [case for _, case, _ in islice(read(shared, "chs_drg_11"), 600) if not near_misses.find(case)]
    assert len(alone) >= 3
    for case in alone:
        assert recorded_by_trial(groups, case) == {}
        assert (groups.with_each_added(case, Edit.ADD_DIAGNOSIS) == -1).all()
        assert (groups.with_each_added(case, Edit.ADD_PROCEDURE) == -1).all()


def test_none_where_one_group_takes_everything(bundles: Path) -> None:
    tables = CodeTables({VALID_PROCEDURES: frozenset()}, {level: {} for level in LEVELS}, {}, {})
    scheme = scheme_of_mdcs([one_rule_mdc(0, parse("always"))], tables)
    near_misses = NearMisses(Grouper(compiled_at(bundles / "one.bundle", scheme)))
    assert near_misses.find(Case(diagnoses=scheme.diagnoses, procedures=scheme.procedures)) == ()


def test_none_before_there_is_a_diagnosis(compiled: Callable[[str], CompiledScheme]) -> None:
    scheme = compiled("chs_drg_11")
    assert NearMisses(Grouper(scheme)).find(Case(procedures=tuple(scheme.procedures.number)[:2])) == ()
