"""What a seal binds: any edit of a page is another content, and nothing else is."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # it has no types
from google.protobuf import json_format
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from casemeter.v1.encounter_pb2 import Encounter
from casemeter_server.doors.settlement.pages import read_front_pages
from casemeter_server.sealing.canonical import ContentError, read, written
from casemeter_server.sealing.content import Kind, content_of, differences, values_of
from casemeter_server.sealing.pages import read_page
from request_strategies import encounters

DATA = Path(__file__).parent / "data"
PAGES = DATA / "seal_pages"
CANONICAL = tomllib.loads((DATA / "seal_canonical.toml").read_text("utf-8"))["case"]
UNBOUND = tomllib.loads((DATA / "seal_unbound.toml").read_text("utf-8"))["case"]
MESSAGE = json.loads((PAGES / "4101.json").read_text("utf-8"))

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("case", CANONICAL, ids=lambda case: case["name"])
def test_the_canonical_form(case: dict[str, Any]) -> None:
    for text in (case["text"], *case.get("also", ())):
        assert written(read(text)).decode() == case["canonical"]
    # The canonical form is JSON, and its own canonical form.
    assert written(read(case["canonical"])).decode() == case["canonical"]
    if "sha256" in case:
        assert hashlib.sha256(case["canonical"].encode()).hexdigest() == case["sha256"]


@pytest.mark.parametrize("case", UNBOUND, ids=lambda case: case["name"])
def test_what_cannot_be_bound(case: dict[str, Any]) -> None:
    with pytest.raises(ContentError) as caught:
        content_of(Kind(case.get("kind", "settlement_list")), case["text"])
    assert str(caught.value).startswith(case["says"])


def test_nesting_has_an_end() -> None:
    for text in ("[" * 100_000, '{"input":' + '{"a":' * 100_000):
        with pytest.raises(ContentError, match="not JSON"):
            read(text)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ContentError, match="too deeply"):
        written(deep)


@given(values, values)
def test_two_values_have_one_form_when_they_are_the_same(one: Any, other: Any) -> None:
    form = written(one)
    assert written(read(form.decode())) == form
    assert (form == written(other)) == (_exact(one) == _exact(other))


def _exact(value: Any) -> Any:
    """A value in which true is not 1, and 1 is 1.0."""
    if isinstance(value, dict):
        return {name: _exact(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_exact(inner) for inner in value]
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return ("number", Decimal(value)) if number else (type(value), value)


# A message: every leaf, and every list.


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value within a value, objects and lists included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield (*path, step)
        yield from leaves(one, (*path, step))


def edits(page: Any) -> Iterator[tuple[str, Any]]:
    """Every single edit of a page: a value changed, removed, repeated, exchanged, or added beside it."""
    for path in leaves(page):
        *way, last = path

        def around(edited: Any, way: list[Any] = way) -> Any:
            for step in way:
                edited = edited[step]
            return edited

        value = around(page)[last]
        others: list[Any] = [None, "", "other", 7, True, [], {}]
        if isinstance(value, str):
            others += [value + " ", " " + value, value + "0", value[:-1], value.upper() + "x"]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            others += [value + 1, -value - 1, str(value)]
        for other in others:
            if other != value or type(other) is not type(value):
                edited = copy.deepcopy(page)
                around(edited)[last] = other
                yield f"{path} = {other!r}", edited
        edited = copy.deepcopy(page)
        del around(edited)[last]
        yield f"{path} removed", edited
        edited = copy.deepcopy(page)
        if isinstance(last, str):
            around(edited)[f"{last}_"] = value
        else:
            around(edited).insert(last, copy.deepcopy(value))
        yield f"{path} added", edited
        if isinstance(last, int) and last:
            edited = copy.deepcopy(page)
            ends = around(edited)
            ends[last - 1], ends[last] = ends[last], ends[last - 1]
            yield f"{path} exchanged", edited


def test_any_edit_of_a_message_is_another_content() -> None:
    kind = Kind.SETTLEMENT_LIST
    sealed = content_of(kind, json.dumps(MESSAGE))
    count = 0
    for what, edited in edits(MESSAGE["input"]):
        count += 1
        text = json.dumps({**MESSAGE, "input": edited})
        assert content_of(kind, text) != sealed, what
        assert list(differences(values_of(kind, json.dumps(MESSAGE)), values_of(kind, text))), what
    assert count > 400


def test_a_message_is_the_same_however_it_is_written_and_carried() -> None:
    kind = Kind.SETTLEMENT_LIST
    data = (PAGES / "4101.json").read_bytes()
    sealed = content_of(kind, data)
    nodes = MESSAGE["input"]
    shuffled = json.loads(data, object_pairs_hook=_shuffled)
    for page in (
        data.decode(),
        b"\xef\xbb\xbf" + data,
        data.decode().encode("gb18030"),
        data.decode().encode("utf-16"),
        json.dumps(MESSAGE, indent=7),
        json.dumps(shuffled, ensure_ascii=False, separators=(",", ":")),
        json.dumps(nodes),
        json.dumps({**MESSAGE, "input": json.dumps(nodes)}),  # as text, as some gateways carry it
        json.dumps({**MESSAGE, "msgid": "another", "infno": "4101A"}),  # the envelope is no part of the page
        # Read by whoever keeps the digits of numbers, or has none that a double would not keep.
        MESSAGE,
        json.loads(data, parse_float=Decimal),
    ):
        assert content_of(kind, page) == sealed
    assert content_of(kind, data.replace(b"1200.50", b"1200.5")) == sealed
    assert content_of(kind, data.replace(b"1200.50", b'"1200.50"')) != sealed


def _shuffled(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    random.Random(7).shuffle(pairs)
    return dict(pairs)


def test_a_number_is_bound_to_its_last_digit() -> None:
    page = (PAGES / "4101.json").read_text("utf-8")
    kind = Kind.SETTLEMENT_LIST
    assert content_of(kind, page.replace("1234,", "1235,")) != content_of(kind, page)


# A row.


def test_any_edit_of_a_row_is_another_content() -> None:
    kind = Kind.FRONT_PAGE
    row = read_page(PAGES / "front_pages.csv", kind, 3)
    assert isinstance(row, dict)
    assert row["C04N"] == "高血压,3级"
    sealed = content_of(kind, row)
    for name, value in row.items():
        for other in ("", value + " ", value + "1", value[1:]):
            assert content_of(kind, {**row, name: other}) != sealed
        assert content_of(kind, {one: row[one] for one in row if one != name}) != sealed
        assert content_of(kind, {**row, f"{name}x": value}) != sealed
    assert content_of(kind, dict(reversed(row.items()))) == sealed
    assert content_of(kind, read_page(PAGES / "front_pages.csv", kind, 2)) != sealed


@pytest.mark.parametrize(
    ("text", "row", "says"),
    [
        ("A01,A48\n1,2\n3,4\n", None, "2 rows; say which with --row"),
        ("A01,A48\n", None, "0 rows"),
        ("A01,A48\n", 2, "no row 2; rows are 0 to 0"),
        ("A01,A48\n1,2\n", 1, "no row 1; rows are 2 to 2"),
        ("A01,A48\n1,2\n", 0, "no row 0"),
        ("\0", 1, "neither text nor a workbook"),
        ('[{"A01": "1"}, 3]', 2, "row 2 cannot be read: it is no JSON object"),
    ],
)
def test_rows_that_cannot_be_read(text: str, row: int | None, says: str, tmp_path: Path) -> None:
    (tmp_path / "page.csv").write_text(text, "utf-8")
    with pytest.raises(ContentError, match=says):
        read_page(tmp_path / "page.csv", Kind.FRONT_PAGE, row)


def test_a_row_is_the_same_however_its_table_is_written(tmp_path: Path) -> None:
    kind = Kind.FRONT_PAGE
    text = (PAGES / "front_pages.csv").read_text("utf-8")
    row = read_page(PAGES / "front_pages.csv", kind, 3)
    assert isinstance(row, dict)
    with xlsxwriter.Workbook(tmp_path / "table.xlsx") as book:
        sheet = book.add_worksheet()
        for at, cells in enumerate((row.keys(), [""] * len(row), row.values())):
            sheet.write_row(at, 0, cells)
    (tmp_path / "gbk.csv").write_bytes(text.encode("gbk"))
    (tmp_path / "objects.json").write_text(json.dumps([{}, {}, row]), "utf-8")
    for name in ("table.xlsx", "gbk.csv", "objects.json"):
        assert content_of(kind, read_page(tmp_path / name, kind, 3)) == content_of(kind, row)


def test_a_row_is_bound_as_the_door_reads_it() -> None:
    kind, zone = Kind.FRONT_PAGE, ZoneInfo("Asia/Shanghai")
    pages = list(read_front_pages((PAGES / "front_pages.csv").read_bytes(), zone).pages)
    assert [page.row for page in pages] == [2, 3]
    for page in pages:
        row = read_page(PAGES / "front_pages.csv", kind, page.row)
        assert content_of(kind, row) == content_of(kind, page.content)


# An encounter: every field of the contract, at every depth.


def filled(descriptor: Any) -> dict[str, Any]:
    """A message with every field of the contract, as JSON; of a oneof, the last."""
    found: dict[str, Any] = {}
    for field in descriptor.fields:
        value = _value(field)
        if field.containing_oneof and len(field.containing_oneof.fields) > 1:
            for other in field.containing_oneof.fields:
                found.pop(other.name, None)
        found[field.name] = [value, value] if field.is_repeated else value
    return found


def _value(field: Any) -> Any:
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return "2026-06-01T08:00:00+08:00"
        return filled(field.message_type)
    if field.enum_type is not None:
        return field.enum_type.values[1].name
    if field.type == field.TYPE_STRING:
        return "text"
    return True if field.type == field.TYPE_BOOL else 3


def other_value(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        return 0 if value else 1
    if isinstance(value, str):
        return value + "x"
    return not value if isinstance(value, bool) else value + 1


def changes(message: Message, path: str = "") -> Iterator[str]:
    """What changes one place of a message, one after the other; each is undone before the next."""
    for field in message.DESCRIPTOR.fields:
        place = f"{path}.{field.name}"
        if field.is_repeated:
            before = list(getattr(message, field.name))
            for at, one in enumerate(before):
                if isinstance(one, Message):
                    yield from changes(getattr(message, field.name)[at], f"{place}[{at}]")
            entries = [before[:1], [], [*before, *before[:1]]]
            if field.message_type is None:
                entries += [[other_value(field, before[0]), *before[1:]]]
            for others in entries:
                kept = type(message)()
                kept.CopyFrom(message)
                message.ClearField(field.name)
                getattr(message, field.name).extend(others)
                yield f"{place} = {len(others)} entries"
                message.CopyFrom(kept)
        elif message.HasField(field.name) if field.has_presence else getattr(message, field.name):
            kept = type(message)()
            kept.CopyFrom(message)
            message.ClearField(field.name)
            yield f"{place} removed"
            message.CopyFrom(kept)
            if field.message_type is not None:
                yield from changes(getattr(message, field.name), place)
            else:
                setattr(message, field.name, other_value(field, getattr(message, field.name)))
                yield f"{place} changed"
                message.CopyFrom(kept)


@pytest.mark.parametrize("age", ["age", "birth_date"])
def test_any_edit_of_an_encounter_is_another_content(age: str) -> None:
    values = filled(Encounter.DESCRIPTOR)
    values.pop("age", None)
    values.pop("birth_date", None)
    values[age] = {"years": 3, "days": 1100} if age == "age" else "1958-03-02"
    page = json_format.ParseDict(values, Encounter())
    sealed = content_of(Kind.ENCOUNTER, page)
    places = []
    for place in changes(page):
        assert content_of(Kind.ENCOUNTER, page) != sealed, place
        places.append(place)
    assert content_of(Kind.ENCOUNTER, page) == sealed
    assert len(places) > 200
    assert ".diagnoses[1].admission_condition changed" in places


def test_an_encounter_is_the_same_however_it_is_written() -> None:
    kind = Kind.ENCOUNTER
    text = (PAGES / "encounter.json").read_text("utf-8")
    page = json_format.Parse(text, Encounter())
    sealed = content_of(kind, page)
    assert content_of(kind, text) == sealed
    in_camels = json_format.MessageToJson(page, indent=3, ensure_ascii=True)
    assert "birthDate" in in_camels
    same = [
        in_camels,
        json.dumps({"encounter": json.loads(text), "as_of": "2026-06-05T00:00:00Z"}),
        text.replace("2026-06-01T08:40:00+08:00", "2026-06-01T00:40:00Z"),
        text.replace("24.0", "24").replace('"15400"', "15400"),
        text.replace('"SEX_MALE"', "1"),
        text.replace('"E1",', '"E1", "self_pay": false,'),  # what the contract does not tell from absent
    ]
    for other in same:
        assert other != text
        assert content_of(kind, other) == sealed
    read_back = Encounter.FromString(page.SerializeToString())
    assert content_of(kind, read_back) == sealed
    # Presence is told: an empty list of charges is not unknown charges.
    assert content_of(kind, '{"charges": {}}') != content_of(kind, "{}")
    assert content_of(kind, '{"icu_hours": 0}') != content_of(kind, "{}")


def test_the_content_of_an_encounter_is_written_down() -> None:
    """What another language has to come to; docs/seal.md has the same."""
    page = (PAGES / "encounter.json").read_text("utf-8")
    form = written(values_of(Kind.ENCOUNTER, page)).decode()
    assert form.startswith(
        '{"admission_time":"2026-06-01T00:40:00Z","birth_date":"1958-03-02","charges":{"lines":'
    )
    assert '"amount_fen":"15400"' in form
    assert '"icu_hours":24,' in form


def test_a_field_of_a_later_version_is_not_passed_over() -> None:
    page = json_format.ParseDict({"diagnoses": [{"code": "I63.900"}]}, Encounter())
    for unknown in (
        page.SerializeToString() + b"\xfa\x7f\x01x",
        Encounter(diagnoses=[]).SerializeToString() + b"\x5a\x06\x0a\x01I\xf8\x7f\x01",
    ):
        with pytest.raises(ContentError, match="does not know"):
            content_of(Kind.ENCOUNTER, Encounter.FromString(unknown))


@given(encounters, encounters)
def test_two_encounters_have_one_content_when_they_are_the_same(one: Any, other: Any) -> None:
    contents, pages = [], []
    for values in (one, other):
        page = Encounter(**values)
        try:
            contents.append(content_of(Kind.ENCOUNTER, page).sha256)
        except ContentError:  # a time that no calendar has
            return
        pages.append(page)
        text = json_format.MessageToJson(page)
        assert content_of(Kind.ENCOUNTER, text).sha256 == contents[-1]
    if all(page.icu_hours == page.icu_hours for page in pages):  # no number is equal to none
        assert (contents[0] == contents[1]) == (pages[0] == pages[1])
