"""The doors of gRPC: events of open encounters, and whole stays."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from casemeter.v1 import finding_pb2
from casemeter.v1.living_pb2 import EncounterChange
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_client._changes import tell_changes
from casemeter_client._errors import CaseMeterError, ConnectionFailed
from casemeter_client._sync import Client
from casemeter_client._watch import Watch
from casemeter_client.emr.doors import Call, DoorError, Options, Unreachable, placed_order
from casemeter_client.emr.history import Entry
from casemeter_client.emr.picture import Picture
from casemeter_client.emr.screen import Screen

_WATCHES_AS: Final = "physician"


def _client(options: Options, role: str) -> Client:
    return Client(
        options.address,
        hospital=options.hospital,
        role=role,
        user=options.user,
        department=options.department,
        token=options.token,
        timeout=options.timeout,
    )


def _check(client: Client, options: Options) -> None:
    try:
        client.packs()
    except ConnectionFailed as error:
        raise Unreachable(
            f"nothing that speaks gRPC answers at {options.address} ({error}); start a server with "
            "'casemeter serve', and mind that the HTTP doors have a port of their own"
        ) from None


class RecordDoor:
    """Tells every event as it happens, and watches what becomes of the stays if it is asked to."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._client = _client(options, options.acts_as)
        self._watcher = _client(options, options.role or _WATCHES_AS) if options.watch else None
        self._screen = Screen(options.language)
        self._watches: dict[str, _Watching] = {}

    def check(self) -> None:
        """Find out whether anybody answers."""
        _check(self._client, self._options)

    def calls(self, _picture: Picture, entry: Entry, /) -> Sequence[Call]:
        """Return the recording of the event, and the wait for what the watch tells of it."""
        if self._watcher is None:
            return (Call("RecordEvents", partial(self._record, entry)),)
        if entry.encounter_id not in self._watches:
            self._watches[entry.encounter_id] = _Watching(self._watcher.watch(entry.encounter_id))
        watching = self._watches[entry.encounter_id]
        return (
            Call("RecordEvents", partial(self._record, entry, watching)),
            Call("WatchEncounter", partial(self._wait, watching)),
        )

    def close(self) -> None:
        """End connections and watches."""
        self._client.close()
        if self._watcher is not None:
            self._watcher.close()
        for watching in self._watches.values():
            watching.thread.join()

    def last(self, encounter_id: str) -> EncounterChange | None:
        """Return what the watch of a stay told last; ``None``: nothing yet."""
        watching = self._watches.get(encounter_id)
        return watching.last if watching is not None else None

    def _record(self, entry: Entry, watching: _Watching | None = None) -> Sequence[str]:
        kept = self._client.record(entry.encounter_id, [entry.event])
        if watching is not None:
            watching.wanted = kept.version
        return ()

    def _wait(self, watching: _Watching) -> Sequence[str]:
        lines: list[str] = []
        while watching.last is None or watching.last.version < watching.wanted:
            try:
                told = watching.told.get(timeout=self._options.timeout)
            except queue.Empty:
                seconds = self._options.timeout
                raise DoorError(f"the watch told nothing of it within {seconds:g} seconds") from None
            if isinstance(told, CaseMeterError):
                raise told
            lines += self._screen.change(told, watching.last)
            watching.last = told
        return lines


@dataclass
class _Watching:
    """The watch of one stay, read by a thread of its own.

    Attributes:
        watch: the watch.
        told: what it told and nobody took yet; an error is the last.
        last: what was taken last.
        wanted: version that the stay has come to.
    """

    watch: Watch
    told: queue.Queue[EncounterChange | CaseMeterError] = field(default_factory=queue.Queue)
    last: EncounterChange | None = None
    wanted: int = 0

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        try:
            for change in self.watch:
                self.told.put(change)
        except CaseMeterError as error:
            self.told.put(error)


class EvaluateDoor:
    """Sends the whole stay at every event, what it was alerted to before, and what was forecast before."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._client = _client(options, options.acts_as)
        self._screen = Screen(options.language)
        self._last: dict[str, EncounterChange] = {}
        self._alerted: dict[str, dict[str, finding_pb2.EarlierAlert]] = {}

    def check(self) -> None:
        """Find out whether anybody answers."""
        _check(self._client, self._options)

    def calls(self, picture: Picture, entry: Entry, /) -> Sequence[Call]:
        """Return the evaluation of the stay; an order that is placed is being placed in it."""
        return (Call("Evaluate", partial(self._evaluate, picture, entry)),)

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _evaluate(self, picture: Picture, entry: Entry) -> Sequence[str]:
        number = entry.encounter_id
        alerted = self._alerted.setdefault(number, {})
        hour = entry.at - timedelta(hours=1)
        recent = [
            one
            for one in alerted.values()
            if one.presentation == finding_pb2.PRESENTATION_INTERRUPT
            and one.shown_at.ToDatetime(hour.tzinfo) > hour
        ]
        context = finding_pb2.AlertContext(
            history={"alerts": alerted.values()}, interruptions_this_hour=len(recent)
        )
        encounter, before = picture.encounter(placing=placed_order(entry)), self._last.get(number)
        request = EvaluateRequest(encounter=encounter, alert_context=context)
        request.as_of.FromDatetime(entry.at)
        if before is not None and before.verdict.forecast.HasField("basis"):
            request.previous_forecast.CopyFrom(before.verdict.forecast.basis)
        verdict = self._client.send(request).verdict
        for finding in verdict.findings:
            if finding.presentation != finding_pb2.PRESENTATION_SILENT and finding.alert_key not in alerted:
                earlier = finding_pb2.EarlierAlert(
                    alert_key=finding.alert_key, presentation=finding.presentation, rule=finding.rule
                )
                earlier.shown_at.FromDatetime(entry.at)
                alerted[finding.alert_key] = earlier
        change = EncounterChange(verdict=verdict)
        if before is not None:
            tell_changes(before, change)
        self._last[number] = change
        return self._screen.change(change, before)
