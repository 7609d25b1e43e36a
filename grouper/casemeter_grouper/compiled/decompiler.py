"""From an opened bundle back to the scheme it was compiled from, for reading and comparing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from casemeter_grouper.compiled.codes import Codes
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.scheme import LEVELS, CodeTables, Scheme


def scheme_of(compiled: CompiledScheme) -> Scheme:
    """Return the scheme of a bundle. Compiling it again gives the same bundle.

    Of the sets only those that some condition tests are there: a bundle holds no others.
    """
    kinds = (compiled.diagnoses, compiled.procedures)
    return Scheme(
        header=compiled.header,
        tree=compiled.tree,
        tables=_tables(compiled),
        diagnoses=tuple(compiled.diagnoses.number),
        procedures=tuple(compiled.procedures.number),
        names=compiled.names,
        weights=compiled.manifest["weights"],
        code_names=(_names(kinds[0]), _names(kinds[1])),
        code_maps=(kinds[0].map, kinds[1].map),
        dictionary_sha256=compiled.manifest["dictionary_sha256"],
        sources=compiled.manifest["sources"],
    )


def _names(codes: Codes) -> Mapping[str, str]:
    return {code: name for code in codes.number if (name := codes.name(code))}


def _tables(compiled: CompiledScheme) -> CodeTables:
    sets: dict[str, frozenset[str]] = defaultdict(frozenset)
    for name, members in compiled.members():
        sets[name] |= members
    codes: Sequence[str] = tuple(compiled.diagnoses.number)
    return CodeTables(
        sets=dict(sets),
        complications={
            level: {
                code: table
                for code in codes
                if (table := compiled.complication_table(code, level)) is not None
            }
            for level in LEVELS
        },
        exclusions={code: table for code in codes if (table := compiled.exclusion_table(code)) is not None},
        trauma_sites={code: sites for code in codes if (sites := compiled.sites(code))},
        known=(frozenset(compiled.diagnoses.number), frozenset(compiled.procedures.number)),
    )
