"""Replay days of orders with known truth: what the alerting policy spares, and what it must never lose.

A day has wards, clinicians, encounters and orders. An order may give rise to causes: a rule finds
something, rightly or not, and goes on finding it at every later order of the encounter until the cause is
gone; bands rise and evidence grows on the way. Every order evaluates its encounter anew. Clinicians answer
what interrupts them, as the truth suggests. One rule is bad on purpose.

The promises are checked against a ledger of its own, not by the policy: no alert interrupts twice, no stop
that stands is silent, no finding is gone, no stop waits while there is room. Then the answers of each day
are written to a file, the shadow list is built from it, and the next day is replayed with it.

Run: python benchmarks/alerts_replay.py [--days 10] [--orders 4000] [--seed 1] [--repeats 2000]. Exit status
1 when a promise was broken, a good rule went to shadow, or the bad one did not.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import orjson

from casemeter_rules.alerting.alert import Answer, AnswerKind, History, Presentation, as_shown
from casemeter_rules.alerting.answers import AnswerLine, BadLine, read_answers
from casemeter_rules.alerting.bounds import Boundary, wilson
from casemeter_rules.alerting.policy import Learning, Policy, present
from casemeter_rules.alerting.precision import precision_of
from casemeter_rules.alerting.shadow import Built, ShadowList, build_shadow
from casemeter_rules.finding import Finding, FindingClass, RuleState, Tier, worst_first
from common import Tally, machine

BAD: Final = "drug_indication:bad"
BAD_PRECISION: Final = 0.10
WARDS, CLINICIANS, ENCOUNTERS = 12, 60, 400
FIRST_DAY: Final = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=8)))
PROMISES: Final = (
    "an alert interrupts again",
    "a stop was lost",
    "a finding is gone",
    "something interrupts that must not",
    "a stop waits while there is room, or the budget is passed",
)
_HOUR: Final = timedelta(hours=1)


class Truth(NamedTuple):
    """A rule and what nobody but the generator knows of it.

    Attributes:
        rule: its id.
        tier: of its findings.
        rate: chance that an order gives rise to one.
        precision: share of them that are right.
    """

    rule: str
    tier: Tier
    rate: float
    precision: float


RULES: Final = (
    *(Truth(f"item_frequency:{at:02}", Tier.STOP, 0.004, 0.70 + 0.0125 * at) for at in range(20)),
    *(Truth(f"drug_age:{at:02}", Tier.WARN, 0.010, 0.80) for at in range(8)),
    *(Truth(f"item_note:{at:02}", Tier.HINT, 0.015, 0.80) for at in range(4)),
    Truth(BAD, Tier.STOP, 0.040, BAD_PRECISION),
)


@dataclass
class Cause:
    """Something that a rule finds from one order on.

    Attributes:
        life: later orders of the encounter at which it is still there, if nobody acts.
        rises: the order, counted from its own, at which its band rises; 0: never.
        grows: the order at which its evidence grows; 0: never.
        answer: what a clinician answers.
        age: orders of the encounter since it arose.
        gone: it is no longer there.
    """

    truth: Truth
    right: bool
    evidence: tuple[str, ...]
    life: int
    rises: int
    grows: int
    answer: Answer
    age: int = 0
    band: str = ""
    gone: bool = False

    def later(self, order: str) -> None:
        """Go on to the next order of the encounter."""
        self.age += 1
        self.gone = self.gone or self.age > self.life
        if self.age == self.rises:
            self.band = "2"
        if self.age == self.grows:
            self.evidence = (*self.evidence, order)

    def finding(self) -> Finding:
        """What the rule finds now."""
        return Finding(
            rule=self.truth.rule,
            kind=self.truth.rule.partition(":")[0],
            official_type="",
            tier=self.truth.tier,
            finding_class=FindingClass.ORDER,
            subclass="",
            state=RuleState.ACTIVE,
            fields=(),
            codes=(),
            evidence=self.evidence,
            bases=(),
            text_zh="",
            text_en="",
            resolve_zh="",
            resolve_en="",
            overrides=(),
            band=self.band,
        )


class Order(NamedTuple):
    """One order as it is placed.

    Attributes:
        causes: it gives rise to.
    """

    id: str
    at: datetime
    encounter: int
    clinician: int
    causes: tuple[Cause, ...]


def draw_day(seed: int, day: int, orders: int) -> list[Order]:
    """Return the orders of a day; those of a seed and day are always the same."""
    chance = random.Random(f"{seed} {day}")
    start = FIRST_DAY + timedelta(days=day)
    # Busy from eight to eleven, then less until the evening.
    hours = [chance.triangular(7, 22, 9) for _ in range(orders)]
    made = []
    for at, hour in enumerate(sorted(hours)):
        encounter = chance.randrange(ENCOUNTERS)
        ward = encounter % WARDS
        clinician = ward + WARDS * chance.randrange(CLINICIANS // WARDS)
        name = f"d{day}-o{at}"
        causes = tuple(_cause(truth, name, chance) for truth in RULES if chance.random() < truth.rate)
        made.append(Order(name, start + timedelta(hours=hour), encounter, clinician, causes))
    return made


def _cause(truth: Truth, order: str, chance: random.Random) -> Cause:
    right = chance.random() < truth.precision
    at = chance.random()
    if right:
        kinds = (0.6, AnswerKind.ACCEPTED, ""), (0.8, AnswerKind.OVERRIDDEN, "benefit_documented")
    else:
        kinds = (0.1, AnswerKind.OVERRIDDEN, "emergency"), (0.8, AnswerKind.OVERRIDDEN, "rule_outdated")
    kind, reason = next(
        ((kind, reason) for share, kind, reason in kinds if at < share), (AnswerKind.IGNORED, "")
    )
    return Cause(
        truth,
        right,
        (order,),
        life=min(30, int(chance.expovariate(1 / 8))),
        rises=chance.randrange(1, 6) if chance.random() < 0.15 else 0,
        grows=chance.randrange(1, 6) if chance.random() < 0.10 else 0,
        answer=Answer(kind, reason),
    )


@dataclass
class Day:
    """What became of a day.

    Attributes:
        orders: evaluated. interruptions: findings that interrupted. interrupted: orders that were
        interrupted by at least one. findings: in all replies. stops: among them. waited: causes at the tier
        of a stop that never interrupted, for there never was room while they lasted. causes: at the tier of
        a stop, of rules not in shadow. answers: lines for the file of answers. seconds: spent in the
        policy.
    """

    orders: int = 0
    interruptions: int = 0
    interrupted: int = 0
    findings: int = 0
    stops: int = 0
    waited: int = 0
    causes: int = 0
    seconds: float = 0.0
    busiest: int = 0
    answers: list[dict[str, object]] = field(default_factory=list)


def without_policy(orders: Sequence[Order]) -> Day:
    """Every stop interrupts in every reply, as it does where nobody remembers what was shown."""
    day = Day()
    for _, causes in _replies(orders):
        stops = [cause for cause in causes if cause.truth.tier is Tier.STOP]
        _count(day, causes, len(stops))
        for cause in stops:
            cause.gone = cause.gone or cause.answer.kind is AnswerKind.ACCEPTED
    return day


def with_policy(orders: Sequence[Order], policy: Policy, shadow: ShadowList, tally: Tally) -> Day:
    """Replay a day with the policy, and check each reply against a ledger of its own."""
    day = Day()
    histories: dict[int, History] = defaultdict(History)
    interrupted_at: dict[int, list[datetime]] = defaultdict(list)
    ledger: Counter[object] = Counter()
    settled: dict[object, AnswerKind] = {}
    ever: dict[int, bool] = {}
    for order, causes in _replies(orders):
        today = order.at.date().isoformat()
        causes.sort(key=lambda cause: worst_first(cause.finding()))
        findings = shadow.applied([cause.finding() for cause in causes], today)
        recent = [at for at in interrupted_at[order.clinician] if order.at - at < _HOUR]
        history = histories[order.encounter]
        started = time.perf_counter()
        shown = present(findings, history, len(recent), "physician", policy)
        day.seconds += time.perf_counter() - started
        if [one.finding for one in shown] != list(findings):
            tally.fail("a finding is gone", order.id)
        alerts = list(history.alerts)
        fresh = 0
        for cause, one in zip(causes, shown, strict=True):
            identity = (order.encounter, cause.truth.rule, cause.evidence, cause.band, cause.truth.tier)
            stop, hidden = cause.truth.tier is Tier.STOP, one.finding.state is not RuleState.ACTIVE
            interrupts = one.presentation is Presentation.INTERRUPT
            if stop and not hidden:
                ever.setdefault(id(cause), False)
                fresh += not ledger[identity] and identity not in settled
                overridden = settled.get(identity) is AnswerKind.OVERRIDDEN
                if one.presentation is Presentation.SILENT and not overridden:
                    tally.fail("a stop was lost", f"{order.id} {cause.truth.rule}: {one.reason}")
            if interrupts and (hidden or not stop):
                tally.fail("something interrupts that must not", f"{order.id} {cause.truth.rule}")
            early = as_shown(one, order.at, id=f"{order.id}-{len(alerts)}")
            if interrupts:
                ledger[identity] += 1
                ever[id(cause)] = True
                if ledger[identity] > 1:
                    tally.fail("an alert interrupts again", f"{order.id} {cause.truth.rule}")
                interrupted_at[order.clinician].append(order.at)
                early = early._replace(answer=cause.answer)
                if cause.answer.kind is not AnswerKind.IGNORED:
                    settled[identity] = cause.answer.kind
                cause.gone = cause.gone or cause.answer.kind is AnswerKind.ACCEPTED
                day.answers.append(
                    {
                        "rule": cause.truth.rule,
                        "alert_key": one.alert_key,
                        "alert": early.id,
                        "at": order.at.isoformat(),
                        "answer": cause.answer.kind,
                        "reason": cause.answer.reason,
                    }
                )
            alerts.append(early)
        histories[order.encounter] = History(tuple(alerts))
        interruptions = sum(one.presentation is Presentation.INTERRUPT for one in shown)
        if interruptions != min(fresh, max(0, policy.budget - len(recent))):
            tally.fail("a stop waits while there is room, or the budget is passed", order.id)
        day.busiest = max(day.busiest, len(recent) + interruptions)
        _count(day, causes, interruptions)
    day.causes, day.waited = len(ever), sum(not shown for shown in ever.values())
    return day


def _replies(orders: Sequence[Order]) -> Iterator[tuple[Order, list[Cause]]]:
    """Yield every order with all the causes that its evaluation finds."""
    open_: dict[int, list[Cause]] = defaultdict(list)
    for order in orders:
        causes = open_[order.encounter]
        for cause in causes:
            cause.later(order.id)
        causes[:] = [*(cause for cause in causes if not cause.gone), *order.causes]
        yield order, list(causes)


def _count(day: Day, causes: Sequence[Cause], interruptions: int) -> None:
    day.orders += 1
    day.interruptions += interruptions
    day.interrupted += interruptions > 0
    day.findings += len(causes)
    day.stops += sum(cause.truth.tier is Tier.STOP for cause in causes)


def build_from(
    day: Day, folder: Path, policy: Policy, fault: Callable[[BadLine], None]
) -> tuple[Built, list[AnswerLine]]:
    """Write the answers of a day, read them and build the shadow list from them."""
    path = folder / "answers.jsonl"
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in day.answers))
    answers = list(read_answers(path, fault, policy.reasons))
    return build_shadow(folder / "shadow.bundle", answers, None, policy), answers


def share_gone(chance: float, boundary: Boundary, rules: int, answers: int, repeats: int) -> int:
    """Return how many of the repeats see any of the rules in shadow, looked at after every answer."""
    draw = np.random.default_rng(7)
    limits = np.array([boundary.useless(useful) for useful in range(answers + 1)])
    gone = 0
    for _ in range(repeats):
        useful = np.cumsum(draw.random((rules, answers)) < chance, axis=1)
        gone += bool((np.arange(1, answers + 1) - useful >= limits[useful]).any())
    return gone


def naive_gone(chance: float, rules: int, answers: int, repeats: int) -> int:
    """The same with Wilson's 95 % interval, which holds for one look, from the 20th answer on."""
    draw = np.random.default_rng(7)
    n = np.arange(1, answers + 1)
    highest = np.array([_highest_useful(int(at)) for at in n])
    gone = 0
    for _ in range(repeats):
        useful = np.cumsum(draw.random((rules, answers)) < chance, axis=1)
        gone += bool(((useful <= highest) & (n >= 20)).any())
    return gone


