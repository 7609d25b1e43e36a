"""Cards: what the verdict says, as a CDS client shows it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from casemeter.v1 import finding_pb2, service_pb2, verdict_pb2
from casemeter_client.text import lines
from casemeter_rules.alerting.overrides import shipped_reasons
from casemeter_server.doors.cds.call import CdsCall
from casemeter_server.doors.cds.markdown import escaped, one_line, shortened
from casemeter_server.doors.cds.settings import CdsSettings
from casemeter_server.doors.door import Question
from casemeter_server.doors.proto_writer import to_dict, to_json

_INDICATORS: Final = ("info", "warning", "critical")
_ORDER_PLACE: Final = re.compile(r"encounter\.orders\[(\d+)\]")
_APART: Final = ("findings", "explanation", "near_misses", "alternatives")
Json = dict[str, Any]
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})


@cache
def words() -> Mapping[str, Any]:
    """Return the words and codes of cards."""
    text = resources.files("casemeter_server.doors.cds").joinpath("cards.toml").read_text("utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True)
class _Reply:
    """What the cards of one reply are made from."""

    call: CdsCall
    question: Question
    verdict: verdict_pb2.Verdict
    ids: Mapping[str, str]
    settings: CdsSettings

    def say(self, key: str, **values: object) -> str:
        text: str = words()["say"][key][self.settings.language]
        return text.format(**values) if values else text

    def choose(self, zh: str, en: str) -> str:
        return zh if self.settings.language == "zh" else en

    def topic(self, name: str) -> Json:
        entry = words()["topic"][name]
        system = words()["system"] + "card-topic"
        return {"system": system, "code": entry["code"], "display": entry[self.settings.language]}

    def source(self, topic: str) -> Json:
        source = {"label": self.settings.label, "topic": self.topic(topic)}
        if self.settings.url:
            source["url"] = self.settings.url
        return source


def write_cards(
    call: CdsCall,
    question: Question,
    response: service_pb2.EvaluateResponse,
    ids: Mapping[str, str],
    settings: CdsSettings,
    *,
    whole: bool = False,
) -> Json:
    """Return the reply to a call: all that holds now, the gravest first.

    Args:
        call: as it was read.
        question: as it was evaluated.
        response: the answer; money is in it only where the role sees it.
        ids: alert_keys, and the numbers under which the alerts were recorded: the uuids of the cards.
        settings: of the door.
        whole: whether the whole verdict is to stand beside the cards.
    """
    reply = _Reply(call, question, response.verdict, ids, settings)
    shown = [one for one in response.verdict.findings if one.presentation != finding_pb2.PRESENTATION_SILENT]
    cards = [_finding_card(reply, finding) for finding in shown]
    cards.sort(key=lambda card: -_INDICATORS.index(card["indicator"]))
    if call.hook.stay or _is_costly(reply):
        cards.append(_stay_card(reply))
    extension = _extension(reply, whole)
    return {"cards": cards, "extension": extension} if extension else {"cards": cards}


def nothing_to_say() -> Json:
    """Return the reply to a call that is of no inpatient stay."""
    return {"cards": []}


def _finding_card(reply: _Reply, finding: finding_pb2.Finding) -> Json:
    presentation = finding_pb2.Presentation.Name(finding.presentation)
    tier = finding_pb2.FindingTier.Name(finding.tier)
    text = reply.choose(finding.text_zh, finding.text_en)
    card: Json = {
        "summary": shortened(text, words()["summary_below"]),
        "indicator": words()["indicator"][presentation][tier],
        "detail": _detail(reply, finding, text),
        "source": reply.source(finding_pb2.FindingClass.Name(finding.finding_class)),
        "extension": {f"{words()['domain']}.finding": _structured(reply, finding)},
    }
    number = reply.ids.get(finding.alert_key)
    if number:
        card["uuid"] = number
    if suggestions := _suggestions(reply, finding, number or finding.alert_key):
        card["suggestions"] = suggestions
        card["selectionBehavior"] = "at-most-one"
    if reasons := _reasons(reply, finding.override_reasons):
        card["overrideReasons"] = reasons
    if reply.settings.links:
        card["links"] = [
            {"label": label, "url": url, "type": "absolute"} for label, url in reply.settings.links
        ]
    return card


def _detail(reply: _Reply, finding: finding_pb2.Finding, text: str) -> str:
    joint, colon = reply.say("joint"), reply.say("colon")
    listed = (
        ("resolve", [reply.choose(finding.resolve_zh, finding.resolve_en)]),
        ("basis", finding.bases),
        ("codes", finding.codes),
        ("evidence", [reply.question.place(one) for one in finding.evidence]),
    )
    parts = [escaped(text)]
    for key, values in listed:
        if any(values):
            parts.append(f"**{reply.say(key)}**{colon}{escaped(joint.join(filter(None, values)))}")
    return "\n\n".join(parts)


def _structured(reply: _Reply, finding: finding_pb2.Finding) -> Json:
    """Return a finding as data, its places those of the message."""
    data = to_dict(finding)
    data["fields"] = [reply.question.place(field) for field in finding.fields]
    data["resources"] = [one for one in map(reply.question.id, finding.fields) if one]
    return _filled(data)


def _suggestions(reply: _Reply, finding: finding_pb2.Finding, number: str) -> list[Json]:
    """Return what the EMR can do about it: take back the drafts that it concerns.

    Nothing is suggested that changes coding: that is for the record to decide.
    """
    if finding.finding_class != finding_pb2.FINDING_CLASS_ORDER:
        return []
    places = dict.fromkeys(found[0] for found in map(_ORDER_PLACE.match, finding.fields) if found)
    drafts = [place for place in places if place in reply.call.drafts]
    is_recommended = finding.tier == finding_pb2.FINDING_TIER_STOP and len(drafts) == 1
    return [_withdrawal(reply, place, number, is_recommended) for place in drafts]


def _withdrawal(reply: _Reply, place: str, number: str, is_recommended: bool) -> Json:
    draft = reply.call.drafts[place]
    order = reply.question.request.encounter.orders[int(place.partition("[")[2].rstrip("]"))]
    label = one_line(reply.say("withdraw", name=order.name or order.item or draft))
    suggestion: Json = {
        "label": label,
        "uuid": str(uuid5(NAMESPACE_URL, f"{reply.call.hook_instance}/{number}/{draft}")),
        "actions": [{"type": "delete", "description": label, "resourceId": draft}],
    }
    if is_recommended:
        suggestion["isRecommended"] = True
    return suggestion


def _reasons(reply: _Reply, codes: Iterable[str]) -> list[Json]:
    known = shipped_reasons().by_code
    system = reasons_system()
    return [
        {
            "system": system,
            "code": code,
            "display": reply.choose(known[code].zh, known[code].en) if code in known else code,
        }
        for code in codes
        if code
    ]


def reasons_system() -> str:
    """Return the system of the reasons for going on all the same."""
    return str(words()["system"]) + "override-reason"


def _is_costly(reply: _Reply) -> bool:
    """Whether the cost has passed a limit that the hospital set, or an order takes it into another band."""
    meter = reply.verdict.meter
    crossing = (effect for effect in meter.order_effects if effect.field not in reply.call.unpriced)
    return bool(meter.signals) or any(effect.band_crossed for effect in crossing)


def _stay_card(reply: _Reply) -> Json:
    head, *rest = lines(_of_stay(reply), reply.settings.language)
    summary = head
    if reply.verdict.meter.HasField("multiple_of_payment"):
        multiple = reply.say("multiple", multiple=f"{reply.verdict.meter.multiple_of_payment:.2f}")
        summary = shortened(head, words()["summary_below"] - len(multiple)) + multiple
    if reply.call.unpriced:
        rest.append(reply.say("unpriced", count=len(reply.call.unpriced)))
    return {
        "summary": shortened(summary, words()["summary_below"]),
        "indicator": "info",
        "detail": "\n".join((escaped(head), "", *(f"- {escaped(line)}" for line in rest))).strip(),
        "source": reply.source("stay"),
    }


def _of_stay(reply: _Reply) -> verdict_pb2.Verdict:
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


def _extension(reply: _Reply, whole: bool) -> Json:
    """Return the answer as data; whole: with all that it says, as it was computed."""
    domain, call = words()["domain"], reply.call
    stay = _of_stay(reply)
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
