"""What a payment says of a tariff whatever the stay costs, written once and not at every call."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

from casemeter.v1 import meter_pb2, pack_pb2
from casemeter_grouper.payment.policy import Policy
from casemeter_grouper.payment.tariff import Piece, Tariff

_MOST: Final = 1 << 16


class KnownTariff(NamedTuple):
    """The known part of a payment.

    Attributes:
        payments: by segment, a ``Payment`` without what depends on the cost itself, serialised.
        limits: by segment, the multiple at which it begins and the last one in it.
    """

    payments: tuple[bytes, ...]
    limits: tuple[tuple[float, float], ...]


class KnownTariffs:
    """The known parts of tariffs. Any number of threads may use it: each part is a function of its tariff."""

    def __init__(self) -> None:
        # A policy keeps its tariffs, so an object stands for its content; it is held here lest another take
        # its id. The limit is for a policy that computes them anew.
        self._known: dict[int, tuple[Tariff, KnownTariff]] = {}

    def of(self, policy: Policy, tariff: Tariff) -> KnownTariff:
        """Return what is known of a tariff of a policy."""
        found = self._known.get(id(tariff))
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._known[id(tariff)] = tariff, _known(policy, tariff)
        return found[1]


def _known(policy: Policy, tariff: Tariff) -> KnownTariff:
    header = policy.header
    payment = meter_pb2.Payment(
        pack=pack_pb2.PackRef(id=header.id, version=header.version, bundle_sha256=policy.sha256),
        demonstration=header.demonstration,
        standard_fen=tariff.standard_fen,
        weight=_decimal(tariff.weight),
        coefficient=_decimal(tariff.coefficient),
        additions=[text for row in tariff.additions for text in (row.reason_zh, row.reason_en)],
    )
    if tariff.price_yuan is not None:
        provisional, settled = meter_pb2.PRICE_STATUS_PROVISIONAL, meter_pb2.PRICE_STATUS_SETTLED
        payment.price_yuan = _decimal(tariff.price_yuan)
        payment.price_status = provisional if tariff.provisional else settled
        payment.price_as_of = tariff.price_as_of
    bands = [*map(_band, tariff.pieces), None]
    written = []
    for band, following in pairwise(bands):
        payment.band.CopyFrom(band or meter_pb2.Band())
        payment.ClearField("next_band")
        if following:
            payment.next_band.CopyFrom(following)
        written.append(payment.SerializeToString(deterministic=True))
    return KnownTariff(
        tuple(written), tuple((band.from_multiple, band.to_multiple) for band in bands if band)
    )


def _band(piece: Piece) -> meter_pb2.Band:
    segment, divisor = piece.segment, piece.divisor
    to_fen = segment.to_fen
    return meter_pb2.Band(
        name=segment.band,
        doubt=segment.doubt,
        from_fen=segment.from_fen,
        from_multiple=float(segment.from_fen / divisor),
        to_fen=to_fen,
        to_multiple=None if to_fen is None else float(to_fen / divisor),
    )


def _decimal(value: Fraction) -> str:
    """Return an exact decimal number; a fraction that has none is cut at twelve decimals."""
    return f"{round(Decimal(value.numerator) / value.denominator, 12).normalize():f}"
