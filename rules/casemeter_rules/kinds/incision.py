"""Operations through one incision: the second and later ones are charged at a rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from casemeter_rules.checks import SAME_DAY, Excludes, Slot
from casemeter_rules.codes import CodeSet
from casemeter_rules.columns import CellError, Cells, Column, decimal, text
from casemeter_rules.common import ITEM_CODES, TEN_THOUSANDTHS, item_triggers
from casemeter_rules.facts import MINUTES_PER_DAY, Item, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import ANYWHERE, CARE, Context, Example, Hit, Kind, Sets, Values, Words
from casemeter_rules.orders import hit_by, names, parts

_ANY_FEN = 10_000 * TEN_THOUSANDTHS
"""Ten-thousandths of a fen times ten-thousandths of a quantity, in fen."""


def _rate(cell: str) -> Decimal:
    rate: Decimal = decimal("rate").read(cell)
    if not 0 < rate < 1:
        raise CellError("a rate between 0 and 1", "0 与 1 之间的比例", "0.5")
    return rate


def _checks(cells: Cells, context: Context) -> Iterator[Excludes]:
    yield Excludes(Slot.ITEM, CodeSet(frozenset(item_triggers(cells, context))), SAME_DAY, whole=True)


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | None:
    """Gather the operations of each day that are charged in full: one finding, however many pairs."""
    listed, prefix = parts(values["codes"]), values.get("match") == "prefix"
    rate = Decimal(values["rate"])
    by_day: dict[int, list[Item]] = defaultdict(list)
    for item in stay.items or ():
        if item.day is not None and _listed(item.code, listed, prefix) and _in_full(item, rate):
            by_day[item.day].append(item)
    days = [items for items in by_day.values() if len({item.code for item in items}) > 1]
    if not days:
        return None
    found = [item for items in days for item in items]
    later = sum(len({item.code for item in items}) - 1 for items in days)
    return hit_by(found, hit, {"operations": names(found)})._replace(band=f"{later}")


def _listed(code: str, listed: tuple[str, ...], prefix: bool) -> bool:
    return code.startswith(listed) if prefix else code in listed


def _in_full(item: Item, rate: Decimal) -> bool:
    if item.quantity is None or item.quantity < TEN_THOUSANDTHS:
        return False
    if item.ordered or item.unit_price is None:
        return True
    return item.amount_fen > Decimal(item.unit_price * item.quantity) / _ANY_FEN * rate


def _examples(values: Values, _: Context) -> Iterator[Example]:
    listed = parts(values["codes"])
    endings = ("1", "2") if values.get("match") == "prefix" else ("", "")
    one, other = listed[0] + endings[0], listed[-1] + endings[1]
    if one != other:
        first = Item(one, "items[0]", minute=0, quantity=TEN_THOUSANDTHS)
        second = first._replace(code=other, place="items[1]")
        reduced = second._replace(quantity=int(TEN_THOUSANDTHS * Decimal(values["rate"])))
        yield Example(True, Stay(items=(first, second)))
        yield Example(False, Stay(items=(first, reduced)))
        yield Example(False, Stay(items=(first, second._replace(minute=MINUTES_PER_DAY))))
        price = 10_000
        most = int(price * Decimal(values["rate"]))
        for amount in (most, most + 1):
            charged = second._replace(unit_price=price * TEN_THOUSANDTHS, amount_fen=amount)
            yield Example(amount > most, Stay(items=(first, charged)))


KIND = Kind(
    name="incision",
    title_zh="同一切口手术未折价",
    title_en="operations through one incision",
    finding_class=FindingClass.ORDER,
    subclass="incision",
    official_type="手术项目未按规定折价收费",
    tier=Tier.WARN,
    phases=CARE,
    facts=("items", "item_time", "item_quantity"),
    columns=(*ITEM_CODES, text("name"), Column("rate", _rate, required=True)),
    key=("codes", "match", "rate"),
    positions=ANYWHERE,
    triggers=item_triggers,
    checks=_checks,
    confirm=_confirm,
    examples=_examples,
    overrides=("different_site", "data_wrong"),
    words=Words(
        zh="{operations}同日全额收费；经同一切口的，第二项起应按{rate}倍收费",
        en="{operations} are charged in full on one day; through one incision, the second and later ones are "
        "charged at {rate}",
        resolve_zh="核对手术记录：经同一切口的，第二项起折价；不同切口的请写明",
        resolve_en="check the operation record: reduce the second and later ones, or note the other incision",
    ),
)
