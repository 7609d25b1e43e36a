"""The tables of codes, and whether a part of one speaks of diagnoses or of procedures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from casemeter_grouper.pack.tables import Columns
from casemeter_grouper.scheme import Tree

SETS, VALID, COMPLICATIONS, EXCLUSIONS, TRAUMA = (
    "code_sets.csv",
    "valid_procedures.csv",
    "complications.csv",
    "exclusions.csv",
    "trauma_sites.csv",
)
_MATCH = ("match",)
CODE_TABLES: Mapping[str, tuple[str, tuple[str, ...], Columns]] = {
    SETS: ("code", ("set",), Columns(("set", "code"), (), _MATCH)),
    VALID: ("code", (), Columns(("code",), (), ("name", *_MATCH))),
    COMPLICATIONS: (
        "code",
        ("level", "exclusion_table"),
        Columns(("code", "level"), ("exclusion_table",), _MATCH),
    ),
    EXCLUSIONS: (
        "principal_code",
        ("exclusion_table",),
        Columns(("principal_code", "exclusion_table"), (), _MATCH),
    ),
    TRAUMA: ("code", ("site",), Columns(("code", "site"), (), _MATCH)),
}
"""The tables of codes: the column of the code, the columns of what it belongs to, and all columns."""


class Domain(Enum):
    """Which codes a key of a table speaks of."""

    DIAGNOSES = 0
    PROCEDURES = 1
    EITHER = 2
    """A set that conditions use for both kinds or for none: the first character of a code tells."""

    def kind(self, code: str) -> int:
        """0 when a code of this domain is a diagnosis, 1 when it is a procedure."""
        return int(is_procedure(code)) if self is Domain.EITHER else int(self is Domain.PROCEDURES)


def is_procedure(code: str) -> bool:
    """Whether a code looks like ICD-9-CM-3, which begins with a digit; ICD-10 begins with a letter."""
    return code[0].isdigit()


@dataclass(frozen=True)
class Domains:
    """Finds the domain of a key from the way conditions use its set."""

    diagnosis_sets: frozenset[str]
    procedure_sets: frozenset[str]

    @classmethod
    def of_tree(cls, tree: Tree) -> Domains:
        """Read the use of every set from the conditions of a tree."""
        diagnosis, procedure = tree.sets_used
        return cls(frozenset(diagnosis), frozenset(procedure))

    def of(self, file: str, key: tuple[str, ...]) -> Domain:
        """Domain of one key of one table."""
        if file != SETS:
            return Domain.PROCEDURES if file == VALID else Domain.DIAGNOSES
        for_diagnoses, for_procedures = key[0] in self.diagnosis_sets, key[0] in self.procedure_sets
        if for_diagnoses == for_procedures:
            return Domain.EITHER
        return Domain.PROCEDURES if for_procedures else Domain.DIAGNOSES


def by_domain(diagnoses: Collection[str], procedures: Collection[str]) -> Mapping[Domain, Sequence[str]]:
    """Return the codes of each domain, sorted."""
    either = [code for code in diagnoses if not is_procedure(code)]
    either += [code for code in procedures if is_procedure(code)]
    return {
        Domain.DIAGNOSES: sorted(diagnoses),
        Domain.PROCEDURES: sorted(procedures),
        Domain.EITHER: sorted(set(either)),
    }
