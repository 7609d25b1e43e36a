"""The file of a bundle: a manifest and arrays, immutable, verified when opened, mapped into memory.

The file is a safetensors file with one metadata key, ``manifest``: canonical JSON that names the format, the
kind, the compiler, every array with its SHA-256, and its own SHA-256. The library copies arrays when it reads
and when it writes; so a bundle is written array after array, each of which may itself be mapped from a file,
and opened by reading the header and mapping the file at the offsets it gives.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import orjson
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

FORMAT = "casemeter.bundle"
COMPILER = 2
"""Version of the compiler. A bundle of another version is never read: it is built again from its pack."""

_MAX_HEADER = 64 << 20
_DTYPES = {"U8": np.uint8, "I32": np.int32, "U32": np.uint32, "F64": np.float64, "U64": np.uint64}
"""By their names in the header; the arrays of a later one come first in the file, as the library has it."""

_ALIGNMENT: Final = 8
_STEP: Final = 16 << 20
_THREADS: Final = min(8, os.cpu_count() or 1)


class Reason(StrEnum):
    """Why a bundle cannot be used."""

    MISSING = "missing"
    NOT_A_BUNDLE = "not_a_bundle"
    DAMAGED = "damaged"
    OTHER_COMPILER = "other_compiler"
    WRONG_KIND = "wrong_kind"


class BundleError(Exception):
    """A bundle that cannot be used; nothing of it is.

    Attributes:
        path: the file.
        reason: why.
    """

    def __init__(self, path: Path, reason: Reason, text: str) -> None:
        super().__init__(f"{path}: {text}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True)
class BundleFile:
    """An opened bundle.

    Attributes:
        manifest: what the bundle says of itself.
        arrays: read-only views of the mapped file.
        body: the mapped bytes in which all arrays lie.
    """

    path: Path
    manifest: Mapping[str, Any]
    arrays: Arrays
    body: NDArray[np.uint8]

    def place(self, name: str) -> tuple[int, int, int]:
        """Where an array lies: its first byte in :attr:`body`, its rows and its columns."""
        array = self.arrays[name]
        rows, columns = array.shape if array.ndim == 2 else (len(array), 1)
        return array.ctypes.data - self.body.ctypes.data, rows, columns

    @property
    def sha256(self) -> str:
        """Content hash: equal exactly when manifest and arrays are equal."""
        return str(self.manifest["sha256"])


def write(path: Path, manifest: Mapping[str, Any], arrays: Arrays) -> str:
    """Write a bundle, whole or not at all, and return its content hash.

    No array is copied: those mapped from a file take no memory.

    Args:
        path: the file; an existing one is replaced in one step.
        manifest: JSON values under string keys. Format, compiler, array hashes and its own hash are added.
        arrays: C-contiguous arrays of uint8, uint32, uint64, int32 or float64.
    """
    sealed = _seal({**manifest, "format": FORMAT, "compiler": COMPILER, "arrays": _hashes(arrays)})
    ordered = _in_file_order(arrays)
    with _whole(path) as file:
        file.write(_head(_canonical(sealed).decode(), ordered))
        for array in ordered.values():
            data = _bytes(array)
            for start in range(0, len(data), _STEP):
                file.write(data[start : start + _STEP])
    return str(sealed["sha256"])


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes its place when all of it is on the disk; until then nobody sees it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _in_file_order(arrays: Arrays) -> Arrays:
    kinds = {np.dtype(kind): -at for at, kind in enumerate(_DTYPES.values())}
    return {name: arrays[name] for name in sorted(arrays, key=lambda name: (kinds[arrays[name].dtype], name))}


def _head(manifest: str, arrays: Arrays) -> bytes:
    """Return the beginning of a safetensors file: the size of its header and the header."""
    names = {np.dtype(kind): name for name, kind in _DTYPES.items()}
    header: dict[str, Any] = {"__metadata__": {"manifest": manifest}}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        header[name] = {"dtype": names[array.dtype], "shape": array.shape, "data_offsets": (start, end)}
    written = orjson.dumps(header)
    written += b" " * (-len(written) % _ALIGNMENT)
    return len(written).to_bytes(8, "little") + written


def _bytes(array: NDArray[Any]) -> memoryview:
    if not array.flags.c_contiguous:
        raise ValueError("an array of a bundle must be C-contiguous")
    return array.reshape(-1).view(np.uint8).data


def kind_of(path: Path) -> str:
    """Return the kind that a bundle states; nothing of it is verified yet.

    Raises:
        BundleError: the file is missing or no bundle.
    """
    header, _ = _header(path, _map(path))
    return str(_manifest(path, header).get("kind"))


def open_bundle(path: Path, kind: str) -> BundleFile:
    """Open a bundle and verify every byte of it.

    Raises:
        BundleError: the file is missing, damaged, of another compiler, or of another kind.
    """
    data = _map(path)
    header, start = _header(path, data)
    manifest = _manifest(path, header)
    if manifest.get("compiler") != COMPILER:
        text = (
            f"built by compiler {manifest.get('compiler')}, this is {COMPILER}; build it again from its pack"
        )
        raise BundleError(path, Reason.OTHER_COMPILER, text)
    if manifest.get("kind") != kind:
        text = f"a bundle of kind '{manifest.get('kind')}', not '{kind}'"
        raise BundleError(path, Reason.WRONG_KIND, text)
    if manifest.get("sha256") != _seal(manifest)["sha256"]:
        raise BundleError(
            path, Reason.DAMAGED, "the manifest does not match its hash; build the bundle again"
        )
    body = data[start:]
    arrays = _arrays(path, header, body)
    if _hashes(arrays) != manifest["arrays"]:
        raise BundleError(path, Reason.DAMAGED, "an array does not match its hash; build the bundle again")
    return BundleFile(path, manifest, arrays, body)


def _map(path: Path) -> NDArray[np.uint8]:
    try:
        # Copied on write, and never written: a kernel takes 80 µs a call to tell what a read-only array is.
        mapped = np.memmap(path, np.uint8, mode="c")
        # A plain view: numpy's memmap class makes every indexing slower.
        _read_ahead(mapped)
        return np.asarray(mapped)
    except FileNotFoundError:
        raise BundleError(path, Reason.MISSING, "there is no such bundle") from None
    except (OSError, ValueError) as error:
        raise BundleError(path, Reason.NOT_A_BUNDLE, f"cannot be mapped ({error})") from None


def _read_ahead(mapped: NDArray[np.uint8]) -> None:
    """Ask for the whole file at once: all of it is about to be read, and disks are faster so."""
    held = getattr(mapped, "_mmap", None)
    if isinstance(held, mmap.mmap) and hasattr(mmap, "MADV_WILLNEED"):
        held.madvise(mmap.MADV_WILLNEED)


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _seal(manifest: Mapping[str, Any]) -> dict[str, Any]:
    body = {key: value for key, value in manifest.items() if key != "sha256"}
    return {**body, "sha256": hashlib.sha256(_canonical(body)).hexdigest()}


def _hashes(arrays: Arrays) -> dict[str, list[Any]]:
    if sum(array.nbytes for array in arrays.values()) < _STEP:
        hashes = [_sha256(array) for array in arrays.values()]
    else:
        with ThreadPoolExecutor(_THREADS) as threads:
            hashes = list(threads.map(_sha256, arrays.values()))
    return {
        name: [str(array.dtype), list(array.shape), sha256]
        for (name, array), sha256 in zip(arrays.items(), hashes, strict=True)
    }


def _sha256(array: NDArray[Any]) -> str:
    return hashlib.sha256(_bytes(array)).hexdigest()


def _header(path: Path, data: NDArray[np.uint8]) -> tuple[dict[str, Any], int]:
    size = int.from_bytes(data[:8].tobytes(), "little") if len(data) >= 8 else -1
    if not 2 <= size <= min(len(data) - 8, _MAX_HEADER):
        raise BundleError(path, Reason.NOT_A_BUNDLE, "not a bundle, or cut short")
    try:
        header = orjson.loads(data[8 : 8 + size].tobytes())
    except orjson.JSONDecodeError:
        header = None
    if not isinstance(header, dict):
        raise BundleError(path, Reason.NOT_A_BUNDLE, "the header cannot be read; not a bundle, or damaged")
    return header, 8 + size


def _manifest(path: Path, header: dict[str, Any]) -> dict[str, Any]:
    try:
        manifest = orjson.loads(header["__metadata__"]["manifest"])
    except (KeyError, TypeError, orjson.JSONDecodeError):
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleError(path, Reason.NOT_A_BUNDLE, "there is no manifest of a bundle in it")
    return manifest


def _arrays(path: Path, header: dict[str, Any], body: NDArray[np.uint8]) -> Arrays:
    arrays: Arrays = {}
    try:
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            start, end = entry["data_offsets"]
            if not 0 <= start <= end <= len(body):
                raise ValueError
            arrays[name] = body[start:end].view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
            arrays[name].flags.writeable = False
    except (KeyError, TypeError, ValueError):
        raise BundleError(path, Reason.DAMAGED, "the header names arrays that are not there") from None
    return arrays
