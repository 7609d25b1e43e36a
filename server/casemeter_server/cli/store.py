"""``casemeter store``: what a store is like, and its schema brought up to date."""

from __future__ import annotations

from typing import Annotated, Final

import orjson
import typer

from casemeter_server.cli.language import Lang
from casemeter_server.cli.setup import ConfigFile, configuration, teaching
from casemeter_server.store.info import info_of
from casemeter_server.store.store import Store
from casemeter_server.store.tables import SCHEMA

app = typer.Typer(no_args_is_help=True, help="Look at the store; bring it up to date.")

Url = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="URL",
        help="The store: sqlite:////folder/casemeter.db or postgresql://user@host/db.",
    ),
]

_NONE: Final = 'the configuration says that nothing is kept (store = "none")'
_UPGRADED: Final = {
    "en": {
        "new": "{shown}: made, schema {now}",
        "same": "{shown}: up to date, schema {now}",
        "old": "{shown}: schema {before} brought up to {now}",
    },
    "zh": {
        "new": "{shown}：已新建，结构版本 {now}",
        "same": "{shown}：已是最新，结构版本 {now}",
        "old": "{shown}：结构版本由 {before} 升级到 {now}",
    },
}
_INFO: Final = {
    "en": ("store", "schema", "{found} (this program: {now})", "size", "{megabytes:,.1f} MB"),
    "zh": ("存储", "结构版本", "{found}（本程序：{now}）", "大小", "{megabytes:,.1f} MB"),
}


def store_url(url: str, config: ConfigFile) -> str:
    """Return the store that a command names: its URL, that of a configuration, or that of the defaults.

    Raises:
        ValueError: the configuration says that there is none.
        ConfigError: the configuration cannot be used.
    """
    found = url or configuration(config, None).store_url
    if not found:
        raise ValueError(_NONE)
    return found


@app.command()
def upgrade(
    store: Url = "",
    config: ConfigFile = None,
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Make the store, or bring its schema up to date. A server does so too when it starts."""
    with teaching():
        opened = Store.open(store_url(store, config))
        opened.close()
    how = "same" if opened.schema_before == SCHEMA else "old" if opened.schema_before else "new"
    said = _UPGRADED[lang][how].format(shown=opened.shown, before=opened.schema_before, now=SCHEMA)
    typer.echo(said)


@app.command()
def info(
    store: Url = "",
    config: ConfigFile = None,
    lang: Lang = ...,  # type: ignore[assignment]  # typer fills it from its default factory
) -> None:
    """Show where the store is, its schema, its size and how many rows it holds. It changes nothing."""
    with teaching():
        found = info_of(store_url(store, config))
    where, schema, versions, size, megabytes = _INFO[lang]
    typer.echo(f"{where:<12} {found.shown}")
    typer.echo(f"{schema:<12} {versions.format(found=found.schema or '–', now=SCHEMA)}")
    typer.echo(f"{size:<12} {megabytes.format(megabytes=found.bytes / 1e6)}")
    for table, rows in found.rows.items():
        typer.echo(f"{table:<12} {rows:,}")


@app.command()
def looks(
    hospital: Annotated[str, typer.Argument(help="The hospital of the stay.")],
    encounter: Annotated[str, typer.Argument(help="The hospital's number of the stay.")],
    store: Url = "",
    config: ConfigFile = None,
) -> None:
    """Show who looked at a stay, when and by which call: JSON lines, the oldest first. It changes nothing."""
    with teaching():
        opened = Store.open(store_url(store, config), make=False)
        try:
            for look in opened.read_now(lambda reading: list(reading.accesses(hospital, encounter))):
                told = {**look._asdict(), "at": look.at.isoformat()}
                typer.echo(orjson.dumps(told).decode())
        finally:
            opened.close()
