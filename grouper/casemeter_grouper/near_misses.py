"""Near misses: the single edits of a case that lead to another group.

An edit drops one code, promotes one recorded code to principal diagnosis or main procedure, or adds one
known code. Additions are found by reading the scheme: codes that no test can tell apart where they would
stand form one class, and one trial of each class stands for the whole dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, chain

import numpy as np

from casemeter_grouper.additions import Added, Additions, of_diagnoses, of_procedures
from casemeter_grouper.case import Case
from casemeter_grouper.compiled.graph import Layout, compile_tree
from casemeter_grouper.condition import Test
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.kernel import Batch, first_differences
from casemeter_grouper.walker import Leaf


class Edit(StrEnum):
    """What a single edit does."""

    DROP_DIAGNOSIS = "drop_diagnosis"
    DROP_PROCEDURE = "drop_procedure"
    PROMOTE_DIAGNOSIS = "promote_diagnosis"
    PROMOTE_PROCEDURE = "promote_procedure"
    ADD_DIAGNOSIS = "add_diagnosis"
    ADD_PROCEDURE = "add_procedure"


@dataclass(frozen=True, slots=True)
class NearMiss:
    """One way to another group.

    Attributes:
        edit: what is done.
        place: for dropped and promoted codes, the 0-based place of the code among those recorded.
        added: for additions, the codes that do it.
        leaf: where the case would end.
        test: the first test that turns: the fact the other group rests on. ``None`` when the case would end
            there by the scheme's retry with another procedure.
    """

    edit: Edit
    place: int | None
    added: Added | None
    leaf: Leaf
    test: Test | None


@dataclass(frozen=True, slots=True)
class _Trial:
    """An edited case as code numbers."""

    edit: Edit
    place: int | None
    diagnoses: list[int]
    procedures: list[int]
    additions: Additions | None = None
    classes: frozenset[int] = frozenset()


class NearMisses:
    """Finds near misses in one scheme. Immutable; prepared once per scheme."""

    def __init__(self, grouper: Grouper) -> None:
        self._grouper = grouper
        self._scheme = scheme = grouper.scheme
        self._tests = compile_tree(scheme.tree, Layout.of(scheme.tree)).tests
        self._diagnoses = of_diagnoses(scheme)
        self._as_main = of_procedures(scheme, as_main=True)
        # A retry takes each procedure as the only one, which is then the main one.
        retry = scheme.tree.retry_each_procedure
        self._as_other = self._as_main if retry else of_procedures(scheme, as_main=False)

    def find(self, case: Case) -> tuple[NearMiss, ...]:
        """Return every single edit of a case that leads to a group other than its own, in a fixed order.

        Codes already recorded are not added again. A case without a diagnosis has no near miss. The answer
        equals that of trying every edit with every known code.
        """
        if not case.diagnoses:
            return ()
        sent = self._scheme.encode((case,))
        trials = list(self._trials(sent))
        batch = _batch(sent, trials)
        leaves, _ = self._grouper.run(batch)
        nodes = np.empty(len(leaves), np.int32)
        first_differences(self._scheme.mapped, batch, nodes)
        ends = [self._scheme.leaves[leaf] for leaf in leaves.tolist()]
        own = ends[0].group if ends[0] else None
        classes: dict[tuple[int | None, Edit, str, int], tuple[_Trial, Leaf, frozenset[int]]] = {}
        for trial, end, node in zip(trials, ends[1:], nodes[1:].tolist(), strict=True):
            if end is None or end.group == own:
                continue
            key = (trial.place, trial.edit, end.group, node)
            first, leaf, known = classes.get(key, (trial, end, frozenset[int]()))
            classes[key] = first, leaf, known | trial.classes
        misses = [
            self._near_miss(case, trial, leaf, key[3], known) for key, (trial, leaf, known) in classes.items()
        ]
        return tuple(miss for miss in misses if miss.added is None or len(miss.added))

    def _near_miss(
        self, case: Case, trial: _Trial, leaf: Leaf, node: int, classes: frozenset[int]
    ) -> NearMiss:
        recorded = case.diagnoses if trial.edit is Edit.ADD_DIAGNOSIS else case.procedures
        added = Added(trial.additions, classes, recorded) if trial.additions else None
        return NearMiss(trial.edit, trial.place, added, leaf, self._tests[node] if node >= 0 else None)

    def _trials(self, sent: Batch) -> Iterator[_Trial]:
        diagnoses, procedures = sent.diagnoses.tolist(), sent.procedures.tolist()
        for at in range(len(diagnoses)):
            if len(diagnoses) > 1:
                yield _Trial(Edit.DROP_DIAGNOSIS, at, _without(diagnoses, at), procedures)
        for at in range(len(procedures)):
            yield _Trial(Edit.DROP_PROCEDURE, at, diagnoses, _without(procedures, at))
        for at in range(1, len(diagnoses)):
            yield _Trial(Edit.PROMOTE_DIAGNOSIS, at, [diagnoses[at], *_without(diagnoses, at)], procedures)
        for at in range(1, len(procedures)):
            yield _Trial(Edit.PROMOTE_PROCEDURE, at, diagnoses, [procedures[at], *_without(procedures, at)])
        principal = self._scheme.program.diagnosis_class[diagnoses[0]]
        for number, classes in self._diagnoses.trials(int(self._scheme.program.complications[principal, 2])):
            yield _Trial(Edit.ADD_DIAGNOSIS, None, [*diagnoses, number], procedures, self._diagnoses, classes)
        additions = self._as_other if procedures else self._as_main
        for number, classes in additions.trials(-1):
            yield _Trial(Edit.ADD_PROCEDURE, None, diagnoses, [*procedures, number], additions, classes)


def _without(numbers: list[int], place: int) -> list[int]:
    return numbers[:place] + numbers[place + 1 :]


def _batch(sent: Batch, trials: list[_Trial]) -> Batch:
    """The case as sent, then every trial."""
    diagnoses = [sent.diagnoses.tolist(), *(trial.diagnoses for trial in trials)]
    procedures = [sent.procedures.tolist(), *(trial.procedures for trial in trials)]
    return Batch(
        np.fromiter(chain.from_iterable(diagnoses), np.int32),
        np.fromiter(accumulate(map(len, diagnoses), initial=0), np.int64),
        np.fromiter(chain.from_iterable(procedures), np.int32),
        np.fromiter(accumulate(map(len, procedures), initial=0), np.int64),
        np.repeat(sent.numbers, len(diagnoses), axis=0),
        np.repeat(sent.values, len(diagnoses), axis=0),
    )
