"""From the tables of a made-up history to events: on each day the server knows what the tables say."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from casemeter.v1 import encounter_pb2, living_pb2
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_client.emr.history import read_histories
from casemeter_grouper.history.caseload import read_caseload
from casemeter_grouper.history.play import play
from casemeter_grouper.history.playing.ending import Endings
from casemeter_grouper.history.playing.events import CHINA, Ending, lines_of
from casemeter_grouper.history.playing.stay import CATEGORIES, Course, Stay, day_of
from casemeter_grouper.history.playing.tables import HistoryFolderError, pack_of, read_stays
from casemeter_grouper.history.recipe import read_recipe
from casemeter_grouper.history.write import Order, generate
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.pack.sources import open_compiled
from casemeter_server.caller import Caller
from casemeter_server.cli.main import app
from casemeter_server.encounters.checks import MAX_EVENTS, check_events
from casemeter_server.encounters.fold import Fold
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot

ADMISSION = date(2026, 6, 1)
DIAGNOSES = ("I10.x00x002", "E11.900", "E87.600", "J18.900", "J96.000")
PROCEDURES = ("39.7200", "88.4101", "51.2300")
ENDING = Ending("BR23", "chs_drg_11", "1.1")


@st.composite
def stays(draw: st.DrawFn) -> Stay:
    """Stays of up to a week, with whatever courses tables may tell."""
    days = draw(st.integers(1, 7))
    course: list[Course] = []
    wrong_until = draw(st.none() | st.integers(1, days))
    if wrong_until is not None:
        course.append(Course("principal", "R42.x00", 0, 1, wrong_until))
    if wrong_until != days:
        course.append(Course("principal", "I63.900", 0, (wrong_until or 0) + 1))
    others = draw(st.lists(st.sampled_from(DIAGNOSES), unique=True, max_size=4))
    for at, code in enumerate(others):
        begin = draw(st.integers(1, days))
        until = draw(st.none() | st.integers(begin, days))
        course.append(Course("other", code, at, begin, until))
    for at, code in enumerate(draw(st.lists(st.sampled_from(PROCEDURES), unique=True, max_size=3))):
        ordered, done = draw(st.integers(1, days)), draw(st.none() | st.integers(1, days))
        if done is None or done > ordered:
            course.append(Course("planned", code, at, ordered, done and done - 1))
        if done is not None:
            course.append(Course("done", code, at, done))
    amounts = st.lists(st.sampled_from((0, 0, 1, 95_000)), min_size=CATEGORIES, max_size=CATEGORIES)
    hours = st.none() | st.times(time(0, 0, 1), time(23, 59, 58)).map(
        lambda hour: hour.replace(microsecond=0)
    )
    left = ADMISSION + timedelta(days=draw(st.sampled_from((days - 1, days))))
    came, went = draw(hours), draw(hours)
    admission: date | datetime = ADMISSION if came is None else datetime.combine(ADMISSION, came)
    discharge: date | datetime = left if went is None else datetime.combine(left, went)
    if left == ADMISSION:
        admission, discharge = ADMISSION, left
    return Stay(
        record="made up 虚构",
        visit=1,
        sex=draw(st.integers(0, 2)),
        birth=draw(st.sampled_from((None, date(1950, 2, 3)))),
        age_years=draw(st.sampled_from((None, 76))),
        age_days=None,
        birth_weight_g=None,
        admission=admission,
        discharge=discharge,
        department=draw(st.sampled_from(("", "神经内科"))),
        discharge_way=draw(st.sampled_from(("", "1", "5"))),
        diagnoses=("I63.900", *draw(st.lists(st.sampled_from(DIAGNOSES), unique=True))),
        procedures=tuple(draw(st.lists(st.sampled_from(PROCEDURES), unique=True))),
        charges={day: tuple(draw(amounts)) for day in range(1, days + 1)},
        course=tuple(course),
    )


def events_of(stay: Stay, seed: int = 0, ending: Ending = ENDING) -> list[living_pb2.EncounterEvent]:
    lines = lines_of(stay, ending, seed, lambda _code: "")
    assert {line["encounter_id"] for line in lines} == {stay.number}
    return [json_format.ParseDict(line["event"], living_pb2.EncounterEvent()) for line in lines]


def fold(events: list[living_pb2.EncounterEvent]) -> living_pb2.EncounterState:
    folded = Fold("E")
    folded.add(events)
    return folded.state()


def at_end_of(
    events: list[living_pb2.EncounterEvent], day: int, first: date = ADMISSION
) -> encounter_pb2.Encounter:
    """What the server knows at midnight."""
    midnight = datetime.combine(first + timedelta(days=day), time(0, 0), CHINA)
    return fold([event for event in events if event.time.ToDatetime(UTC) < midnight]).encounter


def codes_of(stay: Stay, kind: str, day: int) -> list[str]:
    own = [one for one in stay.course if one.kind == kind and one.stands(day)]
    return [one.code for one in sorted(own, key=lambda one: one.position)]


def charged(encounter: encounter_pb2.Encounter) -> list[int]:
    sums = [0] * CATEGORIES
    for line in encounter.charges.lines:
        sums[int(line.category) - 1] += line.amount_fen
    return sums


@given(stays())
def test_at_the_end_of_each_day_the_server_knows_what_the_tables_say(stay: Stay) -> None:
    events = events_of(stay)
    for day in range(1, stay.days + 1):
        known = at_end_of(events, day)
        recorded = codes_of(stay, "principal", day) + codes_of(stay, "other", day)
        assert [one.code for one in known.diagnoses] == recorded
        assert [one.code for one in known.procedures] == codes_of(stay, "done", day)
        assert [one.code for one in known.planned_procedures] == codes_of(stay, "planned", day)
        amounts = zip(*(stay.charges[each] for each in range(1, day + 1)), strict=True)
        assert charged(known) == list(map(sum, amounts))


@given(stays())
def test_at_last_the_server_knows_the_front_page(stay: Stay) -> None:
    state = fold(events_of(stay))
    known = state.encounter
    final = [one.code for one in known.diagnoses if one.phase == encounter_pb2.DIAGNOSIS_PHASE_DISCHARGE]
    assert tuple(final) == stay.diagnoses
    assert tuple(one.code for one in known.procedures) == stay.procedures
    assert not known.planned_procedures
    assert state.closed
    (told,) = state.outcomes
    assert told.source == living_pb2.OUTCOME_SOURCE_CODER
    assert (told.outcome.group, told.outcome.cost_fen) == ("BR23", stay.cost_fen)
    assert tuple(told.outcome.diagnoses) == stay.diagnoses
    assert tuple(told.outcome.procedures) == stay.procedures


@given(stays(), st.integers(0, 3))
def test_every_event_can_be_sent_as_it_comes(stay: Stay, seed: int) -> None:
    events = events_of(stay, seed)
    assert len(events) <= MAX_EVENTS
    check_events(living_pb2.RecordEventsRequest(encounter_id="E", events=events), ZoneInfo("Asia/Shanghai"))
    times = [event.time.ToNanoseconds() for event in events]
    assert times == sorted(times)
    facts = [event.facts.values for event in events if event.HasField("facts")]
    assert times[0] == facts[0].admission_time.ToNanoseconds()
    left = next(one.discharge_time for one in facts if one.HasField("discharge_time"))
    assert facts[0].admission_time.ToNanoseconds() <= left.ToNanoseconds()
    assert events == events_of(stay, seed)


def test_hours_are_those_of_the_seed() -> None:
    stay = one_stay()
    assert events_of(stay, 1) != events_of(stay, 2)
    assert at_end_of(events_of(stay, 1), 2).diagnoses == at_end_of(events_of(stay, 2), 2).diagnoses


def one_stay(number: int = 1, **other: Any) -> Stay:
    values: dict[str, Any] = {
        "record": f"made up 虚构 {number}",
        "visit": 1,
        "sex": 1,
        "birth": date(1950, 2, 3),
        "age_years": 76,
        "age_days": None,
        "birth_weight_g": None,
        "admission": date(2026, 6, number),
        "discharge": date(2026, 6, number + 2),
        "department": "神经内科",
        "discharge_way": "1",
        "diagnoses": ("I63.900", "E87.600"),
        "procedures": (),
        "charges": {1: (100, *[0] * 9), 2: (0, 250, *[0] * 8)},
        "course": (Course("principal", "I63.900", 0, 1), Course("other", "E87.600", 0, 2)),
    }
    return Stay(**values | other)


def test_what_only_the_page_has_is_documented_late() -> None:
    stay = one_stay(
        procedures=("39.7200",),
        course=(Course("principal", "R42.x00", 0, 1), Course("planned", "39.7200", 0, 1)),
    )
    events = events_of(stay)
    left = next(at for at, event in enumerate(events) if event.facts.values.HasField("discharge_time"))
    before = fold(events[: left + 1]).encounter
    assert [one.code for one in before.diagnoses] == ["R42.x00"]
    assert [one.code for one in before.planned_procedures] == ["39.7200"]
    late = fold(events[: left + 3]).encounter
    assert [one.code for one in late.diagnoses] == ["R42.x00", "E87.600"]
    assert [one.code for one in late.procedures] == ["39.7200"]
    assert not late.planned_procedures


def test_a_page_that_ends_in_no_group_has_no_outcome() -> None:
    assert not fold(events_of(one_stay(), ending=Ending("", "chs_drg_11", "1.1"))).outcomes


@pytest.fixture(scope="module")
def endings(bundles: Path) -> Endings:
    return Endings(open_compiled(build_cached(find_pack("chs_drg_11"), bundles)))


def test_the_coder_groups_the_page(endings: Endings) -> None:
    assert endings.of(one_stay()) == Ending("BR23", "chs_drg_11", endings.of(one_stay()).version)
    assert endings.of(one_stay(diagnoses=("R42.x00",))).group == ""
    assert endings.name("E87.600") == "低钾血症"


def write_tables(folder: Path, shards: list[list[Stay]], **header: Any) -> Path:
    """A history folder of these stays, as the generator writes them."""
    told = {"made_up": True, "pack": "chs_drg_11", **header}
    (folder / "history.json").write_text(json.dumps(told), "utf-8")
    for at, shard in enumerate(shards):
        pages, days, course = [], [], []
        for stay in shard:
            key = {"A48": stay.record, "A49": stay.visit}
            codes = {f"C06x{place:02}C": code for place, code in enumerate(stay.diagnoses[1:], 1)}
            codes |= {f"C35x{place:02}C": code for place, code in enumerate(stay.procedures[1:], 1)}
            main = stay.procedures[0] if stay.procedures else None
            stays_facts = {
                "A12C": str(stay.sex),
                "A13": stay.birth,
                "A14": stay.age_years,
                "B12": stay.admission,
                "B15": stay.discharge,
                "B16C": stay.department,
                "B34C": stay.discharge_way,
            }
            pages.append({**key, **stays_facts, "C03C": stay.diagnoses[0], "C14x01C": main, **codes})
            for day, amounts in stay.charges.items():
                days.append(
                    {**key, "day": day, **{f"c{place:02}": fen for place, fen in enumerate(amounts, 1)}}
                )
            for one in stay.course:
                course.append({**key, **one._asdict()})
        for name, rows in (("pages", pages), ("days", days), ("course", course)):
            pl.DataFrame(rows, infer_schema_length=None).write_parquet(folder / f"{name}-{at:05}.parquet")
    return folder


SHARDS = [[one_stay(1), one_stay(2, procedures=("39.7200",))], [one_stay(number) for number in (3, 4, 5)]]


@pytest.mark.parametrize(
    ("first", "count", "numbers"),
    [(1, 100, [1, 2, 3, 4, 5]), (1, 2, [1, 2]), (2, 2, [2, 3]), (4, 9, [4, 5]), (6, 1, [])],
)
def test_stays_are_read_across_files(tmp_path: Path, first: int, count: int, numbers: list[int]) -> None:
    folder = write_tables(tmp_path, SHARDS)
    assert pack_of(folder) == "chs_drg_11"
    found = [stay for shard in SHARDS for stay in shard if int(stay.record.split()[-1]) in numbers]
    assert list(read_stays(folder, count, first)) == found


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (None, "there is no history.json"),
        ("{", "is not JSON"),
        ("[]", "does not say that the history is made up"),
        ('{"pack": "chs_drg_11"}', "does not say that the history is made up"),
        ('{"made_up": true}', "'pack' is None"),
    ],
)
def test_only_made_up_histories_are_played(tmp_path: Path, header: str | None, said: str) -> None:
    if header is not None:
        (tmp_path / "history.json").write_text(header, "utf-8")
    with pytest.raises(HistoryFolderError, match=said):
        pack_of(tmp_path)


def test_tables_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(HistoryFolderError, match=r"there is no pages-00000\.parquet"):
        list(read_stays(tmp_path, 1))
    write_tables(tmp_path, SHARDS[:1])
    pl.DataFrame({"A48": ["1"], "A49": [1]}).write_parquet(tmp_path / "course-00000.parquet")
    with pytest.raises(HistoryFolderError, match=r"missing column\(s\) from_day, until_day, kind"):
        list(read_stays(tmp_path, 1))
    (tmp_path / "days-00000.parquet").write_bytes(b"no Parquet")
    with pytest.raises(HistoryFolderError, match="cannot be read as Parquet"):
        list(read_stays(tmp_path, 1))


@pytest.mark.parametrize("name", ["stays.jsonl", "stays.jsonl.gz"])
def test_the_file_is_one_that_the_simulator_plays(tmp_path: Path, name: str, endings: Endings) -> None:
    told: list[int] = []
    played = play(SHARDS[1], endings, tmp_path / name, seed=3, progress=told.append)
    entries = read_histories([tmp_path / name])
    assert (played.stays, played.events, told) == (3, len(entries), [1, 2, 3])
    assert {entry.encounter_id for entry in entries} == {stay.number for stay in SHARDS[1]}
    own = [entry.event for entry in entries if entry.encounter_id == SHARDS[1][0].number]
    assert own[-1].closing.closed
    assert [one.name for one in fold(own).encounter.diagnoses][:1] == ["脑梗死"]
    again = tmp_path / f"again-{name}"
    play(SHARDS[1], endings, again, seed=3)
    assert again.read_bytes() == (tmp_path / name).read_bytes()
    plain = again.read_bytes() if name.endswith("jsonl") else gzip.decompress(again.read_bytes())
    assert all("made up 虚构" in line for line in plain.decode().splitlines())
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / name, again])


def test_a_file_that_cannot_be_finished_or_has_no_stay_leaves_the_old_one(
    tmp_path: Path, endings: Endings
) -> None:
    target = tmp_path / "stays.jsonl"
    play(SHARDS[0], endings, target)
    before = target.read_bytes()
    with pytest.raises(OSError, match="No such file"):
        play(SHARDS[0], endings, tmp_path / "nowhere" / "stays.jsonl")
    assert play([], endings, target) == (0, 0)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


@pytest.fixture(scope="module")
def made(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated history."""
    folder = tmp_path_factory.mktemp("made") / "history"
    pack = open_compiled(build_cached(find_pack("chs_drg_11"), bundles))
    order = Order(pack, read_recipe("first"), read_caseload(None), cases=120, seed=11)
    generate(order, folder, lambda _: None)
    return folder


