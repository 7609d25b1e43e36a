"""Names that are not those of their codes."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.coding.fields import in_case
from casemeter_rules.coding.names import legible, likeness
from casemeter_rules.columns import choice, whole
from casemeter_rules.facts import Diagnosis, Procedure, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.recorded import UNUSABLE


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    space = values["space"]
    written: list[Diagnosis] | tuple[Procedure, ...]
    written = in_case(stay) if space == "diagnosis" else stay.procedures
    least = int(values["least_percent"]) / 100
    missing = ""
    for each in written:
        if each.code.startswith(UNUSABLE):
            continue
        if not legible(each.name):
            missing = f"{space}_name"
        elif not each.standard_name:
            missing = missing or "standard_name"
        elif likeness(each.name, each.standard_name, space) < least:
            said = {"written": each.name, "standard": each.standard_name}
            yield Hit((each.place,), (each.code,), values=said)
    if missing:
        yield Undecided(missing)


KIND = Kind(
    name="name_code",
    title_zh="名称与编码不符",
    title_en="name and code",
    finding_class=FindingClass.GROUPING,
    subclass="name_code",
    official_type="疾病诊断编码异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses", "procedures", "diagnosis_name", "procedure_name"),
    columns=(
        choice("space", ("diagnosis", "procedure")),
        whole("least_percent", required=True, low=1, high=100),
    ),
    key=("space",),
    decide=_decide,
    overrides=("data_will_be_corrected", "record_supports_coding", "does_not_apply"),
    words=Words(
        zh="{recorded}的名称为{standard}，填写的是{written}",
        en="{recorded} is {standard}; {written} is written",
        resolve_zh="核对名称与编码何者有误",
        resolve_en="check which of the two is wrong, the name or the code",
    ),
)
