"""How FHIR codes what the contract asks for: a table, and what a hospital adds to it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from casemeter.v1 import encounter_pb2 as pb

EDITIONS: Final = {
    "insurance": pb.CODE_EDITION_INSURANCE,
    "clinical": pb.CODE_EDITION_CLINICAL,
    "undeclared": pb.CODE_EDITION_UNSPECIFIED,
}


class Extension(NamedTuple):
    """What stands in an extension.

    Attributes:
        url: of the extension.
        fact: of the contract, below what the resource becomes.
        type: of its value.
    """

    url: str
    fact: str
    type: str


@dataclass(frozen=True)
class Systems:
    """Code systems and codes of FHIR as this door reads them.

    Attributes:
        base: before the names of what FHIR has no place for.
        diagnosis: systems of diagnosis codes by edition.
        procedure: systems of procedure codes by edition.
        item: systems of charged and ordered items, the preferred one first.
        gender: sex by ``Patient.gender``.
        verification: state by ``Condition.verificationStatus``.
        use: stage by ``Encounter.diagnosis.use``.
        disposition: way of leaving by code.
        intensive_care: codes that say intensive care.
        inpatient: classes of encounters that are stays.
        status: status of resources that count, by type.
        extensions: by what they belong to.
    """

    base: str
    diagnosis: Mapping[str, tuple[str, ...]]
    procedure: Mapping[str, tuple[str, ...]]
    item: tuple[str, ...]
    gender: Mapping[str, pb.Sex]
    verification: Mapping[str, pb.DiagnosisState]
    use: Mapping[str, pb.DiagnosisPhase]
    disposition: Mapping[str, pb.DischargeWay]
    intensive_care: frozenset[str]
    inpatient: frozenset[str]
    status: Mapping[str, frozenset[str]]
    extensions: Mapping[str, tuple[Extension, ...]]

    def url(self, name: str) -> str:
        """Return the URL of an extension."""
        return f"{self.base}StructureDefinition/{name}"

    def with_own(
        self,
        diagnosis: Mapping[str, Iterable[str]] | None = None,
        procedure: Mapping[str, Iterable[str]] | None = None,
        item: Iterable[str] = (),
        intensive_care: Iterable[str] = (),
    ) -> Systems:
        """Return these with what a hospital adds, its own coming first.

        Args:
            diagnosis: systems by edition.
            procedure: systems by edition.
            item: systems of items.
            intensive_care: codes of places.
        """
        return replace(
            self,
            diagnosis=_added(self.diagnosis, diagnosis or {}),
            procedure=_added(self.procedure, procedure or {}),
            item=(*item, *self.item),
            intensive_care=self.intensive_care.union(intensive_care),
        )


@cache
def shipped_systems() -> Systems:
    """Return the systems that come with the product."""
    text = resources.files("casemeter_server.doors.cds").joinpath("systems.toml").read_text("utf-8")
    table = tomllib.loads(text)
    base = table["base"]
    return Systems(
        base,
        {edition: tuple(table["diagnosis"][edition]) for edition in EDITIONS},
        {edition: tuple(table["procedure"][edition]) for edition in EDITIONS},
        tuple(table["item"]["preferred"]),
        {code: getattr(pb, name) for code, name in table["gender"].items()},
        {code: getattr(pb, name) for code, name in table["verification"].items()},
        {code: getattr(pb, name) for code, name in table["use"].items()},
        {code: getattr(pb, name) for code, name in table["disposition"].items()},
        frozenset(table["intensive_care"]["codes"]),
        frozenset(table["inpatient"]["codes"]),
        {name: frozenset(codes) for name, codes in table["status"].items()},
        {
            owner: tuple(
                Extension(f"{base}StructureDefinition/{name}", entry["fact"], entry["type"])
                for name, entry in entries.items()
            )
            for owner, entries in table["extension"].items()
        },
    )


def _added(
    shipped: Mapping[str, tuple[str, ...]], own: Mapping[str, Iterable[str]]
) -> dict[str, tuple[str, ...]]:
    return {edition: (*own.get(edition, ()), *names) for edition, names in shipped.items()}
