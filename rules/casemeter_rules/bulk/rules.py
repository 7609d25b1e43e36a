"""What a rule made of pairs is: one for each item, whatever the number of its pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from casemeter_rules.codes import Key, Space
from casemeter_rules.finding import RuleState
from casemeter_rules.kind import Kind, Rule
from casemeter_rules.official import official_types
from casemeter_rules.pack.rows import WORKING, rule_id

_OF_DRUGS: Final = "药品限适应症"
_OF_ITEMS: Final = "医疗服务项目限适应症"
_ALWAYS: Final = (-(2**31), 2**31 - 1)


def rule_of(kind: Kind, item: str, bases: Iterable[str], count: int, named: Sequence[str]) -> Rule:
    """Return the rule of an item, without its check: the diagnoses stay where they are.

    Its id is of the kind and the item's code only. Lists of diagnoses are edited every few months; if they
    made the id, each edit would end what is known of the rule: its state, its overrides, its precision.

    Args:
        kind: the kind of the table.
        item: code of the item.
        bases: where the pairs come from.
        count: how many diagnoses it is for.
        named: these diagnoses, where they are few.
    """
    sources = tuple(sorted(set(bases)))
    known = [basis for basis in sources if basis in official_types()]
    values = {"item_code": item, "diagnoses": str(count)}
    if named:
        values["diagnosis_code"] = "|".join(sorted(named))
    shown = any(not basis.startswith(WORKING) for basis in sources)
    return Rule(
        id=rule_id(kind, {"item_code": item}),
        kind=kind.name,
        triggers=(Key(Space.ITEM, item),),
        checks=(),
        values=values,
        official_type=known[0] if known else _OF_ITEMS if item.isdigit() else _OF_DRUGS,
        bases=sources,
        state=RuleState.ACTIVE if shown else RuleState.SHADOW,
        tier=kind.tier,
        phases=tuple(sorted(kind.phases)),
        valid_from=_ALWAYS[0],
        valid_until=_ALWAYS[1],
    )
