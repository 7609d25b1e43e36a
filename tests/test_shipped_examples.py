"""Every row of the shipped packs has an example that it finds and one that it leaves alone, by the engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from casemeter_grouper.pack.build import build
from casemeter_grouper.pack.dictionaries import read_dictionary
from casemeter_grouper.pack.shipped import find_pack
from casemeter_rules.advice import GroupOutcome, advise, report_of
from casemeter_rules.checking import check_rules
from casemeter_rules.checking.tried import Tried
from casemeter_rules.checking.written import read_examples
from casemeter_rules.compiled.book import Book
from casemeter_rules.engine import Report, find
from casemeter_rules.examples import day_of, examples_of
from casemeter_rules.facts import MINUTES_PER_DAY, Phase
from casemeter_rules.kind import Context, Example, Hit, Kind, Rule
from casemeter_rules.kinds import kinds
from casemeter_rules.pack.load import RulesPack, load_rules
from casemeter_rules.relations import KINDS as RELATIONS
from casemeter_rules.relations import relations_of

PACKS = ("orders", "coding_quality", "integrity")


def told_of(folder: Path, pack: RulesPack) -> Iterator[tuple[Rule, list[Example]]]:
    """Every rule of a pack with its examples, one of each sort of those that are made."""
    context = Context(read_dictionary(folder, []), pack.sets)
    written: dict[str, list[Example]] = defaultdict(list)
    for each in read_examples(folder, pack.rules, []):
        written[each.rule.id].append(each.example)
    for rule in pack.rules.values():
        yield rule, [*written[rule.id], *examples_of(rule, kinds()[rule.kind], context)]


def reported(book: Book, rule: Rule, example: Example) -> Report:
    """What the engine says of an example; relations are read by who advises on coding."""
    stay = example.stay._replace(now=day_of(rule) * MINUTES_PER_DAY)
    if rule.kind in RELATIONS:
        own = [relation for relation in relations_of([book]) if relation.told.id == rule.id]
        return report_of(advise(stay, own, lambda codes: GroupOutcome(str(len(codes)), "", len(codes))))
    return find([book], stay, Phase(example.phase or rule.phases[0]))


@pytest.mark.parametrize("name", PACKS)
def test_every_row_has_examples_that_come_out(name: str, tmp_path: Path) -> None:
    folder = find_pack(name)
    build(folder, tmp_path / "x.bundle")
    book = Book.open(tmp_path / "x.bundle")
    wrong, without = [], []
    for rule, examples in told_of(folder, load_rules(folder)):
        came: set[bool] = set()
        for fires in (True, False):
            # Of many, the first few: the check tries them all.
            for example in [each for each in examples if each.fires is fires][:3]:
                findings = reported(book, rule, example).findings
                if fires == any(found.rule == rule.id for found in findings):
                    came.add(fires)
                elif kinds()[rule.kind].confirm is None:
                    wrong.append((rule.place, fires))
        if came != {True, False}:
            without.append(rule.place)
    assert (wrong, without) == ([], [])


@pytest.mark.parametrize("name", PACKS)
def test_a_shipped_pack_is_without_warnings(name: str) -> None:
    assert [fault.line() for fault in check_rules(find_pack(name))] == []


def _always(*_: object) -> Hit:
    return Hit(("encounter",))


def _never(*_: object) -> None:
    return None


def _shipped_kinds_that_look_again() -> list[str]:
    """Kinds with ``confirm`` that the shipped packs have tables of; the others have rows made up below."""
    tables = {path.stem for name in PACKS for path in find_pack(name).glob("*.csv")}
    return sorted(name for name in tables & kinds().keys() if kinds()[name].confirm and name != "condition")


@pytest.mark.parametrize("kind", _shipped_kinds_that_look_again())
@pytest.mark.parametrize("confirm", [_always, _never])
def test_a_kind_that_looks_wrongly_is_noticed(kind: str, confirm: object) -> None:
    packs = [(find_pack(name), load_rules(find_pack(name))) for name in PACKS]
    met = [
        (folder, pack, each) for folder, pack in packs for each in pack.rules.values() if each.kind == kind
    ]
    found = []
    for folder, pack, rule in met:
        wrong: dict[str, Kind] = {kind: replace(kinds()[kind], confirm=confirm)}  # type: ignore[arg-type]
        context = Context(read_dictionary(folder, []), pack.sets)
        found += [fault.kind for fault in Tried({rule.id: rule}, wrong, context, []).faults()]
    assert "example_fails" in found


TABLES = {
    "unit_price": "codes,max_yuan,basis\n1|2,12.34,x\n",
    "total_amount": "codes,max_yuan,basis\n1|2,100,x\n",
    "department": "codes,departments,basis\n1,A01|A02,x\n",
    "evidence_without_code": "diagnosis_prefixes,item_words,name,source,basis\nJ96|J80,氧,氧疗,x,x\n",
    "principal_without_evidence": "diagnosis_prefixes,procedure_prefixes,name,source,basis\nK35,47.0,y,x,x\n",
    "below_standard": "max_days,max_cost_yuan,min_examination_share,examination_categories,basis\n"
    "2,500,66.6,03,x\n"
    "3,500,,,x\n",
    "frequent_stays": "most,period_days,scope,exempt_when,basis\n1,1,campus,planned_surgery,x\n",
    "readmission": "within_days,same,scope,exempt_when,basis\n0,group,campus,left_without_order,x\n",
    "shifted_cost": "to,edge_days,max_share,scope,basis\noutpatient,0,,campus,x\npatient,,33.3333,,x\n",
    "length_of_stay": "field,tolerance,basis\nact_ipt_days,3,x\n",
    "fee_sum": "total,parts,relation,basis\nD01,D11,equals,x\n",
    "time_order": "chain,name,basis\nadm_time < anst_begntime <= dscg_time,a,x\n",
    "day_surgery": "check,most_hours,basis\ntoo_long,0,x\n",
    "field": "field,check,limit,applies_to,basis\n"
    "a1|a2,required,,principal=R69;no_diagnosis=Z99;dscg_way!=1;bld_cat=*,x\n"
    "poscode,length,1,not_newborn;in_hospital,x\na3,range,0.5..,under_one_year,x\na4,range,..9,tcm;alive,x\n"
    "a5|a6,in_value_set,1|2,day_surgery;without_procedure,x\na7,duration,1..2,a8!=*,x\na9_code,in_value_set,,,x\n",
}
"""Rows that the shipped packs do not have."""


@pytest.mark.parametrize("kind", TABLES)
def test_other_rows_have_examples_that_come_out(kind: str, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('id = "a"\nkind = "rules"\ntitle = "a"\n', "utf-8")
    (tmp_path / f"{kind}.csv").write_text(TABLES[kind], "utf-8")
    assert [fault.line() for fault in check_rules(tmp_path) if "prefix_of" not in fault.kind] == []
