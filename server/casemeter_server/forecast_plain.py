"""The forecast of plain requests, in a fraction of the time that :mod:`casemeter_server.forecasting` takes.

A plain request has nothing planned and asks for nothing that moved, so most of what is said is known before
it comes, and compiled code writes the rest. Both ways say the same, byte for byte.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from math import isnan
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from casemeter.v1 import forecast_pb2 as pb
from casemeter.v1 import verdict_pb2
from casemeter_grouper.forecast.complication_counts import complications_of
from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.kernel import SHOWN
from casemeter_grouper.forecast.known import Known, Procedures
from casemeter_server.forecast_basis import PROCEDURES
from casemeter_server.forecast_money import Pricing
from casemeter_server.forecast_prices import KnownPrices
from casemeter_server.loaded import LoadedPack
from casemeter_server.plain.forecast import ROOM, UNPRICED, write_forecast
from casemeter_server.plain.prices import Prices
from casemeter_server.plain.reader import PlainAnswer
from casemeter_server.plain.wire import content_field, number_field, tags
from casemeter_server.refs import pack_ref
from casemeter_server.shelf import holds_always

(_FORECAST,) = tags(verdict_pb2.Verdict, "forecast")
_BASIS, _DEMONSTRATION, _CASES = tags(pb.Forecast, "basis", "demonstration", "cases")
_SHA256, _DAY, _PRINCIPAL, _GROUP, _PLANNED, _COST, _AGE, _DEPARTMENT = tags(
    *(pb.ForecastBasis, "bundle_sha256", "day", "principal", "group", "planned_group"),
    *("cost_fen", "age_years", "department"),
)
_MAJOR, _MINOR, _PROCEDURES = tags(pb.ForecastBasis, "major", "minor", "procedures")
_CASES_AT, _MIDDLE_AT, _GROUPS_AT, _ODDS_AT = 2, 4, 9, 9 + SHOWN

_NO_PRICES: Final = Prices.none()


def known_plain(loaded: LoadedPack[Any], answer: PlainAnswer, cost_fen: int | None) -> Known | None:
    """Return what the forecast of a plain request is asked with; nothing is planned in one.

    Args:
        loaded: the pack that grouped it.
        answer: so far.
        cost_fen: running cost; ``None``: unknown.

    Returns:
        ``None``: the case has no group, or no day.
    """
    facts, stay, years = loaded.facts_of_leaf(answer.leaf), answer.stay, answer.numbers[0]
    if facts is None or stay.day_of_stay is None:
        return None
    age = None if isnan(years) else int(years)
    code = facts.code
    done = Procedures.DONE if answer.has_procedures else Procedures.NONE
    return Known(
        *(stay.day_of_stay, answer.principal, code, code, cost_fen, age, stay.department),
        *answer.complications,
        done,
    )


class PlainForecast:
    """Writes forecasts of one bundle for the pack that it was learned for. Holds nothing of any request.

    Attributes:
        forecaster: the bundle.
        holds_always: whether it has neither a first nor a last day.
    """

    def __init__(self, forecaster: Forecaster, loaded: LoadedPack[Any]) -> None:
        """Write what is known of every forecast.

        Args:
            forecaster: learned for exactly this pack.
            loaded: the pack.
        """
        header = forecaster.header
        self.forecaster, self.holds_always = forecaster, holds_always(forecaster)
        self._ask = forecaster.ask_numbers
        self._level, self._most_in_set = header.level, float(forecaster.most_in_set)
        found = (loaded.facts_of_group(code) for code in forecaster.codes.groups)
        self._prices = KnownPrices()
        self._groups = [facts for facts in found if facts]  # the bundle's groups are those of the pack
        self._group = {facts.code: facts for facts in self._groups}
        texts = [
            pb.ForecastGroup(code=facts.code, name=facts.name).SerializeToString(deterministic=True)
            for facts in self._groups
        ]
        self._texts = np.frombuffer(b"".join(texts), np.uint8)
        self._starts = np.fromiter(accumulate(map(len, texts), initial=0), np.int64)
        self._room = 2 * (SHOWN + 1) * (max(map(len, texts), default=0) + ROOM)
        bundle = pack_ref(header, forecaster.sha256, header.demonstration)
        self._head = pb.Forecast(bundle=bundle).SerializeToString(deterministic=True)
        self._bundle = content_field(_SHA256, forecaster.sha256.encode())
        self._both_groups = {
            code: content_field(_GROUP, code.encode()) + content_field(_PLANNED, code.encode())
            for code in self._group
        }
        self._demonstration = number_field(_DEMONSTRATION, 1) if header.demonstration else b""
        # The first call loads the compiled code: that is paid here and not by a physician.
        self._fields(np.zeros(_ODDS_AT + SHOWN), 0.0, Known(1, "", "", ""), _NO_PRICES)
        complications_of(loaded.codes, ("",))

    def write(self, known: Known, pricing: Pricing | None) -> bytes | None:
        """Return a forecast as a field of the verdict; ``None``: no stay ever stood like this one.

        Args:
            known: what it is asked with.
            pricing: what prices it; ``None``: no charges were sent.
        """
        numbers = self._ask(known)
        if not len(numbers):
            return None
        if pricing is None:
            fields = self._fields(numbers, 0.0, known, _NO_PRICES)
        else:
            fields = self._priced(numbers, known, pricing)
        written = self._head + fields + content_field(_BASIS, self._basis(known)) + self._demonstration
        if cases := int(numbers[_CASES_AT]):
            written += number_field(_CASES, cases)
        return content_field(_FORECAST, written)

    def _priced(self, numbers: NDArray[np.float64], known: Known, pricing: Pricing) -> bytearray:
        """Return the same as :meth:`_fields`, where charges were sent."""
        prices = self._prices.of(pricing, len(self._groups))
        mean = prices.mean_of(self._group[known.group])
        if prices.known is not None and (fields := self._fields(numbers, mean, known, prices.known)):
            return fields
        listed = numbers.tolist()
        candidates = [int(number) for number in listed[_GROUPS_AT:_ODDS_AT] if number]
        groups = {number: self._groups[number - 1] for number in candidates}
        return self._fields(numbers, mean, known, prices.find(groups, round(listed[_MIDDLE_AT]), pricing))

    def _fields(self, numbers: NDArray[np.float64], mean: float, known: Known, prices: Prices) -> bytearray:
        """Return what stands between the bundle and the basis; nothing: the prices do not tell all."""
        out = bytearray(self._room + 2 * SHOWN * prices.longest)
        facts = (self._level, mean, self._most_in_set)
        has_cost = known.cost_fen is not None
        end = write_forecast(out, numbers, self._texts, self._starts, facts, has_cost, *prices[:2])
        return bytearray() if end == UNPRICED else out[:end]

    def _basis(self, known: Known) -> bytes:
        """Return what the forecast was asked with; :mod:`casemeter_server.forecast_basis` says the same."""
        written = self._bundle + number_field(_DAY, known.day)
        written += content_field(_PRINCIPAL, known.principal.encode()) + self._both_groups[known.group]
        if known.cost_fen is not None:
            written += number_field(_COST, known.cost_fen)
        if known.age_years is not None:
            written += number_field(_AGE, known.age_years)
        if known.department:
            written += content_field(_DEPARTMENT, known.department.encode())
        return written + _tail(known.major or 0, known.minor or 0, known.procedures or Procedures.NONE)


@lru_cache(1024)
def _tail(major: int, minor: int, procedures: Procedures) -> bytes:
    counts = number_field(_MAJOR, major) + number_field(_MINOR, minor)
    return counts + number_field(_PROCEDURES, PROCEDURES[procedures])
