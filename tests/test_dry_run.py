"""A dry run: what a new pack would change, over stays at hand and over those of a store."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from casemeter.v1.finding_pb2 import CARE_PHASE_SUBMISSION, CARE_PHASE_UNSPECIFIED
from casemeter.v1.living_pb2 import EncounterEvent
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_grouper.pack.build import build_cached
from casemeter_rules.alerting.policy import Learning
from casemeter_rules.alerting.shadow import Entry, write_shadow
from casemeter_rules.finding import RuleState
from casemeter_server.caller import Caller
from casemeter_server.cli.main import app
from casemeter_server.dry_run.compare import Alert, Comparison, Outcome, RuleChange, Stay, compare
from casemeter_server.dry_run.packs import Named, Trial, trial
from casemeter_server.dry_run.report import Report
from casemeter_server.dry_run.stored import changed, opened
from casemeter_server.dry_run.stored import stays as stored_stays
from casemeter_server.evaluation import Evaluator
from casemeter_server.meter_settings import HospitalSettings, MeterSettings
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.rows import StoredEvent
from casemeter_server.store.store import Store, Writing

DATA = Path(__file__).parent / "data"
STAYS = tomllib.loads((DATA / "dry_run_stays.toml").read_text("utf-8"))
TRIALS = tomllib.loads((DATA / "dry_run_trials.toml").read_text("utf-8"))["trial"]
PRESENT = ("tiny_pack", "tiny_rate", "findings_rules")
MIDNIGHT = datetime(2026, 6, 4, 16, tzinfo=UTC)
"""That begins 2026-06-05 for the hospital."""
WEIGHTS = ("weights.csv", "BR29,,\n", "BR29,,1\nBR15,,1\nBR1,,1\n")
AS_OF = "2026-06-05T12:00:00+08:00"
# Money is hidden from physicians here: a dry run sees it all the same.
METER = MeterSettings(HospitalSettings(payment="tiny_rate", money_for=frozenset(("office",))))


def stays() -> Iterator[Stay]:
    for number, encounter in STAYS.items():
        values = {"as_of": AS_OF, "encounter": {"encounter_id": number, **encounter}}
        values["alert_context"] = {"history": {}, "interruptions_this_hour": 0}
        yield Stay("H1", number, json_format.ParseDict(values, EvaluateRequest()))


@pytest.fixture(scope="module")
def present_packs(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("present")
    return [build_cached(edited({"pack": name}, folder / name), bundles) for name in PRESENT]


@pytest.fixture(scope="module")
def present(present_packs: list[Path]) -> Evaluator:
    snapshot = Snapshot.open(present_packs)
    return Evaluator(snapshot, ZoneInfo("Asia/Shanghai"), METER)


def edited(case: dict[str, Any], folder: Path) -> Path:
    """A copy of a pack with edits."""
    target = folder / "new_pack"
    shutil.copytree(DATA / case["pack"], target)
    weights = [WEIGHTS] if case["pack"] == "tiny_pack" else []
    for file, before, after in (*weights, *case.get("edits", ())):
        text = (target / file).read_text("utf-8")
        assert before in text, f"{file} does not hold {before}"
        (target / file).write_text(text.replace(before, after), "utf-8")
    return target


def tried(case: dict[str, Any], present: Evaluator, folder: Path, bundles: Path) -> Trial:
    new = Snapshot.open([build_cached(edited(case, folder), bundles)])
    return trial(present, new, case.get("replaces", ""))


def clock() -> Callable[[], int]:
    """A clock that takes 0.4 ms for each answer before, and 0.5 ms after."""
    ticks = count()

    def read() -> int:
        at = next(ticks)
        return (at // 4) * 1_000_000 + (0, 400_000, 400_000, 900_000)[at % 4]

    return read


@pytest.mark.parametrize("case", TRIALS, ids=lambda case: case["name"])
def test_trials(case: dict[str, Any], present: Evaluator, tmp_path: Path, bundles: Path) -> None:
    both = tried(case, present, tmp_path, bundles)
    found = compare(stays(), both.before, both.after)
    report = Report(found, both.new, both.replaced, "2026-06-05", AS_OF, "physician").to_dict()
    assert [f"{pack['id']} {pack['version']}" for pack in report["replaced"]] == case["replaced"]
    assert report["stays"] == len(STAYS)
    moves = {
        f"{move['before']} → {move['after']}": [
            f"{at['hospital']}/{at['encounter']}" for at in move["listed"]
        ]
        for move in report["moves"]
    }
    assert moves == case.get("moves", {})
    payment = report["payment"]
    assert [payment[name] for name in ("priced", "before_fen", "after_fen")] == case["payment"]
    by_group = {
        f"{group['before']} → {group['after']}": [group["before_fen"], group["after_fen"]]
        for group in payment["by_group"]
    }
    assert by_group == case.get("by_group", {})
    unpriced = {f"{entry['before']} → {entry['after']}": entry["stays"] for entry in payment["unpriced"]}
    assert unpriced == case.get("unpriced", {})
    rules: dict[str, list[Any]] = {}
    for rule in report["alerts"]["rules"]:
        told = rules.setdefault(rule["rule"].partition(":")[0], [0, 0, {}])
        told[0] += rule["new"]
        told[1] += rule["gone"]
        told[2] |= {f"{tier['before']} → {tier['after']}": tier["alerts"] for tier in rule["tiers"]}
    assert rules == case.get("rules", {})
    assert list(report["alerts"]["interruptions"].values()) == case["interruptions"]
    refused = {entry["encounter"]: f"{entry['before']} → {entry['after']}" for entry in report["refused"]}
    assert refused == case["refused"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report(
    language: str,
    present: Evaluator,
    tmp_path: Path,
    bundles: Path,
    golden: Callable[[str, str], None],
) -> None:
    """Everything that a report may say, in one."""
    of_rules = next(case for case in TRIALS if case["name"].startswith("rules: a tier falls"))
    scheme = {
        "pack": "tiny_pack",
        "edits": [
            ["adrg.csv", 'MDCB,3,BR1,BR1,"sex = M or', 'MDCB,3,BR1,BR1,"sex = F or'],
            ["weights.csv", "BR29,,1", "BR29,,1.25"],
            ["scheme.toml", 'version = "1"', 'version = "2"'],
        ],
    }
    (tmp_path / "rules").mkdir()
    grouped = tried(scheme, present, tmp_path, bundles)
    ruled = tried(of_rules, grouped.after, tmp_path / "rules", bundles)
    found = compare(stays(), grouped.before, ruled.after, clock=clock())
    report = Report(found, grouped.new, grouped.replaced, "2026-06-05", "2026-06-05T04:00:00Z", "physician")
    golden(f"dry_run_{language}.txt", "\n".join(report.lines(language, 1)) + "\n")
    if language == "en":
        text = json.dumps(report.to_dict(), ensure_ascii=False, indent=2)
        golden("dry_run.json", text + "\n")


def test_no_stays_make_a_report_too() -> None:
    report = Report(Comparison(), Named("new", ""), (), "2026-06-05", "2026-06-05T04:00:00Z", "physician")
    assert list(report.lines("en", None)) == [
        "new beside the present packs: 0 stay(s)",
        "  with events on 2026-06-05, as they are known now; as of 2026-06-05T04:00:00Z",
        "Groups: 0 of 0 stay(s) move",
        "Payment: ¥0.00 → ¥0.00, ¥0.00 over 0 stay(s) priced by both",
        "Alerts: 0 new, 0 gone; interruptions 0 → 0 (role physician)",
    ]
    assert report.to_dict()["time_ns"] == {"before": {}, "after": {}}


def test_a_pack_in_the_place_of_one_that_is_not_there(
    present: Evaluator, tmp_path: Path, bundles: Path
) -> None:
    case = {"pack": "tiny_rate", "replaces": "tiny"}  # which is loaded, but groups
    with pytest.raises(
        ValueError, match="no pack 'tiny' of the kind of 'tiny_rate' is loaded; loaded: tiny_rate"
    ):
        tried(case, present, tmp_path, bundles)


def test_a_list_of_rules_in_shadow(present: Evaluator, tmp_path: Path) -> None:
    asked = next(stay.request for stay in stays() if stay.encounter == "E4")
    (stop,) = present.evaluate(asked, Caller("H1", "physician")).verdict.findings
    listed = tmp_path / "shadow.bundle"
    write_shadow(listed, [Entry(stop.rule, RuleState.SHADOW, "2026-01-01", "hand")], Learning())
    both = trial(present, Snapshot.open([listed]))
    found = compare(stays(), both.before, both.after)
    rule = found.rules[stop.rule]
    assert (rule.interruptions_before, rule.interruptions_after, rule.new, rule.gone) == (1, 0, 0, 0)
    assert both.new.id == "shadow"
    assert both.replaced == ()


def test_hospitals_with_a_default_of_their_own_go_with_it(
    present: Evaluator, tmp_path: Path, bundles: Path
) -> None:
    snapshot = replace(present.snapshot, hospital_defaults={"H1": "tiny", "H2": "other"})
    case = {"pack": "tiny_pack", "edits": [["scheme.toml", 'id = "tiny"', 'id = "tiny_2027"']]}
    both = tried(case, replace(present, snapshot=snapshot), tmp_path, bundles)
    assert both.after.snapshot.default == "tiny_2027"
    assert both.after.snapshot.hospital_defaults == {"H1": "tiny_2027", "H2": "other"}
    assert both.before.snapshot is snapshot


# The counting, whatever is counted.

outcomes = st.builds(
    Outcome,
    group=st.sampled_from(["", "A", "B"]),
    status=st.just("ungroupable"),
    payment_fen=st.none() | st.integers(0, 10**9),
    unpriced=st.just("no_price"),
    alerts=st.dictionaries(
        st.tuples(st.sampled_from("pqr"), st.lists(st.sampled_from("123"), max_size=1).map(tuple)),
        st.builds(Alert, st.sampled_from([1, 2, 3]), st.booleans(), st.just("文"), st.just("text")),
        max_size=4,
    ),
    refused=st.sampled_from(["", "", "", "INVALID_REQUEST"]),
    nanoseconds=st.integers(0, 10**9),
)


@settings(max_examples=50)
@given(st.lists(st.tuples(outcomes, outcomes), max_size=5))
def test_every_stay_and_every_alert_is_counted_once(pairs: list[tuple[Outcome, Outcome]]) -> None:
    found = Comparison()
    for at, (before, after) in enumerate(pairs):
        found.add(Stay("H1", str(at), EvaluateRequest()), before, after)
    answered = [pair for pair in pairs if not (pair[0].refused or pair[1].refused)]
    moves = found.moves.values()
    assert found.stays == len(pairs) == len(found.before_ns) == len(found.after_ns)
    assert sum(move.stays for move in moves) + len(found.refused) == found.stays
    assert sum(move.priced for move in moves) + found.unpriced.total() == len(answered)
    assert sum(len(move.listed) for move in moves) == sum(a.place != b.place for a, b in answered)
    priced = [(a.payment_fen, b.payment_fen) for a, b in answered]
    both = [(a, b) for a, b in priced if a is not None and b is not None]
    assert sum(move.after_fen - move.before_fen for move in moves) == sum(b - a for a, b in both)
    rules: list[RuleChange] = list(found.rules.values())
    alerts = [sum(len(pair[side].alerts) for pair in answered) for side in (0, 1)]
    assert sum(rule.new - rule.gone for rule in rules) == alerts[1] - alerts[0]
    for side, name in enumerate(("interruptions_before", "interruptions_after")):
        told = sum(alert.interrupts for pair in answered for alert in pair[side].alerts.values())
        assert sum(getattr(rule, name) for rule in rules) == told


@settings(max_examples=50)
@given(st.lists(outcomes, max_size=5))
def test_the_same_answers_change_nothing(one: list[Outcome]) -> None:
    found = Comparison()
    for at, outcome in enumerate(one):
        found.add(Stay("H1", str(at), EvaluateRequest()), outcome, outcome)
    assert all(
        move.before == move.after and move.before_fen == move.after_fen for move in found.moves.values()
    )
    assert not any(rule.changes for rule in found.rules.values())


# Over a store.


def events_of(encounter: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events that come to an encounter."""
    facts = {name: value for name, value in encounter.items() if name not in ("diagnoses", "charges")}
    if facts:
        yield {"facts": {"values": facts}}
    for at, diagnosis in enumerate(encounter.get("diagnoses", ())):
        yield {"diagnosis": {"id": str(at), "diagnosis": diagnosis, "position": at}}
    for line in encounter.get("charges", {}).get("lines", ()):
        yield {"charge": {"id": line["id"], "line": line}}


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with the stays; all but one got events on 2026-06-05 by the hospital's midnight."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    store = Store.open(url)
    for number, encounter in STAYS.items():
        told = encounter or {"sex": "SEX_MALE"}
        at = MIDNIGHT if encounter else MIDNIGHT - timedelta(seconds=1)
        stored = []
        for place, what in enumerate(events_of(told)):
            values = {"event_id": str(place), "time": "2026-06-02T00:00:00Z", **what}
            event = json_format.ParseDict(values, EncounterEvent())
            stored.append(StoredEvent(event.event_id, bytes([place]), event.SerializeToString()))

        def keep(
            writing: Writing, number: str = number, at: datetime = at, stored: list[StoredEvent] = stored
        ) -> None:
            row, _ = writing.lock("H1", number, at)
            writing.add_events(row, stored, at)

        store.write_now(keep)
    store.write_now(lambda writing: writing.put_settings("alerts", "budget = 0\n", 0, "x", datetime.now(UTC)))
    store.close()
    return url


