"""Items that are paid up to an amount in a stay."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from casemeter_rules.checks import Present
from casemeter_rules.columns import decimal, text
from casemeter_rules.common import ITEM_CODES, item_triggers, limit_band
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Context, Example, Hit, Kind, Sets, Values, Words
from casemeter_rules.order_examples import given
from casemeter_rules.orders import items_of

_FEN = 100


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | None:
    total = sum(item.amount_fen for item in items_of(stay, hit))
    return hit._replace(measured=total / _FEN) if total > Decimal(values["max_yuan"]) * _FEN else None


def _examples(values: Values, _: Context) -> Iterator[Example]:
    most = int(Decimal(values["max_yuan"]) * _FEN)
    for amount in (most, most + 1):
        yield Example(amount > most, given(values, {"amount_fen": amount}))


KIND = Kind(
    name="total_amount",
    title_zh="限定报销总额",
    title_en="a highest amount in a stay",
    finding_class=FindingClass.ORDER,
    subclass="total_amount",
    official_type="医疗服务项目超限定报销总额",
    tier=Tier.HINT,
    phases=CARE,
    facts=("items", "self_paid"),
    columns=(*ITEM_CODES, text("name"), decimal("max_yuan", required=True)),
    key=("codes", "match", "max_yuan"),
    triggers=item_triggers,
    checks=lambda _cells, _context: [Present()],
    confirm=_confirm,
    examples=_examples,
    band=limit_band("max_yuan"),
    overrides=("patient_pays", "data_wrong"),
    words=Words(
        zh="{name}本次住院报销总额不超过{max_yuan}元，已计{measured}元",
        en="{name} is paid up to {max_yuan} yuan in a stay; {measured} yuan are charged",
        resolve_zh="超出部分按自费处理",
        resolve_en="charge what is above the limit to the patient",
    ),
)
