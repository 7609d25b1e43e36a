"""Snapshots: which pack answers, what cannot be loaded together, and that nothing is compiled in a call."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from shutil import copytree

import pytest

from casemeter_grouper.compiled.bundle import BundleError
from casemeter_grouper.pack.build import build
from casemeter_server.errors import RequestError
from casemeter_server.snapshot import Snapshot
from live import TINY, tiny_bundle

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Builds the tiny pack under another id or with other days."""
    folder = tmp_path_factory.mktemp("packs")
    built: dict[tuple[str, str, str], Path] = {}

    def make(first: str = "", last: str = "", id: str = "tiny") -> Path:
        if (first, last, id) not in built:
            pack = copytree(TINY, folder / str(len(built)))
            header = (pack / "scheme.toml").read_text("utf-8").splitlines()
            kept = [line for line in header if not line.startswith(("id =", "version =", "valid_"))]
            days = [f"{key} = {day}" for key, day in (("valid_from", first), ("valid_until", last)) if day]
            text = "\n".join([f'id = "{id}"', f'version = "{first}"', *days, *kept])
            (pack / "scheme.toml").write_text(text, "utf-8")
            built[first, last, id] = build(pack, pack.with_suffix(".bundle")).target
        return built[first, last, id]

    return make


@pytest.fixture(scope="module")
def snapshot(make: Make) -> Snapshot:
    """One pack in three versions, given in no order, with a gap in July 2026, and another pack."""
    versions = [("2026-08-01", ""), ("", "2025-12-31"), ("2026-01-01", "2026-06-30")]
    return Snapshot.open([*(make(*days) for days in versions), make(id="other")], "other", {"H1": "tiny"})


def picked(snapshot: Snapshot, pack: str, hospital: str, day: str) -> str:
    header = snapshot.pick(pack, hospital, lambda: day).header
    return f"{header.id} {header.version}"


@pytest.mark.parametrize(
    ("pack", "hospital", "day", "answers"),
    [
        ("tiny", "", "1999-01-01", "tiny "),
        ("tiny", "", "2025-12-31", "tiny "),
        ("tiny", "", "2026-01-01", "tiny 2026-01-01"),
        ("tiny", "", "2026-06-30", "tiny 2026-01-01"),
        ("tiny", "", "2026-08-01", "tiny 2026-08-01"),
        ("tiny", "", "2099-12-31", "tiny 2026-08-01"),
        ("", "", "2026-07-15", "other "),
        ("", "H2", "2026-07-15", "other "),
        ("", "H1", "2026-01-01", "tiny 2026-01-01"),
        ("other", "H1", "2026-01-01", "other "),
    ],
)
def test_the_version_of_the_day(pack: str, hospital: str, day: str, answers: str, snapshot: Snapshot) -> None:
    assert picked(snapshot, pack, hospital, day) == answers


@pytest.mark.parametrize(
    ("pack", "reason", "says"),
    [
        ("tiny", "PACK_NOT_VALID", "it holds … to 2025-12-31, 2026-01-01 to 2026-06-30, 2026-08-01 to …"),
        ("third", "UNKNOWN_PACK", "no pack 'third' is loaded; loaded: "),
    ],
)
def test_no_version_of_the_day(pack: str, reason: str, says: str, snapshot: Snapshot) -> None:
    with pytest.raises(RequestError) as caught:
        picked(snapshot, pack, "", "2026-07-15")
    assert caught.value.error.reason == reason
    assert says in str(caught.value)


def test_every_version_is_listed_by_id_and_first_day(snapshot: Snapshot) -> None:
    listed = [(loaded.header.id, loaded.header.valid_from) for loaded in snapshot.schemes]
    assert listed == [("other", ""), ("tiny", ""), ("tiny", "2026-01-01"), ("tiny", "2026-08-01")]


def test_the_first_pack_is_the_default_where_none_is_named(make: Make) -> None:
    snapshot = Snapshot.open([make(id="other"), make()])
    assert (snapshot.default, snapshot.default_of("H1")) == ("other", "other")
    with pytest.raises(RequestError) as caught:
        Snapshot.open([]).pick("", "H1", lambda: "2026-01-01")
    assert caught.value.error.reason == "NO_DEFAULT_PACK"


@pytest.mark.parametrize(
    "versions",
    [
        [("", ""), ("", "")],
        [("", ""), ("2026-01-01", "")],
        [("2026-01-01", ""), ("2027-01-01", "")],
        [("2026-01-01", "2026-12-31"), ("2026-12-31", "")],
        [("2026-01-01", "2026-12-31"), ("2026-03-01", "2026-04-30")],
        [("", "2026-12-31"), ("", "2025-12-31")],
        [("2028-01-01", ""), ("2026-01-01", "2026-12-31"), ("2026-06-01", "2027-12-31")],
    ],
)
def test_two_versions_of_one_day_are_an_error(versions: list[tuple[str, str]], make: Make) -> None:
    with pytest.raises(ValueError, match="two versions of pack 'tiny' hold on the same day"):
        Snapshot.open([make(*days) for days in versions])


@pytest.mark.parametrize(("default", "hospitals"), [("none", {}), ("", {"H1": "tiny", "H2": "none"})])
def test_a_default_that_is_not_loaded_is_an_error(
    default: str, hospitals: dict[str, str], make: Make
) -> None:
    with pytest.raises(ValueError, match="default pack 'none' is not loaded; loaded: tiny"):
        Snapshot.open([make()], default, hospitals)


def test_a_bundle_that_is_damaged_is_an_error(make: Make, tmp_path: Path) -> None:
    data = bytearray(make().read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "damaged.bundle").write_bytes(data)
    with pytest.raises(BundleError, match=r"damaged\.bundle"):
        Snapshot.open([make(id="other"), tmp_path / "damaged.bundle"])


def test_a_snapshot_does_not_change(make: Make) -> None:
    hospitals = {"H1": "tiny"}
    snapshot = Snapshot.open([make()], "", hospitals)
    hospitals["H1"] = "other"
    assert snapshot.default_of("H1") == "tiny"
    with pytest.raises(FrozenInstanceError):
        snapshot.default = "other"  # type: ignore[misc]  # that is the point


COMPILED_IN_A_CALL = """
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from numba.core.dispatcher import Dispatcher

from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_server.caller import Caller
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot


def compiled():
    return {
        (module.__name__, name): len(found.signatures)
        for module in list(sys.modules.values())
        if module.__name__.startswith("casemeter")
        for name, found in vars(module).items()
        if isinstance(found, Dispatcher)
    }


evaluator = Evaluator(Snapshot.open([Path(sys.argv[1])]), ZoneInfo("Asia/Shanghai"))
before = compiled()
assert sum(before.values()) > 3, before
stroke = {"diagnoses": [{"code": "I63.900"}], "procedures": [{"code": "01.2400"}], "birth_date": "1958-03-02"}
for asked in ({}, {"explain": True}, {"near_misses": True}):
    for sent in (stroke, {}, {"diagnoses": [{"code": "i63.900"}]}, {"diagnoses": [{"code": "Q99"}]}):
        request = EvaluateRequest(encounter=sent, as_of={"seconds": 1780286400}, **asked)
        evaluator.evaluate_bytes(request.SerializeToString(), Caller())
assert compiled() == before, (before, compiled())
"""


def test_nothing_is_compiled_in_a_call(bundles: Path) -> None:
    command = [sys.executable, "-c", COMPILED_IN_A_CALL, str(tiny_bundle(bundles))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
