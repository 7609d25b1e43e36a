"""The EMR simulator at every door of real servers; its own picture is the oracle of the server's state."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from casemeter.v1.living_pb2 import EncounterEvent
from casemeter_client import Client, ConnectionFailed
from casemeter_client.emr.__main__ import main
from casemeter_client.emr.doors import NAMES, Call, DoorError, Options, Unreachable, open_door
from casemeter_client.emr.history import Entry, read_histories, renamed, shipped
from casemeter_client.emr.picture import Picture
from casemeter_client.emr.player import GONE_AFTER, Player, Shown, play_lanes
from casemeter_client.emr.screen import Screen
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.snapshot import Snapshot
from emr_servers import doors
from event_strategies import histories
from live import Live, live, pricing
from test_client import free_address

GRPC = ("grpc", "evaluate")
CALLS = {
    # door: the calls of the shipped histories, all together
    "grpc": {"RecordEvents": 168},
    "evaluate": {"Evaluate": 168},
    "json": {"POST RecordEvents": 168},
    "3101": {"3101": 1, "3102": 10},
    "cds": {"patient-view": 50, "order-select": 1, "order-sign": 1, "encounter-discharge": 10},
    "4101": {"4101": 9},
}


@pytest.fixture(scope="module")
def snapshot(bundles: Path) -> Snapshot:
    rules = [build_cached(find_pack(name), bundles) for name in ("chs_drg_11", "orders", "coding_quality")]
    return Snapshot.open([*rules, *pricing(bundles)])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server(snapshot: Snapshot, data: Path) -> Iterator[Live]:
    with live(snapshot, data=data) as server:
        yield server


@pytest.fixture(scope="module")
def web(snapshot: Snapshot, data: Path) -> Iterator[str]:
    with doors(snapshot, data) as address:
        yield address


@pytest.fixture(scope="module")
def client(server: Live) -> Iterator[Client]:
    with Client(server.address, hospital="demo", role="emr", timeout=20) as client:
        yield client


def played(entries: list[Entry], options: Options) -> tuple[Player, list[Shown]]:
    """A history at a door, to its end."""
    shown: list[Shown] = []
    door = open_door(options)
    try:
        player = Player(door, Screen(options.language))
        player.play(entries, shown.append)
    finally:
        door.close()
    return player, shown


@pytest.mark.parametrize("door", NAMES)
def test_every_history_is_played_at_every_door(door: str, server: Live, web: str) -> None:
    entries = renamed(read_histories(shipped()), f"-{door}")
    options = Options(door, server.address if door in GRPC else web, language="en")
    player, shown = played(entries, options)
    assert player.tally.errors == 0, [line for one in shown for line in one.lines if "✗" in line]
    assert {name: len(times) for name, times in player.tally.took.items()} == CALLS[door]
    assert (player.tally.events, len(player.tally.stays)) == (len(entries), 9)


def lines_of(shown: list[Shown], number: str, event: str) -> list[str]:
    return next(
        one.lines
        for one in shown
        if one.entry.encounter_id.startswith(number) and one.entry.event.event_id == event
    )


@pytest.mark.parametrize(("door", "watch"), [("grpc", True), ("evaluate", False)])
def test_what_the_emr_shows_of_a_stay(door: str, watch: bool, server: Live) -> None:
    """The order that a rule catches, what is withdrawn with it, and the group after what was confirmed."""
    entries = renamed(read_histories(["stroke"]), f"-shown-{door}")
    _, shown = played(entries, Options(door, server.address, language="en", watch=watch))
    by_order = [one.lines for one in shown if one.entry.event.HasField("order")]
    assert any("are not charged together on the same day" in line for line in by_order[0])
    assert any(line.startswith("× withdrawn: ") for line in by_order[1])
    groups = [line.split()[2] for one in shown for line in one.lines if line.startswith("→ Grouped")]
    assert groups == ["FV25", "BR25", "BR23", "BR21", "BR25", "BR23", "BR21"]
    money = [line for one in shown for line in one.lines if "of the payment" in line]
    assert len(money) > 10
    assert all(line.endswith("[demonstration figures]") for line in money)


def test_what_the_national_message_and_a_card_say_of_the_same_order(web: str) -> None:
    entries = renamed(read_histories(["stroke"]), "-order")
    _, told = played(entries, Options("3101", web))
    assert [line for one in told for line in one.lines if "急诊监护费与普通病房床位费" in line]
    _, cards = played(entries, Options("cds", web))
    lines = [line for one in cards for line in one.lines]
    assert any("急诊监护费与普通病房床位费" in line for line in lines)
    assert any(line.strip().startswith("→") for line in lines)


def test_a_page_is_checked_and_sealed_when_the_stay_is_closed(web: str) -> None:
    _, shown = played(renamed(read_histories(["stroke"]), "-page"), Options("4101", web, language="en"))
    (lines,) = [one.lines for one in shown if one.lines]
    assert lines[0].startswith("checked before submission: passed; BR21")
    assert lines[-1].startswith("✓ sealed ")


def test_what_is_late_waits_and_is_taken(server: Live, client: Client) -> None:
    entries = renamed(read_histories(["late"]), "-waits")
    number = entries[0].encounter_id
    player, _ = played(entries[:5], Options("grpc", server.address))
    assert player.pictures[number].waiting() == list(client.read_encounter(number).waiting) == ["c3"]
    player, _ = played(entries, Options("grpc", server.address))
    same(player.pictures[number], client, number)
    assert not player.pictures[number].waiting()


def same(picture: Picture, client: Client, number: str) -> None:
    """Assert that the server's state is the simulator's picture."""
    state = client.read_encounter(number)
    assert state.encounter == picture.encounter()
    assert list(state.settlements) == picture.settlements()
    assert list(state.waiting) == picture.waiting()
    assert list(state.outcomes) == picture.outcomes()
    assert state.closed == picture.closed


@pytest.mark.parametrize("name", shipped())
def test_the_state_is_the_picture(name: str, server: Live, client: Client) -> None:
    entries = renamed(read_histories([name]), "-picture")
    player, _ = played(entries, Options("grpc", server.address))
    for number, picture in player.pictures.items():
        same(picture, client, number)


_numbers = itertools.count()


@settings(max_examples=25)
@given(histories())
def test_the_state_of_any_history_is_the_picture(
    server: Live, client: Client, events: list[EncounterEvent]
) -> None:
    number = f"any {next(_numbers)}"
    said = [Entry(number, event, event.time.ToDatetime(UTC)) for event in events]
    player, shown = played(said, Options("grpc", server.address))
    assert player.tally.errors == 0, shown
    same(player.pictures[number], client, number)


@given(histories())
def test_a_picture_does_not_depend_on_the_order(events: list[EncounterEvent]) -> None:
    once, reversed_, twice = Picture("E"), Picture("E"), Picture("E")
    for event in events:
        once.apply(event)
    for event in reversed(events):
        reversed_.apply(event)
    for event in (*events, *events):
        twice.apply(event)
    assert once.encounter() == reversed_.encounter() == twice.encounter()
    assert once.settlements() == reversed_.settlements()
    assert once.waiting() == reversed_.waiting()
    assert once.outcomes() == reversed_.outcomes() == twice.outcomes()
    assert once.closed == reversed_.closed == twice.closed


def test_several_times_at_once_are_stays_of_their_own(server: Live, client: Client) -> None:
    entries = renamed(read_histories(["newborn"]), "-lanes")
    options = Options("grpc", server.address, watch=True)
    shown: list[Shown] = []
    tally = play_lanes(entries, lambda: open_door(options), Screen("en"), shown.append, lanes=3)
    assert (tally.events, tally.errors, len(tally.stays)) == (3 * len(entries), 0, 6)
    states = [client.read_encounter(f"demo-newborn-lanes-{lane}").state_hash for lane in (1, 2, 3)]
    assert len(set(states)) == 3  # the number is in the state
    assert client.read_encounter("demo-newborn-lanes-1").encounter.newborn.birth_weight_g == 1820
    said = "\n".join(tally.lines(Screen("en")))
    assert f"{3 * len(entries)} events, 6 stays, {6 * len(entries)} calls, 0 errors" in said
    assert "WatchEncounter" in said


class Deaf:
    """A door at which calls are made and nothing is answered."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)

    def check(self) -> None: ...

    def close(self) -> None: ...

    def calls(self, _picture: Picture, _entry: Entry) -> tuple[Call, ...]:
        return (Call("first", self.fail), Call("second", self.fail))

    def fail(self) -> tuple[str, ...]:
        raise self.failures.pop(0)


