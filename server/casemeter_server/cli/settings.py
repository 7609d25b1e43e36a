"""``casemeter settings``: settings that are kept in the store, read and changed there.

Whoever may open the store is its administrator; servers that are running take the change up from it.
"""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from casemeter.v1 import keeping_pb2
from casemeter_server.caller import Caller
from casemeter_server.cli.setup import ConfigFile, configuration, notes, teaching
from casemeter_server.errors import RequestError
from casemeter_server.kept_settings import KeptSettings
from casemeter_server.store.store import Store

app = typer.Typer(no_args_is_help=True, help="Read and change the settings that are kept in the store.")

_ADMINISTRATOR = "administrator"

Name = Annotated[str, typer.Argument(metavar="NAME", help="Which: meter or alerts.")]
IfVersion = Annotated[
    int | None,
    typer.Option(help="Change this version only. [default: the present one]", min=0, show_default=False),
]


@app.command()
def get(name: Name, config: ConfigFile = None) -> None:
    """Print settings as they are kept; nothing is printed where those of the configuration hold."""
    with teaching(), _opened(config) as kept:
        found = asyncio.run(kept.get_settings(keeping_pb2.GetSettingsRequest(name=name), _caller()))
    typer.echo(found.content, nl=False)
    notes.print(_shown(found), markup=False)


@app.command()
def put(
    name: Name,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The settings in TOML; - for standard input.")],
    config: ConfigFile = None,
    if_version: IfVersion = None,
) -> None:
    """Change settings; servers that are running answer by them at once."""
    with teaching():
        try:
            content = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"{file}: not UTF-8: {error}") from None
    if not content.strip():
        # An empty text stands for none; a comment sets nothing and is one.
        content = "# nothing is set\n"
    _change(name, content, config, if_version)


@app.command()
def reset(name: Name, config: ConfigFile = None, if_version: IfVersion = None) -> None:
    """Let the settings of the configuration hold again."""
    _change(name, "", config, if_version)


def _change(name: str, content: str, config: Path | None, if_version: int | None) -> None:
    async def change(kept: KeptSettings) -> keeping_pb2.Settings:
        version = if_version
        if version is None:
            asked = keeping_pb2.GetSettingsRequest(name=name)
            version = (await kept.get_settings(asked, _caller())).version
        request = keeping_pb2.PutSettingsRequest(name=name, content=content, if_version=version)
        return await kept.put_settings(request, _caller())

    with teaching(), _opened(config) as kept:
        changed = asyncio.run(change(kept))
    notes.print(_shown(changed), markup=False)


@contextmanager
def _opened(config: Path | None) -> Iterator[KeptSettings]:
    """Open the settings of a store; what is wrong is told as the other commands tell it."""
    settings = configuration(config, None)
    if not settings.store_url:
        raise ValueError("the configuration has no store, so no settings are kept")
    try:
        store = Store.open(settings.store_url)
        try:
            yield KeptSettings(store, settings.meter, settings.alerts, lambda _meter, _alerts: None)
        finally:
            store.close()
    except RequestError as error:
        faults = [f"\n  {fault.message}" for fault in error.error.faults]
        raise ValueError(f"{error.error.reason}: {error}{''.join(faults)}") from None


def _caller() -> Caller:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that has no name
        user = "administrator"
    return Caller(role=_ADMINISTRATOR, user=user)


def _shown(settings: keeping_pb2.Settings) -> str:
    if not settings.version:
        return f"{settings.name}: never changed; those of the configuration hold"
    held = "" if settings.content else "; those of the configuration hold"
    at = settings.changed_at.ToJsonString()
    return (
        f"{settings.name}: version {settings.version} by {settings.changed_by or 'nobody named'}, {at}{held}"
    )
