"""What became of the rows of a table: how many were kept, which were dropped and why, with examples."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.history.reading.columns import RECORD, VISIT
from casemeter_grouper.history.reading.rows import Rows
from casemeter_grouper.history.reading.tables import Table

EXAMPLES: Final = 5
"""Examples that are kept of each reason."""

DROP: Final = "drop"
WARNING: Final = "warning"

Bools = NDArray[np.bool_]


@cache
def reasons() -> Mapping[str, Mapping[str, str]]:
    """Every reason: its severity, what it says (``en``, ``zh``) and how to mend it, in their order."""
    text = resources.files(__package__).joinpath("reasons.toml").read_text("utf-8")
    return tomllib.loads(text)


class Example(NamedTuple):
    """A row that was dropped or looks odd.

    Attributes:
        row: counted from 1; the header does not count.
        stay: A48 and A49 with a ``/`` between them.
        column: title as the file has it.
        value: as it is written.
    """

    file: Path
    row: int
    stay: str
    column: str
    value: str


class Finding(NamedTuple):
    """What is true of some rows of a chunk.

    Attributes:
        reason: its entry in :func:`reasons`.
        rows: which rows, ``n``.
        column: code of the column to show of a row; empty: none.
    """

    reason: str
    rows: Bools
    column: str = ""


@dataclass
class Drops:
    """What became of the rows; ``rows`` is always ``kept`` and the sum of ``dropped``.

    Attributes:
        rows: that were read.
        kept: that were learned from.
        dropped: number of rows by reason.
        warnings: number of kept rows that look odd, by reason; a row may count for several.
        examples: the first rows of each reason, :data:`EXAMPLES` at most.
    """

    rows: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[Example]] = field(default_factory=dict)

    def note(self, count: int, findings: list[Finding], example: Callable[[int, str], Example]) -> Bools:
        """Count the rows of a chunk.

        Args:
            count: rows of the chunk, ``n``.
            findings: of all reasons, in any order.
            example: makes an example of a row of the chunk and the code of a column.

        Returns:
            Which rows are kept, ``n``.
        """
        kept = np.ones(count, np.bool_)
        by_reason: dict[str, list[Finding]] = {}
        for finding in findings:
            by_reason.setdefault(finding.reason, []).append(finding)
        # First all that drop rows: what looks odd is told of rows that are kept.
        for severity, counts in ((DROP, self.dropped), (WARNING, self.warnings)):
            for reason, entry in reasons().items():
                if entry["severity"] != severity or reason not in by_reason:
                    continue
                found = by_reason[reason]
                rows = np.flatnonzero(np.logical_or.reduce([one.rows for one in found]) & kept)
                if len(rows):
                    counts[reason] = counts.get(reason, 0) + len(rows)
                shown = self.examples.setdefault(reason, []) if len(rows) else []
                for at in rows[: EXAMPLES - len(shown)].tolist():
                    shown.append(example(at, next(one.column for one in found if one.rows[at])))
                if severity == DROP:
                    kept[rows] = False
        self.rows += count
        self.kept += int(kept.sum())
        return kept

    def note_broken(self, file: Path, rows: Sequence[int]) -> None:
        """Count rows that are no rows of the table at all."""
        if rows:
            self.rows += len(rows)
            self.dropped["row_broken"] = self.dropped.get("row_broken", 0) + len(rows)
            shown = self.examples.setdefault("row_broken", [])
            shown += [Example(file, row, "", "", "") for row in rows[: EXAMPLES - len(shown)]]


def examples_of(table: Table, rows: Rows) -> Callable[[int, str], Example]:
    """Return what makes examples of rows; see :meth:`Drops.note`."""
    frame = rows.frame

    def shown(at: int, code: str) -> str:
        value = frame[code][at] if code in frame.columns else None
        return "" if value is None else str(value)

    def example(at: int, code: str) -> Example:
        stay = f"{shown(at, RECORD).strip()}/{shown(at, VISIT).strip()}"
        title = table.title_of(code) if code in frame.columns else code
        return Example(table.path, int(rows.numbers[at]), stay, title, shown(at, code))

    return example
