"""The kinds of packs: how each is recognised, checked and compiled.

Further packages add kinds of their own: an entry point of the group ``casemeter.pack_kinds`` names a
:class:`Kind`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, NamedTuple

from casemeter_grouper.benchmark.header import FILE as BENCHMARK_FILE
from casemeter_grouper.benchmark.header import KIND as BENCHMARK
from casemeter_grouper.benchmark.load import check_benchmark, compile_benchmark
from casemeter_grouper.compiled.bundle import Arrays
from casemeter_grouper.compiled.compiler import KIND as DRG
from casemeter_grouper.compiled.compiler import compile_scheme
from casemeter_grouper.dip.check import check_catalogue
from casemeter_grouper.dip.compiled import KIND as DIP
from casemeter_grouper.dip.compiled import compile_catalogue
from casemeter_grouper.dip.load import load as load_catalogue
from casemeter_grouper.dip.rows import CATALOGUE as CATALOGUE_TABLE
from casemeter_grouper.pack.check import check_pack as check_scheme
from casemeter_grouper.pack.dictionaries import dictionary_files
from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.header import FILE as SCHEME_FILE
from casemeter_grouper.pack.header_keys import is_id
from casemeter_grouper.pack.load import load
from casemeter_grouper.payment.header import FILE as PAYMENT_FILE
from casemeter_grouper.payment.header import KIND as PAYMENT
from casemeter_grouper.payment.load import check_payment, compile_payment


class Compiled(NamedTuple):
    """What a pack compiles into.

    Attributes:
        manifest: JSON values under string keys.
        arrays: by name.
        faults: warnings of the pack.
    """

    manifest: Mapping[str, Any]
    arrays: Arrays
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of pack.

    Attributes:
        name: of the kind; the kind of its bundles too.
        header: the file that makes a folder a pack of this kind.
        compile: compiles the pack of a folder; raises ``PackError`` when it has errors.
        check: returns every fault of the pack of a folder.
        beside: files outside the folder that decide the bundle, too.
        packs: folder of the packs of this kind that another package ships; ``None``: none does.
    """

    name: str
    header: str
    compile: Callable[[Path], Compiled]
    check: Callable[[Path], list[Fault]]
    beside: Callable[[Path], list[Path]]
    packs: Path | None = None


def _compile_scheme(folder: Path) -> Compiled:
    pack = load(folder)
    return Compiled(*compile_scheme(pack.scheme), pack.faults)


def _compile_catalogue(folder: Path) -> Compiled:
    pack = load_catalogue(folder)
    return Compiled(*compile_catalogue(pack.catalogue), pack.faults)


def _compile_payment(folder: Path) -> Compiled:
    return Compiled(*compile_payment(folder))


def _compile_benchmark(folder: Path) -> Compiled:
    return Compiled(*compile_benchmark(folder))


def _nothing(_folder: Path) -> list[Path]:
    return []


_SCHEME: Final = Kind(DRG, SCHEME_FILE, _compile_scheme, check_scheme, dictionary_files)
_CATALOGUE: Final = Kind(DIP, SCHEME_FILE, _compile_catalogue, check_catalogue, dictionary_files)
_PAYMENT: Final = Kind(PAYMENT, PAYMENT_FILE, _compile_payment, check_payment, _nothing)
_BENCHMARK: Final = Kind(BENCHMARK, BENCHMARK_FILE, _compile_benchmark, check_benchmark, _nothing)
_OWN: Final = (_SCHEME, _CATALOGUE, _PAYMENT, _BENCHMARK)
_GROUP: Final = "casemeter.pack_kinds"


@cache
def kinds() -> tuple[Kind, ...]:
    """Return every kind.

    The first is taken for a folder that is of none: its faults say what a pack needs.
    """
    further = sorted(entry_points(group=_GROUP), key=lambda point: point.name)
    return (*_OWN, *(point.load() for point in further))


def headers() -> tuple[str, ...]:
    """Return the files that make a folder a pack."""
    return tuple(dict.fromkeys(kind.header for kind in kinds()))


def kind_of(folder: Path) -> Kind:
    """Return the kind of the pack in a folder: by its header file, and by the ``kind`` that it states."""
    for kind in kinds():
        if kind.name == _stated(folder / kind.header).get("kind"):
            return kind
    if (folder / CATALOGUE_TABLE).is_file() and (folder / SCHEME_FILE).is_file():
        return _CATALOGUE  # its header has a fault; the table tells it from a scheme
    return next((kind for kind in kinds() if (folder / kind.header).is_file()), _SCHEME)


def id_of(folder: Path) -> str:
    """Return the id that a pack states, or the name of its folder."""
    stated = _stated(folder / kind_of(folder).header).get("id")
    return stated if isinstance(stated, str) and is_id(stated) else folder.name


def check_pack(folder: Path) -> list[Fault]:
    """Return every fault of a pack, errors first, then by file and row."""
    return kind_of(folder).check(folder)


def _stated(header: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(header.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}  # what is wrong with it is said where it is read
