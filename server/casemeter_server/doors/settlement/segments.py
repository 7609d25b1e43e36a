"""From departments without times, and intensive care with them, to segments that follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import encounter_pb2 as pb


class Intensive(NamedTuple):
    """A stay in intensive care; ``row`` is the one it was written in."""

    begin: Timestamp
    end: Timestamp | None
    row: int


class Stay(NamedTuple):
    """What is known of where a patient was.

    Attributes:
        admission: ``None``: unknown.
        discharge: ``None``: unknown, or still in hospital.
        first: department on admission; empty: unknown.
        last: department on discharge; empty: unknown.
        moved: whether there were other departments in between.
    """

    admission: Timestamp | None
    discharge: Timestamp | None
    first: str
    last: str
    moved: bool


def segments_of(stay: Stay, intensive: Sequence[Intensive]) -> list[tuple[pb.Segment, int]]:
    """Return the segments of a stay in the order of time, each with its row of intensive care (-1: none).

    One department holds for the whole stay, but for intensive care. When a patient changed from one to
    another is not written: only the first moment is then told of the first, and the last of the last.
    """
    rows = sorted(intensive, key=lambda one: _order(one.begin))
    found: list[tuple[pb.Segment, int]] = []
    throughout = stay.first if stay.first == stay.last and not stay.moved else ""
    free = stay.admission
    if stay.first and not throughout and stay.admission is not None:
        found.append((_segment(stay.first, stay.admission, stay.admission), -1))
    for one in rows:
        if throughout and free is not None and _order(free) < _order(one.begin):
            found.append((_segment(throughout, free, one.begin), -1))
        segment = pb.Segment(intensive_care=True)
        segment.start_time.CopyFrom(one.begin)
        if one.end is not None:
            segment.end_time.CopyFrom(one.end)
        found.append((segment, one.row))
        free = one.end
    if throughout and free is not None:
        found.append((_segment(throughout, free, stay.discharge), -1))
    elif stay.last and not throughout and stay.discharge is not None:
        found.append((_segment(stay.last, stay.discharge, stay.discharge), -1))
    return found


def _segment(department: str, begin: Timestamp, end: Timestamp | None) -> pb.Segment:
    segment = pb.Segment(department=department)
    segment.start_time.CopyFrom(begin)
    if end is not None:
        segment.end_time.CopyFrom(end)
    return segment


def _order(moment: Timestamp) -> tuple[int, int]:
    return moment.seconds, moment.nanos
