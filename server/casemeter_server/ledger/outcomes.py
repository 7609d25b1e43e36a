"""Final groups: the coder's and the bureau's, by whichever way they were told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from casemeter.v1 import encounter_pb2, living_pb2, verdict_pb2
from casemeter_grouper.case import Case
from casemeter_server.errors import RequestError
from casemeter_server.ledger.asking import Asker
from casemeter_server.ledger.content import case_of, case_values
from casemeter_server.store.rows import ToldOutcome

CODER: Final = "coder"
BUREAU: Final = "bureau"
SOURCES: Final = {
    living_pb2.OUTCOME_SOURCE_CODER: CODER,
    living_pb2.OUTCOME_SOURCE_BUREAU: BUREAU,
}
"""Names of sources, by their numbers in the contract."""

SEAL: Final = "seal"
FILE: Final = "file"

Arrived = Sequence[tuple[datetime, living_pb2.EncounterEvent]]
"""Events of an encounter, each with the moment it was kept."""


class FinalGroup(NamedTuple):
    """A final group, as it was told.

    Attributes:
        source: who put the stay there: :data:`CODER` or :data:`BUREAU`.
        group: its code.
        pack: id of the pack; empty: the hospital's default.
        pack_version: its version; empty: that of the day of discharge.
        pack_sha256: hash of its bundle; empty: not told.
        diagnoses: that it was grouped with, the principal one first; empty: not told.
        procedures: likewise; they count only where diagnoses were told.
        case: the whole case that it was grouped with; ``None``: not told.
        cost_fen: whole cost; ``None``: not told.
        payment_fen: what was paid; ``None``: not told.
    """

    source: str
    group: str
    pack: str = ""
    pack_version: str = ""
    pack_sha256: str = ""
    diagnoses: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    case: Case | None = None
    cost_fen: int | None = None
    payment_fen: int | None = None


def finals_of(
    told: Iterable[ToldOutcome], arrived: Arrived, state: living_pb2.EncounterState
) -> dict[str, FinalGroup]:
    """Return the final groups of a stay by source; of one told by several ways, the one told last.

    Args:
        told: otherwise than by events.
        arrived: the events of the stay.
        state: that they come to.
    """
    found = {outcome.source: (outcome.at, _of_row(outcome)) for outcome in told}
    for event in state.outcomes:
        source = SOURCES.get(event.source)
        if source is None or not event.HasField("outcome"):
            continue
        at = _told_at(arrived, event.source)
        if source not in found or at >= found[source][0]:
            found[source] = at, _of_event(source, event.outcome)
    return {source: final for source, (_, final) in found.items()}


def sealed(
    asker: Asker,
    hospital: str,
    encounter: str,
    page: encounter_pb2.Encounter | None,
    verdict: verdict_pb2.Verdict,
    at: datetime,
) -> ToldOutcome | None:
    """Return the final group that a sealed page tells; ``None``: the stay has no number, or no group.

    Args:
        asker: reads the case of the page.
        hospital: of the stay.
        encounter: its number.
        page: what was sealed; ``None``: not at hand.
        verdict: on it.
        at: when it was sealed.
    """
    if not encounter or not verdict.group.code:
        return None
    content: dict[str, Any] = {"pack_sha256": verdict.pack.bundle_sha256}
    if page is not None:
        try:
            asked = asker.ask(hospital, page, verdict.as_of.ToDatetime(at.tzinfo), verdict.pack.id)
        except RequestError:
            pass  # it has a verdict, but a newer snapshot no longer answers: the group is told without codes
        else:
            content |= {"case": case_values(asked.case), "cost_fen": asked.cost_fen}
    return ToldOutcome(
        hospital,
        encounter,
        CODER,
        at,
        SEAL,
        verdict.group.code,
        verdict.pack.id,
        verdict.pack.version,
        orjson.dumps(content).decode(),
    )


def _of_row(row: ToldOutcome) -> FinalGroup:
    values = orjson.loads(row.content)
    case = values.get("case")
    return FinalGroup(
        row.source,
        row.group,
        row.pack,
        row.pack_version,
        values.get("pack_sha256", ""),
        tuple(values.get("diagnoses", ())),
        tuple(values.get("procedures", ())),
        case_of(case) if case else None,
        values.get("cost_fen"),
        values.get("payment_fen"),
    )


def _of_event(source: str, outcome: living_pb2.Outcome) -> FinalGroup:
    return FinalGroup(
        source,
        outcome.group,
        outcome.pack,
        outcome.pack_version,
        "",
        tuple(outcome.diagnoses),
        tuple(outcome.procedures),
        None,
        outcome.cost_fen if outcome.HasField("cost_fen") else None,
        outcome.payment_fen if outcome.HasField("payment_fen") else None,
    )


def _told_at(arrived: Arrived, source: int) -> datetime:
    """Return when the last event of a source was kept."""
    return max(
        kept_at
        for kept_at, event in arrived
        if event.WhichOneof("what") == "outcome" and event.outcome.source == source
    )
