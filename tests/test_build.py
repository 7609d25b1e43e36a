"""Bundles: the same pack gives the same bytes, and a bundle that cannot be trusted is never read."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from casemeter_grouper.compiled import bundle
from casemeter_grouper.compiled.bundle import BundleError, Reason, open_bundle
from casemeter_grouper.compiled.compiler import KIND, compile_scheme
from casemeter_grouper.compiled.decompiler import scheme_of
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.pack import kinds
from casemeter_grouper.pack.build import build, build_cached, source_hash
from casemeter_grouper.pack.faults import PackError
from casemeter_grouper.pack.fold import fold_pack
from casemeter_grouper.pack.load import load
from casemeter_grouper.pack.shipped import find_pack

TINY = Path(__file__).parent / "data" / "tiny_pack"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "tiny"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return build(TINY, tmp_path / "tiny.bundle").target


def reason(path: Path) -> Reason:
    with pytest.raises(BundleError) as caught:
        CompiledScheme.open(path)
    assert str(path) in str(caught.value)
    return caught.value.reason


def test_the_same_pack_gives_the_same_bytes(tiny: Path, tmp_path: Path, file: Path) -> None:
    report = build(tiny, tmp_path / "again.bundle")
    assert report.target.read_bytes() == file.read_bytes()
    assert report.size_bytes == len(file.read_bytes())
    assert [fault.kind for fault in report.faults] == ["unknown_code"]


def test_the_same_pack_gives_the_same_bytes_in_another_process(tmp_path: Path, file: Path) -> None:
    code = (
        "import sys, pathlib; from casemeter_grouper.pack.build import build;"
        "build(*map(pathlib.Path, sys.argv[1:]))"
    )
    other = tmp_path / "other.bundle"
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}
        subprocess.run([sys.executable, "-c", code, str(TINY), str(other)], env=environment, check=True)
        assert other.read_bytes() == file.read_bytes()


def test_a_bundle_holds_the_whole_scheme(default_bundle: Path, tmp_path: Path) -> None:
    compiled, pack = CompiledScheme.open(default_bundle), load(find_pack("chs_drg_11")).scheme
    scheme = scheme_of(compiled)
    assert (scheme.tree, scheme.tables, scheme.names) == (pack.tree, pack.tables, pack.names)
    assert (scheme.diagnoses, scheme.procedures) == (pack.diagnoses, pack.procedures)
    assert scheme.code_maps == pack.code_maps
    bundle.write(tmp_path / "again.bundle", *compile_scheme(scheme))
    assert (tmp_path / "again.bundle").read_bytes() == default_bundle.read_bytes()


def test_a_folded_pack_compiles_to_the_same_program(tmp_path: Path, file: Path) -> None:
    fold_pack(TINY, tmp_path / "folded")
    build(tmp_path / "folded", tmp_path / "folded.bundle")
    first, second = (
        open_bundle(path, KIND).manifest["arrays"] for path in (file, tmp_path / "folded.bundle")
    )
    assert first == second


def test_every_flipped_byte_is_noticed(file: Path) -> None:
    """Even the blanks that fill up the header: orjson takes nothing else behind a value."""
    whole = file.read_bytes()
    unnoticed = []
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x01]) + whole[at + 1 :])
        try:
            open_bundle(file, KIND)
            unnoticed.append(at)
        except BundleError:
            pass
    assert not unnoticed


@pytest.mark.parametrize("missing", [1, 100, 1000, -8, -1])
def test_a_missing_byte_is_noticed(missing: int, file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:missing] + whole[missing:][1:])
    assert reason(file) in (Reason.DAMAGED, Reason.NOT_A_BUNDLE)


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 9, 500])
def test_a_bundle_cut_short_is_noticed(kept: int, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:kept])
    assert reason(file) is Reason.NOT_A_BUNDLE


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" * 100, b"\x02\0\0\0\0\0\0\0{}", b"\xff" * 64])
def test_another_file_is_no_bundle(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    assert reason(path) is Reason.NOT_A_BUNDLE


def test_a_missing_bundle_and_a_folder_are_said(tmp_path: Path) -> None:
    assert reason(tmp_path / "nothing.bundle") is Reason.MISSING
    assert reason(tmp_path) is Reason.NOT_A_BUNDLE


@pytest.mark.parametrize("version", [bundle.COMPILER - 1, bundle.COMPILER + 1])
def test_a_bundle_of_another_compiler_is_not_read(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(bundle, "COMPILER", version)
        path = build(TINY, tmp_path / "other.bundle").target
    assert reason(path) is Reason.OTHER_COMPILER


def test_a_bundle_of_another_kind_is_not_read(tmp_path: Path) -> None:
    manifest, arrays = compile_scheme(load(TINY).scheme)
    bundle.write(tmp_path / "dip.bundle", {**manifest, "kind": "dip"}, arrays)
    assert reason(tmp_path / "dip.bundle") is Reason.WRONG_KIND


def test_a_pack_with_errors_is_not_built(tiny: Path, tmp_path: Path) -> None:
    (tiny / "mdc.csv").unlink()
    with pytest.raises(PackError):
        build(tiny, tmp_path / "no.bundle")
    with pytest.raises(PackError):
        build_cached(tiny, tmp_path / "data")
    assert not (tmp_path / "no.bundle").exists()
    assert not list(tmp_path.glob("data/*"))


def test_an_unchanged_pack_is_not_built_again(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_cached(tiny, tmp_path / "data")
    assert first.name == f"tiny-{source_hash(tiny)[:32]}.bundle"
    monkeypatch.setattr(kinds, "load", None)
    assert build_cached(tiny, tmp_path / "data") == first


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text("utf-8") + text, "utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda pack: append(pack / "drg_names.csv", "\n"),
        lambda pack: append(pack / "scheme.toml", "# a remark\n"),
        lambda pack: append(pack / "diagnosis_map.csv", "E11.901,E11.900\n"),
        lambda pack: (pack / "diagnosis_map.csv").unlink(),
    ],
)
def test_a_change_of_any_file_builds_another(
    change: Callable[[Path], None], tiny: Path, tmp_path: Path
) -> None:
    first = build_cached(tiny, tmp_path / "data")
    change(tiny)
    second = build_cached(tiny, tmp_path / "data")
    assert first != second
    assert first.exists()


def test_another_compiler_builds_another(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build_cached(tiny, tmp_path / "data")
    monkeypatch.setattr(bundle, "COMPILER", bundle.COMPILER + 1)
    assert build_cached(tiny, tmp_path / "data") != first


def test_a_damaged_bundle_is_built_again(tiny: Path, tmp_path: Path) -> None:
    path = build_cached(tiny, tmp_path / "data")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert build_cached(tiny, tmp_path / "data").read_bytes() == whole


def test_a_pack_edited_while_it_is_read_is_read_again(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundle under a name is always that of the files the name was made from."""
    edits = iter(["BB11,,4.5\n"])

    def load_edited(folder: Path) -> object:
        for edit in edits:
            path = folder / "weights.csv"
            path.write_text(path.read_text("utf-8").replace("BB11,,3.5\n", edit), "utf-8")
        return load(folder)

    monkeypatch.setattr(kinds, "load", load_edited)
    path = build_cached(tiny, tmp_path / "data")
    assert path.name == f"tiny-{source_hash(tiny)[:32]}.bundle"
    assert open_bundle(path, KIND).manifest["weights"]["BB11"] == "4.5"
    assert [found.name for found in (tmp_path / "data").iterdir()] == [path.name]


def test_many_may_build_at_once(tiny: Path, tmp_path: Path, file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: build_cached(tiny, tmp_path / "data"), range(24)))
    assert [path.read_bytes() for path in paths] == [file.read_bytes()]
    assert list((tmp_path / "data").iterdir()) == list(paths)


def test_processes_may_build_at_once(tmp_path: Path, file: Path) -> None:
    code = (
        "import sys, pathlib; from casemeter_grouper.pack.build import build_cached;"
        "print(build_cached(*map(pathlib.Path, sys.argv[1:])))"
    )
    command = [sys.executable, "-c", code, str(TINY), str(tmp_path / "data")]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    runs = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    paths = {run.communicate()[0].strip() for run in runs}
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert [Path(path).read_bytes() for path in paths] == [file.read_bytes()]
