"""From the charges and orders of a request to sums: every line checked, refunds taken off, nothing spread."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, tzinfo
from fractions import Fraction
from typing import Any, Final, NamedTuple

from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.errors import fault
from casemeter_server.prepare import MAX_ID, MAX_NAME
from casemeter_server.stay_facts import EARLIEST, Faults, seconds_of, seconds_since

MAX_LINES: Final = 5_000
MAX_ORDERS: Final = 500
MAX_AMOUNT_FEN: Final = 10_000_000_000
"""100 million yuan: no single entry of a stay is as much."""

FEN_PER_YUAN: Final = 100
_NUMBER: Final = re.compile(r"(?=.*[1-9])\d{1,8}(\.\d{1,4})?\Z", re.ASCII)
_FIRST: Final = seconds_since(EARLIEST)
_SYSTEMS: Final = frozenset(charges_pb2.CategorySystem.values())

InScope = Callable[[str, str], bool]
"""Whether an item and its category are in the scope of group payment."""


# Item, category and amount.
_Entry = tuple[str, str, int]


class Ledger(NamedTuple):
    """The sums of a stay.

    Attributes:
        cost_fen: charges in scope.
        excluded_fen: charges out of scope.
        ordered_fen: orders in scope that are not charged yet.
        later_fen: charges dated after the moment the answer holds for.
        by_category: charges in scope by category, as sent.
        system: the category system declared, a value of ``CategorySystem``.
    """

    cost_fen: int
    excluded_fen: int
    ordered_fen: int
    later_fen: int
    by_category: dict[str, int]
    system: int


def read_charges(
    encounter: pb.Encounter, as_of: float, zone: tzinfo, in_scope: InScope | None, faults: Faults
) -> Ledger:
    """Check and add up the charges and orders of an encounter.

    Args:
        encounter: as sent; it has charges.
        as_of: the moment the answer holds for, in seconds since 1970.
        zone: the hospital's zone, by whose days daily totals are dated.
        in_scope: of the payment pack; ``None``: everything is.
        faults: where everything that cannot be used is noted; the sums hold only if nothing is.
    """
    charges = encounter.charges
    if charges.category_system not in _SYSTEMS:
        faults.append(
            fault("encounter.charges.category_system", "UNKNOWN_VALUE", value=charges.category_system)
        )
    if charges.lines and charges.daily_totals:
        faults.append(
            fault("encounter.charges.daily_totals", "LINES_AND_TOTALS", other="encounter.charges.lines")
        )
    entries: list[_Entry] = []
    later = 0
    if _bounded(charges.lines, "encounter.charges.lines", MAX_LINES, faults):
        entries, later = _lines(charges.lines, as_of, faults)
    if _bounded(charges.daily_totals, "encounter.charges.daily_totals", MAX_LINES, faults):
        today = datetime.fromtimestamp(as_of, zone).date()
        entries, later = _daily_totals(charges.daily_totals, today, faults)
    if charges.HasField("total_fen") and len(charges.lines) + len(charges.daily_totals) <= MAX_LINES:
        _check_total(charges.total_fen, later + sum([amount for _, _, amount in entries]), faults)
    orders = [
        (order.item, order.category, order.amount_fen) for order in checked_orders(encounter.orders, faults)
    ]
    cost, excluded, by_category = _sums(entries, in_scope)
    if min(cost, excluded) < 0 and not faults:
        faults.append(fault("encounter.charges", "NEGATIVE_SUM", value=min(cost, excluded)))
    ordered, _, _ = _sums(orders, in_scope)
    return Ledger(cost, excluded, ordered, later, by_category, charges.category_system)


def _sums(entries: Sequence[_Entry], in_scope: InScope | None) -> tuple[int, int, dict[str, int]]:
    """Return what is in scope, what is not, and the former by category."""
    cost = excluded = 0
    by_category: dict[str, int] = {}
    for item, category, amount in entries:
        if in_scope is not None and not in_scope(item, category):
            excluded += amount
            continue
        cost += amount
        by_category[category] = by_category.get(category, 0) + amount
    return cost, excluded, by_category


def _bounded(entries: Sequence[Any], field: str, limit: int, faults: Faults) -> bool:
    """Whether a list holds entries, and no more than are read; too many are noted."""
    if len(entries) > limit:
        faults.append(fault(field, "TOO_MANY", count=len(entries), limit=limit))
        return False
    return bool(entries)


def _lines(lines: Sequence[charges_pb2.ChargeLine], as_of: float, faults: Faults) -> tuple[list[_Entry], int]:
    """Return the lines that count, and the sum of those that come later."""
    entries: list[_Entry] = []
    later = 0
    numbers: list[str] = []
    targets: dict[str, _Entry] = {}
    reversals: list[tuple[int, str, int]] = []
    undone: list[tuple[str, int]] = []
    for at, line in enumerate(lines):
        own, item, category, amount = line.id, line.item, line.category, line.amount_fen
        if len(own) > MAX_ID or len(item) > MAX_ID or len(category) > MAX_NAME:
            _check_lengths(f"encounter.charges.lines[{at}]", own, item, category, faults)
        reverses = line.reverses
        if amount < 0 or reverses or amount > MAX_AMOUNT_FEN:
            _check_amount(f"encounter.charges.lines[{at}]", amount, reverses, faults)
        if line.quantity or line.unit_price_fen:
            _check_price(f"encounter.charges.lines[{at}]", line, faults)
        if own:
            numbers.append(own)
        if reverses:
            # It cannot be undone itself: its number is no target.
            reversals.append((at, reverses, amount))
        elif own:
            targets.setdefault(own, (item, category, amount))
        if line.HasField("time"):
            time = line.time
            nanos = time.nanos
            if not (_FIRST <= time.seconds + nanos / 1e9 <= as_of and 0 <= nanos < 1_000_000_000):
                seconds = seconds_of(time, f"encounter.charges.lines[{at}].time", faults)
                if seconds is not None and seconds > as_of:
                    later += amount
                    continue
        if not reverses:
            entries.append((item, category, amount))
        else:
            undone.append((reverses, amount))
    # What undoes a line counts where that line does, whatever it says of itself.
    entries += [(*targets[number][:2], amount) for number, amount in undone if number in targets]
    if len(set(numbers)) < len(numbers):
        _check_numbers([line.id for line in lines], "encounter.charges.lines", faults)
    if reversals:
        _check_reversals(reversals, targets, faults)
    return entries, later


def _check_lengths(place: str, own: str, item: str, category: str, faults: Faults) -> None:
    for name, text, limit in (("id", own, MAX_ID), ("item", item, MAX_ID), ("category", category, MAX_NAME)):
        if len(text) > limit:
            faults.append(fault(f"{place}.{name}", "TOO_LONG", count=len(text), limit=limit))


def _check_amount(place: str, amount: int, reverses: str, faults: Faults) -> None:
    field = f"{place}.amount_fen"
    if abs(amount) > MAX_AMOUNT_FEN:
        faults.append(fault(field, "ABSURD_AMOUNT", value=amount, limit=MAX_AMOUNT_FEN))
    elif amount < 0 and not reverses:
        faults.append(fault(field, "NEGATIVE_AMOUNT", value=amount))
    elif amount >= 0 and reverses:
        faults.append(fault(field, "REVERSAL_NOT_NEGATIVE", value=amount))


def _check_price(place: str, line: charges_pb2.ChargeLine, faults: Faults) -> None:
    """Note a quantity or price that is no number, and an amount that is not their product."""
    factors = {"quantity": line.quantity, "unit_price_fen": line.unit_price_fen}
    wrong = {name: text for name, text in factors.items() if text and not _NUMBER.match(text)}
    for name, text in wrong.items():
        faults.append(fault(f"{place}.{name}", "NOT_A_NUMBER", value=text[:20]))
    if wrong or not all(factors.values()):
        return
    expected = Fraction(line.quantity) * Fraction(line.unit_price_fen)
    amount = abs(line.amount_fen)
    if abs(amount - expected) < FEN_PER_YUAN:
        return
    field = f"{place}.amount_fen"
    if not _note_unit(field, amount, expected, "quantity times unit price", faults):
        faults.append(fault(field, "AMOUNT_DIFFERS", value=amount, expected=float(expected)))


def _note_unit(field: str, value: int, expected: Fraction | int, other: str, faults: Faults) -> bool:
    """Note a value that is a hundred times another, or a hundredth of it; tell whether it is."""
    yuan = Fraction(FEN_PER_YUAN)
    for factor, said in ((yuan, "100 times"), (1 / yuan, "a hundredth")):
        # A sum in yuan may have been rounded to whole ones.
        if expected and abs(value - expected * factor) <= max(factor, Fraction(1)):
            faults.append(fault(field, "WRONG_UNIT", value=value, factor=said, other=other))
            return True
    return False


def _check_numbers(numbers: Sequence[str], owner: str, faults: Faults) -> None:
    """Note numbers that stand twice."""
    first: dict[str, int] = {}
    for at, number in enumerate(numbers):
        if number and first.setdefault(number, at) != at:
            other = f"{owner}[{first[number]}]"
            faults.append(fault(f"{owner}[{at}].id", "TWICE", value=number[:MAX_ID], other=other))


def _check_reversals(
    reversals: Sequence[tuple[int, str, int]], targets: dict[str, _Entry], faults: Faults
) -> None:
    undone: dict[str, int] = {}
    for at, number, amount in reversals:
        field = f"encounter.charges.lines[{at}].reverses"
        if len(number) > MAX_ID:
            faults.append(fault(field, "TOO_LONG", count=len(number), limit=MAX_ID))
        elif number not in targets:
            faults.append(fault(field, "NO_SUCH_LINE", value=number))
        else:
            before = undone.get(number, 0)
            undone[number] = before - amount
            whole = targets[number][2]
            if undone[number] > whole >= before:
                details = {"value": number, "undone": undone[number], "amount": whole}
                faults.append(fault(field, "REVERSED_TOO_MUCH", **details))


def _daily_totals(
    totals: Sequence[charges_pb2.DailyTotal], today: date, faults: Faults
) -> tuple[list[_Entry], int]:
    """Return the totals that count, and the sum of those that come later."""
    entries: list[_Entry] = []
    later = 0
    last = today.isoformat()
    for at, total in enumerate(totals):
        day, category, amount = total.date, total.category, total.amount_fen
        place = f"encounter.charges.daily_totals[{at}]"
        if not is_day(day):
            faults.append(fault(f"{place}.date", "NOT_A_DATE", value=day[:20]))
        if len(category) > MAX_NAME:
            _check_lengths(place, "", "", category, faults)
        if abs(amount) > MAX_AMOUNT_FEN:
            faults.append(fault(f"{place}.amount_fen", "ABSURD_AMOUNT", value=amount, limit=MAX_AMOUNT_FEN))
        if day > last:
            later += amount
        else:
            entries.append(("", category, amount))
    return entries, later


def is_number(text: str) -> bool:
    """Whether a text is a quantity: above 0, up to 12 digits, 4 of them decimals."""
    return _NUMBER.match(text) is not None


def is_day(text: str) -> bool:
    """Whether a text is a day as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text  # no week dates and the like
    except ValueError:
        return False


