"""Drugs, items and supplies for patients of one sex."""

from __future__ import annotations

from casemeter_rules.checks import Among
from casemeter_rules.columns import choice, text
from casemeter_rules.common import DISORDERS_OF_SEX_DEVELOPMENT, ITEM_CODES, item_triggers
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import ANYWHERE, CARE, Kind, Words

KIND = Kind(
    name="sex",
    title_zh="限性别使用",
    title_en="for one sex",
    finding_class=FindingClass.ORDER,
    subclass="sex",
    official_type="药品区分性别使用",
    tier=Tier.WARN,
    phases=CARE,
    facts=("sex", "items"),
    columns=(*ITEM_CODES, text("name"), choice("sex", ("M", "F"))),
    key=("codes", "match", "sex"),
    positions=ANYWHERE,
    triggers=item_triggers,
    checks=lambda cells, _: [Among("sex", frozenset({cells["sex"]}))],
    # Official note: not for disorders of sex development and chromosomal anomalies.
    unless=DISORDERS_OF_SEX_DEVELOPMENT,
    overrides=("sex_development", "data_wrong"),
    words=Words(
        zh="{name}限{sex_zh}使用，患者性别与之不符",
        en="{name} is for {sex_en} patients; the patient's sex differs",
        resolve_zh="核对患者性别，或停用该项目",
        resolve_en="check the patient's sex, or take the item out",
    ),
)
