"""The doors of HTTP: the calls as JSON, the national messages, CDS Hooks, the settlement list."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from google.protobuf import json_format

from casemeter.v1.living_pb2 import EncounterEvent, RecordEventsRequest
from casemeter_client.emr import cds, nhsa, settlement
from casemeter_client.emr.doors import Call, DoorError, Options, placed_order
from casemeter_client.emr.history import Entry
from casemeter_client.emr.link import Link
from casemeter_client.emr.picture import Picture
from casemeter_client.emr.screen import Screen

_ORDER_ON_WARD: Final = "5"
_DISCHARGE: Final = "8"
_OF_THE_CHART: Final = ("diagnosis", "procedure", "segment")

Speak = Callable[[Link, Screen, Picture, Entry], Sequence[Call]]
"""Returns the calls that an event leads to at one door."""


class HttpDoor:
    """A door of HTTP: one connection, which is kept."""

    def __init__(self, options: Options, speak: Speak) -> None:
        self._link = Link(options)
        self._screen = Screen(options.language)
        self._speak = speak

    def check(self) -> None:
        """Find out whether anybody answers."""
        self._link.get("/healthz")

    def calls(self, picture: Picture, entry: Entry, /) -> Sequence[Call]:
        """Return the calls that the event leads to."""
        return self._speak(self._link, self._screen, picture, entry)

    def close(self) -> None:
        """End the connection."""
        self._link.close()


def open_http(options: Options) -> HttpDoor:
    """Return one of these doors."""
    speak: dict[str, Speak] = {"json": _json, "3101": _audit, "4101": _settlement, "cds": _cds}
    return HttpDoor(options, speak[options.door])


def is_discharge(event: EncounterEvent) -> bool:
    """Whether an event says that the patient leaves or is to leave."""
    values = event.facts.values
    return values.HasField("discharge_time") or values.discharge_ordered


def _json(link: Link, _screen: Screen, _picture: Picture, entry: Entry) -> Sequence[Call]:
    request = RecordEventsRequest(encounter_id=entry.encounter_id, events=[entry.event])

    def send() -> Sequence[str]:
        link.post("/v1/RecordEvents", json_format.MessageToJson(request, indent=None).encode())
        return ()

    return (Call("POST RecordEvents", send),)


def _audit(link: Link, screen: Screen, picture: Picture, entry: Entry) -> Sequence[Call]:
    order = placed_order(entry)
    if order:
        infno, scene = "3101", _ORDER_ON_WARD
    elif is_discharge(entry.event):
        infno, scene = "3102", _DISCHARGE
    else:
        return ()

    def send() -> Sequence[str]:
        encounter = picture.encounter(placing=order)
        message = nhsa.audit_message(encounter, infno, at=entry.at, trig_scen=scene)
        reply = link.post(f"/nhsa/{infno}", message, entry.at)
        try:
            return [screen.audit(finding) for finding in nhsa.findings(reply)]
        except nhsa.AuditFailed as error:
            raise DoorError(str(error)) from None

    return (Call(infno, send),)


def _cds(link: Link, screen: Screen, picture: Picture, entry: Entry) -> Sequence[Call]:
    order = placed_order(entry)
    if order:
        hooks = ["order-select", "order-sign"]
    elif is_discharge(entry.event):
        hooks = ["encounter-discharge"]
    elif entry.event.WhichOneof("what") in _OF_THE_CHART:
        hooks = ["patient-view"]
    else:
        return ()

    def send(hook: str) -> Sequence[str]:
        encounter = picture.encounter(placing=order)
        patient = encounter.person_key or encounter.encounter_id
        service, body = cds.hook_call(hook, encounter, patient=patient)
        reply = link.post(f"/cds-services/{service}", body, entry.at)
        return [line for card in cds.cards(reply) for line in screen.card(card)]

    return [Call(hook, partial(send, hook)) for hook in hooks]


def _settlement(link: Link, screen: Screen, picture: Picture, entry: Entry) -> Sequence[Call]:
    if not (entry.event.HasField("closing") and entry.event.closing.closed):
        return ()

    def send() -> Sequence[str]:
        message = settlement.settlement_message(picture.encounter(), "4101")
        reply: dict[str, Any] = json.loads(link.post("/settlement/4101?submit=true", message, entry.at))
        output = reply.get("output", reply)
        if output.get("status") == "invalid":
            faults = [fault["message"] for fault in output["error"]["faults"]] or [output["error"]["message"]]
            raise DoorError("; ".join(faults))
        return screen.check(output)

    return (Call("4101", send),)
