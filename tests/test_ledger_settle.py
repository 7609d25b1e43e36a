"""Final groups from a file are taken as a whole or not at all; and those that seals and events tell."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from google.protobuf import json_format
from typer.testing import CliRunner, Result

from casemeter.v1 import living_pb2
from casemeter_grouper.case import Case
from casemeter_server.cli.main import app
from casemeter_server.encounters.fold import Fold
from casemeter_server.ledger.outcomes import Arrived, FinalGroup, finals_of
from casemeter_server.ledger.settle import RowFault, Settled, SettleError, settle
from casemeter_server.store.rows import StoredEvent, ToldOutcome
from casemeter_server.store.store import Store

CASES = tomllib.loads((Path(__file__).parent / "data" / "ledger_settle.toml").read_text("utf-8"))["case"]
NOW = datetime(2026, 6, 9, 8, tzinfo=UTC)


@pytest.fixture
def open_stays(store: Store) -> Store:
    """A store with the stays E1 and E2 of H1."""
    for encounter in ("E1", "E2"):
        store.write_now(
            lambda it: it.add_events(
                it.lock("H1", encounter, NOW)[0],  # noqa: B023 (run at once)
                [StoredEvent("a", b"", b"")],
                NOW,
            )
        )
    return store


def kept(store: Store, encounter: str = "E1") -> list[ToldOutcome]:
    return store.read_now(lambda it: it.outcomes("H1", encounter))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["ledger", *arguments])


def filled(text: str) -> str:
    """A text with what would be too long to write out."""
    text = text.replace("{201 codes}", "|".join(["A00"] * 201))
    return re.sub(r"\{(\d+)\}", lambda found: "x" * int(found[1]), text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_file_with_faults_is_not_taken(case: dict[str, Any], open_stays: Store, tmp_path: Path) -> None:
    file = tmp_path / f"settled{case.get('suffix', '.csv')}"
    data = bytes.fromhex(case["hex"]) if "hex" in case else filled(case["file"]).encode()
    file.write_bytes(data)
    with pytest.raises(SettleError) as error:
        settle(open_stays, file, "bureau", "H1")
    said = [str(error.value), *map(str, error.value.faults)]
    for told in case["says"]:
        assert any(told in line for line in said), (told, said)
    rows = [told for told in case["says"] if told.startswith("row ")]
    assert len(error.value.faults) == len(rows)
    assert list(error.value.faults) == sorted(error.value.faults)
    assert kept(open_stays) == kept(open_stays, "E2") == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_file_is_taken_by_its_titles_in_any_encoding(
    encoding: str, open_stays: Store, tmp_path: Path
) -> None:
    file = tmp_path / "结算.csv"
    lines = [
        "备注, 住院流水号 ,结算分组,方案版本,诊断编码,手术操作编码,总费用,支付金额",
        '无,E1,BR13,2026,I63.900|E11.900,01.2400,"12,345.60",9000',
        "无, E2 ,BR1,,,,,",
    ]
    file.write_bytes("\n".join(lines).encode(encoding))
    assert settle(open_stays, file, "bureau", "H1") == Settled(2)
    (one,) = kept(open_stays)
    assert one[:3] == ("H1", "E1", "bureau")
    assert (one.way, one.group, one.pack, one.pack_version) == ("file", "BR13", "", "2026")
    assert orjson.loads(one.content) == {
        "diagnoses": ["I63.900", "E11.900"],
        "procedures": ["01.2400"],
        "cost_fen": 1_234_560,
        "payment_fen": 900_000,
    }
    (other,) = kept(open_stays, "E2")
    assert (other.group, other.content) == ("BR1", "{}")


def test_a_parquet_file(open_stays: Store, tmp_path: Path) -> None:
    file = tmp_path / "settled.parquet"
    pl.DataFrame(
        {
            "encounter": ["E1", "E2"],
            "group": ["BR13", "BR1"],
            "hospital": ["H1", "H1"],
            "diagnoses": [["I63.900", "E11.900"], None],
            "cost": [100, None],
        }
    ).write_parquet(file)
    assert settle(open_stays, file, "coder") == Settled(2)
    (one,) = kept(open_stays)
    assert one.source == "coder"
    assert orjson.loads(one.content) == {"diagnoses": ["I63.900", "E11.900"], "cost_fen": 10_000}


def test_a_stay_may_be_told_anew(open_stays: Store, tmp_path: Path) -> None:
    file = tmp_path / "settled.csv"
    for group in ("BR1", "BR13"):
        file.write_text(f"encounter,group\nE1,{group}\n", "utf-8")
        settle(open_stays, file, "bureau", "H1")
        assert [one.group for one in kept(open_stays)] == [group]
    earlier = kept(open_stays)[0]._replace(at=NOW, group="EARLIER")
    open_stays.write_now(lambda it: it.put_outcomes([earlier]))
    assert [one.group for one in kept(open_stays)] == ["BR13"]


def test_stays_that_nobody_knows_are_passed_over_if_asked(open_stays: Store, tmp_path: Path) -> None:
    file = tmp_path / "settled.csv"
    file.write_text("encounter,group\nE8,BR1\nE1,BR1\nE9,BR1\n", "utf-8")
    assert settle(open_stays, file, "bureau", "H1", pass_over=True) == Settled(1, 2)
    assert len(kept(open_stays)) == 1
    assert settle(open_stays, file, "bureau", "H9", pass_over=True) == Settled(0, 3)


@pytest.mark.parametrize(
    ("language", "says"),
    [("en", "1 final groups kept\n2 rows of stays"), ("zh", "已记入 1 个最终分组\n2 行的住院不在存储中")],
)
def test_the_command(language: str, says: str, open_stays: Store, store_url: str, tmp_path: Path) -> None:
    file = tmp_path / "settled.csv"
    file.write_text("encounter,group\nE8,BR1\nE1,BR1\nE9,BR1\n", "utf-8")
    common = (str(file), "--store", store_url, "--hospital", "H1", "--lang", language)
    refused = run("settle", *common)
    assert refused.exit_code == 1
    assert "row 1, encounter: no encounter" in refused.output
    assert "row 3, encounter: no encounter" in refused.output
    assert "nothing was kept" in refused.output
    assert kept(open_stays) == []
    done = run("settle", *common, "--pass-over-unknown")
    assert done.exit_code == 0, done.output
    assert says in done.output
    assert [one.source for one in kept(open_stays)] == ["bureau"]


def test_many_faults_are_counted(store_url: str, open_stays: Store, tmp_path: Path) -> None:
    assert kept(open_stays) == []
    file = tmp_path / "settled.csv"
    file.write_text("encounter,group\n" + "".join(f"F{n},\n" for n in range(60)), "utf-8")
    common = ("settle", str(file), "--store", store_url, "--lang", "en")
    few, every = run(*common), run(*common, "--all")
    assert "and 10 more faults" in few.output
    assert every.output.count("group: is empty") == 60


def test_faults_are_told_by_row() -> None:
    assert str(RowFault(3, "分组编码", "is empty")) == "row 3, 分组编码: is empty"


# By whichever way they are told


def outcome(source: str, group: str, **more: Any) -> living_pb2.EncounterEvent:
    content = {"source": f"OUTCOME_SOURCE_{source.upper()}", "outcome": {"group": group, **more}}
    values = {"eventId": f"{source}{group}", "time": "2026-06-08T00:00:00Z", "outcome": content}
    return json_format.ParseDict(values, living_pb2.EncounterEvent())


def told(source: str, group: str, hours: int, way: str = "file", **content: Any) -> ToldOutcome:
    return ToldOutcome(
        "H1",
        "E1",
        source,
        NOW + timedelta(hours=hours),
        way,
        group,
        "tiny",
        "1",
        orjson.dumps(content).decode(),
    )


def finals(events: list[tuple[int, living_pb2.EncounterEvent]], *rows: ToldOutcome) -> dict[str, FinalGroup]:
    arrived: Arrived = [(NOW + timedelta(hours=hours), event) for hours, event in events]
    fold = Fold("E1")
    fold.add(event for _, event in arrived)
    return finals_of(rows, arrived, fold.state())


@pytest.mark.parametrize(
    ("events", "rows", "expected"),
    [
        ([], [], {}),
        ([(1, outcome("coder", "A"))], [], {"coder": "A"}),
        ([(1, outcome("coder", "A")), (2, outcome("bureau", "B"))], [], {"coder": "A", "bureau": "B"}),
        ([(1, outcome("coder", "A"))], [told("coder", "S", 2)], {"coder": "S"}),
        ([(3, outcome("coder", "A"))], [told("coder", "S", 2)], {"coder": "A"}),
        ([(3, outcome("coder", "A"))], [told("bureau", "S", 2)], {"coder": "A", "bureau": "S"}),
    ],
)
def test_of_two_ways_the_later_one_holds(
    events: list[tuple[int, living_pb2.EncounterEvent]], rows: list[ToldOutcome], expected: dict[str, str]
) -> None:
    assert {source: one.group for source, one in finals(events, *rows).items()} == expected


def test_what_is_told_is_read() -> None:
    more = {"diagnoses": ["I63.900"], "costFen": "500", "packVersion": "2", "pack": "tiny"}
    assert finals([(1, outcome("bureau", "B", **more))])["bureau"] == FinalGroup(
        "bureau", "B", "tiny", "2", "", ("I63.900",), (), None, 500, None
    )
    row = told(
        *("coder", "A", 1, "seal"), case={"diagnoses": ["I63.900"], "sex": "M"}, pack_sha256="ab", cost_fen=7
    )
    assert finals([], row)["coder"] == FinalGroup(
        "coder", "A", "tiny", "1", "ab", (), (), Case(("I63.900",), sex="M"), 7, None
    )


def test_one_that_was_taken_back_is_not_told() -> None:
    again = {"eventId": "back", "time": "2026-06-08T01:00:00Z", "outcome": {"source": "OUTCOME_SOURCE_CODER"}}
    back = json_format.ParseDict(again, living_pb2.EncounterEvent())
    assert finals([(1, outcome("coder", "A")), (2, back)]) == {}
    assert finals([(1, outcome("coder", "A")), (2, back)], told("coder", "S", 0))["coder"].group == "S"