def _highest_useful(n: int) -> int:
    """How many useful answers still leave Wilson's upper limit below one half."""
    useful = -1
    while (interval := wilson(useful + 1, n)) and interval.high < 0.5:
        useful += 1
    return useful


def answers_needed(chance: float, learning: Learning, repeats: int) -> tuple[int, int] | None:
    """Return after how many answers half, and nineteen of twenty, of such rules are in shadow."""
    draw, length = np.random.default_rng(7), 4000
    boundary = Boundary(learning.threshold, learning.alpha / learning.rules)
    limits = np.array([boundary.useless(useful) for useful in range(length + 1)])
    useful = np.cumsum(draw.random((repeats, length)) < chance, axis=1)
    crossed = np.arange(1, length + 1) - useful >= limits[useful]
    crossed[:, : learning.min_answers - 1] = False
    first = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1, length + 1)
    half, most = np.quantile(first, [0.5, 0.95], method="higher")
    return None if most > length else (int(half), int(most))


class Replayed(NamedTuple):
    """Days added up.

    Attributes:
        before: without the policy.
        after: with it.
        narrow: with a budget of one.
        untaught: the days after, nothing learned.
        taught: the same days with the shadow list of the day before.
        gone: how often each rule was in shadow.
        first_day: lines on its answers.
    """

    before: Day
    after: Day
    narrow: Day
    untaught: Day
    taught: Day
    gone: Counter[str]
    first_day: list[str]