def test_generated_stays_are_what_the_server_knows_and_end_where_it_ends(
    made: Path, bundles: Path, endings: Endings
) -> None:
    snapshot = Snapshot.open([build_cached(find_pack("chs_drg_11"), bundles)])
    evaluator = Evaluator(snapshot, ZoneInfo("Asia/Shanghai"))
    found = list(read_stays(made, 120))
    assert len(found) == 120
    assert sum(any(one.kind == "planned" for one in stay.course) for stay in found) > 10
    for stay in found:
        events = events_of(stay, ending=endings.of(stay))
        for day in range(1, stay.days + 1):
            known = at_end_of(events, day, first=day_of(stay.admission))
            recorded = codes_of(stay, "principal", day) + codes_of(stay, "other", day)
            assert [one.code for one in known.diagnoses] == recorded
            assert [one.code for one in known.planned_procedures] == codes_of(stay, "planned", day)
            assert sum(charged(known)) == sum(sum(stay.charges[each]) for each in range(1, day + 1))
        state = fold(events)
        (told,) = state.outcomes
        asked = EvaluateRequest(encounter=state.encounter)
        verdict = evaluator.evaluate(asked, Caller()).verdict
        assert (verdict.group.code, verdict.pack.id) == (told.outcome.group, told.outcome.pack)


def test_the_command(made: Path, tmp_path: Path, bundles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEMETER_DATA", str(bundles.parent))
    target = tmp_path / "stays.jsonl.gz"
    asked = ["history", "play", str(made), "-o", str(target), "--stays", "3", "--from-stay", "118"]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 0, told.output
    assert "3 stays" in told.output
    entries = read_histories([target])
    numbers = {stay.number for stay in read_stays(made, 3, 118)}
    assert {entry.encounter_id for entry in entries} == numbers
    told = CliRunner().invoke(app, [*asked[:-1], "121"])
    assert told.exit_code == 1
    assert "the history has no stay number 121; nothing was written" in " ".join(told.output.split())
    assert read_histories([target]) == entries
    told = CliRunner().invoke(app, ["history", "play", str(tmp_path), "-o", str(target)])
    assert told.exit_code == 1
    assert "there is no history.json" in " ".join(told.output.split())
