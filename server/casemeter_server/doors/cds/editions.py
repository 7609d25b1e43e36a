"""Which of the codes of a concept counts: all of one list are read in one edition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.doors.cds.fhir import Coding
from casemeter_server.doors.cds.systems import EDITIONS
from casemeter_server.errors import fault
from casemeter_server.prepare import MAX_CODE, UNUSABLE
from casemeter_server.stay_facts import Faults

_Found = Mapping[str, Coding]


class Coded:
    """Concepts of one list, as codes of one edition.

    Attributes:
        edition: in which they are read, as the contract numbers it.
        codes: of each concept; one that is in no known system is marked, so that it equals no known code.
        unknown: concepts that are in no known system.
        chosen: the coding of each; ``None``: it has none.
    """

    def __init__(
        self, concepts: Sequence[Sequence[Coding]], systems: Mapping[str, Sequence[str]], faults: Faults
    ) -> None:
        """Choose.

        Args:
            concepts: codings of each.
            systems: by edition.
            faults: where it is noted that no edition has them all.
        """
        found = [_by_edition(codings, systems) for codings in concepts]
        known = [one for one in found if one]
        edition = next((name for name in EDITIONS if all(name in one for one in known)), "")
        if not edition:
            _note_mixed(known, faults)
        self.edition = EDITIONS[edition] if edition and known else pb.CODE_EDITION_UNSPECIFIED
        self.codes: list[str] = []
        self.chosen: list[Coding | None] = []
        self.unknown: list[int] = []
        for at, (codings, one) in enumerate(zip(concepts, found, strict=True)):
            chosen = one.get(edition) or (codings[0] if codings else None)
            self.chosen.append(chosen)
            if edition in one and chosen is not None:
                self.codes.append(chosen.code)
            else:
                self.unknown.append(at)
                self.codes.append((UNUSABLE + (chosen.code if chosen else ""))[:MAX_CODE])


_UNDECLARED: Final = "undeclared"


def _by_edition(codings: Sequence[Coding], systems: Mapping[str, Sequence[str]]) -> _Found:
    """Return the first coding of each edition."""
    found: dict[str, Coding] = {}
    for coding in codings:
        for edition in EDITIONS:
            if coding.system in systems[edition] or (not coding.system and edition == _UNDECLARED):
                found.setdefault(edition, coding)
    return found


def _note_mixed(known: Sequence[_Found], faults: Faults) -> None:
    first = next(iter(known[0].values()))
    for one in known[1:]:
        if known[0].keys().isdisjoint(one):
            coding = next(iter(one.values()))
            faults.append(fault(coding.place, "CONTRADICTION", other=f"the edition of {first.place}"))
            return
    # Each shares an edition with the first, but not all the same one.
    faults.append(fault(first.place, "CONTRADICTION", other="the editions of the other codes"))
