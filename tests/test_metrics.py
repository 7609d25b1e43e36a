"""Metrics: what one process counts, the sum over several, and the page of a running server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_server.drops import drops_shown
from casemeter_server.metrics import BUCKETS_S, STAGES, Metrics, SharedMetrics
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.rows import Access
from casemeter_server.store.store import Store
from live import Live, ask, ask_stream, live, tiny_bundle

TOTAL = STAGES.index("total")


class Histogram(NamedTuple):
    """Observations up to each bound, and their sum in seconds."""

    buckets: dict[float, float]
    seconds: float
    observations: float


def histogram(folder: Path, stage: str = "total") -> Histogram:
    registry = CollectorRegistry()
    registry.register(SharedMetrics(folder))
    (family,) = (found for found in registry.collect() if found.name == "casemeter_stage_seconds")
    samples = [sample for sample in family.samples if sample.labels["stage"] == stage]
    buckets = {float(sample.labels["le"]): sample.value for sample in samples if "le" in sample.labels}
    rest = {sample.name.rpartition("_")[2]: sample.value for sample in samples if "le" not in sample.labels}
    return Histogram(buckets, rest["sum"], rest["count"])


def counters(folder: Path) -> dict[tuple[str, ...], float]:
    registry = CollectorRegistry()
    registry.register(SharedMetrics(folder))
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in registry.collect()
        for sample in family.samples
        if family.type == "counter"
    }


@pytest.mark.parametrize(
    ("nanoseconds", "bound"),
    [
        (0, 10e-6),
        (9_999, 10e-6),
        (10_000, 10e-6),
        (10_001, 20e-6),
        (20_000, 20e-6),
        (999_999, 1e-3),
        (1_000_000_000, 1.0),
        (1_000_000_001, float("inf")),
        (60_000_000_000, float("inf")),
    ],
)
def test_a_duration_counts_from_its_bucket_on(nanoseconds: int, bound: float, tmp_path: Path) -> None:
    Metrics(tmp_path).observe(TOTAL, nanoseconds)
    found = histogram(tmp_path)
    assert list(found.buckets) == [*BUCKETS_S, float("inf")]
    assert found.buckets == {le: float(le >= bound) for le in found.buckets}
    assert found.observations == 1
    assert found.seconds == pytest.approx(nanoseconds / 1e9)


def test_buckets_begin_at_10_microseconds_and_grow() -> None:
    assert BUCKETS_S[0] == 10e-6
    assert list(BUCKETS_S) == sorted(set(BUCKETS_S))


def test_stages_do_not_mix(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    for stage in range(len(STAGES)):
        for _ in range(stage + 1):
            metrics.observe(stage, 15_000)
    for stage, name in enumerate(STAGES):
        found = histogram(tmp_path, name)
        assert (found.buckets[10e-6], found.buckets[20e-6], found.observations) == (0, stage + 1, stage + 1)
        assert found.seconds == pytest.approx((stage + 1) * 15e-6)


def test_counters_are_kept_apart_by_their_labels(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    for method, code in (
        ("Evaluate", "OK"),
        ("Evaluate", "OK"),
        ("Evaluate", "NOT_FOUND"),
        ("ListPacks", "OK"),
    ):
        metrics.count("casemeter_requests", method, code)
    metrics.count("casemeter_verdicts", "tiny", "grouped")
    assert counters(tmp_path) == {
        ("casemeter_requests_total", "Evaluate", "OK"): 2,
        ("casemeter_requests_total", "Evaluate", "NOT_FOUND"): 1,
        ("casemeter_requests_total", "ListPacks", "OK"): 1,
        ("casemeter_verdicts_total", "tiny", "grouped"): 1,
    }


def test_more_counters_than_there_is_room_for_are_not_counted(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, max_counters=2)
    for code in ("OK", "NOT_FOUND", "INTERNAL", "OK"):
        metrics.count("casemeter_requests", "Evaluate", code)
    assert counters(tmp_path) == {
        ("casemeter_requests_total", "Evaluate", "OK"): 2,
        ("casemeter_requests_total", "Evaluate", "NOT_FOUND"): 1,
    }


@pytest.mark.parametrize(
    ("name", "labels"),
    [("casemeter_request", ("Evaluate", "OK")), ("casemeter_requests", ("OK",)), ("casemeter_requests", ())],
)
def test_what_no_table_names_is_not_counted(name: str, labels: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"no counter {name} with {len(labels)} label"):
        Metrics(tmp_path).count(name, *labels)
    assert counters(tmp_path) == {}


def test_what_somebody_else_counts_is_added_up_over_processes(tmp_path: Path) -> None:
    for totals in ((0, 3, 5), (2,)):
        metrics = Metrics(tmp_path)
        for total in totals:
            metrics.reached(total, "casemeter_records_dropped")
    assert counters(tmp_path) == {("casemeter_records_dropped_total",): 7}


def test_what_a_store_drops_is_shown(tmp_path: Path) -> None:
    async def drop(count: int) -> None:
        async with drops_shown(store, metrics):
            for _ in range(count):
                assert not store.record(
                    Access(datetime.now(UTC), "H1", "u", "coder", "", "Evaluate", "E", "H1")
                )

    metrics = Metrics(tmp_path)
    store = Store.open(f"sqlite:///{tmp_path / 'casemeter.db'}", spool_rows=0)
    try:
        asyncio.run(drop(3))
    finally:
        store.close()
    assert counters(tmp_path) == {("casemeter_records_dropped_total",): 3}


PROCESS = """
import sys
from pathlib import Path
from casemeter_server.drops import drops_shown
from casemeter_server.metrics import STAGES, Metrics
metrics = Metrics(Path(sys.argv[1]))
for _ in range(1000):
    metrics.observe(STAGES.index("total"), 30_000)
    metrics.count("casemeter_requests", "Evaluate", "OK")
