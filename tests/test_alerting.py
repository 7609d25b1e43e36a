"""How findings are shown: sequences of replies as data, and what no sequence may ever do."""

from __future__ import annotations

import dataclasses
import re
import textwrap
import tomllib
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts_replay import BAD, replay
from casemeter_rules import kinds
from casemeter_rules.alerting import settings
from casemeter_rules.alerting.alert import (
    Answer,
    AnswerKind,
    EarlierAlert,
    History,
    Presentation,
    Presented,
    Why,
    alert_key,
    as_shown,
)
from casemeter_rules.alerting.overrides import check_answer, holds, shipped_reasons
from casemeter_rules.alerting.policy import Learning, Policy, present, refuses, unknown
from casemeter_rules.alerting.redact import redact, without_money
from casemeter_rules.alerting.roles import ADVICE, CODER, PHYSICIAN, Role, role_of, shipped_roles
from casemeter_rules.alerting.settings import AlertSettingsError, read_policy
from casemeter_rules.facts import Phase
from casemeter_rules.finding import Finding, FindingClass, RuleState, Tier, worst_first
from common import Tally

CASES = tomllib.loads((Path(__file__).parent / "data" / "alerting.toml").read_text("utf-8"))
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
TIERS = {"hint": Tier.HINT, "warn": Tier.WARN, "stop": Tier.STOP}


def finding(rule: str = "a", **values: Any) -> Finding:
    return Finding(
        rule=rule,
        kind=values.get("kind", rule),
        official_type="",
        tier=TIERS[values.get("tier", "stop")],
        finding_class=FindingClass(values.get("class", "order")),
        subclass="",
        state=RuleState(values.get("state", "active")),
        fields=(),
        codes=(),
        evidence=tuple(values.get("evidence", ("o1",))),
        bases=(),
        text_zh=values.get("zh", ""),
        text_en=values.get("en", ""),
        resolve_zh="",
        resolve_en="",
        overrides=tuple(values.get("overrides", ())),
        band=values.get("band", ""),
    )


def recorded(history: History, shown: tuple[Presented, ...], at: int, answers: dict[str, Answer]) -> History:
    """What the next reply is told, as a recorder would keep it: an answer stands at the alert it answers."""
    alerts = (*history.alerts, *(as_shown(one, START + timedelta(minutes=at), id=f"{at}") for one in shown))
    return History(
        tuple(
            one._replace(answer=answers[one.rule]) if one.rule in answers and one.id == f"{at}" else one
            for one in alerts
        )
    )


@pytest.mark.parametrize("case", CASES["sequence"], ids=lambda case: case["name"])
def test_sequences(case: dict[str, Any]) -> None:
    policy = Policy(
        budget=case.get("budget", 6),
        overridden=Presentation(case.get("overridden", "silent")),
        hint=Presentation(case.get("hint", "inline")),
    )
    role = case.get("role", "physician")
    history = History()
    for at, step in enumerate(case["steps"]):
        findings = [finding(**entry) for entry in step["findings"]]
        told = None if step.get("history") == "unknown" else history
        shown = present(findings, told, step.get("interruptions"), role, policy)
        assert [f"{one.presentation} {one.reason}" for one in shown] == step["shows"], f"step {at}"
        if "unknown" in step:
            assert list(unknown(told, step.get("interruptions"))) == step["unknown"]
        if "refuses" in step:
            assert [one.rule for one in refuses(shown, Phase(case["phase"]), role)] == step["refuses"]
        answers = {
            rule: Answer(AnswerKind(given["kind"]), given.get("reason", ""), given.get("text", ""))
            for rule, given in step.get("answers", {}).items()
        }
        history = recorded(history, shown, at, answers)


def test_a_repetition_names_what_it_repeats() -> None:
    policy = Policy(budget=1)
    findings = [finding("a"), finding("b")]
    first = present(findings, History(), 0, "", policy)
    second = present(findings, recorded(History(), first, 1, {}), 0, "", policy)
    assert second[0].repeat_of == as_shown(first[0], START + timedelta(minutes=1), id="1")
    assert second[1].reason is Why.NONE
    assert second[1].repeat_of is None
    answer = Answer(AnswerKind.OVERRIDDEN, "emergency")
    third = present(findings, recorded(History(), first, 1, {"a": answer}), 0, "", policy)
    assert third[0].answer == answer
    assert third[0].repeat_of is not None


