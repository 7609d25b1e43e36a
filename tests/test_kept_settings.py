"""Settings that are kept: every fault at once, changed by one at a time, taken up by every process."""

from __future__ import annotations

import asyncio
import logging
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from typer.testing import CliRunner, Result

from casemeter.v1.keeping_pb2 import GetSettingsRequest, PutSettingsRequest, Settings
from casemeter.v1.service_pb2 import EvaluateRequest, EvaluateResponse
from casemeter_rules.alerting.policy import Policy
from casemeter_server.caller import Caller
from casemeter_server.calls import by_name
from casemeter_server.cli.main import app
from casemeter_server.errors import RequestError
from casemeter_server.kept_settings import MAX_BYTES, KeptSettings
from casemeter_server.meter_settings import HospitalSettings, MeterSettings
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.store import Store, StoreUnavailable
from live import SERVICE, live, tiny_bundle

CASES = tomllib.loads((Path(__file__).parent / "data" / "kept_settings.toml").read_text("utf-8"))["case"]
CALLER = Caller("H001", "administrator", "admin1")
CONFIGURED = MeterSettings(HospitalSettings(level="三级"))
LEVEL_2 = '[hospital]\nlevel = "二级"\n'


class Process:
    """One process with the store, and what it answers by."""

    def __init__(self, store: Store) -> None:
        self.held: list[tuple[MeterSettings, Policy]] = []
        self.kept = KeptSettings(store, CONFIGURED, Policy(), lambda *held: self.held.append(held))

    async def put(self, name: str, content: str, if_version: int = 0) -> Settings:
        request = PutSettingsRequest(name=name, content=content, if_version=if_version)
        return await self.kept.put_settings(request, CALLER)

    async def get(self, name: str) -> Settings:
        return await self.kept.get_settings(GetSettingsRequest(name=name), CALLER)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url)
    yield store
    store.close()


@pytest.fixture
def process(store: Store) -> Process:
    return Process(store)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_fault_is_told_at_once_and_nothing_is_kept(process: Process, case: dict[str, Any]) -> None:
    request = json_format.ParseDict(case["request"], PutSettingsRequest())
    with pytest.raises(RequestError) as caught:
        asyncio.run(process.kept.put_settings(request, CALLER))
    assert caught.value.error.reason == "INVALID_REQUEST"
    known = {"REQUIRED", "NO_SUCH_SETTINGS", "SETTING", "OUT_OF_RANGE"}
    assert {fault.reason for fault in caught.value.error.faults} <= known
    faults = [fault.message for fault in caught.value.error.faults]
    assert len(faults) == len(case["faults"])
    for message, begins in zip(faults, case["faults"], strict=True):
        assert message.startswith(begins)
    assert process.held == []
    for name in ("meter", "alerts"):
        assert asyncio.run(process.get(name)) == Settings(name=name)


def test_size_and_names_have_an_end(process: Process) -> None:
    content = "#" * MAX_BYTES
    assert asyncio.run(process.put("alerts", content)).version == 1
    with pytest.raises(RequestError) as caught:
        asyncio.run(process.put("alerts", content + "医", 1))
    assert caught.value.error.faults[0].message.startswith(f"content has {MAX_BYTES + 3} bytes, at most")
    with pytest.raises(RequestError, match="1 field"):
        asyncio.run(process.get("packs" * 100))


def test_what_was_put_is_told_and_answered_by(process: Process) -> None:
    before = datetime.now(UTC)
    put = asyncio.run(process.put("meter", LEVEL_2))
    assert (put.name, put.content, put.version, put.changed_by) == ("meter", LEVEL_2, 1, "admin1")
    assert abs((put.changed_at.ToDatetime(UTC) - before).total_seconds()) < 60
    assert asyncio.run(process.get("meter")) == put
    assert process.held == [(MeterSettings(HospitalSettings(level="二级")), Policy())]
    asyncio.run(process.put("alerts", "budget = 2\n"))
    assert process.held[-1] == (MeterSettings(HospitalSettings(level="二级")), Policy(budget=2))
    # Empty: those of the configuration hold again. A comment sets nothing, which is something else.
    asyncio.run(process.put("meter", "", 1))
    assert process.held[-1] == (CONFIGURED, Policy(budget=2))
    asyncio.run(process.put("meter", "# nothing\n", 2))
    assert process.held[-1] == (MeterSettings(), Policy(budget=2))


