"""Who is told of changes, whichever process made them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

import pytest

import postgresql
from casemeter_server.store import announcements
from casemeter_server.store import postgresql as postgres_store
from casemeter_server.store.database import EVERYTHING, SETTINGS
from casemeter_server.store.rows import Answer, StoredEvent
from casemeter_server.store.store import Store, Writing

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOON = 20
"""Seconds that nothing takes; a test that fails need not wait for ever."""


def keep(encounter: str, id: str, hospital: str = "H") -> Callable[[Writing], int]:
    def work(writing: Writing) -> int:
        row, _ = writing.lock(hospital, encounter, NOW)
        return writing.add_events(row, [StoredEvent(id, b"", b"")], NOW)

    return work


async def told(listening: AsyncGenerator[tuple[str, str]], count: int = 1) -> list[tuple[str, str]]:
    return [await asyncio.wait_for(anext(listening), SOON) for _ in range(count)]


def test_changes_of_any_process_are_told(store: Store, store_url: str) -> None:
    other = Store.open(store_url)
    refused = Answer("H", "nowhere", "r", "k", NOW, "accepted", "", "", "", "u", "r")

    def fails(writing: Writing) -> None:
        keep("never", "a")(writing)
        raise KeyError("on purpose")

    async def main() -> None:
        await store.write(keep("before", "a"))
        listening = store.announcements()
        assert await told(listening) == [EVERYTHING], "from here on nothing is missed"
        for writing in (store, other):
            name = f"E{writing is store}"
            await writing.write(keep(name, "a"))
            assert await told(listening) == [("H", name)]
            await writing.write(keep(name, "b"))
            assert await told(listening) == [("H", name)]
            await writing.write(partial(Writing.add_answer, answer=refused._replace(encounter=name)))
            assert await told(listening) == [("H", name)]
            await writing.write(lambda it: it.add_answer(refused))
            with pytest.raises(KeyError):
                await writing.write(fails)
            version = await store.read(lambda it: row.version if (row := it.settings("alerts")) else 0)
            await writing.write(
                partial(Writing.put_settings, name="alerts", content="x", if_version=version, by="u", at=NOW)
            )
            assert await told(listening) == [SETTINGS], "neither what failed nor what is of no encounter"
        await listening.aclose()

    asyncio.run(main())
    other.close()


def test_all_listeners_are_told_and_a_slow_one_of_each_encounter_once(store: Store) -> None:
    async def main() -> None:
        slow, quick = store.announcements(), store.announcements()
        assert await told(slow) == await told(quick) == [EVERYTHING]
        for n in range(6):
            await store.write(keep(f"E{n % 2}", f"{n}"))
            assert await told(quick) == [("H", f"E{n % 2}")]
        assert sorted(await told(slow, 2)) == [("H", "E0"), ("H", "E1")]
        await store.write(keep("E9", "a"))
        assert await told(slow) == [("H", "E9")]
        late = store.announcements()
        assert await told(late) == [EVERYTHING]
        for one in (slow, quick, late):
            await one.aclose()

    asyncio.run(main())


def test_one_that_is_far_behind_looks_at_everything(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "_MOST_WAITING", 3)

    async def main() -> None:
        slow, quick = store.announcements(), store.announcements()
        assert await told(slow) == await told(quick) == [EVERYTHING]
        for n in range(4):
            await store.write(keep(f"E{n}", "a"))
            await told(quick)
        assert await told(slow) == [EVERYTHING]
        await store.write(keep("E1", "b"))
        assert await told(slow) == [("H", "E1")]
        await slow.aclose()
        await quick.aclose()

    asyncio.run(main())


def test_names_are_told_as_they_are(store: Store) -> None:
    names = [("第一医院", "住院-0001"), ('"', "\\"), ("[", "', '"), ("H", "x" * 9_000)]

    async def main() -> None:
        listening = store.announcements()
        await told(listening)
        for hospital, encounter in names:
            await store.write(keep(encounter, "a", hospital))
            found = (await told(listening))[0]
            assert found == (hospital, encounter) or (found == EVERYTHING and len(encounter) > 1_000)
        await listening.aclose()

    asyncio.run(main())


def test_closing_ends_listening(store_url: str) -> None:
    store = Store.open(store_url)

    async def main() -> list[tuple[str, str]]:
        listening = store.announcements()
        await told(listening)
        threading.Timer(0.05, store.close).start()
        return [key async for key in listening]

    assert asyncio.run(main()) == []


def test_what_was_missed_while_the_server_was_away_is_looked_for(
    postgres: postgresql.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_store, "_LOST_SECONDS", 0.02)
    with closing(Store.open(postgres.new_store())) as store:

        async def main() -> None:
            listening = store.announcements()
            await told(listening)
            await asyncio.to_thread(postgres.kill)
            await asyncio.to_thread(postgres.start)
            assert await told(listening) == [EVERYTHING]
            await store.write(keep("E1", "a"))
            assert await told(listening) == [("H", "E1")]
            await listening.aclose()

        asyncio.run(main())
