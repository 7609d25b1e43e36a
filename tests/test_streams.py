"""Many streams at once. ``CASEMETER_SOAK=100000`` runs the test of the same name over so many cases."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from casemeter_client import EvaluateRequest
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_server.caller import Caller
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot
from streams import compare, questions

CASES = int(os.environ.get("CASEMETER_SOAK", "5000"))
SCHEMES = ("chs_drg_11", "changzhou_2022", "zhejiang_2022", "hefei_2023")


@pytest.fixture(scope="module")
def snapshot(shared: Path, compiled: Callable[[str], CompiledScheme]) -> Snapshot:  # noqa: ARG001 - skips
    return Snapshot.open([compiled(name).path for name in SCHEMES])


def test_64_streams_at_once_get_the_verdicts_computed_alone(shared: Path, snapshot: Snapshot) -> None:
    requests = questions(shared, SCHEMES, CASES)
    assert {request.pack for request in requests} == set(SCHEMES)
    result = compare(snapshot, requests, streams=64)
    assert result.wrong == []
    assert result.count == CASES


def test_a_mixed_up_verdict_would_be_found(
    shared: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = questions(shared, SCHEMES, 40)
    assert compare(snapshot, requests, streams=4).wrong == []
    evaluate = Evaluator.evaluate
    asked: list[EvaluateRequest] = []

    def mixed_up(self: Evaluator, request: EvaluateRequest, *rest: Caller, **options: object) -> object:
        """From the second round on, answer call 7 with the patient of call 8."""
        asked.append(request)
        if len(asked) > len(requests) and request.call_id == "7":
            changed = EvaluateRequest()
            changed.CopyFrom(requests[8])
            changed.call_id = "7"
            request = changed
        return evaluate(self, request, *rest, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Evaluator, "evaluate", mixed_up)
    assert compare(snapshot, requests, streams=4).wrong == ["7"]
