"""How long a server takes to be ready, and what memory it keeps: first start after install, later starts.

The first start builds the bundles and compiles the kernel; later ones find both.
Run: python benchmarks/start.py [--pack A --pack B ...]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from casemeter_client import Client, Encounter
from common import children, machine

_PORT = re.compile(r" on 127\.0\.0\.1:(\d+)")


def start(packs: list[str], data: Path) -> tuple[float, float, float]:
    """Start a server.

    Returns:
        The seconds until it answered, and resident memory in MB: of the worker and of the supervisor.
    """
    command = [sys.executable, "-m", "casemeter_server", "serve", "--listen", "127.0.0.1:0", "--metrics", ""]
    command += ["--doors", ""]
    command += [part for pack in packs for part in ("--pack", pack)]
    environment = {**os.environ, "CASEMETER_DATA": str(data), "NUMBA_CACHE_DIR": str(data / "numba")}
    started = time.perf_counter()
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        for line in server.stderr:
            if found := _PORT.search(line):
                break
        else:
            raise SystemExit("the server did not start")
        with Client(f"127.0.0.1:{found[1]}", timeout=30) as client:
            client.evaluate(Encounter(diagnoses=[{"code": "I63.900"}]))
            taken = time.perf_counter() - started
            for pack in (pack for pack in client.packs() if pack.kind in ("drg", "dip")):
                reply = client.evaluate(
                    Encounter(diagnoses=[{"code": "I63.900"}]),
                    pack=pack.ref.id,
                    explain=True,
                    near_misses=True,
                )
                assert reply.verdict.pack.id == pack.ref.id
        supervisor, worker = (resident_mb(number) for number in (server.pid, *children(server.pid)))
        server.terminate()
        server.stderr.close()
        server.wait()
    return taken, worker, supervisor


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"))
    return int(found[1]) / 1024 if found else float("nan")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pack", action="append", help="pack folder or name; may be repeated")
    options = parser.parse_args()
    packs = options.pack or ["chs_drg_11"]
    print(machine())
    with tempfile.TemporaryDirectory() as data:
        first, *_ = start(packs, Path(data))
        later = [start(packs, Path(data)) for _ in range(3)]
    seconds, workers, supervisors = (sorted(kind) for kind in zip(*later, strict=True))
    print(f"{len(packs)} pack(s): first start {first:.1f} s, later starts {seconds[1]:.2f} s (median of 3)")
    print(
        f"resident memory after a few calls: worker {workers[-1]:.0f} MB, supervisor {supervisors[-1]:.0f} MB"
    )


if __name__ == "__main__":
    main()
