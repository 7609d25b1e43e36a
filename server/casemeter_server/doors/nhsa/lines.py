"""What a reply tells beside findings: the group, and warnings of cost. No rule makes these lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from casemeter.v1 import finding_pb2, meter_pb2, verdict_pb2
from casemeter_server.doors.nhsa.facts import table

_HINT: Final = finding_pb2.FINDING_TIER_HINT
_TEXTS: Final = "texts.toml"
_SIGNAL: Final = "SIGNAL_KIND_"


def cost_lines(
    verdict: verdict_pb2.Verdict, *, partial: bool, show_yuan: bool
) -> Iterator[finding_pb2.Finding]:
    """Yield the warnings of cost of a verdict, as findings.

    Args:
        verdict: the answer.
        partial: whether some of what the stay has cost was not sent: a low cost then says nothing.
        show_yuan: whether amounts may be told.
    """
    meter, payment = verdict.meter, verdict.payment
    beside = []
    if show_yuan:
        for key, owner in (("cost", meter), ("standard", payment)):
            if owner.HasField(f"{key}_fen"):
                beside.append(_say("beside", key, yuan=yuan_text(getattr(owner, f"{key}_fen"))))
    if partial:
        beside.append(_say("beside", "partial"))
    if payment.demonstration:
        beside.append(_say("beside", "demonstration"))
    for signal in meter.signals:
        if partial and signal.kind == meter_pb2.SIGNAL_KIND_LOW_BAND:
            continue
        key = meter_pb2.SignalKind.Name(signal.kind).removeprefix(_SIGNAL).lower()
        values = {"limit": f"{signal.limit:.2f}", "multiple": f"{signal.multiple:.2f}"}
        yield _line(key, _joined(_say_line(key, **values), beside))
    for effect in meter.order_effects:
        if effect.band_crossed:
            band = table(_TEXTS)["band"].get(effect.after.band, effect.after.band)
            text = _say_line("crossing", band=band, multiple=f"{effect.after.multiple:.2f}")
            found = _line("crossing", _joined(text, beside))
            found.fields.append(effect.field)
            yield found


def group_line(verdict: verdict_pb2.Verdict, *, show_yuan: bool) -> finding_pb2.Finding:
    """Return the group of a verdict, or why there is none, as a finding."""
    status = verdict_pb2.GroupStatus.Name(verdict.status)
    reason = verdict_pb2.UngroupableReason.Name(verdict.ungroupable_reason)
    group = verdict.group
    why = table(_TEXTS)["ungroupable"].get(reason, "")
    text = _say("status", status, group=f"{group.code} {group.name}".rstrip(), reason=why)
    beside = [_say("beside", "pack", id=verdict.pack.id, version=verdict.pack.version).rstrip()]
    if show_yuan and verdict.payment.HasField("standard_fen"):
        beside.append(_say("beside", "standard", yuan=yuan_text(verdict.payment.standard_fen)))
    if verdict.filled:
        beside.append(_say("beside", "filled", count=len(verdict.filled)))
    if verdict.pack.demonstration:
        beside.append(_say("beside", "demonstration"))
    return _line("group", _joined(text, beside))


def yuan_text(fen: int) -> str:
    """Return an amount in yuan with two decimals."""
    yuan, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{yuan}.{rest:02}"


def _line(key: str, text: str) -> finding_pb2.Finding:
    line = table(_TEXTS)["line"][key]
    return finding_pb2.Finding(rule=line["id"], official_type=line["name"], tier=_HINT, text_zh=text)


def _say(section: str, key: str, **values: Any) -> str:
    text: str = table(_TEXTS)[section][key]
    return text.format(**values)


def _say_line(key: str, **values: Any) -> str:
    text: str = table(_TEXTS)["line"][key]["text"]
    return text.format(**values)


def _joined(text: str, beside: list[str]) -> str:
    return f"{text}（{'；'.join(beside)}）" if beside else text
