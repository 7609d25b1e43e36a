"""The supervisor with toy processes: starting, faults, replacement, and the end."""

from __future__ import annotations

import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from casemeter_server.config import Config, read_config
from casemeter_server.processes import slot
from casemeter_server.processes.child import StartFailed
from casemeter_server.processes.kinds import KINDS, Kind, work_of
from casemeter_server.processes.plan import Plan, packed
from casemeter_server.processes.sockets import listening, name_of, port_of, reserved
from casemeter_server.processes.supervisor import Serving, supervise
from live import tiny_bundle
from toy_workers import config, kind, starts

TESTS = Path(__file__).parent


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets processes find the toys."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def page(serving: Serving) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{serving.metrics_port}/metrics") as reply:
        text: str = reply.read().decode()
    return text


def until_ready(configured: Config, *kinds: Kind, then: Callable[[Serving], None] = lambda _: None) -> None:
    """Supervise until every process is ready and, beside it, something more was done; then stop."""
    failures: list[BaseException] = []

    def beside(serving: Serving) -> None:
        try:
            then(serving)
        except BaseException as failure:
            failures.append(failure)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    threads: list[threading.Thread] = []

    def ready(serving: Serving) -> None:
        threads.append(threading.Thread(target=beside, args=(serving,)))
        threads[0].start()

    supervise(lambda: configured, ready, kinds)
    threads[0].join()
    for failure in failures:
        raise failure


# Starting


@pytest.mark.parametrize(
    ("work", "count", "says", "started"),
    [
        ("refuses", 3, "the toy has no battery: put one in", 1),
        (
            "breaks",
            3,
            "the process 'breaks' ended 3 times before it was ready (exit code 3, exit code 3, exit code 3); "
            "the log above may say why",
            3,
        ),
    ],
)
def test_what_keeps_processes_from_starting_is_said_once(
    work: str, count: int, says: str, started: int, bundles: Path, tmp_path: Path
) -> None:
    with pytest.raises(StartFailed) as caught:
        until_ready(config(tmp_path, tiny_bundle(bundles)), kind(work, count=count))
    assert str(caught.value) == says
    assert starts(tmp_path) == started


def test_processes_that_died_at_their_start_are_tried_again(bundles: Path, tmp_path: Path) -> None:
    until_ready(config(tmp_path, tiny_bundle(bundles)), kind("breaks_twice"))
    assert starts(tmp_path) == 3


def test_a_pack_that_has_faults_starts_no_process(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "scheme.toml").write_text("[")
    with pytest.raises(StartFailed, match=r"(?s)scheme\.toml: error: .*casemeter pack check"):
        until_ready(config(tmp_path, tmp_path / "broken"), kind("works"))
    assert not starts(tmp_path)


# Replacement and the end


def test_a_process_that_dies_at_work_is_replaced_as_often_as_it_takes(
    bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot, "PAUSES_S", (0.0, 0.01, 0.02))

    def replaced(serving: Serving) -> None:
        counted = 'casemeter_restarts_total{kind="breaks_at_work",reason="exit code 7"} 3.0'
        wait_until(lambda: counted in page(serving))
        wait_until(lambda: 'casemeter_processes{kind="breaks_at_work"} 1.0' in page(serving))

    until_ready(config(tmp_path, tiny_bundle(bundles)), kind("breaks_at_work"), then=replaced)
    assert starts(tmp_path) == 4


def test_pauses_grow() -> None:
    assert slot.PAUSES_S[0] == 0
    assert list(slot.PAUSES_S) == sorted(slot.PAUSES_S)


def test_a_process_that_does_not_end_is_ended(
    bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot, "SPARE_S", 0.1)
    until_ready(config(tmp_path, tiny_bundle(bundles), stop_seconds=0.1), kind("never_ends"))
    (started,) = tmp_path.glob("started-*")
    assert not Path("/proc", started.name.removeprefix("started-")).exists()


def test_no_connection_is_refused_while_a_process_is_replaced(bundles: Path, tmp_path: Path) -> None:
    def kill_and_ask(serving: Serving) -> None:
        address = ("127.0.0.1", serving.ports["tells_its_number"])

        def ask() -> int:
            with socket.create_connection(address, timeout=30) as connection:
                return int(connection.recv(20))

        first = ask()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not Path("/proc", str(first)).exists())
        # Nobody accepts now; the connection waits for who will.
        assert ask() != first

    until_ready(
        config(tmp_path, tiny_bundle(bundles)), kind("tells_its_number", listens=True), then=kill_and_ask
    )


