"""Answering plain requests from one scheme."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1.verdict_pb2 import (
    NOTE_KIND_GROUPED_BY_ONE_PROCEDURE,
    NOTE_KIND_MAIN_PROCEDURE_NOT_TAKEN,
    Note,
    Verdict,
)
from casemeter_grouper.grouping import Grouper, Status
from casemeter_server.money_stay import MoneyStay
from casemeter_server.plain.request import NOT_PLAIN, OTHER_PACK, ROOM, WAYS, Known, read
from casemeter_server.plain.wire import content_field, number_field, tags
from casemeter_server.prepare import MAX_NAME, SEX
from casemeter_server.verdicts import KnownParts

(_NOTES,) = tags(Verdict, "notes")
_KIND, _CODE = tags(Note, "kind", "code")


class PlainAnswer(NamedTuple):
    """The answer to a plain request.

    Attributes:
        verdict: serialised, as the ordinary way serialises it: what grouping says of it.
        status: how the case ends.
        call_id: of the request; may be empty.
        day: local day of discharge, or else of ``as_of``, in days since 1970-01-01.
        leaf: where the case ends, by the kernel's number.
        charges: first byte and end of the charges, which are not read yet; ``None``: there are none.
        stay: what money needs to know of the stay.
        as_of: in seconds since 1970.
        encounter: first byte and end of the encounter.
        numbers: age in years, age in days, birth weight in grams, length of stay in days, and hours in
            intensive care; NaN where unknown.
        principal: code of the principal diagnosis.
        complications: how many other diagnoses stand as MCC, and how many of the rest as CC.
        has_procedures: whether a procedure is done.
    """

    verdict: bytes
    status: Status
    call_id: bytes
    day: int
    leaf: int
    charges: tuple[int, int] | None
    stay: MoneyStay
    as_of: float
    encounter: tuple[int, int]
    numbers: tuple[float, float, float, float, float]
    principal: str
    complications: tuple[int, int]
    has_procedures: bool


class PlainReader:
    """Answers plain requests by what one scheme knows. Holds nothing of any request."""

    def __init__(self, grouper: Grouper, known_parts: KnownParts) -> None:
        scheme = grouper.scheme
        departments = scheme.value_numbers("department")
        numbers = [scheme.value_numbers("sex").get(SEX.get(sex), 0) for sex in pb.Sex.values()]
        numbers += _numbers_of_ways(scheme.value_numbers("discharge_way"))
        numbers += departments.values()
        known = Known(
            *(scheme.diagnoses.texts, scheme.diagnoses.starts),
            *(scheme.procedures.texts, scheme.procedures.starts),
            values=np.array(numbers, np.int32),
            departments=_padded(departments),
        )
        self._principals = tuple(scheme.diagnoses.number)
        self._scheme = (*scheme.mapped, *known)
        self._end = grouper.end
        self._known_part = known_parts.written

    def answer(
        self, data: bytes, clock: float, named: bool, offsets: NDArray[np.int64]
    ) -> PlainAnswer | str | None:
        """Read a request, group its case and write the verdict.

        Args:
            data: the bytes of an ``EvaluateRequest``.
            clock: the server's clock in seconds since 1970.
            named: whether this scheme is the one that the request names.
            offsets: the hospital's zone, see :func:`~casemeter_server.plain.calendar.offsets_of`.

        Returns:
            The answer; or the pack that the request names, if it does and ``named`` is false; or ``None`` if
            the request is not plain.
        """
        out = bytearray(ROOM)
        found = read(data, out, clock, named, *self._scheme, offsets)
        leaf, attempt, valid, day, written, call_id, call_id_end, pack, pack_end, code, code_end = found[:11]
        if leaf == NOT_PLAIN:
            return None
        if leaf == OTHER_PACK:
            return data[pack:pack_end].decode()
        verdict = self._known_part(leaf) + out[:written]
        procedure = data[code:code_end]
        outcome = self._end(leaf, attempt, valid, procedure.decode())
        if outcome.main_procedure_not_taken:
            verdict += _note(NOTE_KIND_MAIN_PROCEDURE_NOT_TAKEN, procedure)
        if outcome.only_procedure:
            verdict += _note(NOTE_KIND_GROUPED_BY_ONE_PROCEDURE, procedure)
        *places, is_open, day_of_stay, as_of, los_days, icu_hours = found[11:22]
        years, days, weight, encounter, encounter_end, principal, major, minor, procedures = found[22:]
        charges, charges_end, insurance, insurance_end, department, department_end = places
        stay = MoneyStay(
            insurance=data[insurance:insurance_end].decode(),
            department=data[department:department_end].decode(),
            los_days=None if isnan(los_days) else int(los_days),
            day_of_stay=day_of_stay or None,
            icu_hours=None if isnan(icu_hours) else icu_hours,
            is_discharged=not is_open,
            is_ending=not is_open,
        )
        return PlainAnswer(
            verdict,
            outcome.status,
            data[call_id:call_id_end],
            day,
            leaf,
            (charges, charges_end) if charges else None,
            stay,
            as_of,
            (encounter, encounter_end),
            (years, days, weight, los_days, icu_hours),
            self._principals[principal - 1],
            (major, minor),
            procedures > 0,
        )


def _note(kind: int, code: bytes) -> bytes:
    """Return a note as a field of the verdict, the last one where nothing is explained."""
    return content_field(_NOTES, number_field(_KIND, kind) + content_field(_CODE, code))


def _numbers_of_ways(numbers: Mapping[str | None, int]) -> list[int]:
    """Return the kernel's number of each way of leaving; -1 where there is none."""
    known = pb.DischargeWay.values()
    return [numbers.get(str(way), 0) if way in known else -1 for way in range(WAYS)]


def _padded(departments: Mapping[str | None, int]) -> NDArray[np.uint8]:
    """Return departments as rows of bytes; one too long for any request is an empty row, equal to none."""
    rows = np.zeros((len(departments), MAX_NAME), np.uint8)
    for row, name in zip(rows, departments, strict=True):
        written = (name or "").encode()
        if len(written) <= MAX_NAME:
            row[: len(written)] = np.frombuffer(written, np.uint8)
    return rows
