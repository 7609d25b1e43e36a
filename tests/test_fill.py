"""Filling what a message lacks: the message comes first, and everything filled is named."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from casemeter.v1 import verdict_pb2
from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.living_pb2 import EncounterState
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_server.care_facts import MAX_FILLED
from casemeter_server.doors.facts import EVERYTHING, DoorFacts, every_path, project
from casemeter_server.doors.fill import fill
from request_strategies import requests

CASES = tomllib.loads((Path(__file__).parent / "data" / "doors_fill.toml").read_text("utf-8"))["case"]
HASH = "a" * 64
PATHS = sorted(every_path())
EDITIONS = {"diagnoses": "diagnosis_edition", "procedures": "procedure_edition"}
DOORS = st.sets(st.sampled_from(PATHS)).map(lambda paths: DoorFacts("any", frozenset(paths)))
ENCOUNTERS = requests.map(lambda request: request.encounter)


def encounter_of(values: dict[str, Any]) -> Encounter:
    return json_format.ParseDict(values, Encounter())


def bytes_of(encounter: Encounter) -> bytes:
    return encounter.SerializeToString(deterministic=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_is_filled(case: dict[str, Any]) -> None:
    request = EvaluateRequest(encounter=encounter_of(case["message"]), pack="p")
    state = EncounterState(encounter=encounter_of(case["open"]), state_hash=HASH)
    before = request.SerializeToString(), state.SerializeToString()
    filled = fill(request, state, DoorFacts("door", frozenset(case["carries"])))
    assert (request.SerializeToString(), state.SerializeToString()) == before
    assert filled.request.encounter == encounter_of(case["gives"])
    assert [fact.field for fact in filled.request.filled] == [
        f"encounter.{place}" for place in case["filled"]
    ]
    assert filled.facts == len(case["filled"])
    for fact in filled.request.filled:
        assert fact.source == verdict_pb2.FACT_SOURCE_OPEN_ENCOUNTER
        assert fact.state_hash == HASH
    assert filled.request.pack == "p"


def test_more_facts_than_can_be_named_one_by_one_are_named_by_their_kind() -> None:
    lines = [{"id": str(at), "amount_fen": 1} for at in range(MAX_FILLED)]
    request = EvaluateRequest(encounter=Encounter(charges={"lines": lines}))
    known = Encounter(charges={"lines": [{**line, "item": "X", "name": "x"} for line in lines]})
    door = DoorFacts("door", frozenset(("charges.lines.id", "charges.lines.amount_fen")))
    filled = fill(request, EncounterState(encounter=known), door)
    assert [fact.field for fact in filled.request.filled] == [
        "encounter.charges.lines[].item",
        "encounter.charges.lines[].name",
    ]
    assert filled.request.encounter.charges.lines[-1].name == "x"


@given(ENCOUNTERS, ENCOUNTERS, DOORS)
def test_what_the_message_carries_stays(message: Encounter, known: Encounter, door: DoorFacts) -> None:
    state = EncounterState(encounter=known, state_hash=HASH)
    filled = fill(EvaluateRequest(encounter=message), state, door).request
    kept = Encounter()
    kept.CopyFrom(message)
    if filled.encounter.HasField("charges") and not message.HasField("charges"):
        for order in kept.orders:  # categories of another system are not known in this one
            order.category = ""
    assert holds(filled.encounter, kept)
    again = fill(filled, state, door)
    assert again.facts == 0
    assert bytes_of(again.request.encounter) == bytes_of(filled.encounter)


def holds(filled: Any, sent: Any) -> bool:
    """Whether a message has all that another one says, its lists entry by entry."""
    for found, value in sent.ListFields():
        own = getattr(filled, found.name)
        if found.is_repeated:
            if len(own) != len(value):
                return False
            if not all(
                holds(a, b) if found.message_type else a == b for a, b in zip(own, value, strict=True)
            ):
                return False
        elif found.message_type is not None:
            if not (filled.HasField(found.name) and holds(own, value)):
                return False
        elif own != value and not (own != own and value != value):  # not a number is not itself
            return False
    return True


@given(ENCOUNTERS)
def test_a_message_that_says_nothing_gives_the_open_encounter(known: Encounter) -> None:
    state = EncounterState(encounter=known)
    filled = fill(EvaluateRequest(), state, DoorFacts("none", frozenset())).request
    assert holds(filled.encounter, Encounter.FromString(bytes_of(left(known))))


def left(known: Encounter) -> Encounter:
    """An open encounter without orders that it has as charges, which none has that holds together."""
    numbers = {line.id for line in known.charges.lines} - {""}
    kept = [order for order in known.orders if order.id not in numbers]
    found = Encounter()
    found.CopyFrom(known)
    del found.orders[:]
    found.orders.extend(kept)
    for name in EDITIONS:
        if not getattr(known, name):  # an edition comes with its codes
            found.ClearField(EDITIONS[name])
    return found


# What a door can carry


@given(ENCOUNTERS, DOORS)
def test_what_a_door_can_carry_of_a_stay(encounter: Encounter, door: DoorFacts) -> None:
    carried = project(encounter, door)
    assert bytes_of(project(carried, door)) == bytes_of(carried)
    assert holds(encounter, carried)
    for path in PATHS:
        if has(carried, path.split(".")):
            assert door.carries(path), path
    assert bytes_of(project(encounter, EVERYTHING)) == bytes_of(encounter)


def has(message: Any, names: list[str]) -> bool:
    """Whether a message has a fact at a path."""
    name, *rest = names
    found = message.DESCRIPTOR.fields_by_name[name]
    value = getattr(message, name)
    if not rest:
        return any(sent.name == name for sent, _ in message.ListFields())
    if found.is_repeated:
        return any(has(entry, rest) for entry in value)
    return bool(message.HasField(name)) and has(value, rest)


def test_paths_of_facts() -> None:
    door = DoorFacts("door", frozenset(("charges.lines.amount_fen", "newborn", "diagnoses.code")))
    assert door.carries("newborn.birth_weight_g")
    assert door.carries("diagnoses.code")
    assert not door.carries("diagnoses")
    assert not door.carries("charges.lines.id")
    assert not door.carries("sex")
    empty = encounter_of({"charges": {"lines": [{"id": "1"}]}})
    assert project(empty, door) == encounter_of({"charges": {"lines": [{}]}})
    for path in ("weight", "sex.male", "diagnoses[0].code", "charges.lines.amount"):
        with pytest.raises(ValueError, match="the contract has no "):
            DoorFacts("door", frozenset((path,)))
