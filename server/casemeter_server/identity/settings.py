"""Whose tokens a server believes: one small TOML file, every fault of it at once.

Whatever is optional may be left out::

    [[issuer]]
    iss = "https://sso.h001.example"  # as its tokens name it
    keys = "keys.json"                # its public keys, a JWK Set beside this file; may change at any moment
    audience = "casemeter"            # what its tokens must be for
    hospital = "H001"                 # optional: the one hospital it speaks for
    roles = ["physician", "coder"]    # optional: the roles it may give
    jku = ["https://…"]               # optional: addresses of keys that its tokens may name; none is fetched
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from casemeter_server.identity.declared import MAX_NAME, is_name
from casemeter_server.identity.keys import KeysError, read_keys
from casemeter_server.identity.rights import Rights, shipped_rights

_KNOWN: Final = "iss, keys, audience, hospital, roles, jku"


class IdentitySettingsError(Exception):
    """Settings that cannot be used; names every fault."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        super().__init__("\n".join(f"{path}: {fault}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Issuer:
    """One that makes tokens.

    Attributes:
        iss: its name in tokens.
        keys: file of its public keys.
        audience: what its tokens must be for.
        hospital: the one it speaks for; empty: for each that its tokens name.
        roles: that it may give.
        jku: addresses of keys that its tokens may name.
    """

    iss: str
    keys: Path
    audience: str
    hospital: str = ""
    roles: frozenset[str] = frozenset()
    jku: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose tokens are believed.

    Attributes:
        issuers: by their names in tokens.
    """

    issuers: Mapping[str, Issuer]


def read_identity(path: Path) -> Identity:
    """Read a settings file, and look at the key files that it names.

    Raises:
        IdentitySettingsError: with every fault of the file.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise IdentitySettingsError(path, [f"cannot be read: {error}"]) from None
    faults: list[str] = []
    entries = values.pop("issuer", [])
    faults += [f"'{key}' is not known; known: issuer" for key in values]
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        faults.append("'issuer' is not a list of tables; write at least one [[issuer]]")
        entries = []
    rights = shipped_rights()
    issuers: dict[str, Issuer] = {}
    for number, entry in enumerate(entries, 1):
        issuer = _issuer(dict(entry), f"issuer {number}", path.parent, rights, faults)
        if issuer.iss in issuers:
            faults.append(f"issuer {number}: 'iss' is that of another issuer")
        issuers[issuer.iss] = issuer
    if faults:
        raise IdentitySettingsError(path, faults)
    return Identity(issuers)


def _issuer(table: dict[str, Any], place: str, folder: Path, rights: Rights, faults: list[str]) -> Issuer:
    iss, keys, audience = (
        _text(table, name, place, example, faults)
        for name, example in (
            ("iss", "https://sso.h001.example"),
            ("keys", "keys.json"),
            ("audience", "casemeter"),
        )
    )
    hospital = ""
    if "hospital" in table:
        hospital = _text(table, "hospital", place, "H001", faults)
        if not is_name(hospital, MAX_NAME):
            faults.append(f"{place}: 'hospital' is no name of at most {MAX_NAME} characters")
    if keys:
        try:
            if not read_keys(folder / keys):
                faults.append(f"{place}: 'keys': {keys}: holds no key that signs tokens")
        except KeysError as error:
            faults.append(f"{place}: 'keys': {keys}: {error}")
    roles = _texts(table, "roles", place, '["physician"]', rights.common, faults)
    for role in sorted(roles):
        if hospital and rights.reaches_others(role):
            faults.append(
                f"{place}: 'roles' holds '{role}', which reaches other hospitals, but the issuer speaks for "
                f"'{hospital}' only; give this role by an issuer without 'hospital'"
            )
    jku = _texts(table, "jku", place, '["https://sso.h001.example/keys"]', frozenset(), faults)
    faults += [f"{place}: '{name}' is not known; known: {_KNOWN}" for name in table]
    return Issuer(iss, folder / keys, audience, hospital, roles, jku)


def _text(table: dict[str, Any], name: str, place: str, example: str, faults: list[str]) -> str:
    if name not in table:
        faults.append(f"{place}: '{name}' is missing; write text like \"{example}\"")
        return ""
    value: object = table.pop(name)
    if isinstance(value, str) and value:
        return value
    faults.append(f"{place}: '{name}' is {value!r}; write text like \"{example}\"")
    return ""


def _texts(
    table: dict[str, Any], name: str, place: str, example: str, plain: frozenset[str], faults: list[str]
) -> frozenset[str]:
    if name not in table:
        return plain
    value: object = table.pop(name)
    if isinstance(value, list) and value and all(isinstance(item, str) and item for item in value):
        return frozenset(value)
    faults.append(f"{place}: '{name}' is {value!r}; write a list like {example}")
    return plain
