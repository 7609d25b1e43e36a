"""Where an order or another way of going on would lead, in words: from where the stay stands to there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from casemeter.v1 import meter_pb2 as pb
from casemeter.v1 import verdict_pb2
from casemeter_client._phrases import Speaker, yuan

_SAME = 1e-4
"""Two multiples are of the same when they differ by no more than rounding to whole fen does."""


def is_demonstration(payment: pb.Payment, meter: pb.Meter) -> bool:
    """Whether figures that rest on payment and benchmark are invented."""
    return payment.demonstration or meter.benchmark.demonstration


def order_effects(verdict: verdict_pb2.Verdict, speaker: Speaker) -> Iterator[str]:
    """Yield a line for each order that is being placed."""
    effects = verdict.meter.order_effects
    for effect in effects:
        text = speaker.joined(_effect(effect, verdict, speaker))
        if not effect.excluded:
            text = speaker.marked(text, is_demonstration(verdict.payment, verdict.meter))
        if len(effects) == 1:
            yield speaker.say("meter", "this_order", effect=text)
        else:
            number = int("".join(filter(str.isdigit, effect.field)) or -1) + 1
            yield speaker.say("meter", "numbered_order", number=number, effect=text)


def _effect(effect: pb.OrderEffect, verdict: verdict_pb2.Verdict, speaker: Speaker) -> Iterator[str]:
    if effect.excluded:
        yield speaker.say("meter", "order_excluded")
    else:
        moved = _moved_multiple(verdict, effect.after, speaker)
        yield moved or _moved_sum("moves_cost", verdict.meter, effect.after, "cost_fen", speaker)
        if effect.band_crossed:
            band = speaker.name("band", effect.after.band)
            yield speaker.say("meter", "crosses", band=band)
        if effect.after.group != verdict.group.code:
            yield _moved_group(verdict, effect.after, speaker)
    if effect.equivalent_item:
        item = f"{effect.equivalent_item} {effect.equivalent_name}".rstrip()
        yield speaker.say("meter", "equivalent", item=item)


def alternatives(verdict: verdict_pb2.Verdict, speaker: Speaker) -> Iterator[str]:
    """Yield a line for each alternative that was asked for."""
    for number, outcome in enumerate(verdict.alternatives, 1):
        details = speaker.joined(_moves(verdict, outcome.after, speaker))
        text = speaker.say("meter", "what_if", id=outcome.id or str(number), details=details)
        yield speaker.marked(text, is_demonstration(verdict.payment, verdict.meter))


def _moves(verdict: verdict_pb2.Verdict, after: pb.Standing, speaker: Speaker) -> Iterator[str]:
    """Yield everything that moves; what stays as it is goes without saying."""
    yield _moved_group(verdict, after, speaker)
    if not verdict.HasField("meter"):
        return
    payment = verdict.payment
    yield _moved_sum("moves_standard", payment, after, "standard_fen", speaker)
    yield _moved_sum("moves_cost", verdict.meter, after, "cost_fen", speaker)
    yield _moved_sum("moves_margin", payment, after, "margin_fen", speaker)
    meter = verdict.meter
    if (meter.multiple, meter.multiple_of_benchmark) != (after.multiple, after.multiple_of_benchmark):
        yield _moved_multiple(verdict, after, speaker)
    if payment.band.name and after.band and payment.band.name != after.band:
        names = {"before": speaker.name("band", payment.band.name), "after": speaker.name("band", after.band)}
        yield speaker.say("meter", "moves_band", **names)
    if after.not_priced:
        reason = speaker.say("not_priced", pb.NotPricedReason.Name(after.not_priced))
        yield speaker.say("money", "absent", reason=reason)


def _moved_group(verdict: verdict_pb2.Verdict, after: pb.Standing, speaker: Speaker) -> str:
    none = speaker.say("meter", "no_group")
    name = f"{after.group} {after.group_name}".rstrip() or none
    if after.group == verdict.group.code:
        return speaker.say("meter", "stays", after=after.group or none)
    return speaker.say("meter", "moves_group", before=verdict.group.code or none, after=name)


def _moved_sum(
    key: str, before: pb.Payment | pb.Meter, after: pb.Standing, field: Any, speaker: Speaker
) -> str:
    """Say how a sum of money moves; nothing where it stays or is not known on both sides."""
    if not (before.HasField(field) and after.HasField(field)):
        return ""
    old, new = getattr(before, field), getattr(after, field)
    return "" if old == new else speaker.say("meter", key, before=yuan(old), after=yuan(new))


def _moved_multiple(verdict: verdict_pb2.Verdict, after: pb.Standing, speaker: Speaker) -> str:
    """Say how far along the cost is: by the multiple that decides the band, else by the benchmark."""
    meter = verdict.meter
    if meter.HasField("multiple") and after.HasField("multiple"):
        same = meter.multiple and math.isclose(meter.multiple, meter.multiple_of_payment, rel_tol=_SAME)
        key, before, now = "moves_payment" if same else "moves_multiple", meter.multiple, after.multiple
    elif meter.HasField("multiple_of_benchmark") and after.HasField("multiple_of_benchmark"):
        key, before, now = "moves_benchmark", meter.multiple_of_benchmark, after.multiple_of_benchmark
    else:
        return ""
    return speaker.say("meter", key, before=f"{before:.2f}", after=f"{now:.2f}")
