"""Folding codes into prefixes and exceptions, and back, exactly."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter_grouper.codes import normalise
from casemeter_grouper.pack.categories import Categories, categories_of
from casemeter_grouper.pack.domains import CODE_TABLES
from casemeter_grouper.pack.faults import PackError
from casemeter_grouper.pack.fold import FoldError, FoldReport, fold_pack, unfold_pack
from casemeter_grouper.pack.load import load
from casemeter_grouper.pack.members import EXACT, EXCEPT, PREFIX, CodeRow, CodeTable
from casemeter_grouper.pack.pin import PinError, pin_pack, pinned_text
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.scheme import Scheme

TINY = Path(__file__).parent / "data" / "tiny_pack"
SCHEMES = [
    *("beijing_2022", "changzhou_2022", "chongqing_2022", "chs_drg_10", "chs_drg_11", "chs_drg_12_draft"),
    *("foshan_2022", "guangxi_2022", "haerbin_2022", "hefei_2023", "suzhou_2023", "yinchuan_2023"),
    "zhejiang_2022",
]


def meaning(folder: Path) -> Scheme:
    return replace(load(folder).scheme, sources={})


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def rows(folder: Path, file: str) -> list[dict[str, str]]:
    with (folder / file).open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


@pytest.mark.parametrize(
    ("code", "categories"),
    [
        ("I63.900", ("I63", "I63.9", "I63.900")),
        ("I63.900x001", ("I63", "I63.9", "I63.900")),
        ("A01.002+G01*", ("A01", "A01.0", "A01.002")),
        ("J00.x00", ("J00", "J00.x", "J00.x00")),
        ("37.5100", ("37.", "37.5", "37.51", "37.5100")),
        ("37.5100x001", ("37.", "37.5", "37.51", "37.5100")),
        ("I63", ("I63",)),
        ("BNG020", ()),
        ("?", ()),
    ],
)
def test_categories_are_where_a_coder_would_cut(code: str, categories: tuple[str, ...]) -> None:
    assert categories_of(code) == categories


KNOWN = [
    "I63.000",
    "I63.900",
    "I63.900x001",
    "I63.900x002",
    "I64.x00",
    "I64.x00x001",
    "37.5100",
    "37.5101",
    "37.6100",
]


@pytest.mark.parametrize(
    ("members", "lines"),
    [
        ([], []),
        (["I63.900"], [("I63.900", EXACT)]),
        (["I63.900", "I63.900x001", "I63.900x002"], [("I63.9", PREFIX)]),
        (["I63.000", "I63.900", "I63.900x001"], [("I63", PREFIX), ("I63.900x002", EXCEPT)]),
        (["I63.900x001", "I63.900x002"], [("I63.900x001", EXACT), ("I63.900x002", EXACT)]),
        (["I64.x00", "I64.x00x001"], [("I64", PREFIX)]),
        (["37.5100", "37.5101", "37.6100"], [("37.", PREFIX)]),
        (["37.5100", "37.5101"], [("37.5", PREFIX)]),
        (["37.5100", "37.6100"], [("37.5100", EXACT), ("37.6100", EXACT)]),
    ],
)
def test_the_fewest_rows_are_taken(members: list[str], lines: list[tuple[str, str]]) -> None:
    assert sorted(Categories(KNOWN).fold(members, KNOWN)) == sorted(lines)


def test_a_code_that_no_dictionary_holds_keeps_its_row() -> None:
    folded = Categories(KNOWN).fold(["I64.x00", "I64.x00x001"], ["I64.x00"])
    assert sorted(folded) == [("I64.x00", EXACT), ("I64.x00x001", EXACT)]


codes = st.builds(
    lambda head, digits, tail: f"{head}{digits[0]}{digits[1]}.{digits[2]}0{digits[3]}{tail}",
    st.sampled_from(["I", "J", ""]),
    st.tuples(*[st.sampled_from("01")] * 4),
    st.sampled_from(["", "x001", "x002", "+G01*"]),
) | st.sampled_from(["I6", "I00.", "001", "BNG020", "00.1", "00.10", "I00.x00", "?"])


@given(st.frozensets(codes, max_size=60), st.data())
@settings(max_examples=300, deadline=None)
def test_a_folded_set_has_the_same_members_and_never_more_rows(
    known: frozenset[str], data: st.DataObject
) -> None:
    members = data.draw(st.frozensets(st.sampled_from(sorted(known)))) if known else frozenset()
    listed = data.draw(st.frozensets(st.sampled_from(sorted(known)))) if known else frozenset()
    lines = Categories(known).fold(members, listed)
    assert lines == Categories(sorted(known, reverse=True)).fold(sorted(members), sorted(listed))
    table = CodeTable("f", "code", tuple(CodeRow(at, ("S",), *line) for at, line in enumerate(lines)))
    faults: list[object] = []
    assert set(table.members(("S",), sorted(known), faults)) == members  # type: ignore[arg-type]  # any list will do
    assert not faults
    assert len(lines) <= len(members)
    assert {code for code, match in lines if match == EXACT} >= members - listed
    prefixes = [code for code, match in lines if match == PREFIX]
    assert all(sum(code.startswith(prefix) for code in members) > 1 for prefix in prefixes)


def fewest(known: frozenset[str], members: frozenset[str]) -> int:
    """The fewest rows there are, by trying every choice of prefixes."""
    prefixes = sorted({category for code in known for category in categories_of(code)})
    best = len(members)
    for choice in range(1, 1 << len(prefixes)):
        chosen = [prefix for bit, prefix in enumerate(prefixes) if choice >> bit & 1]
        covered = {code for code in known if code.startswith(tuple(chosen))}
        best = min(best, len(chosen) + len(covered - members) + len(members - covered))
    return best


@given(st.frozensets(codes, max_size=6), st.data())
@settings(max_examples=150, deadline=None)
def test_no_choice_of_prefixes_has_fewer_rows(known: frozenset[str], data: st.DataObject) -> None:
    members = data.draw(st.frozensets(st.sampled_from(sorted(known)))) if known else frozenset()
    prefixes = {category for code in known for category in categories_of(code)}
    if len(prefixes) <= 10:
        assert len(Categories(known).fold(members, known)) == fewest(known, members)


TREE = {
    "mdc.csv": "seq,mdc,entry\n1,M,pdx in D or any_proc in P or any_dx in E or any_proc in E\n",
    "adrg.csv": "mdc,seq,rule,adrg,when,otherwise\nM,1,R,R,always,R\n",
    "drg.csv": "rule,seq,drg,when\n",
    "drg_names.csv": "drg,name\n",
    "diagnosis_map.csv": "hospital_code,grouper_code\n",
    "procedure_map.csv": "hospital_code,grouper_code\n",
    "scheme.toml": 'id = "r"\nkind = "drg"\ntitle = "Random"\nempty_sets = ["D", "P", "E", "U"]\n',
}
"""Set D is used for diagnoses, P for procedures, E for both and U for none."""

some = st.lists(st.tuples(codes, st.sampled_from([EXACT, EXACT, EXCEPT, PREFIX])), max_size=12)
named = st.lists(st.tuples(codes, st.just(EXACT)), max_size=12)


@st.composite
def random_packs(draw: st.DrawFn) -> dict[str, str]:
    """Files of a pack with random dictionaries and random rows, of which few contradict each other."""
    tables = {
        "code_sets.csv": ("set,code,match", [f"{name},{{}},{{}}" for name in "DPEU"], some),
        "valid_procedures.csv": ("code,match", ["{},{}"], some),
        "complications.csv": ("code,level,exclusion_table,match", ["{},CC,1,{}", "{},MCC,1,{}"], some),
        "exclusions.csv": ("principal_code,exclusion_table,match", ["{},1,{}"], some),
        "trauma_sites.csv": ("code,site,match", ["{},head,{}", "{},leg,{}"], some),
        "diagnoses.csv": ("code,name", ["{},name{}"], named),
        "procedures.csv": ("code,name", ["{},name{}"], named),
    }
    files = dict(TREE)
    for file, (header, forms, strategy) in tables.items():
        lines = [header]
        for form in forms:
            once = {(code, match == PREFIX): (code, match) for code, match in draw(strategy)}
            lines += [form.format(code, match) for code, match in once.values()]
        files[file] = "\n".join(lines) + "\n"
    return files


@given(random_packs())
@settings(max_examples=150, deadline=None)
def test_random_packs_fold_and_unfold_exactly(files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pack, folded, again, unfolded, refolded = (Path(folder) / name for name in "pfaur")
        pack.mkdir()
        for file, text in files.items():
            (pack / file).write_text(text, "utf-8")
        fold_pack(pack, folded)
        fold_pack(folded, again)
        unfold_pack(folded, unfolded)
        fold_pack(unfolded, refolded)
        assert meaning(pack) == meaning(folded) == meaning(unfolded)
        assert contents(folded) == contents(again) == contents(refolded)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_folds_and_unfolds_exactly(scheme: str, shared: Path, tmp_path: Path) -> None:
    """The rows that come back are those of the source, each once: the same facts, the same codes named."""
    source, unfolded = shared / "schemes" / scheme, tmp_path / "unfolded"
    report = fold_pack(source, tmp_path / "folded")
    unfold_pack(tmp_path / "folded", unfolded)
    before, after = (sum(counts) for counts in zip(*report.rows.values(), strict=True))
    assert after < before / 2
    for path in source.iterdir():
        if path.name not in CODE_TABLES and path.name != "scheme.toml":
            assert (unfolded / path.name).read_bytes() == path.read_bytes()
    for file, (code, keys, _) in CODE_TABLES.items():
        original = {(*(row[key] for key in keys), normalise(row[code])) for row in rows(source, file)}
        found = [(*(row[key] for key in keys), row[code]) for row in rows(unfolded, file)]
        assert found == sorted(original)
        assert not any("match" in row for row in rows(unfolded, file))


def test_folding_again_changes_nothing(shared: Path, tmp_path: Path) -> None:
    fold_pack(shared / "schemes" / "chs_drg_11", tmp_path / "once")
    fold_pack(tmp_path / "once", tmp_path / "twice")
    assert contents(tmp_path / "once") == contents(tmp_path / "twice")


def test_the_shipped_pack_is_the_folded_scheme(shared: Path, tmp_path: Path) -> None:
    fold_pack(shared / "schemes" / "chs_drg_11", tmp_path / "folded")
    assert contents(tmp_path / "folded") == contents(find_pack("chs_drg_11"))


def test_rows_stand_in_order_and_read_as_categories(tmp_path: Path) -> None:
    fold_pack(TINY, tmp_path / "folded")
    found = [tuple(row.values()) for row in rows(tmp_path / "folded", "code_sets.csv")]
    assert found == [
        ("A_proc", "37.5100", ""),
        ("B_dx", "I63.000", ""),
        ("B_dx", "I63.900", ""),
        ("B_dx", "I64.x00", ""),
        ("B_proc", "01.", "prefix"),
        ("B_proc", "99.9999", ""),
        ("C_dx", "S06.000", ""),
        ("C_dx", "S32.000", ""),
    ]


def test_names_of_procedures_come_back(tmp_path: Path) -> None:
    fold_pack(TINY, tmp_path / "folded")
    unfold_pack(tmp_path / "folded", tmp_path / "unfolded")
    assert [tuple(row.values()) for row in rows(tmp_path / "unfolded", "valid_procedures.csv")] == [
        ("01.2400", "Craniotomy"),
        ("37.2100", "Catheterisation of right heart"),
        ("37.5100", "Heart transplant"),
    ]


@pytest.mark.parametrize("way", [fold_pack, unfold_pack])
def test_nothing_is_overwritten(way: Callable[[Path, Path], FoldReport], tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(FoldError, match="is there already"):
        way(TINY, target)
    assert contents(target) == {"notes.txt": b"mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    (target / "notes.txt").unlink()
    way(TINY, target)
    assert meaning(target) == meaning(TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_nothing_is_left_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Categories, "fold", lambda *_: [("I63", PREFIX)])
    with pytest.raises(FoldError, match="would not mean the same"):
        fold_pack(TINY, tmp_path / "target")
    assert not list(tmp_path.iterdir())


def test_a_target_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(FoldError, match="cannot be written"):
        fold_pack(TINY, tmp_path / "file" / "target")


PIN = "0" * 64


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('id = "a"\n', f'id = "a"\ndictionary_sha256 = "{PIN}"\n'),
        ('id = "a"', f'id = "a"\ndictionary_sha256 = "{PIN}"\n'),
        ('id = "a"\r\n\r\n[counts]\r\n', f'id = "a"\r\ndictionary_sha256 = "{PIN}"\r\n\r\n[counts]\r\n'),
        ('dictionary_sha256 = "1" # old\n', f'dictionary_sha256 = "{PIN}" # old\n'),
        ("dictionary_sha256='1'\n[counts]\n", f'dictionary_sha256="{PIN}"\n[counts]\n'),
        ('title = """\nid = 3\n"""\n', f'dictionary_sha256 = "{PIN}"\ntitle = """\nid = 3\n"""\n'),
        ("\ufeff[counts]\n", f'\ufeffdictionary_sha256 = "{PIN}"\n[counts]\n'),
        ("[counts]\nid = 3\n", f'dictionary_sha256 = "{PIN}"\n[counts]\nid = 3\n'),
    ],
)
def test_a_pin_is_written_into_the_text_of_the_header(before: str, after: str) -> None:
    assert pinned_text(before, PIN) == after
    assert pinned_text(after, PIN) == after


def test_a_header_that_cannot_be_edited_is_said() -> None:
    with pytest.raises(PinError, match="by hand"):
        pinned_text('dictionary_sha256 = """1"""\n', PIN)


def test_pinning_accepts_a_new_dictionary(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(TINY, pack)
    with (pack / "diagnoses.csv").open("a", encoding="utf-8") as file:
        file.write("I63.100,Cerebral infarction by embolism\n")
    with pytest.raises(PackError, match="another dictionary"):
        load(pack)
    header = (pack / "scheme.toml").read_text("utf-8")
    pin = pin_pack(pack)
    assert (pack / "scheme.toml").read_text("utf-8") == header.replace(load(TINY).pin, pin)
    assert load(pack).scheme.tables.sets["B_dx"] - load(TINY).scheme.tables.sets["B_dx"] == {"I63.100"}
