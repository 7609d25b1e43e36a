"""Snapshots: the bundles a server answers from, and which of them answers a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from casemeter.v1 import pack_pb2
from casemeter_grouper.benchmark.benchmark import Benchmark
from casemeter_grouper.benchmark.header import KIND as BENCHMARK
from casemeter_grouper.compiled.bundle import kind_of
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import KIND as DIP
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.known import Known
from casemeter_grouper.forecast.model import KIND as FORECAST
from casemeter_grouper.payment.header import KIND as PAYMENT
from casemeter_grouper.payment.policy import Policy
from casemeter_rules.alerting.shadow import KIND as SHADOW
from casemeter_rules.alerting.shadow import ShadowList
from casemeter_rules.compiled.book import Book
from casemeter_rules.pack.header import KIND as RULES
from casemeter_server.errors import RequestError
from casemeter_server.forecast_shelf import shelf_by_scheme
from casemeter_server.loaded import LoadedPack
from casemeter_server.loaded_catalogue import LoadedCatalogue
from casemeter_server.loaded_scheme import LoadedScheme
from casemeter_server.plain.charges import PlainCharges
from casemeter_server.refs import pack_ref
from casemeter_server.shelf import Shelf, holds_always


@dataclass(frozen=True)
class Snapshot:
    """Every pack that is loaded, and the default pack of each hospital. Immutable.

    Attributes:
        schemes: the packs that group.
        policies: the packs that price.
        benchmarks: the packs that tell what stays usually cost.
        books: the packs of rules.
        shadow: states of rules that are other than their packs say.
        forecasts: the forecast bundles, by the scheme that they foretell.
        default: pack of hospitals without an entry of their own; empty: none.
        hospital_defaults: pack by hospital.
        plain_charges: what adds up plain charges, by the hash of the payment pack; empty: of none.
    """

    schemes: Shelf[LoadedPack[Any]]
    policies: Shelf[Policy]
    benchmarks: Shelf[Benchmark]
    books: Shelf[Book]
    shadow: ShadowList
    default: str = ""
    hospital_defaults: Mapping[str, str] = field(default_factory=dict)
    plain_charges: Mapping[str, PlainCharges] = field(default_factory=dict)
    forecasts: Shelf[Forecaster] = field(default_factory=lambda: Shelf({}))

    @classmethod
    def open(
        cls, bundles: Iterable[Path], default: str = "", hospital_defaults: Mapping[str, str] | None = None
    ) -> Snapshot:
        """Open bundles, verify and warm them.

        Args:
            bundles: files; several versions of one pack may be among them.
            default: id of the default pack; empty: that of the first bundle that groups.
            hospital_defaults: pack id by hospital.

        Raises:
            BundleError: a bundle cannot be used.
            ValueError: a default names no loaded pack, two versions of a pack, or two forecasts for one
                scheme, hold on the same day, or there is more than one list of rules in shadow.
        """
        schemes: list[LoadedPack[Any]] = []
        policies: list[Policy] = []
        benchmarks: list[Benchmark] = []
        books: list[Book] = []
        shadows: list[ShadowList] = []
        forecasters: list[Forecaster] = []
        for path in bundles:
            kind = kind_of(path)
            if kind == PAYMENT:
                policies.append(Policy.open(path))
            elif kind == BENCHMARK:
                benchmarks.append(Benchmark.open(path))
            elif kind == RULES:
                books.append(Book.open(path))
            elif kind == SHADOW:
                shadows.append(ShadowList.open(path))
            elif kind == FORECAST:
                forecasters.append(Forecaster.open(path))
                # The first call loads the compiled code: that is paid here and not by a physician.
                forecasters[-1].ask(Known(1, "", "", "", 0))
            elif kind == DIP:
                schemes.append(LoadedCatalogue(CompiledCatalogue.open(path)))
            else:
                schemes.append(LoadedScheme(CompiledScheme.open(path)))
        if len(shadows) > 1:
            raise ValueError("more than one list of rules in shadow is loaded; keep one")
        shelf = Shelf.of(schemes)
        default = default or next(iter(shelf.packs), "")
        for name in (default, *(hospital_defaults or {}).values()):
            if name and name not in shelf.packs:
                raise ValueError(
                    f"default pack '{name}' is not loaded; loaded: {', '.join(shelf.packs) or 'none'}"
                )
        return cls(
            shelf,
            Shelf.of(policies),
            Shelf.of(benchmarks),
            Shelf.of(books),
            shadows[0] if shadows else ShadowList(),
            default,
            dict(hospital_defaults or {}),
            {policy.sha256 if policy else "": PlainCharges(policy) for policy in (None, *policies)},
            shelf_by_scheme(forecasters),
        )

    def default_of(self, hospital: str) -> str:
        """Id of the pack that answers a hospital's requests when they name none; may be empty."""
        return self.hospital_defaults.get(hospital, self.default)

    def pick(self, pack: str, hospital: str, day: Callable[[], str]) -> LoadedPack[Any]:
        """Return the version of a grouping pack that holds on a day.

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
        versions = self.schemes.packs.get(name)
        if versions is None:
            raise RequestError("UNKNOWN_PACK", {"pack": name[:64], "loaded": ", ".join(self.schemes.packs)})
        if holds_always(versions[0]):
            return versions[0]
        asked = day()
        found = self.schemes.on(name, asked)
        if found is not None:
            return found
        periods = ", ".join(
            f"{version.header.valid_from or '…'} to {version.header.valid_until or '…'}"
            for version in versions
        )
        raise RequestError("PACK_NOT_VALID", {"pack": name, "day": asked, "periods": periods})

    def describe(self, hospital: str) -> list[pack_pb2.Pack]:
        """Return what a caller of a hospital may know of every pack."""
        default = self.default_of(hospital)
        packs = [loaded.describe(loaded.header.id == default) for loaded in self.schemes]
        shelves = (
            *((PAYMENT, self.policies), (BENCHMARK, self.benchmarks), (RULES, self.books)),
            (FORECAST, self.forecasts),
        )
        for kind, shelf in shelves:
            for pack in shelf:
                header = pack.header
                packs.append(
                    pack_pb2.Pack(
                        ref=pack_ref(header, pack.sha256, header.demonstration),
                        kind=kind,
                        title=header.title,
                        valid_from=header.valid_from,
                        valid_until=header.valid_until,
                        scheme=getattr(header, "scheme", ""),
                        demonstration=header.demonstration,
                    )
                )
        return packs
