"""From the folder of a rules pack to its rules, with every fault of the folder at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from casemeter_grouper.pack.dictionaries import read_dictionary
from casemeter_grouper.pack.faults import ERROR, Fault, PackError
from casemeter_grouper.pack.load import source_files
from casemeter_grouper.pack.tables import read_table
from casemeter_rules.bulk.files import sha256_of
from casemeter_rules.kind import Context, Rule, Sets
from casemeter_rules.kinds import kinds
from casemeter_rules.pack.header import FILE, Header, read_header
from casemeter_rules.pack.rows import columns_of, merged, rules_of
from casemeter_rules.pack.sets import FILE as SETS_FILE
from casemeter_rules.pack.sets import read_sets
from casemeter_rules.pack.synonyms import FILE as SYNONYMS_FILE
from casemeter_rules.pack.synonyms import read_synonyms
from casemeter_rules.terms.model import Synonym

EXAMPLES_FILE: Final = "examples.csv"

MAX_ASKED: Final = 64
"""How many conditions of a pack may be asked of every stay. The rest wait for a code: that costs nothing."""


@dataclass(frozen=True)
class RulesPack:
    """A rules pack as read.

    Attributes:
        rules: by id, in order of the ids.
        sets: that conditions speak of.
        synonyms: what physicians type for standard words.
        sources: SHA-256 of each file.
        faults: warnings.
    """

    header: Header
    rules: Mapping[str, Rule]
    sets: Sets
    synonyms: tuple[Synonym, ...]
    sources: Mapping[str, str]
    faults: tuple[Fault, ...]


def load_rules(folder: Path) -> RulesPack:
    """Read a rules pack.

    Raises:
        PackError: the pack has errors; the exception holds every fault, warnings too.
    """
    faults: list[Fault] = []
    header = read_header(folder, faults)
    dictionary = read_dictionary(folder, faults)
    sets = read_sets(folder, faults)
    synonyms = read_synonyms(folder, faults)
    files = {path.name for path in source_files(folder)}
    tables = []
    for kind in kinds().values():
        file = f"{kind.name}.csv"
        if file in files and not kind.pairs:
            records = read_table(folder, file, columns_of(kind), faults)
            tables.append(rules_of(kind, file, iter(records), Context(dictionary, sets), faults))
    rules = merged(chain.from_iterable(tables), faults)
    faults += _asked_too_often(rules)
    known = {FILE, SETS_FILE, EXAMPLES_FILE, SYNONYMS_FILE, *(f"{name}.csv" for name in kinds())}
    faults += [Fault("unknown_file", file) for file in sorted(files - known)]
    if header is None or any(fault.severity == ERROR for fault in faults):
        raise PackError(faults)
    sources = {path.name: sha256_of(path) for path in source_files(folder)}
    return RulesPack(header, rules, sets, synonyms, sources, tuple(faults))


def _asked_too_often(rules: Mapping[str, Rule]) -> list[Fault]:
    """Name the conditions that are too many to be asked of every stay."""
    both = {name for name, kind in kinds().items() if kind.decide is not None and kind.triggers is not None}
    asked = [rule for rule in rules.values() if rule.kind in both and not rule.triggers]
    details = {"most": MAX_ASKED, "count": len(asked)}
    return [
        Fault("asked_too_often", file, line, "when", details)
        for file, line in sorted(rule.place for rule in asked)[MAX_ASKED:]
    ]
