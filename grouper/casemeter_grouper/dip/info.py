"""Facts about a catalogue, as a pack or as a bundle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from casemeter_grouper.dip.catalogue import Catalogue, GroupKind
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.load import LoadedCatalogue
from casemeter_grouper.pack.load import source_files
from casemeter_grouper.pack.words import word


@dataclass(frozen=True, slots=True)
class CatalogueInfo:
    """Facts about a catalogue. Facts that only a bundle has are ``None`` for a pack.

    Attributes:
        kind: ``pack`` or ``bundle``.
        groups: number of groups; then those of each kind, and the core groups that ask for procedures.
        measured: groups with a mean cost.
        measured_cases: cases that were measured.
        treatments: procedures that have a kind.
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
    demonstration: bool
    core_prefix: int
    composite_prefix: int
    main_procedure_must_match: bool
    ties: str
    procedure_kinds: str
    untreated_kind: str
    fall_back_to_untreated: bool
    low_multiple: str
    high_multiple: str
    groups: int
    core: int
    core_with_procedures: int
    composite: int
    measured: int
    measured_cases: int
    diagnoses: int
    procedures: int
    treatments: int
    dictionary_sha256: str
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


def info(source: LoadedCatalogue | CompiledCatalogue) -> CatalogueInfo:
    """Return the facts about a catalogue as read, or about an opened bundle."""
    if isinstance(source, CompiledCatalogue):
        compiler, size = int(source.manifest["compiler"]), source.path.stat().st_size
        return _info("bundle", source.path, source.catalogue, size, source.sha256, compiler)
    size = sum(path.stat().st_size for path in source_files(source.folder))
    return _info("pack", source.folder, source.catalogue, size)


def _info(
    kind: str,
    path: Path,
    catalogue: Catalogue,
    size: int,
    sha256: str | None = None,
    compiler: int | None = None,
) -> CatalogueInfo:
    groups = catalogue.groups
    core = [group for group in groups if group.kind is GroupKind.CORE]
    options = asdict(catalogue.options)
    return CatalogueInfo(
        kind=kind,
        path=str(path),
        **asdict(catalogue.header),
        demonstration=catalogue.demonstration,
        **options
        | {name: ", ".join(options[name]) for name in ("ties", "procedure_kinds")}
        # As text, for JSON has no exact decimals.
        | {name: str(options[name]) for name in ("low_multiple", "high_multiple")},
        groups=len(groups),
        core=len(core),
        core_with_procedures=sum(bool(group.procedures) for group in core),
        composite=len(groups) - len(core),
        measured=sum(group.mean_cost is not None for group in groups),
        measured_cases=sum(group.cases or 0 for group in groups),
        diagnoses=len(catalogue.diagnoses),
        procedures=len(catalogue.procedures),
        treatments=len(catalogue.kinds),
        dictionary_sha256=catalogue.dictionary_sha256,
        sha256=sha256,
        compiler=compiler,
        size_bytes=size,
    )
