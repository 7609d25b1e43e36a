"""Tables of pairs: however they are written they make the same rules, and those that are held in memory."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save

from casemeter_grouper.compiled import bundle
from casemeter_grouper.compiled.bundle import Arrays, BundleError, Reason, open_bundle
from casemeter_grouper.pack.build import build, source_hash
from casemeter_grouper.pack.faults import Fault, PackError
from casemeter_grouper.pack.kinds import check_pack
from casemeter_grouper.pack.progress import watched
from casemeter_rules.bulk import parts
from casemeter_rules.bulk.rules import rule_of
from casemeter_rules.bulk.spill import Growing, Spill
from casemeter_rules.checks import Needs, Slot
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.compiled.book import Book
from casemeter_rules.compiled.compiler import Compiler
from casemeter_rules.engine import Report, find
from casemeter_rules.facts import Diagnosis, Item, Phase, Stay
from casemeter_rules.finding import RuleState
from casemeter_rules.kind import Rule
from casemeter_rules.kinds import kinds

HEADER = 'id = "relations"\nkind = "rules"\ntitle = "Relations"\nversion = "1"\n'
NAME = "permitted_diagnosis"
KIND = kinds()[NAME]
DRUG, ITEM = "药品限适应症", "医疗服务项目限适应症"

Row = tuple[str, str, str]

ROWS: list[Row] = [
    ("X1", "A41.900", DRUG),
    ("X1", "A40.000", "our list"),
    ("X2", "A41.900", "our list"),
    ("X3", "A41.900", "compiled: by hand"),
    ("X3", "A40.000", "compiled: by hand"),
    ("330100001", "I10.x00", "our list"),
]


def pack(folder: Path, header: str = HEADER, **tables: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "rules.toml").write_text(header, "utf-8")
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    return folder


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, parts.COLUMNS, orient="row")


def csv_pack(folder: Path, rows: list[Row], **tables: str) -> Path:
    pack(folder, **tables)
    frame(rows).write_csv(folder / f"{NAME}.csv")
    return folder


def built(folder: Path) -> Book:
    target = folder.with_suffix(".bundle")
    build(folder, target)
    return Book.open(target)


def arrays_of(folder: Path) -> dict[str, list[object]]:
    """The type, shape and hash of each array of the pack's bundle."""
    target = folder.with_suffix(".bundle")
    build(folder, target)
    found: dict[str, list[object]] = open_bundle(target, "rules").manifest["arrays"]
    return found


def in_memory(rows: list[Row]) -> Arrays:
    """What the compiler makes of the rules of a table of pairs."""
    diagnoses: dict[str, set[str]] = defaultdict(set)
    bases: dict[str, set[str]] = defaultdict(set)
    for item, diagnosis, basis in rows:
        diagnoses[item].add(diagnosis)
        bases[item].add(basis)
    rules: list[Rule] = []
    for item, codes in diagnoses.items():
        named = sorted(codes) if len(codes) <= 5 else []
        keys = frozenset(Key(Space.DIAGNOSIS, code) for code in codes)
        without = rule_of(KIND, item, bases[item], len(codes), named)
        rules.append(replace(without, checks=(Needs(Slot.ANY_DIAGNOSIS, CodeSet(keys)),)))
    return Compiler(kinds()).compile(sorted(rules, key=lambda rule: rule.id))


def many_rows() -> list[Row]:
    """Rows of which several items have the same diagnoses, and some come more than once."""
    numbers = random.Random(7)
    lists = [numbers.sample(range(2000), numbers.choice([1, 3, 40, 700])) for _ in range(60)]
    rows = [
        (f"X{item:04d}", f"D{diagnosis:04d}", f"list {diagnosis % 2}")
        for item in range(400)
        for diagnosis in lists[item % len(lists)]
    ]
    rows += numbers.sample(rows, 500)
    numbers.shuffle(rows)
    return rows


def report(book: Book, items: list[str], diagnoses: list[str]) -> Report:
    stay = Stay(
        diagnoses=tuple(
            Diagnosis(code, f"encounter.diagnoses[{at}]", "other" if at else "principal")
            for at, code in enumerate(diagnoses)
        ),
        items=tuple(Item(code, f"encounter.orders[{at}]", f"o{at}") for at, code in enumerate(items)),
    )
    return find([book], stay, Phase.ORDER)