def test_the_key_is_of_rule_evidence_band_and_tier_only() -> None:
    one = finding("a", evidence=["o1", "o2"])
    same = finding("a", evidence=["o2", "o1"], kind="x", zh="other words", state="shadow", overrides=["y"])
    assert alert_key(one) == alert_key(same) == "5c06937b8b15267c"
    others = [
        finding("b", evidence=["o1", "o2"]),
        finding("a", evidence=["o1"]),
        finding("a", evidence=["o1,o2"]),
        finding("a", evidence=["o1", "o2"], band="1"),
        finding("a", evidence=["o1", "o2"], tier="warn"),
    ]
    assert len({alert_key(other) for other in (one, *others)}) == 6


# What no sequence may ever do

FINDINGS = st.builds(
    lambda rule, tier, kind, evidence, band, state: finding(
        rule, tier=tier, **{"class": kind}, evidence=evidence, band=band, state=state
    ),
    st.sampled_from("abcd"),
    st.sampled_from(["stop", "stop", "warn", "hint"]),
    st.sampled_from([*FindingClass]),
    st.lists(st.sampled_from(["o1", "o2"]), max_size=2),
    st.sampled_from(["", "1"]),
    st.sampled_from(["active", "active", "active", "shadow"]),
)
ANSWERS = st.builds(
    Answer,
    st.sampled_from(AnswerKind),
    st.sampled_from(["", "emergency", "data_will_be_corrected", "specialist_advice", "no such reason"]),
    st.sampled_from(["", "asdf", "肾内科会诊建议继续"]),
)
STEPS = st.tuples(
    st.lists(FINDINGS, max_size=6),
    st.none() | st.integers(0, 8),
    st.sampled_from(["physician", "coder", "office", "pharmacist", ""]),
    st.dictionaries(st.sampled_from("abcd"), ANSWERS, max_size=2),
)
POLICIES = st.builds(
    Policy,
    budget=st.integers(0, 4),
    overridden=st.sampled_from([Presentation.INLINE, Presentation.SILENT]),
    hint=st.sampled_from([Presentation.INLINE, Presentation.SILENT]),
)


@given(st.lists(STEPS, max_size=8), POLICIES)
def test_whatever_comes(steps: list[Any], policy: Policy) -> None:
    history = History()
    interruptions: Counter[str] = Counter()
    for at, (findings, count, role, answers) in enumerate(steps):
        before = (list(findings), history)
        shown = present(findings, history, count, role, policy)
        assert shown == present(findings, history, count, role, policy)
        assert (findings, history) == before
        keys = [alert_key(one) for one in findings]
        assert [one.alert_key for one in shown] == keys, "a finding is gone, or the order is another"
        assert [one.finding._replace(text_zh="") for one in shown] == findings
        interrupting = [one for one in shown if one.presentation is Presentation.INTERRUPT]
        assert len(interrupting) <= max(0, policy.budget - (count or 0))
        assert all(one.finding.tier is Tier.STOP for one in interrupting)
        interruptions.update(one.alert_key for one in interrupting)
        for one in shown:
            _check(one, history, role, policy)
        waiting = [one.finding for one in shown if one.reason is Why.BUDGET]
        for one in interrupting:
            assert all(worst_first(one.finding) <= worst_first(other) for other in waiting)
        history = recorded(history, shown, at, answers)
    assert all(count == 1 for count in interruptions.values())


def _check(one: Presented, history: History, role: str, policy: Policy) -> None:
    """What holds for each finding that is shown."""
    limit = role_of(policy.roles, role).most(one.finding)
    order = [Presentation.INTERRUPT, Presentation.INLINE, Presentation.SILENT]
    assert order.index(one.presentation) >= order.index(limit)
    if one.finding.tier is Tier.STOP and one.presentation is Presentation.SILENT:
        assert one.reason in (Why.SHADOW, Why.ROLE, Why.ANSWERED)
        assert (one.reason is Why.SHADOW) == (one.finding.state is RuleState.SHADOW)
        assert one.reason is not Why.ROLE or limit is Presentation.SILENT
        if one.reason is Why.ANSWERED:
            given = [early.answer for early in history.alerts if early.alert_key == one.alert_key]
            assert any(holds(answer, one.finding, policy.reasons) for answer in given)
    assert (one.answer is not None) == (one.reason is Why.ANSWERED)