def replay(days: int, orders: int, seed: int, tally: Tally) -> Replayed:
    """Replay days with and without the policy, and the days after with what was learned."""
    policy, done = Policy(), Replayed(Day(), Day(), Day(), Day(), Day(), Counter(), [])
    with tempfile.TemporaryDirectory() as name:
        for at in range(0, 2 * days, 2):
            _add(done.before, without_policy(draw_day(seed, at, orders)))
            day = with_policy(draw_day(seed, at, orders), policy, ShadowList(), tally)
            _add(done.after, day)
            _add(done.narrow, with_policy(draw_day(seed, at, orders), Policy(budget=1), ShadowList(), tally))
            built, answers = build_from(
                day, Path(name), policy, lambda bad: tally.fail("a line of answers was not read", str(bad))
            )
            done.gone.update(entry.rule for entry in built.entries)
            if at == 0:
                done.first_day.extend(_precision_lines(answers, built))
            _add(done.untaught, with_policy(draw_day(seed, at + 1, orders), policy, ShadowList(), tally))
            learned = ShadowList.open(Path(name) / "shadow.bundle")
            _add(done.taught, with_policy(draw_day(seed, at + 1, orders), policy, learned, tally))
    if done.gone[BAD] < days:
        tally.fail("the bad rule is not in shadow", f"after {days - done.gone[BAD]} of {days} days")
    for rule in done.gone.keys() - {BAD}:
        tally.fail("a good rule is in shadow", rule)
    return done


