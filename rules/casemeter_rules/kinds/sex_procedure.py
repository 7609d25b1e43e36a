"""Procedures that are done on patients of one sex."""

from __future__ import annotations

from casemeter_rules.checks import Among
from casemeter_rules.codes import Key, Space
from casemeter_rules.columns import choice, code_text, text
from casemeter_rules.common import DISORDERS_OF_SEX_DEVELOPMENT
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Kind, Words

KIND = Kind(
    name="sex_procedure",
    title_zh="手术操作与性别不符",
    title_en="procedure and sex",
    finding_class=FindingClass.VALIDITY,
    subclass="sex_procedure",
    official_type="手术操作编码与性别不符",
    tier=Tier.WARN,
    phases=CODING,
    facts=("sex", "procedures"),
    columns=(
        *(code_text("code", Space.PROCEDURE), text("name"), choice("sex", ("M", "F"))),
        choice("match", ("exact", "prefix"), required=False),
    ),
    key=("code", "match", "sex"),
    triggers=lambda cells, _: [Key(Space.PROCEDURE, cells["code"], cells["match"] == "prefix")],
    checks=lambda cells, _: [Among("sex", frozenset({cells["sex"]}))],
    unless=DISORDERS_OF_SEX_DEVELOPMENT,
    overrides=("sex_development_disorder", "data_will_be_corrected"),
    words=Words(
        zh="{recorded}限{sex_zh}，患者性别与之不符",
        en="{recorded} is done on {sex_en} patients; the patient's sex differs",
        resolve_zh="核对患者性别与手术操作编码",
        resolve_en="check the patient's sex and the procedure",
    ),
)
