"""A finding: one thing found wrong, with its evidence, in words that a physician or coder can act on."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final, NamedTuple


class Tier(IntEnum):
    """How grave a finding is; the higher the worse.

    A stop asks the EMR for an answer. It never refuses an order; only a coder's submission is refused.
    """

    HINT = 1
    WARN = 2
    STOP = 3


class FindingClass(StrEnum):
    """What a finding is about."""

    ORDER = "order"
    COMPLETENESS = "completeness"
    VALIDITY = "validity"
    GROUPING = "grouping"
    INTEGRITY = "integrity"


class RuleState(StrEnum):
    """Whether a rule's findings are shown."""

    ACTIVE = "active"
    SHADOW = "shadow"
    OFF = "off"


class Finding(NamedTuple):
    """One finding.

    Attributes:
        rule: stable id of the rule: its kind, a colon, and a hash of what the rule says.
        kind: of the rule.
        official_type: name of the official rule type (88 types of the national framework); empty: none.
        tier: how grave it is.
        finding_class: what it is about.
        subclass: the check within its class, such as ``time_order``.
        state: active, or shadow: counted, not shown.
        fields: places in the request, such as ``encounter.diagnoses[2].code``, that it concerns.
        codes: the codes it concerns.
        evidence: ids (of charge lines, orders, earlier stays) or places that prove it, sorted.
        bases: where the rule comes from; several when several rows say the same.
        text_zh: what is wrong, in Chinese, values filled in.
        text_en: the same in English.
        resolve_zh: what would resolve it.
        resolve_en: the same in English.
        overrides: codes of the reasons that may be given for going on all the same.
        pack: id of the rules pack.
        band: the step of severity within the rule (how far beyond a limit); changes of it are news.
    """

    rule: str
    kind: str
    official_type: str
    tier: Tier
    finding_class: FindingClass
    subclass: str
    state: RuleState
    fields: tuple[str, ...]
    codes: tuple[str, ...]
    evidence: tuple[str, ...]
    bases: tuple[str, ...]
    text_zh: str
    text_en: str
    resolve_zh: str
    resolve_en: str
    overrides: tuple[str, ...]
    pack: str = ""
    band: str = ""


_CLASS_ORDER: Final = {name: at for at, name in enumerate(FindingClass)}


def worst_first(finding: Finding) -> tuple[int, int, str, tuple[str, ...]]:
    """Sort key: the worst first, for some EMRs show only the first; then in an order that never changes."""
    return -finding.tier, _CLASS_ORDER[finding.finding_class], finding.rule, finding.fields
