"""What if: an alternative is answered as if its changes had been sent, to the fen."""

from __future__ import annotations

import random
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from casemeter.v1.charges_pb2 import CATEGORY_SYSTEM_FRONT_PAGE, Order
from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.meter_pb2 import Alternative, Standing
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.verdict_pb2 import Verdict
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.caller import Caller
from casemeter_server.evaluation import Evaluator
from casemeter_server.meter_settings import HospitalSettings, MeterSettings
from casemeter_server.snapshot import Snapshot
from live import pricing
from shared_cases import AS_OF, encounter_of, read

ZONE = ZoneInfo("Asia/Shanghai")
DIAGNOSES = ("I63.900", "J96.000", "E11.900", "I10.x00x002", "K35.900", "S06.500", "Q99.zzz", "i6３.900")
PROCEDURES = ("39.7200", "47.0100", "96.7201", "88.4101", "99.9999")
ITEMS = ("X1", "demo_meals", "")
ALTERNATIVES = 2


def evaluated(evaluator: Evaluator, pack: str, encounter: Encounter, *asked: Alternative) -> Verdict:
    request = EvaluateRequest(pack=pack, encounter=encounter, alternatives=asked)
    request.as_of.FromDatetime(AS_OF)
    return evaluator.evaluate(request, Caller()).verdict


def standing_of(verdict: Verdict) -> Standing:
    """Where a whole verdict says that the stay stands."""
    payment, meter = verdict.payment, verdict.meter
    standing = Standing(group=verdict.group.code, group_name=verdict.group.name, not_priced=payment.absent)
    for name in ("standard_fen", "payment_fen", "margin_fen"):
        if payment.HasField(name):
            setattr(standing, name, getattr(payment, name))
    for name in ("cost_fen", "multiple", "multiple_of_benchmark"):
        if meter.HasField(name):
            setattr(standing, name, getattr(meter, name))
    standing.band = payment.band.name
    return standing


def drawn(encounter: Encounter, chance: random.Random) -> tuple[Alternative, Encounter]:
    """Changes, and the encounter with these changes made, by list operations of its own."""
    alternative = Alternative(id=str(chance.random()))
    diagnoses = [entry.code for entry in encounter.diagnoses]
    procedures = [entry.code for entry in encounter.procedures]
    edited = Encounter()
    edited.CopyFrom(encounter)
    for _ in range(chance.randrange(1, 4)):
        change = alternative.changes.add()
        kind, codes, known = chance.choice(
            (("diagnosis", diagnoses, DIAGNOSES), ("procedure", procedures, PROCEDURES))
        )
        match chance.randrange(4 if codes else 2):
            case 0:
                order = Order(item=chance.choice(ITEMS), amount_fen=chance.randrange(2_000_000))
                change.charge_order.CopyFrom(order)
                edited.charges.lines.add(item=order.item, amount_fen=order.amount_fen)
            case 1:
                codes.append(chance.choice(known))
                getattr(change, f"add_{kind}").code = codes[-1]
            case 2:
                at = chance.randrange(len(codes))
                setattr(change, f"drop_{kind}", at)
                codes[at : at + 1] = []
            case 3:
                at = chance.randrange(len(codes))
                setattr(change, f"promote_{kind}", at)
                codes[:] = [codes[at], *codes[:at], *codes[at + 1 :]]
    del edited.diagnoses[:], edited.procedures[:]
    for code in diagnoses:
        edited.diagnoses.add(code=code)
    for code in procedures:
        edited.procedures.add(code=code)
    return alternative, edited


def check(evaluator: Evaluator, pack: str, encounter: Encounter, chance: random.Random) -> set[str]:
    """Compare alternatives with full computations; return the bands met."""
    pairs = [drawn(encounter, chance) for _ in range(ALTERNATIVES)]
    verdict = evaluated(evaluator, pack, encounter, *(alternative for alternative, _ in pairs))
    bands = set()
    for answer, (alternative, edited) in zip(verdict.alternatives, pairs, strict=True):
        assert answer.id == alternative.id
        assert answer.after == standing_of(evaluated(evaluator, pack, edited)), alternative
        bands.add(answer.after.band)
    return bands


def test_5000_cases_with_two_alternatives_each(shared: Path, bundles: Path, default_bundle: Path) -> None:
    evaluator = Evaluator(Snapshot.open([default_bundle, *pricing(bundles)]), ZONE)
    chance = random.Random(5)
    bands: set[str] = set()
    count = 0
    for expected in read(shared, "chs_drg_11"):
        count += 1
        encounter = encounter_of(expected.case)
        encounter.charges.category_system = CATEGORY_SYSTEM_FRONT_PAGE
        encounter.charges.lines.add(category="3", amount_fen=chance.randrange(1, 6_000_000))
        bands |= check(evaluator, "chs_drg_11", encounter, chance)
    assert count == 5_000
    assert bands == {"", "low", "normal", "high"}


def test_a_catalogue_whose_group_turns_with_the_cost(bundles: Path) -> None:
    packs = [build_cached(find_pack(name), bundles) for name in ("demo_dip", "demo_payment_dip")]
    evaluator = Evaluator(Snapshot.open(packs), ZONE)
    chance = random.Random(6)
    encounter = Encounter(
        diagnoses=[{"code": "I20.000"}], procedures=[{"code": "88.5500"}, {"code": "88.5600"}]
    )
    groups = set()
    for _ in range(300):
        del encounter.charges.lines[:]
        encounter.charges.lines.add(amount_fen=chance.randrange(1, 3_000_000))
        groups.add(evaluated(evaluator, "demo_dip", encounter).group.code)
        check(evaluator, "demo_dip", encounter, chance)
    assert len(groups) == 2


def test_without_charges_an_alternative_tells_the_group_only(default_bundle: Path) -> None:
    evaluator = Evaluator(Snapshot.open([default_bundle]), ZONE)
    encounter = Encounter(diagnoses=[{"code": "I63.900"}])
    asked = Alternative(id="a", changes=[{"add_diagnosis": {"code": "J96.000"}}])
    verdict = evaluated(
        evaluator, "", encounter, asked, Alternative(), Alternative(changes=[{"drop_diagnosis": 0}])
    )
    assert [answer.after.group for answer in verdict.alternatives] == ["BR21", "BR25", ""]
    assert {field.name for field, _ in verdict.alternatives[0].after.ListFields()} == {"group", "group_name"}
    assert not verdict.HasField("meter")
    assert not verdict.HasField("payment")


@pytest.mark.parametrize("money_for", [[], ["office"]])
def test_alternatives_hide_money_too(money_for: list[str], bundles: Path, default_bundle: Path) -> None:
    settings = MeterSettings(HospitalSettings(money_for=frozenset(money_for)))
    evaluator = Evaluator(Snapshot.open([default_bundle, *pricing(bundles)]), ZONE, settings)
    encounter = Encounter(diagnoses=[{"code": "I63.900"}], charges={"lines": [{"amount_fen": 100_000}]})
    order = {"charge_order": {"amount_fen": 100_000}}
    asked = (
        Alternative(changes=[order]),
        Alternative(changes=[order, {"add_diagnosis": {"code": "J96.000"}}]),
        Alternative(changes=[{"add_procedure": {"code": "39.7200"}}]),
    )
    shown = [
        {field.name for field, _ in answer.after.ListFields()}
        for answer in evaluated(evaluator, "", encounter, *asked).alternatives
    ]
    assert shown == [
        {"group", "group_name", "multiple", "multiple_of_benchmark", "band"},
        {"group", "group_name"},  # what another coding would pay is not for those who code
        {"group", "group_name"},
    ]
