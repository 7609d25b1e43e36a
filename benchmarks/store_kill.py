"""Whether anything that the store acknowledged is lost when processes are killed, or the database server is.

Two processes write events, answers and settings into one store at the same time and print what was
acknowledged; at a random moment both get SIGKILL, or the database server is stopped at once and started
again. Then the store is read: everything that was acknowledged must be there, and nothing in part.
Run: python benchmarks/store_kill.py [--kills 100] [--url URL]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from casemeter_server.store.rows import Answer, StoredEvent
from casemeter_server.store.store import Reading, Store, StoreUnavailable, Writing
from common import machine

sys.path.append(str(Path(__file__).parents[1] / "tests"))
import postgresql

HOSPITAL: Final = "H"
ENCOUNTERS: Final = 5
PROCESSES: Final = 2
WRITERS: Final = 16


@dataclass
class Outcome:
    """What was found after kills.

    Attributes:
        kills: how often everything was killed.
        acknowledged: works that were acknowledged.
        unanswered: works that were told that the store does not answer.
        lost: what was acknowledged and is not there.
        partial: works of which a part is there.
    """

    kills: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    lost: list[str] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)


# The process that writes


def event(id: str) -> StoredEvent:
    """Return an event whose content follows from its number."""
    data = id.encode() * 20
    return StoredEvent(id, hashlib.sha256(data).digest(), data)


def admission(name: str, encounter: str, draw: random.Random) -> Callable[[Writing], None]:
    """Return a work: some events and an answer that says how many they are."""
    count = draw.randint(1, 5)

    def work(writing: Writing) -> None:
        now = datetime.now(UTC)
        row, _ = writing.lock(HOSPITAL, encounter, now)
        writing.add_events(row, [event(f"{name}.{at}") for at in range(count)], now)
        answer = Answer(HOSPITAL, encounter, "rule", name, now, "accepted", "", str(count), "", "u", "r")
        writing.add_answer(answer)

    return work


def setting(name: str) -> Callable[[Writing], int]:
    """Return a work: a change of the settings, from whatever they are."""

    def work(writing: Writing) -> int:
        before = writing.settings("alerts")
        row = writing.put_settings("alerts", name, before.version if before else 0, "u", datetime.now(UTC))
        return row.version if row else 0

    return work


async def _write_on(store: Store, writer: str, draw: random.Random) -> None:
    for at in range(sys.maxsize):
        name = f"{writer}.{at}"
        try:
            if draw.random() < 0.1:
                version = await store.write(setting(name))
                said = f"settings {version} {name}" if version else "nothing"
            else:
                await store.write(admission(name, f"E{draw.randrange(ENCOUNTERS)}", draw))
                said = f"work {name}"
        except StoreUnavailable:
            said = "unanswered"
            await asyncio.sleep(0.2)
        os.write(1, f"{said}\n".encode())


async def _load(url: str, process: str) -> None:
    store = Store.open(url)
    os.write(1, b"ready\n")
    async with asyncio.TaskGroup() as group:
        for at in range(WRITERS):
            name = f"{process}.{at}"
            group.create_task(_write_on(store, name, random.Random(name)))


# The process that kills


class _Child:
    """A process that writes, and what it said."""

    def __init__(self, url: str, name: str) -> None:
        command = [sys.executable, __file__, "--load", name, "--url", url]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.said: list[str] = []
        self.ready = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def end(self) -> None:
        """Kill it and read the rest of what it said."""
        self.process.kill()
        self.process.wait()
        self._thread.join()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                # What was cut off was not said.
                if line.endswith(b"\n"):
                    self.said.append(line.decode().strip())
                    self.ready.set()
        self.ready.set()


def run(
    url: str, kills: int, seed: int = 0, restart: Callable[[], None] | None = None, longest: float = 1.0
) -> Outcome:
    """Write and kill again and again.

    Args:
        url: of the store.
        kills: how often.
        seed: of the moments.
        restart: kills the database server and starts it again; ``None``: the processes are killed instead.
        longest: seconds under load before it happens, at most.
    """
    draw = random.Random(seed)
    outcome = Outcome()
    works: set[str] = set()
    settings: dict[int, str] = {}
    Store.open(url).close()
    rounds = 1 if restart else kills
    for at in range(rounds):
        children = [_Child(url, f"{seed}.{at}.{number}") for number in range(PROCESSES)]
        for child in children:
            child.ready.wait()
        for _ in range(kills if restart else 1):
            time.sleep(draw.uniform(0.05, longest))
            if restart:
                restart()
            outcome.kills += 1
        if restart:
            time.sleep(longest)
        for child in children:
            child.end()
        for line in (line for child in children for line in child.said):
            kind, *rest = line.split()
            if kind == "work":
                works.add(rest[0])
            elif kind == "settings":
                settings[int(rest[0])] = rest[1]
            elif kind == "unanswered":
                outcome.unanswered += 1
        _compare(url, works, settings, outcome)
    outcome.acknowledged = len(works) + len(settings)
    return outcome


def _compare(url: str, works: set[str], settings: dict[int, str], outcome: Outcome) -> None:
    """Note what is missing in the store."""
    store = Store.open(url)
    try:
        store.read_now(lambda reading: _look(reading, works, settings, outcome))
    finally:
        store.close()


def _look(reading: Reading, works: set[str], settings: dict[int, str], outcome: Outcome) -> None:
    there: Counter[str] = Counter()
    told: dict[str, int] = {}
    bumps: dict[str, int] = defaultdict(int)
    for answer in reading.answers():
        told[answer.alert_key] = int(answer.text)
        bumps[answer.encounter] += 2
    for encounter in (f"E{at}" for at in range(ENCOUNTERS)):
        for found in reading.events(HOSPITAL, encounter):
            there[found.event_id.rpartition(".")[0]] += 1
            if found != event(found.event_id):
                outcome.partial.append(f"content of {found.event_id}")
        row = reading.encounter(HOSPITAL, encounter)
        if (row.version if row else 0) != bumps[encounter]:
            outcome.partial.append(f"version of {encounter}")
    outcome.partial += [name for name in told.keys() | there.keys() if told.get(name, 0) != there[name]]
    outcome.lost += sorted(works - told.keys())
    now = reading.settings("alerts")
    latest = max(settings, default=0)
    version, content = (now.version, now.content) if now else (0, "")
    if version < latest or (version == latest and content != settings.get(latest, "")):
        outcome.lost.append(f"settings {latest}")


def _say(what: str, outcome: Outcome) -> None:
    counts = f"{outcome.kills:>6,} {outcome.acknowledged:>13,} {outcome.unanswered:>11,}"
    print(f"{what:<34} {counts} {len(outcome.lost):>5} {len(outcome.partial):>8}", flush=True)
    for line in [*outcome.lost, *outcome.partial][:20]:
        print(f"  {line}")


def main() -> None:
    """Kill and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--url", help="a store instead of new ones")
    parser.add_argument("--load", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        asyncio.run(_load(options.url, options.load))
        return
    print(machine())
    print(f"{PROCESSES} processes with {WRITERS} writers each, killed at random moments\n")
    print(f"{'':<34} {'kills':>6} {'acknowledged':>13} {'unanswered':>11} {'lost':>5} {'in part':>8}")
    if options.url:
        _say("processes killed", run(options.url, options.kills, options.seed))
        return
    with tempfile.TemporaryDirectory() as folder:
        _say("SQLite, processes killed", run(f"sqlite:///{folder}/s.db", options.kills, options.seed))
    with postgresql.server(durable=True) as server:
        _say("PostgreSQL, processes killed", run(server.new_store(), options.kills, options.seed))

        def restart() -> None:
            server.kill()
            server.start()

        _say("PostgreSQL, server killed", run(server.new_store(), options.kills, options.seed, restart))


if __name__ == "__main__":
    main()
