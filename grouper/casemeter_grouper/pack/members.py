"""Tables of codes: from rows with ``match`` to the codes they name."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from casemeter_grouper.codes import normalise
from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.tables import Record

EXACT, PREFIX, EXCEPT = "", "prefix", "except"
MATCHES = (EXACT, PREFIX, EXCEPT)


class CodeRow(NamedTuple):
    """One row of a table of codes; a tuple, because there are a hundred thousand."""

    line: int
    key: tuple[str, ...]
    code: str
    match: str


@dataclass(frozen=True)
class CodeTable:
    """A table of codes: under each key (a set, or a level and table) the codes its rows name.

    Attributes:
        file: file of the pack.
        column: the column that holds the code.
        rows: the rows in the order of the file, repeats left out.
    """

    file: str
    column: str
    rows: tuple[CodeRow, ...]
    by_key: dict[tuple[str, ...], list[CodeRow]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        groups: dict[tuple[str, ...], list[CodeRow]] = defaultdict(list)
        for row in self.rows:
            groups[row.key].append(row)
        object.__setattr__(self, "by_key", dict(groups))

    def named(self) -> Iterator[str]:
        """Yield every whole code the table names, exceptions included."""
        return (row.code for row in self.rows if row.match != PREFIX)

    def members(self, key: tuple[str, ...], known: Sequence[str], faults: list[Fault]) -> dict[str, CodeRow]:
        """Return the codes under a key, each with the row that brought it.

        Args:
            key: a key of :attr:`by_key`.
            known: every known code, sorted.
            faults: where prefixes without codes and exceptions without effect are noted.
        """
        rows = self.by_key.get(key, [])
        found: dict[str, CodeRow] = {}
        for row in rows:
            if row.match == PREFIX:
                codes = codes_with(row.code, known)
                if not codes:
                    faults.append(
                        Fault("prefix_of_nothing", self.file, row.line, self.column, {"prefix": row.code})
                    )
                for code in codes:
                    found.setdefault(code, row)
        for row in rows:
            if row.match == EXCEPT and found.pop(row.code, None) is None:
                faults.append(
                    Fault("except_of_nothing", self.file, row.line, self.column, {"code": row.code})
                )
        for row in rows:
            if row.match == EXACT:
                found[row.code] = row
        return found


def codes_with(prefix: str, known: Sequence[str]) -> Sequence[str]:
    """Return the codes of a sorted sequence that begin with a prefix."""
    start = bisect_left(known, prefix)
    end = bisect_left(known, prefix + "\U0010ffff", start)
    return known[start:end]


def code_table(
    file: str, column: str, key: tuple[str, ...], records: Sequence[Record], faults: list[Fault]
) -> CodeTable:
    """Read the rows of a table of codes.

    Args:
        file: file of the pack, for faults.
        column: the column that holds the code.
        key: the columns that name what the code belongs to.
        records: the rows.
        faults: where faults are noted.
    """
    rows: list[CodeRow] = []
    seen: dict[tuple[object, ...], tuple[str, int]] = {}
    for record in records:
        match = record["match"]
        if match not in MATCHES:
            faults.append(Fault("bad_match", file, record.line, "match", {"value": match}))
            continue
        code = normalise(record[column])
        if not code:
            faults.append(Fault("empty_cell", file, record.line, column, {"column": column}))
            continue
        if code != record[column]:
            faults.append(
                Fault("code_rewritten", file, record.line, column, {"value": record[column], "code": code})
            )
        owner = tuple([record[name] for name in key])
        # A prefix may repeat a code; exactly and except of one code contradict each other.
        earlier = seen.setdefault((owner, code, match == PREFIX), (match, record.line))
        if earlier[1] == record.line:
            rows.append(CodeRow(record.line, owner, code, match))
        elif earlier[0] == match:
            faults.append(Fault("repeated_row", file, record.line, details={"first": earlier[1]}))
        else:
            faults.append(
                Fault("in_and_out", file, record.line, "match", {"code": code, "first": earlier[1]})
            )
    return CodeTable(file, column, tuple(rows))
