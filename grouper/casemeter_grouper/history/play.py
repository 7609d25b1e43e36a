"""From stays of a made-up history to a file for the EMR simulator: JSON Lines, in the order of time."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NamedTuple

from casemeter_grouper.history.playing.ending import Endings
from casemeter_grouper.history.playing.events import lines_of
from casemeter_grouper.history.playing.stay import Stay

Line = dict[str, Any]
"""One line, as docs/emr_simulator.md has it."""


class Played(NamedTuple):
    """What was written.

    Attributes:
        stays: number of stays.
        events: number of events, one a line.
    """

    stays: int
    events: int


def play(
    stays: Iterable[Stay],
    endings: Endings,
    target: Path,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Played:
    """Write what happened in stays to a file, whole or not at all; without any stay, nothing is written.

    Args:
        stays: at most :data:`~casemeter_grouper.history.playing.stay.MAX_STAYS`.
        endings: the pack that the coder groups by.
        target: compressed where its name ends in ``.gz``; an existing file is replaced.
        seed: hours of the day are drawn from it.
        progress: is told how many stays are done.
    """
    lines: list[Line] = []
    count = 0
    for count, stay in enumerate(stays, 1):
        lines += lines_of(stay, endings.of(stay), seed, endings.name)
        if progress is not None:
            progress(count)
    if not count:
        return Played(0, 0)
    # All in one order of time: all moments have the same offset, so that their texts are in it.
    lines.sort(key=lambda line: (line["event"]["time"], line["encounter_id"], line["event"]["event_id"]))
    with _replacing(target) as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return Played(count, len(lines))


@contextmanager
def _replacing(target: Path) -> Iterator[BufferedIOBase]:
    """Write beside a file, then put it in its place; nothing is left of what failed."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        with partial.open("wb") as plain:
            if target.suffix == ".gz":
                # Without a time and a name in it, the same stays make the same bytes.
                with gzip.GzipFile(fileobj=plain, mode="wb", filename="", mtime=0) as file:
                    yield file
            else:
                yield plain
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
