"""Facts about a pack or a bundle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from casemeter_grouper.compiled.decompiler import scheme_of
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.pack.groups import groups_of
from casemeter_grouper.pack.load import LoadedPack, source_files
from casemeter_grouper.pack.words import word
from casemeter_grouper.scheme import Scheme


@dataclass(frozen=True, slots=True)
class PackInfo:
    """Facts about a pack or a bundle. Facts that only one of the two has are ``None`` for the other.

    Attributes:
        kind: ``pack`` or ``bundle``.
        groups: groups that a case may be in.
        sets: named sets; of a bundle only those that conditions test.
        pinned_sha256: hash of the dictionary the pack is pinned to; empty when it is not.
        sha256: content hash of the bundle.
        size_bytes: size of the tables or of the bundle file.
    """

    kind: str
    path: str
    id: str
    title: str
    version: str
    valid_from: str
    valid_until: str
    diagnosis_system: str
    procedure_system: str
    retry_each_procedure: bool
    mdcs: int
    rules: int
    adrgs: int
    groups: int
    sets: int
    diagnoses: int
    procedures: int
    mcc: int
    cc: int
    exclusions: int
    exclusion_tables: int
    trauma_diagnoses: int
    sites: int
    names: int
    weights: int
    dictionary_sha256: str
    pinned_sha256: str | None
    sha256: str | None
    compiler: int | None
    size_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """The facts as plain JSON values."""
        return asdict(self)

    def lines(self, language: str = "en") -> Iterator[str]:
        """Yield the facts as text, one a line, empty ones left out."""
        for key, value in asdict(self).items():
            if value is None or value == "":
                continue
            if isinstance(value, bool):
                value = word("info", "yes" if value else "no", language)
            elif key == "kind":
                value = word("info", value, language)
            yield f"{word('info', key, language)}: {value}"


def info(source: LoadedPack | CompiledScheme) -> PackInfo:
    """Return the facts about a pack as read, or about an opened bundle."""
    if isinstance(source, CompiledScheme):
        compiler, size = int(source.manifest["compiler"]), source.path.stat().st_size
        scheme = scheme_of(source)
        return _info("bundle", source.path, scheme, size, sha256=source.sha256, compiler=compiler)
    size = sum(path.stat().st_size for path in source_files(source.folder))
    return _info("pack", source.folder, source.scheme, size, pinned_sha256=source.pin)


def _info(
    kind: str,
    path: Path,
    scheme: Scheme,
    size: int,
    pinned_sha256: str | None = None,
    sha256: str | None = None,
    compiler: int | None = None,
) -> PackInfo:
    rules = [rule for mdc in scheme.tree.mdcs for rule in mdc.rules]
    tables = scheme.tables
    mcc, cc = tables.complications["MCC"], tables.complications["CC"]
    return PackInfo(
        kind=kind,
        path=str(path),
        **asdict(scheme.header),
        retry_each_procedure=scheme.tree.retry_each_procedure,
        mdcs=len(scheme.tree.mdcs),
        rules=len(rules),
        adrgs=len({rule.adrg for rule in rules}),
        groups=len(groups_of(scheme.tree)),
        sets=len(tables.sets),
        diagnoses=len(scheme.diagnoses),
        procedures=len(scheme.procedures),
        mcc=len(mcc),
        cc=len(cc),
        exclusions=len(tables.exclusions),
        exclusion_tables=len({*mcc.values(), *cc.values(), *tables.exclusions.values()}),
        trauma_diagnoses=len(tables.trauma_sites),
        sites=len(frozenset().union(*tables.trauma_sites.values())),
        names=len(scheme.names),
        weights=len(scheme.weights),
        dictionary_sha256=scheme.dictionary_sha256,
        pinned_sha256=pinned_sha256,
        sha256=sha256,
        compiler=compiler,
        size_bytes=size,
    )