@pytest.fixture
def run(
    url: str, tmp_path: Path, present_packs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    packs = list(map(str, present_packs))
    config = f'store = "{url}"\npacks = {json.dumps(packs)}\ndata = "data"\n'
    (tmp_path / "casemeter.toml").write_text(config, "utf-8")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, config: str = "casemeter.toml") -> Result:
        return CliRunner().invoke(app, ["dry-run", "-c", config, "--lang", "en", *arguments])

    return run


def test_the_questions_that_a_store_is_asked(url: str) -> None:
    """Nothing was alerted before, so that what interrupts afresh is counted."""
    as_of = datetime(2026, 6, 5, 4, tzinfo=UTC)
    with opened(url) as reading:
        rows = changed(reading, MIDNIGHT, MIDNIGHT + timedelta(days=1))
        for phase, expected in (("", CARE_PHASE_UNSPECIFIED), ("submission", CARE_PHASE_SUBMISSION)):
            asked = list(stored_stays(reading, rows, as_of, phase))
            assert [stay.encounter for stay in asked] == ["E1", "E2", "E3", "E4", "E5", "E6"]
            for stay in asked:
                assert stay.request.phase == expected
                assert stay.request.as_of.ToDatetime(UTC) == as_of
                context = stay.request.alert_context
                assert context.HasField("history") and context.HasField("interruptions_this_hour")
                assert not context.history.alerts
                assert not context.interruptions_this_hour


