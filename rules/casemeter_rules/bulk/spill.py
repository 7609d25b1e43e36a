"""Numbers sorted on disk: written into buckets as they come, and read back bucket by bucket."""

from __future__ import annotations

import os
import tempfile
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

BUCKETS: Final = 256


class Spill:
    """Numbers in buckets, in one file that has no name: it is gone when its process is, whatever happens."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self._end = 0
        self._runs: list[list[tuple[int, int]]] = [[] for _ in range(BUCKETS)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, numbers: NDArray[np.uint64], buckets: NDArray[np.uint8]) -> None:
        """Put numbers into their buckets."""
        order = np.argsort(buckets, kind="stable")
        write_all(self._file.fileno(), numbers[order])
        start = self._end
        for bucket, count in enumerate(np.bincount(buckets, minlength=BUCKETS).tolist()):
            if count:
                self._runs[bucket].append((start, count))
                start += count * 8
        self._end = start

    def bucket(self, number: int) -> NDArray[np.uint64]:
        """Return what a bucket holds."""
        runs = self._runs[number]
        found = np.empty(sum(count for _, count in runs), np.uint64)
        at = 0
        for start, count in runs:
            piece = os.pread(self._file.fileno(), count * 8, start)
            if len(piece) != count * 8:
                raise OSError("the temporary file of the build is cut short")
            found[at : at + count] = np.frombuffer(piece, np.uint64)
            at += count
        return found


class Growing:
    """An array that grows on disk, in a file that has no name."""

    def __init__(self, dtype: type[np.generic]) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self._dtype = np.dtype(dtype)
        self.count = 0

    def add(self, numbers: NDArray[Any]) -> None:
        """Add numbers at the end."""
        write_all(self._file.fileno(), np.ascontiguousarray(numbers, self._dtype))
        self.count += len(numbers)

    def array(self) -> NDArray[Any]:
        """Return the whole of it, mapped: it stays as long as the array does."""
        if not self.count:
            return np.empty(0, self._dtype)
        return np.asarray(np.memmap(self._file, self._dtype, mode="r", shape=(self.count,)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def write_all(file: int, numbers: NDArray[Any]) -> None:
    """Write the bytes of an array at the end of a file."""
    data = numbers.view(np.uint8).data
    while len(data):
        data = data[os.write(file, data) :]
