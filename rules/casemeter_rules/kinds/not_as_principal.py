"""Codes that do not stand as the principal diagnosis, or as a diagnosis of the case at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from casemeter_rules.checks import Present
from casemeter_rules.codes import Key, Space
from casemeter_rules.coding.examples import coded, page
from casemeter_rules.coding.ranges import RANGE
from casemeter_rules.columns import Cells, choice, code_text, text
from casemeter_rules.common import codes_between
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Values, Words


def _triggers(cells: Cells, context: Context) -> Iterable[Key]:
    last = cells["code_to"] or cells["code_from"]
    return codes_between(cells["code_from"], last, context.dictionary, cells["except_prefix"])


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | None:
    if values.get("applies_to") == "any":
        return hit
    principal = [each for each in stay.diagnoses if each.role == "principal" and each.place in hit.places]
    if not principal:
        return None
    return hit._replace(
        places=tuple(each.place for each in principal), codes=tuple(each.code for each in principal)
    )


def _say(values: Values, _: Hit) -> Values:
    if values.get("applies_to") == "any":
        return {"position_zh": "疾病诊断", "position_en": "a diagnosis of a disease"}
    return {"position_zh": "主要诊断", "position_en": "the principal diagnosis"}


def _examples(values: Values, context: Context) -> Iterator[Example]:
    key = next(iter(_triggers({"code_to": "", "except_prefix": "", **values}, context)), None)
    if key is not None:
        other = (*page().diagnoses, coded(key.text, 1))
        yield Example(True, page(diagnoses=(coded(key.text, 0),)))
        yield Example(values.get("applies_to") == "any", page(diagnoses=other))


KIND = Kind(
    name="not_as_principal",
    title_zh="不宜作主要诊断",
    title_en="not fit to be the principal diagnosis",
    finding_class=FindingClass.GROUPING,
    subclass="principal_not_fit",
    official_type="疾病诊断编码异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses",),
    columns=(
        *(*RANGE, code_text("except_prefix", Space.DIAGNOSIS, required=False)),
        *(text("reason", required=True), choice("applies_to", ("principal", "any"), required=False)),
    ),
    key=("code_from", "code_to", "except_prefix", "applies_to"),
    triggers=_triggers,
    checks=lambda _cells, _context: [Present()],
    confirm=_confirm,
    examples=_examples,
    say=_say,
    overrides=("data_will_be_corrected", "record_supports_coding", "does_not_apply"),
    words=Words(
        zh="{recorded}（{reason}）不宜作为{position_zh}",
        en="{recorded} ({reason}) is not fit to be {position_en}",
        resolve_zh="核对病历，选择本次住院主要治疗的疾病",
        resolve_en="check the record and choose the disease that the stay was mainly for",
    ),
)
