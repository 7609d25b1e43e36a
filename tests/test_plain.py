"""The short way for plain requests says what the long way says: drawn requests, in several zones.

test_plain_requests.py has the table of which requests are plain, and requests that are written oddly.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings

from casemeter.v1.service_pb2 import EvaluateRequest, EvaluateResponse
from casemeter_server import evaluation
from casemeter_server.caller import Caller
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator, parse
from casemeter_server.snapshot import Snapshot
from live import pricing, tiny_bundle
from plain_strategies import plain_requests
from request_strategies import requests, tails

ZONES = ("Asia/Shanghai", "America/New_York", "Asia/Kathmandu")
CLOCK_NS = 1_780_300_000_123_456_789  # 2026-06-01


@pytest.fixture(scope="module", params=ZONES)
def evaluator(request: pytest.FixtureRequest, bundles: Path, default_bundle: Path) -> Evaluator:
    packs = [tiny_bundle(bundles), default_bundle, *pricing(bundles)]
    snapshot = Snapshot.open(packs, "", {"H1": "chs_drg_11"})
    return Evaluator(snapshot, ZoneInfo(request.param))


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still, and one call id for calls without one."""
    monkeypatch.setattr(evaluation, "time_ns", lambda: CLOCK_NS)
    monkeypatch.setattr(evaluation, "urandom", lambda count: bytes(range(count)))


def long_way(evaluator: Evaluator, data: bytes) -> bytes:
    """The reply without its timings, or the error."""
    try:
        response = evaluator.evaluate(parse(EvaluateRequest(), data), Caller())
    except RequestError as error:
        return error.error.SerializeToString(deterministic=True)
    response.ClearField("timings")
    return response.SerializeToString(deterministic=True)


def either_way(evaluator: Evaluator, data: bytes) -> bytes:
    """The same of the way that a request over the wire takes; of the reply, the very bytes."""
    try:
        reply = evaluator.evaluate_bytes(data, Caller())
    except RequestError as error:
        return error.error.SerializeToString(deterministic=True)
    timings = EvaluateResponse(timings=EvaluateResponse.FromString(reply.data).timings)
    return reply.data.removesuffix(timings.SerializeToString())


EXAMPLES = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@EXAMPLES
@given(request=requests, tail=tails)
def test_arbitrary_requests(request: EvaluateRequest, tail: bytes, evaluator: Evaluator) -> None:
    data = request.SerializeToString() + tail
    assert either_way(evaluator, data) == long_way(evaluator, data)


@EXAMPLES
@given(request=plain_requests)
def test_requests_at_the_edge_of_what_is_plain(request: EvaluateRequest, evaluator: Evaluator) -> None:
    data = request.SerializeToString()
    assert either_way(evaluator, data) == long_way(evaluator, data)


@EXAMPLES
@given(first=plain_requests, second=plain_requests)
def test_requests_written_one_after_the_other_are_merged(
    first: EvaluateRequest, second: EvaluateRequest, evaluator: Evaluator
) -> None:
    data = first.SerializeToString() + second.SerializeToString()
    assert either_way(evaluator, data) == long_way(evaluator, data)


def test_the_requests_of_these_tests_are_plain_often_enough(evaluator: Evaluator) -> None:
    """Else they would show nothing."""
    found: list[bool] = []

    @settings(EXAMPLES, derandomize=True, database=None)
    @given(request=plain_requests)
    def draw(request: EvaluateRequest) -> None:
        try:
            reply = evaluator.evaluate_bytes(request.SerializeToString(), Caller())
        except RequestError:
            found.append(False)
        else:
            found.append(reply.stages[0] == 0)  # nothing was decoded

    draw()
    assert sum(found) > len(found) / 10
