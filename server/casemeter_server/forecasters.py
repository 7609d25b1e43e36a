"""What the server asks of forecast bundles, and which of them answers for a scheme on a day."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final, Protocol

from casemeter_grouper.forecast.known import Absent, Answer, Known
from casemeter_server.shelf import Shelf, holds_on

KIND: Final = "forecast"


class ForecastHeader(Protocol):
    """What a forecast bundle says of itself."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def title(self) -> str:
        """Its title."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def valid_from(self) -> str:
        """First day (``YYYY-MM-DD``); empty: since ever."""

    @property
    def valid_until(self) -> str:
        """Last day; empty: until further notice."""

    @property
    def scheme(self) -> str:
        """Id of the pack whose groups it foretells."""

    @property
    def scheme_sha256(self) -> str:
        """Content hash of the bundle of that pack."""

    @property
    def level(self) -> float:
        """How often its sets and intervals hold the truth, 0 to 1."""

    @property
    def demonstration(self) -> bool:
        """Whether it was learned from made-up stays."""


class Forecaster(Protocol):
    """An opened forecast bundle. It never changes."""

    @property
    def header(self) -> ForecastHeader:
        """Who it is."""

    @property
    def sha256(self) -> str:
        """Content hash of its bundle."""

    def ask(self, known: Known) -> Answer | Absent:
        """Return where a stay is heading."""


def shelf_by_scheme(forecasters: Iterable[Forecaster]) -> Shelf[Forecaster]:
    """Sort forecast bundles by the scheme that they foretell.

    Raises:
        ValueError: two for one scheme hold on the same day.
    """
    by_scheme: dict[str, list[Forecaster]] = {}
    for forecaster in forecasters:
        by_scheme.setdefault(forecaster.header.scheme, []).append(forecaster)
    for scheme, versions in by_scheme.items():
        versions.sort(key=lambda version: version.header.valid_from)
        for earlier, later in pairwise(versions):
            first = later.header.valid_from
            if not first or holds_on(earlier, first):
                names = " and ".join(f"'{one.header.id} {one.header.version}'" for one in (earlier, later))
                raise ValueError(
                    f"two forecasts for scheme '{scheme}' hold on the same day: {names}; keep one"
                )
    return Shelf({scheme: tuple(versions) for scheme, versions in by_scheme.items()})