def test_errors_are_shown_and_counted_and_silence_ends_it() -> None:
    failures = [
        DoorError("no"),
        ConnectionFailed("away"),
        DoorError("no"),
        *[Unreachable("away")] * GONE_AFTER,
    ]
    player = Player(Deaf(*failures), Screen("en"))
    shown: list[Shown] = []
    tally = player.play(read_histories(["stroke"]), shown.append)
    assert (tally.events, tally.errors, tally.is_gone) == (len(failures), len(failures), True)
    assert tally.took.keys() == {"first"}  # what would follow a call that failed is not tried
    assert shown[0].lines == ["✗ first was not answered: no"]
    assert tally.lines(Screen("en"))[-1] == f"nobody answered {GONE_AFTER} times in a row: stopped"


def test_speed_keeps_the_distance_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    stop = threading.Event()
    monkeypatch.setattr(stop, "wait", waits.append)
    monkeypatch.setattr("casemeter_client.emr.player.time.monotonic", lambda: 100.0)
    at = datetime(2026, 6, 1, tzinfo=UTC)
    entries = [
        Entry("E", EncounterEvent(event_id=str(hour)), at + timedelta(hours=hour)) for hour in range(3)
    ]
    door = Deaf()
    monkeypatch.setattr(door, "calls", lambda *_: ())
    Player(door, Screen("en"), speed=7200.0).play(entries, lambda _: None, stop)
    assert waits == [0.0, 0.5, 1.0]