def test_a_change_of_something_that_changed_is_refused(process: Process) -> None:
    asyncio.run(process.put("meter", LEVEL_2))
    for asked in (0, 2):
        with pytest.raises(RequestError) as caught:
            asyncio.run(process.put("meter", "", asked))
        assert caught.value.error.reason == "STALE_SETTINGS"
        assert f"'meter' are at version 1 now, not {asked}; admin1 changed them on " in str(caught.value)
    with pytest.raises(RequestError, match="at version 0 now, not 1; nobody has made any"):
        asyncio.run(process.put("alerts", "", 1))
    assert asyncio.run(process.get("meter")).content == LEVEL_2
    assert asyncio.run(process.get("alerts")).version == 0


def test_of_changes_at_once_one_is_made(process: Process) -> None:
    async def all_at_once() -> list[Any]:
        puts = (process.put("alerts", f"budget = {number}\n") for number in range(8))
        return await asyncio.gather(*puts, return_exceptions=True)

    found = asyncio.run(all_at_once())
    made = [one for one in found if isinstance(one, Settings)]
    assert len(made) == 1
    assert {one.error.reason for one in found if isinstance(one, RequestError)} == {"STALE_SETTINGS"}
    assert asyncio.run(process.get("alerts")) == made[0]
    assert [f"budget = {policy.budget}\n" for _, policy in process.held] == [made[0].content]


