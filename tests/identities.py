"""Issuers of tokens, for tests: their keys, their files, and what they sign."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from casemeter_server.identity.making import Algorithm, PrivateKey, make_token, new_key, public_jwk
from casemeter_server.identity.settings import Identity, read_identity
from casemeter_server.identity.tokens import Verifier

NOW = 1_800_000_000
ISS = "https://sso.h001.example"
CLAIMS: Mapping[str, Any] = {
    "iss": ISS,
    "aud": "casemeter",
    "exp": NOW + 300,
    "sub": "u17",
    "hospital": "H001",
    "role": "coder",
}


@dataclass
class Clock:
    """A clock that a test sets."""

    seconds: float = NOW

    def __call__(self) -> float:
        return self.seconds


@cache
def key(name: str) -> PrivateKey:
    """A private key, made once; its algorithm is the first part of its name."""
    return new_key(Algorithm(name.split()[0]))


def signed(name: str = "ES256 first", **claims: Any) -> str:
    """A token with CLAIMS, but for those that are named; ``None`` leaves one out."""
    values = {claim: value for claim, value in {**CLAIMS, **claims}.items() if value is not None}
    return make_token(key(name), values)


def jwk_set(*names: str) -> str:
    """The public parts of keys."""
    return json.dumps({"keys": [public_jwk(key(name)) for name in names]})


@dataclass
class IssuerFile:
    """An issuer in an identity file, and its keys."""

    lines: Mapping[str, Any]
    keys: Sequence[str] = field(default=("ES256 first",))


def issuer(*keys: str, **lines: Any) -> IssuerFile:
    """An issuer that speaks for every hospital, but for what is named."""
    return IssuerFile({"iss": ISS, "audience": "casemeter", **lines}, keys or ("ES256 first",))


def written_identity(folder: Path, *issuers: IssuerFile) -> Path:
    """Write an identity file, and a key file for each issuer: keys1.json and so on."""
    text = ""
    for number, each in enumerate(issuers, 1):
        (folder / f"keys{number}.json").write_text(jwk_set(*each.keys), "utf-8")
        lines = {"keys": f"keys{number}.json", **each.lines}
        text += "[[issuer]]\n" + "".join(f"{name} = {json.dumps(lines[name])}\n" for name in lines)
    (folder / "identity.toml").write_text(text, "utf-8")
    return folder / "identity.toml"


def identity(folder: Path, *issuers: IssuerFile) -> Identity:
    """Write an identity file and read it."""
    return read_identity(written_identity(folder, *issuers))


def verifier(folder: Path, *issuers: IssuerFile, clock: Clock | None = None) -> Verifier:
    """Verifies tokens of issuers, by default of one, at NOW; one clock for all."""
    clock = clock or Clock()
    return Verifier(identity(folder, *(issuers or (issuer(),))), clock, clock)
