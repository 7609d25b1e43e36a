"""Searching for codes by RPC: what comes back through both clients, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from casemeter.v1.terms_pb2 import TERM_STATE_CONFIRMED, TERM_STATE_SUSPECTED
from casemeter_client import Client, RequestRefused
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.faults import PackError
from casemeter_rules.pack.load import load_rules
from casemeter_server.snapshot import Snapshot
from live import Live, live, tiny_bundle


@pytest.fixture(scope="module")
def server(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    own = tmp_path_factory.mktemp("own")
    (own / "rules.toml").write_text('id = "own"\nkind = "rules"\ntitle = "Words of a hospital"\n', "utf-8")
    (own / "synonyms.csv").write_text("word,standard,space\n小白点,I63.900,diagnosis\n", "utf-8")
    with live(Snapshot.open([tiny_bundle(bundles), build_cached(own, bundles)])) as server:
        yield server


def test_a_pack_brings_its_own_words(server: Live) -> None:
    with Client(server.address) as client:
        (mention,) = client.search_terms("小白点")
    assert (mention.hits[0].code, mention.hits[0].how) == ("I63.900", "synonym")


def test_synonyms_of_a_pack_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('id = "own"\nkind = "rules"\ntitle = "x"\n', "utf-8")
    (tmp_path / "synonyms.csv").write_text("word,standard,space\n心梗,,\n心衰,心力衰竭,dx\n", "utf-8")
    with pytest.raises(PackError) as caught:
        load_rules(tmp_path)
    assert [(fault.kind, fault.row, fault.column) for fault in caught.value.faults] == [
        ("empty_cell", 2, "standard"),
        ("not_a_choice", 3, "space"),
    ]


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
