"""Whether rows share a line out among them, without gap and overlap: bands, ranges of weights, dates."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of a line from 0 on.

    Attributes:
        line: of the row, for faults.
        start: where it starts.
        start_inclusive: whether it takes its start in.
        end: where it ends; ``None``: it is open.
        end_inclusive: whether it takes its end in.
    """

    line: int
    start: Fraction
    start_inclusive: bool
    end: Fraction | None
    end_inclusive: bool


class Break(NamedTuple):
    """A place where spans do not join.

    Attributes:
        kind: ``gap``, ``overlap``, ``reversed`` or ``after_open``.
        line: of the row at which it shows.
        other: line of the row before it, or 0.
        at: the place, in words of the line.
    """

    kind: str
    line: int
    other: int
    at: str


def breaks(spans: Sequence[Span]) -> list[Break]:
    """Return every place where spans fail to share out the line from 0 (taken in) to infinity."""
    found = [
        Break("reversed", span.line, 0, _written(span.end))
        for span in spans
        if span.end is not None
        and (
            span.end < span.start
            or (span.end == span.start and not (span.start_inclusive and span.end_inclusive))
        )
    ]
    if found or not spans:
        return found  # where these belong among the others is open
    ordered = sorted(spans, key=lambda span: (span.start, not span.start_inclusive))
    first, last = ordered[0], ordered[-1]
    if first.start > 0 or not first.start_inclusive:
        found.append(Break("gap", first.line, 0, _between(Fraction(0), first.start)))
    for before, after in pairwise(ordered):
        if before.end is None:
            found.append(Break("after_open", after.line, before.line, _written(after.start)))
        elif after.start < before.end or (
            after.start == before.end and before.end_inclusive and after.start_inclusive
        ):
            found.append(Break("overlap", after.line, before.line, _between(after.start, before.end)))
        elif after.start > before.end or not (before.end_inclusive or after.start_inclusive):
            found.append(Break("gap", after.line, before.line, _between(before.end, after.start)))
    if last.end is not None:
        found.append(Break("gap", last.line, 0, f"> {_written(last.end)}"))
    return found


def _between(start: Fraction, end: Fraction) -> str:
    return _written(start) if start == end else f"{_written(start)}–{_written(end)}"


def _written(value: Fraction | None) -> str:
    return "" if value is None else f"{float(value):.10g}"