def test_csv_parquet_and_parts_in_any_order_with_duplicates_make_the_same_arrays(tmp_path: Path) -> None:
    once = arrays_of(csv_pack(tmp_path / "csv", ROWS))
    parquet = pack(tmp_path / "parquet")
    frame(ROWS[::-1]).write_parquet(parquet / f"{NAME}.parquet")
    mixed = pack(tmp_path / "mixed")
    (mixed / NAME).mkdir()
    frame([*ROWS[3:], ROWS[0]]).write_parquet(mixed / NAME / "a.parquet")
    spelt = [(" x1 ", "a40.000", "our list"), *ROWS[:4]]
    frame(spelt).write_csv(mixed / NAME / "b.csv")
    assert arrays_of(parquet) == arrays_of(mixed) == once


def test_equal_packs_make_equal_bytes(tmp_path: Path) -> None:
    rows = many_rows()
    first, second = csv_pack(tmp_path / "a", rows), csv_pack(tmp_path / "b", rows)
    built(first), built(second)
    assert (tmp_path / "a.bundle").read_bytes() == (tmp_path / "b.bundle").read_bytes()


@pytest.mark.parametrize("rows", [ROWS, many_rows()], ids=["few", "many"])
def test_sorted_on_disk_equals_in_memory(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "BATCH", 1000)
    monkeypatch.setattr(parts, "BLOCK", 10_000)
    expected = bundle._hashes(in_memory(rows))
    assert arrays_of(csv_pack(tmp_path / "csv", rows)) == expected
    parquet = pack(tmp_path / "parquet")
    frame(rows).write_parquet(parquet / f"{NAME}.parquet")
    assert arrays_of(parquet) == expected


def test_an_item_without_any_of_its_diagnoses_is_a_finding(tmp_path: Path) -> None:
    book = built(csv_pack(tmp_path / "pack", ROWS))
    assert len(book) == 4
    (found,) = report(book, ["X2"], ["I10.x00", "A40.000"]).findings
    assert found.rule == rule_of(KIND, "X2", [], 0, []).id
    assert found.fields == ("encounter.orders[0]",)
    assert found.text_zh == "X2限A41.900使用，已记录的诊断中没有"
    assert found.text_en == "X2 is paid for A41.900; no recorded diagnosis is one"
    assert found.bases == ("our list",)
    assert report(book, ["X2"], ["I10.x00", "A41.900"]).findings == ()
    assert report(book, ["X9"], ["I10.x00"]).findings == ()


def test_what_is_not_known_decides_nothing(tmp_path: Path) -> None:
    book = built(csv_pack(tmp_path / "pack", ROWS))
    for diagnoses in ([], ["I10.x00", "?A41"]):
        said = report(book, ["X1", "X2"], diagnoses)
        assert said.findings == ()
        assert said.undecided == {"diagnoses": 2}


def test_bases_decide_state_and_official_type(tmp_path: Path) -> None:
    book = built(csv_pack(tmp_path / "pack", ROWS))
    told = {each.values["item_code"]: each for each in map(book.told, range(len(book)))}
    assert told["X1"].bases == ("our list", DRUG)
    assert told["X3"].state is RuleState.SHADOW
    assert told["X1"].state is RuleState.ACTIVE
    assert (told["X2"].official_type, told["330100001"].official_type) == (DRUG, ITEM)


def test_long_lists_are_counted_in_the_sentence(tmp_path: Path) -> None:
    rows = [("X1", f"D{at:03d}", "our list") for at in range(120)]
    (found,) = report(built(csv_pack(tmp_path / "pack", rows)), ["X1"], ["I10.x00"]).findings
    assert found.text_zh == "X1限所列 120 种诊断使用，已记录的诊断中没有"
    assert found.text_en == "X1 is paid for 120 listed diagnoses; no recorded diagnosis is one"


def test_other_rules_stand_beside_pairs(tmp_path: Path) -> None:
    """The same codes are keys of both; each rule goes on saying what it says alone."""
    sex = "codes,name,sex,basis\nX1|X2,drug,F,our list\n"
    indication = "codes,name,diagnosis_prefixes,basis\nX2,drug,A41,our list\nX9,drug,A40.000,our list\n"
    alone = built(pack(tmp_path / "alone", sex=sex, indication=indication))
    beside = built(csv_pack(tmp_path / "beside", ROWS, sex=sex, indication=indication))
    pairs = built(csv_pack(tmp_path / "pairs", ROWS))
    for diagnoses in (["A41.900"], ["I10.x00"], ["A40.000"], ["?"]):
        for items in (["X1"], ["X2", "X3"], ["X9"], ["330100001", "X2", "X1"]):
            apart = [report(book, items, diagnoses) for book in (alone, pairs)]
            both = report(beside, items, diagnoses)
            assert set(both.findings) == {found for each in apart for found in each.findings}
            assert sum(both.undecided.values()) == sum(sum(each.undecided.values()) for each in apart)