def _check_total(stated: int, expected: int, faults: Faults) -> None:
    field = "encounter.charges.total_fen"
    if stated != expected and not _note_unit(field, stated, expected, "the sum of the entries", faults):
        faults.append(fault(field, "TOTAL_DIFFERS", value=stated, expected=expected))


def checked_orders(
    orders: Sequence[charges_pb2.Order], faults: Faults, owner: str = "encounter.orders"
) -> Sequence[charges_pb2.Order]:
    """Return orders, or none of them when they are too many; note what is wrong with them."""
    if not _bounded(orders, owner, MAX_ORDERS, faults):
        return ()
    for at, order in enumerate(orders):
        check_order(order, f"{owner}[{at}]", faults)
    _check_numbers([order.id for order in orders], owner, faults)
    return orders


def check_order(order: charges_pb2.Order, place: str, faults: Faults) -> None:
    """Note what is wrong with one order."""
    _check_lengths(place, order.id, order.item, order.category, faults)
    amount = order.amount_fen
    if amount < 0:
        faults.append(fault(f"{place}.amount_fen", "NEGATIVE_AMOUNT", value=amount))
    elif amount > MAX_AMOUNT_FEN:
        faults.append(fault(f"{place}.amount_fen", "ABSURD_AMOUNT", value=amount, limit=MAX_AMOUNT_FEN))
