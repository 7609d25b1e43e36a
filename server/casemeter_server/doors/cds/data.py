"""The answer as data, beside the cards: what a program may read of them."""

from __future__ import annotations

from typing import Any, Final

from casemeter.v1 import finding_pb2, verdict_pb2
from casemeter_server.doors.cds.reply import Json, Reply, words
from casemeter_server.doors.proto_writer import to_dict, to_json

_APART: Final = ("findings", "explanation", "near_misses", "alternatives")
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


def structured(reply: Reply, finding: finding_pb2.Finding) -> Json:
    """Return a finding as data, its places those of the message."""
    data = to_dict(finding)
    data["fields"] = [reply.question.place(field) for field in finding.fields]
    data["resources"] = [one for one in map(reply.question.id, finding.fields) if one]
    return _filled(data)


def of_stay(reply: Reply) -> verdict_pb2.Verdict:
    """Return what the verdict says of group and cost; nothing of orders whose price is not known."""
    verdict = verdict_pb2.Verdict()
    verdict.CopyFrom(reply.verdict)
    for name in (*_APART, "rules"):
        verdict.ClearField(name)
    if reply.call.unpriced and verdict.HasField("meter"):
        verdict.meter.ClearField("ordered_fen")
        priced = [one for one in verdict.meter.order_effects if one.field not in reply.call.unpriced]
        del verdict.meter.order_effects[:]
        verdict.meter.order_effects.extend(priced)
    return verdict


def data_of(reply: Reply, whole: bool) -> Json:
    """Return the answer as data; whole: with all that it says, as it was computed."""
    domain, call = words()["domain"], reply.call
    stay = of_stay(reply)
    if reply.verdict.HasField("rules"):
        stay.rules.CopyFrom(reply.verdict.rules)
    found: Json = {
        f"{domain}.verdict": _filled(to_dict(stay)),
        f"{domain}.call": _filled(
            {
                "incomplete": list(call.incomplete),
                "left_out": [{"place": place, "why": why} for place, why in call.unread],
                "unpriced": [reply.question.place(place) for place in sorted(call.unpriced)],
            }
        ),
    }
    found = _filled(found)
    if whole:
        found[f"{domain}.whole"] = to_json(reply.verdict).decode()
    return found


def _filled(value: Json) -> Json:
    """Return a value without members that are null or empty: CDS Hooks has none."""
    return {name: found for name, one in value.items() if (found := _filled_value(one)) not in _EMPTY}


def _filled_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _filled(value)
    if isinstance(value, list):
        return [found for one in value if (found := _filled_value(one)) not in _EMPTY]
    return value
