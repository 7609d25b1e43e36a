"""What differs between two answers about one encounter, as the server tells it while a connection lasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from casemeter.v1.living_pb2 import EncounterChange
from casemeter.v1.verdict_pb2 import Verdict


def _group(verdict: Verdict) -> Any:
    return verdict.status, verdict.ungroupable_reason, verdict.group, verdict.pack, list(verdict.rivals)


def _money(verdict: Verdict) -> Any:
    return verdict.payment, verdict.meter


def _findings(verdict: Verdict) -> Any:
    return [(one.alert_key, one.text_zh) for one in verdict.findings]


def _forecast(verdict: Verdict) -> Any:
    # Odds and costs move with every charge; what is worth telling is where it is heading.
    forecast = verdict.forecast
    codes = [group.code for group in forecast.groups]
    return forecast.absent, codes[:1], sorted(codes[: forecast.set_size])


def _facts(verdict: Verdict) -> Any:
    return verdict.facts, list(verdict.code_notes), list(verdict.left_aside), list(verdict.notes)


_ASPECTS: Final[tuple[tuple[str, Callable[[Verdict], Any]], ...]] = (
    ("group", _group),
    ("money", _money),
    ("forecast", _forecast),
    ("findings", _findings),
    ("facts", _facts),
)


def tell_changes(before: EncounterChange, change: EncounterChange) -> None:
    """Fill what a change differs in from the one before it; what it told of itself is written over.

    Args:
        before: the change that was told last.
        change: the one that is told now.
    """
    for name in ("changed", "appeared", "withdrawn"):
        change.ClearField(name)
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


def says_anything(before: EncounterChange, change: EncounterChange) -> bool:
    """Whether a change, told against the one before it, says anything new; the clock alone says nothing."""
    return (
        before.state_hash != change.state_hash
        or before.version != change.version
        or before.closed != change.closed
        or bool(change.changed or change.appeared or change.withdrawn)
    )
