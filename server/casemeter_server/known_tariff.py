"""What a payment says of a tariff whatever the stay costs, written once and not at every call."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from casemeter.v1 import meter_pb2
from casemeter_grouper.payment.policy import Policy
from casemeter_grouper.payment.tariff import Piece, Tariff
from casemeter_server.refs import pack_ref


class KnownTariff(NamedTuple):
    """A tariff with what is known of its payments.

    Attributes:
        tariff: itself.
        payments: by segment, a ``Payment`` without what depends on the cost itself, serialised.
        limits: by segment, the multiple at which it begins and the last one in it.
    """

    tariff: Tariff
    payments: tuple[bytes, ...]
    limits: tuple[tuple[float, float], ...]


def known_tariff(policy: Policy, tariff: Tariff) -> KnownTariff:
    """Write what a payment says of a tariff of a policy."""
    header = policy.header
    payment = meter_pb2.Payment(
        pack=pack_ref(header, policy.sha256, header.demonstration),
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
        tariff, tuple(written), tuple((band.from_multiple, band.to_multiple) for band in bands if band)
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