metrics.count("casemeter_verdicts", "tiny", "grouped")
"""


def test_processes_are_added_up_and_one_that_ended_keeps_its_counts(tmp_path: Path) -> None:
    own = Metrics(tmp_path)
    # In another order than the other processes: each names its own counters.
    own.count("casemeter_verdicts", "tiny", "ambiguous")
    own.count("casemeter_requests", "Evaluate", "OK")
    own.observe(TOTAL, 5_000)
    others = [subprocess.Popen([sys.executable, "-c", PROCESS, str(tmp_path)]) for _ in range(2)]
    assert [other.wait(60) for other in others] == [0, 0]
    assert counters(tmp_path) == {
        ("casemeter_requests_total", "Evaluate", "OK"): 2001,
        ("casemeter_verdicts_total", "tiny", "ambiguous"): 1,
        ("casemeter_verdicts_total", "tiny", "grouped"): 2,
    }
    found = histogram(tmp_path)
    assert (found.buckets[10e-6], found.buckets[20e-6], found.buckets[35e-6], found.observations) == (
        1,
        1,
        2001,
        2001,
    )
    assert found.seconds == pytest.approx(0.060005)


# The page of a server


@pytest.fixture
def server(bundles: Path) -> Iterator[Live]:
    with live(Snapshot.open([tiny_bundle(bundles)]), metrics="127.0.0.1:0") as server:
        yield server


def page(server: Live) -> dict[tuple[str, ...], float]:
    url = f"http://127.0.0.1:{server.running.metrics_port}/metrics"
    with urllib.request.urlopen(url) as reply:
        text = reply.read().decode()
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_page_adds_up_after_many_calls(server: Live) -> None:
    def request(code: str, explain: bool = False, near_misses: bool = False) -> bytes:
        made = EvaluateRequest(
            encounter={"diagnoses": [{"code": code}] if code else []},
            explain=explain,
            near_misses=near_misses,
        )
        made.as_of.FromJsonString("2026-06-01T12:00:00+08:00")
        return made.SerializeToString()

    plain, explained, near = (
        request("I63.900"),
        request("I63.900", explain=True),
        request("I63.900", near_misses=True),
    )
    nothing, unknown = request(""), request("Q99")
    bad = EvaluateRequest(encounter={"age": {"years": -1}}).SerializeToString()
    other = EvaluateRequest(pack="other").SerializeToString()
    with grpc.insecure_channel(server.address) as channel:
        for data in (*[plain] * 10, *[explained] * 5, *[near] * 3, nothing, unknown):
            ask(channel, "Evaluate", data)
        for data in (bad, bad, other, b"\x07"):
            with pytest.raises(grpc.RpcError):
                ask(channel, "Evaluate", data)
        ask_stream(channel, [plain, bad, plain, explained])
        ask(channel, "ListPacks", b"")

    expected = {
        ("casemeter_requests_total", "OK", "Evaluate"): 20,
        ("casemeter_requests_total", "INVALID_ARGUMENT", "Evaluate"): 3,
        ("casemeter_requests_total", "NOT_FOUND", "Evaluate"): 1,
        ("casemeter_requests_total", "OK", "EvaluateStream"): 3,
        ("casemeter_requests_total", "INVALID_ARGUMENT", "EvaluateStream"): 1,
        ("casemeter_requests_total", "OK", "ListPacks"): 1,
        ("casemeter_verdicts_total", "tiny", "grouped"): 21,
        ("casemeter_verdicts_total", "tiny", "not_yet"): 1,
        ("casemeter_verdicts_total", "tiny", "ungroupable"): 1,
        ("casemeter_stage_seconds_count", "total"): 23,
        ("casemeter_stage_seconds_count", "group"): 23,
        ("casemeter_stage_seconds_count", "explain"): 6,
        ("casemeter_stage_seconds_count", "near_misses"): 3,
    }
    # A reply is counted when it is on its way.
    deadline = time.monotonic() + 10
    while (found := page(server))["casemeter_stage_seconds_count", "total"] < 23:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert {key: found.get(key) for key in expected} == expected
    counted = {key for key in found if key[0] in ("casemeter_requests_total", "casemeter_verdicts_total")}
    assert counted <= expected.keys()
    for stage in STAGES:
        values = [found["casemeter_stage_seconds_bucket", str(le), stage] for le in BUCKETS_S]
        whole = found["casemeter_stage_seconds_bucket", "+Inf", stage]
        assert sorted(values) == values
        assert whole == found["casemeter_stage_seconds_count", stage] >= values[-1]
    assert 0 < found["casemeter_stage_seconds_sum", "total"] < 20


def test_a_server_without_a_page_answers_all_the_same(bundles: Path) -> None:
    with (
        live(Snapshot.open([tiny_bundle(bundles)])) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        assert server.running.metrics_port == 0
        ask(channel, "ListPacks", b"")