@given(st.lists(FINDINGS, max_size=6), st.none() | st.integers(0, 8), st.sampled_from(Phase))
def test_no_order_is_ever_refused(findings: list[Finding], count: int | None, phase: Phase) -> None:
    for role in (*shipped_roles(), ""):
        shown = present(findings, None, count, role, Policy())
        refused = refuses(shown, phase, role)
        assert not refused or (phase is Phase.SUBMISSION and role == CODER)
        assert set(refused) <= set(findings)


def test_a_generated_day_breaks_no_promise() -> None:
    """Repetitions, lost stops, the bad rule and the good ones: what the benchmark shows of ten days."""
    tally = Tally()
    done = replay(days=1, orders=4000, seed=20, tally=tally)
    assert not tally.failures
    assert done.gone == {BAD: 1}
    assert done.taught.interruptions < done.untaught.interruptions
    assert 2 * done.after.interruptions < done.before.interruptions
    assert done.narrow.busiest == 1


# Answers


@pytest.mark.parametrize("case", CASES["answer"], ids=lambda case: repr(case.get("text", case.get("reason"))))
def test_answers(case: dict[str, Any]) -> None:
    kind = AnswerKind(case.get("kind", "overridden"))
    answer = Answer(kind, case.get("reason", "emergency"), case.get("text", "") * case.get("repeat", 1))
    faults = check_answer(answer, finding())
    assert [f"{'*' * fault.blocking}{fault.code}" for fault in faults] == case.get("faults", [])
    for fault in faults:
        assert fault.zh and fault.en and "{" not in fault.zh + fault.en
    assert holds(answer, finding(), shipped_reasons()) is not any(fault.blocking for fault in faults)


@given(st.builds(Answer, st.sampled_from(AnswerKind), st.text(max_size=20), st.text(max_size=60)))
def test_no_answer_is_an_exception(answer: Answer) -> None:
    check_answer(answer)
    check_answer(answer, finding("a", **{"class": "grouping"}))


def test_reasons_fit_by_class_and_kind() -> None:
    reasons = shipped_reasons()
    assert len(reasons.by_code) >= 12
    for name in FindingClass:
        fitting = reasons.for_finding(finding(**{"class": name}))
        assert fitting, f"nothing can be answered to {name}"
        assert any(reason.rule_wrong for reason in fitting)
    assert not reasons.by_code["emergency"].fits(finding(**{"class": "validity"}))
    for reason in reasons.by_code.values():
        assert reason.zh and reason.en and reason.classes

    by_kind = dataclasses.replace(reasons.by_code["emergency"], kinds=("drug_*",))
    assert by_kind.fits(finding(kind="drug_sex"))
    assert not by_kind.fits(finding(kind="item_sex"))


def test_every_reason_that_a_kind_of_rules_names_is_known() -> None:
    reasons = shipped_reasons()
    for path in sorted(Path(kinds.__path__[0]).rglob("*.py")):
        for named in re.findall(r"\boverrides=\(([^()]*)\)", path.read_text("utf-8")):
            for code in re.findall(r'"([^"]+)"', named):
                assert code in reasons.by_code, f"{path.name} names '{code}'; overrides.toml does not have it"


def test_a_reason_may_go_by_several_codes() -> None:
    reasons = shipped_reasons()
    one = finding(overrides=["data_wrong"])
    assert [reason.code for reason in reasons.for_finding(one)] == ["data_will_be_corrected"]
    for code in ("data_wrong", "data_will_be_corrected"):
        assert holds(Answer(AnswerKind.OVERRIDDEN, code), one, reasons)
    assert not holds(Answer(AnswerKind.OVERRIDDEN, "emergency"), one, reasons)
    codes = [
        code for reason in dict.fromkeys(reasons.by_code.values()) for code in (reason.code, *reason.also)
    ]
    assert len(codes) == len(set(codes)) == len(reasons.by_code)


