"""Deaths with a principal diagnosis that few die of: they are reviewed."""

from __future__ import annotations

from casemeter_rules.checks import VALUES, Among
from casemeter_rules.codes import Key, Space
from casemeter_rules.columns import code_text, text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Kind, Position, Words

_ALIVE = frozenset(VALUES["discharge_way"]) - {"5"}

KIND = Kind(
    name="low_risk_death",
    title_zh="低风险病种死亡",
    title_en="death in a category of low risk",
    finding_class=FindingClass.VALIDITY,
    subclass="low_risk_death",
    tier=Tier.HINT,
    phases=CODING,
    facts=("discharge_way", "diagnoses"),
    columns=(code_text("category", Space.DIAGNOSIS), text("name")),
    key=("category",),
    triggers=lambda cells, _: [Key(Space.DIAGNOSIS, cells["category"], True)],
    checks=lambda _cells, _context: [Among("discharge_way", _ALIVE)],
    positions=Position.PRINCIPAL,
    overrides=("record_supports_coding", "data_will_be_corrected"),
    words=Words(
        zh="主要诊断{recorded}属低风险病种，离院方式为死亡",
        en="the principal diagnosis {recorded} is in a category of low risk; the patient died",
        resolve_zh="核对主要诊断、离院方式与死亡原因",
        resolve_en="check the principal diagnosis, the way of leaving and the cause of death",
    ),
)
