"""Which forecast bundle answers for a scheme on a day."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_server.shelf import Shelf, holds_on


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
                headers = (earlier.header, later.header)
                names = " and ".join(sorted(f"'{one.id}' {one.version}".rstrip() for one in headers))
                raise ValueError(
                    f"two forecasts for scheme '{scheme}' hold on the same day: {names}; load one of them"
                )
    return Shelf({scheme: tuple(versions) for scheme, versions in by_scheme.items()})
