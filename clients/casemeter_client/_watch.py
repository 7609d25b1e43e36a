"""Watching an encounter for as long as the caller likes, whatever becomes of the connection."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

import grpc
import grpc.aio

from casemeter.v1.living_pb2 import EncounterChange, WatchEncounterRequest
from casemeter_client._calls import Identity
from casemeter_client._changes import says_anything, tell_changes
from casemeter_client._errors import from_rpc

_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 2.0
_BROKEN: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


class Told:
    """What a watch was told, and how a new connection goes on from there.

    The first change of a connection says nothing of what was before it. A watch that was told something
    already compares that with it, so that what was withdrawn while there was no connection is told too.
    """

    def __init__(self, request: WatchEncounterRequest, identity: Identity, patience: float) -> None:
        self._request = request
        self._identity = identity
        self._patience = patience
        self._last: EncounterChange | None = None
        self._is_first = True
        self._pause = _FIRST_PAUSE_S
        self._broken_since: float | None = None
        self._metadata = identity.metadata()

    def opening(self) -> tuple[WatchEncounterRequest, tuple[tuple[str, str | bytes], ...]]:
        """Return what a new connection begins with."""
        self._is_first = True
        self._metadata = self._identity.metadata()
        request = WatchEncounterRequest()
        request.CopyFrom(self._request)
        if self._last is not None:
            # The state may be the same and yet a finding answered: the present answer is asked and compared.
            request.known_state = ""
        return request, self._metadata

    def take(self, change: EncounterChange) -> bool:
        """Take what a connection told; return whether the caller is to be told of it."""
        self._pause, self._broken_since = _FIRST_PAUSE_S, None
        last, resumed = self._last, self._is_first
        self._is_first = False
        self._last = change
        if last is None or not resumed:
            return True
        tell_changes(last, change)
        return says_anything(last, change)

    def pause(self, failure: grpc.RpcError | grpc.aio.AioRpcError) -> float:
        """Return how long to wait before a new connection.

        Raises:
            CaseMeterError: a new connection would not help, or none was to be had for too long.
        """
        # Another token may have taken the place of one that expired while it watched.
        renewed = (
            failure.code() is grpc.StatusCode.UNAUTHENTICATED and self._identity.metadata() != self._metadata
        )
        now = time.monotonic()
        if self._broken_since is None:
            self._broken_since = now
        if not renewed and (failure.code() not in _BROKEN or now - self._broken_since >= self._patience):
            raise from_rpc(failure) from None
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE_S)
        return pause


class Watch:
    """The changes of one encounter, one after another; see :meth:`Client.watch`.

    Iterate over it in one thread; any thread may close it.
    """

    def __init__(self, method: Callable[..., Any], told: Told) -> None:
        self._method = method
        self._told = told
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._call: Any = None
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EncounterChange:
        """Wait for the next change.

        Raises:
            CaseMeterError: the server refuses to tell, or could not be reached for too long.
        """
        while not self._closed.is_set():
            try:
                change: EncounterChange = next(self._call)
            except StopIteration:
                # A server that ends takes leave of its watchers; another one takes its place.
                self._closed.wait(_FIRST_PAUSE_S)
                self._open()
            except grpc.RpcError as failure:
                if self._closed.is_set():
                    break
                self._closed.wait(self._told.pause(failure))
                self._open()
            else:
                if self._told.take(change):
                    return change
        raise StopIteration

    def close(self) -> None:
        """Watch no more; whoever waits for a change comes to the end."""
        with self._lock:
            self._closed.set()
            self._call.cancel()

    def _open(self) -> None:
        request, metadata = self._told.opening()
        with self._lock:
            if not self._closed.is_set():
                self._call = self._method(request, metadata=metadata)


class AsyncWatch:
    """The changes of one encounter, one after another; see :meth:`AsyncClient.watch`."""

    def __init__(self, method: Callable[..., Any], told: Told) -> None:
        self._method = method
        self._told = told
        self._closed = asyncio.Event()
        self._call: Any = None
        self._open()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EncounterChange:
        """Wait for the next change.

        Raises:
            CaseMeterError: the server refuses to tell, or could not be reached for too long.
        """
        while not self._closed.is_set():
            try:
                change: Any = await self._call.read()
            except grpc.aio.AioRpcError as failure:
                if self._closed.is_set():
                    break
                await asyncio.sleep(self._told.pause(failure))
                self._open()
                continue
            except asyncio.CancelledError:
                # Also what grpc.aio makes of a call that was ended, here or by a server that ends.
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                await asyncio.sleep(0 if self._closed.is_set() else _FIRST_PAUSE_S)
                self._open()
                continue
            if change is grpc.aio.EOF:
                await asyncio.sleep(_FIRST_PAUSE_S)
                self._open()
            elif self._told.take(change):
                found: EncounterChange = change
                return found
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Watch no more; whoever waits for a change comes to the end."""
        self._closed.set()
        self._call.cancel()

    def _open(self) -> None:
        if not self._closed.is_set():
            request, metadata = self._told.opening()
            self._call = self._method(request, metadata=metadata)
