"""What several tests share."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

import postgresql
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.store.store import Store

SHARED = Path(__file__).parents[2] / "shared"


# Tests make very many objects that live as long as a test; looking through them again and again took a fifth
# of the whole run.
gc.set_threshold(100_000, 50, 100)

if os.environ.get("CI") == "true":
    # What was green stays green: new examples are for those who are there to look at what they find.
    settings.register_profile("ci", derandomize=True)
    settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be written anew: ``scripts/test --update``."""
    parser.addoption("--update", action="store_true", help="write golden files anew")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The schemes, cases and codes that tests are run against; not part of the product."""
    if not SHARED.is_dir():
        reason = "../shared is missing, and this test needs it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return SHARED


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of bundles, one for all test processes."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return folder / "bundles"


@pytest.fixture(scope="session")
def compiled(shared: Path, bundles: Path) -> Callable[[str], CompiledScheme]:
    """Opens a scheme of ../shared, built once."""
    return cache(lambda name: CompiledScheme.open(build_cached(shared / "schemes" / name, bundles)))


@pytest.fixture(scope="session")
def default_bundle(bundles: Path) -> Path:
    """The bundle of the shipped default pack."""
    return build_cached(find_pack("chs_drg_11"), bundles)


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with a file of tests/golden, or writes the file with ``--update``."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--update"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        assert path.read_text("utf-8") == text, f"{path.name} differs; if it is right, --update writes it"

    return compare


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Server]:
    """A PostgreSQL of this test process."""
    if not postgresql.binaries():
        if os.environ.get("CI") == "true":
            pytest.fail(postgresql.ABSENT)
        pytest.skip(postgresql.ABSENT)
    with postgresql.server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_store(postgres: postgresql.Server) -> str:
    """A store of it, as a URL; it holds what the last test left there."""
    return postgres.new_store()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each kind, as a URL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'casemeter.db'}"
    url: str = request.getfixturevalue("postgres_store")
    postgresql.empty(url)
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """The same, open."""
    opened = Store.open(store_url)
    yield opened
    opened.close()
