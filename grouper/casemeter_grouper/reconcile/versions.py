"""Versions of packs that are at hand, of either kind, and where they put a case."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.bundle import kind_of
from casemeter_grouper.compiled.codes import Codes
from casemeter_grouper.compiled.compiler import KIND as DRG
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import KIND as DIP
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.scheme import LEVELS, CodeFacts, Header
from casemeter_grouper.walker import Facts, attempts, walk


class Place(NamedTuple):
    """Where a version puts a case.

    Attributes:
        group: its code; empty: in no group.
        adrg: of a scheme; empty: in no group, or the pack is a catalogue.
    """

    group: str
    adrg: str = ""


NOWHERE: Final = Place("")

Standing = frozenset[tuple[str, str]]
"""Codes that count as complications, each with its level."""

NOTHING_STANDS: Final[Standing] = frozenset()


class Version(ABC):
    """One version of a pack. Immutable.

    Attributes:
        header: of the pack.
        sha256: content hash of its bundle.
        diagnoses: that it knows.
        procedures: that it knows.
    """

    header: Header
    sha256: str
    diagnoses: Codes
    procedures: Codes

    @abstractmethod
    def place(self, case: Case, cost_fen: int | None) -> Place:
        """Return where a case ends; ``cost_fen`` is at least 0, or unknown."""

    def standing(self, case: Case, principal: str) -> Standing:  # noqa: ARG002  # catalogues have none
        """Return the other diagnoses that count as complications, each with its level.

        Args:
            case: whose other diagnoses are meant.
            principal: the diagnosis that excludes some of them; most often that of the case.
        """
        return NOTHING_STANDS

    def place_counting(self, case: Case, standing: Standing) -> Place | None:  # noqa: ARG002
        """Return where a case would end if other complications counted; ``None``: none ever do."""
        return None


class SchemeVersion(Version):
    """A version of a DRG scheme."""

    def __init__(self, scheme: CompiledScheme) -> None:
        self.scheme = scheme
        self.header, self.sha256 = scheme.header, scheme.sha256
        self.diagnoses, self.procedures = scheme.diagnoses, scheme.procedures
        self._grouper = Grouper(scheme)

    def place(self, case: Case, cost_fen: int | None) -> Place:  # noqa: ARG002  # DRGs do not ask for it
        """See :class:`Version`."""
        leaf = self._grouper.group(case).leaf
        return Place(leaf.group, leaf.rule.adrg) if leaf else NOWHERE

    def standing(self, case: Case, principal: str) -> Standing:
        """See :class:`Version`."""
        facts = Facts(case._replace(diagnoses=(principal, *case.diagnoses[1:])), self.scheme)
        return frozenset((code, level) for level in LEVELS for code in facts.standing(level))

    def place_counting(self, case: Case, standing: Standing) -> Place:
        """See :class:`Version`."""
        tree = self.scheme.tree
        for attempt in attempts(tree, case):
            if leaf := walk(tree, _Counting(attempt, self.scheme, standing)):
                return Place(leaf.group, leaf.rule.adrg)
        return NOWHERE


class _Counting(Facts):
    """A case in which the complications that count are given."""

    def __init__(self, case: Case, codes: CodeFacts, standing: Standing) -> None:
        super().__init__(case, codes)
        self._standing = standing

    def standing(self, level: str) -> tuple[str, ...]:
        return tuple(code for code, own in self._standing if own == level)


class CatalogueVersion(Version):
    """A version of a DIP catalogue."""

    def __init__(self, catalogue: CompiledCatalogue) -> None:
        self.catalogue = catalogue
        self.header, self.sha256 = catalogue.header, catalogue.sha256
        self.diagnoses, self.procedures = catalogue.diagnoses, catalogue.procedures
        self._grouper = CatalogueGrouper(catalogue)

    def place(self, case: Case, cost_fen: int | None) -> Place:
        """See :class:`Version`."""
        group = self._grouper.group(case, cost_fen).group
        return Place(group.code) if group else NOWHERE


class Versions:
    """The versions that are at hand."""

    def __init__(self, versions: Iterable[Version]) -> None:
        """Take versions.

        Raises:
            ValueError: two of them are of one pack and have the same version.
        """
        self._all = tuple(versions)
        self._by_hash = {version.sha256: version for version in self._all}
        self._by_name: dict[tuple[str, str], Version] = {}
        for version in self._by_hash.values():
            name = (version.header.id, version.header.version)
            if name in self._by_name:
                raise ValueError(f"two packs say that they are '{name[0]}' version '{name[1]}'; keep one")
            self._by_name[name] = version

    @classmethod
    def open(cls, bundles: Iterable[Path]) -> Versions:
        """Open bundles of schemes and catalogues.

        Raises:
            BundleError: one cannot be used.
            ValueError: one does not group cases, or two are the same version of a pack.
        """
        return cls(_open(path) for path in bundles)

    def __iter__(self) -> Iterator[Version]:
        return iter(self._all)

    def by_hash(self, sha256: str) -> Version | None:
        """Return the version of a bundle; ``None``: it is not at hand."""
        return self._by_hash.get(sha256)

    def named(self, pack: str, version: str, day: str, usual: Version | None = None) -> Version | None:
        """Return the version that a final group is told of; ``None``: it is not at hand.

        Args:
            pack: id of the pack.
            version: empty: the one that holds on the day.
            day: of discharge, as ``YYYY-MM-DD``; empty: unknown.
            usual: the one that grouped the stay so far; where several hold, it is meant.
        """
        if version:
            return self._by_name.get((pack, version))
        of_pack = [one for one in self._by_hash.values() if one.header.id == pack]
        holding = [one for one in of_pack if not day or _holds(one.header, day)]
        if usual in holding:
            return usual
        return holding[0] if len(holding) == 1 else None


def _holds(header: Header, day: str) -> bool:
    return (header.valid_from or day) <= day <= (header.valid_until or day)


def _open(path: Path) -> Version:
    kind = kind_of(path)
    if kind == DIP:
        return CatalogueVersion(CompiledCatalogue.open(path))
    if kind == DRG:
        return SchemeVersion(CompiledScheme.open(path))
    raise ValueError(f"{path} is a pack of kind '{kind}' and groups no cases; name a scheme or a catalogue")
