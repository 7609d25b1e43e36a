"""What differs between two verdicts of one encounter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from casemeter.v1 import living_pb2, verdict_pb2

Result = living_pb2.EncounterChange
"""A change whose verdict or error is set."""


def _group(verdict: verdict_pb2.Verdict) -> Any:
    return verdict.status, verdict.ungroupable_reason, verdict.group, verdict.pack, list(verdict.rivals)


def _money(verdict: verdict_pb2.Verdict) -> Any:
    return verdict.payment, verdict.meter


def _findings(verdict: verdict_pb2.Verdict) -> Any:
    # Not how they are shown: what interrupted once stands inline the next time, and nothing has changed.
    return [(one.alert_key, one.text_zh) for one in verdict.findings]


def _forecast(verdict: verdict_pb2.Verdict) -> Any:
    # Odds and costs move with every charge; what is worth telling is where it is heading.
    forecast = verdict.forecast
    codes = [group.code for group in forecast.groups]
    return forecast.absent, codes[:1], sorted(codes[: forecast.set_size])


def _facts(verdict: verdict_pb2.Verdict) -> Any:
    return verdict.facts, list(verdict.code_notes), list(verdict.left_aside), list(verdict.notes)


_ASPECTS: Final[tuple[tuple[str, Callable[[verdict_pb2.Verdict], Any]], ...]] = (
    ("group", _group),
    ("money", _money),
    ("forecast", _forecast),
    ("findings", _findings),
    ("facts", _facts),
)


def tell_changes(before: Result | None, change: Result) -> None:
    """Fill what a change differs in from the one before; the first one differs in nothing."""
    if before is None:
        return
    if before.WhichOneof("result") != change.WhichOneof("result") or before.error != change.error:
        change.changed.append("status")
    old, new = before.verdict, change.verdict
    if before.HasField("verdict") and change.HasField("verdict"):
        change.changed.extend(name for name, aspect in _ASPECTS if aspect(old) != aspect(new))
    if change.HasField("error"):
        # Nothing is known of the findings for now: none is withdrawn.
        return
    had = {one.alert_key: one for one in old.findings}
    has = {one.alert_key for one in new.findings}
    change.appeared.extend(dict.fromkeys(one.alert_key for one in new.findings if one.alert_key not in had))
    for key, gone in had.items():
        if key not in has:
            change.withdrawn.add(alert_key=key, rule=gone.rule, text_zh=gone.text_zh, text_en=gone.text_en)