@pytest.fixture
def new(tmp_path: Path) -> str:
    case = next(case for case in TRIALS if case["name"] == "a scheme with another rule")
    return str(edited(case, tmp_path))


def test_the_encounters_of_a_day(run: Callable[..., Result], new: str, tmp_path: Path) -> None:
    before = (tmp_path / "store.db").read_bytes()
    shown = run("-p", new, "--day", "2026-06-05", "--as-of", AS_OF)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[:4] == [
        "tiny 2 in place of tiny 1: 6 stay(s)",
        "  with events on 2026-06-05, as they are known now; as of 2026-06-05T04:00:00Z",
        "Groups: 2 of 5 stay(s) move",
        "  BR15 → BR29: 2   H1/E1 H1/E2",
    ]
    # The settings that are kept hold: nobody is interrupted with a budget of 0.
    assert "Alerts: 0 new, 0 gone; interruptions 0 → 0 (role physician)" in shown.stdout
    assert (tmp_path / "store.db").read_bytes() == before
    shown = run("-p", new, "--day", "2026-06-04", "--as-of", AS_OF, "--format", "json")
    report = json.loads(shown.stdout)
    assert (report["stays"], report["moves"], report["day"]) == (1, [], "2026-06-04")
    assert json.loads(run("-p", new, "--day", "2026-06-06", "--format", "json").stdout)["stays"] == 0
    assert json.loads(run("-p", new, "--format", "json").stdout)["stays"] == 0  # today
    coder = ("--role", "coder", "--phase", "submission", "--format", "json")
    alerts = json.loads(run("-p", new, "--day", "2026-06-05", *coder).stdout)["alerts"]
    assert alerts["role"] == "coder"
    arguments = ("-p", new, "--day", "2026-06-05", "--hospital", "H2", "--format", "json")
    assert json.loads(run(*arguments).stdout)["stays"] == 0


