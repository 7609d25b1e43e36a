"""A settlement list or a front page as it is written: the one form that every message is read into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from casemeter.v1 import charges_pb2, error_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.doors.door import Question
from casemeter_server.doors.settlement.values import NO_CELL, Cell


class WrittenDiagnosis(NamedTuple):
    """A diagnosis.

    Attributes:
        code: as written.
        name: as written.
        condition: 入院病情; its text is empty where nothing is written.
        kind: of the contract.
        phase: of the contract.
        place: of all of it.
    """

    code: Cell
    name: Cell
    condition: Cell
    kind: str
    phase: str
    place: str


class WrittenProcedure(NamedTuple):
    """A procedure; begin and end are moments or days."""

    code: Cell
    name: Cell
    begin: Cell
    end: Cell
    place: str


class WrittenIntensiveCare(NamedTuple):
    """A stay in intensive care."""

    begin: Cell
    end: Cell
    duration: Cell
    place: str


class WrittenFee(NamedTuple):
    """What one kind of service cost."""

    category: str
    amount: Cell
    place: str


@dataclass
class Page:
    """What is written on a settlement list or a front page.

    Attributes:
        items: by name in the settlement list; empty text: it is known to be empty.
        diagnoses: the principal one first.
        procedures: the main one first.
        intensive_care: in any order.
        fees: in the order of the message.
        total: of all fees; its text is empty where it is not written.
        fee_system: in which fees are classed.
        edition: in which codes are written.
        departments_in_time: whether stays in departments and in intensive care can be told of such a page.
        nodes: places in the message of whole lists of the encounter.
        faults: what cannot be read.
    """

    fee_system: charges_pb2.CategorySystem
    edition: pb.CodeEdition
    departments_in_time: bool
    nodes: Mapping[str, str] = field(default_factory=dict)
    items: dict[str, Cell] = field(default_factory=dict)
    encounter_id: Cell = NO_CELL
    diagnoses: list[WrittenDiagnosis] = field(default_factory=list)
    procedures: list[WrittenProcedure] = field(default_factory=list)
    intensive_care: list[WrittenIntensiveCare] = field(default_factory=list)
    fees: list[WrittenFee] = field(default_factory=list)
    total: Cell = NO_CELL
    faults: list[error_pb2.FieldFault] = field(default_factory=list)

    def value(self, name: str) -> str:
        """Return what is written in an item; empty: nothing, or that there is nothing."""
        cell = self.items.get(name)
        return "" if cell is None else cell.value

    def cell(self, name: str) -> Cell:
        """Return an item; an empty one where it is not on the page."""
        return self.items.get(name, NO_CELL)


@dataclass(frozen=True)
class CheckQuestion:
    """One stay as a question.

    Attributes:
        question: whatever of it can be read.
        faults: what cannot be read, with places of the message; with any the stay cannot be checked.
        unknown: what could be read but is left unknown: codes of no list, sums that differ.
        row: of the table it was read from, counted from 1 with its header; 0: it was no table.
        envelope: of the message; ``None``: it had none.
        content: what was read: the bytes of a message, or the cells of a row by its titles.
    """

    question: Question
    faults: tuple[error_pb2.FieldFault, ...] = ()
    unknown: tuple[error_pb2.FieldFault, ...] = ()
    row: int = 0
    envelope: Mapping[str, str] | None = None
    content: bytes | Mapping[str, str] = b""
