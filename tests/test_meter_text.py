"""Money in words: payment, meter, orders, what if, and what a DIP catalogue compares."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format

from casemeter.v1 import meter_pb2, verdict_pb2
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_client._phrases import yuan
from casemeter_client.text import LANGUAGES, lines
from casemeter_grouper.benchmark.categories import SYSTEMS, categories
from casemeter_grouper.dip.catalogue import GroupKind
from casemeter_grouper.dip.explain import Decision
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.caller import Caller
from casemeter_server.evaluation import Evaluator
from casemeter_server.meter_settings import HospitalSettings, Limits, MeterSettings
from casemeter_server.snapshot import Snapshot

VERDICTS = tomllib.loads((Path(__file__).parent / "data" / "meter_verdicts.toml").read_text("utf-8"))[
    "verdict"
]
PHRASES = tomllib.loads((resources.files("casemeter_client") / "phrases.toml").read_text("utf-8"))
ENUMS = {
    "not_priced": meter_pb2.NotPricedReason,
    "price_status": meter_pb2.PriceStatus,
    "signal": meter_pb2.SignalKind,
}
REQUEST = {
    "as_of": "2026-11-06T15:00:00+08:00",
    "encounter": {
        "sex": "SEX_MALE",
        "birth_date": "1958-03-02",
        "admission_time": "2026-11-02T08:40:00+08:00",
        "diagnoses": [{"code": "I63.900"}, {"code": "E87.600"}],
        "charges": {"lines": [{"category": "2", "amount_fen": 312345}]},
        "orders": [{"item": "demo_contrast_imported", "amount_fen": 98000, "placing": True}],
    },
    "alternatives": [{"id": "J96", "changes": [{"add_diagnosis": {"code": "J96.000"}}]}],
}
MARKS = {"zh": "〔演示数据〕", "en": "[demonstration figures]"}


def verdict_of(values: dict[str, Any]) -> verdict_pb2.Verdict:
    message = {key: value for key, value in values.items() if key != "name"}
    return json_format.ParseDict(message, verdict_pb2.Verdict())


def said(start: str, language: str = "en") -> list[str]:
    """The lines of the verdict whose name starts so."""
    (values,) = (values for values in VERDICTS if values["name"].startswith(start))
    return lines(verdict_of(values), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_verdicts_with_money_in_words(language: str, golden: Callable[[str, str], None]) -> None:
    texts = ["\n".join((f"# {values['name']}", *lines(verdict_of(values), language))) for values in VERDICTS]
    golden(f"meter_verdicts_{language}.txt", "\n\n".join(texts) + "\n")


@pytest.mark.parametrize("section", ["money", "meter", "catalogue", "price_status", "signal"])
def test_the_verdicts_show_every_phrase_of_a_section(section: str) -> None:
    """A phrase that no golden file shows may hold a mistake."""
    text = "\n".join(line for values in VERDICTS for line in lines(verdict_of(values), "en"))
    for key, phrase in PHRASES[section].items():
        parts = [re.escape(part) for part in re.split(r"{\w+}", phrase["en"])]
        assert re.search(".*".join(parts), text), f"{section}.{key}"


@pytest.mark.parametrize("section", ENUMS)
def test_every_value_of_an_enumeration_has_its_phrase(section: str) -> None:
    # The value 0 of each means that there is nothing to say.
    assert PHRASES[section].keys() == {name for name, number in ENUMS[section].items() if number}


def test_everything_that_decides_in_a_catalogue_has_its_phrase() -> None:
    assert PHRASES["decided_by"].keys() == {str(decision) for decision in Decision}
    assert PHRASES["catalogue_kind"].keys() == {str(kind) for kind in GroupKind}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_fee_category_has_its_name(system: str) -> None:
    expected = {
        code: {"zh": entry.name_zh, "en": entry.name_en} for code, entry in categories(system).items()
    }
    assert PHRASES[system] == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_with_invented_figures_is_marked(language: str) -> None:
    shown = said("everything", language)
    figures = [line for line in shown if re.search(r"¥|\d\.\d\d|\d%", line)]
    assert len(figures) >= 14
    # Sums of the stay's own charges are not invented.
    own = [line for line in figures if MARKS[language] not in line]
    assert [line for line in own if not re.match("  (已开未计费|ordered)", line)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_of_real_packs_are_not_marked(language: str) -> None:
    assert not any(MARKS[language] in line for line in said("one order", language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_hidden_money_is_never_shown(language: str) -> None:
    shown = "\n".join(said("money is hidden", language))
    assert "¥" not in shown
    assert "0.20 → 0.41" in shown
    assert "None" not in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_role_that_sees_no_money_reads_none(language: str, bundles: Path) -> None:
    """The words of a real reply, with an order and an alternative, hold no sum that the server hides."""
    packs = ("chs_drg_11", "demo_payment_chs_drg_11", "demo_benchmark_chs_drg_11")
    snapshot = Snapshot.open([build_cached(find_pack(name), bundles) for name in packs])
    settings = MeterSettings(HospitalSettings(money_for=frozenset(("office",)), limits=Limits((0.1,), 0.2)))
    evaluator = Evaluator(snapshot, ZoneInfo("Asia/Shanghai"), settings)
    request = json_format.ParseDict(REQUEST, EvaluateRequest())
    shown, hidden = (
        lines(evaluator.evaluate(request, Caller(role=role)).verdict, language)
        for role in ("office", "physician")
    )
    assert sum("¥" in line for line in shown) >= 7
    assert not any("¥" in line for line in hidden)
    assert [line for line in shown if line.startswith("  ! ")] == [
        line for line in hidden if line.startswith("  ! ")
    ]
    assert len(hidden) >= 9


def test_the_order_moves_from_the_running_multiple() -> None:
    assert any("order 1: 0.86 → 0.93 of the payment" in line for line in said("everything"))
    # The band's divisor is another than the payment here.
    assert "  this order: multiple 2.10 → 2.13" in said("one order")


def test_signals_come_first_and_are_marked_for_the_eye() -> None:
    shown = said("everything")
    assert [line[:4] for line in shown[2:5]] == ["  ! ", "  ! ", "  pa"]


def test_a_catalogue_has_no_empty_places() -> None:
    head = said("a DIP catalogue")[1]
    assert head == "  core group · pack shanghai_2021"
    assert not any("MDC" in line or "ADRG" in line for line in said("a DIP catalogue"))


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "¥0.00"),
        (5, "¥0.05"),
        (-5, "-¥0.05"),
        (1234560, "¥12,345.60"),
        (-123456789, "-¥1,234,567.89"),
        (10_000_000_000, "¥100,000,000.00"),
    ],
)
def test_money_is_written_in_yuan_to_the_fen(fen: int, text: str) -> None:
    assert yuan(fen) == text


@pytest.mark.parametrize("reason", [name for name, number in meter_pb2.NotPricedReason.items() if number])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_for_no_payment_is_said(reason: str, language: str) -> None:
    values = {"status": "GROUP_STATUS_NOT_YET", "payment": {"absent": reason}, "meter": {"cost_fen": 100}}
    verdict = verdict_of(values)
    assert any(PHRASES["not_priced"][reason][language] in line for line in lines(verdict, language))


def test_a_verdict_without_charges_says_nothing_of_money() -> None:
    verdict = verdict_of({"status": "GROUP_STATUS_NOT_YET"})
    assert lines(verdict, "en") == ["Not groupable yet: no diagnosis"]
