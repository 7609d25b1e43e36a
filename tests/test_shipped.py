"""The packs that come with the product, and finding a pack."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from casemeter_grouper import walker
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.pack.kinds import check_pack, id_of, kind_of
from casemeter_grouper.pack.load import load
from casemeter_grouper.pack.shipped import DEFAULT, PackNotFoundError, find_pack, shipped_packs
from shared_cases import read

TINY = Path(__file__).parent / "data" / "tiny_pack"


def test_the_default_pack_is_shipped() -> None:
    assert DEFAULT in shipped_packs()
    assert find_pack(DEFAULT) == shipped_packs()[DEFAULT]


SHIPPED_SCHEMES = sorted(name for name, folder in shipped_packs().items() if kind_of(folder).name == "drg")


@pytest.mark.parametrize("name", sorted(shipped_packs()))
def test_a_shipped_pack_has_no_error_and_is_called_by_its_id(name: str) -> None:
    folder = find_pack(name)
    assert id_of(folder) == name
    assert not [fault.line() for fault in check_pack(folder) if fault.severity == "error"]


@pytest.mark.parametrize("name", SHIPPED_SCHEMES)
def test_a_shipped_pack_is_pinned_to_the_shipped_dictionary(name: str) -> None:
    pack = load(find_pack(name))
    assert pack.scheme.header.id == name
    assert pack.pin == pack.dictionary.sha256


def test_every_shared_case_gets_its_group_from_the_shipped_pack(shared: Path, default_bundle: Path) -> None:
    compiled, pack = CompiledScheme.open(default_bundle), load(find_pack("chs_drg_11")).scheme
    cases = list(read(shared, "chs_drg_11"))
    leaves, _ = Grouper(compiled).run(compiled.encode(expected.case for expected in cases))
    wrong = []
    for expected, at in zip(cases, leaves, strict=True):
        ends = (compiled.leaves[at], walker.group(pack.tree, pack.tables, expected.case)[0])
        groups = [leaf.group if leaf else "" for leaf in ends]
        if groups != [expected.group] * 2:
            wrong.append((expected.id, expected.group, groups))
    assert not wrong
    assert len(cases) == 5_000


def test_a_folder_is_found_before_a_shipped_pack_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / DEFAULT).mkdir()
    assert find_pack(DEFAULT) == shipped_packs()[DEFAULT]  # not for a folder that holds no pack
    shutil.copytree(TINY, tmp_path / DEFAULT, dirs_exist_ok=True)
    assert find_pack(DEFAULT) == Path(DEFAULT)
    assert find_pack(str(tmp_path / DEFAULT)) == tmp_path / DEFAULT


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("chs_drg_10", "pack_near"),
        ("zzz", "pack_unknown"),
        ("tests", "pack_unknown"),
        ("a/b/c", "pack_unknown"),
    ],
)
def test_what_is_not_there_is_said_in_both_languages(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PackNotFoundError) as caught:
        find_pack(name)
    assert caught.value.kind == kind
    for language in ("en", "zh"):
        assert name in caught.value.text(language)
        assert DEFAULT in caught.value.text(language)
