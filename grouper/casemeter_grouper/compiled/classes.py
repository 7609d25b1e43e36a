"""Classes of codes: codes that a scheme cannot tell apart share one row of every table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.scheme import CodeTables

NONE = -1
"""Table number of a code that stands in no table."""


def set_masks(
    codes: Sequence[str], bits: Mapping[str, int], sets: Mapping[str, frozenset[str]], width: int
) -> NDArray[np.uint64]:
    """Return the set masks of sorted codes: shape ``(len(codes) + 1, width)``, row 0 for an unknown code."""
    masks = np.zeros((len(codes) + 1, width), np.uint64)
    at = {code: number for number, code in enumerate(codes, 1)}
    for name, bit in bits.items():
        members = [at[code] for code in sets[name] if code in at]
        masks[members, bit // 64] |= np.uint64(1 << bit % 64)
    return masks


def diagnosis_columns(
    codes: Sequence[str], tables: CodeTables, table_names: Sequence[str], site_names: Sequence[str]
) -> dict[str, NDArray[np.generic]]:
    """Return what a scheme knows of each diagnosis beside its sets; row 0 is an unknown code.

    Returns:
        ``complications``: number of the exclusion table as MCC, as CC and as principal diagnosis, or
        :data:`NONE`, int32, three columns; ``sites``: one bit per body site, uint64.
    """
    number = {name: at for at, name in enumerate(table_names)}
    place = {code: at for at, code in enumerate(codes, 1)}
    complications = np.full((len(codes) + 1, 3), NONE, np.int32)
    tables_of = (tables.complications["MCC"], tables.complications["CC"], tables.exclusions)
    for column, table in enumerate(tables_of):
        for code, of in table.items():
            complications[place[code], column] = number[of]
    sites = np.zeros(len(codes) + 1, np.uint64)
    for code, found in tables.trauma_sites.items():
        sites[place[code]] = sum(1 << site_names.index(site) for site in found)
    return {"complications": complications, "sites": sites}


def fold(
    columns: Mapping[str, NDArray[Any]],
) -> tuple[NDArray[np.int32], dict[str, NDArray[Any]]]:
    """Give codes with equal rows one class.

    Args:
        columns: arrays with one row per code, row 0 the unknown code.

    Returns:
        The class of each code, int32, and the columns with one row per class. Class 0 is that of the unknown
        code; classes are numbered by their first code, so equal input gives equal bytes.
    """
    parts = [np.ascontiguousarray(column).reshape(len(column), -1) for column in columns.values()]
    rows = np.concatenate([part.astype(np.int64, copy=False).view(np.int64) for part in parts], axis=1)
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    classes = rank[inverse.reshape(-1)].astype(np.int32)
    keep = first[order]
    return classes, {name: np.ascontiguousarray(column[keep]) for name, column in columns.items()}
