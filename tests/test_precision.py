"""What answers say of a rule, and which rules go to shadow by them."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import random
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemeter_grouper.compiled.bundle import BundleError, Reason, write
from casemeter_rules.alerting.alert import AnswerKind
from casemeter_rules.alerting.answers import AnswerLine, AnswersError, BadLine, read_answers
from casemeter_rules.alerting.bounds import Boundary, evidence, upper_bound, wilson
from casemeter_rules.alerting.policy import Learning, Policy
from casemeter_rules.alerting.precision import RulePrecision, precision_of
from casemeter_rules.alerting.shadow import (
    HAND,
    LEARNED,
    Entry,
    HandError,
    ShadowList,
    TooManyRules,
    build_shadow,
    learn,
    read_hand,
    write_shadow,
)
from casemeter_rules.finding import RuleState
from test_alerting import finding

AT = "2026-03-02T08:00:00+08:00"
START = datetime.datetime.fromisoformat(AT)


def line(rule: str = "a", answer: str = "accepted", **values: Any) -> dict[str, Any]:
    return {"rule": rule, "alert_key": "k", "at": AT, "answer": answer, **values}


def many(rule: str, useful: str) -> list[AnswerLine]:
    """Answers to a rule: + accepted, - overridden because it was wrong, ~ excused, . ignored."""
    kinds = {
        "+": (AnswerKind.ACCEPTED, ""),
        "-": (AnswerKind.OVERRIDDEN, "does_not_apply"),
        "~": (AnswerKind.OVERRIDDEN, "emergency"),
        ".": (AnswerKind.IGNORED, ""),
    }
    return [
        AnswerLine(rule, "k", START + datetime.timedelta(minutes=at), *kinds[mark])
        for at, mark in enumerate(useful)
    ]


def read_precision(path: Path) -> tuple[dict[str, RulePrecision], list[BadLine]]:
    bad: list[BadLine] = []
    return precision_of(read_answers(path, bad.append)), bad


# Reading


BAD: list[tuple[bytes, str]] = [
    (b"{", "no JSON: "),
    (b"[1]", "no JSON object"),
    (b'"\xff"', "no JSON: "),
    (orjson.dumps({**line(), "rule": None}), "'rule' is None; text is needed"),
    (orjson.dumps({**line(), "alert_key": " "}), "'alert_key' is ' '; text is needed"),
    (orjson.dumps({**line(), "at": "yesterday"}), "'at' is 'yesterday'; write a time like"),
    (
        orjson.dumps({**line(), "at": "2026-03-02T08:00:00"}),
        "'at' is '2026-03-02T08:00:00'; a time needs its",
    ),
    (
        orjson.dumps({**line(), "at": "9999-12-31T23:00:00+08:00"}),
        "'at' is '9999-12-31T23:00:00+08:00'; write a",
    ),
    (orjson.dumps(line(answer="maybe")), "'answer' is 'maybe'; write one of accepted, overridden"),
    (orjson.dumps(line(answer="overridden")), "'reason' is ''; write the code of a reason"),
    (orjson.dumps(line(answer="overridden", reason="x")), "'reason' is 'x'; write the code of a reason"),
    (orjson.dumps(line(answer="overridden", reason=["x"])), "'reason' is ['x']; write the code of a reason"),
    (orjson.dumps({**line(), "true": 2}), "'true' is 2; write true, false or nothing"),
    (orjson.dumps({**line(), "true": "perhaps"}), "'true' is 'perhaps'; write true, false or nothing"),
    (orjson.dumps({**line(), "alert": 7}), "'alert' is 7; write text"),
    (b"x" * 100_000, "longer than 65,536 bytes"),
    (orjson.dumps(line()), "repeats an earlier line"),
]


def test_every_bad_line_is_named_and_the_others_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    rows = [orjson.dumps(line()), b"", *(row for row, _ in BAD), orjson.dumps(line("b"))]
    path.write_bytes(b"\xef\xbb\xbf" + b"\n".join(rows))
    found, bad = read_precision(path)
    assert [(one.file, one.line) for one in bad] == [("answers.jsonl", at + 3) for at in range(len(BAD))]
    for one, (_, says) in zip(bad, BAD, strict=True):
        assert one.problem.startswith(says), one
        assert str(one).startswith(f"answers.jsonl:{one.line}: ")
    assert {rule: one.useful for rule, one in found.items()} == {"a": 1, "b": 1}


def test_csv_says_the_same(tmp_path: Path) -> None:
    fields = ["rule", "alert_key", "at", "answer", "reason", "true", "alert", "ward"]
    rows = [
        {**line("a"), "true": ""},
        {**line("a", "overridden"), "reason": "does_not_apply", "ward": "0301"},
        {**line("a", "ignored"), "true": "FALSE"},
        {**line("a", "ignored"), "true": "1", "at": "2026-03-02T09:00:00+08:00"},
        {**line("b", "overridden"), "reason": "none of them"},
    ]
    path = tmp_path / "answers.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        writer.writerows(rows)
        file.write("a,k\r\n")
    found, bad = read_precision(path)
    assert found == {"a": RulePrecision("a", useful=2, useless=2)}
    assert [(one.line, one.problem[:12]) for one in bad] == [(6, "'reason' is "), (7, "as many cell")]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.jsonl", None, "cannot be read: No such file"),
        ("gone.csv", None, "cannot be read: No such file"),
        ("short.csv", b"rule,answer\n", "the header lacks alert_key, at"),
        ("empty.csv", b"", "the header lacks rule"),
        ("gbk.csv", "rule,alert_key,at,answer\n规则,k,x,y\n".encode("gbk"), "cannot be read as CSV in UTF-8"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(AnswersError, match=says):
        read_precision(tmp_path / name)


@given(st.lists(st.binary(max_size=40) | st.sampled_from([orjson.dumps(line()), orjson.dumps(line("b"))])))
def test_no_bytes_are_an_exception(tmp_path_factory: pytest.TempPathFactory, rows: list[bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "some.jsonl"
    path.write_bytes(b"\n".join(rows))
    bad: list[BadLine] = []
    good = list(read_answers(path, bad.append))
    assert len(good) + len(bad) <= path.read_bytes().count(b"\n") + 1


# Precision


def test_what_counts() -> None:
    found = precision_of([*many("a", "++-~.."), *many("b", ".~")])
    assert found["a"] == RulePrecision("a", useful=2, useless=1, excused=1, ignored=2)
    assert found["a"].n == 3
    assert found["a"].precision == pytest.approx(2 / 3)
    assert found["b"].precision is None
    assert found["b"].interval is None


def test_a_judgement_decides_alone() -> None:
    wrong, right = many("a", "+")[0]._replace(true=False), many("a", "-")[0]._replace(true=True)
    assert precision_of([wrong, right, right]) == {"a": RulePrecision("a", useful=2, useless=1)}


def test_an_alert_counts_once_by_its_first_answer() -> None:
    lines = [row._replace(alert="7") for row in many("a", ".-+")]
    assert precision_of(lines) == {"a": RulePrecision("a", useless=1, ignored=1)}
    lines = [row._replace(alert=f"{at}") for at, row in enumerate(many("a", ".-+"))]
    assert precision_of(lines) == {"a": RulePrecision("a", useful=1, useless=1, ignored=1)}


@pytest.mark.parametrize(
    ("useful", "n", "low", "high"),
    # The last as printed by Newcombe, Statistics in Medicine 17 (1998).
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_wilson(useful: int, n: int, low: float, high: float) -> None:
    interval = wilson(useful, n)
    assert interval is not None
    assert interval == pytest.approx((low, high), abs=5e-5)


# The bound


def test_the_evidence_is_what_it_says() -> None:
    """The mean of likelihood ratios, multiplied out."""
    ratios = [(step + 0.5) / 32 for step in range(32)]
    plain = sum(ratio**3 * ((1 - ratio * 0.4) / 0.6) ** 7 for ratio in ratios) / 32
    assert evidence(0.4, 3, 7) == pytest.approx(np.log(plain))


@given(st.floats(0.05, 0.95), st.floats(0, 1), st.integers(0, 60), st.integers(0, 60))
def test_one_more_answer_adds_no_evidence_against_a_good_rule(
    threshold: float, share: float, useful: int, useless: int
) -> None:
    """What the bound rests on: under any chance at or above the threshold, the mean does not rise."""
    chance = threshold + (1 - threshold) * share
    now = np.exp(evidence(threshold, useful, useless))
    then = chance * np.exp(evidence(threshold, useful + 1, useless))
    then += (1 - chance) * np.exp(evidence(threshold, useful, useless + 1))
    assert then <= now * (1 + 1e-9)
    assert np.exp(evidence(threshold, 0, 0)) == pytest.approx(1)


@given(st.floats(0.1, 0.9), st.integers(0, 40), st.integers(0, 200))
def test_the_boundary_is_where_the_upper_bound_passes_the_threshold(
    threshold: float, useful: int, useless: int
) -> None:
    alpha = 1e-4
    upper = upper_bound(useful, useless, alpha)
    if abs(upper - threshold) > 1e-6:
        assert Boundary(threshold, alpha).crossed(useful, useless) == (upper < threshold)
    assert upper >= useful / (useful + useless) if useful + useless else upper == 1


def any_gone(chance: float, rules: int, answers: int, repeats: int, alpha: float) -> int:
    """How often, of many repeats, any of the rules ever goes to shadow, looking after every answer."""
    draw = np.random.default_rng(7)
    boundary = Boundary(0.5, alpha / rules)
    limits = np.array([boundary.useless(useful) for useful in range(answers + 1)])
    gone = 0
    for _ in range(repeats):
        useful = np.cumsum(draw.random((rules, answers)) < chance, axis=1)
        useless = np.arange(1, answers + 1) - useful
        gone += bool((useless >= limits[useful]).any())
    return gone


def test_the_error_over_all_rules_stays_below_its_bound() -> None:
    """The worst good rules: each exactly at the threshold. 0.05 of 400 is 20; three deviations are 13."""
    assert any_gone(0.5, rules=20, answers=600, repeats=400, alpha=0.05) <= 20 + 13
    assert any_gone(0.7, rules=20, answers=600, repeats=100, alpha=0.05) == 0


def test_looking_again_and_again_with_one_look_s_interval_would_not_do() -> None:
    draw = random.Random(7)
    gone = 0
    for _ in range(200):
        useful = 0
        for n in range(1, 401):
            useful += draw.random() < 0.5
            interval = wilson(useful, n)
            if n >= 20 and interval and interval.high < 0.5:
                gone += 1
                break
    assert gone > 20  # ten per cent of good rules, each of them alone


# Going to shadow

LEARNING = Learning(threshold=0.5, min_answers=20, alpha=0.05, rules=100)


def test_a_bad_rule_goes_to_shadow_from_the_next_day_and_stays() -> None:
    bad, good = many("bad", "+" + "-" * 60 + "+" * 200), many("good", "++-" * 80)
    entries = learn([*good, *bad], LEARNING)
    assert [(entry.rule, entry.state, entry.valid_from, entry.source) for entry in entries] == [
        ("bad", "shadow", "2026-03-03", LEARNED)
    ]
    assert entries[0].upper is not None
    assert 0.45 < entries[0].upper < 0.5, "as soon as the bound allows"
    assert entries[0].useful == 1
    assert learn([*good, *bad, *many("bad", "+" * 1000)], LEARNING) == entries
    later = dataclasses.replace(LEARNING, min_answers=60)
    assert learn(bad[:59], later) == ()
    assert learn(bad[:60], later)[0].useless == 59
    assert learn(many("bad", "~" * 100 + "." * 100), LEARNING) == ()


def test_more_rules_than_the_bound_is_shared_among() -> None:
    with pytest.raises(TooManyRules, match="more than 1 rules"):
        learn([*many("a", "+"), *many("b", "+")], Learning(rules=1))


def entry(rule: str, state: str, day: str, source: str) -> Entry:
    return Entry(rule, RuleState(state), day, source)


def test_what_is_set_by_hand_comes_before_what_is_learned() -> None:
    made = ShadowList(
        [
            entry("a", "shadow", "2026-03-03", LEARNED),
            entry("a", "active", "2026-03-10", HAND),
            entry("a", "off", "2026-03-20", HAND),
            entry("b", "active", "2026-03-01", HAND),
            entry("b", "shadow", "2026-03-05", LEARNED),
            entry("c", "shadow", "2026-03-05", LEARNED),
        ]
    )
    days = {
        "2026-02-28": {},
        "2026-03-02": {"b": "active"},
        "2026-03-03": {"a": "shadow", "b": "active"},
        "2026-03-09": {"a": "shadow", "b": "active", "c": "shadow"},
        "2026-03-10": {"a": "active", "b": "active", "c": "shadow"},
        "2026-04-01": {"a": "off", "b": "active", "c": "shadow"},
    }
    for day, states in days.items():
        assert made.states(day) == states, day
    findings = [finding("c", state="active"), finding("a", state="shadow"), finding("z", state="shadow")]
    applied = made.applied(findings, "2026-03-10")
    assert [one.state for one in applied] == ["shadow", "active", "shadow"]
    assert [one.rule for one in applied] == ["c", "a", "z"]
    assert ShadowList().applied(findings, "2026-03-10") == tuple(findings)
    assert ShadowList().sha256 == ""


def test_the_bundle_is_read_back_and_built_the_same_again(tmp_path: Path) -> None:
    hand = tmp_path / "hand.toml"
    hand.write_text('[[rule]]\nid = "a"\nstate = "off"\nfrom = 2026-03-01\nnote = "停用"\n', "utf-8")
    policy = Policy(learning=LEARNING)
    lines = [*many("bad", "-" * 25), *many("good", "+" * 25)]
    first = build_shadow(tmp_path / "1", lines, hand, policy)
    made = ShadowList.open(tmp_path / "1")
    assert made.sha256 == first.sha256
    assert made.entries == first.entries
    assert made.learning == LEARNING
    assert made.states("2026-03-03") == {"a": "off", "bad": "shadow"}
    assert made.entries[0].note == "停用"
    # More answers that change no state leave the bytes as they are; a new entry or another policy does not.
    more = [*lines, *many("good", "-+" * 9)]
    build_shadow(tmp_path / "2", more, hand, policy)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert build_shadow(tmp_path / "3", more, None, policy).sha256 != first.sha256
    assert build_shadow(tmp_path / "4", more, hand, Policy()).sha256 != first.sha256


def test_no_answers_and_no_table_make_an_empty_bundle(tmp_path: Path) -> None:
    built = build_shadow(tmp_path / "1", (), None, Policy())
    assert ShadowList.open(tmp_path / "1").entries == built.entries == ()


def test_bundles_that_cannot_be_used(tmp_path: Path) -> None:
    data = np.frombuffer(b"[]", np.uint8)
    write(tmp_path / "later", {"kind": "shadow", "version": 2, "learning": {}}, {"entries": data})
    write(tmp_path / "other", {"kind": "payment"}, {"entries": data})
    write_shadow(tmp_path / "damaged", [entry("a", "off", "2026-03-01", HAND)], Learning())
    damaged = bytearray((tmp_path / "damaged").read_bytes())
    damaged[-3] ^= 1
    (tmp_path / "damaged").write_bytes(damaged)
    reasons = {"later": Reason.OTHER_COMPILER, "other": Reason.WRONG_KIND, "damaged": Reason.DAMAGED}
    for name, reason in reasons.items():
        with pytest.raises(BundleError) as caught:
            ShadowList.open(tmp_path / name)
        assert caught.value.reason is reason


def test_every_fault_of_the_table_set_by_hand_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "hand.toml"
    path.write_text(
        'colour = 1\n[[rule]]\nid = ""\nstate = "loud"\nfrom = "2026-03-01"\nnote = 1\nx = 2\n'
        + '[[rule]]\nid = "a"\nstate = "off"\nfrom = 2026-03-01\n' * 2,
        "utf-8",
    )
    with pytest.raises(HandError) as caught:
        read_hand(path)
    says = [
        "'colour' is not known",
        "'rule[0].id' is ''",
        "'rule[0].state' is 'loud'; write one of active, shadow, off",
        "'rule[0].from' is '2026-03-01'; write a day like",
        "'rule[0].note' is 1",
        "'rule[0].x' is not known",
        "'rule[2]' and 'rule[1]' set the same rule from the same day",
    ]
    assert len(caught.value.faults) == len(says), caught.value.faults
    for fault, start in zip(caught.value.faults, says, strict=True):
        assert fault.startswith(start)
    for text, start in (
        ("rule = 1", "'rule' is no list"),
        ("rule = [1]", "'rule[0]' is 1"),
        ("=", "cannot be"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(HandError) as caught:
            read_hand(path)
        assert caught.value.faults[0].startswith(start)
