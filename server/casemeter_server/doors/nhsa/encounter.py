"""From one visit of a message to an encounter: what stands in the message, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple

from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.charges import FEN_PER_YUAN, is_number
from casemeter_server.doors.nhsa.facts import FIELDS, table
from casemeter_server.doors.nhsa.tree import Node
from casemeter_server.doors.nhsa.values import STILL_HERE, Moment, plain_text

MAX_ID: Final = 50
"""The longest number of a person, visit or order, which replies repeat."""

_PLACE: Final = re.compile(r"\[\d+\]")
_FEN: Final = Decimal("0.01")
_NO_NUMBER: Final = Decimal(0)
_MOST_YUAN: Final = Decimal(10**15)
_WORKING: Final = int(pb.DIAGNOSIS_PHASE_WORKING)
_OF_AN_ORDER: Final = ("rx_id", "hilist_code", "hilist_name", "hosplist_code", "hosplist_name", "sumamt")


class Places(Mapping[str, str]):
    """Places of the request, and those of the message they were read from."""

    def __init__(self, rows: Mapping[str, str]) -> None:
        """Take the places of entries, and of fields that are read from elsewhere than the others."""
        self._rows = rows

    def __getitem__(self, place: str) -> str:
        if place in self._rows:
            return self._rows[place]
        owner, _, _ = place.rpartition(".")
        path = _PLACE.sub("", place).removeprefix("encounter.")
        if owner in self._rows and path in FIELDS:
            return f"{self._rows[owner]}.{FIELDS[path]}"
        raise KeyError(place)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@dataclass
class StayRead:
    """One visit, read.

    Attributes:
        encounter: what is known of the stay.
        rows: places of its entries in the message.
        ids: the sender's numbers of its entries.
        total_differs: the sender's total is that of more or less than the orders that were sent.
    """

    encounter: pb.Encounter
    rows: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    total_differs: bool = False

    def note(self, owner: str, at: int, node: Node, number: str) -> None:
        """Note where an entry was read from, and its number."""
        place = f"encounter.{owner}[{at}]"
        self.rows[place] = node.place
        if number:
            self.ids[place] = number


def read_stay(patient: Node, visit: Node, zone: tzinfo, levels: Mapping[str, int]) -> StayRead:
    """Return the encounter of a visit, but for its number; what cannot be used is noted at the nodes.

    Args:
        patient: whose visit it is.
        visit: the visit.
        zone: the hospital's zone, in whose time the message is written.
        levels: levels of hospitals by the codes that the caller sends.
    """
    read = StayRead(pb.Encounter())
    encounter = read.encounter
    read.rows["encounter"] = visit.place
    for place, node, name in (
        ("sex", patient, "gend"),
        ("birth_date", patient, "brdy"),
        ("person_key", patient, "patn_id"),
        ("charges", visit, "fsi_order_dtos"),
        ("orders", visit, "fsi_order_dtos"),
        ("diagnoses", visit, "fsi_diagnose_dtos"),
        ("procedures", visit, "fsi_operation_dtos"),
        ("charges.total_fen", visit, "medfee_sumamt"),
    ):
        read.rows[f"encounter.{place}"] = node.place_of(name)
    encounter.person_key = patient.text("patn_id", MAX_ID)
    encounter.insurance_type = visit.text("insutype")
    encounter.sex = getattr(pb, patient.code("gend", table("codes.toml")["gend"], "SEX_UNSPECIFIED"))
    if (born := patient.moment("brdy", zone)) is not None:
        encounter.birth_date = born.at.date().isoformat()
    level = {**table("codes.toml")["medins_lv"], **levels}.get(visit.text("medins_lv"))
    if level is not None:
        encounter.facility.level = level
    admission = visit.moment("adm_date", zone)
    if admission is not None:
        encounter.admission_time.seconds = _seconds(admission)
    discharge = _discharge(visit.moment("dscg_date", zone), admission)
    if discharge is not None:
        encounter.discharge_time.seconds = discharge
    _read_diagnoses(visit, read)
    _read_procedures(visit, read, zone, admission)
    _read_orders(visit, read, zone, admission)
    return read


def _seconds(moment: Moment) -> int:
    return int(moment.at.timestamp())


def _discharge(discharge: Moment | None, admission: Moment | None) -> int | None:
    """Return when the patient left; ``None``: still in hospital, whichever way that is written."""
    if discharge is None or discharge.at.year == STILL_HERE:
        return None
    if admission is not None:
        same_day = admission.at.date() == discharge.at.date()
        if admission.at == discharge.at or (discharge.whole_day and same_day):
            return None
    at = discharge.at.replace(hour=23, minute=59, second=59) if discharge.whole_day else discharge.at
    return int(at.timestamp())


def _within(moment: Moment | None, admission: Moment | None) -> int | None:
    """Return a moment of the stay; ``None``: unknown.

    Of a bare day its beginning is taken, but not on the day of admission, before which it would lie.
    """
    if moment is None:
        return None
    if moment.whole_day and admission is not None and moment.at < admission.at:
        same_day = moment.at.date() == admission.at.astimezone(moment.at.tzinfo).date()
        return None if same_day else _seconds(moment)
    return _seconds(moment)


class _Row(NamedTuple):
    """A diagnosis of the message."""

    node: Node
    phase: int
    main: bool
    order: int | None


def _read_diagnoses(visit: Node, read: StayRead) -> None:
    rows = [_row(node) for node in visit.nodes("fsi_diagnose_dtos") if _is_filled(node, "dise")]
    rows.sort(key=lambda row: (row.order is None, row.order or 0))
    code = visit.text("dscg_main_dise_codg")
    listed = any(_same_code(row.node.text("dise_codg"), code) for row in rows)
    if code and not listed and not any(row.main for row in rows):
        # The list lacks the one that is named beside it: it leads the stage that groups.
        added = read.encounter.diagnoses.add(code=code, name=visit.text("dscg_main_dise_name"))
        phase: Any = max((row.phase for row in rows), key=lambda one: one or _WORKING, default=0)
        added.phase = phase
        place = visit.place_of("dscg_main_dise_codg")
        read.rows.update({"encounter.diagnoses[0]": place, "encounter.diagnoses[0].code": place})
        read.rows["encounter.diagnoses[0].name"] = visit.place_of("dscg_main_dise_name")
    for row in _main_first(rows, code):
        at = len(read.encounter.diagnoses)
        node = row.node
        phase = row.phase
        read.encounter.diagnoses.add(
            code=_required(node, "dise_codg"), name=node.text("dise_name"), phase=phase
        )
        read.note("diagnoses", at, node, node.text("dise_id"))


def _row(node: Node) -> _Row:
    codes = table("codes.toml")
    phase = node.code("inout_dise_type", codes["inout_dise_type"], "DIAGNOSIS_PHASE_UNSPECIFIED")
    main = bool(node.code("maindise_flag", codes["flag"], False))
    text = node.text("dias_srt_no")
    order = None
    if text:
        if text.isdecimal() and text.isascii() and len(text) < MAX_ID:
            order = int(text)
        else:
            node.note("dias_srt_no", "WRONG_TYPE", found=f"'{text[:20]}'", expected="a whole number")
    return _Row(node, pb.DiagnosisPhase.Value(phase), main, order)


def _main_first(rows: Sequence[_Row], code: str) -> list[_Row]:
    """Return rows in their order, but for the main one of each stage, which comes before its others."""
    by_phase = {}
    for phase in {row.phase for row in rows}:
        own = [row for row in rows if row.phase == phase]
        flagged = [row for row in own if row.main]
        # Of several the code named beside the list decides, and so it does where none is flagged.
        main = next((row for row in flagged or own if _same_code(row.node.text("dise_codg"), code)), None)
        first = main or (flagged or own)[0]
        by_phase[phase] = iter([first, *(row for row in own if row is not first)])
    return [next(by_phase[row.phase]) for row in rows]


def _same_code(code: str, other: str) -> bool:
    return bool(code) and code.casefold() == other.casefold()


def _is_filled(node: Node, stem: str) -> bool:
    return any(node.has(f"{stem}_{name}") for name in ("codg", "code", "name"))


def _required(node: Node, name: str) -> str:
    text = node.text(name)
    if not text and not node.has(name):
        node.note(name, "REQUIRED")
    return text


def _read_procedures(visit: Node, read: StayRead, zone: tzinfo, admission: Moment | None) -> None:
    flags = table("codes.toml")["flag"]
    rows = [node for node in visit.nodes("fsi_operation_dtos") if _is_filled(node, "oprn")]
    rows.sort(key=lambda node: not node.code("main_oprn_flag", flags, False))
    for at, node in enumerate(rows):
        procedure = read.encounter.procedures.add(
            code=_required(node, "oprn_code"), name=node.text("oprn_name")
        )
        start = _within(node.moment("oprn_date", zone), admission)
        if start is not None:
            procedure.start_time.seconds = start
        read.note("procedures", at, node, node.text("setl_list_oprn_id"))


class _Charged(NamedTuple):
    """An order of the message that was placed before."""

    node: Node
    number: str
    fen: int


def _read_orders(visit: Node, read: StayRead, zone: tzinfo, admission: Moment | None) -> None:
    """Read orders being placed as such, and those placed before as charges."""
    flags = table("codes.toml")["flag"]
    encounter = read.encounter
    charged: list[_Charged] = []
    placing = 0
    for node in visit.nodes("fsi_order_dtos"):
        if not any(map(node.has, _OF_AN_ORDER)):
            continue
        number, fen = node.text("rx_id", MAX_ID), _amount(node)
        current = node.code("curr_drord_flag", flags, None)
        if current is None and not node.has("curr_drord_flag"):
            node.note("curr_drord_flag", "REQUIRED")
        if not current:
            charged.append(_Charged(node, number, fen))
            continue
        order = encounter.orders.add(id=number, amount_fen=fen, placing=True)
        _fill_item(order, node, _within(node.moment("drord_begn_date", zone), admission))
        read.note("orders", placing, node, number)
        placing += 1
        _check_product(node, fen)
    if charged:
        encounter.charges.category_system = charges_pb2.CATEGORY_SYSTEM_SETTLEMENT_LIST
    undoable = {one.number for one in charged if one.fen > 0}
    for at, one in enumerate(charged):
        node, number, fen = one
        line = encounter.charges.lines.add(amount_fen=fen)
        if fen < 0 and number in undoable:
            # A refund has the number of the order that it takes back.
            line.reverses = number
        else:
            line.id = number
        _fill_item(line, node, _within(node.moment("drord_begn_date", zone), admission))
        if price := node.number("pric"):
            line.unit_price_fen = plain_text(price * FEN_PER_YUAN)
        own = node.fen("ownpay_amt")
        if own is not None and fen > 0:
            line.self_paid = own >= fen
        read.note("charges.lines", at, node, number)
    _check_total(visit, read, sum(one.fen for one in charged))


def _amount(node: Node) -> int:
    """Return what an order costs in fen: as it says, or quantity times price where it does not."""
    fen = node.fen("sumamt")
    if fen is None and not node.has("sumamt"):
        quantity, price = node.number("cnt"), node.number("pric", "NOT_YUAN")
        if quantity is None or price is None:
            node.note("sumamt", "REQUIRED")
            return 0
        product = quantity * price
        if abs(product) >= _MOST_YUAN:
            node.note("sumamt", "NOT_YUAN", value=f"{product:.3e}")
            return 0
        fen = int(product.quantize(_FEN, ROUND_HALF_UP) * FEN_PER_YUAN)
    return fen or 0


def _fill_item(entry: charges_pb2.ChargeLine | charges_pb2.Order, node: Node, time: int | None) -> None:
    entry.item = node.text("hilist_code") or node.text("hosplist_code")
    entry.name = node.text("hilist_name") or node.text("hosplist_name")
    entry.category = node.text("chrg_type")
    quantity = node.number("cnt")
    if quantity:
        if entry.amount_fen < 0:
            quantity = abs(quantity)
        text = node.text("cnt")
        entry.quantity = text if is_number(text) else plain_text(quantity)
    if time is not None:
        entry.time.seconds = time


def _check_product(node: Node, fen: int) -> None:
    """Note an order whose amount is not quantity times price, as those of charges are noted."""
    product = (node.number("cnt") or _NO_NUMBER) * (node.number("pric") or _NO_NUMBER) * FEN_PER_YUAN
    if product and abs(product - fen) >= FEN_PER_YUAN:
        node.note("sumamt", "AMOUNT_DIFFERS", value=fen, expected=plain_text(product))


def _check_total(visit: Node, read: StayRead, charged: int) -> None:
    """Take the sender's total where it is that of the charges; it may also be that of other orders."""
    total = visit.fen("medfee_sumamt")
    lines = read.encounter.charges.lines
    if total is None or not lines:
        return
    if total == charged:
        read.encounter.charges.total_fen = total
        return
    placing = sum(order.amount_fen for order in read.encounter.orders)
    read.total_differs = total not in (0, charged + placing)
