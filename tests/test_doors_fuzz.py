"""Damaged messages at every route of the doors: never a bug, always the door's error, nothing half stored."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from casemeter_server.doors.app import create_app
from casemeter_server.doors.settlement.sheet import MAX_UNPACKED
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.snapshot import Snapshot
from door_apps import engine_of, snapshot_of
from doors_fuzzing import XLSX, Broken, Sent, damaged, outcome, samples, stay, workbook
from doors_trial import Trial, trial_of

SAMPLES = tuple(samples())
DOORS = sorted({sent.door for sent in SAMPLES})
FUZZ = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def snapshot(bundles: Path) -> Snapshot:
    return snapshot_of(bundles)


@pytest.fixture(scope="module")
def trial(snapshot: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial_of(snapshot, tmp_path_factory.mktemp("store")) as opened:
        # An encounter is open, whichever test comes first.
        opened.run(next(sent for sent in SAMPLES if sent.path == "/v1/RecordEvents"))
        yield opened


def test_every_route_is_tried(snapshot: Snapshot) -> None:
    tried = {(sent.method, sent.path.partition("?")[0].replace("/casemeter", "/{id}")) for sent in SAMPLES}
    for route in create_app(engine_of(snapshot), Authenticator()).routes:
        assert isinstance(route, Route)
        method = "POST" if "POST" in (route.methods or ()) else "GET"
        assert route.path == "/healthz" or (method, route.path) in tried, route.path


REFUSED = ("/v1/WatchEncounter", "/v1/AnswerFinding", "/nhsa/3103", "/cds-services/casemeter/feedback")
"""Of encounters and findings that are not there."""


@pytest.mark.parametrize("sent", SAMPLES, ids=lambda sent: f"{sent.method} {sent.path}")
def test_what_is_damaged_was_sound(trial: Trial, sent: Sent) -> None:
    """Damage to what is refused anyway would try little."""
    _, refused = outcome(sent, trial.send(sent))
    assert refused == (sent.path in REFUSED or b'"3103"' in sent.body)


@pytest.mark.parametrize("door", DOORS)
@FUZZ
@given(data=st.data())
def test_damaged_messages(trial: Trial, door: str, data: st.DataObject) -> None:
    chance = data.draw(st.randoms(use_true_random=False))
    sent = damaged(data.draw(st.sampled_from([one for one in SAMPLES if one.door == door])), chance)
    trial.run(sent)


@pytest.mark.parametrize("door", DOORS)
def test_damage_that_is_always_the_same(trial: Trial, door: str) -> None:
    """Chance alone finds other things than whoever seeks small examples."""
    told = set()
    for number in range(150):
        chance = random.Random(f"{door} {number}")
        sent = damaged(chance.choice([one for one in SAMPLES if one.door == door]), chance)
        try:
            told.add(trial.run(sent))
        except Broken as broken:
            pytest.fail(f"{door} {number}, {sent.path}, {sent.how}: {broken}")
    assert len(told) >= 4


@pytest.mark.parametrize("blanks", [1_000, MAX_UNPACKED], ids=["small", "beyond all measure"])
def test_a_workbook_that_is_small_only_while_it_is_packed(
    trial: Trial, blanks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casemeter_server.doors.settlement.sheet.MAX_UNPACKED", 1 << 20)
    data = workbook([["C03C", "A48"], [stay().diagnoses[0].code, "M1"]], min(blanks, 2 << 20))
    assert len(data) < 10_000
    reply = trial.send(Sent("/front-pages", data, XLSX))
    assert reply.status_code == (200 if blanks == 1_000 else 400)
    if blanks != 1_000:
        assert "come to more than 1 MiB" in reply.json()["error"]["message"]


def test_a_page_that_no_seal_can_bind_is_not_answered(trial: Trial) -> None:
    """What was told of it would be recorded as shown, though the reply says that it cannot be checked."""
    page = next(sent for sent in SAMPLES if "submit=1" in sent.path and sent.path.startswith("/settlement"))
    twice = page.body.replace(b'"diag_type"', b'"note": 1, "note": 2, "diag_type"', 1)
    assert trial.run(replace(page, body=twice)) == "400 INVALID_REQUEST"


NUMBERS = ("1e" + "9" * 30, "1e-" + "9" * 30, "9" * 5_000, "0." + "9" * 5_000, "NaN", "-Infinity", "1e400")


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:8])
def test_numbers_beyond_all_bounds(trial: Trial, number: str) -> None:
    for sent in SAMPLES:
        if sent.body.startswith(b"{") and b": " in sent.body:
            before, _, after = sent.body.partition(b": ")
            _, comma, rest = after.partition(b",")
            trial.run(replace(sent, body=before + b": " + number.encode() + comma + rest))
            trial.run(replace(sent, body=b'{"odd": ' + number.encode() + b", " + sent.body[1:]))
