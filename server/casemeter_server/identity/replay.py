"""Tokens that may be used once."""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Callable
from hashlib import blake2b
from threading import Lock
from typing import Final

from casemeter_server.identity.refusals import refused

MAX_ALIVE: Final = 100_000


class ReplayGuard:
    """Remembers the tokens that were used until they expire, in this process.

    When there is room for no more, further tokens are refused: a guard that forgets is none.
    """

    def __init__(self, now: Callable[[], float] = time.time, limit: int = MAX_ALIVE) -> None:
        self._now, self._limit = now, limit
        self._alive: set[bytes] = set()
        self._by_end: list[tuple[float, bytes]] = []
        self._lock = Lock()

    def check(self, issuer: str, jti: object, expires: float) -> None:
        """Take up a token that was verified.

        Args:
            issuer: who made it.
            jti: its number, as it is in the claims.
            expires: when it ends.

        Raises:
            RequestError: UNAUTHENTICATED: it was used before, has no number, or there is no more room.
        """
        if not isinstance(jti, str) or not jti:
            raise refused("CLAIM" if jti else "MISSING", name="jti")
        mark = blake2b(json.dumps([issuer, jti]).encode(), digest_size=16).digest()
        with self._lock:
            now = self._now()
            while self._by_end and self._by_end[0][0] <= now:
                self._alive.discard(heapq.heappop(self._by_end)[1])
            if mark in self._alive:
                raise refused("REPLAYED")
            if len(self._alive) >= self._limit:
                raise refused("TOO_MANY")
            self._alive.add(mark)
            heapq.heappush(self._by_end, (expires, mark))
