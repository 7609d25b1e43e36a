"""What a process tells the supervisor: one line of JSON, that it is ready or what keeps it from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from casemeter_server.lessons import TAUGHT, lesson


class Report:
    """The way to the supervisor. Standard output is that way, so what else is printed goes to the log."""

    def __init__(self) -> None:
        out, err = sys.__stdout__, sys.__stderr__
        assert out
        assert err
        # Open as long as the process: its end is said by the pipe, too.
        self._out = os.fdopen(os.dup(out.fileno()), "wb", closefd=False)
        os.dup2(err.fileno(), out.fileno())

    def ready(self, *bundles: str) -> None:
        """Say that the work is done or can begin."""
        self._say("ready", bundles)

    @contextmanager
    def faults(self, *further: type[Exception]) -> Iterator[None]:
        """End the process with what is wrong and how to mend it, said by the supervisor.

        Args:
            further: failures that teach, beside those that every process knows.
        """
        taught: tuple[type[Exception], ...] = (*TAUGHT, *further)
        try:
            yield
        except taught as error:
            self._say("fault", lesson(error))
            raise SystemExit(1) from None

    def _say(self, what: str, content: object) -> None:
        self._out.write(orjson.dumps({what: content}) + b"\n")
        self._out.flush()
