"""``casemeter serve`` in processes of its own, for benchmarks that call it as a hospital would."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_READY = re.compile(r"casemeter answers .* on (?P<grpc>127\.0\.0\.1:\d+)(.*doors on port (?P<doors>\d+))?")


@dataclass(frozen=True)
class Served:
    """A server that answers.

    Attributes:
        pid: of its supervisor.
        grpc: address of gRPC.
        doors: address of the HTTP doors; empty: it has none.
    """

    pid: int
    grpc: str
    doors: str


@contextmanager
def served(folder: Path, settings: Mapping[str, object], *, kill: bool = False) -> Iterator[Served]:
    """Serve while the context lasts.

    Args:
        folder: for configuration and data.
        settings: keys of the configuration that are other than the defaults; ports are free ones.
        kill: whether it is killed at the end, and may have ended before.
    """
    values = {
        "listen": "127.0.0.1:0",
        "doors": "127.0.0.1:0",
        "metrics": "",
        "data": str(folder),
        **settings,
    }
    file = folder / "casemeter.toml"
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()), "utf-8")
    command = [sys.executable, "-m", "casemeter_server", "serve", "--config", str(file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        lines: list[str] = []
        for line in process.stderr:
            lines.append(line)
            if ready := _READY.search(line):
                break
        else:
            raise RuntimeError("the server ended: " + "".join(lines))
        # What it writes is read on, so that it never waits for a reader.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        doors = f"127.0.0.1:{ready['doors']}" if ready["doors"] else ""
        try:
            yield Served(process.pid, ready["grpc"], doors)
        finally:
            process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            process.wait(30)
