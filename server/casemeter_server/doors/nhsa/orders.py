"""Orders of a message: those being placed as orders, those placed before as charges."""

from __future__ import annotations

from datetime import tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from casemeter.v1 import charges_pb2
from casemeter_server.charges import FEN_PER_YUAN, is_number
from casemeter_server.doors.nhsa.facts import table
from casemeter_server.doors.nhsa.reading import MAX_ID, StayRead, within
from casemeter_server.doors.nhsa.tree import Node
from casemeter_server.doors.nhsa.values import Moment, plain_text

_FEN: Final = Decimal("0.01")
_NO_NUMBER: Final = Decimal(0)
_MOST_YUAN: Final = Decimal(10**15)
_OF_AN_ORDER: Final = ("rx_id", "hilist_code", "hilist_name", "hosplist_code", "hosplist_name", "sumamt")


class _Charged(NamedTuple):
    """An order of the message that was placed before."""

    node: Node
    number: str
    fen: int


def read_orders(visit: Node, read: StayRead, zone: tzinfo, admission: Moment | None) -> None:
    """Read orders being placed as such, and those placed before as charges."""
    flags = table("codes.toml")["flag"]
    encounter = read.encounter
    charged: list[_Charged] = []
    placing = 0
    for node in visit.nodes("fsi_order_dtos"):
        if not any(map(node.has, _OF_AN_ORDER)):
            continue
        number, told = node.text("rx_id", MAX_ID), node.fen("sumamt")
        fen = _product(node) if told is None else told
        current = node.code("curr_drord_flag", flags, None)
        if current is None and not node.has("curr_drord_flag"):
            node.note("curr_drord_flag", "REQUIRED")
        if not current:
            charged.append(_Charged(node, number, fen))
            continue
        order = encounter.orders.add(id=number, amount_fen=fen, placing=True)
        _fill_item(order, node, within(node.moment("drord_begn_date", zone), admission))
        read.note("orders", placing, node, number)
        placing += 1
        if told is not None:
            _check_product(node, told)
    if charged:
        encounter.charges.category_system = charges_pb2.CATEGORY_SYSTEM_SETTLEMENT_LIST
    undoable = {one.number for one in charged if one.fen >= 0}
    for at, one in enumerate(charged):
        node, number, fen = one
        line = encounter.charges.lines.add(amount_fen=fen)
        if fen < 0 and number in undoable:
            # A refund has the number of the order that it takes back.
            line.reverses = number
        else:
            line.id = number
        _fill_item(line, node, within(node.moment("drord_begn_date", zone), admission))
        if price := node.number("pric"):
            line.unit_price_fen = plain_text(price * FEN_PER_YUAN)
        own = node.fen("ownpay_amt")
        if own is not None and fen > 0:
            line.self_paid = own >= fen
        read.note("charges.lines", at, node, number)
    _check_total(visit, read, sum(one.fen for one in charged))


def _product(node: Node) -> int:
    """Return what an order without an amount costs in fen: quantity times price."""
    if node.has("sumamt"):
        return 0  # and noted: it is no amount
    quantity, price = node.number("cnt"), node.number("pric")
    if quantity is None or price is None:
        node.note("sumamt", "REQUIRED")
        return 0
    product = quantity * price
    if abs(product) >= _MOST_YUAN:
        node.note("sumamt", "NOT_YUAN", value=f"{product:.3e}")
        return 0
    return int(product.quantize(_FEN, ROUND_HALF_UP) * FEN_PER_YUAN)


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
