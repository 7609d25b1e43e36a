"""Snapshots: the bundles a server answers from, and which of them answers a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from casemeter.v1 import pack_pb2
from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.near_misses import NearMisses
from casemeter_server.errors import RequestError
from casemeter_server.plain.calendar import offsets_of
from casemeter_server.plain.reader import PlainReader
from casemeter_server.verdicts import KnownParts


class LoadedScheme:
    """One compiled scheme with all that answering from it needs."""

    def __init__(self, scheme: CompiledScheme) -> None:
        self.scheme = scheme
        self.header = scheme.header
        self.grouper = Grouper(scheme)
        self.ref = pack_pb2.PackRef(
            id=scheme.header.id, version=scheme.header.version, bundle_sha256=scheme.sha256
        )
        self.known_parts = KnownParts(self.grouper, self.ref)
        self.near_misses = NearMisses(self.grouper)
        self.plain = PlainReader(self.grouper, self.known_parts)
        self._warm()

    def _warm(self) -> None:
        # The first calls load the compiled code: that is paid here and not by a physician.
        self.grouper.group(Case(diagnoses=("",)))
        self.near_misses.find(Case(diagnoses=("",)))
        self.plain.answer(b"", 0.0, False, offsets_of(UTC))

    @property
    def holds_always(self) -> bool:
        """Whether the pack has neither a first nor a last day."""
        return not self.header.valid_from and not self.header.valid_until

    def holds_on(self, day: str) -> bool:
        """Whether the pack holds on a day (``YYYY-MM-DD``)."""
        return (self.header.valid_from or day) <= day <= (self.header.valid_until or day)

    def describe(self, is_default: bool) -> pack_pb2.Pack:
        """Return what a caller may know of the pack."""
        tree = self.scheme.tree
        rules = [rule for mdc in tree.mdcs for rule in mdc.rules]
        return pack_pb2.Pack(
            ref=self.ref,
            title=self.header.title,
            valid_from=self.header.valid_from,
            valid_until=self.header.valid_until,
            diagnosis_system=self.header.diagnosis_system,
            procedure_system=self.header.procedure_system,
            mdc_count=len(tree.mdcs),
            adrg_count=len({rule.adrg for rule in rules}),
            group_count=len({leaf.group for leaf in self.scheme.leaves if leaf}),
            dictionary_sha256=self.scheme.manifest["dictionary_sha256"],
            is_default=is_default,
        )


@dataclass(frozen=True)
class Snapshot:
    """Every pack that is loaded, and the default pack of each hospital. Immutable.

    Attributes:
        schemes: by pack id, the versions that are loaded, by their first day.
        default: pack of hospitals without an entry of their own; empty: none.
        hospital_defaults: pack by hospital.
    """

    schemes: Mapping[str, Sequence[LoadedScheme]]
    default: str = ""
    hospital_defaults: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def open(
        cls, bundles: Iterable[Path], default: str = "", hospital_defaults: Mapping[str, str] | None = None
    ) -> Snapshot:
        """Open bundles, verify and warm them.

        Args:
            bundles: files; several versions of one pack may be among them.
            default: id of the default pack; empty: the first bundle's.
            hospital_defaults: pack id by hospital.

        Raises:
            BundleError: a bundle cannot be used.
            ValueError: a default names no loaded pack, or two versions of a pack hold on the same day.
        """
        schemes: dict[str, list[LoadedScheme]] = {}
        for path in bundles:
            loaded = LoadedScheme(CompiledScheme.open(path))
            schemes.setdefault(loaded.header.id, []).append(loaded)
        for name, versions in schemes.items():
            versions.sort(key=lambda version: version.header.valid_from)
            for earlier, later in pairwise(versions):
                if earlier.holds_on(later.header.valid_from or "0000-00-00") or not later.header.valid_from:
                    raise ValueError(f"two versions of pack '{name}' hold on the same day")
        default = default or next(iter(schemes), "")
        for name in (default, *(hospital_defaults or {}).values()):
            if name and name not in schemes:
                raise ValueError(
                    f"default pack '{name}' is not loaded; loaded: {', '.join(schemes) or 'none'}"
                )
        return cls(schemes, default, dict(hospital_defaults or {}))

    def default_of(self, hospital: str) -> str:
        """Id of the pack that answers a hospital's requests when they name none; may be empty."""
        return self.hospital_defaults.get(hospital, self.default)

    def pick(self, pack: str, hospital: str, day: Callable[[], str]) -> LoadedScheme:
        """Return the version of a pack that holds on a day.

        Args:
            pack: id, or empty for the hospital's default.
            hospital: the caller's hospital; may be empty.
            day: gives the day (``YYYY-MM-DD``); asked only of packs that do not always hold.

        Raises:
            RequestError: no such pack, no default, or no version that holds.
        """
        name = pack or self.default_of(hospital)
        if not name:
            raise RequestError("NO_DEFAULT_PACK", {"hospital": hospital[:64]})
        versions = self.schemes.get(name)
        if versions is None:
            raise RequestError("UNKNOWN_PACK", {"pack": name[:64], "loaded": ", ".join(self.schemes)})
        if versions[0].holds_always:
            return versions[0]
        asked = day()
        for version in versions:
            if version.holds_on(asked):
                return version
        periods = ", ".join(
            f"{version.header.valid_from or '…'} to {version.header.valid_until or '…'}"
            for version in versions
        )
        raise RequestError("PACK_NOT_VALID", {"pack": name, "day": asked, "periods": periods})

    @cached_property
    def all(self) -> tuple[LoadedScheme, ...]:
        """Every loaded version, by pack id and first day."""
        return tuple(version for name in sorted(self.schemes) for version in self.schemes[name])
