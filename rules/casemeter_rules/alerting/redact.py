"""Coding advice without money: sums, weights, points and scores taken out of a finding's texts."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

from casemeter_rules.finding import Finding, FindingClass


def redact(text: str, language: str) -> str:
    """Return a text without sums, weights, points and scores.

    Args:
        text: of a finding.
        language: ``"zh"`` or ``"en"``: what stands in their place.
    """
    if not any(character.isdigit() for character in text):
        return text
    patterns, places = _patterns()
    for pattern in patterns:
        text = pattern.sub(places[language], text)
    return text


def without_money(finding: Finding) -> Finding:
    """Return a finding as a role without money reads it. Texts about orders stay as they are."""
    if finding.finding_class is FindingClass.ORDER:
        return finding
    return finding._replace(
        text_zh=redact(finding.text_zh, "zh"),
        text_en=redact(finding.text_en, "en"),
        resolve_zh=redact(finding.resolve_zh, "zh"),
        resolve_en=redact(finding.resolve_en, "en"),
    )


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], ...], dict[str, str]]:
    text = resources.files("casemeter_rules.alerting").joinpath("redact.toml").read_text("utf-8")
    table = tomllib.loads(text)
    # Both languages in each text: names and values filled in may be in either.
    patterns = [pattern for language in ("zh", "en") for pattern in table["patterns"][language]]
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns), {
        language: table[language] for language in ("zh", "en")
    }
