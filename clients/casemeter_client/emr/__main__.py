"""``python -m casemeter_client.emr``: an EMR to try a server against."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from casemeter_client._errors import CaseMeterError
from casemeter_client.emr.doors import NAMES, DoorError, Options, open_door
from casemeter_client.emr.history import HistoryError, ending_today, read_histories, renamed, shipped
from casemeter_client.emr.nhsa import CHINA
from casemeter_client.emr.player import Shown, Tally, play_lanes
from casemeter_client.emr.screen import Screen

_GRPC = ("grpc", "evaluate")
_DEFAULT = {True: "127.0.0.1:50051", False: "127.0.0.1:8080"}
_MAX_LANES = 1_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.command == "list":
        print("\n".join(shipped()))  # noqa: T201  # the result of the command
        return 0
    if asked.watch and asked.door != "grpc":
        parser.error(f"--watch goes with --door grpc; '{asked.door}' answers each call by itself")
    for name in ("hospital", "role", "user", "department", "token"):
        if not getattr(asked, name).isascii():
            parser.error(f"--{name} travels in a header, which holds ASCII only")
    try:
        entries = read_histories(asked.history)
    except HistoryError as error:
        print(error, file=sys.stderr)  # noqa: T201  # what is wrong
        return 2
    if asked.today:
        entries = ending_today(entries, datetime.now(UTC))
    if asked.tag:
        entries = renamed(entries, f"-{asked.tag}")
    options = Options(
        door=asked.door,
        address=asked.address or _DEFAULT[asked.door in _GRPC],
        hospital=asked.hospital,
        role=asked.role,
        user=asked.user,
        department=asked.department,
        token=asked.token,
        language=asked.lang,
        watch=asked.watch,
        timeout=asked.timeout,
    )
    try:
        door = open_door(options)
        try:
            door.check()
        finally:
            door.close()
    except (CaseMeterError, DoorError) as error:
        print(error, file=sys.stderr)  # noqa: T201  # what is wrong
        return 1
    screen = Screen(asked.lang)
    with _interruptible() as stop:
        tally = play_lanes(
            entries,
            lambda: open_door(options),
            screen,
            lambda shown: None if asked.quiet else _print(shown, screen),
            speed=asked.speed,
            lanes=asked.encounters,
            stop=stop,
        )
    return _finish(tally, screen)


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Let Ctrl-C end what is played instead of the command, so that it still sums up."""
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _print(shown: Shown, screen: Screen) -> None:
    entry = shown.entry
    head = f"{entry.at.astimezone(CHINA):%m-%d %H:%M} {entry.encounter_id} {screen.event(entry.event)}"
    print("\n".join([head, *(f"    {line}" for line in shown.lines)]), flush=True)  # noqa: T201  # the screen


def _finish(tally: Tally, screen: Screen) -> int:
    print("\n".join(tally.lines(screen)), flush=True)  # noqa: T201  # the result of the command
    return 1 if tally.errors or tally.is_gone else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m casemeter_client.emr",
        description="An EMR to try a CaseMeter server against: it plays what happened in stays from files.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="name the histories that come with it")
    play = commands.add_parser("play", help="play histories at a door")
    play.add_argument("history", nargs="+", help="files of JSON Lines, or names of shipped histories")
    play.add_argument("--door", choices=NAMES, default="grpc", help="where to say it [grpc]")
    play.add_argument("--address", default="", help="host and port [127.0.0.1:50051, HTTP: 127.0.0.1:8080]")
    play.add_argument(
        "--speed", type=_speed, default=0.0, help="simulated seconds per second; 0: as fast as it goes [0]"
    )
    play.add_argument("--hospital", default="demo", help="the hospital it is of [demo]")
    play.add_argument("--role", default="", help="as whom [as is usual at the door]")
    play.add_argument("--user", default="", help="who works with it")
    play.add_argument("--department", default="", help="where")
    play.add_argument(
        "--token",
        default=os.environ.get("CASEMETER_TOKEN", ""),
        help="a JSON Web Token that proves them [CASEMETER_TOKEN]",
    )
    play.add_argument("--watch", action="store_true", help="watch the stays, and show what changes (grpc)")
    play.add_argument(
        "--encounters",
        type=_lanes,
        default=1,
        metavar="N",
        help="play it N times at once, as other stays [1]",
    )
    play.add_argument(
        "--tag", default="", help="put it behind the numbers of stays, to play again as new ones"
    )
    play.add_argument("--today", action="store_true", help="move the history so that it ends today")
    play.add_argument("--timeout", type=_seconds, default=10.0, help="seconds a call may take [10]")
    play.add_argument(
        "--lang", choices=("zh", "en"), default=_language(), help="language [that of the system]"
    )
    play.add_argument("--quiet", action="store_true", help="show the summary only")
    return parser


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 <= speed < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is no speed; write 0 or more, such as 3600")
    return speed


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is no time; write seconds, such as 10")
    return seconds


def _lanes(text: str) -> int:
    lanes = int(text)
    if not 1 <= lanes <= _MAX_LANES:
        raise argparse.ArgumentTypeError(f"'{text}' is not possible; write 1 to {_MAX_LANES}")
    return lanes


def _language() -> str:
    system = next(
        (value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), ""
    )
    return "zh" if system.startswith("zh") else "en"


if __name__ == "__main__":
    sys.exit(main())