def test_every_process_takes_a_change_up(url: str) -> None:
    """Two stores on one database are two processes."""

    async def run() -> None:
        stores = [Store.open(url) for _ in range(2)]
        one, other = map(Process, stores)
        tasks = [asyncio.create_task(process.kept.watch()) for process in (one, other)]
        try:
            await until(lambda: one.held and other.held)
            assert one.held == other.held == [(CONFIGURED, Policy())]
            await one.put("alerts", "budget = 3\n")
            await until(lambda: len(other.held) == 2)
            await other.put("alerts", "budget = 4\n", 1)
            await until(lambda: len(one.held) == 3)
            assert one.held == other.held
            assert one.held[-1][1] == Policy(budget=4)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for store in stores:
                await asyncio.to_thread(store.close)

    asyncio.run(run())


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def test_what_another_version_wrote_is_left_aside(
    process: Process, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    now = datetime.now(UTC)
    contents = {"meter": '[hospital]\nlevel = "二级"\nof_a_later_version = 1\n', "alerts": "budget = 2\n"}
    for name, content in contents.items():
        store.write_now(
            lambda writing, name=name, content=content: writing.put_settings(name, content, 0, "x", now)  # type: ignore[misc]
        )
    with caplog.at_level(logging.ERROR):
        asyncio.run(process.kept.take_up())
    assert process.held == [(CONFIGURED, Policy(budget=2))]
    (record,) = caplog.records
    assert "settings 'meter', version 1, cannot be used; those of the configuration hold" in record.message
    assert "of_a_later_version" in record.message
    # It is told as it is, and can be mended.
    assert asyncio.run(process.get("meter")).content == contents["meter"]
    asyncio.run(process.put("meter", LEVEL_2, 1))
    assert process.held[-1][0] == MeterSettings(HospitalSettings(level="二级"))


def test_a_store_that_does_not_answer(
    process: Process, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def unavailable(_: Callable[..., Any]) -> Any:
        raise StoreUnavailable("the store does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(store, "write", unavailable)
        with pytest.raises(StoreUnavailable):
            asyncio.run(process.put("meter", LEVEL_2))
    assert process.held == []
    # Kept, though it could not be read again: it is acknowledged, and taken up later.
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(store, "read", unavailable)
        assert asyncio.run(process.put("meter", LEVEL_2)).version == 1
    assert "those of before hold" in caplog.text
    assert process.held == []
    asyncio.run(process.kept.take_up())
    assert process.held == [(MeterSettings(HospitalSettings(level="二级")), Policy())]


def test_a_running_server_answers_by_them(bundles: Path, tmp_path: Path) -> None:
    """Who sees money is a setting: the next answer is by the one that was put."""
    snapshot = Snapshot.open([tiny_bundle(bundles)])
    encounter = {"diagnoses": [{"code": "I63.900"}], "charges": {}}
    values = {"as_of": "2026-06-05T12:00:00+08:00", "encounter": encounter}
    question = json_format.ParseDict(values, EvaluateRequest())
    put = PutSettingsRequest(name="meter", content='[hospital]\nmoney_for = ["office"]\n')

    with live(snapshot, data=tmp_path) as server, grpc.insecure_channel(server.address) as channel:

        def call(method: str, request: Any, reply: Any, role: str) -> Any:
            made = channel.unary_unary(SERVICE + method, type(request).SerializeToString, reply.FromString)
            return made(request, metadata=(("casemeter-role", role),), timeout=20)

        def hidden() -> bool:
            answer = call("Evaluate", question, EvaluateResponse, "physician")
            return bool(answer.verdict.meter.money_hidden)

        assert not hidden()
        assert call("PutSettings", put, Settings, "administrator").version == 1
        assert hidden()
        with pytest.raises(grpc.RpcError) as caught:
            call("PutSettings", put, Settings, "administrator")
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        with pytest.raises(grpc.RpcError) as caught:
            call("PutSettings", put, Settings, "physician")
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    # It is there after the end of the server.
    with live(snapshot, data=tmp_path) as server, grpc.insecure_channel(server.address) as channel:
        assert hidden()


def test_the_calls_are_in_the_contract(process: Process) -> None:
    assert list(by_name(process.kept.calls())) == ["GetSettings", "PutSettings"]


# The command.


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "root7")
    (tmp_path / "casemeter.toml").write_text(f'store = "{url}"\n', "utf-8")
    (tmp_path / "meter.toml").write_text(LEVEL_2, "utf-8")
    (tmp_path / "bad.toml").write_text("hospital = 3\nx = 1\n", "utf-8")
    (tmp_path / "gbk.toml").write_bytes("# 中文".encode("gbk"))
    (tmp_path / "empty.toml").touch()

    def run(*arguments: str, text: str = "", config: str = "casemeter.toml") -> Result:
        return CliRunner().invoke(app, ["settings", *arguments, "-c", config], input=text)

    return run


def test_settings_from_the_command_line(run: Callable[..., Result]) -> None:
    shown = run("get", "meter")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "meter: never changed; those of the configuration hold" in shown.stderr
    shown = run("put", "meter", "meter.toml")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "meter: version 1 by root7, " in shown.stderr
    shown = run("get", "meter")
    assert shown.stdout == LEVEL_2
    assert "meter: version 1 by root7, " in shown.stderr
    assert run("put", "meter", "-", text="# none\n").exit_code == 0
    assert run("put", "meter", "empty.toml", "--if-version", "2").exit_code == 0
    assert run("get", "meter").stdout == "# nothing is set\n"
    shown = run("reset", "meter")
    assert "meter: version 4 by root7, " in shown.stderr
    assert "; those of the configuration hold" in shown.stderr
    assert run("get", "meter").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("get", "packs"), "settings that are kept: meter, alerts"),
        (("put", "meter", "none.toml"), "No such file"),
        (("put", "meter", "gbk.toml"), "gbk.toml: not UTF-8"),
        (("put", "meter", "bad.toml"), "'x' is not known"),
        (("put", "meter", "bad.toml"), "'hospital' is 3; write a table"),
        (("put", "meter", "meter.toml", "--if-version", "3"), "STALE_SETTINGS"),
        (("reset", "meter", "--if-version", "1"), "are at version 0 now, not 1"),
    ],
)
def test_changes_that_cannot_be_made(
    arguments: tuple[str, ...], says: str, run: Callable[..., Result]
) -> None:
    shown = run(*arguments)
    assert shown.exit_code == 1
    assert says in shown.stderr
    assert run("get", "meter").stdout == ""


@pytest.mark.parametrize(
    ("store", "says"),
    [("none", "no settings are kept"), ("mysql://u:secret@h/d", "cannot be kept in 'mysql'")],
)
def test_stores_that_cannot_be_used(
    store: str, says: str, run: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "other.toml").write_text(f'store = "{store}"\n', "utf-8")
    shown = run("get", "meter", config="other.toml")
    assert shown.exit_code == 1
    assert says in shown.stderr
    assert "secret" not in shown.stderr
