"""Plays a history at a door: every event at its time, what is shown of the answers, how long they took."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from casemeter_client._errors import CaseMeterError, ConnectionFailed
from casemeter_client.emr.doors import Door, DoorError, Unreachable
from casemeter_client.emr.history import Entry, renamed
from casemeter_client.emr.picture import Picture
from casemeter_client.emr.screen import Screen

GONE_AFTER: Final = 3
"""After how many calls in a row that nobody answered there is no use in going on."""


class Shown(NamedTuple):
    """What an EMR shows after an event.

    Attributes:
        entry: the event.
        lines: what the answers say.
    """

    entry: Entry
    lines: list[str]


@dataclass
class Tally:
    """What became of a history.

    Attributes:
        events: how many were said.
        errors: calls that were not answered as they should be.
        seconds: from the first to the last.
        took: seconds of every call, by its name.
        stays: numbers of the stays.
        is_gone: whether it was given up, for nobody answered any more.
    """

    events: int = 0
    errors: int = 0
    seconds: float = 0.0
    took: dict[str, list[float]] = field(default_factory=dict)
    stays: set[str] = field(default_factory=set)
    is_gone: bool = False

    def add(self, other: Tally) -> None:
        """Add what another lane did meanwhile."""
        self.events += other.events
        self.errors += other.errors
        self.seconds = max(self.seconds, other.seconds)
        for name, times in other.took.items():
            self.took.setdefault(name, []).extend(times)
        self.stays |= other.stays
        self.is_gone |= other.is_gone

    def lines(self, screen: Screen) -> list[str]:
        """Return it in words: counts, and the time of each kind of call."""
        calls = sum(map(len, self.took.values()))
        counts = {"events": self.events, "stays": len(self.stays), "calls": calls, "errors": self.errors}
        found = [screen.say("summary", seconds=self.seconds, **counts)]
        for name, times in self.took.items():
            times.sort()
            p50, p99 = (1000 * times[int(share * len(times))] for share in (0.5, 0.99))
            found.append(screen.say("latency", name=name, calls=len(times), p50=p50, p99=p99))
        if self.is_gone:
            found.append(screen.say("gone", count=GONE_AFTER))
        return found


class Player:
    """Plays at one door."""

    def __init__(self, door: Door, screen: Screen, *, speed: float = 0.0) -> None:
        """Take the door.

        Args:
            door: to play at; it is closed by whoever opened it.
            screen: words for what went wrong.
            speed: simulated seconds per second; 0: as fast as it goes.
        """
        self._door = door
        self._screen = screen
        self._speed = speed
        self._unanswered = 0
        self.pictures: dict[str, Picture] = {}
        """What the EMR knows of each stay."""
        self.tally = Tally()

    def play(
        self, entries: Sequence[Entry], show: Callable[[Shown], None], stop: threading.Event | None = None
    ) -> Tally:
        """Play a history to its end.

        Args:
            entries: in the order of their times.
            show: is given what the EMR shows after each event.
            stop: ends it before.
        """
        stop = stop or threading.Event()
        began = time.monotonic()
        for entry in entries:
            if self._speed:
                due = (entry.at - entries[0].at).total_seconds() / self._speed
                stop.wait(max(0.0, began + due - time.monotonic()))
            if stop.is_set() or self.tally.is_gone:
                break
            show(self.say(entry))
        self.tally.seconds = time.monotonic() - began
        return self.tally

    def say(self, entry: Entry) -> Shown:
        """Say one event at the door."""
        picture = self.pictures.setdefault(entry.encounter_id, Picture(entry.encounter_id))
        picture.apply(entry.event)
        self.tally.events += 1
        self.tally.stays.add(entry.encounter_id)
        shown = Shown(entry, [])
        for call in self._door.calls(picture, entry):
            started = time.perf_counter()
            try:
                shown.lines.extend(call.send())
                self._unanswered = 0
            except (CaseMeterError, DoorError) as error:
                self.tally.errors += 1
                is_away = isinstance(error, ConnectionFailed | Unreachable)
                self._unanswered = self._unanswered + 1 if is_away else 0
                self.tally.is_gone = self._unanswered >= GONE_AFTER
                shown.lines.append(self._screen.say("refused", call=call.name, message=error))
                break  # what would follow rests on it
            finally:
                self.tally.took.setdefault(call.name, []).append(time.perf_counter() - started)
        return shown


def play_lanes(
    entries: Sequence[Entry],
    open_door: Callable[[], Door],
    screen: Screen,
    show: Callable[[Shown], None],
    *,
    speed: float = 0.0,
    lanes: int = 1,
    stop: threading.Event | None = None,
) -> Tally:
    """Play a history several times at once, each time with stays of their own; return what became of all.

    Args:
        entries: in the order of their times.
        open_door: opens one for each time.
        screen: words for what went wrong.
        show: is given what the EMR shows, one at a time.
        speed: simulated seconds per second; 0: as fast as it goes.
        lanes: how many times; with one the stays keep their numbers.
        stop: ends it before.
    """
    lock = threading.Lock()

    def show_one(shown: Shown) -> None:
        with lock:
            show(shown)

    def play(lane: int) -> Tally:
        own = renamed(entries, f"-{lane + 1}") if lanes > 1 else entries
        door = open_door()
        try:
            return Player(door, screen, speed=speed).play(own, show_one, stop)
        finally:
            door.close()

    with ThreadPoolExecutor(lanes) as pool:
        return _sum(pool.map(play, range(lanes)))


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total
