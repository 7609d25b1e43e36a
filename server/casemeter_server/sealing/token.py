"""A seal as text: a JSON Web Signature over what it says, signed and read."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.api_jws import PyJWS
from jwt.exceptions import InvalidTokenError

from casemeter_server.sealing.content import Content, Kind
from casemeter_server.sealing.keys import SealKey

ALGORITHM: Final = "ES256"
TYPE: Final = "casemeter-seal+jws"
"""Told in the header, so that no other token signed with the same key passes for a seal."""

MAX_TOKEN: Final = 64 << 10
"""Characters of the longest seal."""

_VERSION: Final = 1
_JWS: Final = PyJWS(algorithms=[ALGORITHM])


class Wrong(StrEnum):
    """Why a seal does not hold."""

    MALFORMED = "malformed"
    """The text is no seal."""
    UNKNOWN_KEY = "unknown_key"
    """It names a key that was not given."""
    SIGNATURE = "signature"
    """The signature is not that of the key over this text."""
    CONTENT = "content"
    """The page is another one."""
    HOSPITAL = "hospital"
    """It was sealed for another hospital."""


class SealError(ValueError):
    """A seal that does not hold.

    Attributes:
        wrong: why.
    """

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong)
        self.wrong = wrong


@dataclass(frozen=True, slots=True)
class SealedPack:
    """A pack that a page was checked with.

    Attributes:
        id: of the pack.
        version: of the pack.
        sha256: content hash of its bundle.
    """

    id: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Seal:
    """What a seal says. Of the patient it says the number of the stay and its group, and nothing else.

    Attributes:
        id: of the seal.
        at: when it was given, in whole seconds.
        hospital: for which it holds.
        encounter: the hospital's number of the stay; empty: the page has none.
        user: who checked the page; empty: nobody is named.
        role: of that user.
        content: of the page.
        group: that the page is in; empty: none.
        packs: that it was checked with: the one that groups, then those that price, measure and find.
        shadow_sha256: hash of the list of rules in shadow; empty: there is none.
        as_of: the moment that the check holds for, as RFC 3339 has it.
        state_hash: of the open encounter that was sealed; empty: the page was sent.
    """

    id: str
    at: datetime
    hospital: str
    encounter: str
    user: str
    role: str
    content: Content
    group: str
    packs: tuple[SealedPack, ...]
    shadow_sha256: str
    as_of: str
    state_hash: str = ""


def sign(seal: Seal, key: SealKey) -> str:
    """Return a seal as text."""
    claims = {
        "v": _VERSION,
        "jti": seal.id,
        "iat": int(seal.at.timestamp()),
        "hospital": seal.hospital,
        "encounter": seal.encounter,
        "user": seal.user,
        "role": seal.role,
        "page": {"kind": str(seal.content.kind), "sha256": seal.content.sha256},
        "group": seal.group,
        "packs": [asdict(pack) for pack in seal.packs],
        "shadow_sha256": seal.shadow_sha256,
        "as_of": seal.as_of,
        "state_hash": seal.state_hash,
    }
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
    return _JWS.encode(payload, key.private, ALGORITHM, {"kid": key.kid, "typ": TYPE})


def read_seal(token: str, keys: Mapping[str, ec.EllipticCurvePublicKey]) -> Seal:
    """Read a seal and check its signature. Seals do not expire: what was checked stays checked.

    Args:
        token: the seal.
        keys: public keys by their names.

    Raises:
        SealError: it is no seal, or not one of these keys.
    """
    header = _header(token)
    if header.get("typ") != TYPE:
        raise SealError(Wrong.MALFORMED)
    if header.get("alg") != ALGORITHM:  # the key decides how it signs, not whoever holds the token
        raise SealError(Wrong.SIGNATURE)
    kid = header.get("kid")
    if not isinstance(kid, str) or kid not in keys:
        raise SealError(Wrong.UNKNOWN_KEY)
    try:
        payload = _JWS.decode(token, keys[kid], algorithms=[ALGORITHM])
    except InvalidTokenError:
        raise SealError(Wrong.SIGNATURE) from None
    try:
        return _seal(json.loads(payload))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise SealError(Wrong.MALFORMED) from None


def _header(token: str) -> Mapping[str, Any]:
    """Return the header of a token whose three parts are written in the one way there is."""
    parts = token.split(".")
    if len(token) > MAX_TOKEN or len(parts) != 3 or not token.isascii():
        raise SealError(Wrong.MALFORMED)
    try:
        decoded = [base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True) for part in parts]
        header = json.loads(decoded[0])
    except (binascii.Error, ValueError, RecursionError):
        raise SealError(Wrong.MALFORMED) from None
    # The last character of a part has bits that say nothing: turned ones make another text of the same seal.
    again = [base64.urlsafe_b64encode(data).decode().rstrip("=") for data in decoded]
    if again != parts or not isinstance(header, dict):
        raise SealError(Wrong.MALFORMED)
    return header


def _seal(claims: Any) -> Seal:
    if claims["v"] != _VERSION:
        raise SealError(Wrong.MALFORMED)
    texts = ("hospital", "encounter", "user", "role", "group", "shadow_sha256", "as_of", "state_hash")
    return Seal(
        id=claims["jti"],
        at=datetime.fromtimestamp(claims["iat"], UTC),
        content=Content(Kind(claims["page"]["kind"]), claims["page"]["sha256"]),
        packs=tuple(SealedPack(**pack) for pack in claims["packs"]),
        **{name: claims[name] for name in texts},
    )
