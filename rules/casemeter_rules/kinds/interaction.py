"""Drugs that are not given together: they act on each other, clash, or are the same."""

from __future__ import annotations

from casemeter_rules.columns import text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Hit, Kind, Values, Words
from casemeter_rules.pairs import PAIR, PAIR_KEY, pair_checks, pair_said, pair_triggers


def _say(values: Values, hit: Hit) -> Values:
    effect = values.get("effect", "")
    return {
        **pair_said(values, hit),
        "because_zh": f"：{effect}" if effect else "",
        "because_en": f": {effect}" if effect else "",
    }


KIND = Kind(
    name="interaction",
    title_zh="不宜同时使用",
    title_en="not given together",
    finding_class=FindingClass.ORDER,
    subclass="interaction",
    official_type="药品相互作用",
    tier=Tier.WARN,
    phases=CARE,
    facts=("items", "item_time"),
    columns=(*PAIR, text("effect")),
    key=PAIR_KEY,
    triggers=pair_triggers,
    checks=pair_checks,
    say=_say,
    overrides=("benefit_documented", "clinical_need", "data_wrong"),
    words=Words(
        zh="{name}与{b_name}{window_zh}不宜同时使用{because_zh}",
        en="{name} and {b_name} do not go together {window_en}{because_en}",
        resolve_zh="停用其中一种，或在病程记录中说明并监测",
        resolve_en="take one of the two out, or document the reason and monitor",
    ),
)
