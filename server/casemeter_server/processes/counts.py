"""What the supervisor itself counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class ProcessCounts(Collector):
    """Processes that are ready, and processes that were replaced.

    Attributes:
        ready: by kind.
        replaced: by kind and reason: how a process ended, or ``reload``.
    """

    def __init__(self) -> None:
        self.ready: Counter[str] = Counter()
        self.replaced: Counter[tuple[str, str]] = Counter()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        ready = GaugeMetricFamily(
            "casemeter_processes", "Processes that are ready, by kind.", labels=("kind",)
        )
        for kind, count in sorted(self.ready.items()):
            ready.add_metric((kind,), count)
        yield ready
        replaced = CounterMetricFamily(
            "casemeter_restarts",
            "Processes that were replaced, by kind and by how the one before ended.",
            labels=("kind", "reason"),
        )
        for labels, count in sorted(self.replaced.items()):
            replaced.add_metric(labels, count)
        yield replaced
