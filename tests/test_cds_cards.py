"""Cards: every reply holds by the specification, and says what the verdict says and no more."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemeter.v1 import finding_pb2 as pb
from casemeter.v1 import meter_pb2, service_pb2, verdict_pb2
from casemeter.v1.encounter_pb2 import Encounter
from casemeter_client.emr.cds import hook_call
from casemeter_rules.kinds import kinds
from casemeter_server.doors.cds.call import CdsCall, read_call
from casemeter_server.doors.cds.cards import nothing_to_say, write_cards
from casemeter_server.doors.cds.markdown import escaped, one_line, shortened
from casemeter_server.doors.cds.services import discovery, service
from casemeter_server.doors.cds.settings import CdsSettings
from casemeter_server.doors.cds.systems import shipped_systems
from cds_reply import check_reply

ZONE = ZoneInfo("Asia/Shanghai")
HOOKS = sorted(service().hooks)
SETTINGS = CdsSettings(links=(("主页", "https://h001.example/drg"),), url="https://h001.example")
SHOWN = (pb.PRESENTATION_INTERRUPT, pb.PRESENTATION_INLINE)
texts = st.text(max_size=300)
Json = dict[str, Any]


def call_of(hook: str) -> CdsCall:
    """A call with two orders, which are being placed where the hook places any."""
    is_placing = service().hooks[hook].drafts
    orders = [{"id": f"O{at}", "item": "X1", "name": "甲片", "placing": is_placing} for at in range(2)]
    return read_call(*hook_call(hook, Encounter(encounter_id="E1", orders=orders)), ZONE)


CALLS = {hook: call_of(hook) for hook in HOOKS}


def reply_to(
    hook: str, verdict: verdict_pb2.Verdict, *, recorded: bool = True, how: CdsSettings = SETTINGS
) -> Json:
    call = CALLS[hook]
    assert call.question
    shown = [one.alert_key for one in verdict.findings if one.presentation in SHOWN]
    ids = {key: str(UUID(int=at)) for at, key in enumerate(dict.fromkeys(shown))} if recorded else {}
    reply = write_cards(call, call.question, service_pb2.EvaluateResponse(verdict=verdict), ids, how)
    found: Json = json.loads(json.dumps(reply))
    return found


def numbers(low: int, high: int) -> st.SearchStrategy[Any]:
    """Values of an enumeration."""
    return st.integers(low, high)


@st.composite
def findings(draw: st.DrawFn) -> pb.Finding:
    places = [
        "encounter.orders[0]",
        "encounter.orders[1].quantity",
        "encounter.sex",
        "encounter.charges.lines[3]",
    ]
    return pb.Finding(
        rule=draw(texts),
        tier=draw(numbers(1, 3)),
        finding_class=draw(numbers(1, 5)),
        fields=draw(st.lists(st.sampled_from(places), max_size=3)),
        codes=draw(st.lists(texts, max_size=2)),
        evidence=draw(st.lists(texts, max_size=2)),
        bases=draw(st.lists(texts, max_size=2)),
        text_zh=draw(st.text(min_size=1, max_size=300).filter(one_line)),
        text_en=draw(texts),
        resolve_zh=draw(texts),
        override_reasons=draw(
            st.lists(st.sampled_from(["clinical_need", "patient_pays", "own_code"]), max_size=3)
        ),
        presentation=draw(numbers(1, 3)),
        alert_key=str(draw(st.uuids())),
    )


@st.composite
def verdicts(draw: st.DrawFn) -> verdict_pb2.Verdict:
    verdict = verdict_pb2.Verdict(
        status=draw(numbers(1, 5)),
        findings=draw(st.lists(findings(), max_size=4, unique_by=lambda one: one.alert_key)),
    )
    if verdict.status <= verdict_pb2.GROUP_STATUS_AMBIGUOUS:
        verdict.group.code, verdict.group.name = "BR23", draw(texts)
    if draw(st.booleans()):
        verdict.meter.cost_fen = draw(st.integers(0, 10**9))
        verdict.meter.multiple_of_payment = draw(st.floats(0, 9))
        verdict.meter.order_effects.add(field="encounter.orders[0]", band_crossed=draw(st.booleans()))
        verdict.meter.SetInParent()
        verdict.rules.SetInParent()
    return verdict


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(HOOKS), verdicts(), st.booleans())
def test_every_reply_holds(hook: str, verdict: verdict_pb2.Verdict, recorded: bool) -> None:
    reply = reply_to(hook, verdict, recorded=recorded)
    assert check_reply(reply) == []
    # What is shown is there, what is not is not.
    told = [card for card in reply["cards"] if card["source"]["topic"]["code"] != "stay"]
    shown = [one for one in verdict.findings if one.presentation in SHOWN]
    assert len(told) == len(shown)
    graveness = [["critical", "warning", "info"].index(card["indicator"]) for card in reply["cards"]]
    assert graveness == sorted(graveness)


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_every_kind_of_finding_on_every_hook(kind: str) -> None:
    told = kinds()[kind]
    for hook in HOOKS:
        verdict = verdict_pb2.Verdict(status=verdict_pb2.GROUP_STATUS_NOT_YET)
        for presentation in pb.Presentation.values()[1:]:
            verdict.findings.add(
                rule=f"{kind}:1",
                tier=pb.FindingTier.Value(f"FINDING_TIER_{told.tier.name}"),
                finding_class=pb.FindingClass.Value(f"FINDING_CLASS_{told.finding_class.name}"),
                subclass=told.subclass,
                fields=["encounter.orders[0]"],
                text_zh=told.words.zh,
                text_en=told.words.en,
                resolve_zh=told.words.resolve_zh,
                resolve_en=told.words.resolve_en,
                override_reasons=told.overrides,
                presentation=presentation,
                alert_key=str(presentation),
            )
        for language in ("zh", "en"):
            reply = reply_to(hook, verdict, how=CdsSettings(language=language))
            assert check_reply(reply) == []
            assert sum("uuid" in card for card in reply["cards"]) == 2


def finding(**fields: Any) -> pb.Finding:
    values = {
        "tier": pb.FINDING_TIER_STOP,
        "finding_class": pb.FINDING_CLASS_ORDER,
        "presentation": pb.PRESENTATION_INTERRUPT,
        "fields": ["encounter.orders[1].item"],
        "text_zh": "甲片限成人使用",
        "alert_key": "k",
        **fields,
    }
    return pb.Finding(**values)


@pytest.mark.parametrize(
    ("presentation", "tier", "indicator"),
    [
        ("INTERRUPT", "STOP", "critical"),
        ("INTERRUPT", "WARN", "warning"),
        ("INLINE", "STOP", "warning"),
        ("INLINE", "WARN", "info"),
        ("INLINE", "HINT", "info"),
        ("SILENT", "STOP", None),
    ],
)
def test_how_grave(presentation: str, tier: str, indicator: str | None) -> None:
    one = finding(
        presentation=pb.Presentation.Value(f"PRESENTATION_{presentation}"),
        tier=pb.FindingTier.Value(f"FINDING_TIER_{tier}"),
    )
    reply = reply_to("order-sign", verdict_pb2.Verdict(findings=[one]))
    assert [card["indicator"] for card in reply["cards"]] == ([indicator] if indicator else [])


@pytest.mark.parametrize(
    ("hook", "fields", "withdrawn"),
    [
        ("order-sign", {}, [("ServiceRequest/O1", True)]),
        ("order-select", {}, [("ServiceRequest/O1", True)]),
        ("patient-view", {}, []),
        ("order-sign", {"tier": pb.FINDING_TIER_WARN}, [("ServiceRequest/O1", False)]),
        (
            "order-sign",
            {"fields": ["encounter.orders[0]", "encounter.orders[1]"]},
            [("ServiceRequest/O0", False), ("ServiceRequest/O1", False)],
        ),
        ("order-sign", {"fields": ["encounter.charges.lines[0]"]}, []),
        # Advice on coding is never an act, whatever it is about.
        ("order-sign", {"finding_class": pb.FINDING_CLASS_GROUPING}, []),
    ],
)
def test_what_the_emr_can_do(hook: str, fields: Json, withdrawn: list[tuple[str, bool]]) -> None:
    verdict = verdict_pb2.Verdict(status=verdict_pb2.GROUP_STATUS_NOT_YET, findings=[finding(**fields)])
    reply = reply_to(hook, verdict)
    suggestions = reply["cards"][0].get("suggestions", [])
    assert [
        (action["resourceId"], suggestion.get("isRecommended", False))
        for suggestion in suggestions
        for action in suggestion["actions"]
    ] == withdrawn


@pytest.mark.parametrize(
    ("hook", "signals", "crossed", "is_shown"),
    [
        ("patient-view", 0, False, True),
        ("encounter-discharge", 0, False, True),
        ("order-select", 0, False, False),
        ("order-sign", 0, False, False),
        ("order-sign", 1, False, True),
        ("order-sign", 0, True, True),
    ],
)
def test_the_card_of_group_and_cost_earns_its_place(
    hook: str, signals: int, crossed: bool, is_shown: bool
) -> None:
    verdict = verdict_pb2.Verdict(status=verdict_pb2.GROUP_STATUS_NOT_YET)
    verdict.meter.signals.extend([meter_pb2.Signal(kind=meter_pb2.SIGNAL_KIND_HIGH_BAND)] * signals)
    verdict.meter.order_effects.add(field="encounter.orders[0]", band_crossed=crossed)
    topics = [card["source"]["topic"]["code"] for card in reply_to(hook, verdict)["cards"]]
    assert topics == (["stay"] if is_shown else [])


def test_money_that_a_role_does_not_see_is_in_no_card() -> None:
    verdict = verdict_pb2.Verdict(status=verdict_pb2.GROUP_STATUS_GROUPED)
    verdict.group.code = "BR23"
    verdict.meter.money_hidden = True
    verdict.meter.multiple_of_payment = 0.86
    written = json.dumps(reply_to("patient-view", verdict), ensure_ascii=False)
    assert "0.86" in written
    assert not any(mark in written for mark in ("¥", "_fen", "Fen", "元"))


def test_an_order_without_a_price_has_no_effect() -> None:
    call = CALLS["order-sign"]
    assert call.question
    verdict = verdict_pb2.Verdict()
    verdict.meter.ordered_fen = 4
    verdict.meter.order_effects.add(field="encounter.orders[0]", band_crossed=True)
    unpriced = replace(call, unpriced=frozenset(["encounter.orders[0]"]))
    reply = write_cards(unpriced, call.question, service_pb2.EvaluateResponse(verdict=verdict), {}, SETTINGS)
    assert reply["cards"] == []
    assert "orderedFen" not in json.dumps(reply)
    assert reply["extension"]["org.casemeter.call"]["unpriced"] == ["context.draftOrders.entry[0].resource"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("普通文字，100%", "普通文字，100%"),
        ("[点我](http://evil.example)", r"\[点我\]\(http\://evil\.example\)"),
        ("<b>a</b>\n# b", r"\<b\>a\</b\> \# b"),
        ("www.evil.example a@b.c", r"www\.evil\.example a\@b\.c"),
    ],
)
def test_text_stays_text(text: str, written: str) -> None:
    assert escaped(text) == written


@pytest.mark.parametrize("length", [1, 138, 139, 140, 141, 500])
def test_summaries_are_short(length: int) -> None:
    text = shortened("长" * length, 140)
    assert len(text) == min(length, 139)
    assert text.endswith("…") == (length > 139)


def test_nothing_to_say_is_a_reply() -> None:
    assert check_reply(nothing_to_say()) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda reply: reply["cards"][0].pop("summary"), "reply.cards[0] has no summary"),
        (lambda reply: reply["cards"][0].update(summary="长" * 140), "reply.cards[0].summary is too long"),
        (lambda reply: reply["cards"][0].update(detail=""), "reply.cards[0].detail is empty"),
        (lambda reply: reply["cards"][0].update(uuid="7"), "reply.cards[0].uuid is no UUID"),
        (
            lambda reply: reply["cards"][0].update(indicator="hard-stop"),
            "reply.cards[0].indicator is hard-stop, not info|warning|critical",
        ),
        (
            lambda reply: reply["cards"][0].pop("selectionBehavior"),
            "reply.cards[0]: suggestions need a selectionBehavior",
        ),
        (
            lambda reply: reply["cards"][0]["suggestions"][0]["actions"][0].pop("resourceId"),
            "reply.cards[0].suggestions[0].actions[0]: what is deleted is named, not sent",
        ),
        (
            lambda reply: reply["cards"][0]["overrideReasons"][0].pop("display"),
            "reply.cards[0].overrideReasons[0] has no display",
        ),
        (lambda reply: reply.update(systemActions=[]), "reply.systemActions is empty"),
        (
            lambda reply: reply.update(extension={"short": 1}),
            "reply.extension has short, which is no reverse-domain name",
        ),
    ],
)
def test_the_checker_sees_what_is_wrong(change: Any, fault: str) -> None:
    reply = reply_to(
        "order-sign", verdict_pb2.Verdict(findings=[finding(override_reasons=["clinical_need"])])
    )
    assert check_reply(reply) == []
    change(reply)
    assert check_reply(reply) == [fault]


def test_discovery() -> None:
    services = discovery()["services"]
    assert [one["hook"] for one in services] == [
        "patient-view",
        "order-select",
        "order-sign",
        "encounter-discharge",
    ]
    # One id: the cards of a later call replace those of an earlier one.
    assert {one["id"] for one in services} == {"casemeter"}
    for one in services:
        assert all(one[name] for name in ("title", "description", "usageRequirements", "prefetch"))
        assert {*one["prefetch"]} == {*service().resources}
        assert {*service().needed} <= {*one["prefetch"]}


def test_the_page_names_every_key_and_extension() -> None:
    page = (Path(__file__).parents[1] / "docs" / "door_cds_hooks.md").read_text("utf-8")
    names = [one.url.rpartition("/")[2] for some in shipped_systems().extensions.values() for one in some]
    for name in (*names, *(f"`{key}`" for key in service().resources), *(f"`{hook}`" for hook in HOOKS)):
        assert name in page, name
