"""Tumours that come with their morphology, and whose behaviour agrees with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from casemeter_rules.checks import Present
from casemeter_rules.coding.examples import coded, first_of, page
from casemeter_rules.coding.page import on_page
from casemeter_rules.coding.ranges import RANGE, range_triggers
from casemeter_rules.columns import Cells, text, words
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Position, Sets, Values, Words

_BEHAVIOUR: Final = re.compile(r"/(\d)")


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | None:
    found = on_page(stay, "pathology")
    if not found:
        said = {"problem_zh": "未填病理诊断编码", "problem_en": "no morphology code is recorded"}
        return hit._replace(values=said, finding_class=FindingClass.COMPLETENESS)
    allowed = values["behaviours"].split("|")
    behaviours = [match[1] for each in found if (match := _BEHAVIOUR.search(each.sent or each.code))]
    if not behaviours or any(behaviour in allowed for behaviour in behaviours):
        return None
    written = "、".join(f"/{behaviour}" for behaviour in dict.fromkeys(behaviours))
    said = {
        "problem_zh": f"动态编码应为/{'、/'.join(allowed)}，填写的是{written}",
        "problem_en": f"its behaviour is /{', /'.join(allowed)}; {written} is recorded",
    }
    return hit._replace(
        values=said, places=(*hit.places, *(each.place for each in found)), subclass="morphology_behaviour"
    )


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    if not all(len(behaviour) == 1 and behaviour.isdigit() for behaviour in cells["behaviours"]):
        yield "behaviours", "a behaviour is one digit", "动态编码为一位数字"


def _examples(values: Values, context: Context) -> Iterator[Example]:
    own = first_of(values, context)
    if own:
        yield Example(True, page(diagnoses=own))
        for behaviour in "012369":
            seen = coded(f"M80000/{behaviour}", 1, role="", kind="pathology")
            allowed = behaviour in values["behaviours"].split("|")
            yield Example(not allowed, page(diagnoses=(*own, seen)))


KIND = Kind(
    name="morphology",
    title_zh="肿瘤形态学编码",
    title_en="morphology of tumours",
    finding_class=FindingClass.VALIDITY,
    subclass="morphology",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses",),
    columns=(*RANGE, words("behaviours", required=True), text("reason")),
    key=("code_from", "code_to", "behaviours"),
    triggers=range_triggers,
    checks=lambda _cells, _context: [Present()],
    confirm=_confirm,
    examples=_examples,
    check_row=_check_row,
    positions=Position.PRINCIPAL,
    overrides=("not_yet_known", "data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="主要诊断{recorded}为肿瘤，{problem_zh}",
        en="the principal diagnosis {recorded} is a tumour: {problem_en}",
        resolve_zh="按病理报告核对肿瘤与形态学编码；报告未回时说明",
        resolve_en="check tumour and morphology against the pathology report; say so while it is outstanding",
    ),
)
