"""Pairs of keys and tokens, for trying out and for issuers that have no program of their own."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


class Algorithm(StrEnum):
    """Algorithms that keys are made for."""

    EDDSA = "EdDSA"
    ES256 = "ES256"


_THUMBPRINT: Final = ("crv", "kty", "x", "y")


def new_key(algorithm: Algorithm) -> PrivateKey:
    """Make a private key."""
    if algorithm is Algorithm.EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1())


def to_pem(key: PrivateKey) -> bytes:
    """Return a private key as PEM, without a password."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def from_pem(data: bytes) -> PrivateKey:
    """Read a private key.

    Raises:
        ValueError: it is not a key that :func:`new_key` makes.
    """
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("is no private key in PEM without a password") from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ValueError("is neither an Ed25519 key nor one of the curve P-256")


def algorithm_of(key: PrivateKey) -> Algorithm:
    """Return what a key signs with."""
    return Algorithm.EDDSA if isinstance(key, ed25519.Ed25519PrivateKey) else Algorithm.ES256


def public_jwk(key: PrivateKey) -> dict[str, Any]:
    """Return the public part of a key as a JWK; its kid is its thumbprint (RFC 7638)."""
    public = key.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        text = OKPAlgorithm.to_jwk(public)
    else:
        text = ECAlgorithm.to_jwk(public)
    whole = json.loads(text)
    needed: dict[str, Any] = {name: whole[name] for name in _THUMBPRINT if name in whole}
    digest = hashlib.sha256(json.dumps(needed, separators=(",", ":"), sort_keys=True).encode()).digest()
    kid = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return {**needed, "alg": str(algorithm_of(key)), "kid": kid, "use": "sig"}


def make_token(key: PrivateKey, claims: Mapping[str, Any]) -> str:
    """Sign claims; the header names the key by its kid."""
    header = {"kid": public_jwk(key)["kid"]}
    return jwt.encode(dict(claims), key, algorithm=algorithm_of(key), headers=header)
