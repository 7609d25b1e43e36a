"""What several commands share: configuration, bundles, and errors that teach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from casemeter_server.config import Config, read_config
from casemeter_server.lessons import TAUGHT, lesson

notes = Console(stderr=True, highlight=False, soft_wrap=True)
"""What is said beside the result goes to standard error."""

Packs = Annotated[
    list[str] | None,
    typer.Option(
        "--pack", "-p", help="Pack folder, shipped pack or bundle; may be repeated. The first is the default."
    ),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="Configuration file; see docs/configuration.md.")
]


@contextmanager
def teaching() -> Iterator[None]:
    """End the command with what is wrong and how to mend it, not with a trace."""
    try:
        yield
    except TAUGHT as error:
        notes.print(lesson(error), style="red", markup=False)
        raise typer.Exit(1) from None


def configuration(file: Path | None, packs: Sequence[str] | None) -> Config:
    """Return the configuration of a file, or the defaults, with packs named on the command line."""
    config = read_config(file) if file else Config()
    return replace(config, packs=tuple(packs)) if packs else config


def bundles(config: Config) -> list[Path]:
    """Return the bundle of every pack of a configuration, building those that are not built yet."""
    # Loaded here: the supervisor of a server uses this module, and never compiles a pack itself.
    from casemeter_grouper.pack.build import SUFFIX, build_cached
    from casemeter_grouper.pack.shipped import find_pack

    found: list[Path] = []
    for name in config.packs:
        if name.endswith(SUFFIX):
            found.append(Path(name))
            continue
        with notes.status(f"preparing pack {name} …") if notes.is_terminal else _nothing():
            found.append(build_cached(find_pack(name), config.data / "bundles"))
    return found


@contextmanager
def _nothing() -> Iterator[None]:
    yield
