"""Items of the front page and the settlement list: as sent by name, else as typed facts of the stay."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

from casemeter_rules.coding.tables import parts, spellings
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Procedure, Stay

PAGE: Final = "encounter.front_page."
"""Begins the place of an item that was sent by name."""

_NOTHING: Final = ("-", "--", "—", "——", "/", "无", "N/A")
_EPOCH: Final = datetime.datetime(1970, 1, 1)
_NUMBER: Final = re.compile(r"\d+(\.\d+)?\Z", re.ASCII)


class Entry(NamedTuple):
    """What is written in an item.

    Attributes:
        place: in the request.
        text: what is written, without blanks around it; empty: it is known to be empty.
        minute: of an item that is a moment and came as a typed fact.
    """

    place: str
    text: str
    minute: int | None = None

    @property
    def filled(self) -> bool:
        """Whether something is written, and be it only that there is nothing."""
        return bool(self.text)

    @property
    def says_nothing(self) -> bool:
        """Whether nothing is written, or only that there is nothing (``-``)."""
        return not self.text or self.text in _NOTHING


def entries(stay: Stay, field: str) -> list[Entry]:
    """Return what is written in an item, each time the page has it. Empty: it is not known."""
    sent = _sent(stay, field)
    if sent:
        return sent
    typed = _TYPED.get(field)
    return [] if typed is None else typed(stay)


def has_none(stay: Stay, field: str) -> bool:
    """Whether the page is known not to have an item: no operation was done, nobody was in intensive care."""
    if field.startswith("oprn_"):
        return not stay.procedures
    if field.startswith("scs_cutd_"):
        return bool(stay.segments) and not any(segment.intensive_care for segment in stay.segments)
    return False


def entry(stay: Stay, field: str) -> Entry | None:
    """Return what is written in an item that a page has once; ``None``: it is not known."""
    found = entries(stay, field)
    return found[0] if found else None


def number(text: str) -> Decimal | None:
    """Return a number that is written plainly, zero for nothing; ``None``: it is none."""
    text = text.replace(",", "")
    if not text or text in _NOTHING:
        return Decimal(0)
    try:
        return Decimal(text) if _NUMBER.match(text.removeprefix("-")) else None
    except InvalidOperation:
        return None


def duration(text: str) -> int | None:
    """Return the minutes of days, hours and minutes written ``1/13/24``; ``None``: it is not written so."""
    pieces = text.split("/")
    if len(pieces) != 3 or not all(
        piece.isascii() and piece.isdigit() and len(piece) < 6 for piece in pieces
    ):
        return None
    days, hours, minutes = map(int, pieces)
    return days * MINUTES_PER_DAY + hours * 60 + minutes


def _sent(stay: Stay, field: str) -> list[Entry]:
    fields = stay.fields
    if fields is None:
        return []
    for name in (field, *spellings().get(field, ())):
        if name in fields:
            return [Entry(PAGE + name, fields[name].strip())]
    whole = parts().get(field)
    if whole is not None and whole[0] in fields:
        pieces = fields[whole[0]].strip().split("/")
        part = pieces[whole[1]] if len(pieces) == 3 else ""
        return [Entry(PAGE + whole[0], part)]
    return []


def _minute_text(minute: int) -> str:
    return (_EPOCH + datetime.timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M")


def _moment(place: str, minute: int | None) -> list[Entry]:
    return [] if minute is None else [Entry(place, _minute_text(minute), minute)]


def _plain(place: str, value: object) -> list[Entry]:
    return [] if value is None else [Entry(place, f"{value:g}" if isinstance(value, float) else str(value))]


def in_case(stay: Stay) -> list[Diagnosis]:
    """Return the diagnoses that take part in the case, in the order of the request."""
    return [diagnosis for diagnosis in stay.diagnoses if diagnosis.role]


def _conditions(stay: Stay) -> list[Entry]:
    found = in_case(stay)
    if not any(diagnosis.admission_condition for diagnosis in found):
        return []
    return [
        Entry(f"{diagnosis.place}.admission_condition", str(diagnosis.admission_condition or ""))
        for diagnosis in found
    ]


def _operators(stay: Stay) -> list[Entry]:
    # Who sends the operator of one procedure sends that of all.
    if not any(procedure.operator for procedure in stay.procedures):
        return []
    return [Entry(f"{procedure.place}.operator", procedure.operator) for procedure in stay.procedures]


def _times(read: Callable[[Procedure], int | None], name: str) -> Callable[[Stay], list[Entry]]:
    def typed(stay: Stay) -> list[Entry]:
        minutes = [read(procedure) for procedure in stay.procedures]
        if all(minute is None for minute in minutes):
            return []
        return [
            Entry(f"{procedure.place}.{name}", "" if minute is None else _minute_text(minute), minute)
            for procedure, minute in zip(stay.procedures, minutes, strict=True)
        ]

    return typed


def _intensive(name: str) -> Callable[[Stay], list[Entry]]:
    def typed(stay: Stay) -> list[Entry]:
        found: list[Entry] = []
        for segment in stay.segments:
            if segment.intensive_care:
                minute = segment.start if name == "start" else segment.end
                text = "" if minute is None else _minute_text(minute)
                found.append(Entry(f"{segment.place}.{name}", text, minute))
        return found

    return typed


def _sex(stay: Stay) -> list[Entry]:
    return [] if stay.sex is None else [Entry("encounter.sex", {"M": "1", "F": "2"}[stay.sex])]


def _days_of_infant(stay: Stay) -> list[Entry]:
    # Of older patients the item is empty.
    if stay.age_years is not None and stay.age_years >= 1:
        return [Entry("encounter.age", "")]
    return _plain("encounter.age.days", stay.age_days)


_TYPED: Final[Mapping[str, Callable[[Stay], list[Entry]]]] = {
    "gend": _sex,
    "age": lambda stay: _plain("encounter.age.years", stay.age_years),
    "nwb_age": _days_of_infant,
    "adm_time": lambda stay: _moment("encounter.admission_time", stay.admission),
    "dscg_time": lambda stay: _moment("encounter.discharge_time", stay.discharge),
    "dscg_way": lambda stay: _plain("encounter.discharge_way", stay.discharge_way),
    "dscg_caty": lambda stay: _plain("encounter.department", stay.department),
    "nwb_bir_wt": lambda stay: _plain("encounter.newborn.birth_weight_g", stay.birth_weight_g),
    "nwb_adm_wt": lambda stay: _plain("encounter.newborn.admission_weight_g", stay.admission_weight_g),
    "adm_cond_type": _conditions,
    "diag_code": lambda stay: [Entry(f"{each.place}.code", each.code) for each in in_case(stay)],
    "oprn_oprt_code": lambda stay: [Entry(f"{each.place}.code", each.code) for each in stay.procedures],
    "oper_dr_code": _operators,
    "oprn_oprt_date": _times(lambda procedure: procedure.start, "start_time"),
    "oprn_oprt_begntime": _times(lambda procedure: procedure.start, "start_time"),
    "oprn_oprt_endtime": _times(lambda procedure: procedure.end, "end_time"),
    "scs_cutd_inpool_time": _intensive("start"),
    "scs_cutd_exit_time": _intensive("end"),
}