def test_the_order_in_which_history_comes_does_not_matter() -> None:
    first = present([finding()], History(), 0, "", Policy())[0]
    overridden = as_shown(first, START)._replace(answer=Answer(AnswerKind.OVERRIDDEN, "emergency"))
    gone = as_shown(first, START + timedelta(hours=1))._replace(answer=Answer(AnswerKind.CAUSE_GONE))
    for alerts in ((overridden, gone), (gone, overridden)):
        assert present([finding()], History(alerts), 0, "", Policy())[0].reason is Why.REPEAT_OF


# Roles and texts


@pytest.mark.parametrize("case", CASES["text"], ids=lambda case: case["reads"])
def test_texts_without_money(case: dict[str, str]) -> None:
    language = "zh" if "zh" in case else "en"
    assert redact(case[language], language) == case["reads"]
    assert redact(case["reads"], language) == case["reads"]


def test_only_coding_advice_loses_its_money_and_only_for_whom_it_should() -> None:
    order, advice = (finding("a", **{"class": name}, zh="多 300 元") for name in ("order", "validity"))
    assert without_money(order) == order
    for role, reads in (
        ("physician", "多 （略）"),
        ("", "多 （略）"),
        ("coder", "多 300 元"),
        ("office", "多 300 元"),
    ):
        shown = present([order, advice], History(), 0, role, Policy())
        assert [one.finding.text_zh for one in shown] == ["多 300 元", reads]
        assert shown[1].alert_key == alert_key(advice)


def test_a_kind_may_differ_from_its_class_but_advice_never_interrupts_a_physician() -> None:
    plain = shipped_roles()[PHYSICIAN]
    role = Role(
        plain.classes,
        (
            ("upcoding", Presentation.INLINE),
            ("missing_*", Presentation.INTERRUPT),
            ("*", Presentation.SILENT),
        ),
    )
    policy = Policy(roles={PHYSICIAN: role})
    findings = [
        finding("a", kind="upcoding", **{"class": "integrity"}),
        finding("b", kind="missing_code", **{"class": "completeness"}),
        finding("c", kind="missing_item", **{"class": "order"}),
        finding("d", kind="other"),
    ]
    shown = present(findings, History(), 0, "physician", policy)
    assert [one.presentation for one in shown] == ["inline", "inline", "interrupt", "silent"]
    assert all(plain.classes[name] is not Presentation.INTERRUPT for name in ADVICE)


# Settings


def written(folder: Path, text: str) -> Path:
    (folder / "alerting.toml").write_text(text, "utf-8")
    return folder / "alerting.toml"


@pytest.mark.parametrize("case", CASES["settings"], ids=lambda case: case["name"])
def test_every_fault_is_told_at_once(case: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(AlertSettingsError) as caught:
        read_policy(written(tmp_path, case["text"]))
    assert len(caught.value.faults) == len(case["says"]), caught.value.faults
    for fault, says in zip(caught.value.faults, case["says"], strict=True):
        assert fault.startswith(says)


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    assert read_policy(written(tmp_path, "")) == Policy()


def test_the_example_of_the_module_is_read(tmp_path: Path) -> None:
    assert settings.__doc__
    policy = read_policy(written(tmp_path, textwrap.dedent(settings.__doc__.partition("::\n")[2])))
    shipped = shipped_roles()
    physician = Role(shipped[PHYSICIAN].classes, (("item_frequency*", Presentation.INLINE),))
    nurse = Role({**physician.classes, FindingClass.ORDER: Presentation.INLINE}, physician.kinds)
    assert policy == Policy(
        roles={**shipped, PHYSICIAN: physician, "head_nurse": nurse}, learning=Learning(0.5, 20, 0.05, 10_000)
    )


def test_an_earlier_alert_can_be_kept_and_read_back() -> None:
    shown = present([finding()], History(), 0, "", Policy())
    early = as_shown(shown[0], START, id="7")
    assert early == EarlierAlert(*early)
    assert (early.alert_key, early.rule, early.tier) == (shown[0].alert_key, "a", Tier.STOP)
