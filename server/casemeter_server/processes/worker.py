"""A process that the supervisor starts: it does the work of its kind until it is told to end.

It ends on SIGTERM, and when the supervisor is gone, however that ended: nobody would replace or stop it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from contextlib import AsyncExitStack
from typing import Final

from casemeter_server.identity.settings import IdentitySettingsError
from casemeter_server.processes.kinds import work_of
from casemeter_server.processes.plan import LOG_FORMAT, SPARE_S, STDIN, Plan, read_plan
from casemeter_server.processes.report import Report
from casemeter_server.store.errors import StoreError

_SWITCH_S: Final = 0.0005
"""How long the thread that keeps things may hold up the loop that answers; Python's own is ten times that."""


def main() -> None:
    """Do what the supervisor says on standard input."""
    sys.setswitchinterval(_SWITCH_S)
    report = Report()
    plan = read_plan()
    logging.basicConfig(format=LOG_FORMAT, level=logging.INFO)
    threading.Thread(target=_end_with_the_supervisor, args=(plan,), daemon=True).start()
    asyncio.run(_work(plan, report))


async def _work(plan: Plan, report: Report) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with AsyncExitStack() as stack:
        with report.faults(StoreError, IdentitySettingsError):
            await stack.enter_async_context(work_of(plan)(plan))
        report.ready()
        await stop.wait()


def _end_with_the_supervisor(plan: Plan) -> None:
    """End this process when the pipe from the supervisor closes; the system closes it at the latest."""
    while os.read(STDIN, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(plan.config.stop_seconds + SPARE_S)
    os._exit(1)


if __name__ == "__main__":
    main()