def test_ids_outlive_an_edit_of_the_diagnoses(tmp_path: Path) -> None:
    before = built(csv_pack(tmp_path / "before", ROWS))
    after = built(csv_pack(tmp_path / "after", [*ROWS, ("X1", "I10.x00", "our list")]))
    assert [before.told(at).id for at in range(4)] == [after.told(at).id for at in range(4)]


def places(faults: list[Fault]) -> list[tuple[str, str, int, str]]:
    return sorted((fault.kind, fault.file, fault.row, fault.column) for fault in faults)


def test_bad_rows_are_named_by_file_and_row(tmp_path: Path) -> None:
    folder = pack(tmp_path / "pack")
    (folder / NAME).mkdir()
    text = f"item_code,diagnosis_code,basis\nX1,A41.900,b\n,A41.900,b\nX1,A40.000,\nX2,{'A' * 65},b\n"
    (folder / NAME / "a.csv").write_text(text, "utf-8")
    rows = [("X1", "A41.900", "b"), (None, "A41.900", "b"), ("X1", " ", "b")]
    pl.DataFrame(rows, parts.COLUMNS, orient="row").write_parquet(folder / NAME / "b.parquet")
    expected = [
        ("bad_cell", f"{NAME}/a.csv", 5, "diagnosis_code"),
        ("empty_cell", f"{NAME}/a.csv", 3, "item_code"),
        ("empty_cell", f"{NAME}/a.csv", 4, "basis"),
        ("empty_cell", f"{NAME}/b.parquet", 2, "item_code"),
        ("empty_cell", f"{NAME}/b.parquet", 3, "diagnosis_code"),
    ]
    assert places(check_pack(folder)) == expected
    with pytest.raises(PackError) as caught:
        build(folder, tmp_path / "x.bundle")
    assert places(list(caught.value.faults)) == expected
    assert not list(tmp_path.glob("*.bundle*")) and not list(tmp_path.glob(".*"))


def test_beyond_a_limit_bad_rows_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_NAMED", 10)
    faults = check_pack(csv_pack(tmp_path / "pack", [("", "A41.900", "b")] * 1234))
    assert [fault.row for fault in faults] == [*range(2, 12), 0]
    assert faults[-1].file == NAME
    assert "1,234" in faults[-1].problem() and "1,224" in faults[-1].problem("zh")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("item_code,basis\nX1,b\n", "missing_column"),
        ("", "missing_column"),
        ("item_code,diagnosis_code,basis,diagnosis\nX1,A41,b,c\n", "unknown_column"),
        ("item_code,diagnosis_code,basis\nX1,A41.900,b,c,d\n", "not_csv"),
        ('item_code,diagnosis_code,basis\n"X"1,A41.900,b\n', "not_csv"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(text: str, kind: str, tmp_path: Path) -> None:
    faults = check_pack(pack(tmp_path / "pack", **{NAME: text}))
    assert {(fault.kind, fault.file) for fault in faults} == {(kind, f"{NAME}.csv")}


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 20])
def test_csv_is_read_in_whole_rows(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "BLOCK", size)
    text = (
        '\ufeffbasis,item_code,diagnosis_code\r\n"a ""b"", c","X1",A41.900\r\n\r\n"two\nlines",X1,A40.000\r\n'
        ",,\r\nb,,A41.900\r\nb,X2,"
    )
    folder = pack(tmp_path / "pack", **{NAME: text})
    assert places(check_pack(folder)) == [
        ("empty_cell", f"{NAME}.csv", 7, "item_code"),
        ("empty_cell", f"{NAME}.csv", 8, "diagnosis_code"),
    ]
    book = built(pack(tmp_path / "sound", **{NAME: text.replace(",,A41", ",X1,A41") + "I10"}))
    told = {each.values["item_code"]: each for each in map(book.told, range(len(book)))}
    assert told["X1"].bases == ('a "b", c', "b", "two\nlines")
    assert told["X2"].values["diagnosis_code"] == "I10"


