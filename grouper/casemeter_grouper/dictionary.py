"""Dictionaries: the codes that exist, their names, and the maps from the clinical edition."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, eq=False)
class Dictionary:
    """The codes a pack is read against. Equal to itself only: what is derived from it can be remembered.

    Attributes:
        diagnoses: name by diagnosis code (ICD-10, insurance edition).
        procedures: name by procedure code (ICD-9-CM-3, insurance edition).
        diagnosis_map: insurance-edition code by code of the national clinical edition.
        procedure_map: the same for procedures.
    """

    diagnoses: Mapping[str, str]
    procedures: Mapping[str, str]
    diagnosis_map: Mapping[str, str]
    procedure_map: Mapping[str, str]

    @cached_property
    def sha256(self) -> str:
        """Hash of the codes alone, as hex: what prefixes are read against.

        Names and maps do not count: changing a name can move no code into or out of a set.
        """
        digest = hashlib.sha256()
        for codes in (self.diagnoses, self.procedures):
            digest.update("\n".join(sorted(codes)).encode())
            digest.update(b"\n\n")
        return digest.hexdigest()
