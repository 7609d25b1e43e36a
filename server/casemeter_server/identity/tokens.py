"""Tokens: whether one was made by an issuer that is believed, for whom it was made, and until when."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jwt

from casemeter_server.identity.keys import ALGORITHMS, KeyFile, Keys
from casemeter_server.identity.refusals import refused
from casemeter_server.identity.settings import Identity, Issuer

MAX_TOKEN: Final = 8192
LEEWAY_S: Final = 30
"""How far an issuer's clock may be ahead. Expiry has none."""

_TYPES: Final = ("jwt", "at+jwt", "application/jwt", "application/at+jwt")
_MAX_SECONDS: Final = 1 << 53
_JWS: Final = jwt.PyJWS(algorithms=ALGORITHMS)
"""Knows no other algorithms: neither HMAC nor none."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that holds.

    Attributes:
        claims: what it says.
        issuer: who made it.
        expires: first second at which it holds no longer.
        keys: keys of the issuer by which it was verified; once there are others, it must be verified again.
    """

    claims: Mapping[str, Any] = field(repr=False)
    issuer: Issuer
    expires: float
    keys: Keys = field(repr=False)


class Verifier:
    """Verifies tokens of the issuers that are believed."""

    def __init__(
        self,
        identity: Identity,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the keys.

        Raises:
            KeysError: a key file cannot be used any more.
        """
        self._now = now
        self._issuers = {
            name: (issuer, KeyFile(issuer.keys, monotonic)) for name, issuer in identity.issuers.items()
        }

    def now(self) -> float:
        """Return the seconds since 1970."""
        return self._now()

    def current_keys(self, issuer: Issuer) -> Keys:
        """Return the keys of an issuer as they are now: the same object until they change."""
        return self._issuers[issuer.iss][1].current()

    def verify(self, token: str, audience: Collection[str] = (), required: Collection[str] = ()) -> Verified:
        """Verify a token.

        Args:
            token: as it came.
            audience: what it may be for; empty: the issuer's own.
            required: claims that it must have beside ``iss``, ``aud`` and ``exp``.

        Raises:
            RequestError: UNAUTHENTICATED, with the reason. It quotes nothing of the token.
        """
        if len(token) > MAX_TOKEN:
            raise refused("TOO_LONG", limit=MAX_TOKEN)
        header, claims = _read(token)
        iss = claims.get("iss")
        if not isinstance(iss, str) or iss not in self._issuers:
            raise refused("ISSUER")
        issuer, file = self._issuers[iss]
        keys = file.current()
        _check_signature(token, header, issuer, keys)
        for name in required:
            if claims.get(name) in (None, ""):
                raise refused("MISSING", name=name)
        expires = self._check_times(claims)
        _check_audience(claims, audience or (issuer.audience,))
        return Verified(claims, issuer, expires, keys)

    def _check_times(self, claims: Mapping[str, Any]) -> float:
        expires, now = _seconds(claims, "exp"), self._now()
        if expires is None:
            raise refused("MISSING", name="exp")
        for name in ("nbf", "iat"):
            begins = _seconds(claims, name)
            if begins is not None and begins > now + LEEWAY_S:
                raise refused("NOT_YET", limit=LEEWAY_S)
        if now >= expires:
            raise refused("EXPIRED")
        return expires


def _read(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Take a token apart. Nothing in it is believed yet."""
    try:
        parts = _JWS.decode_complete(token, options={"verify_signature": False})
        claims: object = json.loads(parts["payload"])
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise refused("MALFORMED") from None
    if not isinstance(claims, dict):
        raise refused("MALFORMED")
    return parts["header"], claims


def _check_signature(token: str, header: Mapping[str, Any], issuer: Issuer, keys: Keys) -> None:
    kind, address, kid = header.get("typ", "JWT"), header.get("jku"), header.get("kid")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise refused("TYPE")
    if address is not None and not (isinstance(address, str) and address in issuer.jku):
        raise refused("KEY_ADDRESS")
    if not isinstance(kid, str) or not kid:
        raise refused("NO_KEY_ID")
    key = keys.get(kid)
    if key is None:
        raise refused("UNKNOWN_KEY")
    if header.get("alg") not in key.algorithms:
        raise refused("ALGORITHM")
    try:
        _JWS.decode_complete(token, key.public, algorithms=key.algorithms)
    except jwt.PyJWTError:
        raise refused("SIGNATURE") from None


def _check_audience(claims: Mapping[str, Any], audience: Collection[str]) -> None:
    named = claims.get("aud")
    if named is None:
        raise refused("MISSING", name="aud")
    listed = named if isinstance(named, list) else [named]
    if not all(isinstance(one, str) for one in listed):
        raise refused("CLAIM", name="aud")
    if not set(listed) & set(audience):
        raise refused("AUDIENCE")


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a claim that is a moment; ``None``: it is not there."""
    value = claims.get(name)
    if value is None:
        return None
    # NaN, which Python reads in JSON, is between no two numbers.
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _MAX_SECONDS:
        raise refused("CLAIM", name=name)
    return value