def test_a_file_in_another_encoding_is_named_with_the_line(tmp_path: Path) -> None:
    folder = csv_pack(tmp_path / "pack", ROWS)
    data = (folder / f"{NAME}.csv").read_bytes()
    (folder / f"{NAME}.csv").write_bytes(data + "X1,A41.900,限适应症\n".encode("gbk"))
    (fault,) = check_pack(folder)
    assert (fault.kind, fault.row) == ("not_utf8", 8)


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    folder = pack(tmp_path / "pack")
    (folder / f"{NAME}.parquet").write_bytes(b"PAR1 no table PAR1")
    (fault,) = check_pack(folder)
    assert (fault.kind, fault.file) == ("unreadable_file", f"{NAME}.parquet")


def test_an_interrupted_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, target = csv_pack(tmp_path / "pack", many_rows()), tmp_path / "out" / "x.bundle"
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spare))
    told: list[tuple[str, int, int]] = []
    with watched(lambda *step: told.append(step)):
        build(folder, target)
    before = target.read_bytes()

    def stop(at: int) -> None:
        def watcher(*_: object) -> None:
            nonlocal at
            at -= 1
            if at < 0:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), watched(watcher):
            build(folder, target)

    for at in (0, 2, len(told) - 1):
        stop(at)
        assert [path.name for path in target.parent.iterdir()] == ["x.bundle"]
        assert target.read_bytes() == before
        assert not list(spare.iterdir())
    assert told[-1][1] == told[-1][2]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, target = csv_pack(tmp_path / "pack", ROWS), tmp_path / "x.bundle"

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(OSError, match="No space"):
        build(folder, target)
    assert not list(tmp_path.glob("*.bundle*"))


def test_the_name_of_a_cached_bundle_follows_the_parts(tmp_path: Path) -> None:
    folder = pack(tmp_path / "pack")
    (folder / NAME).mkdir()
    frame(ROWS).write_parquet(folder / NAME / "a.parquet")
    before = source_hash(folder)
    frame(ROWS[:3]).write_parquet(folder / NAME / "a.parquet")
    assert source_hash(folder) != before


def test_spilt_numbers_come_back() -> None:
    numbers = np.random.default_rng(1).integers(0, 2**63, 10_000).astype(np.uint64)
    buckets = (numbers >> np.uint64(55)).astype(np.uint8)
    with Spill() as spill:
        for start in range(0, len(numbers), 999):
            spill.add(numbers[start : start + 999], buckets[start : start + 999])
        for bucket in range(256):
            assert np.array_equal(spill.bucket(bucket), numbers[buckets == bucket])
    with Growing(np.uint32) as nothing:
        assert len(nothing.array()) == 0


ARRAYS: Arrays = {
    "rows": np.arange(12, dtype=np.int32).reshape(3, 4),
    "b": np.arange(5, dtype=np.uint8),
    "a": np.array([0.5, np.inf, np.nan]),
    "none": np.empty((0, 2), np.float64),
    "wide": np.array([2**64 - 1], np.uint64),
    "B": np.arange(3, dtype=np.uint32),
    "编码": np.empty(0, np.uint8),
}


def test_a_bundle_is_what_the_library_would_write(tmp_path: Path) -> None:
    manifest = {"kind": "x", "title": 'all of "中文" \\ \n\t\x01\x7f\u2028😀'}
    bundle.write(tmp_path / "x", manifest, ARRAYS)
    opened = open_bundle(tmp_path / "x", "x")
    written = bundle._canonical(dict(opened.manifest)).decode()
    assert (tmp_path / "x").read_bytes() == save(ARRAYS, {"manifest": written})


def test_mapped_arrays_are_written_as_any_other(tmp_path: Path) -> None:
    numbers = np.arange(100_000, dtype=np.uint32)
    with Growing(np.uint32) as growing:
        growing.add(numbers[:10])
        growing.add(numbers[10:])
        mapped = growing.array()
    bundle.write(tmp_path / "mapped", {"kind": "x"}, {"n": mapped})
    bundle.write(tmp_path / "held", {"kind": "x"}, {"n": numbers})
    assert (tmp_path / "mapped").read_bytes() == (tmp_path / "held").read_bytes()
    with pytest.raises(ValueError, match="C-contiguous"):
        bundle.write(tmp_path / "strided", {"kind": "x"}, {"n": numbers[::2]})


def test_large_arrays_are_verified_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_STEP", 16)
    target = tmp_path / "x"
    bundle.write(target, {"kind": "x"}, ARRAYS)
    data = bytearray(target.read_bytes())
    data[-1] ^= 1
    target.write_bytes(data)
    with pytest.raises(BundleError) as caught:
        open_bundle(target, "x")
    assert caught.value.reason is Reason.DAMAGED
