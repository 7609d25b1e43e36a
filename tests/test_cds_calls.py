"""Calls of CDS Hooks: what is read of them, what is refused, and that nothing is lost on the way."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemeter.v1 import encounter_pb2 as pb
from casemeter_client.emr.cds import hook_call
from casemeter_server.doors.cds.call import read_call
from casemeter_server.doors.facts import project, read_facts
from cds_strategies import encounters

ZONE = ZoneInfo("Asia/Shanghai")
FACTS = read_facts("casemeter_server.doors.cds")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(encounters(), st.sampled_from(["patient-view", "encounter-discharge"]))
def test_what_is_composed_is_read(encounter: pb.Encounter, hook: str) -> None:
    assert project(encounter, FACTS) == encounter
    call = read_call(*hook_call(hook, encounter), ZONE)
    assert call.question
    assert call.question.request.encounter == encounter
    assert (call.missing, call.incomplete, call.unread, call.unpriced) == ((), (), (), frozenset())


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(encounters(placing=True), st.sampled_from(["order-select", "order-sign"]))
def test_orders_that_are_placed(encounter: pb.Encounter, hook: str) -> None:
    placing = {
        f"encounter.orders[{at}]": f"ServiceRequest/{order.id}"
        for at, order in enumerate(encounter.orders)
        if order.placing
    }
    if hook == "order-select" and not placing:
        return
    call = read_call(*hook_call(hook, encounter), ZONE)
    assert call.question
    assert call.question.request.encounter == encounter
    assert call.drafts == placing