def _add(total: Day, day: Day) -> None:
    for name in (
        "orders",
        "interruptions",
        "interrupted",
        "findings",
        "stops",
        "waited",
        "causes",
        "seconds",
    ):
        setattr(total, name, getattr(total, name) + getattr(day, name))
    total.busiest = max(total.busiest, day.busiest)


def _precision_lines(answers: Sequence[AnswerLine], built: Built) -> list[str]:
    """The bad rule and the two worst good ones, as the answers of a day show them."""
    found = precision_of(answers)
    rows = [(one, one.precision, one.interval) for one in found.values()]
    decided = [(one, share, interval) for one, share, interval in rows if interval and share is not None]
    lines = ["first day, by its answers      n  useful  precision  95 % (Wilson)  excused  ignored"]
    for one, share, (low, high) in sorted(decided, key=lambda row: (row[0].rule != BAD, row[1]))[:3]:
        counts = f"{one.rule:<25} {one.n:>6} {one.useful:>7} {share:>10.2f}"
        lines.append(f"{counts}   {low:.2f} to {high:.2f} {one.excused:>8} {one.ignored:>8}")
    for entry in built.entries:
        answered = f"{entry.useful} useful and {entry.useless} useless answers, upper bound {entry.upper}"
        lines.append(f"{entry.rule}: in shadow from {entry.valid_from}, by {answered}")
    return lines


