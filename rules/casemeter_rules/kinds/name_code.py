"""Names that are not those of their codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from casemeter_rules.coding.examples import coded, page
from casemeter_rules.coding.fields import in_case
from casemeter_rules.coding.names import legible, likeness
from casemeter_rules.columns import choice, whole
from casemeter_rules.facts import Diagnosis, Procedure, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.recorded import UNUSABLE

_BROKEN: Final = "胫骨骨折"


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


def _examples(values: Values, _: Context) -> Iterator[Example]:
    for name in ("胃溃疡", _BROKEN):
        named: dict[str, Any] = {"name": name, "standard_name": _BROKEN}
        stay = page(procedures=(Procedure("1", "encounter.procedures[0]", **named),))
        if values["space"] == "diagnosis":
            stay = page(diagnoses=(coded("1", 0, **named),))
        yield Example(name != _BROKEN, stay)


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
    examples=_examples,
    overrides=("data_will_be_corrected", "record_supports_coding", "does_not_apply"),
    words=Words(
        zh="{recorded}的名称为{standard}，填写的是{written}",
        en="{recorded} is {standard}; {written} is written",
        resolve_zh="核对名称与编码何者有误",
        resolve_en="check which of the two is wrong, the name or the code",
    ),
)