# Addresses


def reused(address: str) -> socket.socket:
    """A socket that listens at a port which it would share."""
    host, _, port = address.rpartition(":")
    one = socket.socket(socket.AF_INET6 if "[" in host else socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((host.strip("[]"), int(port)))
    one.listen()
    return one


@contextmanager
def shared(address: str) -> Iterator[tuple[str, ...]]:
    """A port that a process listens at together with others."""
    with reserved(address) as addresses, reused(addresses[0]):
        yield addresses


@contextmanager
def owned(address: str) -> Iterator[tuple[str, ...]]:
    with listening(address) as sockets:
        yield tuple(map(name_of, sockets))


HAS_IPV6 = Path("/proc/net/if_inet6").exists() and bool(Path("/proc/net/if_inet6").read_text())


@pytest.mark.parametrize(
    ("address", "begins"),
    [
        ("127.0.0.1:0", "127.0.0.1:"),
        ("localhost:0", ""),
        ("0.0.0.0:0", "0.0.0.0:"),
        pytest.param("[::1]:0", "[::1]:", marks=pytest.mark.skipif(not HAS_IPV6, reason="there is no IPv6")),
    ],
)
def test_a_free_port_is_known_before_a_process_listens(address: str, begins: str) -> None:
    with reserved(address) as addresses:
        assert addresses[0].startswith(begins)
        assert len({port_of(one) for one in addresses}) == 1
        assert port_of(addresses[0]) > 0
        with reused(addresses[0]), reused(addresses[0]):
            pass
    with owned(address) as addresses:
        assert addresses[0].startswith(begins)


Holder = Callable[[str], AbstractContextManager[tuple[str, ...]]]


@pytest.mark.parametrize("held", [reserved, shared, owned])
@pytest.mark.parametrize("wanted", [reserved, owned])
def test_a_port_that_another_server_has_is_refused(held: Holder, wanted: Holder) -> None:
    with held("127.0.0.1:0") as (taken,):
        says = re.escape(f"cannot listen on {taken}: Address already in use")
        with pytest.raises(OSError, match=says):
            wanted(taken).__enter__()
    with wanted(taken):
        pass


def test_an_address_of_another_machine_is_refused() -> None:
    says = re.escape("cannot listen on 192.0.2.1:0: Cannot assign requested address")
    with pytest.raises(OSError, match=says):
        reserved("192.0.2.1:0").__enter__()


# Plans, and what is loaded


def test_a_plan_arrives_as_it_was_sent(tmp_path: Path) -> None:
    (tmp_path / "meter.toml").write_text("")
    (tmp_path / "alerts.toml").write_text("")
    file = tmp_path / "casemeter.toml"
    file.write_text('meter = "meter.toml"\nalerts = "alerts.toml"\nfacilities = { H1 = { level = 3 } }\n')
    sent = Plan("grpc", "module:function", read_config(file), (Path("a"),), Path("b"), ("127.0.0.1:1",), (7,))
    content = packed(sent)
    assert pickle.loads(content[8:]) == sent
    assert int.from_bytes(content[:8]) == len(content) - 8


@pytest.mark.parametrize("known", KINDS, ids=[known.name for known in KINDS])
def test_every_kind_has_its_work(known: Kind) -> None:
    assert callable(work_of(Plan(known.name, known.work, Config())))
    assert known.count(Config()) == 1


@pytest.mark.parametrize(
    ("modules", "never"),
    [
        ("casemeter_server.cli.serve", "numba grpc google.protobuf polars sqlalchemy starlette"),
        (
            "casemeter_server.processes.worker, casemeter_server.processes.grpc_worker",
            "polars typer rich starlette",
        ),
        ("casemeter_server.processes.worker, casemeter_server.processes.doors_worker", "polars typer rich"),
    ],
    ids=["supervisor", "grpc", "doors"],
)
def test_processes_load_nothing_that_they_do_not_need(modules: str, never: str) -> None:
    code = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & set(never.split())
