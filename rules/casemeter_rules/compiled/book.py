"""A rules pack, compiled and opened: what the kernel reads, and what is said of a rule that is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from casemeter_grouper.compiled.bundle import Arrays, BundleFile, open_bundle
from casemeter_grouper.pack.faults import Fault
from casemeter_rules.bulk.files import tables_of
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.compiled.compiler import Compiler
from casemeter_rules.compiled.layout import ARRAYS, FROM, PHASES, RULE, UNTIL
from casemeter_rules.compiled.mapped import mapped
from casemeter_rules.finding import RuleState, Tier
from casemeter_rules.kinds import kinds
from casemeter_rules.pack.header import KIND, Header
from casemeter_rules.pack.load import load_rules
from casemeter_rules.terms.model import Synonym

_MAX_TOLD: Final = 8192


class Told(NamedTuple):
    """What is said of a rule: as of :class:`~casemeter_rules.kind.Rule`."""

    id: str
    kind: str
    official_type: str
    bases: tuple[str, ...]
    state: RuleState
    tier: Tier
    values: dict[str, str]


class Book:
    """The rules of one pack. It never changes.

    Attributes:
        header: who the pack is.
        sha256: content hash of its bundle.
        mapped: for the kernel.
        sets: that conditions speak of, by name.
        synonyms: what physicians type for standard words.
        clauses: int32, a row for each clause; see :mod:`casemeter_rules.compiled.layout`.
    """

    def __init__(self, file: BundleFile) -> None:
        self.header = Header(**file.manifest["header"])
        self.sha256 = file.sha256
        self.clauses = file.arrays["clauses"]
        self.mapped = mapped(file.body, {name: file.place(name)[0] for name in ARRAYS}, file.arrays)
        self.sets = {
            name: CodeSet(frozenset(Key(Space(space), text, prefix) for space, text, prefix in keys))
            for name, keys in file.manifest["sets"].items()
        }
        self.synonyms = tuple(Synonym(*each) for each in file.manifest["synonyms"])
        self._asked = file.arrays["asked"].tolist()
        self._meta_at = file.arrays["meta_at"]
        self._meta = file.arrays["meta"]
        # Of the rules that were broken lately: the same are, again and again.
        self._told: dict[int, Told] = {}

    @classmethod
    def open(cls, path: Path) -> Book:
        """Open the bundle of a rules pack.

        Raises:
            BundleError: the bundle cannot be used.
        """
        return cls(open_bundle(path, KIND))

    def __len__(self) -> int:
        return len(self._meta_at) - 1

    def asked(self, phase: int, day: int) -> list[int]:
        """Return the rules that no code brings up and that decide in a phase, by its bit, on a day."""
        return [
            row[RULE]
            for row in self.asked_clauses()
            if row[PHASES] & phase and row[FROM] <= day <= row[UNTIL]
        ]

    def asked_clauses(self) -> list[list[int]]:
        """Return the clauses of the rules that no code brings up; their columns are those of ``layout``."""
        return [self.clauses[clause].tolist() for clause in self._asked]

    def told(self, rule: int) -> Told:
        """Return what is said of a rule by its number."""
        known = self._told.get(rule)
        if known is not None:
            return known
        start, end = int(self._meta_at[rule]), int(self._meta_at[rule + 1])
        said: dict[str, Any] = orjson.loads(self._meta[start:end].tobytes())
        if len(self._told) >= _MAX_TOLD:
            self._told.clear()
        found = self._told[rule] = Told(
            said["id"],
            said["kind"],
            said["official"],
            tuple(said["bases"]),
            RuleState(said["state"]),
            Tier(said["tier"]),
            said["values"],
        )
        return found


def compile_rules(folder: Path) -> tuple[dict[str, Any], Arrays, tuple[Fault, ...]]:
    """Return manifest and arrays of a rules pack, and its warnings.

    Raises:
        PackError: the pack has errors.
    """
    pack = load_rules(folder)
    arrays = Compiler(kinds()).compile(list(pack.rules.values()))
    sources = dict(pack.sources)
    if tables_of(folder):
        from casemeter_rules.bulk.table import with_tables  # whoever only opens bundles needs no tables

        arrays, parts = with_tables(folder, arrays)
        sources |= parts
    sets = {
        name: [[int(key.space), key.text, key.prefix] for key in sorted(codes.keys)]
        for name, codes in pack.sets.items()
    }
    synonyms = [[each.word, each.standard, each.space] for each in pack.synonyms]
    manifest = {
        "kind": KIND,
        "header": pack.header.to_json(),
        "sources": sources,
        "sets": sets,
        "synonyms": synonyms,
    }
    return manifest, arrays, pack.faults
