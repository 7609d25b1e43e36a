"""What had come about by the end of a day, and came to be known later.

Every event has a time of its own and a time of arrival. Its own time is that of what it tells, where that has
one: the beginning of a procedure that was done, the time of a charge, the beginning of a segment; else the
``time`` of the event. Its arrival is when it was kept. Late on a day is what events tell whose own time lies
before the end of that day of the hospital's calendar, and which arrived after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import charges_pb2, living_pb2
from casemeter_grouper.case import Case
from casemeter_grouper.reconcile.readings import NOTHING_LATE, Late
from casemeter_server.charges import read_charges
from casemeter_server.encounters.fold import Fold
from casemeter_server.errors import RequestError
from casemeter_server.ledger.keeping import end_of
from casemeter_server.ledger.outcomes import Arrived
from casemeter_server.prepare import KnownCodes, prepare
from casemeter_server.stay_facts import Faults


def late_on(encounter: str, arrived: Arrived, day: date, codes: KnownCodes, zone: tzinfo) -> Late:
    """Return what was late on a day; nothing is, where what was known of it contradicts itself.

    Args:
        encounter: its number.
        arrived: its events.
        day: of the hospital's calendar.
        codes: what the pack of that day knows.
        zone: the hospital's.
    """
    end = end_of(day, zone)
    known = [event for kept_at, event in arrived if kept_at < end]
    late = [event for kept_at, event in arrived if kept_at >= end and own_time(event) < end]
    if not late:
        return NOTHING_LATE
    try:
        before = _stood(encounter, known, end, codes, zone)
        after = _stood(encounter, [*known, *late], end, codes, zone)
    except RequestError:
        return NOTHING_LATE
    return Late(before[0], after[0], before[1], after[1])


def own_time(event: living_pb2.EncounterEvent) -> datetime:
    """Return when what an event tells came about."""
    kind = event.WhichOneof("what")
    moment: Timestamp | None = None
    if kind == "procedure" and not event.procedure.planned:
        done = event.procedure.procedure
        moment = done.start_time if done.HasField("start_time") else None
    elif kind == "charge" and event.charge.line.HasField("time"):
        moment = event.charge.line.time
    elif kind == "segment" and event.segment.segment.HasField("start_time"):
        moment = event.segment.segment.start_time
    return (moment or event.time).ToDatetime(UTC)


def _stood(
    encounter: str,
    events: Iterable[living_pb2.EncounterEvent],
    end: datetime,
    codes: KnownCodes,
    zone: tzinfo,
) -> tuple[Case, int | None]:
    """Return the case and the cost that events come to at the end of a day."""
    fold = Fold(encounter)
    fold.add(events)
    state = fold.state().encounter
    faults: Faults = []
    cost = cost_of(state.charges, read_charges(state, end.timestamp(), zone, None, faults).cost_fen)
    return prepare(state, codes, end.timestamp(), zone, faults).case, cost


def cost_of(charges: charges_pb2.Charges, cost_fen: int) -> int | None:
    """Return a cost; ``None``: there are no charges that it could be of."""
    return cost_fen if charges.lines or charges.daily_totals else None
