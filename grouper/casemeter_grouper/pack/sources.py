"""A scheme from wherever it is: the folder of a pack, a shipped pack, or a bundle."""

from __future__ import annotations

from pathlib import Path

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.pack.load import LoadedPack, load
from casemeter_grouper.pack.shipped import find_pack


def open_source(name: str) -> LoadedPack | CompiledScheme:
    """Read a pack or open a bundle.

    Args:
        name: path of a bundle file, or what :func:`~casemeter_grouper.pack.shipped.find_pack` takes.

    Raises:
        PackNotFoundError: nothing is there under the name.
        PackError: the pack has errors.
        BundleError: the bundle cannot be used.
    """
    path = Path(name)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):
        is_file = False  # no path at all: what follows says so
    return CompiledScheme.open(path) if is_file else load(find_pack(name))
