"""Every case of every scheme in ../shared, by every way in: the expected group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_client import AsyncClient, EvaluateResponse
from casemeter_grouper import walker
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.pack.load import load
from casemeter_server.caller import Caller
from casemeter_server.config import Config
from casemeter_server.evaluation import Evaluator
from casemeter_server.serving import running
from casemeter_server.snapshot import Snapshot
from shared_cases import AS_OF, SCHEMES, Expected, encounter_of, read

Groups = list[str]


def walker_over_tables(shared: Path, scheme: CompiledScheme, cases: list[Expected]) -> Groups:
    pack = load(shared / "schemes" / scheme.header.id).scheme
    ends = (walker.group(pack.tree, pack.tables, expected.case)[0] for expected in cases)
    return [leaf.group if leaf else "" for leaf in ends]


def walker_over_bundle(_: Path, scheme: CompiledScheme, cases: list[Expected]) -> Groups:
    ends = (walker.group(scheme.tree, scheme, expected.case)[0] for expected in cases)
    return [leaf.group if leaf else "" for leaf in ends]


def kernel_batch(_: Path, scheme: CompiledScheme, cases: list[Expected]) -> Groups:
    grouper = Grouper(scheme)
    leaves, _attempts = grouper.run(scheme.encode(expected.case for expected in cases))
    return [leaf.group if (leaf := scheme.leaves[at]) else "" for at in leaves]


def kernel_one(_: Path, scheme: CompiledScheme, cases: list[Expected]) -> Groups:
    grouper = Grouper(scheme)
    outcomes = (grouper.group(expected.case) for expected in cases)
    return [outcome.leaf.group if outcome.leaf else "" for outcome in outcomes]


def requests(cases: list[Expected]) -> list[EvaluateRequest]:
    made = [EvaluateRequest(encounter=encounter_of(expected.case)) for expected in cases]
    for request in made:
        request.as_of.FromDatetime(AS_OF)
    return made


def in_process(_: Path, scheme: CompiledScheme, cases: list[Expected]) -> Groups:
    evaluator = Evaluator(Snapshot.open([scheme.path]), ZoneInfo("Asia/Shanghai"))
    return [evaluator.evaluate(request, Caller()).verdict.group.code for request in requests(cases)]


def socket(_: Path, scheme: CompiledScheme, cases: list[Expected]) -> Groups:
    async def ask() -> Groups:
        config = Config(listen="127.0.0.1:0", metrics="", store="none")
        async with (
            running(config, Snapshot.open([scheme.path])) as server,
            AsyncClient(f"127.0.0.1:{server.port}") as client,
        ):
            replies = [reply async for reply in client.evaluate_stream(requests(cases))]
        return [reply.verdict.group.code for reply in replies if isinstance(reply, EvaluateResponse)]

    return asyncio.run(ask())


ENTRANCES = (walker_over_tables, walker_over_bundle, kernel_batch, kernel_one, in_process, socket)


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("name", SCHEMES)
def test_every_shared_case_gets_its_group(
    name: str,
    entrance: Callable[[Path, CompiledScheme, list[Expected]], Groups],
    shared: Path,
    compiled: Callable[[str], CompiledScheme],
) -> None:
    cases = list(read(shared, name))
    groups = entrance(shared, compiled(name), cases)
    wrong = [
        (expected.id, expected.group, group)
        for expected, group in zip(cases, groups, strict=True)
        if group != expected.group
    ]
    assert not wrong
    assert len(cases) > 4_900
