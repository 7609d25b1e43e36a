"""What a stay pays and what it has cost, in words.

Where a role sees no money, the server sends none: then only multiples are said. Every line with figures of a
demonstration pack says so, for a line may be read or copied alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from casemeter.v1 import meter_pb2 as pb
from casemeter.v1 import verdict_pb2
from casemeter_client import standing_text
from casemeter_client._phrases import Speaker, yuan

MAX_CATEGORIES = 5
"""How many fee categories are shown, those with the greatest shares; the rest is counted."""


def lines(verdict: verdict_pb2.Verdict, speaker: Speaker) -> Iterator[str]:
    """Yield the lines on payment and meter; none when the encounter had no charges.

    Args:
        verdict: as the server sent it.
        speaker: of the language.
    """
    if verdict.HasField("meter"):
        writer = _Writer(verdict, speaker)
        yield from writer.signals()
        yield from writer.payment()
        yield from writer.meter()
    yield from standing_text.order_effects(verdict, speaker)
    yield from standing_text.alternatives(verdict, speaker)


class _Writer:
    def __init__(self, verdict: verdict_pb2.Verdict, speaker: Speaker) -> None:
        self._payment = verdict.payment
        self._meter = verdict.meter
        self._speaker = speaker
        self.say = speaker.say

    def signals(self) -> Iterator[str]:
        for signal in self._meter.signals:
            key = pb.SignalKind.Name(signal.kind)
            limit, multiple = f"{signal.limit:.2f}", f"{signal.multiple:.2f}"
            yield "! " + self._priced(self.say("signal", key, limit=limit, multiple=multiple))

    def payment(self) -> Iterator[str]:
        payment = self._payment
        if self._meter.money_hidden:
            yield self.say("money", "hidden")
        if payment.absent:
            reason = self.say("not_priced", pb.NotPricedReason.Name(payment.absent))
            if why := self._speaker.choose(payment.absent_text):
                reason = self.say("money", "absent_why", reason=reason, why=why)
            yield self.say("money", "absent", reason=reason)
        if sums := self._sums():
            yield self._priced(sums)
        if payment.HasField("band"):
            yield self._priced(self._bands())
        for chinese, english in zip(payment.additions[::2], payment.additions[1::2], strict=False):
            yield self.say("money", "addition", reason=self._speaker.choose((chinese, english)))
        for special in payment.special_cases:
            yield self._priced(self._special(special))
        if payment.HasField("upcoming"):
            yield self._priced(self._upcoming(payment.upcoming))

    def _sums(self) -> str:
        payment, parts = self._payment, []
        if payment.HasField("standard_fen"):
            parts.append(self.say("money", "standard", money=yuan(payment.standard_fen)))
        if payment.HasField("payment_fen"):
            parts.append(self.say("money", "now", money=yuan(payment.payment_fen)))
        if payment.HasField("margin_fen"):
            sign = "+" if payment.margin_fen > 0 else ""
            parts.append(self.say("money", "margin", money=sign + yuan(payment.margin_fen)))
        if payment.points:
            parts.append(self.say("money", "points", points=_plain(payment.points)))
        if parts and payment.price_status:
            status = self.say("price_status", pb.PriceStatus.Name(payment.price_status))
            if payment.price_as_of:
                status = self.say("money", "price_dated", status=status, day=payment.price_as_of)
            parts.append(status)
        return self._speaker.joined(parts)

    def _bands(self) -> str:
        payment = self._payment
        parts = [self.say("money", "band", band=self._speaker.name("band", payment.band.name))]
        if payment.HasField("next_band"):
            name = self._speaker.name("band", payment.next_band.name)
            multiple = f"{payment.next_band.from_multiple:.2f}"
            start = self.say("money", "times", multiple=multiple)
            if not self._meter.money_hidden:
                money = yuan(payment.next_band.from_fen)
                start = self.say("money", "cost_from", money=money, multiple=multiple)
            parts.append(self.say("money", "next_band", band=name, start=start))
        if payment.band.doubt:
            parts.append(self.say("money", "doubt", doubt=payment.band.doubt))
        return self._speaker.joined(parts)

    def _special(self, special: pb.SpecialCase) -> str:
        parts = [self.say("money", "special", reason=self._speaker.choose(special.reason))]
        if special.HasField("quota_share"):
            parts.append(self.say("money", "quota", share=_percent(special.quota_share)))
        if special.period:
            parts.append(self.say("money", "period", period=special.period))
        return self._speaker.joined(parts)

    def _upcoming(self, upcoming: pb.UpcomingPayment) -> str:
        parts = []
        if upcoming.HasField("standard_fen"):
            parts.append(self.say("money", "standard", money=yuan(upcoming.standard_fen)))
        if upcoming.HasField("payment_fen"):
            parts.append(self.say("money", "now", money=yuan(upcoming.payment_fen)))
        if not parts:
            key = "changes" if self._meter.money_hidden else "not_told"
            parts.append(self.say("money", key))
        pack = f"{upcoming.pack.id} {upcoming.pack.version}".rstrip()
        details = self._speaker.joined(parts)
        return self.say("money", "upcoming", day=upcoming.valid_from, pack=pack, details=details)

    def meter(self) -> Iterator[str]:
        yield self._either(self._cost())
        if stay := self._stay():
            # What is usual by this day is the benchmark's.
            yield self._measured(stay) if self._meter.benchmark.known else stay
        beside = []
        for name in ("ordered", "excluded", "later"):
            if amount := getattr(self._meter, f"{name}_fen"):
                beside.append(self.say("meter", name, money=yuan(amount)))
        if beside:
            yield self._speaker.joined(beside)
        if structure := self._structure():
            compared = any(part.HasField("benchmark_share") for part in self._meter.structure)
            yield self._measured(structure) if compared else structure
        if self._meter.HasField("target"):
            yield self._priced(self._target(self._meter.target))

    def _cost(self) -> str:
        meter, parts = self._meter, []
        if meter.HasField("cost_fen"):
            parts.append(self.say("meter", "cost", money=yuan(meter.cost_fen)))
        if meter.HasField("multiple_of_payment"):
            parts.append(self.say("meter", "of_payment", multiple=f"{meter.multiple_of_payment:.2f}"))
        if meter.HasField("multiple_of_benchmark"):
            multiple = f"{meter.multiple_of_benchmark:.2f}"
            if meter.benchmark.HasField("mean_cost_fen"):
                money = yuan(meter.benchmark.mean_cost_fen)
                parts.append(self.say("meter", "of_mean", multiple=multiple, money=money))
            else:
                parts.append(self.say("meter", "of_benchmark", multiple=multiple))
        else:
            parts.append(self.say("meter", "no_benchmark"))
        return self._speaker.joined(parts)

    def _stay(self) -> str:
        meter, benchmark, parts = self._meter, self._meter.benchmark, []
        if meter.HasField("day_of_stay"):
            parts.append(self.say("meter", "day", day=meter.day_of_stay))
        if benchmark.HasField("mean_los_days"):
            parts.append(self.say("meter", "mean_los", days=f"{benchmark.mean_los_days:.1f}"))
        if benchmark.HasField("cost_by_day_low_fen") and benchmark.HasField("cost_by_day_high_fen"):
            low, high = yuan(benchmark.cost_by_day_low_fen), yuan(benchmark.cost_by_day_high_fen)
            mean = yuan(benchmark.cost_by_day_fen)
            parts.append(self.say("meter", "by_day_range", money=mean, low=low, high=high))
        elif benchmark.HasField("cost_by_day_fen"):
            parts.append(self.say("meter", "by_day", money=yuan(benchmark.cost_by_day_fen)))
        return self._speaker.joined(parts)

    def _structure(self) -> str:
        shared = [part for part in self._meter.structure if part.share]
        mapped = sorted((part for part in shared if part.category), key=lambda part: -part.share)
        section = _system([part.category for part in self._meter.structure if part.category])
        shown = mapped[:MAX_CATEGORIES] + [part for part in shared if not part.category]
        parts = [self._category(part, section) for part in shown]
        if len(mapped) > MAX_CATEGORIES:
            parts.append(self.say("meter", "more", count=len(mapped) - MAX_CATEGORIES))
        return self.say("meter", "structure", parts=self._speaker.joined(parts)) if parts else ""

    def _category(self, part: pb.CategoryCost, section: str) -> str:
        name = self._speaker.name(section, part.category) if section else part.category
        values = {
            "name": name if part.category else self.say("meter", "unmapped"),
            "share": _percent(part.share),
        }
        if part.HasField("benchmark_share"):
            return self.say("meter", "share_usual", usual=_percent(part.benchmark_share), **values)
        return self.say("meter", "share", **values)

    def _target(self, target: pb.Target) -> str:
        parts = [self.say("meter", "target", multiple=f"{target.multiple:.2f}")]
        if target.HasField("cost_fen"):
            parts.append(self.say("meter", "target_money", money=yuan(target.cost_fen)))
        if target.department:
            parts.append(self.say("meter", "target_department", department=target.department))
        return self._speaker.joined(parts)

    def _priced(self, text: str) -> str:
        return self._speaker.marked(text, self._payment.demonstration)

    def _measured(self, text: str) -> str:
        return self._speaker.marked(text, self._meter.benchmark.demonstration)

    def _either(self, text: str) -> str:
        return self._speaker.marked(text, standing_text.is_demonstration(self._payment, self._meter))


def _system(codes: list[str]) -> str:
    """Return the section of the names of categories, told by how they are written; empty: it cannot be told.

    The front page writes 1 to 10, the settlement list 01 to 14: only a 10 alone is in both.
    """
    if any(len(code) == 1 for code in codes):
        return "front_page"
    return "settlement_list" if any(code != "10" for code in codes) else ""


def _plain(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _percent(share: float) -> str:
    return f"{share:.0%}"
