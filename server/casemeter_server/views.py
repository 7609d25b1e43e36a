"""Views: what a caller's role sees of a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from casemeter.v1 import meter_pb2, verdict_pb2

_MONEY: Final = ("_fen", "_yuan")
"""Endings of the fields that hold money."""

_POINTS: Final = frozenset(("points", "weight", "score", "coefficient"))
"""What money could be worked out from."""


def hide_money(verdict: verdict_pb2.Verdict, alternatives: Sequence[meter_pb2.Alternative]) -> None:
    """Take every sum of money out of a verdict, and all it could be worked out from; multiples remain.

    Of an alternative that changes diagnoses or procedures only the group remains: what another coding would
    pay, in whatever measure, is no advice for those who code. A forecast is made without
    money for a role that sees none (:mod:`casemeter_server.forecasting`).

    Args:
        verdict: to be shown.
        alternatives: of the request.
    """
    for alternative, answer in zip(alternatives, verdict.alternatives, strict=True):
        if any(not change.HasField("charge_order") for change in alternative.changes):
            after = answer.after
            answer.after.CopyFrom(meter_pb2.Standing(group=after.group, group_name=after.group_name))
    for part in (verdict.payment, verdict.meter, *verdict.alternatives, *verdict.rivals):
        _clear(part)
    if verdict.HasField("meter"):
        verdict.meter.money_hidden = True


def _clear(message: Any) -> None:
    for field, value in message.ListFields():
        if field.name.endswith(_MONEY) or field.name in _POINTS:
            message.ClearField(field.name)
        else:
            for inner in _messages(field, value):
                _clear(inner)


def _messages(field: FieldDescriptor, value: Any) -> Iterator[Any]:
    if field.message_type is not None:
        yield from value if field.is_repeated else (value,)
