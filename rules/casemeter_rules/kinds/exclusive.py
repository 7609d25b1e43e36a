"""Items that are not charged together: one holds the other already."""

from __future__ import annotations

from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import ANYWHERE, CARE, Kind, Words
from casemeter_rules.pairs import PAIR, PAIR_KEY, pair_checks, pair_said, pair_triggers

KIND = Kind(
    name="exclusive",
    title_zh="重复收费",
    title_en="not charged together",
    finding_class=FindingClass.ORDER,
    subclass="exclusive",
    official_type="医疗服务项目重复收费",
    tier=Tier.WARN,
    phases=CARE,
    facts=("items", "item_time"),
    columns=PAIR,
    key=PAIR_KEY,
    positions=ANYWHERE,
    triggers=pair_triggers,
    checks=pair_checks,
    say=pair_said,
    overrides=("different_site", "data_wrong"),
    words=Words(
        zh="{name}与{b_name}{window_zh}不得同时收费",
        en="{name} and {b_name} are not charged together {window_en}",
        resolve_zh="保留其中一项",
        resolve_en="keep one of the two",
    ),
)
