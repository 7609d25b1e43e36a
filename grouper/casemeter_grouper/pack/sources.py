"""A scheme or a catalogue from wherever it is: the folder of a pack, a shipped pack, or a bundle."""

from __future__ import annotations

from pathlib import Path

from casemeter_grouper.compiled.bundle import kind_of as bundle_kind
from casemeter_grouper.compiled.compiler import KIND as DRG
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import KIND as DIP
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.load import LoadedCatalogue
from casemeter_grouper.dip.load import load as load_catalogue
from casemeter_grouper.pack.kinds import kind_of
from casemeter_grouper.pack.load import LoadedPack, load
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.pack.words import SaidError


class SourceError(SaidError):
    """A pack that is neither a scheme nor a catalogue."""


def open_source(name: str) -> LoadedPack | LoadedCatalogue | CompiledScheme | CompiledCatalogue:
    """Read a pack or open a bundle.

    Args:
        name: path of a bundle file, or what :func:`~casemeter_grouper.pack.shipped.find_pack` takes.

    Raises:
        PackNotFoundError: nothing is there under the name.
        SourceError: it is the folder of another kind of pack.
        PackError: the pack has errors.
        BundleError: the bundle cannot be used.
    """
    path = Path(name)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):
        is_file = False  # no path at all: what follows says so
    if is_file:
        return open_compiled(path)
    folder = find_pack(name)
    kind = kind_of(folder).name
    if kind == DIP:
        return load_catalogue(folder)
    if kind != DRG:
        raise SourceError("not_a_source", name=name, pack_kind=kind)
    return load(folder)


def open_compiled(path: Path) -> CompiledScheme | CompiledCatalogue:
    """Open the bundle of a scheme or of a catalogue.

    Raises:
        BundleError: the bundle cannot be used, or is of neither kind.
    """
    return CompiledCatalogue.open(path) if bundle_kind(path) == DIP else CompiledScheme.open(path)


def scheme_folder(name: str) -> Path:
    """Return the folder of a grouping scheme, for what is done to its sets.

    Args:
        name: a folder, or else the name of a shipped pack.

    Raises:
        PackNotFoundError: it is neither.
        SourceError: it is the folder of another kind of pack.
    """
    folder = find_pack(name)
    kind = kind_of(folder).name
    if kind != DRG:
        raise SourceError("not_a_scheme", name=name, pack_kind=kind)
    return folder