# The command


def test_the_command_plays_and_sums_up(server: Live, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--watch", "--tag", "cli", "--today", "--lang", "en", "--user", "u1", "--department", "d")
    assert main(["play", "corrected", "--address", server.address, *more]) == 0
    said = capsys.readouterr().out
    assert "demo-hip-cli diagnosis S72.000 股骨颈骨折" in said
    assert "× withdrawn" in said
    assert " stays, " in said.splitlines()[-3]
    assert main(["play", "corrected", "--address", server.address, "--quiet", "--tag", "q"]) == 0
    assert capsys.readouterr().out.count("\n") == 2


def test_the_command_lists_what_is_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert capsys.readouterr().out.split() == shipped()


def test_events_with_another_content_are_errors(
    server: Live, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "again.jsonl"
    for day, status in ((1, 0), (1, 0), (2, 1)):  # the same once more changes nothing
        event = {"event_id": "1", "time": f"2026-06-0{day}T08:00:00Z", "closing": {"closed": True}}
        path.write_text(json.dumps({"encounter_id": "again", "event": event}), "utf-8")
        assert main(["play", str(path), "--address", server.address, "--lang", "en"]) == status
    assert "1 events, 1 stays, 1 calls, 1 errors" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("door", "at", "says"),
    [
        ("grpc", "nowhere", "start a server with 'casemeter serve'"),
        ("cds", "nowhere", "start a server with 'casemeter serve'"),
        ("evaluate", "web", "the HTTP doors have a port of their own"),
        ("3101", "grpc", "gRPC has a port of its own"),
        ("json", "no:port", "write 127.0.0.1:8080"),
    ],
)
def test_a_server_that_is_not_there_is_told(
    door: str, at: str, says: str, server: Live, web: str, capsys: pytest.CaptureFixture[str]
) -> None:
    address = {"nowhere": free_address(), "web": web, "grpc": server.address}.get(at, at)
    assert main(["play", "late", "--door", door, "--address", address, "--timeout", "5"]) == 1
    said = capsys.readouterr()
    assert says in said.err
    assert "Traceback" not in said.err
    assert not said.out


def test_a_door_that_is_closed_says_why(snapshot: Snapshot, capsys: pytest.CaptureFixture[str]) -> None:
    with live(snapshot) as server:
        assert main(["play", "late", "--address", server.address, "--lang", "en"]) == 1
    assert "✗ RecordEvents was not answered: the server keeps nothing, for it has no store" in (
        capsys.readouterr().out
    )


def test_a_door_that_refuses_says_why(web: str, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--address", web, "--lang", "en", "--role", "physician")
    assert main(["play", "late", "--door", "json", *more]) == 1
    said = capsys.readouterr().out
    assert "✗ POST RecordEvents was not answered: POST /v1/RecordEvents: 403" in said
    assert "11 errors" in said


def test_the_command_refuses_what_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n", "utf-8")
    assert main(["play", str(bad)]) == 2
    assert f"{bad}:1: 'event' is missing" in capsys.readouterr().err
    for wrong in (
        ["play", "late", "--door", "cds", "--watch"],
        ["play", "late", "--speed", "-1"],
        ["play", "late", "--encounters", "0"],
        ["play", "late", "--timeout", "0"],
        ["play", "late", "--hospital", "市一院"],
        ["play"],
        [],
    ):
        with pytest.raises(SystemExit) as caught:
            main(wrong)
        assert caught.value.code == 2
        assert "usage: python -m casemeter_client.emr" in capsys.readouterr().err


def test_an_answer_that_is_no_http_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A server that hangs up, as one of another kind does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            for _ in range(2):
                listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        assert main(["play", "late", "--door", "json", "--address", address]) == 1
        socket.create_connection(listener.getsockname()).close()
        thread.join()
    assert "no door of HTTP answers" in capsys.readouterr().err


def test_the_language_of_the_system(monkeypatch: pytest.MonkeyPatch, web: str, capsys: Any) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main(["play", "newborn", "--door", "4101", "--address", web]) == 0
    assert "次住院" in capsys.readouterr().out


def test_histories_hold_one_event_a_line() -> None:
    folder = Path(__file__).parents[1] / "clients" / "casemeter_client" / "emr" / "histories"
    for path in folder.glob("*.jsonl"):
        for line in path.read_text("utf-8").splitlines():
            assert json.loads(line).keys() <= {"encounter_id", "event", "at"}
