"""What goes wrong with a store, without passwords and without what it holds."""

from __future__ import annotations

from sqlalchemy import exc

_OF_THE_STATEMENT = (exc.IntegrityError, exc.DataError, exc.ProgrammingError, exc.NotSupportedError)


class StoreError(OSError):
    """A store that cannot be used; says how to mend it."""


class StoreUnavailable(StoreError):
    """The store does not answer. What was to be kept is not acknowledged."""


def is_outage(error: BaseException) -> bool:
    """Whether an error is the store's own: disconnected, full, locked, broken; not that of one statement."""
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated or not isinstance(error, _OF_THE_STATEMENT)
    return isinstance(error, exc.TimeoutError | exc.PendingRollbackError | StoreUnavailable)


def first_line(error: BaseException) -> str:
    """Return what a database said, in one line: no statement, no values."""
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig else error
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__


def unavailable(error: BaseException) -> StoreUnavailable:
    """Return the error that callers are told instead."""
    if isinstance(error, StoreUnavailable):
        return error
    return StoreUnavailable(f"the store does not answer: {first_line(error)}")
