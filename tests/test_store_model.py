"""Works in any order, some of them failing, against a model that is a few dictionaries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemeter_server.store.rows import Answer, StoredEvent
from casemeter_server.store.store import Reading, Store, Writing

START = datetime(2026, 3, 1, tzinfo=UTC)
ENCOUNTERS = ("E1", "E2", "E3")
EXAMPLE = count()

Step = tuple[str, str, frozenset[int]]

STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("events"), st.sampled_from(ENCOUNTERS), st.frozensets(st.integers(0, 9), min_size=1)),
    st.tuples(st.just("answer"), st.sampled_from(ENCOUNTERS), st.frozensets(st.integers(), max_size=0)),
    st.tuples(st.just("settings"), st.sampled_from(ENCOUNTERS), st.frozensets(st.integers(0, 3), min_size=1)),
    st.tuples(st.just("fails"), st.sampled_from(ENCOUNTERS), st.frozensets(st.integers(0, 9), min_size=1)),
)


class Model:
    """What should be in the store."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self.events: dict[str, list[tuple[int, str]]] = {name: [] for name in ENCOUNTERS}
        self.answers: list[str] = []
        self.settings: dict[str, int] = {}

    def take(self, kind: str, name: str, numbers: frozenset[int], done: object) -> None:
        """Do a step too, and compare what it returned."""
        if kind == "events":
            ids = [f"{n}" for n in sorted(numbers)]
            new = [id for id in ids if id not in [known for _, known in self.events[name]]]
            opened = name not in self.versions
            self.versions[name] = self.versions.get(name, 0) + bool(new)
            self.events[name] += [(self.versions[name], id) for id in new]
            assert done == (self.versions[name], opened)
        elif kind == "answer":
            self.answers.append(name)
            if name in self.versions:
                self.versions[name] += 1
            assert done == self.versions.get(name, 0)
        elif kind == "settings":
            kept = min(numbers) == self.settings.get(name, 0)
            self.settings[name] = self.settings.get(name, 0) + kept
            assert done is kept
        else:
            assert isinstance(done, KeyError)


def work_of(hospital: str, kind: str, name: str, numbers: frozenset[int]) -> Callable[[Writing], object]:
    """The work that a step is."""

    def events(writing: Writing) -> object:
        row, opened = writing.lock(hospital, name, START)
        ids = [f"{n}" for n in sorted(numbers)]
        known = writing.known(hospital, name, ids)
        new = [StoredEvent(id, b"", b"") for id in ids if id not in known]
        version = writing.add_events(row, new, START + timedelta(seconds=row.version)) if new else row.version
        return version, opened

    def answer(writing: Writing) -> object:
        return writing.add_answer(
            Answer(hospital, name, "r", name, START, "accepted", "", "", "", "u", "r", hospital)
        )

    def change(writing: Writing) -> object:
        return bool(writing.put_settings(f"{hospital}.{name}", name, min(numbers), "u", START))

    def fails(writing: Writing) -> object:
        events(writing)
        answer(writing)
        raise KeyError("on purpose")

    return {"events": events, "answer": answer, "settings": change, "fails": fails}[kind]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(STEPS, min_size=1, max_size=6), max_size=4))
def test_the_store_is_what_the_model_is(store: Store, batches: list[list[Step]]) -> None:
    hospital = f"H{next(EXAMPLE)}"
    model = Model()

    async def run() -> None:
        for batch in batches:
            works = [store.write(work_of(hospital, *step)) for step in batch]
            done = await asyncio.gather(*works, return_exceptions=True)
            for step, result in zip(batch, done, strict=True):
                model.take(*step, result)

    asyncio.run(run())

    def look(reading: Reading) -> None:
        for name in ENCOUNTERS:
            row = reading.encounter(hospital, name)
            assert (row.version if row else None) == model.versions.get(name)
            for after in range(4):
                found = [one.event_id for one in reading.events(hospital, name, after)]
                assert found == [id for version, id in sorted(model.events[name]) if version > after]
            kept = reading.settings(f"{hospital}.{name}")
            assert (kept.version if kept else 0) == model.settings.get(name, 0)
        answers = [one.alert_key for one in reading.answers() if one.alert == hospital]
        assert answers == model.answers

    store.read_now(look)
