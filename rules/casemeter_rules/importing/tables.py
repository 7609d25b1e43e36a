"""From a folder of national tables to a rules pack."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path

from casemeter_grouper.pack.faults import ERROR, Fault
from casemeter_grouper.pack.header_keys import is_id
from casemeter_rules.importing.merge import distinct, joined
from casemeter_rules.importing.read import found_in, read_source
from casemeter_rules.importing.report import FileReport, ImportRefused, ImportReport
from casemeter_rules.importing.rows import Row, rows_of
from casemeter_rules.importing.sources import Source
from casemeter_rules.importing.widen import equivalents_of
from casemeter_rules.importing.write import write_pack


def import_tables(
    source: Path,
    target: Path,
    *,
    title: str = "",
    version: str = "",
    valid_from: str = "",
    replace: bool = False,
) -> ImportReport:
    """Write a rules pack from the national tables of a folder.

    Rows with faults are left out and reported, all at once; the pack is written wholly or not at all.

    Args:
        source: the folder; tables in UTF-8 or GB 18030.
        target: the folder of the pack; its name is the pack's id.
        title: of the pack; empty: its id.
        version: of the pack.
        valid_from: first day it holds, ``YYYY-MM-DD``; empty: always.
        replace: whether a pack that is there already gives way.

    Raises:
        ImportRefused: there is nothing to import, or the target cannot be used; nothing was written.
    """
    if not source.is_dir():
        raise ImportRefused(f"不是文件夹：{source}", f"no folder: {source}")
    if not is_id(target.name):
        raise ImportRefused(f"不能作为规则包名：{target.name}", f"no name for a pack: {target.name}")
    if target.exists() and not replace:
        raise ImportRefused(f"目标已存在：{target}", f"the target is there already: {target}")
    faults: list[Fault] = []
    found = found_in(source, faults)
    tables = {each.file: read_source(source, each, faults) for each in found}
    unread = Counter(fault.file for fault in _once(faults) if fault.severity == ERROR and fault.row > 1)
    widening = equivalents_of(chain.from_iterable(tables[each.file] for each in found if each.widens))
    taken: list[Row] = []
    refused: Counter[str] = Counter()
    for each in found:
        for record in tables[each.file] if each.targets else ():
            rows = rows_of(record, each, widening, faults)
            taken += rows
            refused[each.file] += not rows
    rows, rules, repeated = distinct(joined(taken))
    if not rows:
        raise ImportRefused("没有可导入的行", "there are no rows to import", tuple(faults))
    header = {"id": target.name, "title": title or target.name, "version": version, "valid_from": valid_from}
    write_pack(rows, target, header, replace=replace)
    files = tuple(
        _file_report(each, len(tables[each.file]), unread, refused, taken, rows, repeated) for each in found
    )
    return ImportReport(files, tuple(faults), rules)


def _once(faults: list[Fault]) -> list[Fault]:
    """Return one fault of each row."""
    return list({(fault.file, fault.row): fault for fault in faults if fault.severity == ERROR}.values())


def _file_report(
    source: Source,
    sound: int,
    unread: Counter[str],
    refused: Counter[str],
    taken: list[Row],
    rows: list[Row],
    repeated: Counter[str],
) -> FileReport:
    file = source.file
    own = [row for row in rows if row.place[0] == file]
    shared = sum(row.place[0] == file for row in taken if row.join) - sum(bool(row.join) for row in own)
    return FileReport(
        file,
        tuple(sorted({target.kind for target in source.targets})),
        read=sound + unread[file],
        written=len(own),
        shadow=sum(row.shadow for row in own),
        merged=max(shared, 0) + repeated[file],
        widened=sum(row.widened for row in own),
        not_taken=unread[file] + refused[file],
    )
