"""Kept days held against final groups: stays by hand, the report of them, and planted mismatches."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from google.protobuf import json_format
from typer.testing import CliRunner, Result

from casemeter.v1 import living_pb2
from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.reconcile.causes import Cause, Why
from casemeter_grouper.reconcile.versions import CatalogueVersion, Versions
from casemeter_server.cli.main import app
from casemeter_server.ledger.content import Kept, written
from casemeter_server.ledger.lateness import own_time
from casemeter_server.ledger.picture import draw
from casemeter_server.ledger.reconciling import HeldStay, held_stays
from casemeter_server.ledger.report import texts
from casemeter_server.ledger.tally import Tally, tally_of
from casemeter_server.store.rows import ForecastDay, StoredEvent, ToldOutcome
from casemeter_server.store.store import Store, Writing
from mismatch_stays import as_stay, asker_of, hold, keep, tell_bureau, tell_coder
from mismatches import DIP_CAUSES, Planter, catalogue_cases, edited_pack

DATA = Path(__file__).parent / "data"
ZONE = ZoneInfo("Asia/Shanghai")
ADMITTED = datetime(2026, 6, 1, 1, tzinfo=UTC)
STROKE, DIABETES, TRANSPLANT = "I63.900", "E11.900", "37.5100"


class Packs:
    """The tiny scheme, and its next version, in which diabetes is no complication."""

    def __init__(self, bundles: Path, folder: Path) -> None:
        shutil.copytree(DATA / "tiny_pack", folder)
        for name, gone, put in (
            ("complications.csv", "E11.900,CC,1,\n", ""),
            ("scheme.toml", 'version = "1"', 'version = "2"'),
        ):
            path = folder / name
            path.write_text(path.read_text("utf-8").replace(gone, put), "utf-8")
        self.paths = [build_cached(pack, bundles) for pack in (DATA / "tiny_pack", folder)]
        self.versions = Versions.open(self.paths)
        self.sha256 = CompiledScheme.open(self.paths[0]).sha256


@pytest.fixture(scope="module")
def packs(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Packs:
    return Packs(bundles, tmp_path_factory.mktemp("ledger") / "edited")


class Ledger:
    """A store that stays are lived in, with days that were kept of them."""

    def __init__(self, store: Store, packs: Packs) -> None:
        self.store, self.packs = store, packs

    def arrive(self, encounter: str, day: int, *events: tuple[str, int, dict[str, Any]]) -> None:
        """Events arrive at noon of a day of stay; each has a number, the day it came about, and a content."""
        at = noon(day)
        told = []
        for number, own, content in events:
            values = {"eventId": number, "time": noon(own).isoformat(), **content}
            data = json_format.ParseDict(values, living_pb2.EncounterEvent()).SerializeToString()
            told.append(StoredEvent(number, data[:1], data))

        def work(writing: Writing) -> None:
            row, _ = writing.lock("H1", encounter, at)
            writing.add_events(row, told, at)

        self.store.write_now(work)

    def admit(self, encounter: str, *diagnoses: str) -> None:
        """A man is admitted, with diagnoses."""
        facts = {"admissionTime": ADMITTED.isoformat(), "sex": "SEX_MALE", "age": {"years": 60}}
        self.arrive(encounter, 1, ("a", 1, {"facts": {"values": facts}}), *map(diagnosed, diagnoses))

    def leave(self, encounter: str, days: int) -> None:
        """He leaves after some days."""
        values = {"dischargeTime": noon(days + 1).isoformat(), "dischargeWay": "DISCHARGE_WAY_HOME"}
        self.arrive(encounter, days + 1, ("l", days + 1, {"facts": {"values": values}}))

    def code(self, encounter: str, group: str, source: str = "coder", **more: Any) -> None:
        """His group is told by an event."""
        content = {"source": f"OUTCOME_SOURCE_{source.upper()}", "outcome": {"group": group, **more}}
        self.arrive(encounter, 40, (source, 40, {"outcome": content}))

    def settle(self, encounter: str, group: str, version: str = "", **content: Any) -> None:
        """His group is told by a file."""
        text = orjson.dumps(content).decode()
        row = ToldOutcome("H1", encounter, "bureau", noon(50), "file", group, "", version, text)
        self.store.write_now(lambda it: it.put_outcomes([row]))

    def foretell(
        self,
        encounter: str,
        day: int,
        group: str,
        case: Case,
        *candidates: tuple[str, float],
        planned: str = "",
        **more: Any,
    ) -> None:
        """A forecast of his day is kept."""
        facts: dict[str, Any] = {"sex": "M", "age_years": 60, "los_days": max(1, day - 1)}
        kept = Kept(
            case._replace(**{name: facts[name] for name in facts if getattr(case, name) is None}),
            candidates=candidates,
            **{"set_size": len(candidates), "level": 0.9 if candidates else 0.0, **more},
        )
        row = ForecastDay(
            *("H1", encounter, noon(day).date().isoformat(), noon(day), day, "hash", "tiny", "1"),
            *(self.packs.sha256, "f" * 64, group, planned or group, written(kept)),
        )
        assert self.store.record(row)
        self.store.write_now(lambda _: None)

    def held(self) -> dict[str, HeldStay]:
        """All stays held against their final groups, by number."""
        versions = self.packs.versions

        def look(it: Any) -> list[HeldStay]:
            return list(held_stays(it, versions, ZONE, "2026-01-01", "2026-12-31"))

        return {stay.encounter: stay for stay in self.store.read_now(look)}


def noon(day: int) -> datetime:
    return ADMITTED + timedelta(days=day - 1, hours=3)


def diagnosed(code: str, day: int = 1) -> tuple[str, int, dict[str, Any]]:
    return f"d{code}", day, {"diagnosis": {"id": code, "diagnosis": {"code": code}, "position": 0}}


def done(code: str, told: int, began: int | None = None) -> tuple[str, int, dict[str, Any]]:
    procedure = {"code": code} | ({"startTime": noon(began).isoformat()} if began else {})
    return f"p{code}", told, {"procedure": {"id": code, "procedure": procedure}}


def comorbid(code: str, day: int) -> tuple[str, int, dict[str, Any]]:
    return f"c{code}", day, {"diagnosis": {"id": f"c{code}", "diagnosis": {"code": code}, "position": 5}}


@pytest.fixture
def ledger(store: Store, packs: Packs) -> Ledger:
    """Nine stays, each of which tells something of its own."""
    found = Ledger(store, packs)
    alone, both = Case((STROKE,)), Case((STROKE, DIABETES))
    # Diabetes is found on day 3; coder and bureau agree.
    found.admit("E1", STROKE)
    found.arrive("E1", 3, comorbid(DIABETES, 3))
    found.leave("E1", 4)
    found.foretell("E1", 1, "BR1", alone, ("BR1", 0.6), ("BR13", 0.3), los_days=(1, 2, 3))
    found.foretell("E1", 2, "BR1", alone, ("BR13", 0.55), ("BR1", 0.4), los_days=(2, 4, 9))
    found.foretell("E1", 3, "BR13", both, ("BR13", 0.97), cost_fen=(100, 200, 300))
    found.code("E1", "BR13", costFen=250)
    found.settle("E1", "BR13")
    # What was planned came: the forecast thought otherwise, and gave no set.
    found.admit("E2", STROKE)
    found.arrive("E2", 3, done(TRANSPLANT, 3))
    found.leave("E2", 5)
    found.foretell("E2", 1, "BR1", alone, ("BR1", 0.5), planned="AA19", set_size=0)
    found.code("E2", "AA19")
    # The bureau settles by the next version of the pack.
    found.admit("E3", STROKE, DIABETES)
    found.leave("E3", 2)
    found.foretell("E3", 1, "BR13", both, ("BR13", 0.8))
    found.code("E3", "BR13", diagnoses=[STROKE, DIABETES], packVersion="1")
    found.settle("E3", "BR1", "2")
    # Nobody told anything yet.
    found.admit("E4", STROKE)
    found.foretell("E4", 1, "BR1", alone, ("BR1", 0.8))
    found.foretell("E4", 2, "BR1", alone, ("BR1", 0.8))
    # The bureau's group is none that the codes give.
    found.admit("E5", STROKE)
    found.leave("E5", 2)
    found.foretell("E5", 1, "BR1", alone, ("BR1", 0.8))
    found.code("E5", "BR1")
    found.settle("E5", "AA19")
    # A transplantation of the first day came to be known on the third.
    found.admit("E6", STROKE)
    found.arrive("E6", 3, done(TRANSPLANT, 3, began=1))
    found.leave("E6", 20)
    found.foretell("E6", 1, "BR1", alone, ("BR1", 0.8))
    found.foretell("E6", 19, "AA19", Case((STROKE,), (TRANSPLANT,)), ("AA19", 0.99))
    found.code("E6", "AA19")
    # The forecast had nothing to say.
    found.admit("E7", STROKE)
    found.leave("E7", 2)
    found.foretell("E7", 1, "BR1", alone, absent="never_seen")
    found.code("E7", "BR1")
    # The coder has other codes than anybody recorded; the bureau strikes one of them out.
    found.admit("E8", STROKE)
    found.leave("E8", 2)
    found.foretell("E8", 1, "BR1", alone, ("BR1", 0.8))
    found.code("E8", "AA19", diagnoses=[STROKE], procedures=[TRANSPLANT])
    found.settle("E8", "BR1", diagnoses=[STROKE])
    # A version that nobody has.
    found.admit("E9", STROKE)
    found.leave("E9", 2)
    found.foretell("E9", 1, "BR1", alone, ("BR1", 0.8))
    found.code("E9", "BR13", packVersion="9")
    return found


def test_stays_by_hand(ledger: Ledger) -> None:
    held = ledger.held()
    causes = {
        number: ["+".join(day.why.causes) + (f" {day.why.why}" if day.why.why else "") for day in stay.days]
        for number, stay in held.items()
    }
    assert causes == {
        "E1": ["complication", "", ""],
        "E2": ["odds"],
        "E3": ["pack"],
        "E4": [],
        "E5": ["unexplained final_codes"],
        "E6": ["late", ""],
        "E7": [""],
        "E8": [""],
        "E9": ["unexplained no_pack"],
    }
    settled = {number: stay.settling and stay.settling.causes for number, stay in held.items()}
    assert settled == {
        **dict.fromkeys(("E2", "E4", "E6", "E7", "E9"), None),
        "E1": (),
        "E3": (Cause.PACK,),
        "E5": (Cause.UNEXPLAINED,),
        "E8": (Cause.PROCEDURE,),
    }
    first, second, third = held["E1"].days
    assert (first.recorded_right, first.top_right, first.in_set, first.days_held) == (
        False,
        False,
        True,
        False,
    )
    assert (second.recorded_right, second.top_right, second.in_set, second.days_held) == (
        *(False, True, True, True),
    )
    assert (third.recorded_right, third.cost_held, third.days_held) == (True, True, None)
    (planned,) = held["E2"].days
    assert (planned.in_set, planned.top_right, planned.coder_right) == (None, False, False)
    (settled_day,) = held["E3"].days
    assert (settled_day.coder_right, settled_day.top_right) == (True, False)
    (silent,) = held["E7"].days
    assert (silent.recorded_right, silent.top_right, silent.in_set) == (True, None, None)


def test_sums(ledger: Ledger) -> None:
    tally = tally_of(ledger.held().values())
    assert (tally.stays, tally.days, tally.waiting, tally.waiting_days) == (9, 13, 1, 2)
    assert (tally.coded, tally.settled, tally.agreed) == (8, 4, 1)
    assert sorted(tally.by_day) == [1, 2, 3, 15], "days from the 15th on are counted together"
    whole = tally.whole
    assert (whole.days, whole.abstained, whole.sizes) == (11, 2, 11)
    assert (whole.recorded.held, whole.recorded.of) == (4, 11)
    assert (whole.top.held, whole.top.of) == (4, 10)
    assert (whole.coder.held, whole.coder.of) == (5, 10)
    assert (whole.in_set.held, whole.in_set.of) == (5, 9)
    assert tally.causes[(Cause.UNEXPLAINED,)].first == [("H1", "E5"), ("H1", "E9")]
    assert tally.whys == {Why.FINAL_CODES: 1, Why.NO_PACK: 1}
    told = [(band.was.of, band.was.held) for band in tally.bands]
    assert told == [(0, 0), (2, 1), (1, 0), (0, 0), (5, 1), (0, 0), (2, 2)]
    assert sum(band.said for band in tally.bands) == pytest.approx(0.5 + 0.6 + 0.55 + 5 * 0.8 + 0.97 + 0.99)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["ledger", "report", *arguments])


def packs_named(packs: Packs) -> list[str]:
    return [part for path in packs.paths for part in ("--pack", str(path))]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report(
    language: str,
    ledger: Ledger,
    store_url: str,
    tmp_path: Path,
    golden: Callable[[str, str], None],
) -> None:
    common = ("--store", store_url, *packs_named(ledger.packs), "--lang", language)
    shown = run(*common, "--examples", "--picture", str(tmp_path / "ledger.svg"))
    assert shown.exit_code == 0, shown.output
    golden(f"ledger_{language}.md", shown.stdout)
    written_to = run(*common, "-o", str(tmp_path / "ledger.md"))
    assert written_to.exit_code == 0
    report = (tmp_path / "ledger.md").read_text("utf-8")
    assert "H1/E" not in report, "stays are named only if asked"
    picture = (tmp_path / "ledger.svg").read_text("utf-8")
    for key in ("title_days", "title_causes", "recorded", "in_set"):
        assert texts()["picture"][key][language] in picture
    assert "E5" not in picture
    assert sorted(path.name for path in tmp_path.glob("ledger*")) == ["ledger.md", "ledger.svg"]


def test_a_report_of_some_days(ledger: Ledger, store_url: str) -> None:
    common = ("--store", store_url, *packs_named(ledger.packs), "--lang", "en")
    shown = run(*common, "--from", "2026-06-02", "--until", "2026-06-03")
    assert "Days 2026-06-02 to 2026-06-03." in shown.stdout
    assert "| with forecasts kept | 2 | 3 |" in shown.stdout
    nobody = run(*common, "--hospital", "H2")
    assert nobody.exit_code == 0
    assert "keeps no forecast of these days" in nobody.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--from", "yesterday"), "'yesterday' is not a day"),
        (("--from", "2026-06-03", "--until", "2026-06-02"), "the last day 2026-06-02 comes before"),
        (("--picture", "ledger.jpg"), "let its name end with .svg"),
        (("--pack", "nowhere.bundle"), "nowhere.bundle"),
    ],
)
def test_bad_questions(arguments: tuple[str, ...], says: str, ledger: Ledger, store_url: str) -> None:
    refused = run("--store", store_url, *packs_named(ledger.packs), *arguments)
    assert refused.exit_code == 1
    assert says in refused.output


def test_a_store_that_is_not_there(tmp_path: Path, packs: Packs) -> None:
    refused = run("--store", f"sqlite:///{tmp_path / 'no.db'}", *packs_named(packs))
    assert refused.exit_code == 1
    assert "there is no store yet" in refused.output
    assert not (tmp_path / "no.db").exists()


def test_equal_sums_give_equal_pictures(tmp_path: Path) -> None:
    drawn = []
    for name in ("a.svg", "b.svg"):
        draw(Tally(), tmp_path / name, "zh")
        drawn.append((tmp_path / name).read_bytes())
    assert drawn[0] == drawn[1]


# What is late


@pytest.mark.parametrize(
    ("content", "own"),
    [
        (done(TRANSPLANT, 5, began=2)[2], 2),
        (done(TRANSPLANT, 5)[2], 5),
        ({"procedure": {**done(TRANSPLANT, 5, began=2)[2]["procedure"], "planned": True}}, 5),
        ({"procedure": {"id": "p"}}, 5),
        ({"charge": {"id": "c", "line": {"time": noon(3).isoformat(), "amountFen": 5}}}, 3),
        ({"charge": {"id": "c"}}, 5),
        ({"segment": {"id": "s", "segment": {"startTime": noon(1).isoformat()}}}, 1),
        (diagnosed(STROKE)[2], 5),
        ({"corrects": "x"}, 5),
    ],
)
def test_the_time_of_what_an_event_tells(content: dict[str, Any], own: int) -> None:
    values = {"eventId": "e", "time": noon(5).isoformat(), **content}
    assert own_time(json_format.ParseDict(values, living_pb2.EncounterEvent())) == noon(own)


@pytest.mark.parametrize(
    ("own", "arrives", "cause"),
    [
        (1, 2, Cause.LATE),
        # Before the day, and known only after it.
        (0, 2, Cause.LATE),
        # It came about after the day.
        (2, 2, Cause.COMPLICATION),
        (2, 9, Cause.COMPLICATION),
        # It was there on the day itself, only after the forecast was made.
        (1, 1, Cause.COMPLICATION),
    ],
)
def test_late_is_what_came_about_by_then_and_arrived_later(
    own: int, arrives: int, cause: Cause, store: Store, packs: Packs
) -> None:
    ledger = Ledger(store, packs)
    ledger.admit("E1", STROKE)
    ledger.foretell("E1", 1, "BR1", Case((STROKE,)), ("BR1", 0.8))
    ledger.arrive("E1", arrives, comorbid(DIABETES, own))
    ledger.leave("E1", 10)
    ledger.code("E1", "BR13")
    (day,) = ledger.held()["E1"].days
    assert day.why.causes == (cause,)


def test_what_was_wrong_and_corrected_late(store: Store, packs: Packs) -> None:
    ledger = Ledger(store, packs)
    ledger.admit("E1", STROKE)
    ledger.arrive("E1", 1, comorbid(DIABETES, 1))
    ledger.foretell("E1", 1, "BR13", Case((STROKE, DIABETES)), ("BR13", 0.8))
    ledger.arrive("E1", 3, ("x", 1, {"corrects": f"c{DIABETES}"}))
    ledger.leave("E1", 10)
    ledger.code("E1", "BR1")
    (day,) = ledger.held()["E1"].days
    assert day.why.causes == (Cause.LATE,)


# Planted


def test_planted_mismatches_of_a_catalogue_in_a_store(store: Store, bundles: Path, tmp_path: Path) -> None:
    """A few of each cause; benchmarks/reconcile.py plants hundreds, of the shipped scheme as well."""
    folder = DATA.parents[1] / "grouper" / "casemeter_grouper" / "packs" / "demo_dip"
    paths = [build_cached(pack, bundles) for pack in (folder, edited_pack(folder, tmp_path / "edited"))]
    versions = Versions.open(paths)
    version, edited = versions
    assert isinstance(version, CatalogueVersion)
    asker, drawn = asker_of(paths[0]), catalogue_cases(version, 5)
    planter = Planter(version, edited, 5)
    planted = {
        f"{cause}-{at}": as_stay(planter.plant(cause, drawn)) for cause in DIP_CAUSES for at in range(6)
    }
    by_file = dict(islice(planted.items(), 0, None, 3))
    for number, mismatch in planted.items():
        keep(store, asker, number, mismatch)
        if number not in by_file:
            tell_coder(store, number, mismatch, codes=number.endswith("1"))
    tell_bureau(store, tmp_path, by_file)
    found = {stay.encounter: stay.days[0].why.causes for stay in hold(store, versions)}
    right = [number for number, causes in found.items() if causes == (planted[number].cause,)]
    assert len(found) == len(planted)
    assert len(right) >= 0.95 * len(planted), found
