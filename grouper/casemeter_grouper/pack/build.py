"""From the folder of a pack to its bundle."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from casemeter_grouper.compiled import bundle
from casemeter_grouper.compiled.bundle import BundleError, open_bundle
from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.kinds import id_of, kind_of
from casemeter_grouper.pack.load import source_files

SUFFIX = ".bundle"


@dataclass(frozen=True, slots=True)
class BuildReport:
    """A bundle that was built.

    Attributes:
        target: the file.
        sha256: content hash of the bundle; equal packs have equal ones.
        size_bytes: size of the file.
        faults: warnings of the pack.
    """

    target: Path
    sha256: str
    size_bytes: int
    faults: tuple[Fault, ...]


def build(folder: Path, target: Path) -> BuildReport:
    """Build the bundle of a pack; an existing file is replaced in one step.

    Raises:
        PackError: the pack has errors; nothing is written.
        OSError: the target cannot be written.
    """
    compiled = kind_of(folder).compile(folder)
    sha256 = bundle.write(target, compiled.manifest, compiled.arrays)
    return BuildReport(target, sha256, target.stat().st_size, compiled.faults)


def build_cached(folder: Path, data_dir: Path) -> Path:
    """Return the bundle of a pack, built into a data directory unless it is there already.

    The name of the file says what it was built from (pack, dictionaries and compiler), so looking it up reads
    the files of the pack but parses no table. A damaged file is built again. Any number of processes may do
    this at once: each puts a whole file in place, and all of these are equal.

    Raises:
        PackError: the pack has errors.
        OSError: a file of the pack cannot be read, or the data directory cannot be written.
    """
    source = source_hash(folder)
    path = data_dir / f"{id_of(folder)}-{source[:32]}{SUFFIX}"
    try:
        open_bundle(path, kind_of(folder).name)
        return path
    except BundleError:
        pass
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        build(folder, partial)
        if source_hash(folder) != source:  # someone edited the pack meanwhile
            return build_cached(folder, data_dir)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def source_hash(folder: Path) -> str:
    """Hash of everything that decides the bundle of a pack: its files, its dictionaries and the compiler."""
    digest = hashlib.sha256(f"compiler {bundle.COMPILER}\n".encode())
    for path in [*source_files(folder), *kind_of(folder).beside(folder)]:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{content} {path.name}\n".encode())
    return digest.hexdigest()