def report(done: Replayed, days: int, orders: int) -> None:
    """Print what the days came to."""
    people = f"{CLINICIANS} clinicians, {ENCOUNTERS} encounters, {len(RULES)} rules"
    print(f"\n{days} days of {orders:,} orders, {people}\n")
    print(f"{'per 100 orders':<32}{'interruptions':>14}{'orders interrupted':>20}")
    for label, one in (
        ("without the policy", done.before),
        ("with it", done.after),
        ("with a budget of 1 an hour", done.narrow),
        ("the day after, nothing learned", done.untaught),
        ("the day after, bad rule in shadow", done.taught),
    ):
        per = [100 * count / one.orders for count in (one.interruptions, one.interrupted)]
        print(f"{label:<33}{per[0]:>13.1f}{per[1]:>20.1f}")
    after = done.after
    print()
    for budget, one in ((Policy().budget, after), (1, done.narrow)):
        print(f"budget {budget}: most of one clinician within an hour {one.busiest};", end=" ")
        print(f"{one.waited} of {one.causes:,} stops never got room and stood inline")
    took = after.seconds / after.orders * 1e6
    print(f"the policy took {took:.0f} µs an order, {after.findings / after.orders:.1f} findings each")
    good = sum(done.gone.values()) - done.gone[BAD]
    print(f"bad rule in shadow after {done.gone[BAD]} of {days} days; good rules in shadow: {good}\n")
    print(*done.first_day, sep="\n")


def bound(repeats: int, tally: Tally) -> None:
    """Show by simulation how often good rules go to shadow, and how soon bad ones do."""
    learning, rules, answers = Learning(), 20, 2000
    boundary = Boundary(learning.threshold, learning.alpha / rules)
    print(f"\nany of {rules} good rules ever in shadow, {answers:,} answers each, alpha {learning.alpha}:")
    for chance in (0.5, 0.55, 0.7):
        gone = share_gone(chance, boundary, rules, answers, repeats)
        interval = wilson(gone, repeats)
        assert interval
        between = f"{100 * interval.low:.2f} to {100 * interval.high:.2f} %"
        print(f"  precision {chance:.2f}: {gone} of {repeats:,} trials ({between})")
        if interval.low > learning.alpha:
            tally.fail("the bound does not hold", f"precision {chance}")
    fewer = max(1, repeats // 10)
    naive = naive_gone(0.5, rules, answers, fewer)
    print(f"  with Wilson's interval after every answer instead, precision 0.50: {naive} of {fewer:,} trials")
    given = f"threshold {learning.threshold}, alpha {learning.alpha} over {learning.rules:,} rules"
    print(f"\nanswers until a bad rule is in shadow ({given}):")
    for chance in (0.05, 0.1, 0.2, 0.3, 0.4):
        found = answers_needed(chance, learning, repeats)
        text = f"half by {found[0]}, 95 % by {found[1]}" if found else "95 % not within 4,000"
        print(f"  precision {chance:.2f}: {text}")


def main() -> int:
    """Replay, simulate and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--orders", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=2000)
    given = parser.parse_args()
    tally = Tally()
    print(machine())
    report(replay(given.days, given.orders, given.seed, tally), given.days, given.orders)
    bound(given.repeats, tally)
    print("\nbroken promises:")
    for promise in PROMISES:
        print(f"{tally.outcomes[promise]:>8}  {promise}")
    for failure in tally.failures[:20]:
        print(failure)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
