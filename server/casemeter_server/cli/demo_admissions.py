"""The admissions of ``casemeter demo``, played by the EMR simulator, shown as a physician would read them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, Final, NamedTuple

from google.protobuf import json_format
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.verdict_pb2 import Verdict
from casemeter_client import Client
from casemeter_client.emr.doors import Door, Options, open_door
from casemeter_client.emr.history import Entry, ending_today, read_histories
from casemeter_client.emr.nhsa import CHINA
from casemeter_client.emr.player import Player
from casemeter_client.emr.screen import Screen
from casemeter_client.text import lines

_WATCHED: Final = "stroke"
"""The shipped history that is played with a watch."""

_FORECAST: Final = "forecast"
"""The shipped history that is asked about event by event, each at its own time."""

_STYLES: Final = {"‼": "bold red", "!": "yellow", "~": "cyan", "·": "dim", "×": "magenta", "✓": "green"}
_BAR_WIDTH: Final = 48
_TIMEOUT_S: Final = 20.0


class Addresses(NamedTuple):
    """Where the server answers.

    Attributes:
        grpc: host and port of gRPC.
        web: host and port of the HTTP doors.
    """

    grpc: str
    web: str


class DemoFailed(OSError):
    """The EMR was refused something it must not be refused; says what."""


def play(addresses: Addresses, language: str, *, forecasts: bool) -> None:
    """Play every admission and show it.

    Args:
        addresses: of the server.
        language: ``zh`` or ``en``.
        forecasts: whether the server forecasts.

    Raises:
        DemoFailed: the server refused an event.
        CaseMeterError: it refused a question.
    """
    console = Console(highlight=False)
    _Admissions(addresses, console, language).play()
    _Watched(addresses, console, language).play()
    if forecasts:
        _Heading(addresses, console, language).play()


class _Admissions:
    """Admissions whose events are told through gRPC; at certain moments the EMR asks about the whole stay."""

    def __init__(self, addresses: Addresses, console: Console, language: str) -> None:
        self._console, self._language = console, language
        self._address = addresses.grpc

    def play(self) -> None:
        """Play them one after another."""
        with resources.as_file(resources.files("casemeter_server.cli").joinpath("demo.jsonl")) as path:
            entries = read_histories([path])
        door = open_door(Options("grpc", self._address, language=self._language, timeout=_TIMEOUT_S))
        try:
            with Client(self._address, hospital="demo", timeout=_TIMEOUT_S) as client:
                player = Player(door, Screen(self._language))
                for admission in _content()["admission"]:
                    own = [entry for entry in entries if entry.encounter_id == admission["encounter"]]
                    self._play(admission, own, player, client)
        finally:
            door.close()

    def _play(
        self, admission: Mapping[str, Any], entries: list[Entry], player: Player, client: Client
    ) -> None:
        """Show every moment of an admission, then its meter over the days if it has charges."""
        days: dict[str, Verdict] = {}
        for step in admission["step"]:
            until = datetime.fromisoformat(step["as_of"])
            while entries and entries[0].at <= until:
                _say(player, entries.pop(0))
            request = _request(admission, step)
            picture = player.pictures[admission["encounter"]]
            request.encounter.CopyFrom(picture.encounter(placing=step.get("placing", "")))
            verdict = client.send(request).verdict
            if verdict.HasField("meter"):
                days[step["as_of"][5:10]] = verdict
            if not step.get("quiet"):
                body = Text("\n").join(map(_styled, lines(verdict, self._language)))
                title = f"{admission['title'][self._language]} — {step['day'][self._language]}"
                self._console.print(_panel(body, title))
        if days:
            self._console.print(_panel(_bars(days), _content()["words"]["meter"][self._language]))


class _Watched:
    """An open encounter that is watched, and what the doors say of the same stay."""

    def __init__(self, addresses: Addresses, console: Console, language: str) -> None:
        self._console, self._language = console, language
        self._screen = Screen(language)
        self._entries = ending_today(read_histories([_WATCHED]), datetime.now(UTC))
        self._watch = self._open("grpc", addresses.grpc)
        self._doors = {name: self._open(name, addresses.web) for name in ("cds", "3101", "4101")}

    def play(self) -> None:
        """Play it, then show what was told and what the doors answered."""
        told: list[str] = []
        answers: dict[str, list[str]] = {"card": [], "audit": [], "page": []}
        player = Player(self._watch, self._screen)
        try:
            for entry in self._entries:
                shown = _say(player, entry)
                if shown:
                    moment = entry.at.astimezone(CHINA)
                    told.append(f"{moment:%m-%d %H:%M} {self._screen.event(entry.event)}")
                    told += [f"  {line}" for line in shown]
                picture = player.pictures[entry.encounter_id]
                asked = []
                if entry.event.HasField("order"):
                    asked = [("card", "cds", "order-sign"), ("audit", "3101", "3101")]
                elif entry.event.HasField("closing"):
                    asked = [("page", "4101", "4101")]
                for panel, door, name in asked:
                    for call in self._doors[door].calls(picture, entry):
                        if call.name == name:
                            answers[panel] += call.send()
        finally:
            for opened in (self._watch, *self._doors.values()):
                opened.close()
        self._show("watched", told)
        for panel, found in answers.items():
            self._show(panel, found)

    def _open(self, door: str, address: str) -> Door:
        watch = door == "grpc"
        return open_door(Options(door, address, language=self._language, watch=watch, timeout=_TIMEOUT_S))

    def _show(self, panel: str, found: Iterable[str]) -> None:
        title = _content()["words"][panel][self._language]
        self._console.print(_panel(Text("\n").join(map(_styled, found)), title))


class _Heading:
    """Stays that end in another group than they began in, and where they were heading all the while."""

    def __init__(self, addresses: Addresses, console: Console, language: str) -> None:
        self._console, self._language = console, language
        self._address = addresses.grpc

    def play(self) -> None:
        """Play one stay after the other; show what changes the group, or where the stay is heading."""
        screen = Screen(self._language)
        entries = read_histories([_FORECAST])
        for number in sorted({entry.encounter_id for entry in entries}):
            told: list[str] = []
            door = open_door(Options("evaluate", self._address, language=self._language, timeout=_TIMEOUT_S))
            try:
                player = Player(door, screen)
                for entry in (one for one in entries if one.encounter_id == number):
                    lines = [line for line in _say(player, entry) if line.startswith(("→", "↗"))]
                    if lines or entry.event.HasField("outcome"):
                        told.append(f"{entry.at.astimezone(CHINA):%m-%d %H:%M} {screen.event(entry.event)}")
                        told += [f"  {line}" for line in lines]
            finally:
                door.close()
            title = _content()["heading"][number][self._language]
            self._console.print(_panel(Text("\n").join(map(_styled, told)), title))


def _say(player: Player, entry: Entry) -> list[str]:
    """Tell the server what happened; return what the EMR shows of it."""
    shown = player.say(entry)
    if player.tally.errors:
        raise DemoFailed("\n".join(shown.lines))
    return shown.lines


def _request(admission: Mapping[str, Any], step: Mapping[str, Any]) -> EvaluateRequest:
    explained = not admission.get("brief", False)
    values: dict[str, Any] = {
        "as_of": step["as_of"],
        "explain": explained,
        "near_misses": explained,
        "alternatives": step.get("alternatives", []),
        "phase": step.get("phase", "CARE_PHASE_UNSPECIFIED"),
        "alert_context": {"history": {}, "interruptions_this_hour": 0},
    }
    return json_format.ParseDict(values, EvaluateRequest())


def _bars(days: Mapping[str, Verdict]) -> Table:
    """Return a bar for every day: the cost as a multiple of the payment, yellow in the high band."""
    table = Table.grid(padding=(0, 2))
    highest = max(verdict.meter.multiple_of_payment for verdict in days.values()) or 1.0
    for day, verdict in days.items():
        multiple, band = verdict.meter.multiple_of_payment, verdict.payment.band.name
        bar = Text(
            "█" * round(_BAR_WIDTH * multiple / highest), style="yellow" if band == "high" else "green"
        )
        table.add_row(day, bar, f"{multiple:.2f}", verdict.group.code)
    return table


def _panel(body: Text | Table, title: str) -> Panel:
    # As text, for a bracket in a title is no markup.
    return Panel(body, title=Text(title), title_align="left")


@cache
def _content() -> dict[str, Any]:
    text = resources.files("casemeter_server.cli").joinpath("demo.toml").read_text("utf-8")
    return tomllib.loads(text)


def _styled(line: str) -> Text:
    return Text(line, style="bold" if not line.startswith(" ") else _STYLES.get(line.strip()[:1], ""))
