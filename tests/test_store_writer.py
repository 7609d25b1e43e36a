"""The thread that writes: shared commits, works that fail, stores that do not answer, rows that wait."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event as hooks

import postgresql
from casemeter_server.store import sqlite, writer
from casemeter_server.store.rows import Access, ShownAlert, StoredEvent
from casemeter_server.store.store import Reading, Store, StoreError, StoreUnavailable, Writing

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def keep(encounter: str, id: str, size: int = 4) -> Callable[[Writing], int]:
    def work(writing: Writing) -> int:
        row, _ = writing.lock("H", encounter, NOW)
        return writing.add_events(row, [StoredEvent(id, b"d" * 32, b"x" * size)], NOW)

    return work


def ids(store: Store, encounter: str = "E") -> list[str]:
    return [one.event_id for one in store.read_now(lambda it: it.events("H", encounter))]


def look(n: int, user: str = "u") -> Access:
    return Access(NOW, "H", user, "r", "d", f"call{n}", "E", "H")


def calls(store: Store) -> list[str]:
    return [one.call for one in store.read_now(lambda it: list(it.accesses("H", "E")))]


@contextmanager
def busy(store: Store) -> Iterator[None]:
    """Inside, the thread that writes is at work, and what else it is given waits."""
    there, go = threading.Event(), threading.Event()

    def work(_: Writing) -> None:
        there.set()
        assert go.wait(30)

    waiting = threading.Thread(target=store.write_now, args=(work,))
    waiting.start()
    assert there.wait(30)
    try:
        yield
    finally:
        go.set()
        waiting.join()


# Works


def test_works_that_wait_share_a_commit_and_fail_alone(store: Store) -> None:
    commits: list[object] = []
    hooks.listen(store._database.writer, "commit", commits.append)

    def fails(writing: Writing) -> int:
        keep("E", "never")(writing)
        raise KeyError("on purpose")

    async def many() -> list[int | BaseException]:
        with busy(store):
            works = [fails if n % 10 == 3 else keep("E", f"{n}") for n in range(100)]
            tasks = [asyncio.ensure_future(store.write(work)) for work in works]
            await asyncio.sleep(0)  # all are in the line now
        return await asyncio.gather(*tasks, return_exceptions=True)

    done = asyncio.run(many())
    assert len(commits) == 2
    failed = [n for n, one in enumerate(done) if isinstance(one, KeyError)]
    assert failed == list(range(3, 100, 10))
    assert [one for one in done if isinstance(one, int)] == list(range(1, 91)), "in the order they came"
    assert len(ids(store)) == 90
    assert "never" not in ids(store)


def test_a_work_that_nobody_waits_for_any_more_is_not_begun(store: Store) -> None:
    async def cancelled() -> None:
        with busy(store):
            task = asyncio.ensure_future(store.write(keep("E", "a")))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await store.write(keep("E", "b"))

    asyncio.run(cancelled())
    assert ids(store) == ["b"]


def test_two_processes_that_open_the_same_encounters_at_once(store_url: str) -> None:
    """Each with its own writer, in opposite orders; every encounter is opened once, no event is lost."""
    encounters = [f"E{n}" for n in range(8)]
    stores = [Store.open(store_url) for _ in range(3)]

    def opening(number: int, encounter: str) -> Callable[[Writing], bool]:
        def work(writing: Writing) -> bool:
            row, opened = writing.lock("H", encounter, NOW)
            writing.add_events(row, [StoredEvent(f"{number}", b"", b"")], NOW)
            return opened

        return work

    async def one(number: int, store: Store) -> list[bool]:
        order = encounters if number % 2 else encounters[::-1]
        works = [store.write(opening(10 * number + turn, one)) for turn in range(5) for one in order]
        return await asyncio.gather(*works)

    try:
        with ThreadPoolExecutor(len(stores)) as pool:
            runs = [pool.submit(asyncio.run, one(number, store)) for number, store in enumerate(stores)]
            opened = [flag for run in runs for flag in run.result(60)]
        assert opened.count(True) == len(encounters)
        for encounter in encounters:
            row = stores[0].read_now(lambda it: it.encounter("H", encounter))  # noqa: B023 (run at once)
            assert row
            assert row.version == len(ids(stores[0], encounter)) == 15
    finally:
        for store in stores:
            store.close()


def test_settings_changed_by_two_at_once_are_changed_by_one(store_url: str) -> None:
    stores = [Store.open(store_url) for _ in range(2)]

    def put(store: Store, by: str, version: int) -> bool:
        return bool(store.write_now(lambda it: it.put_settings("alerts", by, version, by, NOW)))

    try:
        with ThreadPoolExecutor(2) as pool:
            for version in range(10):
                done = [pool.submit(put, store, f"{n}", version) for n, store in enumerate(stores)]
                assert sorted(one.result(30) for one in done) == [False, True]
    finally:
        for store in stores:
            store.close()


def test_a_closed_store_takes_nothing_and_has_kept_the_rest(store_url: str) -> None:
    store = Store.open(store_url)
    with busy(store):
        assert store.record(look(1))
        pending = [store._writer.submit(keep("E", f"{n}")) for n in range(5)]
        closing_it = threading.Thread(target=store.close)
        closing_it.start()
    closing_it.join()
    assert [one.result(0) for one in pending] == [1, 2, 3, 4, 5]
    with pytest.raises(StoreError, match="closed"):
        store.write_now(keep("E", "late"))
    with closing(Store.open(store_url)) as again:
        assert len(ids(again)) == 5
        assert calls(again) == ["call1"]


# Stores that do not answer


@pytest.fixture
def out_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_OUT_SECONDS", 0.01)


def test_a_full_disk_keeps_nothing_in_part(tmp_path: Path) -> None:
    with closing(Store.open(f"sqlite:///{tmp_path / 's.db'}")) as store:

        def limit(pages: int) -> Callable[[Writing], None]:
            return lambda it: it._connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}").close()

        store.write_now(keep("E", "a"))
        store.write_now(limit(60))

        async def batch() -> list[int | BaseException]:
            with busy(store):
                works = [keep("E", "b"), keep("E", "c", 1 << 20), keep("E", "d")]
                tasks = [asyncio.ensure_future(store.write(work)) for work in works]
                await asyncio.sleep(0)
            return await asyncio.gather(*tasks, return_exceptions=True)

        done = asyncio.run(batch())
        assert [str(one) for one in done] == ["the store does not answer: database or disk is full"] * 3
        assert all(isinstance(one, StoreUnavailable) for one in done)
        assert ids(store) == ["a"]
        store.write_now(limit(1 << 30))
        assert store.write_now(keep("E", "c", 1 << 20)) == 2


def test_a_work_that_hides_a_full_disk_is_not_acknowledged(tmp_path: Path) -> None:
    """SQLite undoes the whole transaction by itself: what else was in it must not be taken for kept."""
    with closing(Store.open(f"sqlite:///{tmp_path / 's.db'}")) as store:

        def hides(writing: Writing) -> None:
            keep("E", "a")(writing)
            # What SQLite does on its own when the disk is full.
            writing._connection.exec_driver_sql("ROLLBACK").close()

        with pytest.raises(StoreUnavailable, match="undone"):
            store.write_now(hides)
        assert ids(store) == []
        assert store.write_now(keep("E", "a")) == 1


def test_a_file_that_another_program_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "WAIT_SECONDS", 0.1)
    path = tmp_path / "s.db"
    with closing(Store.open(f"sqlite:///{path}")) as store:
        store.write_now(keep("E", "a"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="locked"):
                store.write_now(keep("E", "b"))
            assert ids(store) == ["a"], "readers pass"
            other.execute("ROLLBACK")
        assert store.write_now(keep("E", "b")) == 2


@pytest.mark.usefixtures("out_for_long")
def test_a_server_that_ends_and_comes_back(
    postgres: postgresql.Server, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Store.open(postgres.new_store())) as store:
        store.write_now(keep("E", "a"))
        assert ids(store) == ["a"]
        postgres.kill()
        try:
            for work in (keep("E", "b"), keep("E", "b")):
                with pytest.raises(StoreUnavailable, match="does not answer"):
                    store.write_now(work)
            with pytest.raises(StoreUnavailable, match="does not answer"):
                ids(store)
            assert store.record(look(1))
        finally:
            postgres.start()
        assert store.write_now(keep("E", "b")) == 2
        assert ids(store) == ["a", "b"], "a connection that was lost is made anew"
        assert calls(store) == ["call1"], "what was recorded meanwhile waited"
        said = [record.getMessage() for record in caplog.records if "store" in record.name]
        assert len(said) == 2, "that it is out and that it is back, each once"
        # A restart that nobody noticed costs no error.
        postgres.kill()
        postgres.start()
        assert ids(store) == ["a", "b"]
        assert store.write_now(keep("E", "c")) == 3


# Rows that wait


def test_what_is_recorded_is_written_soon(store: Store) -> None:
    alert = ShownAlert("a1", "H", "E", NOW, "r", "k", 1, "b", "inline", "", "r", "u", "d")
    assert store.record(alert, look(1))
    until = time.monotonic() + 20
    while not calls(store):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert store.record(alert), "the same alert again is passed over"
    store.write_now(keep("E", "a"))
    assert store.read_now(lambda it: it.alerts("H", "E")) == [alert]
    assert store.dropped == 0


def test_a_work_finds_what_was_recorded_before_it_came(store: Store) -> None:
    alert = ShownAlert("a1", "H", "E", NOW, "r", "k", 1, "b", "inline", "", "r", "u", "d")
    with busy(store):
        assert store.record(alert)
        found = store._writer.submit(lambda it: it.alert("a1"))
    assert found.result(30) == alert


def test_a_full_line_drops_and_counts_and_does_not_wait(store_url: str) -> None:
    store = Store.open(store_url, spool_rows=5)
    with busy(store):
        taken = [store.record(look(n)) for n in range(4)]
        taken += [store.record(look(4), look(5)), store.record(look(6)), store.record(look(7))]
        assert taken == [True, True, True, True, False, True, False]
        assert store.dropped == 3
    store.close()
    with closing(Store.open(store_url)) as again:
        assert calls(again) == ["call0", "call1", "call2", "call3", "call6"]


def test_a_row_that_cannot_be_written_holds_up_no_other(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with busy(store):
        assert store.record(*(look(n, "\ud800" if n == 3 else "u") for n in range(6)))
    store.write_now(keep("E", "a"))
    assert calls(store) == ["call0", "call1", "call2", "call4", "call5"]
    assert store.dropped == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]


# Reading


def test_ten_thousand_events_are_read_in_the_order_they_came(store: Store) -> None:
    """One batch after the other, and each reads only what is new."""
    seen: list[str] = []
    for batch in range(20):

        def work(writing: Writing, batch: int = batch) -> int:
            row, _ = writing.lock("H", "E", NOW)
            new = [StoredEvent(f"{batch:02}{n:03}", b"", b"") for n in range(500)]
            assert writing.known("H", "E", [one.event_id for one in new]) == {}
            return writing.add_events(row, new, NOW)

        assert store.write_now(work) == batch + 1

        def new(reading: Reading, batch: int = batch) -> list[str]:
            return [one.event_id for one in reading.events("H", "E", after=batch)]

        seen += store.read_now(new)
    assert len(seen) == 10_000
    assert ids(store) == seen == sorted(seen)


def test_readings_do_not_wait_for_what_is_written(store: Store) -> None:
    store.write_now(keep("E", "a"))

    async def read() -> list[StoredEvent]:
        return await store.read(lambda it: it.events("H", "E"))

    with busy(store):
        assert len(asyncio.run(read())) == 1
