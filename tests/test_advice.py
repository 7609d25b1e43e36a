"""Advice on coding up and down: what it rests on, and that it is symmetric."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import casemeter_rules
from casemeter_grouper.compiled.bundle import write
from casemeter_rules.advice import Advice, Direction, GroupOutcome, advise, report_of
from casemeter_rules.compiled.book import Book, Told, compile_rules
from casemeter_rules.engine import find
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Phase, Procedure, Stay
from casemeter_rules.finding import FindingClass, RuleState, Tier
from casemeter_rules.kind import Undecided
from casemeter_rules.relations import Relation, relations_of

PACK = Path(casemeter_rules.__file__).parent / "packs" / "integrity"
NOW = 20_540 * MINUTES_PER_DAY


def relation(diagnosis: str, *, procedures: str = "", items: str = "", words: str = "") -> Relation:
    cells = {
        "diagnosis_prefixes": diagnosis,
        "procedure_prefixes": procedures,
        "item_codes": items,
        "item_words": words,
        "name": f"treatment of {diagnosis}",
        "source": "a book",
    }
    values = {column: cell for column, cell in cells.items() if cell}
    number = f"weight_without_evidence:{diagnosis}"
    told = Told(number, "weight_without_evidence", "", ("a book",), RuleState.ACTIVE, Tier.HINT, values)
    return Relation(told, "pack")


J96 = relation("J96", procedures="96.7", items="OXY", words="呼吸机")
E43 = relation("E43", items="NUT")
D62 = relation("D62", items="RBC")
K35 = relation("K35", procedures="47.0")
RELATIONS = (D62, E43, J96, K35)

WEIGHTS = {"J96": 3, "E43": 2, "D62": 2}


def regroup(codes: Sequence[str]) -> GroupOutcome | None:
    """A scheme of three levels by the gravest other diagnosis, and a surgical family that weighs more."""
    if codes[0].startswith("X"):
        return None
    level = max((WEIGHTS.get(code[:3], 1) for code in codes[1:]), default=1)
    family = "G" if codes[0].startswith("K35") else "E"
    return GroupOutcome(f"{family}{4 - level}", f"level {level}", level + (2.0 if family == "G" else 0.0))


def other(code: str, at: int = 1) -> Diagnosis:
    return Diagnosis(code, f"encounter.diagnoses[{at}]", "other", name="named")


def suspected(code: str, at: int = 1) -> Diagnosis:
    return Diagnosis(code, f"encounter.diagnoses[{at}]", "", name="named", state="suspected")


def item(code: str, number: str = "C1", name: str = "as sent") -> Item:
    return Item(code, "encounter.charges.lines[0]", number, name)


def stay_of(*diagnoses: Diagnosis, items: Sequence[Item] | None = (), procedures: Sequence[str] = ()) -> Stay:
    principal = Diagnosis("A00.000", "encounter.diagnoses[0]", "principal")
    return Stay(
        diagnoses=(principal, *diagnoses),
        procedures=tuple(
            Procedure(code, f"encounter.procedures[{at}]") for at, code in enumerate(procedures)
        ),
        items=None if items is None else tuple(items),
        now=NOW,
    )


def advised(stay: Stay) -> list[Advice]:
    return [each for each in advise(stay, RELATIONS, regroup) if isinstance(each, Advice)]


def undecided(stay: Stay) -> list[str]:
    return [each.fact for each in advise(stay, RELATIONS, regroup) if isinstance(each, Undecided)]


def test_a_diagnosis_that_nothing_treats_is_asked_about() -> None:
    (advice,) = advised(stay_of(other("J96.000")))
    assert advice.direction is Direction.LOWER and advice.group.code == "E3"
    (finding,) = report_of([advice]).findings
    assert finding.kind == "weight_without_evidence" and finding.rule == "weight_without_evidence:J96"
    assert finding.tier is Tier.HINT and finding.finding_class is FindingClass.GROUPING
    assert finding.codes == ("J96.000",) and finding.evidence == ("encounter.diagnoses[1]",)
    assert finding.text_zh == (
        "J96.000 named影响入组，无其治疗或监测（treatment of J96）；不计则入E3 level 1"
    )
    assert finding.text_en == (
        "J96.000 named moves the group; nothing in the stay treats or monitors it (treatment of J96); "
        "without it the group is E3 level 1"
    )


@pytest.mark.parametrize(
    "stay",
    [
        stay_of(other("J96.000"), items=[item("OXY01")]),
        stay_of(other("J96.000"), items=[item("Z", name="有创呼吸机辅助通气")]),
        stay_of(other("J96.000"), items=[item("OXY01")._replace(ordered=True)]),
        stay_of(other("J96.000"), procedures=["96.7100"]),
        stay_of(other("I10.x00")),
        stay_of(suspected("J96.000")),
    ],
)
def test_what_is_treated_or_moves_nothing_is_left_alone(stay: Stay) -> None:
    assert advised(stay) == []


@pytest.mark.parametrize(
    ("stay", "fact"),
    [
        (stay_of(other("J96.000"), items=None), "items"),
        (stay_of(other("J96.000"), items=[item("")]), "items"),
        (stay_of(other("J96.000"), items=[item("Z", name="")]), "items"),
        (stay_of(other("J96.000"), procedures=["?1"]), "procedures"),
        (stay_of(suspected("E43.x00"), items=None), "items"),
    ],
)
def test_what_is_not_known_decides_nothing(stay: Stay, fact: str) -> None:
    assert advised(stay) == [] and undecided(stay) == [fact]


def test_an_unknown_weight_decides_nothing() -> None:
    stay = stay_of(other("J96.000"))

    def without_weight(codes: Sequence[str]) -> GroupOutcome | None:
        outcome = regroup(codes)
        return outcome and outcome._replace(weight=None)

    assert advise(stay, RELATIONS, without_weight) == (Undecided("weight"),)


def test_a_suspected_diagnosis_with_its_treatment_is_asked_about() -> None:
    (advice,) = advised(stay_of(suspected("J96.000"), items=[item("OXY01")]))
    assert advice.direction is Direction.HIGHER and advice.group.code == "E1"
    (finding,) = report_of([advice]).findings
    assert finding.kind == "evidence_without_code" and finding.rule == "evidence_without_code:J96"
    assert finding.evidence == ("C1",)
    assert finding.fields == ("encounter.diagnoses[1]", "encounter.charges.lines[0]")
    assert finding.text_zh == "J96.000 named未计入病例，但有相应的诊疗（as sent）；如确立则入E1 level 3"
    assert "if the diagnosis is confirmed, record it" in finding.resolve_en


@pytest.mark.parametrize(
    "stay",
    [
        stay_of(items=[item("OXY01")]),
        stay_of(suspected("J96.000")._replace(state="ruled_out"), items=[item("OXY01")]),
        stay_of(suspected("J96.000")._replace(kind="pathology"), items=[item("OXY01")]),
        stay_of(suspected("?J96"), items=[item("OXY01")]),
        stay_of(suspected("J96.000"), items=[item("Z")]),
        stay_of(other("J96.100"), suspected("J96.000", 2), items=[item("OXY01")]),
    ],
)
def test_no_code_is_proposed_that_is_not_noted_and_treated(stay: Stay) -> None:
    assert advised(stay) == []


def test_a_treatment_that_another_diagnosis_explains_is_no_evidence() -> None:
    also = relation("J44", items="OXY")
    stay = stay_of(other("J44.100"), suspected("J96.000", 2), items=[item("OXY01")])
    assert advise(stay, (*RELATIONS, also), regroup) == ()


def test_two_that_move_the_group_only_together_are_named_together() -> None:
    (advice,) = advised(stay_of(other("E43.x00"), other("D62.x00", 2)))
    assert [each.code for each in advice.diagnoses] == ["E43.x00", "D62.x00"]
    assert advice.group.code == "E3"
    (finding,) = report_of([advice]).findings
    assert finding.codes == ("E43.x00", "D62.x00")


@pytest.mark.parametrize(
    ("principal", "noted", "direction"),
    [("A00.000", "K35.900", Direction.HIGHER), ("K36.x00", "K35.900", Direction.HIGHER)],
)
def test_the_main_procedure_treats_another_diagnosis(
    principal: str, noted: str, direction: Direction
) -> None:
    own = relation(principal[:3], procedures="99.99")
    stay = stay_of(other(noted), procedures=["47.0100"])
    stay = stay._replace(diagnoses=(stay.diagnoses[0]._replace(code=principal), *stay.diagnoses[1:]))
    (advice,) = [each for each in advise(stay, (*RELATIONS, own), regroup) if isinstance(each, Advice)]
    assert advice.direction is direction and [proof.place for proof in advice.evidence] == [
        "encounter.procedures[0]"
    ]
    (finding,) = report_of([advice]).findings
    assert finding.kind == "principal_without_evidence"
    # Without a relation of the principal diagnosis nothing says that it is not treated.
    assert advise(stay, RELATIONS, regroup) == ()


def test_another_principal_is_asked_about_in_the_same_words_up_and_down() -> None:
    own = relation("A00", procedures="99.99")
    stay = stay_of(other("K35.900"), procedures=["47.0100"])

    def falls(codes: Sequence[str]) -> GroupOutcome | None:
        outcome = regroup(codes)
        return outcome and outcome._replace(weight=-(outcome.weight or 0.0))

    texts = []
    for grouping, direction in ((regroup, Direction.HIGHER), (falls, Direction.LOWER)):
        (advice,) = advise(stay, (K35, own), grouping)
        assert isinstance(advice, Advice) and advice.direction is direction
        (finding,) = report_of([advice]).findings
        texts.append((finding.text_zh, finding.text_en, finding.resolve_zh, finding.resolve_en))
    assert texts[0] == texts[1]


def test_a_case_in_no_group_has_no_advice() -> None:
    stay = stay_of(other("J96.000"))
    assert advise(stay, RELATIONS, lambda _: None) == ()
    assert advise(stay._replace(diagnoses=()), RELATIONS, regroup) == ()


def test_states_are_followed() -> None:
    given_advice = advised(stay_of(other("J96.000")))
    number = "weight_without_evidence:J96"
    assert report_of(given_advice, {number: RuleState.OFF}).findings == ()
    (finding,) = report_of(given_advice, {number: RuleState.SHADOW}).findings
    assert finding.state is RuleState.SHADOW


def test_what_raises_the_weight_cannot_be_made_without_evidence() -> None:
    with pytest.raises(ValueError, match="evidence"):
        Advice("evidence_without_code", Direction.HIGHER, (J96,), (), (), GroupOutcome("E1"))


TREATED = {"J96.000": "OXY01", "E43.x00": "NUT01", "D62.x00": "RBC01"}

notes = st.lists(
    st.sampled_from([*TREATED, "J96.100", "I10.x00", "K35.900", "?J96"]), unique=True, max_size=5
)


@given(notes, st.lists(st.sampled_from([*TREATED.values(), "Z"]), max_size=4), st.data())
def test_whatever_raises_the_weight_names_what_the_stay_holds(
    codes: list[str], given_items: list[str], data: st.DataObject
) -> None:
    diagnoses = [data.draw(st.sampled_from((other, suspected)))(code, at) for at, code in enumerate(codes, 1)]
    items = [item(code, f"C{at}") for at, code in enumerate(given_items)]
    procedures = data.draw(st.lists(st.sampled_from(("47.0100", "96.7100", "99.9900")), max_size=2))
    stay = stay_of(*diagnoses, items=items, procedures=procedures)
    own = relation("A00", procedures="99.99")
    now = regroup(["A00.000", *(each.code for each in diagnoses if each.role)])
    assert now is not None and now.weight is not None
    held = {each.id for each in items} | {each.place for each in stay.procedures}
    for advice in advise(stay, (*RELATIONS, own), regroup):
        assert isinstance(advice, Advice) and advice.group.weight is not None
        if advice.direction is Direction.HIGHER:
            assert advice.group.weight > now.weight
            assert advice.evidence and {proof.id for proof in advice.evidence} <= held
        else:
            assert advice.group.weight < now.weight
        for finding in report_of([advice]).findings:
            assert not any(word in finding.text_zh for word in ("权重", "分值", "元", "费用"))
            assert not any(word in finding.text_en for word in ("weight", "yuan", "point"))


def test_up_and_down_come_equally_often_where_both_errors_do() -> None:
    """Stays in which coding too much and too little are equally likely, of each relation."""
    draw = random.Random(20260310)
    found: Counter[Direction] = Counter()
    by_kind: Counter[tuple[str, Direction]] = Counter()
    for _ in range(6_000):
        diagnoses, items = [], []
        for at, (code, treatment) in enumerate(TREATED.items(), 1):
            confirmed, treated = draw.random() < 0.5, draw.random() < 0.5
            if draw.random() < 0.3:
                diagnoses.append((other if confirmed else suspected)(code, at))
                items += [item(treatment, f"C{at}")] if treated else []
        for advice in advised(stay_of(*diagnoses, items=items)):
            found[advice.direction] += 1
            for each in advice.diagnoses:
                by_kind[each.code, advice.direction] += 1
    total = found.total()
    assert total > 500
    # Four standard errors of a fair coin.
    assert abs(found[Direction.HIGHER] - total / 2) < 4 * math.sqrt(total) / 2
    for code in TREATED:
        up, down = by_kind[code, Direction.HIGHER], by_kind[code, Direction.LOWER]
        assert abs(up - down) < 4 * math.sqrt(up + down)


def test_one_row_read_both_ways_and_back() -> None:
    """Leaving a diagnosis out and confirming it are each other's opposite, for each relation alone."""
    for code, treatment in TREATED.items():
        (down,) = advised(stay_of(other(code)))
        (up,) = advised(stay_of(suspected(code), items=[item(treatment)]))
        assert down.relations == up.relations
        plain, grave = regroup(["A00.000"]), regroup(["A00.000", code])
        assert (down.group, up.group) == (plain, grave)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The shipped pack."""
    path = tmp_path_factory.mktemp("advice") / "bundle"
    manifest, arrays, _ = compile_rules(PACK)
    write(path, manifest, arrays)
    return Book.open(path)


def test_shipped_relations_are_read_and_are_shadow(book: Book) -> None:
    relations = relations_of([book])
    assert len(relations) == 8 and {each.pack for each in relations} == {"integrity"}
    assert {each.told.state for each in relations} == {RuleState.SHADOW}
    stay = stay_of(other("J96.000"), items=[item("Z", name="血常规")])
    advice = advise(stay, relations, regroup, Phase.FRONT_PAGE)
    (finding,) = report_of(advice).findings
    assert finding.state is RuleState.SHADOW and finding.pack == "integrity"
    assert finding.bases[0].startswith("compiled:")
    # They say nothing before coding, and nothing by the engine alone.
    assert advise(stay, relations, regroup, Phase.ORDER) == ()
    assert not find([book], stay, Phase.FRONT_PAGE).findings


def test_the_order_of_the_relations_changes_no_advice() -> None:
    stay = stay_of(other("J96.000"), suspected("K35.900", 2), items=[item("NUT01")])
    said = {
        frozenset((each.kind, each.direction, each.group) for each in advise(stay, order, regroup))  # type: ignore[union-attr]
        for order in itertools.permutations(RELATIONS)
    }
    assert len(said) == 1
