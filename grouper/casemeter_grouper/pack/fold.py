"""Folding the codes of a pack into prefixes and exceptions, and unfolding them, exactly.

Both ways work from what the code tables resolve to, never from their text, and both read back what they wrote
and compare it before the new folder can be seen.
"""

from __future__ import annotations

import csv
import io
import secrets
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from casemeter_grouper.pack.categories import Categories, Line
from casemeter_grouper.pack.domains import CODE_TABLES, VALID, Domain, Domains, by_domain
from casemeter_grouper.pack.faults import PackError
from casemeter_grouper.pack.header import FILE
from casemeter_grouper.pack.load import LoadedPack, load
from casemeter_grouper.pack.members import EXACT, EXCEPT, PREFIX
from casemeter_grouper.pack.pin import pinned_text
from casemeter_grouper.pack.tables import read_table
from casemeter_grouper.pack.words import SaidError
from casemeter_grouper.scheme import Scheme

_LinesOf = Callable[[Domain, Collection[str]], Iterable[Line]]
"""From the members under one key to the codes and prefixes that name them."""


class _Row(NamedTuple):
    key: tuple[str, ...]
    code: str
    match: str


class FoldError(SaidError):
    """A pack that was not folded or unfolded. Nothing was written."""


@dataclass(frozen=True, slots=True)
class FoldReport:
    """What folding or unfolding did.

    Attributes:
        rows: rows before and after, by file.
    """

    source: Path
    target: Path
    rows: Mapping[str, tuple[int, int]]


def fold_pack(source: Path, target: Path) -> FoldReport:
    """Write a pack anew with its codes as prefixes and exceptions, and the dictionary pinned.

    Files other than the code tables and the header are copied as they are; folders are not copied.

    Args:
        source: folder of the pack.
        target: folder to write; it must be missing or empty.

    Raises:
        PackError: the source has errors.
        FoldError: the target cannot be written, or the result would not mean the same.
        PinError: the header cannot be edited.
    """
    pack = load(source)
    known = by_domain(pack.scheme.diagnoses, pack.scheme.procedures)
    dictionary = by_domain(pack.dictionary.diagnoses, pack.dictionary.procedures)
    listed = {domain: frozenset(codes) for domain, codes in dictionary.items()}
    categories = {domain: Categories(codes) for domain, codes in known.items()}

    def fold(domain: Domain, members: Collection[str]) -> Iterable[Line]:
        return categories[domain].fold(members, listed[domain])

    return _rewrite(pack, target, fold, pin=pack.dictionary.sha256)


def unfold_pack(source: Path, target: Path) -> FoldReport:
    """Write a pack anew with every code on a row of its own; arguments and errors as :func:`fold_pack`."""

    def unfold(_: Domain, members: Collection[str]) -> Iterable[Line]:
        return ((code, EXACT) for code in members)

    return _rewrite(load(source), target, unfold)


def _rewrite(pack: LoadedPack, target: Path, lines_of: _LinesOf, pin: str = "") -> FoldReport:
    source = pack.folder
    rows = _new_rows(pack, lines_of)
    partial = target.absolute().with_name(f".{target.absolute().name}.{secrets.token_hex(4)}")
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise FoldError("target_taken", path=target)
        partial.mkdir(parents=True)
        for path in source.iterdir():
            if path.is_file() and path.name not in CODE_TABLES:
                shutil.copyfile(path, partial / path.name)
        if pin:
            header = (source / FILE).read_bytes().decode()
            (partial / FILE).write_bytes(pinned_text(header, pin).encode())
        for file, table_rows in rows.items():
            names = _names(pack) if file == VALID else {}
            (partial / file).write_bytes(_csv(file, table_rows, names).encode())
        if not _means_the_same(partial, pack.scheme):
            raise FoldError("meaning_changed", path=source)
        if target.exists():
            target.rmdir()
        partial.rename(target)
    except OSError as error:
        raise FoldError("not_written", path=target, reason=error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    counts = {file: (len(pack.tables[file].rows), len(table_rows)) for file, table_rows in rows.items()}
    return FoldReport(source, target, counts)


def _means_the_same(folder: Path, scheme: Scheme) -> bool:
    try:
        written = load(folder).scheme
    except PackError:
        return False
    return replace(written, sources={}) == replace(scheme, sources={})


def _new_rows(pack: LoadedPack, lines_of: _LinesOf) -> dict[str, list[_Row]]:
    """The rows of every table: by key, then by code, a prefix before what it begins."""
    scheme, dictionary = pack.scheme, pack.dictionary
    domains = Domains.of_tree(scheme.tree)
    known = by_domain(scheme.diagnoses, scheme.procedures)
    rows: dict[str, set[_Row]] = {file: set() for file in pack.tables}
    named: tuple[set[str], set[str]] = (set(dictionary.diagnoses), set(dictionary.procedures))
    exceptions: list[tuple[str, int, _Row]] = []
    for file, table in pack.tables.items():
        for key, own in table.by_key.items():
            domain = domains.of(file, key)
            members = table.members(key, known[domain], [])
            # A key without members keeps its rows: without any, a set would be unknown to its conditions.
            lines = lines_of(domain, members) if members else ((row.code, row.match) for row in own)
            for code, match in lines:
                rows[file].add(_Row(key, code, match))
                if match != PREFIX:
                    named[domain.kind(code)].add(code)
            exceptions += [
                (file, domain.kind(row.code), _Row(key, row.code, EXCEPT))
                for row in own
                if row.match == EXCEPT
            ]
    # An exception may be all that makes its code known.
    for file, kind, row in exceptions:
        if row.code not in named[kind]:
            rows[file].add(row)
    return {
        file: sorted(own, key=lambda row: (row.key, row.code, row.match != PREFIX))
        for file, own in rows.items()
    }


def _names(pack: LoadedPack) -> Mapping[str, str]:
    """Names for the rows of valid procedures: those the source gives, then those of the dictionary."""
    records = read_table(pack.folder, VALID, CODE_TABLES[VALID][2], [])
    return {**pack.dictionary.procedures, **{row["code"]: row["name"] for row in records if row["name"]}}


def _csv(file: str, rows: Iterable[_Row], names: Mapping[str, str]) -> str:
    """The text of a table; an optional column stands in it only where some row fills it."""
    column, key_columns, columns = CODE_TABLES[file]
    records: list[dict[str, str]] = []
    for key, code, match in rows:
        name = names.get(code, "") if match == EXACT else ""
        cells = dict(zip(key_columns, key, strict=True))
        records.append({**cells, column: code, "match": match, "name": name})
    used = [name for name in columns.optional if any(record[name] for record in records)]
    text = io.StringIO()
    header = [*columns.filled, *columns.present, *used]
    writer = csv.DictWriter(text, header, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()
