"""Codes that are kept in the code tables but not settled on."""

from __future__ import annotations

from casemeter_rules.checks import Present
from casemeter_rules.codes import Key, Space
from casemeter_rules.columns import choice, code_text, text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Kind, Words

_SPACES = {"diagnosis": Space.DIAGNOSIS, "procedure": Space.PROCEDURE}

KIND = Kind(
    name="grey_code",
    title_zh="灰码",
    title_en="grey codes",
    finding_class=FindingClass.GROUPING,
    subclass="grey_code",
    official_type="疾病诊断编码异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses", "procedures"),
    columns=(choice("space", tuple(_SPACES)), code_text("code", Space.DIAGNOSIS), text("name")),
    key=("space", "code"),
    triggers=lambda cells, _: [Key(_SPACES[cells["space"]], cells["code"])],
    checks=lambda _cells, _context: [Present()],
    overrides=("data_will_be_corrected", "record_supports_coding", "does_not_apply"),
    words=Words(
        zh="{recorded}为灰码，医保结算不予采用",
        en="{recorded} is a grey code, which is not settled on",
        resolve_zh="按病历改用同义的非灰码编码",
        resolve_en="use the code of the same meaning that is not grey, as the record has it",
    ),
)
