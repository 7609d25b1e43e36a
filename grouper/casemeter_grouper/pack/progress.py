"""How far the building of a pack has come, for whoever watches; without one nothing is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

Watcher = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is done, and how much there is."""


def _nobody(_what: str, _done: int, _total: int) -> None:
    return


_WATCHER: Final[ContextVar[Watcher]] = ContextVar("watcher", default=_nobody)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Tell a watcher what is done within the block."""
    token = _WATCHER.set(watcher)
    try:
        yield
    finally:
        _WATCHER.reset(token)


def advance(what: str, done: int, total: int) -> None:
    """Tell whoever watches how far something has come."""
    _WATCHER.get()(what, done, total)