def test_over_a_store_it_is_as_over_stays_at_hand(
    run: Callable[..., Result], new: str, present: Evaluator, tmp_path: Path, bundles: Path
) -> None:
    shown = run("-p", new, "--day", "2026-06-05", "--as-of", AS_OF, "--format", "json")
    (tmp_path / "again").mkdir()
    case = next(case for case in TRIALS if case["name"] == "a scheme with another rule")
    both = tried(case, present, tmp_path / "again", bundles)
    at_hand = compare((stay for stay in stays() if stay.encounter != "E7"), both.before, both.after)
    expected = Report(
        at_hand, both.new, both.replaced, "2026-06-05", "2026-06-05T04:00:00Z", "physician"
    ).to_dict()
    report = json.loads(shown.stdout)
    for name in ("new", "replaced", "day", "as_of", "stays", "moves", "payment", "refused"):
        assert report[name] == expected[name], name


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--day", "yesterday"), "'yesterday' is not a day; write it as YYYY-MM-DD"),
        (("--phase", "birth"), "Invalid value for '--phase'"),
        (("--as-of", "noon"), "'noon' is not a moment"),
        (("--as-of", "2026-06-05T12:00:00"), "has no offset"),
        (("--replaces", "none"), "no pack 'none' of the kind of 'tiny' is loaded; loaded: tiny"),
    ],
)
def test_what_cannot_be_tried(
    arguments: tuple[str, ...], says: str, run: Callable[..., Result], new: str
) -> None:
    shown = run("-p", new, *arguments)
    assert shown.exit_code != 0
    assert says in shown.stderr


@pytest.mark.parametrize(
    ("store", "says"),
    [
        ("none", "has no store"),
        ("sqlite:///none.db", "there is no store yet"),
        ("mysql://h/d", "cannot be kept in"),
    ],
)
def test_stores_that_cannot_be_tried(
    store: str, says: str, run: Callable[..., Result], new: str, tmp_path: Path
) -> None:
    (tmp_path / "other.toml").write_text(f'store = "{store}"\npacks = ["chs_drg_11"]\n', "utf-8")
    shown = run("-p", new, config="other.toml")
    assert shown.exit_code == 1
    assert says in shown.stderr
    assert not (tmp_path / "none.db").exists()


def test_a_pack_that_is_none(run: Callable[..., Result]) -> None:
    assert run("-p", "nowhere").exit_code == 1


def test_a_store_of_another_version_is_left_as_it_is(
    run: Callable[..., Result], new: str, tmp_path: Path
) -> None:
    connection = sqlite3.connect(tmp_path / "store.db")
    connection.execute("UPDATE casemeter_version SET version_num = '0000'")
    connection.commit()
    connection.close()
    shown = run("-p", new)
    assert shown.exit_code == 1
    assert "is of schema 0000, not " in shown.stderr
