"""The differences between two schemes as lines of text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from casemeter_grouper.dip.diff import CatalogueDiff
from casemeter_grouper.pack.changes import ADDED, REMOVED, Change, Moved
from casemeter_grouper.pack.diff import SchemeDiff
from casemeter_grouper.pack.words import word

_TREE = ("header", "groups", "mdcs", "rules", "rows", "sets", "exclusion_tables")
_MEMBERS = ("members", "known")
_EXAMPLES = 3
_HASH_SHOWN = 12


def diff_lines(
    diff: SchemeDiff | CatalogueDiff,
    code_names: Mapping[str, str],
    language: str = "en",
    limit: int | None = 20,
) -> Iterator[str]:
    """Yield the differences, part by part.

    Args:
        diff: the differences.
        code_names: names of diagnoses and procedures, for the examples.
        language: ``en`` or ``zh``.
        limit: lines of one part, or ``None`` for all.
    """
    if not diff:
        yield word("diff", "same", language)
    writer = _Writer(code_names, language)
    for field in fields(diff):
        part, found = field.name, getattr(diff, field.name)
        if not found:
            continue
        yield f"{word('diff', part, language)} ({len(found)})"
        if part in _TREE:
            lines = [writer.change(change) for change in found]
        elif part in _MEMBERS:
            lines = [writer.moved(moved, part) for moved in found]
        else:
            lines = writer.by_value(found)
        yield from (f"  {line}" for line in lines[:limit])
        if limit is not None and len(lines) > limit:
            yield f"  {word('diff', 'more', language, count=len(lines) - limit)}"


class _Writer:
    def __init__(self, code_names: Mapping[str, str], language: str) -> None:
        self._names = code_names
        self._language = language

    def change(self, change: Change) -> str:
        if change.what == ADDED:
            return f"+ {change.name}  {change.after}".rstrip()
        if change.what == REMOVED:
            return f"- {change.name}  {change.before}".rstrip()
        before, after = change.before, change.after
        if change.what == "dictionary_sha256":
            before, after = before[:_HASH_SHOWN], after[:_HASH_SHOWN]
        what = word("diff.what", change.what, self._language)
        return f"~ {change.name} {what}: ".replace("~  ", "~ ") + self._arrow(before, after)

    def moved(self, moved: Moved, part: str) -> str:
        name = word("diff", moved.name, self._language) if part == "known" else moved.name
        sides = [("+", moved.codes_in), ("-", moved.codes_out)]
        parts = [f"{sign}{len(codes)} ({self._examples(codes)})" for sign, codes in sides if codes]
        return f"{name}  {'; '.join(parts)}"

    def by_value(self, changes: Sequence[Change]) -> list[str]:
        """One line for all codes whose value changed in the same way, the most frequent first."""
        alike: dict[tuple[str, str], list[str]] = defaultdict(list)
        for change in changes:
            alike[change.before, change.after].append(change.name)
        return [
            f"{self._arrow(before, after)}: {word('diff', 'codes', self._language, count=len(codes))}"
            f" ({self._examples(codes)})"
            for (before, after), codes in sorted(alike.items(), key=lambda item: (-len(item[1]), item[0]))
        ]

    def _arrow(self, before: str, after: str) -> str:
        nothing = word("diff", "nothing", self._language)
        return f"{before or nothing} → {after or nothing}"

    def _examples(self, codes: Sequence[str]) -> str:
        shown = [f"{code} {self._names.get(code, '')}".rstrip() for code in codes[:_EXAMPLES]]
        return ", ".join(shown + ["…"] * (len(codes) > _EXAMPLES))
