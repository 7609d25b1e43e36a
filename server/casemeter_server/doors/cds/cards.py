"""Cards: what the verdict says, as a CDS client shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from casemeter.v1 import finding_pb2, service_pb2
from casemeter_client.text import lines
from casemeter_rules.alerting.overrides import shipped_reasons
from casemeter_server.doors.cds.call import CdsCall
from casemeter_server.doors.cds.data import data_of, of_stay, structured
from casemeter_server.doors.cds.markdown import escaped, one_line, shortened
from casemeter_server.doors.cds.reply import Json, Reply, words
from casemeter_server.doors.cds.settings import CdsSettings
from casemeter_server.doors.door import Question

_INDICATORS: Final = ("info", "warning", "critical")
_ORDER_PLACE: Final = re.compile(r"encounter\.orders\[(\d+)\]")


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
    reply = Reply(call, question, response.verdict, ids, settings)
    shown = [one for one in response.verdict.findings if one.presentation != finding_pb2.PRESENTATION_SILENT]
    cards = [_finding_card(reply, finding) for finding in shown]
    cards.sort(key=lambda card: -_INDICATORS.index(card["indicator"]))
    if call.hook.stay or _is_costly(reply):
        cards.append(_stay_card(reply))
    data = data_of(reply, whole)
    return {"cards": cards, "extension": data} if data else {"cards": cards}


def nothing_to_say() -> Json:
    """Return the reply to a call that is of no inpatient stay."""
    return {"cards": []}


def _finding_card(reply: Reply, finding: finding_pb2.Finding) -> Json:
    presentation = finding_pb2.Presentation.Name(finding.presentation)
    tier = finding_pb2.FindingTier.Name(finding.tier)
    text = reply.choose(finding.text_zh, finding.text_en)
    card: Json = {
        "summary": shortened(text, words()["summary_below"]),
        "indicator": words()["indicator"][presentation][tier],
        "detail": _detail(reply, finding, text),
        "source": reply.source(finding_pb2.FindingClass.Name(finding.finding_class)),
        "extension": {f"{words()['domain']}.finding": structured(reply, finding)},
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


def _detail(reply: Reply, finding: finding_pb2.Finding, text: str) -> str:
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


def _suggestions(reply: Reply, finding: finding_pb2.Finding, number: str) -> list[Json]:
    """Return what the EMR can do about it: take back the drafts that it concerns.

    Nothing is suggested that changes coding: that is for the record to decide.
    """
    if finding.finding_class != finding_pb2.FINDING_CLASS_ORDER:
        return []
    places = dict.fromkeys(found[0] for found in map(_ORDER_PLACE.match, finding.fields) if found)
    drafts = [place for place in places if place in reply.call.drafts]
    is_recommended = finding.tier == finding_pb2.FINDING_TIER_STOP and len(drafts) == 1
    return [_withdrawal(reply, place, number, is_recommended) for place in drafts]


def _withdrawal(reply: Reply, place: str, number: str, is_recommended: bool) -> Json:
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


def _reasons(reply: Reply, codes: Iterable[str]) -> list[Json]:
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


def _is_costly(reply: Reply) -> bool:
    """Whether the cost has passed a limit that the hospital set, or an order takes it into another band."""
    meter = reply.verdict.meter
    crossing = (effect for effect in meter.order_effects if effect.field not in reply.call.unpriced)
    return bool(meter.signals) or any(effect.band_crossed for effect in crossing)


def _stay_card(reply: Reply) -> Json:
    head, *rest = lines(of_stay(reply), reply.settings.language)
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
