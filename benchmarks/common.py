"""What the benchmarks share: the line that says where they ran, processes, limits of time, and tallies."""

from __future__ import annotations

import os
import platform
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType

PACKAGES = ("casemeter", "numpy", "numba", "polars", "grpcio", "protobuf", "safetensors", "orjson")


def machine() -> str:
    """One line: processor, cores, memory, system, Python and the packages that matter."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    computer = f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB"
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{computer}, {system}, {versions}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


class TooSlow(Exception):
    """Something took longer than it may."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`TooSlow` inside the block when it takes longer. For the main thread only."""

    def stop(_: int, __: FrameType | None) -> None:
        raise TooSlow(f"longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class Tally:
    """Outcomes of many trials.

    Attributes:
        outcomes: how often each outcome came.
        failures: what went wrong, each with what is needed to repeat it.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def fail(self, outcome: str, how: str) -> None:
        """Note a trial that broke a promise."""
        self.outcomes[outcome] += 1
        self.failures.append(f"{outcome}: {how}")

    def lines(self) -> Iterator[str]:
        """Yield the counts, the most frequent first, then the failures."""
        for outcome, count in self.outcomes.most_common():
            yield f"{count:>8,}  {outcome}"
        yield from self.failures
