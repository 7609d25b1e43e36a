"""``casemeter identity``: pairs of keys, tokens for trying out, and why a token does not hold."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from casemeter_server.cli.setup import teaching
from casemeter_server.errors import RequestError
from casemeter_server.identity.authenticator import bearer
from casemeter_server.identity.claims import caller_of
from casemeter_server.identity.keys import KeysError, read_keys
from casemeter_server.identity.making import Algorithm, from_pem, make_token, new_key, public_jwk, to_pem
from casemeter_server.identity.settings import IdentitySettingsError, read_identity
from casemeter_server.identity.tokens import Verifier

app = typer.Typer(no_args_is_help=True, help="Make keys and tokens; say why a token does not hold.")

_PRIVATE_MODE: Final = 0o600


@app.command()
def keygen(
    private: Annotated[Path, typer.Argument(help="File to write the private key to; it must not exist yet.")],
    public: Annotated[Path, typer.Argument(help="JWK Set to write the public key to, or to add it to.")],
    algorithm: Annotated[
        Algorithm, typer.Option("--algorithm", "-a", help="What the key signs with.")
    ] = Algorithm.ES256,
) -> None:
    """Make a pair of keys: the private one signs and stays with the issuer, the server has the public one."""
    with teaching():
        keys = _key_set(public)
        key = new_key(algorithm)
        own = public_jwk(key)
        # Made for its owner alone before there is anything in it.
        private.touch(_PRIVATE_MODE, exist_ok=False)
        private.write_bytes(to_pem(key))
        keys["keys"].append(own)
        # A server that reads meanwhile finds the old file or the new one.
        beside = public.with_name(f"{public.name}.new")
        beside.write_text(json.dumps(keys, indent=2) + "\n", "utf-8")
        beside.replace(public)
    typer.echo(f"{private}: private key; {public}: its public part, kid {own['kid']}")


@app.command()
def token(
    private: Annotated[Path, typer.Argument(help="Private key, as keygen writes it.")],
    iss: Annotated[str, typer.Option(help="Issuer, as the identity file names it.")],
    audience: Annotated[str, typer.Option(help="What the token is for.")] = "casemeter",
    hospital: Annotated[str, typer.Option(help="Hospital. Left out: that of the issuer.")] = "",
    role: Annotated[str, typer.Option(help="Role.")] = "physician",
    user: Annotated[str, typer.Option(help="Person or program.")] = "trial",
    department: Annotated[str, typer.Option(help="Where the user works.")] = "",
    minutes: Annotated[float, typer.Option(min=0, max=1440, help="How long it holds.")] = 60,
) -> None:
    """Make a token for trying out."""
    with teaching():
        try:
            key = from_pem(private.read_bytes())
        except ValueError as error:
            raise ValueError(f"{private} {error}") from None
    now = int(time.time())
    claims = {
        "iss": iss,
        "aud": audience,
        "iat": now,
        "exp": now + round(minutes * 60),
        "sub": user,
        "role": role,
        "hospital": hospital,
        "department": department,
    }
    typer.echo(make_token(key, {name: value for name, value in claims.items() if value != ""}))


@app.command()
def check(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="The token; - reads it from standard input.")],
    settings: Annotated[
        Path, typer.Option("--identity", "-i", help="Identity file; see docs/identity.md.")
    ] = Path("identity.toml"),
) -> None:
    """Say for whom a token speaks and until when, or why it does not hold."""
    text = (sys.stdin.read() if token == "-" else token).strip()
    with teaching():
        try:
            verifier = Verifier(read_identity(settings))
            verified = verifier.verify(bearer(text) if text.lower().startswith("bearer ") else text)
            caller = caller_of(verified)
        except (IdentitySettingsError, RequestError) as error:
            raise ValueError(f"{error}") from None
    until = datetime.fromtimestamp(verified.expires, UTC).isoformat(timespec="seconds")
    typer.echo(
        f"hospital {caller.hospital} · role {caller.role} · user {caller.user} · "
        f"department {caller.department or 'not told'} · until {until}"
    )


def _key_set(path: Path) -> dict[str, Any]:
    """Return what is in a JWK Set, as it stands there; an empty one if there is no file."""
    if not path.exists():
        return {"keys": []}
    try:
        read_keys(path)
    except KeysError as error:
        raise ValueError(f"{path} {error}") from None
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found
