"""Items with a highest price."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from casemeter_rules.checks import Present
from casemeter_rules.columns import decimal, text
from casemeter_rules.common import ITEM_CODES, TEN_THOUSANDTHS, item_triggers, limit_band
from casemeter_rules.facts import Item, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import ANYWHERE, CARE, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.order_examples import given
from casemeter_rules.orders import hit_by, items_of

_FEN = 100


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | Undecided | None:
    limit = Decimal(values["max_yuan"]) * _FEN
    prices = [(item, _price(item)) for item in items_of(stay, hit)]
    above = [(item, price) for item, price in prices if price is not None and price > limit + _rounding(item)]
    if above:
        highest = max(price for _, price in above)
        return hit_by([item for item, _ in above], hit)._replace(measured=float(highest / _FEN))
    return Undecided("unit_price") if any(price is None for _, price in prices) else None


def _price(item: Item) -> Decimal | None:
    """Return the price of one in fen; an order that is not charged yet may have none."""
    if item.unit_price is not None:
        return Decimal(item.unit_price) / TEN_THOUSANDTHS
    if not item.quantity or (item.ordered and not item.amount_fen):
        return None
    return Decimal(item.amount_fen) * TEN_THOUSANDTHS / item.quantity


def _rounding(item: Item) -> Decimal:
    """Return what rounding to the fen may have added to the price, where it comes from an amount."""
    return Decimal(0) if item.unit_price is not None else Decimal(TEN_THOUSANDTHS) / (item.quantity or 1)


def _examples(values: Values, _: Context) -> Iterator[Example]:
    most = int(Decimal(values["max_yuan"]) * _FEN * TEN_THOUSANDTHS)
    for price in (most, most + 1):
        yield Example(price > most, given(values, {"unit_price": price}))


KIND = Kind(
    name="unit_price",
    title_zh="限定单价",
    title_en="a highest price",
    finding_class=FindingClass.ORDER,
    subclass="unit_price",
    official_type="医疗服务项目超限定单价收费",
    tier=Tier.WARN,
    phases=CARE,
    facts=("items", "unit_price"),
    columns=(*ITEM_CODES, text("name"), decimal("max_yuan", required=True)),
    key=("codes", "match", "max_yuan"),
    positions=ANYWHERE,
    triggers=item_triggers,
    checks=lambda _cells, _context: [Present()],
    confirm=_confirm,
    examples=_examples,
    band=limit_band("max_yuan"),
    overrides=("data_wrong", "does_not_apply"),
    words=Words(
        zh="{name}单价不得高于{max_yuan}元，已按{measured}元收取",
        en="{name} costs up to {max_yuan} yuan each; {measured} yuan were charged",
        resolve_zh="按规定价格更正收费",
        resolve_en="correct the price",
    ),
)
