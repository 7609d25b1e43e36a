"""Searching for codes by RPC: what comes back through both clients, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casemeter.v1.terms_pb2 import TERM_STATE_CONFIRMED, TERM_STATE_SUSPECTED
from casemeter_client import Client, RequestRefused
from casemeter_server.snapshot import Snapshot
from live import Live, live, tiny_bundle


@pytest.fixture(scope="module")
def server(bundles: Path) -> Iterator[Live]:
    with live(Snapshot.open([tiny_bundle(bundles)])) as server:
        yield server


def test_a_line_of_two_diagnoses(server: Live) -> None:
    with Client(server.address) as client:
        first, second = client.search_terms("右乳腺癌IV期，肺炎待查", limit=3)
    assert (first.text, first.state) == ("右乳腺癌IV期", TERM_STATE_CONFIRMED)
    assert list(first.qualifiers) == ["右", "4期"]
    assert first.hits[0].code.startswith("C50")
    assert len(first.hits) <= 3
    assert (second.state, second.hits[0].code) == (TERM_STATE_SUSPECTED, "J18.900")
    assert "右乳腺癌IV期，肺炎待查"[second.start : second.end] == second.text


def test_procedures_have_a_space_of_their_own(server: Live) -> None:
    with Client(server.address) as client:
        (mention,) = client.search_terms("阑尾切除", procedures=True)
    assert mention.hits[0].code.startswith("47.")


@pytest.mark.parametrize(
    ("text", "limit", "faults"),
    [
        ("", 10, ["text REQUIRED"]),
        ("痛" * 201, 10, ["text TOO_LONG"]),
        ("", 51, ["text REQUIRED", "limit OUT_OF_RANGE"]),
    ],
)
def test_what_cannot_be_searched(server: Live, text: str, limit: int, faults: list[str]) -> None:
    with Client(server.address) as client, pytest.raises(RequestRefused) as caught:
        client.search_terms(text, limit=limit)
    assert [f"{fault.field} {fault.reason}" for fault in caught.value.faults] == faults
