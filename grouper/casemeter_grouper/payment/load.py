"""From the folder of a payment pack to its header and tables, with every fault of the folder at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from casemeter_grouper.compiled.bundle import Arrays
from casemeter_grouper.pack.faults import ERROR, Fault, PackError
from casemeter_grouper.pack.load import source_files
from casemeter_grouper.payment.checks import note_rows
from casemeter_grouper.payment.columns import COLUMNS
from casemeter_grouper.payment.header import FILE as HEADER_FILE
from casemeter_grouper.payment.header import KIND, Header, read_header
from casemeter_grouper.payment.policy import ARRAY
from casemeter_grouper.payment.read import Placed, Row, read_tables
from casemeter_grouper.payment.rows import Tables, to_json


@dataclass(frozen=True)
class LoadedPayment:
    """A payment pack as read.

    Attributes:
        sources: SHA-256 of each file.
        faults: warnings.
    """

    header: Header
    tables: Tables
    sources: dict[str, str]
    faults: tuple[Fault, ...]


def load(folder: Path) -> LoadedPayment:
    """Read a payment pack.

    Raises:
        PackError: the pack has errors; the exception holds every fault, warnings too.
    """
    faults: list[Fault] = []
    header = read_header(folder, faults)
    read = read_tables(folder, header, faults)
    note_rows(read, header, faults)
    known = (*COLUMNS, HEADER_FILE)
    faults += [Fault("unknown_file", path.name) for path in source_files(folder) if path.name not in known]
    if header is None or any(fault.severity == ERROR for fault in faults):
        raise PackError(faults)
    tables = Tables(
        levels=header.levels,
        insurance=header.insurance,
        mean_cost_yuan=header.mean_cost_yuan,
        points_per_weight=header.points_per_weight,
        weights=read.weights,
        prices=_rows(read.prices),
        coefficients=_rows(read.coefficients),
        bands=_rows(read.bands),
        outside=_rows(read.outside),
        special_cases=_rows(read.special_cases),
        additions=_rows(read.additions),
        exclusions=_rows(read.exclusions),
        equivalents=_rows(read.equivalents),
        price_levels=_rows(read.price_levels),
    )
    sources = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in source_files(folder)}
    return LoadedPayment(header.header, tables, sources, tuple(faults))


def check_payment(folder: Path) -> list[Fault]:
    """Return every fault of a payment pack, errors first, then by file and row."""
    try:
        faults = load(folder).faults
    except PackError as error:
        faults = error.faults
    return sorted(faults, key=lambda fault: (fault.severity != ERROR, fault.file, fault.row, fault.column))


def compile_payment(folder: Path) -> tuple[dict[str, Any], Arrays, tuple[Fault, ...]]:
    """Return manifest and arrays of a payment pack, and its warnings.

    Raises:
        PackError: the pack has errors.
    """
    pack = load(folder)
    manifest = {"kind": KIND, "header": pack.header.to_json(), "sources": pack.sources}
    data = orjson.dumps(to_json(pack.tables), option=orjson.OPT_SORT_KEYS)
    return manifest, {ARRAY: np.frombuffer(data, np.uint8)}, pack.faults


def _rows(placed: Placed[Row]) -> tuple[Row, ...]:
    return tuple(row for _, row in placed)
