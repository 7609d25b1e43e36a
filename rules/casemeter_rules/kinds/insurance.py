"""Drugs and items that only some kinds of insurance pay for."""

from __future__ import annotations

from casemeter_rules.checks import VALUES, Among
from casemeter_rules.columns import choices, text
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Kind, Words

KIND = Kind(
    name="insurance",
    title_zh="限险种",
    title_en="for some kinds of insurance",
    finding_class=FindingClass.ORDER,
    subclass="insurance",
    tier=Tier.WARN,
    phases=CARE,
    facts=("insurance", "items", "self_paid"),
    columns=(*ITEM_CODES, text("name"), choices("insurances", VALUES["insurance"])),
    key=("codes", "match", "insurances"),
    triggers=item_triggers,
    # Whoever pays himself takes nothing from any insurance.
    checks=lambda cells, _: [Among("insurance", cells["insurances"] | {"self_pay"})],
    overrides=("patient_pays", "data_wrong"),
    words=Words(
        zh="{name}限{insurances_zh}支付，患者参保险种与之不符",
        en="{name} is paid by {insurances_en} insurance only; the patient's insurance is another",
        resolve_zh="核对参保险种，或按自费处理",
        resolve_en="check the kind of insurance, or charge it to the patient",
    ),
)
