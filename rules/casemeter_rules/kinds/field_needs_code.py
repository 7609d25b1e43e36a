"""Items of the page that mean a diagnosis or a procedure."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.codes import Space
from casemeter_rules.coding.examples import coded, other_than, page, written
from casemeter_rules.coding.fields import duration, entry, in_case, number
from casemeter_rules.columns import Cells, codes, text
from casemeter_rules.facts import Procedure, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.recorded import UNUSABLE


def _nothing(text: str) -> bool:
    return duration(text) == 0 or number(text) == 0


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    found = entry(stay, values["field"])
    if found is None:
        yield Undecided(values["field"])
        return
    if found.says_nothing or _nothing(found.text):
        return
    diagnoses = tuple(part for part in values.get("diagnosis_prefixes", "").split("|") if part)
    procedures = tuple(part for part in values.get("procedure_prefixes", "").split("|") if part)
    codes_there = [each.code for each in in_case(stay)] if diagnoses else []
    if diagnoses and not codes_there:
        yield Undecided("diagnoses")
        return
    done = [each.code for each in stay.procedures] if procedures else []
    if any(code.startswith(diagnoses) for code in codes_there) or any(
        code.startswith(procedures) for code in done
    ):
        return
    if any(code.startswith(UNUSABLE) for code in (*codes_there, *done)):
        yield Undecided("diagnoses" if diagnoses else "procedures")
        return
    needed = "、".join((*diagnoses, *procedures))
    yield Hit((found.place,), values={"written": found.text, "needed": needed})


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    if not cells["diagnosis_prefixes"] and not cells["procedure_prefixes"]:
        yield "diagnosis_prefixes", "no code is named", "没有写明编码"


def _examples(values: Values, _: Context) -> Iterator[Example]:
    diagnoses = [part for part in values.get("diagnosis_prefixes", "").split("|") if part]
    procedures = [part for part in values.get("procedure_prefixes", "").split("|") if part]
    stay = page(diagnoses=(coded(other_than(diagnoses), 0),) if diagnoses else page().diagnoses)
    for amount in ("0", "0/0/0", "1"):
        yield written(amount == "1", {values["field"]: amount}, stay)
    for code in diagnoses:
        with_code = (*stay.diagnoses, coded(code, 1))
        yield written(False, {values["field"]: "1"}, stay._replace(diagnoses=with_code))
    for code in procedures:
        done = (Procedure(code, "encounter.procedures[0]"),)
        yield written(False, {values["field"]: "1"}, stay._replace(procedures=done))


KIND = Kind(
    name="field_needs_code",
    title_zh="项目与编码不符",
    title_en="item without its code",
    finding_class=FindingClass.VALIDITY,
    subclass="field_code",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("fields", "diagnoses", "procedures"),
    columns=(
        text("field", required=True),
        codes("diagnosis_prefixes", Space.DIAGNOSIS, required=False, prefix=True),
        codes("procedure_prefixes", Space.PROCEDURE, required=False, prefix=True),
        text("name", required=True),
    ),
    key=("field", "diagnosis_prefixes", "procedure_prefixes"),
    decide=_decide,
    examples=_examples,
    check_row=_check_row,
    overrides=("data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="填写了{name}（{written}），没有相应的编码（{needed}）",
        en="{field} is {written}, and no code that it belongs to is recorded ({needed})",
        resolve_zh="核对{name}与编码何者有误",
        resolve_en="check which of the two is wrong",
    ),
)
