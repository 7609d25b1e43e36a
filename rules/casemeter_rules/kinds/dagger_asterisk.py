"""Dagger and asterisk: a cause and its manifestation, written as one code."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.coding.examples import coded, page
from casemeter_rules.coding.fields import in_case
from casemeter_rules.columns import choice
from casemeter_rules.facts import Diagnosis, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.recorded import UNUSABLE

_DAGGERS = ("+", "†")


def _alone(diagnosis: Diagnosis, check: str) -> bool:
    code = (
        (diagnosis.sent or diagnosis.code)
        .strip()
        .removeprefix(UNUSABLE)
        .replace("＋", "+")
        .replace("＊", "*")
    )
    if check == "dagger_alone":
        return code.endswith(_DAGGERS)
    asterisk = code.endswith("*") and not any(sign in code for sign in _DAGGERS)
    return asterisk and (check == "asterisk_principal") == (diagnosis.role == "principal")


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    found = in_case(stay)
    if not found:
        yield Undecided("diagnoses")
    for diagnosis in found:
        if _alone(diagnosis, values["check"]):
            code = (diagnosis.sent or diagnosis.code).removeprefix(UNUSABLE)
            yield Hit((diagnosis.place,), (code,))


_ALONE = {"asterisk_principal": "G01.X00*", "asterisk_alone": "G01.X00*", "dagger_alone": "A17.000+"}


def _examples(values: Values, _: Context) -> Iterator[Example]:
    check = values["check"]
    for code in (_ALONE[check], "A17.000+G01.X00*", "A17.000"):
        own = coded(f"{UNUSABLE}{code}", 0 if check == "asterisk_principal" else 1, sent=code)
        principal = () if check == "asterisk_principal" else page().diagnoses
        yield Example(code == _ALONE[check], page(diagnoses=(*principal, own)))


KIND = Kind(
    name="dagger_asterisk",
    title_zh="剑号与星号",
    title_en="dagger and asterisk",
    finding_class=FindingClass.GROUPING,
    subclass="dagger_asterisk",
    official_type="疾病诊断编码异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses",),
    columns=(choice("check", ("asterisk_principal", "asterisk_alone", "dagger_alone")),),
    key=("check",),
    decide=_decide,
    examples=_examples,
    overrides=("data_will_be_corrected",),
    words=Words(
        zh="{recorded}{check_zh}",
        en="{recorded} {check_en}",
        resolve_zh="改用剑号与星号合写的编码，病因在前",
        resolve_en="use the code that has cause and manifestation together, the cause first",
    ),
)
