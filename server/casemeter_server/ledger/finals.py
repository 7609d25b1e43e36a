"""The final reading of a stay: the case that a final group is of, and the version of its pack."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from casemeter.v1 import encounter_pb2, living_pb2
from casemeter_grouper.codes import normalise
from casemeter_grouper.reconcile.causes import Why
from casemeter_grouper.reconcile.readings import Reading
from casemeter_grouper.reconcile.versions import Version, Versions
from casemeter_server.charges import read_charges
from casemeter_server.errors import RequestError
from casemeter_server.ledger.lateness import cost_of
from casemeter_server.ledger.outcomes import FinalGroup
from casemeter_server.prepare import UNUSABLE, prepare
from casemeter_server.stay_facts import Faults


class Usual(NamedTuple):
    """The pack that grouped a stay so far.

    Attributes:
        pack: its id.
        version: of it; ``None``: it is not at hand.
    """

    pack: str
    version: Version | None


def discharge_day(encounter: encounter_pb2.Encounter, zone: tzinfo) -> str:
    """Return the local day of discharge as ``YYYY-MM-DD``; empty: unknown."""
    if not encounter.HasField("discharge_time"):
        return ""
    return encounter.discharge_time.ToDatetime(UTC).astimezone(zone).date().isoformat()


def version_of(final: FinalGroup, versions: Versions, usual: Usual, day: str) -> Version | None:
    """Return the version of the pack that a final group is of; ``None``: it is not at hand.

    Args:
        final: the final group.
        versions: that are at hand.
        usual: what is meant where the final group names no pack, or no version.
        day: of discharge; empty: unknown.
    """
    if final.pack_sha256:
        return versions.by_hash(final.pack_sha256)
    return versions.named(final.pack or usual.pack, final.pack_version, day, usual.version)


def coded(
    final: FinalGroup, version: Version, state: living_pb2.EncounterState, zone: tzinfo
) -> Reading | Why:
    """Return the reading of a stay that a final group is of.

    The facts are those of the stay as it is known now, or of the sealed page. The codes are those that were
    told; without any, those that the stay has now.

    Args:
        final: the final group.
        version: of its pack.
        state: of the encounter, with all its events.
        zone: the hospital's.
    """
    if final.case is not None:
        return Reading(final.case, version, final.cost_fen)
    encounter = state.encounter
    moment = (
        encounter.discharge_time.ToDatetime(UTC)
        if encounter.HasField("discharge_time")
        else datetime.now(UTC)
    )
    faults: Faults = []
    cost = final.cost_fen
    if cost is None:
        cost = cost_of(
            encounter.charges, read_charges(encounter, moment.timestamp(), zone, None, faults).cost_fen
        )
    try:
        case = prepare(encounter, version, moment.timestamp(), zone, faults).case
    except RequestError:
        return Why.NO_CODES
    if final.diagnoses:
        case = case._replace(
            diagnoses=_used(final.diagnoses, version.diagnoses.number),
            procedures=_used(final.procedures, version.procedures.number),
        )
    return Reading(case, version, cost) if case.diagnoses else Why.NO_CODES


def settled(final: FinalGroup, version: Version, before: Reading) -> Reading:
    """Return the reading that the bureau settled by: the coder's, with what the bureau told of its own."""
    case = before.case
    if final.diagnoses:
        case = case._replace(
            diagnoses=_used(final.diagnoses, version.diagnoses.number),
            procedures=_used(final.procedures, version.procedures.number),
        )
    return Reading(case, version, before.cost_fen if final.cost_fen is None else final.cost_fen)


def _used(codes: tuple[str, ...], known: Mapping[str, int]) -> tuple[str, ...]:
    """Return codes as they are grouped; those that the pack does not know keep their places."""
    written = map(normalise, codes)
    return tuple(code if code in known else UNUSABLE + code for code in written)
