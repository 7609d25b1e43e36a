"""``casemeter seal``: whether the seal of a front page holds, and the keys of seals.

Whoever submits pages verifies every one of them: nothing is loaded for it that evaluates.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import typer

from casemeter_server.cli.language import Lang, Language
from casemeter_server.sealing.canonical import ContentError
from casemeter_server.sealing.content import Kind, Values, content_of, differences, values_of
from casemeter_server.sealing.keys import (
    make_key,
    open_key,
    public_jwks,
    public_pem,
    read_public,
)
from casemeter_server.sealing.pages import read_page
from casemeter_server.sealing.token import Seal, SealError, Wrong, read_seal
from casemeter_server.sealing.verify import verify as verify_page

app = typer.Typer(no_args_is_help=True, help="Verify the seal of a front page; make and show keys.")

_SHOWN: Final = 50
"""Fields that differ, as far as they are listed."""


@app.command()
def verify(
    page: Annotated[
        Path,
        typer.Argument(help="The page: an Encounter, a message 4101 or 4101A, or a table of front pages."),
    ],
    seal: Annotated[str, typer.Option(metavar="SEAL", help="The seal, or a file that holds it.")],
    key: Annotated[
        Path, typer.Option(metavar="FILE", help="Public keys: PEM, or JSON Web Keys; see 'seal public'.")
    ],
    lang: Lang,
    row: Annotated[
        int | None, typer.Option(help="Of a table: which row, by the number that its check gave it.")
    ] = None,
    hospital: Annotated[str, typer.Option(help="The hospital that submits; others' seals fail.")] = "",
    sealed: Annotated[
        Path | None, typer.Option(metavar="PAGE", help="The page as it was sealed, to name what differs.")
    ] = None,
    sealed_row: Annotated[int | None, typer.Option(help="Of that table: which row.")] = None,
) -> None:
    """Say whether a seal holds for a page, who gave it and with which packs. Exit status 1 if it does not."""
    with _telling():
        keys = read_public(key)
        token = _token(seal)
    try:
        said = read_seal(token, keys)
    except SealError as error:
        typer.echo(_say(error.wrong, lang))
        raise typer.Exit(1) from None
    with _telling():
        now = _page(page, said.content.kind, row)
        try:
            verify_page(said, now, keys, hospital)
        except SealError as error:
            typer.echo(_say(error.wrong, lang, hospital=said.hospital, asked=hospital))
            if error.wrong is Wrong.CONTENT and sealed is not None:
                before = _page(sealed, said.content.kind, sealed_row)
                _print_differences(said, before, now, sealed, lang)
            raise typer.Exit(1) from None
    _print(said, lang)


@app.command()
def keygen(
    lang: Lang,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The private key to write.")],
) -> None:
    """Make a private key, in a file that only its owner reads."""
    with _telling():
        try:
            made = make_key(output)
        except FileExistsError:
            raise ValueError(f"{output}: there is such a file; it is left as it is") from None
    typer.echo(_say("made", lang, path=output, kid=made.kid))


@app.command()
def public(
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A private key, instead of the server's.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="The server's configuration."),
    ] = None,
    jwks: Annotated[bool, typer.Option("--jwks", help="As a set of JSON Web Keys instead of PEM.")] = False,
) -> None:
    """Print the public key of the server's seals, for those who verify them."""
    with _telling():
        found = open_key(key or _server_key(config))
    typer.echo((public_jwks if jwks else public_pem)(found), nl=False)


def _server_key(config: Path | None) -> Path:
    # Here, for only this command reads a configuration.
    from casemeter_server.config import Config, ConfigError, read_config

    try:
        return (read_config(config) if config else Config()).seal_key_file
    except ConfigError as error:
        raise ValueError(str(error)) from None


@contextmanager
def _telling() -> Iterator[None]:
    """End the command with what is wrong, not with a trace."""
    try:
        yield
    except (OSError, ValueError) as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(1) from None


def _token(seal: str) -> str:
    """Return the seal itself, or what its file holds."""
    if seal.count(".") == 2 and not Path(seal[:255]).is_file():
        return seal.strip()
    return Path(seal).read_text("ascii", "replace").strip()


def _page(path: Path, kind: Kind, row: int | None) -> Values:
    try:
        return values_of(kind, read_page(path, kind, row))
    except ContentError as error:
        raise ValueError(f"{path}: {error}") from None


def _print(seal: Seal, language: Language) -> None:
    user = seal.user or _say("nobody", language)
    if seal.role:
        user = _say("role", language, user=user, role=seal.role)
    none = _say("none", language)
    lines = [
        _say("holds", language),
        _say("sealed", language, user=user, hospital=seal.hospital or none, at=seal.at.isoformat()),
        _say(
            "stay",
            language,
            encounter=seal.encounter or none,
            group=seal.group or none,
            as_of=seal.as_of,
        ),
        *(
            _say("pack", language, id=pack.id, version=pack.version, sha256=pack.sha256)
            for pack in seal.packs
        ),
        _say("number", language, id=seal.id),
    ]
    typer.echo("\n".join(lines))


def _print_differences(seal: Seal, before: Values, now: Values, path: Path, language: Language) -> None:
    """Say which fields differ from the page as it was sealed."""
    if content_of(seal.content.kind, before) != seal.content:
        typer.echo(_say("not_sealed", language, path=path))
        return
    found = list(differences(before, now))
    absent = _say("absent", language)
    for place, old, new in found[:_SHOWN]:
        typer.echo("  " + _say("differs", language, place=place, before=old or absent, after=new or absent))
    if len(found) > _SHOWN:
        typer.echo("  " + _say("more", language, count=len(found) - _SHOWN))


@cache
def _words() -> dict[str, dict[str, str]]:
    text = resources.files("casemeter_server.sealing").joinpath("words.toml").read_text("utf-8")
    return tomllib.loads(text)


def _say(key: str, language: Language, **values: object) -> str:
    return _words()[key][language].format(**values)
