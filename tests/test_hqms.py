"""Front pages in HQMS columns: every way in which files are written, rows that are wrong, whole batches."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # it has no types
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter.v1.encounter_pb2 import Encounter
from casemeter_client.emr.settlement import hqms_csv
from casemeter_server.doors.facts import project
from casemeter_server.doors.settlement.columns import columns, plain_title
from casemeter_server.doors.settlement.door import facts_of
from casemeter_server.doors.settlement.page import CheckQuestion
from casemeter_server.doors.settlement.pages import read_front_pages
from casemeter_server.errors import RequestError
from settlement_stays import FULL, stays
from test_settlement import has, value_at

DATA = tomllib.loads((Path(__file__).parent / "data" / "hqms_cells.toml").read_text("utf-8"))
ZONE = ZoneInfo("Asia/Shanghai")
PAGE = Encounter()
PAGE.CopyFrom(FULL)
PAGE.charges.Clear()
json_format.ParseDict(
    {
        "charges": {
            "categorySystem": "CATEGORY_SYSTEM_FRONT_PAGE",
            "lines": [{"category": "1", "amountFen": 120}, {"category": "10", "amountFen": 5}],
            "totalFen": 130,
        }
    },
    PAGE,
)


def table(rows: Sequence[Sequence[str]], delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode()


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def read(data: bytes) -> list[CheckQuestion]:
    return list(read_front_pages(data, ZONE).pages)


def encounters(data: bytes) -> list[Encounter]:
    found = read(data)
    assert not [fault for one in found for fault in one.faults]
    return [one.question.request.encounter for one in found]


@pytest.mark.parametrize("case", DATA["case"], ids=lambda case: case["name"])
def test_what_is_read(case: dict[str, Any]) -> None:
    cells: dict[str, str] = case["cells"]
    (found,) = read(table([list(cells), list(cells.values())]))
    assert sorted(f"{one.field} {one.reason}" for one in found.faults) == sorted(case.get("faults", []))
    assert [f"{one.field} {one.reason}" for one in found.unknown] == case.get("unknown", [])
    told = json_format.MessageToDict(found.question.request.encounter)
    assert {path: value_at(told, path) for path in case.get("facts", {})} == case.get("facts", {})


@pytest.mark.parametrize("case", DATA["refused"], ids=lambda case: case["name"])
def test_what_is_no_table_of_front_pages(case: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match=case["why"]) as refused:
        read(case["text"].encode())
    assert refused.value.error.reason == "NOT_A_PAGE"


@pytest.mark.parametrize("titles", [False, True], ids=["codes", "titles"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_the_encoding_does_not_matter(encoding: str, titles: bool) -> None:
    assert encounters(hqms_csv([PAGE], titles, encoding)) == encounters(hqms_csv([PAGE]))


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_delimiter_does_not_matter(delimiter: str) -> None:
    rows = rows_of(hqms_csv([PAGE, PAGE], titles=True))
    assert encounters(table(rows, delimiter)) == encounters(hqms_csv([PAGE, PAGE]))


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("lower case", str.lower),
        ("half width", lambda title: title.replace("（", "(").replace("）", ")")),
        ("full width", lambda title: title.replace("(", "（").replace(")", "）")),
        ("blanks", lambda title: f" {title}\u3000"),
    ],
)
def test_the_spelling_of_titles_does_not_matter(name: str, changed: Any) -> None:
    del name
    for titles in (False, True):
        header, *rows = rows_of(hqms_csv([PAGE], titles))
        assert encounters(table([[changed(title) for title in header], *rows])) == encounters(
            hqms_csv([PAGE])
        )


@given(st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=20)
def test_the_order_of_columns_does_not_matter(random: Any) -> None:
    rows = rows_of(hqms_csv([PAGE]))
    order = list(range(len(rows[0])))
    random.shuffle(order)
    assert encounters(table([[row[at] for at in order] for row in rows])) == encounters(hqms_csv([PAGE]))


def workbook(rows: Sequence[Sequence[Any]]) -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return data.getvalue()


def test_a_workbook_of_texts_is_the_table() -> None:
    assert encounters(workbook(rows_of(hqms_csv([PAGE, PAGE])))) == encounters(hqms_csv([PAGE, PAGE]))


def test_a_workbook_has_numbers_and_dates() -> None:
    from datetime import datetime

    header = ["C03C", "A12C", "B12", "A13", "D01", "D11", "A48", "A49"]
    row = ["I63.900", 1, datetime(2026, 6, 1, 8, 0, 5), datetime(1958, 3, 2), 0.1 + 0.2, 0.3, 123, 1]
    # A row without anything in it is no page, but counts as a row.
    first, second = read(workbook([header, row, [None] * len(header), row]))
    assert (first.row, second.row) == (2, 4)
    encounter = first.question.request.encounter
    assert not first.faults
    assert encounter.admission_time.ToJsonString() == "2026-06-01T00:00:05Z"
    assert encounter.birth_date == "1958-03-02"
    assert encounter.charges.total_fen == 30
    assert encounter.encounter_id == "123-1"


def test_something_called_a_workbook_is_refused() -> None:
    with pytest.raises(RequestError, match="workbook"):
        read(b"PK\x03\x04 nothing else")


def test_objects_by_column() -> None:
    objects = [{"C03C": "I63.900", "性别": 1}, {"C03C": "I63.900", "A14": 45.0}, 7, {"C03C": []}]
    found = read(json.dumps(objects).encode())
    assert [one.question.request.encounter.sex for one in found] == [1, 0, 0, 0]
    assert found[1].question.request.encounter.age.years == 45
    assert [[fault.reason for fault in one.faults] for one in found] == [[], [], ["NOT_A_ROW"], ["NOT_A_ROW"]]
    (alone,) = read(b'{"C03C": "I63.900"}')
    assert alone.question.request.encounter.diagnoses[0].code == "I63.900"


def test_a_bad_row_stops_no_other() -> None:
    rows = [["C03C", "A14"], ["I63.900", "x"], ["I63.900"], ["I63.900", "4", "5"], ["I63.900", "50"], []]
    found = read(table(rows))
    assert [one.row for one in found] == [2, 3, 4, 5]
    assert [[fault.field for fault in one.faults] for one in found] == [[], ["row 3"], ["row 4"], []]
    assert [fault.field for fault in found[0].unknown] == ["A14 年龄（岁）"]
    assert found[3].question.request.encounter.age.years == 50


def test_a_quote_that_is_never_closed_loses_no_row_before_it() -> None:
    data = b"C03C,A14\nI63.900,50\nI63.900," + b'"' + b"x" * 200_000
    first, second = read(data)
    assert not first.faults
    assert [fault.reason for fault in second.faults] == ["NOT_A_ROW"]


def test_columns_that_are_not_known_are_named_once() -> None:
    found = read_front_pages(table([["C03C", "自填", "ZZ1", "自填", ""], ["I63.900", "", "", "", ""]]), ZONE)
    assert found.unknown == ("自填", "ZZ1")
    assert len(list(found.pages)) == 1


def test_no_two_columns_have_one_title() -> None:
    named = [plain_title(name) for column in columns() for name in (column.code, column.title)]
    twice = {name for name in named if named.count(name) > 1}
    # The interface itself calls two things so.
    assert twice <= {"其中:手术费", "其中:麻醉费", "hbsag", "hcv-ab", "hiv-ab"}
    assert len(columns()) > 790


def there_and_back(encounter: Encounter) -> Encounter:
    (found,) = read(hqms_csv([encounter]))
    assert not found.faults
    return found.question.request.encounter


def test_a_table_carries_what_it_says_it_does() -> None:
    carried, facts = there_and_back(PAGE), facts_of("hqms")
    assert project(carried, facts) == carried
    by_age = there_and_back(Encounter(age={"years": 0, "days": 12}))
    for path in facts.paths:
        assert has(carried, path) or has(by_age, path), path


@given(encounter=stays(system=1))
@settings(deadline=None)
def test_what_is_carried_comes_back(encounter: Encounter) -> None:
    carried = there_and_back(encounter)
    assert project(carried, facts_of("hqms")) == carried
    assert there_and_back(carried) == carried
    for name in ("admission_time", "discharge_time", "discharge_way", "encounter_id", "sex", "birth_date"):
        assert getattr(carried, name) == getattr(encounter, name), name
    assert list(carried.diagnoses) == list(encounter.diagnoses)
    assert list(carried.procedures) == list(encounter.procedures)
    assert list(carried.charges.lines) == list(encounter.charges.lines)


odd = st.text(max_size=12) | st.sampled_from(
    ['"', "\n", ";", "、;", "1e400", "-1", "9" * 40, "NaN", "1/2/3", "٣"]
)


@given(st.data())
@settings(deadline=None)
def test_no_cell_does_more_than_be_told(data: st.DataObject) -> None:
    header, row = rows_of(hqms_csv([PAGE]))
    for _ in range(data.draw(st.integers(1, 5))):
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(odd)
    for found in read(table([header, row])):
        assert all(one.message and one.field for one in (*found.faults, *found.unknown))


@given(st.binary(max_size=30), st.integers(0, 5000))
@settings(deadline=None)
def test_no_bytes_do_more_than_be_refused(noise: bytes, at: int) -> None:
    data = hqms_csv([PAGE])
    at %= len(data)
    try:
        read(data[:at] + noise + data[at + len(noise) :])
    except RequestError as refused:
        assert refused.error.reason in ("NOT_A_PAGE", "NOT_JSON")
