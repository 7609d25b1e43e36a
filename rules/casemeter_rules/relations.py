"""Which treatment goes with which diagnosis: rows that are read both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final, NamedTuple

from casemeter_grouper.codes import normalise
from casemeter_rules.codes import Space, normalise_item
from casemeter_rules.columns import Cells, Column, codes, text, words
from casemeter_rules.compiled.book import Book, Told
from casemeter_rules.compiled.layout import FROM, PHASES, RULE, UNTIL
from casemeter_rules.facts import Diagnosis, Item, Procedure, Stay
from casemeter_rules.kind import Context, Example, Hit, Sets, Undecided, Values
from casemeter_rules.recorded import UNUSABLE

KINDS: Final = ("weight_without_evidence", "evidence_without_code", "principal_without_evidence")
"""The kinds whose rows are relations. Each row is read both ways, in whichever of the tables it stands."""

COLUMNS: Final[tuple[Column, ...]] = (
    codes("diagnosis_prefixes", Space.DIAGNOSIS, prefix=True),
    codes("procedure_prefixes", Space.PROCEDURE, required=False, prefix=True),
    codes("item_codes", Space.ITEM, required=False, prefix=True),
    *(words("item_words"), text("name", required=True), text("source", required=True)),
)
"""Columns of the tables of relations, as of the kind ``untreated_complication``."""

KEY: Final = ("diagnosis_prefixes", "procedure_prefixes", "item_codes", "item_words")


_PRINCIPAL: Final = "R69.X00"
_LINE: Final = "encounter.charges.lines[0]"


def check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    """Return what is wrong with a row: it names no treatment."""
    if not cells["procedure_prefixes"] and not cells["item_codes"] and not cells["item_words"]:
        yield (
            "procedure_prefixes",
            "no treatment is named: fill procedure_prefixes, item_codes or item_words",
            "没有写明治疗",
        )


def decide(_: Stay, _values: Values, _sets: Sets) -> Iterator[Hit | Undecided]:
    """Return nothing: a row alone decides nothing, :mod:`casemeter_rules.advice` groups the case anew."""
    return iter(())


def examples(values: Values, _: Context) -> Iterator[Example]:
    """Yield a stay with a diagnosis of a row and nothing that treats it, and stays where something does."""
    listed = {column: [part.strip() for part in values.get(column, "").split("|") if part] for column in KEY}
    principal = Diagnosis(_PRINCIPAL, "encounter.diagnoses[0]", "principal")
    for code in listed["diagnosis_prefixes"]:
        other = Diagnosis(code, "encounter.diagnoses[1]", "other")
        stay = Stay(diagnoses=(principal, other), items=(Item("-", _LINE, name="-"),))
        yield Example(True, stay)
        yield Example(False, stay._replace(diagnoses=(principal,)))
        for procedure in listed["procedure_prefixes"][:1]:
            yield Example(False, stay._replace(procedures=(Procedure(procedure, "encounter.procedures[0]"),)))
        for item in listed["item_codes"][:1]:
            yield Example(False, stay._replace(items=(Item(item, _LINE, name="-"),)))
        for word in listed["item_words"]:
            yield Example(False, stay._replace(items=(Item("-", _LINE, name=word),)))


class Proof(NamedTuple):
    """An order, charge or procedure that is the treatment of a relation.

    Attributes:
        place: of it in the request.
        id: the sender's number of it, else its place.
        said: its name as sent, else its code.
    """

    place: str
    id: str
    said: str


class Relation:
    """One row: diagnoses, and what treats or monitors them.

    Attributes:
        told: what is said of the row.
        pack: id of its pack.
        name: of the treatment.
        phases: in which it decides, as bits.
        valid_from: first day it holds, in days since 1970.
        valid_until: last day.
    """

    def __init__(
        self,
        told: Told,
        pack: str = "",
        phases: int = -1,
        valid_from: int = -(2**31),
        valid_until: int = 2**31 - 1,
    ) -> None:
        self.told = told
        self.pack = pack
        self.name = told.values["name"]
        self.phases = phases
        self.valid_from = valid_from
        self.valid_until = valid_until

    def _listed(self, column: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.told.values.get(column, "").split("|") if part.strip())

    @cached_property
    def _diagnoses(self) -> tuple[str, ...]:
        return tuple(map(normalise, self._listed("diagnosis_prefixes")))

    @cached_property
    def _procedures(self) -> tuple[str, ...]:
        return tuple(map(normalise, self._listed("procedure_prefixes")))

    @cached_property
    def _items(self) -> tuple[str, ...]:
        return tuple(map(normalise_item, self._listed("item_codes")))

    @cached_property
    def _words(self) -> tuple[str, ...]:
        return self._listed("item_words")

    def is_of(self, diagnosis: str) -> bool:
        """Whether a diagnosis is one of the row's."""
        return diagnosis.startswith(self._diagnoses)

    def is_treated_by(self, procedure: str) -> bool:
        """Whether a procedure is one of the row's."""
        return bool(self._procedures) and procedure.startswith(self._procedures)

    def proofs(self, stay: Stay) -> tuple[Proof, ...]:
        """Return what in the stay is the treatment."""
        done = [
            Proof(each.place, each.place, each.name or each.code)
            for each in stay.procedures
            if self.is_treated_by(each.code)
        ]
        given = [
            Proof(item.place, item.id or item.place, item.name or item.code)
            for item in stay.items or ()
            if item.code.startswith(self._items) or any(word in item.name for word in self._words)
        ]
        return (*done, *given)

    def missing(self, stay: Stay) -> Undecided | None:
        """Return the fact without which it cannot be said that the treatment is not there."""
        if self._procedures and any(each.code.startswith(UNUSABLE) for each in stay.procedures):
            return Undecided("procedures")
        if not self._items and not self._words:
            return None
        if stay.items is None:
            return Undecided("items")
        if any((self._items and not item.code) or (self._words and not item.name) for item in stay.items):
            return Undecided("items")
        return None


def relations_of(books: Iterable[Book]) -> tuple[Relation, ...]:
    """Return the relations of rules packs, in order of their ids. Read them once, when packs are loaded."""
    found: dict[str, Relation] = {}
    for book in books:
        for row in book.asked_clauses():
            told = book.told(row[RULE])
            if told.kind in KINDS:
                relation = Relation(told, book.header.id, row[PHASES], row[FROM], row[UNTIL])
                found.setdefault(told.id, relation)
    return tuple(found[number] for number in sorted(found))
