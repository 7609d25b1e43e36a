"""Which pack it is, for a verdict and for the list of packs."""

from __future__ import annotations

from typing import Protocol

from casemeter.v1 import pack_pb2


class _Header(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def version(self) -> str: ...


def pack_ref(header: _Header, sha256: str, demonstration: bool = False) -> pack_pb2.PackRef:
    """Return the reference to a pack.

    Args:
        header: of the pack.
        sha256: content hash of its bundle.
        demonstration: whether its figures are invented.
    """
    return pack_pb2.PackRef(
        id=header.id, version=header.version, bundle_sha256=sha256, demonstration=demonstration
    )
