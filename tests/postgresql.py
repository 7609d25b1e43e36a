"""A real PostgreSQL for tests: one server for each test process, in a folder of its own, on a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg

from casemeter_server.store.store import Store
from casemeter_server.store.tables import metadata

ABSENT: Final = "PostgreSQL is not installed"

_TEMPLATE: Final = "template_casemeter"


def binaries() -> Path | None:
    """The folder of initdb and postgres; ``None``: they are not installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    latest = max(versions, key=lambda path: path.parts[-3].zfill(4), default=None)
    return latest.parent if latest else None


class Server:
    """A server that can be killed and started again.

    Attributes:
        folder: its socket, data and log.
    """

    def __init__(self, bin_folder: Path, *, durable: bool) -> None:
        self._bin = bin_folder
        # Short, for the path of a socket may have 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        self._options = [] if durable else ["-c", "fsync=off", "-c", "synchronous_commit=off"]
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        # It refuses to run as root.
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = _unprivileged()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._run(
            "initdb", "-D", str(self._data), "-U", "casemeter", "-A", "trust", "-E", "UTF8", "--no-sync"
        )

    def start(self) -> None:
        """Return once it answers."""
        command = [f"{self._bin / 'postgres'}", "-D", f"{self._data}", "-k", f"{self.folder}"]
        command += ["-c", "listen_addresses=", *self._options]
        with (self.folder / "log").open("ab") as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, **self._user
            )
        self._process = process
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self.folder / "log").read_text("utf-8")) from None
                time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as ``pg_ctl stop -m immediate`` does: what is not on the disk is gone."""
        assert self._process
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    def url(self, database: str) -> str:
        """URL of a database."""
        return f"postgresql://casemeter@/{database}?host={quote(str(self.folder))}"

    def new_database(self, template: str = "template0", options: str = "") -> str:
        """Make a database and return its URL."""
        self._made += 1
        name = f"d{self._made}"
        self._execute(f'CREATE DATABASE {name} TEMPLATE "{template}" {options}')
        return self.url(name)

    def new_store(self) -> str:
        """Make a database with the store's schema and return its URL."""
        if not self._execute(f"SELECT 1 FROM pg_database WHERE datname = '{_TEMPLATE}'"):
            self._execute(f"CREATE DATABASE {_TEMPLATE}")
            Store.open(self.url(_TEMPLATE)).close()
        return self.new_database(_TEMPLATE)

    def close(self) -> None:
        """End it and take its folder away."""
        if self._process and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _execute(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._bin / program, *arguments], capture_output=True, cwd=self.folder, check=False, **self._user
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))


@contextmanager
def server(*, durable: bool = False) -> Iterator[Server]:
    """A server that runs while the context lasts.

    Args:
        durable: whether what it commits is on the disk; without, it survives its own end only.

    Raises:
        LookupError: PostgreSQL is not installed.
    """
    found = binaries()
    if not found:
        raise LookupError(ABSENT)
    made = Server(found, durable=durable)
    try:
        made.start()
        yield made
    finally:
        made.close()


def empty(url: str) -> None:
    """Take everything out of a store; much faster than another database."""
    with psycopg.connect(url) as connection:
        # One that a test has left open would hold it up.
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for table in reversed(metadata.sorted_tables):
            connection.execute(f"DELETE FROM {table.name}".encode())


def _unprivileged() -> pwd.struct_passwd:
    with suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")
