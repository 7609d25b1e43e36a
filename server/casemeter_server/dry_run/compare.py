"""Answering the same questions by two sets of packs, and what differs between the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Final, NamedTuple

from casemeter.v1 import finding_pb2, meter_pb2, service_pb2, verdict_pb2
from casemeter_server.caller import Caller
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator

NONE: Final = ""
"""The group of a case that is in none, and the reason of one that has no reason."""

_INTERRUPTS: Final = finding_pb2.PRESENTATION_INTERRUPT


class Stay(NamedTuple):
    """A stay that both sets of packs are asked about.

    Attributes:
        hospital: whose it is.
        encounter: its number.
        request: the question.
    """

    hospital: str
    encounter: str
    request: service_pb2.EvaluateRequest


class Alert(NamedTuple):
    """A finding as one of the two showed it.

    Attributes:
        tier: how grave.
        interrupts: whether it interrupts.
        text_zh: what it says.
        text_en: the same.
    """

    tier: finding_pb2.FindingTier
    interrupts: bool
    text_zh: str
    text_en: str


class Outcome(NamedTuple):
    """What one of the two answers.

    Attributes:
        group: code of the group; empty: the case is in none.
        status: how the case ends, in lower case; empty: it could not be evaluated.
        payment_fen: what it pays at the running cost; ``None``: no payment.
        unpriced: why it has no payment, in lower case; ``no_charges`` if money was not asked for.
        alerts: findings by rule and evidence.
        refused: reason of the error; empty: it was evaluated.
        nanoseconds: that the answer took.
    """

    group: str
    status: str
    payment_fen: int | None
    unpriced: str
    alerts: Mapping[tuple[str, tuple[str, ...]], Alert]
    refused: str
    nanoseconds: int

    @property
    def place(self) -> str:
        """The group, or why there is none."""
        return self.group or self.refused or self.status


@dataclass
class Move:
    """Stays that go from one group to another, or stay in one.

    Attributes:
        before: the group, or why there is none.
        after: the same by the new pack.
        stays: how many.
        listed: hospital and number of those that move.
        priced: how many of them have a payment by both.
        before_fen: sum of these payments.
        after_fen: the same by the new pack.
    """

    before: str
    after: str
    stays: int = 0
    listed: list[tuple[str, str]] = field(default_factory=list)
    priced: int = 0
    before_fen: int = 0
    after_fen: int = 0


@dataclass
class RuleChange:
    """What becomes of the alerts of one rule.

    Attributes:
        rule: its id.
        text_zh: what one of its alerts says.
        text_en: the same.
        new: alerts that come.
        gone: alerts that go.
        tiers: alerts that stay and change their tier, by tier before and after.
        interruptions_before: how many interrupt.
        interruptions_after: the same by the new pack.
    """

    rule: str
    text_zh: str
    text_en: str
    new: int = 0
    gone: int = 0
    tiers: Counter[tuple[str, str]] = field(default_factory=Counter)
    interruptions_before: int = 0
    interruptions_after: int = 0

    @property
    def changes(self) -> bool:
        """Whether anything does."""
        shown_otherwise = self.interruptions_before != self.interruptions_after
        return bool(self.new or self.gone or self.tiers or shown_otherwise)


@dataclass
class Comparison:
    """What differs between two sets of packs over many stays.

    Attributes:
        stays: how many were asked about.
        moves: by group before and after; those that stay are among them.
        unpriced: stays without a payment by one of the two or both, by the reasons before and after; an empty
            one: it has a payment.
        refused: hospital and number of stays that one of the two could not evaluate, with the reasons before
            and after; an empty one: it could.
        rules: by id, all that found anything.
        before_ns: time of each answer.
        after_ns: the same by the new pack.
    """

    stays: int = 0
    moves: dict[tuple[str, str], Move] = field(default_factory=dict)
    unpriced: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: list[tuple[str, str, str, str]] = field(default_factory=list)
    rules: dict[str, RuleChange] = field(default_factory=dict)
    before_ns: list[int] = field(default_factory=list)
    after_ns: list[int] = field(default_factory=list)

    def add(self, stay: Stay, before: Outcome, after: Outcome) -> None:
        """Count one stay."""
        self.stays += 1
        self.before_ns.append(before.nanoseconds)
        self.after_ns.append(after.nanoseconds)
        if before.refused or after.refused:
            self.refused.append((stay.hospital, stay.encounter, before.refused, after.refused))
            return
        key = (before.place, after.place)
        move = self.moves.setdefault(key, Move(*key))
        move.stays += 1
        if before.place != after.place:
            move.listed.append((stay.hospital, stay.encounter))
        if before.payment_fen is not None and after.payment_fen is not None:
            move.priced += 1
            move.before_fen += before.payment_fen
            move.after_fen += after.payment_fen
        else:
            self.unpriced[before.unpriced, after.unpriced] += 1
        self._add_alerts(before.alerts, after.alerts)

    def _add_alerts(
        self,
        before: Mapping[tuple[str, tuple[str, ...]], Alert],
        after: Mapping[tuple[str, tuple[str, ...]], Alert],
    ) -> None:
        for key in (*before, *(key for key in after if key not in before)):
            old, new = before.get(key), after.get(key)
            shown = new or old
            assert shown is not None  # the key is of one of the two
            rule = self.rules.setdefault(key[0], RuleChange(key[0], shown.text_zh, shown.text_en))
            rule.new += old is None
            rule.gone += new is None
            if old is not None and new is not None and old.tier != new.tier:
                rule.tiers[_tier(old.tier), _tier(new.tier)] += 1
            rule.interruptions_before += old is not None and old.interrupts
            rule.interruptions_after += new is not None and new.interrupts


def compare(
    stays: Iterable[Stay],
    before: Evaluator,
    after: Evaluator,
    role: str = "physician",
    *,
    tell: Callable[[int], None] = lambda _: None,
    clock: Callable[[], int] = perf_counter_ns,
) -> Comparison:
    """Ask both about every stay.

    Args:
        stays: of any number; each is looked at once.
        before: answers by the present packs.
        after: answers with the new one.
        role: of the clinician whose interruptions are counted.
        tell: told how many stays are done.
        clock: in nanoseconds.
    """
    found = Comparison()
    for stay in stays:
        caller = Caller(stay.hospital, role)
        outcomes = [_ask(evaluator, stay.request, caller, clock) for evaluator in (before, after)]
        found.add(stay, *outcomes)
        tell(found.stays)
    return found


def _ask(
    evaluator: Evaluator, request: service_pb2.EvaluateRequest, caller: Caller, clock: Callable[[], int]
) -> Outcome:
    started = clock()
    try:
        verdict = evaluator.evaluate(request, caller).verdict
    except RequestError as error:
        return Outcome(NONE, NONE, None, NONE, {}, error.error.reason, clock() - started)
    taken = clock() - started
    has_payment = verdict.payment.HasField("payment_fen")
    return Outcome(
        verdict.group.code,
        verdict_pb2.GroupStatus.Name(verdict.status).removeprefix("GROUP_STATUS_").lower(),
        verdict.payment.payment_fen if has_payment else None,
        NONE if has_payment else _unpriced(verdict),
        {
            (finding.rule, tuple(finding.evidence)): Alert(
                finding.tier, finding.presentation == _INTERRUPTS, finding.text_zh, finding.text_en
            )
            for finding in verdict.findings
        },
        NONE,
        taken,
    )


def _unpriced(verdict: verdict_pb2.Verdict) -> str:
    if not verdict.HasField("payment"):
        return "no_charges"
    if not verdict.payment.absent:
        return "points_only"
    return meter_pb2.NotPricedReason.Name(verdict.payment.absent).removeprefix("NOT_PRICED_REASON_").lower()


def _tier(tier: finding_pb2.FindingTier) -> str:
    return finding_pb2.FindingTier.Name(tier).removeprefix("FINDING_TIER_").lower()
